/* Packed floats read with AVX-512: a table of sixteen for E2M1; E4M3 as half floats, whose exponent is 8 higher. */
#include "cpu/matmul/floats.h"

#include "cpu/matmul/vector_avx512.h"

INLINE vec sixteen_bytes(const uint8_t *p) {
    __m256i b = _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)p));
    __m256i magnitude = _mm256_slli_epi16(_mm256_and_si256(b, _mm256_set1_epi16(127)), 7),
            sign = _mm256_slli_epi16(_mm256_and_si256(b, _mm256_set1_epi16(128)), 8);
    __mmask16 none = _mm256_cmpeq_epi16_mask(magnitude, _mm256_set1_epi16(127 << 7)); /* NaN */
    return _mm512_cvtph_ps(_mm256_mask_mov_epi16(_mm256_or_si256(magnitude, sign), none, _mm256_set1_epi16(0x7e00)));
}

void float_lines_read_avx512(const float_lines *q, int64_t line, int64_t begin, int64_t count, float *out) {
    const vec values = _mm512_setr_ps(0, 0.5F, 1, 1.5F, 2, 3, 4, 6, -0.0F, -0.5F, -1, -1.5F, -2, -3, -4, -6);
    const uint8_t *stream = q->packed + line * q->packed_stride;
    for (int64_t i = begin; i < begin + count;) {
        int64_t group = i / q->group, end = (group + 1) * q->group;
        if (end > begin + count) end = begin + count;
        float s = float_lines_scale(q, line, group);
        vec scale = v_set1(q->bits == 4 ? s : s * 256), table = _mm512_mul_ps(values, scale);
        for (; i < end; i += WIDTH, out += WIDTH)
            v_store(out, q->bits == 4 ? v_lookup(stream, i, table) : _mm512_mul_ps(sixteen_bytes(stream + i), scale));
    }
}

/* ---- a line by a few tokens */

/* The scales of a line, and zeros up to a multiple of 16. */
static void read_scales(const float_lines *q, int64_t line, int64_t groups, float *out) {
    const uint8_t *scales = q->scales + line * q->scale_stride;
    for (int64_t g = 0; g < groups; g += WIDTH) {
        __mmask16 mask = (__mmask16)(groups - g >= WIDTH ? 0xffff : (1u << (groups - g)) - 1);
        __m128i s = _mm_maskz_loadu_epi8(mask, scales + g);
        uint8_t some[WIDTH];
        _mm_storeu_si128((__m128i *)some, s);
        vec v = _mm512_mul_ps(sixteen_bytes(some), _mm512_set1_ps(256 * q->factor));
        if (q->powers) { /* 2^-127 is not normal */
            __m512i bits = _mm512_slli_epi32(_mm512_cvtepu8_epi32(s), 23);
            v = _mm512_castsi512_ps(_mm512_max_epu32(bits, _mm512_set1_epi32(1 << 22)));
        }
        v_store(out + g, _mm512_maskz_mov_ps(mask, v));
    }
}

enum { STEP = 32, NEAR = 1024, FAR = 3072 }; /* values; bytes ahead */

/* The scales of the two vectors of a step, alike unless groups are of 16: then the halves of each. */
INLINE vec step_scales(const float *scales, int64_t k, int group) {
    if (group == STEP) return v_set1(scales[k / STEP]);
    double two;
    memcpy(&two, scales + k / (STEP / 2), sizeof two);
    vec both = _mm512_castpd_ps(_mm512_set1_pd(two));
    return _mm512_permutexvar_ps(_mm512_setr_epi32(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1), both);
}

INLINE void dot_line(const uint8_t *p, int64_t depth, const float *const *x, const float *scales, float *out, int bits,
                     int group, int tokens) {
    const vec values = _mm512_setr_ps(0, 0.5F, 1, 1.5F, 2, 3, 4, 6, -0.0F, -0.5F, -1, -1.5F, -2, -3, -4, -6);
    vec total[4] = {v_zero(), v_zero(), v_zero(), v_zero()};
    for (int64_t k = 0; k < depth; k += STEP, p += STEP * bits / 8) {
        vec first, second, scale = step_scales(scales, k, group);
        PREFETCH(p + NEAR);
        PREFETCH(p + FAR);
        if (bits == 4) { /* even values, then odd ones */
            __m512i b = _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(depth - k >= STEP ? 0xffff : 0xff, p));
            first = _mm512_permutexvar_ps(b, values);
            second = _mm512_permutexvar_ps(_mm512_srli_epi32(b, 4), values);
        } else {
            first = sixteen_bytes(p);
            second = sixteen_bytes(p + WIDTH);
        }
        UNROLL(4)
        for (int t = 0; t < tokens; t++) {
            vec sum = v_fma(second, v_load(x[t] + k + WIDTH), _mm512_mul_ps(first, v_load(x[t] + k)));
            total[t] = v_fma(sum, scale, total[t]);
        }
    }
    float unit = bits == 4 ? 1 : 256; /* of sixteen_bytes */
    for (int t = 0; t < tokens; t++) out[t] = v_sum(total[t]) * unit;
}

#define EACH_TOKENS(bits, group)                                                                                       \
    switch (tokens) {                                                                                                  \
    case 1:                                                                                                            \
        dot_line(p, depth, x, scales, out, bits, group, 1);                                                            \
        break;                                                                                                         \
    case 2:                                                                                                            \
        dot_line(p, depth, x, scales, out, bits, group, 2);                                                            \
        break;                                                                                                         \
    case 3:                                                                                                            \
        dot_line(p, depth, x, scales, out, bits, group, 3);                                                            \
        break;                                                                                                         \
    default:                                                                                                           \
        dot_line(p, depth, x, scales, out, bits, group, 4);                                                            \
    }

void float_lines_dot_avx512(const float_lines *q, int64_t line, int64_t depth, int tokens, const float *const *x,
                            float *scales, float *out) {
    const uint8_t *p = q->packed + line * q->packed_stride;
    read_scales(q, line, (depth + q->group - 1) / q->group, scales);
    if (q->bits == 8) {
        EACH_TOKENS(8, STEP)
    } else if (q->group == STEP) {
        EACH_TOKENS(4, STEP)
    } else {
        EACH_TOKENS(4, STEP / 2)
    }
}

/* Values of a token as dot_line meets them, up to a multiple of 32 with zeros. */
void float_token_order_avx512(const float_lines *q, int64_t depth, float *x) {
    for (int64_t k = 0; k < depth; k += STEP) {
        float step[STEP];
        for (int i = 0; i < STEP; i++) step[i] = k + i < depth ? x[k + i] : 0;
        for (int i = 0; i < STEP; i++) x[k + i] = q->bits == 4 ? step[i % WIDTH * 2 + i / WIDTH] : step[i];
    }
}
