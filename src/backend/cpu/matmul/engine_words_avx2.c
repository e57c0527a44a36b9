/* The engine of words for AVX2. */
#include <immintrin.h>

#include "cpu/matmul/inline.h"

/* In place, so that sums stay in registers throughout a loop: gcc keeps those of the intrinsic, which planes_avx2.c
   takes, in memory or copies them. */
INLINE __m256i add_words(__m256i sum, __m256i a, __m256i b) {
    __m256i products = _mm256_madd_epi16(a, b);
    __asm__("vpaddd %1, %0, %0" : "+x"(sum) : "x"(products));
    return sum;
}

#define ENGINE      matmul_engine_words_avx2
#define ENGINE_NAME "words AVX2"
#include "cpu/matmul/engine_words.tpl.h"
