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
    ROW(reduce)                                                                                                        \
    ROW(arg_reduce)                                                                                                    \
    ROW(sort)                                                                                                          \
    ROW(argsort)                                                                                                       \
    ROW(scan)                                                                                                          \
    ROW(searchsorted)                                                                                                  \
    ROW(to_fp8)                                                                                                        \
    ROW(from_fp8)                                                                                                      \
    ROW(conv)                                                                                                          \
    ROW(softmax)                                                                                                       \
    ROW(rms_norm)                                                                                                      \
    ROW(rope)                                                                                                          \
    ROW(attention)                                                                                                     \
    ROW(matmul_vector)                                                                                                 \
    ROW(matmul)                                                                                                        \
    ROW(matmul_any)                                                                                                    \
    ROW(dequantize)                                                                                                    \
    ROW(quantized_matmul)

#define DECLARE(name) extern const kernel_row cuda_##name;
CUDA_ROWS(DECLARE)
#undef DECLARE

#endif
