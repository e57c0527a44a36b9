/* The vector words of the templates for AVX2, FMA and F16C: eight floats. */
#ifndef CPU_MATMUL_VECTOR_H
#define CPU_MATMUL_VECTOR_H

#include <immintrin.h>

#include "cpu/matmul/inline.h"
#include "cpu/matmul/lines.h"

enum { WIDTH = 8 };
typedef __m256 vec;

INLINE vec v_zero(void) {
    return _mm256_setzero_ps();
}
INLINE vec v_set1(float x) {
    return _mm256_set1_ps(x);
}
INLINE vec v_load(const float *p) {
    return _mm256_loadu_ps(p);
}
INLINE void v_store(float *p, vec v) {
    _mm256_storeu_ps(p, v);
}
/* The first lanes, of as many as a vector has. */
INLINE __m256i v_first(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
INLINE vec v_load_first(const float *p, int count) {
    return _mm256_maskload_ps(p, v_first(count));
}
INLINE void v_store_first(float *p, vec v, int count) {
    _mm256_maskstore_ps(p, v_first(count), v);
}
INLINE vec v_add(vec a, vec b) {
    return _mm256_add_ps(a, b);
}
INLINE vec v_fma(vec a, vec b, vec c) {
    return _mm256_fmadd_ps(a, b, c);
}
INLINE float s_fma(float a, float b, float c) {
    return __builtin_fmaf(a, b, c);
}
INLINE float v_sum(vec v) {
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}
INLINE vec v_load_half(matmul_dtype dtype, const void *p) {
    __m128i h = _mm_loadu_si128((const __m128i *)p);
    if (dtype == MATMUL_F16) return _mm256_cvtph_ps(h);
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
}

/* To nearest even by adding; NaN gets its quiet bit. */
INLINE __m256i v_round_bf16(vec v) {
    __m256i u = _mm256_castps_si256(v), odd = _mm256_and_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(1));
    __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(u, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
    __m256i quiet = _mm256_or_si256(_mm256_srli_epi32(u, 16), _mm256_set1_epi32(0x40));
    return _mm256_blendv_epi8(rounded, quiet, _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q)));
}
INLINE void v_store_half(matmul_dtype dtype, void *p, vec v) {
    __m128i h;
    if (dtype == MATMUL_F16) {
        h = _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT);
    } else {
        __m256i r = v_round_bf16(v);
        h = _mm_packus_epi32(_mm256_castsi256_si128(r), _mm256_extracti128_si256(r, 1));
    }
    _mm_storeu_si128((__m128i *)p, h);
}

/* Numbers of 16 bits in words of 32. */
INLINE __m256i v_half_words(matmul_dtype dtype, vec v) {
    return dtype == MATMUL_BF16 ? v_round_bf16(v)
                                : _mm256_cvtepu16_epi32(_mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}
/* Words of two numbers of 16 bits, the first below the second. */
INLINE vec v_pair(matmul_dtype dtype, vec first, vec second) {
    return _mm256_castsi256_ps(
        _mm256_or_si256(v_half_words(dtype, first), _mm256_slli_epi32(v_half_words(dtype, second), 16)));
}

/* Values begin .. begin + 7 of a bit stream as f32; begin is a multiple of 8, so they are whole bytes. */
INLINE vec v_unpack(const uint8_t *stream, int64_t begin, int bits) {
    uint64_t word = 0;
    memcpy(&word, stream + begin * bits / 8, (size_t)bits);
    if (bits == 8) return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_cvtsi64_si128((int64_t)word)));
    __m256i lanes, shifts;
    if (bits <= 4) {
        lanes = _mm256_set1_epi32((int)word);
        shifts = _mm256_setr_epi32(0, bits, 2 * bits, 3 * bits, 4 * bits, 5 * bits, 6 * bits, 7 * bits);
    } else { /* four values of 20 or 24 bits a half */
        lanes = _mm256_set_m128i(_mm_set1_epi32((int)(word >> 4 * bits)), _mm_set1_epi32((int)word));
        shifts = _mm256_setr_epi32(0, bits, 2 * bits, 3 * bits, 0, bits, 2 * bits, 3 * bits);
    }
    return _mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srlv_epi32(lanes, shifts), _mm256_set1_epi32((1 << bits) - 1)));
}

INLINE void v_transpose(const float *source, int64_t stride, float *out, int64_t out_stride) {
    vec r[8], t[8];
    for (int i = 0; i < 8; i++) r[i] = v_load(source + i * stride);
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
    }
    for (int i = 0; i < 8; i += 4)
        for (int j = 0; j < 2; j++) {
            r[i + 2 * j] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0x44);
            r[i + 2 * j + 1] = _mm256_shuffle_ps(t[i + j], t[i + j + 2], 0xee);
        }
    for (int i = 0; i < 4; i++) {
        v_store(out + i * out_stride, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        v_store(out + (i + 4) * out_stride, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
    }
}

#endif
