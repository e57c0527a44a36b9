/* Sorting of keys, eight or four at a time. */
#include <immintrin.h>
#include <string.h>

#include "cpu/order/order.h"

#define INLINE static inline __attribute__((always_inline, unused))

/* ---- lanes whose bits are set, in front of the others: eight numbers of lanes for each pattern of bits */
#define PLACE_OF(bits, i)                                                                                              \
    ((bits) >> (i)&1 ? __builtin_popcount((bits) & ((1 << (i)) - 1))                                                   \
                     : __builtin_popcount(bits) + __builtin_popcount(~(bits) & ((1 << (i)) - 1)))
#define LANE_OF(bits, i) ((uint64_t)(i) << 8 * PLACE_OF(bits, i))
#define LANES_OF(bits)                                                                                                 \
    LANE_OF(bits, 1) | LANE_OF(bits, 2) | LANE_OF(bits, 3) | LANE_OF(bits, 4) | LANE_OF(bits, 5) | LANE_OF(bits, 6) |  \
        LANE_OF(bits, 7)
#define FOUR_OF(f, bits)    f(bits), f((bits) + 1), f((bits) + 2), f((bits) + 3)
#define LANES_OF_4(bits)    FOUR_OF(LANES_OF, bits)
#define SIXTEEN_OF(f, bits) f(bits), f((bits) + 4), f((bits) + 8), f((bits) + 12)
#define LANES_OF_16(bits)   SIXTEEN_OF(LANES_OF_4, bits)
#define ALL_OF(f, bits)     f(bits), f((bits) + 16), f((bits) + 32), f((bits) + 48)
static const uint64_t packed_lanes[256] = {ALL_OF(LANES_OF_16, 0), ALL_OF(LANES_OF_16, 64), ALL_OF(LANES_OF_16, 128),
                                           ALL_OF(LANES_OF_16, 192)};
/* Each bit twice. */
static const uint8_t doubled[16] = {0x00, 0x03, 0x0C, 0x0F, 0x30, 0x33, 0x3C, 0x3F,
                                    0xC0, 0xC3, 0xCC, 0xCF, 0xF0, 0xF3, 0xFC, 0xFF};

INLINE __m256i pack_lanes(__m256i v, unsigned bits) {
    return _mm256_permutevar8x32_epi32(v, _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)packed_lanes[bits])));
}

INLINE __m256i lanes_8(void) {
    return _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
}
INLINE __m256i first_8(int64_t count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), lanes_8());
}
INLINE __m256i first_4(int64_t count) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
}
INLINE __m128i first_4_places(int64_t count) {
    return _mm_cmpgt_epi32(_mm_set1_epi32((int)count), _mm_setr_epi32(0, 1, 2, 3));
}
INLINE __m256i or_ones(__m256i v, __m256i valid) {
    return _mm256_or_si256(v, _mm256_andnot_si256(valid, _mm256_set1_epi32(-1)));
}
/* Lanes of b where the mask is set. */
INLINE __m256i blend(__m256i a, __m256i b, __m256i mask) {
    return _mm256_blendv_epi8(a, b, mask);
}
INLINE __m256i less_64(__m256i a, __m256i b) {
    const __m256i top = _mm256_set1_epi64x(INT64_MIN);
    return _mm256_cmpgt_epi64(_mm256_xor_si256(b, top), _mm256_xor_si256(a, top));
}
/* All bits of the lanes whose bit is set. */
INLINE __m256i mask_8(unsigned bits) {
    __m256i own = _mm256_sllv_epi32(_mm256_set1_epi32(1), lanes_8());
    return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)bits), own), own);
}
INLINE __m256i mask_4(unsigned bits) {
    __m256i own = _mm256_setr_epi64x(1, 2, 4, 8);
    return _mm256_cmpeq_epi64(_mm256_and_si256(_mm256_set1_epi64x(bits), own), own);
}

/* ---- uint32_t */
INLINE __m256i load_narrow(const uint32_t *keys, const uint32_t *places) {
    (void)places;
    return _mm256_loadu_si256((const __m256i *)(const void *)keys);
}
INLINE __m256i load_some_narrow(const uint32_t *keys, const uint32_t *places, int64_t count) {
    (void)places;
    return or_ones(_mm256_maskload_epi32((const int *)(const void *)keys, first_8(count)), first_8(count));
}
INLINE void store_narrow(uint32_t *keys, uint32_t *places, __m256i v) {
    (void)places;
    _mm256_storeu_si256((__m256i *)(void *)keys, v);
}
INLINE void store_some_narrow(uint32_t *keys, uint32_t *places, __m256i v, int64_t count) {
    (void)places;
    _mm256_maskstore_epi32((int *)(void *)keys, first_8(count), v);
}
INLINE unsigned below_narrow(__m256i v, __m256i pivot) {
    const __m256i top = _mm256_set1_epi32(INT32_MIN);
    __m256i less = _mm256_cmpgt_epi32(_mm256_xor_si256(pivot, top), _mm256_xor_si256(v, top));
    return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(less));
}
INLINE __m256i splat_narrow(uint32_t key, uint32_t place) {
    (void)place;
    return _mm256_set1_epi32((int)key);
}
INLINE __m256i pack_narrow(__m256i v, unsigned bits) {
    return pack_lanes(v, bits);
}
INLINE __m256i turn_narrow(__m256i v, int d) {
    return _mm256_permutevar8x32_epi32(v, _mm256_xor_si256(lanes_8(), _mm256_set1_epi32(d)));
}
INLINE __m256i order_lanes_narrow(__m256i a, __m256i b, unsigned upper) {
    return blend(_mm256_min_epu32(a, b), _mm256_max_epu32(a, b), mask_8(upper));
}
INLINE void order_narrow(__m256i *a, __m256i *b) {
    __m256i low = _mm256_min_epu32(*a, *b);
    *b = _mm256_max_epu32(*a, *b);
    *a = low;
}
#define PACKS_ALL 1
#define NAME(f)   f##_narrow
#define KEY       uint32_t
#define PAIRS     0
#define SMALL     64
#define VECTOR    __m256i
#define WIDTH     8
#include "cpu/order/vectors.tpl.h"

#include "cpu/order/quicksort.tpl.h"

/* ---- uint64_t */
INLINE __m256i load_wide(const uint64_t *keys, const uint32_t *places) {
    (void)places;
    return _mm256_loadu_si256((const __m256i *)(const void *)keys);
}
INLINE __m256i load_some_wide(const uint64_t *keys, const uint32_t *places, int64_t count) {
    (void)places;
    return or_ones(_mm256_maskload_epi64((const long long *)(const void *)keys, first_4(count)), first_4(count));
}
INLINE void store_wide(uint64_t *keys, uint32_t *places, __m256i v) {
    (void)places;
    _mm256_storeu_si256((__m256i *)(void *)keys, v);
}
INLINE void store_some_wide(uint64_t *keys, uint32_t *places, __m256i v, int64_t count) {
    (void)places;
    _mm256_maskstore_epi64((long long *)(void *)keys, first_4(count), v);
}
INLINE unsigned below_wide(__m256i v, __m256i pivot) {
    return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(less_64(v, pivot)));
}
INLINE __m256i splat_wide(uint64_t key, uint32_t place) {
    (void)place;
    return _mm256_set1_epi64x((long long)key);
}
INLINE __m256i pack_wide(__m256i v, unsigned bits) {
    return pack_lanes(v, doubled[bits]);
}
INLINE __m256i turn_wide(__m256i v, int d) {
    return _mm256_permutevar8x32_epi32(v, _mm256_xor_si256(lanes_8(), _mm256_set1_epi32(2 * d)));
}
INLINE void order_wide(__m256i *a, __m256i *b) {
    __m256i less = less_64(*a, *b), low = blend(*b, *a, less);
    *b = blend(*a, *b, less);
    *a = low;
}
/* Where a is less and the larger one is wanted, and where it is not and the smaller one is, b is taken. */
INLINE __m256i order_lanes_wide(__m256i a, __m256i b, unsigned upper) {
    __m256i take_a = _mm256_xor_si256(less_64(a, b), mask_4(upper));
    return blend(b, a, take_a);
}
#define NAME(f) f##_wide
#define KEY     uint64_t
#define PAIRS   0
#define SMALL   32
#define VECTOR  __m256i
#define WIDTH   4
#include "cpu/order/vectors.tpl.h"

#include "cpu/order/quicksort.tpl.h"

/* ---- uint64_t with places */
typedef struct {
    __m256i keys;
    __m128i places;
} pair_vector;

INLINE pair_vector load_pairs(const uint64_t *keys, const uint32_t *places) {
    return (pair_vector){load_wide(keys, NULL), _mm_loadu_si128((const __m128i *)(const void *)places)};
}
INLINE pair_vector load_some_pairs(const uint64_t *keys, const uint32_t *places, int64_t count) {
    __m128i valid = first_4_places(count), some = _mm_maskload_epi32((const int *)(const void *)places, valid);
    return (pair_vector){load_some_wide(keys, NULL, count),
                         _mm_or_si128(some, _mm_andnot_si128(valid, _mm_set1_epi32(-1)))};
}
INLINE void store_pairs(uint64_t *keys, uint32_t *places, pair_vector v) {
    store_wide(keys, NULL, v.keys);
    _mm_storeu_si128((__m128i *)(void *)places, v.places);
}
INLINE void store_some_pairs(uint64_t *keys, uint32_t *places, pair_vector v, int64_t count) {
    store_some_wide(keys, NULL, v.keys, count);
    _mm_maskstore_epi32((int *)(void *)places, first_4_places(count), v.places);
}
INLINE __m256i lower_pairs(pair_vector a, pair_vector b) {
    const __m128i top = _mm_set1_epi32(INT32_MIN);
    __m128i nearer = _mm_cmpgt_epi32(_mm_xor_si128(b.places, top), _mm_xor_si128(a.places, top));
    __m256i equal = _mm256_cmpeq_epi64(a.keys, b.keys);
    return _mm256_or_si256(less_64(a.keys, b.keys), _mm256_and_si256(equal, _mm256_cvtepi32_epi64(nearer)));
}
INLINE unsigned below_pairs(pair_vector v, pair_vector pivot) {
    return (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(lower_pairs(v, pivot)));
}
INLINE pair_vector splat_pairs(uint64_t key, uint32_t place) {
    return (pair_vector){_mm256_set1_epi64x((long long)key), _mm_set1_epi32((int)place)};
}
INLINE pair_vector pack_pairs(pair_vector v, unsigned bits) {
    return (pair_vector){pack_wide(v.keys, bits),
                         _mm256_castsi256_si128(pack_lanes(_mm256_castsi128_si256(v.places), bits))};
}
INLINE pair_vector turn_pairs(pair_vector v, int d) {
    return (pair_vector){turn_wide(v.keys, d),
                         _mm256_castsi256_si128(turn_narrow(_mm256_castsi128_si256(v.places), d))};
}
/* a where the mask is set, else b. */
INLINE pair_vector pick_pairs(__m256i mask, pair_vector a, pair_vector b) {
    __m256i halves = _mm256_permutevar8x32_epi32(mask, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
    return (pair_vector){blend(b.keys, a.keys, mask),
                         _mm_blendv_epi8(b.places, a.places, _mm256_castsi256_si128(halves))};
}
/* Both of two lanes that are alike may go either way: they are fillings. */
INLINE pair_vector order_lanes_pairs(pair_vector a, pair_vector b, unsigned upper) {
    return pick_pairs(_mm256_xor_si256(lower_pairs(a, b), mask_4(upper)), a, b);
}
INLINE void order_pairs(pair_vector *a, pair_vector *b) {
    __m256i less = lower_pairs(*a, *b);
    pair_vector low = pick_pairs(less, *a, *b);
    *b = pick_pairs(less, *b, *a);
    *a = low;
}
#define NAME(f) f##_pairs
#define KEY     uint64_t
#define PAIRS   1
#define SMALL   32
#define VECTOR  pair_vector
#define WIDTH   4
#include "cpu/order/vectors.tpl.h"

#include "cpu/order/quicksort.tpl.h"

const order_kernels order_kernels_avx2 = {
    {sort_narrow, split_narrow}, {sort_wide, split_wide}, {sort_pairs, split_pairs}};
