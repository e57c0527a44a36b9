/* The engine of words for AVX-VNNI. */
#include <immintrin.h>

#include "cpu/matmul/engine.h"
#include "cpu/matmul/inline.h"

enum { ROWS = 6, COLUMNS = 16, DEPTH = 256 };

/* Sums stay in their registers throughout a loop, unlike those of planes_avxvnni.c. */
INLINE __m256i add_words(__m256i sum, __m256i a, __m256i b) {
    sum = _mm256_dpwssd_avx_epi32(sum, a, b);
    IN_REGISTER(sum);
    return sum;
}

/* Two values of the depth. */
INLINE void add_pairs(const int16_t *w, const int16_t *x, __m256i (*product)[2]) {
    __m256i a = _mm256_loadu_si256((const __m256i *)x), b = _mm256_loadu_si256((const __m256i *)(x + COLUMNS));
    PREFETCH(x + 16 * COLUMNS);
    UNROLL(6)
    for (int i = 0; i < ROWS; i++) {
        int32_t pair;
        memcpy(&pair, w + i * DEPTH, sizeof pair);
        __m256i v = _mm256_set1_epi32(pair);
        product[i][0] = add_words(product[i][0], v, a);
        product[i][1] = add_words(product[i][1], v, b);
    }
}

/* sums += products of ROWS lines of words by COLUMNS columns at `depth` depths, a multiple of four. */
INLINE void multiply_words(const int16_t *w, const int16_t *x, int depth, __m256i (*sums)[2]) {
    ROLLED
    for (const int16_t *end = w + depth; w < end; w += 2, x += 2 * COLUMNS) add_pairs(w, x, sums);
}

#define ENGINE      matmul_engine_words_avxvnni
#define ENGINE_NAME "words AVX-VNNI"
#include "cpu/matmul/engine_words.tpl.h"
