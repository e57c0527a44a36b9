/* One packed line against f32 tokens where there are no planes: sums of a group at a time. */
#include "cpu/matmul/affine.h"
#include "cpu/matmul/vector_baseline.h"

enum { NEAR = 1024, FAR = 3072 }; /* bytes ahead */

INLINE void dot_bits(const quantized_lines *q, int64_t line, int64_t k, const float *const *x, const float *const *sums,
                     float *out, int bits, int tokens) {
    const uint8_t *stream = q->packed + line * q->packed_stride;
    int64_t first = line * q->group_stride, next_line = 0;
    vec total[4];
    float offset[4] = {0};
    for (int t = 0; t < tokens; t++) total[t] = v_zero();
    for (int64_t g = 0; g * q->group < k; g++) {
        vec part[4];
        for (int t = 0; t < tokens; t++) part[t] = v_zero();
        for (int64_t i = g * q->group; i < (g + 1) * q->group; i += WIDTH) {
            if (i * bits / 8 >= next_line) { /* once a line of the cache */
                PREFETCH(stream + next_line + NEAR);
                PREFETCH(stream + next_line + FAR);
                next_line += 64;
            }
            vec w = v_unpack(stream, i, bits);
            for (int t = 0; t < tokens; t++) part[t] = v_fma(w, v_load(x[t] + i), part[t]);
        }
        vec scale = v_set1(load_as_float(q->scale_dtype, q->scales, first + g));
        float bias = load_as_float(q->scale_dtype, q->biases, first + g);
        for (int t = 0; t < tokens; t++) {
            total[t] = v_fma(part[t], scale, total[t]);
            offset[t] = s_fma(bias, sums[t][g], offset[t]);
        }
    }
    for (int t = 0; t < tokens; t++) out[t] = v_sum(total[t]) + offset[t];
}

INLINE void dot_tokens(const quantized_lines *q, int64_t line, int64_t k, int tokens, const float *const *x,
                       const float *const *sums, float *out, int bits) {
    switch (tokens) {
    case 1:
        dot_bits(q, line, k, x, sums, out, bits, 1);
        break;
    case 2:
        dot_bits(q, line, k, x, sums, out, bits, 2);
        break;
    case 3:
        dot_bits(q, line, k, x, sums, out, bits, 3);
        break;
    default:
        dot_bits(q, line, k, x, sums, out, bits, 4);
    }
}

void matmul_dot_baseline(const quantized_lines *q, int64_t line, int64_t k, int tokens, const float *const *x,
                         const float *const *sums, float *out) {
    switch (q->bits) {
    case 2:
        dot_tokens(q, line, k, tokens, x, sums, out, 2);
        break;
    case 3:
        dot_tokens(q, line, k, tokens, x, sums, out, 3);
        break;
    case 4:
        dot_tokens(q, line, k, tokens, x, sums, out, 4);
        break;
    case 5:
        dot_tokens(q, line, k, tokens, x, sums, out, 5);
        break;
    case 6:
        dot_tokens(q, line, k, tokens, x, sums, out, 6);
        break;
    default:
        dot_tokens(q, line, k, tokens, x, sums, out, 8);
    }
}
