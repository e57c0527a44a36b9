/* 4-bit weights to bfloat16: the sixteen possible ones of a group are a table, in which the bits themselves are looked
   up, in the order of a shuffled stripe (bf16.h). */
#ifndef CPU_MATMUL_NIBBLES_H
#define CPU_MATMUL_NIBBLES_H

#include <immintrin.h>

#include "cpu/matmul/inline.h"
#include "cpu/matmul/lines.h"

INLINE __m512 nibble_values(void) {
    return _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
INLINE __m512i nibble_shifts(void) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_set_m128i(_mm_set1_epi16(4), _mm_setzero_si128())),
                              _mm256_set_m128i(_mm_set1_epi16(12), _mm_set1_epi16(8)), 1);
}

/* 32 values of a table of sixteen, looked up by the bits themselves, in the order of a shuffled stripe. */
INLINE __m512i look_up(const uint8_t *bytes, __m512i shifts, __m512i table) {
    __m512i all = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)bytes));
    return _mm512_permutexvar_epi16(_mm512_srlv_epi16(all, shifts), table);
}

/* The bfloat16 at p in all lanes, by a word of which it is the upper half: it is not the first of its array. */
INLINE __m512 splat_bf16(const uint16_t *p) {
    int word;
    memcpy(&word, p - 1, sizeof word);
    return _mm512_castsi512_ps(_mm512_and_si512(_mm512_set1_epi32(word), _mm512_set1_epi32((int)0xffff0000)));
}

/* The table of the group with this scale and bias, in both halves; neither is the first of its array. */
INLINE __m512i nibble_table(const uint16_t *scale, const uint16_t *bias) {
    __m512 v = _mm512_fmadd_ps(nibble_values(), splat_bf16(scale), splat_bf16(bias));
    return _mm512_broadcast_i64x4((__m256i)_mm512_cvtneps_pbh(v));
}

#endif
