/* Products with packed floats of few bits (mxfp4, mxfp8, nvfp4): weights become float32 on their way to the product, a
   line or a block at a time. */
#ifndef CPU_MATMUL_FLOATS_H
#define CPU_MATMUL_FLOATS_H

#include "cpu/matmul/tokens.h"

/* Value j of a line is an element (4 bits: E2M1, 8 bits: E4M3) by the scale of its group (E8M0, or E4M3 times factor).
   Pointers need the alignment of a byte only. */
typedef struct {
    const uint8_t *packed, *scales;
    int bits, group;
    bool powers; /* scales are E8M0 */
    float factor;
    int64_t packed_stride, scale_stride; /* bytes from line to line */
} float_lines;

/* Values [begin, begin + count) of one line; begin and count are multiples of 16. */
typedef void float_reader(const float_lines *lines, int64_t line, int64_t begin, int64_t count, float *out);
float_reader float_lines_read, float_lines_read_avx512;
/* out[t] (t < tokens <= 4) = sum over k of line(k) * x[t][k], the tokens in the order that float_token_order leaves;
   scales: room for those of a line and 16 more. */
void float_lines_dot_avx512(const float_lines *lines, int64_t line, int64_t depth, int tokens, const float *const *x,
                            float *scales, float *out);
void float_token_order_avx512(const float_lines *lines, int64_t depth, float *x);
float float_lines_scale(const float_lines *lines, int64_t line, int64_t group);

typedef struct {
    token_product base;
    float_lines weights;
} float_problem;

/* The weights of an op, of this mode (QUANT_mxfp4, QUANT_mxfp8, QUANT_nvfp4). */
float_lines float_lines_of(const operand *packed, const operand *scales, int64_t mode, int bits, int group);

int64_t float_workspace(const float_problem *problem);
void float_run(const float_problem *problem, void *workspace);

extern const kernel_row matmul_floats_row;

#endif
