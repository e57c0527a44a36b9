/* One to a few tokens against packed weights with exact integer sums (VNNI). A token's values are split, group by group, into three planes
   of signed bytes, x = step * (h * 2^14 + m * 2^7 + l), 22 bits relative to the largest of the group; weights stay unsigned bytes, and the
   sum of every register is exact in int32 (8-bit weights reach 2130804480 < 2^31). The error is about 1e-6 of the result's norm. */
#ifndef CPU_MATMUL_PLANES_H
#define CPU_MATMUL_PLANES_H

#include "cpu/matmul/lines.h"

/* Bytes of one prepared token of k values; a multiple of 64. */
int64_t planes_bytes(const quantized_lines *lines, int64_t k);

/* Prepares x [k] for lines of this format. False if the planes cannot hold it: infinities, NaN, or groups below 1e-20 but not zero. */
bool planes_prepare(const quantized_lines *lines, const float *x, int64_t k, void *prepared);

/* out[t * out_stride + line] for lines [begin, end) and any number of tokens, prepared one after the other, planes_bytes apart; tokens
   whose `skip` is set are left out. */
typedef struct {
    const quantized_lines *lines;
    int64_t k;
    int64_t tokens;
    const char *prepared;
    const bool *skip;
    void *out;
    matmul_dtype out_dtype;
    int64_t out_stride;
} planes_product;
void planes_multiply(const planes_product *product, int64_t begin, int64_t end);

#endif
