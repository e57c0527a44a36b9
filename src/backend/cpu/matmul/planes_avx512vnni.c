/* Planes for AVX-512 with VNNI and no VBMI: words move anywhere within a register, bytes within a quarter. */
#include <immintrin.h>

#include "cpu/matmul/inline.h"
#include "cpu/matmul/planes.h"

/* 64 values: each quarter gets the bytes of its sixteen values, each word in it those of a pair, which begins at bit 0,
   2, 4 or 6 of the word and comes down; the second of the pair goes up to the high byte. */
INLINE __m512i unpack_any(const __m512i *table, __m512i packed) {
    __m512i pairs = _mm512_shuffle_epi8(_mm512_permutexvar_epi16(table[0], packed), table[1]);
    __m512i first = _mm512_srlv_epi16(pairs, table[2]), second = _mm512_sllv_epi16(first, table[3]);
    __m512i both = _mm512_ternarylogic_epi32(_mm512_set1_epi16(0xff), first, second, 0xca); /* first in the low bytes */
    return _mm512_and_si512(both, table[4]);
}

static void set_tables(planes_pass *pass) {
    int bits = pass->bits;
    uint16_t words[32], down[32], up[32];
    for (int i = 0; i < 32; i++) {
        int bit = i % 8 * 2 * bits;
        words[i] = (uint16_t)(i / 8 * bits + i % 8);
        down[i] = (uint16_t)(bit % 8);
        up[i] = (uint16_t)((8 - bits) & 15);
        pass->tables[1][2 * i] = (uint8_t)(bit / 8);
        pass->tables[1][2 * i + 1] = (uint8_t)(bit / 8 + 1);
    }
    memcpy(pass->tables[0], words, sizeof words);
    memcpy(pass->tables[2], down, sizeof down);
    memcpy(pass->tables[3], up, sizeof up);
    memset(pass->tables[4], (1 << bits) - 1, sizeof pass->tables[4]);
}

#define PLANES(kind) planes_avx512vnni_##kind
#include "cpu/matmul/planes_512.tpl.h"
