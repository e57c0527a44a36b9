/* Planes for AVX2 without VNNI. */
#include <immintrin.h>

#include "cpu/matmul/inline.h"
#include "cpu/matmul/planes.h"

/* Left to the compiler, unlike those of engine_words_avx2.c: a sum of at most four begins anew in each step. */
INLINE __m256i add_words(__m256i sum, __m256i a, __m256i b) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
}

/* Sums of four products of 4 by 8 bits fit 16; the constants of the second product put the planes in their places. */
INLINE __m256i one_plane(__m256i even, __m256i odd, const int8_t *plane, int place) {
    __m256i x_even = _mm256_loadu_si256((const __m256i *)plane),
            x_odd = _mm256_loadu_si256((const __m256i *)(plane + 32));
    __m256i sums = _mm256_add_epi16(_mm256_maddubs_epi16(even, x_even), _mm256_maddubs_epi16(odd, x_odd));
    return _mm256_madd_epi16(sums, _mm256_set1_epi16((short)place));
}

INLINE __m256i three_planes(__m256i even, __m256i odd, const int8_t *planes) {
    __m256i high = _mm256_add_epi32(one_plane(even, odd, planes, 128 * 128), one_plane(even, odd, planes + 64, 128));
    return _mm256_add_epi32(high, one_plane(even, odd, planes + 128, 1));
}

#define PLANES(kind) planes_avx2_##kind
#include "cpu/matmul/planes_256.tpl.h"
