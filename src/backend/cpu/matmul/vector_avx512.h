/* The vector words of the templates for AVX-512 (F, BW, VL, DQ): sixteen floats. */
#ifndef CPU_MATMUL_VECTOR_H
#define CPU_MATMUL_VECTOR_H

#include <immintrin.h>

#include "cpu/matmul/inline.h"
#include "cpu/matmul/lines.h"

enum { WIDTH = 16 };
typedef __m512 vec;

INLINE vec v_zero(void) {
    return _mm512_setzero_ps();
}
INLINE vec v_set1(float x) {
    return _mm512_set1_ps(x);
}
INLINE vec v_load(const float *p) {
    return _mm512_loadu_ps(p);
}
INLINE void v_store(float *p, vec v) {
    _mm512_storeu_ps(p, v);
}
INLINE __mmask16 v_first(int count) {
    return (__mmask16)((1u << count) - 1);
}
INLINE vec v_load_first(const float *p, int count) {
    return _mm512_maskz_loadu_ps(v_first(count), p);
}
INLINE void v_store_first(float *p, vec v, int count) {
    _mm512_mask_storeu_ps(p, v_first(count), v);
}
INLINE vec v_add(vec a, vec b) {
    return _mm512_add_ps(a, b);
}
INLINE vec v_fma(vec a, vec b, vec c) {
    return _mm512_fmadd_ps(a, b, c);
}
INLINE float s_fma(float a, float b, float c) {
    return __builtin_fmaf(a, b, c);
}
INLINE float v_sum(vec v) {
    return _mm512_reduce_add_ps(v);
}
INLINE vec v_load_half(matmul_dtype dtype, const void *p) {
    __m256i h = _mm256_loadu_si256((const __m256i *)p);
    if (dtype == MATMUL_F16) return _mm512_cvtph_ps(h);
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}

/* Words whose upper halves are the bf16: to nearest even by adding; NaN gets its quiet bit. */
INLINE __m512i v_bf16_words(vec v) {
    __m512i u = _mm512_castps_si512(v), rounded = _mm512_add_epi32(u, _mm512_set1_epi32(0x7fff));
    __mmask16 odd = _mm512_test_epi32_mask(u, _mm512_set1_epi32(0x10000));
    rounded = _mm512_mask_add_epi32(rounded, odd, rounded, _mm512_set1_epi32(1));
    return _mm512_mask_or_epi32(rounded, _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q), u, _mm512_set1_epi32(0x400000));
}
INLINE __m256i v_round_bf16(vec v) {
    return _mm512_cvtepi32_epi16(_mm512_srli_epi32(v_bf16_words(v), 16));
}
INLINE void v_store_half(matmul_dtype dtype, void *p, vec v) {
    __m256i h = dtype == MATMUL_F16 ? _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT) : v_round_bf16(v);
    _mm256_storeu_si256((__m256i *)p, h);
}

/* Words of two numbers of 16 bits, the first below the second. */
INLINE vec v_pair(matmul_dtype dtype, vec first, vec second) {
    if (dtype == MATMUL_BF16)
        return _mm512_castsi512_ps(
            _mm512_mask_mov_epi16(_mm512_srli_epi32(v_bf16_words(first), 16), 0xaaaaaaaa, v_bf16_words(second)));
    __m512i low = _mm512_cvtepu16_epi32(_mm512_cvtps_ph(first, _MM_FROUND_TO_NEAREST_INT)),
            high = _mm512_cvtepu16_epi32(_mm512_cvtps_ph(second, _MM_FROUND_TO_NEAREST_INT));
    return _mm512_castsi512_ps(_mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
}

/* Values begin .. begin + 15 of a bit stream as f32; begin is a multiple of 16. Each lane takes the two 16-bit words
 * its value may lie in.
 */
INLINE vec v_unpack(const uint8_t *stream, int64_t begin, int bits) {
    const uint8_t *p = stream + begin * bits / 8;
    if (bits == 8) return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)));
    __m512i bit = _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                                     _mm512_set1_epi32(bits));
    __m512i word = _mm512_srli_epi32(bit, 4);
    __m512i pair = _mm512_or_si512(word, _mm512_slli_epi32(_mm512_add_epi32(word, _mm512_set1_epi32(1)), 16));
    __m512i bytes = _mm512_castsi128_si512(_mm_maskz_loadu_epi8((__mmask16)((1u << 2 * bits) - 1), p));
    __m512i lanes =
        _mm512_srlv_epi32(_mm512_permutexvar_epi16(pair, bytes), _mm512_and_si512(bit, _mm512_set1_epi32(15)));
    return _mm512_cvtepi32_ps(_mm512_and_si512(lanes, _mm512_set1_epi32((1 << bits) - 1)));
}

/* 4-bit values begin .. begin + 15 of a stream, each looked up in a table of sixteen. */
#define HAS_LOOKUP
INLINE vec v_lookup(const uint8_t *stream, int64_t begin, vec table) {
    int half[2];
    memcpy(half, stream + begin / 2, sizeof half);
    __m512i lanes = _mm512_mask_set1_epi32(_mm512_set1_epi32(half[0]), 0xff00, half[1]);
    __m512i places =
        _mm512_srlv_epi32(lanes, _mm512_setr_epi32(0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, 20, 24, 28));
    return _mm512_permutexvar_ps(places, table);
}
INLINE vec v_count(void) {
    return _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}

INLINE void v_transpose(const float *source, int64_t stride, float *out, int64_t out_stride) {
    vec r[16], t[16];
    UNROLL(16)
    for (int i = 0; i < 16; i++) r[i] = v_load(source + i * stride);
    UNROLL(8)
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    UNROLL(4)
    for (int i = 0; i < 16; i += 4) { /* r[i + j]: column j of each 128-bit lane, rows i .. i + 3 */
        r[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
        r[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    UNROLL(4)
    for (int j = 0; j < 4; j++) {
        vec a = _mm512_shuffle_f32x4(r[j], r[j + 4], 0x88), b = _mm512_shuffle_f32x4(r[j], r[j + 4], 0xdd);
        vec c = _mm512_shuffle_f32x4(r[j + 8], r[j + 12], 0x88), d = _mm512_shuffle_f32x4(r[j + 8], r[j + 12], 0xdd);
        v_store(out + j * out_stride, _mm512_shuffle_f32x4(a, c, 0x88));
        v_store(out + (j + 8) * out_stride, _mm512_shuffle_f32x4(a, c, 0xdd));
        v_store(out + (j + 4) * out_stride, _mm512_shuffle_f32x4(b, d, 0x88));
        v_store(out + (j + 12) * out_stride, _mm512_shuffle_f32x4(b, d, 0xdd));
    }
}

#endif
