/* Products with packed affine weights: which kernel serves which number of tokens. */
#ifndef CPU_MATMUL_AFFINE_H
#define CPU_MATMUL_AFFINE_H

#include "cpu/matmul/tokens.h"

/* Any number of tokens; columns and depth are multiples of 32 along a line. */
typedef struct {
    token_product base;
    quantized_lines weights;
} affine_problem;

/* The weights of an op: scales and biases have the same strides. */
quantized_lines affine_lines_of(const operand *packed, const operand *scales, const operand *biases, int bits,
                                int group);

/* out[t] (t < tokens <= 4) = sum over groups of scale * sum(q * x[t][k]) + bias * sums[t][group]: one line against f32
   tokens. k is a multiple of the group. */
void matmul_dot_baseline(const quantized_lines *lines, int64_t line, int64_t k, int tokens, const float *const *x,
                         const float *const *sums, float *out);

int64_t affine_workspace(const affine_problem *problem);
void affine_run(const affine_problem *problem, void *workspace);

#endif
