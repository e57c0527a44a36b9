/* The engine of words for AVX-VNNI. */
#include <immintrin.h>

#include "cpu/matmul/inline.h"

/* Sums stay in their registers throughout a loop, unlike those of planes_avxvnni.c. */
INLINE __m256i add_words(__m256i sum, __m256i a, __m256i b) {
    sum = _mm256_dpwssd_avx_epi32(sum, a, b);
    IN_REGISTER(sum);
    return sum;
}

#define ENGINE      matmul_engine_words_avxvnni
#define ENGINE_NAME "words AVX-VNNI"
#include "cpu/matmul/engine_words.tpl.h"
