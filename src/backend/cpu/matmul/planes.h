/* One to a few tokens against packed weights with integer sums that are exact. A token's values are split, group by
   group, into planes of small signed integers relative to the largest of the group; weights stay unsigned, and the sum
   of every register is exact in int32:

     three planes of bytes   x = step * (h * 2^14 + m * 2^7 + l)    22 bits
     two planes of bytes     x = step * (h * 2^8 + l)               16 bits
     one plane of words      x = step * w                           16 bits
     two planes of words     x = step * (h * 2^15 + l)              24 bits (float32 holds no more)

   What a result loses is the rounding of x: at most step / 2 a value, step being the largest magnitude of the value's
   group divided by 2^21, 2^15 or 2^24, times the weight. For values of one size that is 1e-6 of the result's norm, 2e-5
   with 16 bits, which serve half types only: their own rounding is 4e-3 and 5e-4 of each value. */
#ifndef CPU_MATMUL_PLANES_H
#define CPU_MATMUL_PLANES_H

#include "cpu/matmul/lines.h"

enum { PLANES_TOKENS = 4, PLANES_TABLES = 5 };

/* What a kernel multiplies: up to four prepared tokens, and how packed values are spread (each instruction set's own
 * tables). */
typedef struct {
    _Alignas(64) uint8_t tables[PLANES_TABLES][64];
    int64_t k;
    int bits;
    matmul_dtype scale_dtype;
    const void *planes[PLANES_TOKENS];
    const float *steps[PLANES_TOKENS],
        *sums[PLANES_TOKENS]; /* for each group: step, and the sum of the rounded values */
} planes_pass;

/* Two lines in flight. */
typedef struct {
    const uint8_t *packed[2];
    const char *scales[2], *biases[2];
} planes_pair;

/* out[l][t] for both lines and the tokens of a pass. */
typedef void planes_kernel(const planes_pass *pass, const planes_pair *pair, float (*out)[PLANES_TOKENS]);

/* One way to split and multiply. */
typedef struct {
    int value_bytes; /* of all planes of a value */
    /* Splits x [k] into planes, steps and sums, which are zero before. False if the planes cannot hold it: infinities,
       NaN, or groups below 1e-20 but not zero. */
    bool (*split)(const quantized_lines *lines, const float *x, int64_t k, void *planes, float *steps, float *sums);
    void (*set_tables)(planes_pass *pass);
    planes_kernel *(*find)(const quantized_lines *lines, int tokens); /* 1, 2 or 4 tokens */
} planes_format;

extern const planes_format planes_avx2_words, planes_avx2_two_words, planes_avx2_bytes;
extern const planes_format planes_avxvnni_words, planes_avxvnni_two_words, planes_avxvnni_bytes;
extern const planes_format planes_avx512vnni_bytes, planes_avx512vnni_two_bytes;
extern const planes_format planes_avx512vbmi_bytes, planes_avx512vbmi_two_bytes;

/* Bytes of one prepared token of k values; a multiple of 64. */
int64_t planes_bytes(const planes_format *format, const quantized_lines *lines, int64_t k);
bool planes_prepare(const planes_format *format, const quantized_lines *lines, const float *x, int64_t k,
                    void *prepared);

/* out[t * out_stride + line] for lines [begin, end) and any number of tokens, prepared one after the other,
   planes_bytes apart; tokens whose `skip` is set are left out. */
typedef struct {
    const planes_format *format;
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
