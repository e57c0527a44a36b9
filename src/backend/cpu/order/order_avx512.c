/* Sorting of keys, sixteen or eight at a time. */
#include <immintrin.h>
#include <string.h>

#include "cpu/order/order.h"

#define INLINE static inline __attribute__((always_inline, unused))

static inline unsigned first_bits(int64_t count) {
    return (1U << count) - 1;
}

/* ---- uint32_t */
INLINE __m512i load_narrow(const uint32_t *keys, const uint32_t *places) {
    (void)places;
    return _mm512_loadu_si512(keys);
}
INLINE __m512i load_some_narrow(const uint32_t *keys, const uint32_t *places, int64_t count) {
    (void)places;
    return _mm512_mask_loadu_epi32(_mm512_set1_epi32(-1), (__mmask16)first_bits(count), keys);
}
INLINE void store_narrow(uint32_t *keys, uint32_t *places, __m512i v) {
    (void)places;
    _mm512_storeu_si512(keys, v);
}
INLINE void store_some_narrow(uint32_t *keys, uint32_t *places, __m512i v, int64_t count) {
    (void)places;
    _mm512_mask_storeu_epi32(keys, (__mmask16)first_bits(count), v);
}
INLINE unsigned below_narrow(__m512i v, __m512i pivot) {
    return _mm512_cmplt_epu32_mask(v, pivot);
}
INLINE __m512i splat_narrow(uint32_t key, uint32_t place) {
    (void)place;
    return _mm512_set1_epi32((int)key);
}
INLINE __m512i pack_narrow(__m512i v, unsigned bits) {
    return _mm512_maskz_compress_epi32((__mmask16)bits, v);
}
INLINE __m512i turn_narrow(__m512i v, int d) {
    __m512i lanes = _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    return _mm512_permutexvar_epi32(_mm512_xor_si512(lanes, _mm512_set1_epi32(d)), v);
}
INLINE __m512i order_lanes_narrow(__m512i a, __m512i b, unsigned upper) {
    return _mm512_mask_max_epu32(_mm512_min_epu32(a, b), (__mmask16)upper, a, b);
}
INLINE void order_narrow(__m512i *a, __m512i *b) {
    __m512i low = _mm512_min_epu32(*a, *b);
    *b = _mm512_max_epu32(*a, *b);
    *a = low;
}
#define PACKS_ALL 0
#define NAME(f)   f##_narrow
#define KEY       uint32_t
#define PAIRS     0
#define SMALL     128
#define VECTOR    __m512i
#define WIDTH     16
#include "cpu/order/vectors.tpl.h"

#include "cpu/order/quicksort.tpl.h"

/* ---- uint64_t */
INLINE __m512i load_wide(const uint64_t *keys, const uint32_t *places) {
    (void)places;
    return _mm512_loadu_si512(keys);
}
INLINE __m512i load_some_wide(const uint64_t *keys, const uint32_t *places, int64_t count) {
    (void)places;
    return _mm512_mask_loadu_epi64(_mm512_set1_epi64(-1), (__mmask8)first_bits(count), keys);
}
INLINE void store_wide(uint64_t *keys, uint32_t *places, __m512i v) {
    (void)places;
    _mm512_storeu_si512(keys, v);
}
INLINE void store_some_wide(uint64_t *keys, uint32_t *places, __m512i v, int64_t count) {
    (void)places;
    _mm512_mask_storeu_epi64(keys, (__mmask8)first_bits(count), v);
}
INLINE unsigned below_wide(__m512i v, __m512i pivot) {
    return _mm512_cmplt_epu64_mask(v, pivot);
}
INLINE __m512i splat_wide(uint64_t key, uint32_t place) {
    (void)place;
    return _mm512_set1_epi64((long long)key);
}
INLINE __m512i pack_wide(__m512i v, unsigned bits) {
    return _mm512_maskz_compress_epi64((__mmask8)bits, v);
}
INLINE __m512i turn_wide(__m512i v, int d) {
    __m512i lanes = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    return _mm512_permutexvar_epi64(_mm512_xor_si512(lanes, _mm512_set1_epi64(d)), v);
}
INLINE __m512i order_lanes_wide(__m512i a, __m512i b, unsigned upper) {
    return _mm512_mask_max_epu64(_mm512_min_epu64(a, b), (__mmask8)upper, a, b);
}
INLINE void order_wide(__m512i *a, __m512i *b) {
    __m512i low = _mm512_min_epu64(*a, *b);
    *b = _mm512_max_epu64(*a, *b);
    *a = low;
}
#define NAME(f) f##_wide
#define KEY     uint64_t
#define PAIRS   0
#define SMALL   64
#define VECTOR  __m512i
#define WIDTH   8
#include "cpu/order/vectors.tpl.h"

#include "cpu/order/quicksort.tpl.h"

/* ---- uint64_t with places */
typedef struct {
    __m512i keys;
    __m256i places;
} pair_vector;

INLINE pair_vector load_pairs(const uint64_t *keys, const uint32_t *places) {
    return (pair_vector){_mm512_loadu_si512(keys), _mm256_loadu_si256((const __m256i *)(const void *)places)};
}
INLINE pair_vector load_some_pairs(const uint64_t *keys, const uint32_t *places, int64_t count) {
    __mmask8 valid = (__mmask8)first_bits(count);
    return (pair_vector){_mm512_mask_loadu_epi64(_mm512_set1_epi64(-1), valid, keys),
                         _mm256_mask_loadu_epi32(_mm256_set1_epi32(-1), valid, places)};
}
INLINE void store_pairs(uint64_t *keys, uint32_t *places, pair_vector v) {
    _mm512_storeu_si512(keys, v.keys);
    _mm256_storeu_si256((__m256i *)(void *)places, v.places);
}
INLINE void store_some_pairs(uint64_t *keys, uint32_t *places, pair_vector v, int64_t count) {
    _mm512_mask_storeu_epi64(keys, (__mmask8)first_bits(count), v.keys);
    _mm256_mask_storeu_epi32(places, (__mmask8)first_bits(count), v.places);
}
INLINE unsigned below_pairs(pair_vector v, pair_vector pivot) {
    __mmask8 equal = _mm512_cmpeq_epu64_mask(v.keys, pivot.keys);
    __mmask8 nearer = _mm256_mask_cmplt_epu32_mask(equal, v.places, pivot.places);
    return _kor_mask8(_mm512_cmplt_epu64_mask(v.keys, pivot.keys), nearer);
}
INLINE pair_vector splat_pairs(uint64_t key, uint32_t place) {
    return (pair_vector){_mm512_set1_epi64((long long)key), _mm256_set1_epi32((int)place)};
}
INLINE pair_vector pack_pairs(pair_vector v, unsigned bits) {
    return (pair_vector){_mm512_maskz_compress_epi64((__mmask8)bits, v.keys),
                         _mm256_maskz_compress_epi32((__mmask8)bits, v.places)};
}
INLINE pair_vector turn_pairs(pair_vector v, int d) {
    __m256i lanes = _mm256_xor_si256(_mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0), _mm256_set1_epi32(d));
    return (pair_vector){_mm512_permutexvar_epi64(_mm512_cvtepu32_epi64(lanes), v.keys),
                         _mm256_permutevar8x32_epi32(v.places, lanes)};
}
INLINE pair_vector pick_pairs(__mmask8 bits, pair_vector a, pair_vector b) {
    return (pair_vector){_mm512_mask_blend_epi64(bits, b.keys, a.keys),
                         _mm256_mask_blend_epi32(bits, b.places, a.places)};
}
/* Both of two lanes that are alike may go either way: they are fillings. */
INLINE pair_vector order_lanes_pairs(pair_vector a, pair_vector b, unsigned upper) {
    return pick_pairs(_kxor_mask8((__mmask8)below_pairs(a, b), (__mmask8)upper), a, b);
}
INLINE void order_pairs(pair_vector *a, pair_vector *b) {
    __mmask8 less = (__mmask8)below_pairs(*a, *b);
    pair_vector low = pick_pairs(less, *a, *b);
    *b = pick_pairs(less, *b, *a);
    *a = low;
}
#define NAME(f) f##_pairs
#define KEY     uint64_t
#define PAIRS   1
#define SMALL   64
#define VECTOR  pair_vector
#define WIDTH   8
#include "cpu/order/vectors.tpl.h"

#include "cpu/order/quicksort.tpl.h"

const order_kernels order_kernels_avx512 = {
    {sort_narrow, split_narrow}, {sort_wide, split_wide}, {sort_pairs, split_pairs}};
