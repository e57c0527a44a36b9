/* Planes for AVX2 without VNNI. */
#include <immintrin.h>

#include "cpu/matmul/inline.h"
#include "cpu/matmul/planes.h"

/* Left to the compiler: a sum of at most four begins anew in each step. */
INLINE __m256i add_words(__m256i sum, __m256i a, __m256i b) {
    return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
}

/* Sums of four products of 4 by 8 bits fit 16; the constants of the second product put the planes in their places. */
INLINE __m256i one_plane(const __m256i *w, const int8_t *plane, int place) {
    __m256i x_even = _mm256_loadu_si256((const __m256i *)plane),
            x_odd = _mm256_loadu_si256((const __m256i *)(plane + 32));
    __m256i sums = _mm256_add_epi16(_mm256_maddubs_epi16(w[0], x_even), _mm256_maddubs_epi16(w[1], x_odd));
    return _mm256_madd_epi16(sums, _mm256_set1_epi16((short)place));
}

/* Plane by plane, so that the products of one line fill the places that those of the other wait in. */
INLINE void three_planes(__m256i (*w)[4], const int8_t *planes, const int8_t *again, __m256i *sums) {
    sums[0] = one_plane(w[0], planes, 128 * 128), sums[1] = one_plane(w[1], again, 128 * 128);
    UNROLL(2)
    for (int i = 1; i < 3; i++) {
        IN_REGISTER(sums[0]);
        IN_REGISTER(sums[1]);
        sums[0] = _mm256_add_epi32(sums[0], one_plane(w[0], planes + 64 * i, i == 1 ? 128 : 1));
        sums[1] = _mm256_add_epi32(sums[1], one_plane(w[1], again + 64 * i, i == 1 ? 128 : 1));
    }
}

#define PLANES(kind) planes_avx2_##kind
#include "cpu/matmul/planes_256.tpl.h"
