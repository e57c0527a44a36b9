/* The engine of words for AVX2. */
#include <immintrin.h>

#include "cpu/matmul/inline.h"

INLINE __m256i add_words(__m256i sum, __m256i a, __m256i b) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
}

#define ENGINE      matmul_engine_words_avx2
#define ENGINE_NAME "words AVX2"
#include "cpu/matmul/engine_words.tpl.h"
