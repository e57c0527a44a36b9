/* A fused group printed as a CUDA kernel. */
#ifndef CUDA_ELEMENTWISE_PRINT_H
#define CUDA_ELEMENTWISE_PRINT_H

#include "backend/call.h"

/* The operands of a group seen through as few axes as say the same. Strides of inputs, in elements; outputs are dense.
   Bits of singles: inputs that are one number for all elements. */
typedef struct {
    int ndim;
    unsigned singles;
    int64_t n, shape[TARN_MAX_NDIM], strides[GROUP_MAX_INPUTS][TARN_MAX_NDIM];
} group_axes;

void group_axes_of(const call *c, group_axes *axes);

/* How many elements a thread computes: 8 of halves, 4 where anything is wider. */
int group_width(const call *c);

/* The source of the kernel `group`, for blocks of 256 threads; it takes one struct: inputs, outputs that are read, n,
   shape, strides (of axes that it does not know). wide: a thread's elements lie side by side in every operand, at a
   multiple of their bytes together up to 16, or one stands for all of them; else they are a block apart. */
bool group_print(const call *c, const group_axes *axes, bool wide, text *out);

#endif
