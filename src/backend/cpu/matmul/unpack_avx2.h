/* Packed values of any width as words, 32 at a time, with AVX2. Each half of a register gets the bytes of sixteen
   values, each word in it those of a pair of values, which begins at bit 0, 2, 4 or 6. Either value is moved to the top
   of its word by one product and down from there by another. Widths up to 6 bits. */
#ifndef CPU_MATMUL_UNPACK_AVX2_H
#define CPU_MATMUL_UNPACK_AVX2_H

#include <immintrin.h>

#include "cpu/matmul/inline.h"

typedef struct {
    __m256i spread, first, second, down;
} pair_tables;

static inline void make_pair_tables(int bits, uint8_t (*tables)[64]) {
    uint16_t first[16], second[16], down[16];
    for (int i = 0; i < 16; i++) {
        int bit = i % 8 * 2 * bits;
        tables[0][2 * i] = (uint8_t)(bit / 8);
        tables[0][2 * i + 1] = (uint8_t)(bit / 8 + 1);
        first[i] = (uint16_t)(1u << ((16 - bits - bit % 8) & 15));
        second[i] = (uint16_t)(1u << ((16 - 2 * bits - bit % 8) & 15));
        down[i] = (uint16_t)(1u << bits);
    }
    memcpy(tables[1], first, sizeof first);
    memcpy(tables[2], second, sizeof second);
    memcpy(tables[3], down, sizeof down);
}

INLINE pair_tables read_pair_tables(const void *tables) {
    __m256i t[4];
    for (int i = 0; i < 4; i++) t[i] = _mm256_loadu_si256((const __m256i *)((const char *)tables + 64 * i));
    return (pair_tables){t[0], t[1], t[2], t[3]};
}

/* w[0]: the even ones of 32 values, w[1]: the odd ones. Reads 16 bytes from p and 16 from the seventeenth value on:
   with 2 bits 12 bytes past the values. */
INLINE void unpack_pairs(const uint8_t *p, const pair_tables *t, int64_t bits, __m256i *w) {
    __m128i low = _mm_loadu_si128((const __m128i *)p), high = _mm_loadu_si128((const __m128i *)(p + 2 * bits));
    __m256i pairs = _mm256_shuffle_epi8(_mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1), t->spread);
    w[0] = _mm256_mulhi_epu16(_mm256_mullo_epi16(pairs, t->first), t->down);
    w[1] = _mm256_mulhi_epu16(_mm256_mullo_epi16(pairs, t->second), t->down);
}

#endif
