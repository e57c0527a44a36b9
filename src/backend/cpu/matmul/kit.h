/* The small tools that every product is built from, once per instruction set. All counts may be zero or odd; pointers
 * are unaligned. */
#ifndef CPU_MATMUL_KIT_H
#define CPU_MATMUL_KIT_H

#include "base/cpu.h"
#include "cpu/matmul/lines.h"

enum { MATMUL_TURNED = 16 };

typedef struct {
    /* out[l * out_stride + i] = source[l * stride + i] as f32, l < lines, i < count. */
    void (*widen)(matmul_dtype dtype, const void *source, int64_t stride, int64_t lines, int64_t count, float *out,
                  int64_t out_stride);
    /* out[i] = source[i] rounded once to dtype. */
    void (*narrow)(matmul_dtype dtype, const float *source, int64_t count, void *out);
    /* out[c * out_stride + l] = source[l * stride + c], l < lines, c < count; strides in floats. */
    void (*transpose)(const float *source, int64_t stride, int64_t lines, int64_t count, float *out,
                      int64_t out_stride);
    /* Rounds MATMUL_TURNED columns once to numbers of 16 bits and turns them, out[c * out_stride + l] being
       source[l * stride + c]. Returns how many of the lines whole vectors take, the rest is left; none for other
       dtypes. */
    int64_t (*narrow_turned)(matmul_dtype dtype, const float *source, int64_t stride, int64_t lines, uint16_t *out,
                             int64_t out_stride);
    /* Values [begin, begin + count) of one line as f32 = scale * q + bias; begin and count are multiples of 32. */
    void (*dequantize)(const quantized_lines *lines, int64_t line, int64_t begin, int64_t count, float *out);
    /* out[t] (t < tokens <= 4) = sum over k of line[k] * x[t][k]. */
    void (*dot)(matmul_dtype dtype, const void *line, int64_t k, int tokens, const float *const *x, float *out);
    /* Two lines at once, which keeps two streams of memory in flight: out[t] for the first, out[4 + t] for the second.
     */
    void (*dot_pair)(matmul_dtype dtype, const void *first, const void *second, int64_t k, int tokens,
                     const float *const *x, float *out);
    /* sums[t][i] += sum over four lines l of x[t][l] * line_l[i], i < count: x[t] has four values. Lines are `stride`
     * elements apart. */
    void (*add_lines)(matmul_dtype dtype, const void *lines, int64_t stride, int line_count, int64_t count, int tokens,
                      const float *const *x, float *const *sums);
} matmul_kit;

extern const matmul_kit matmul_kit_baseline, matmul_kit_avx2, matmul_kit_avx512;

static inline const matmul_kit *matmul_kit_in_use(void) {
    return cpu_has(CPU_AVX512) ? &matmul_kit_avx512 : cpu_has(CPU_AVX2) ? &matmul_kit_avx2 : &matmul_kit_baseline;
}

#endif
