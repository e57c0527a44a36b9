/* Products of many rows of x with weights [n, k] by warpgroups (compute capability 9.0). */
#ifndef CUDA_MATMUL_ROWS_H
#define CUDA_MATMUL_ROWS_H

#include "cuda/kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Half types, rows so many elements apart; n (of a gate, n / 2), k and steps multiples of 8, all addresses of 16 bytes.
   gated: [m, n / 2], silu(first half of each row) * second half; either may be NULL: not wanted. early: nothing that
   the stream was given before writes the weight. */
typedef struct {
    void *to; /* [m, n] */
    const void *x, *weight;
    void *gated;
    int dtype, early;
    int64_t m, n, k, x_step, weight_step;
    int turns_down; /* the launcher's: pairs of blocks that x has */
} dense_rows_kernel;
/* Whether it is faster than a library's, on the device at hand; the same for a gate and for none. */
bool dense_rows_pay(const dense_rows_kernel *k);
bool launch_dense_rows(const dense_rows_kernel *k, kernel_stream stream); /* false: the driver refuses */

#ifdef __cplusplus
}
#endif

#endif
