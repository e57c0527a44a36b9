/* A fused group printed as a CUDA kernel. */
#ifndef CUDA_ELEMENTWISE_PRINT_H
#define CUDA_ELEMENTWISE_PRINT_H

#include "backend/call.h"

/* The operands of a group seen through as few axes as say the same. Strides of inputs, in elements; outputs are dense.
 */
typedef struct {
    int ndim;
    int64_t n, shape[TARN_MAX_NDIM], strides[GROUP_MAX_INPUTS][TARN_MAX_NDIM];
} group_axes;

void group_axes_of(const call *c, group_axes *axes);

/* How many elements a thread computes: 8 of halves, 4 where anything is wider. */
int group_width(const call *c);

/* The source of the kernel `group`, for blocks of 256 threads; it takes one struct: inputs, outputs that are read, n,
   shape, strides (of axes that it does not know), and whether a thread's elements lie side by side in every operand, so
   that they can be read and written at once. */
bool group_print(const call *c, const group_axes *axes, text *out);

#endif
