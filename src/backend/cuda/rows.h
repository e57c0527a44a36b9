/* The kernel rows, those of an op one after the other, best first. */
#ifndef CUDA_ROWS_H
#define CUDA_ROWS_H

#include "backend/call.h"

#define CUDA_ROWS(ROW)                                                                                                 \
    ROW(group)                                                                                                         \
    ROW(contiguous)                                                                                                    \
    ROW(concatenate)                                                                                                   \
    ROW(slice_update)                                                                                                  \
    ROW(slice_array)                                                                                                   \
    ROW(arange)                                                                                                        \
    ROW(random_bits)                                                                                                   \
    ROW(gather)                                                                                                        \
    ROW(scatter)                                                                                                       \
    ROW(nonzero)                                                                                                       \
    ROW(checked_indices)                                                                                               \
    ROW(reduce)                                                                                                        \
    ROW(arg_reduce)                                                                                                    \
    ROW(logsumexp)                                                                                                     \
    ROW(sort)                                                                                                          \
    ROW(argsort)                                                                                                       \
    ROW(scan)                                                                                                          \
    ROW(searchsorted)                                                                                                  \
    ROW(to_fp8)                                                                                                        \
    ROW(from_fp8)                                                                                                      \
    ROW(conv)                                                                                                          \
    ROW(softmax)                                                                                                       \
    ROW(rms_norm)                                                                                                      \
    ROW(layer_norm)                                                                                                    \
    ROW(softmax_gradient)                                                                                              \
    ROW(rms_norm_gradient)                                                                                             \
    ROW(layer_norm_gradient)                                                                                           \
    ROW(rope)                                                                                                          \
    ROW(attention)                                                                                                     \
    ROW(attention_gradient)                                                                                            \
    ROW(matmul_vector)                                                                                                 \
    ROW(matmul)                                                                                                        \
    ROW(matmul_any)                                                                                                    \
    ROW(dequantize)                                                                                                    \
    ROW(dequantize_coded)                                                                                              \
    ROW(quantized_matmul)                                                                                              \
    ROW(quantized_matmul_coded)                                                                                        \
    ROW(quantize)                                                                                                      \
    ROW(fft)                                                                                                           \
    ROW(linalg_lu_factor)                                                                                              \
    ROW(linalg_qr)                                                                                                     \
    ROW(linalg_svd)                                                                                                    \
    ROW(linalg_cholesky)                                                                                               \
    ROW(linalg_eigh)                                                                                                   \
    ROW(linalg_eig)                                                                                                    \
    ROW(linalg_solve)                                                                                                  \
    ROW(linalg_solve_triangular)                                                                                       \
    ROW(device_kernel)                                                                                                 \
    ROW(device_kernel_strided)

#define DECLARE(name) extern const kernel_row cuda_##name;
CUDA_ROWS(DECLARE)
#undef DECLARE

#endif
