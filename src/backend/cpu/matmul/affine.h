/* Products with packed affine weights: which kernel serves which number of tokens. */
#ifndef CPU_MATMUL_AFFINE_H
#define CPU_MATMUL_AFFINE_H

#include "cpu/matmul/gemm.h"

/* out[t * out_stride + n] = sum over k of x(t, k) * w(n, k). turned = false: line n of the weights holds w(n, .); true:
   line k holds w(., k). columns (n) and depth (k) are multiples of 32 along a line. Any number of tokens. */
typedef struct {
    matmul_operand x; /* element (t, k) */
    quantized_lines weights;
    bool turned;
    int64_t tokens, columns, depth;
    void *out;
    matmul_dtype out_dtype;
    int64_t out_stride;
} affine_problem;

/* out[t] (t < tokens <= 4) = sum over groups of scale * sum(q * x[t][k]) + bias * sums[t][group]: one line against f32
   tokens. k is a multiple of the group. */
void matmul_dot_baseline(const quantized_lines *lines, int64_t line, int64_t k, int tokens, const float *const *x,
                         const float *const *sums, float *out);

int64_t affine_workspace(const affine_problem *problem);
void affine_run(const affine_problem *problem, void *workspace);

#endif
