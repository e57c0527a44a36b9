/* Planes for AVX-VNNI: processors with VNNI and no AVX-512. */
#include <immintrin.h>

#include "cpu/matmul/inline.h"
#include "cpu/matmul/planes.h"

/* Left to the compiler, unlike those of engine_words_avxvnni.c: a sum of at most four begins anew in each step. */
INLINE __m256i add_words(__m256i sum, __m256i a, __m256i b) {
    return _mm256_dpwssd_avx_epi32(sum, a, b);
}

INLINE __m256i one_plane(__m256i sum, __m256i even, __m256i odd, const int8_t *plane) {
    sum = _mm256_dpbusd_avx_epi32(sum, even, _mm256_loadu_si256((const __m256i *)plane));
    return _mm256_dpbusd_avx_epi32(sum, odd, _mm256_loadu_si256((const __m256i *)(plane + 32)));
}

/* The low plane has a sum of its own, which shortens the chain. */
INLINE __m256i planes_of_line(const __m256i *w, const int8_t *planes) {
    __m256i high = one_plane(_mm256_setzero_si256(), w[0], w[1], planes),
            low = one_plane(_mm256_setzero_si256(), w[0], w[1], planes + 128);
    high = one_plane(_mm256_slli_epi32(high, 7), w[0], w[1], planes + 64);
    return _mm256_add_epi32(_mm256_slli_epi32(high, 7), low);
}

INLINE void three_planes(__m256i (*w)[4], const int8_t *planes, const int8_t *again, __m256i *sums) {
    sums[0] = planes_of_line(w[0], planes), sums[1] = planes_of_line(w[1], again);
}

#define PLANES(kind) planes_avxvnni_##kind
#include "cpu/matmul/planes_256.tpl.h"
