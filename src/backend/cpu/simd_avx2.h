/* simd.h for AVX2 with FMA and F16C. */
#ifndef CPU_SIMD_AVX2_H
#define CPU_SIMD_AVX2_H

#include <immintrin.h>

#define ISA(name)    name##_avx2
#define SIMD_BYTES   32
#define SLEEF_F(f)   Sleef_##f##f8_u10avx2
#define SLEEF_D(f)   Sleef_##f##d4_u10avx2
#define SLEEF_ERFC_D Sleef_erfcd4_u15avx2
#define F32_IS(x)    ((__m256)(x))
#define F64_IS(x)    ((__m256d)(x))

#include "cpu/simd_types.h"

/* Past the caches, to an address that is a multiple of SIMD_BYTES; other threads see it after the fence. */
static inline __attribute__((unused)) void stream_f32(void *to, vf32 v) {
    _mm256_stream_ps(to, (__m256)v);
}
static inline __attribute__((unused)) void stream_half(void *to, hf32 v) {
    _mm_stream_ps(to, (__m128)v);
}
static inline __attribute__((unused)) void stream_fence(void) {
    _mm_sfence();
}

/* Without the compiler's help, which takes halves apart first. */
static inline vu32 widen_u16(hu16 h) {
    return (vu32)_mm256_cvtepu16_epi32((__m128i)h);
}
static inline vf32 widen_float16(hu16 h) {
    return (vf32)_mm256_cvtph_ps((__m128i)h);
}
static inline hu16 narrow_float16(vf32 x) {
    return (hu16)_mm256_cvtps_ph((__m256)x, _MM_FROUND_TO_NEAREST_INT);
}
static inline __attribute__((unused)) hf32 widen_quarter_float16(qu16 q) {
    __m128i bits = _mm_setzero_si128();
    memcpy(&bits, &q, sizeof q);
    return (hf32)_mm_cvtph_ps(bits);
}
static inline __attribute__((unused)) qu16 narrow_quarter_float16(hf32 x) {
    __m128i bits = _mm_cvtps_ph((__m128)x, _MM_FROUND_TO_NEAREST_INT);
    qu16 q;
    memcpy(&q, &bits, sizeof q);
    return q;
}

#define SIMD_ROUND(name, mode)                                                                                         \
    static inline __attribute__((unused)) vf32 name##_f32(vf32 x) {                                                    \
        return (vf32)_mm256_round_ps((__m256)x, mode);                                                                 \
    }                                                                                                                  \
    static inline __attribute__((unused)) vf64 name##_f64(vf64 x) {                                                    \
        return (vf64)_mm256_round_pd((__m256d)x, mode);                                                                \
    }
SIMD_ROUND(floor, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)
SIMD_ROUND(ceil, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)
SIMD_ROUND(trunc, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)
SIMD_ROUND(rint, _MM_FROUND_CUR_DIRECTION | _MM_FROUND_NO_EXC)

static inline vf32 sqrt_f32(vf32 x) {
    return (vf32)_mm256_sqrt_ps((__m256)x);
}
static inline vf64 sqrt_f64(vf64 x) {
    return (vf64)_mm256_sqrt_pd((__m256d)x);
}
static inline vf32 fma_f32(vf32 a, vf32 b, vf32 c) {
    return (vf32)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}
static inline __attribute__((unused)) vf64 fma_f64(vf64 a, vf64 b, vf64 c) {
    return (vf64)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
}
/* x, or least where it is below that; a NaN stays. */
static inline __attribute__((unused)) vf32 at_least_f32(vf32 x, vf32 least) {
    return (vf32)_mm256_max_ps((__m256)least, (__m256)x);
}
/* x, or most where it is above that; a NaN stays. */
static inline __attribute__((unused)) vf32 at_most_f32(vf32 x, vf32 most) {
    return (vf32)_mm256_min_ps((__m256)most, (__m256)x);
}
static inline __attribute__((unused)) vf64 at_most_f64(vf64 x, vf64 most) {
    return (vf64)_mm256_min_pd((__m256d)most, (__m256d)x);
}
static inline __attribute__((unused)) vf64 at_least_f64(vf64 x, vf64 least) {
    return (vf64)_mm256_max_pd((__m256d)least, (__m256d)x);
}
/* y, or 0 where x is below least. */
static inline __attribute__((unused)) vf32 unless_below_f32(vf32 y, vf32 x, vf32 least) {
    return (vf32)_mm256_and_ps(_mm256_cmp_ps((__m256)x, (__m256)least, _CMP_NLT_UQ), (__m256)y);
}
/* One behind the other. */
static inline __attribute__((unused)) vu16 join_u16(hu16 a, hu16 b) {
    return (vu16)_mm256_set_m128i((__m128i)b, (__m128i)a);
}
static inline __attribute__((unused)) vu16 larger_i16(vu16 a, vu16 b) {
    return (vu16)_mm256_max_epi16((__m256i)a, (__m256i)b);
}
static inline __attribute__((unused)) vu16 smaller_u16(vu16 a, vu16 b) {
    return (vu16)_mm256_min_epu16((__m256i)a, (__m256i)b);
}
/* x y, or 0 where z is below least. */
static inline __attribute__((unused)) vf32 product_unless_below_f32(vf32 x, vf32 y, vf32 z, vf32 least) {
    return unless_below_f32(x * y, z, least);
}
/* Of a table of LANES the numbers at the lowest bits of each place. */
#define PICKS_LANES
static inline __attribute__((unused)) vu32 pick_lanes(vu32 table, vu32 place) {
    return (vu32)_mm256_permutevar8x32_epi32((__m256i)table, (__m256i)place);
}
static inline bool any_f32(vi32 mask) {
    return _mm256_movemask_ps((__m256)mask) != 0;
}
static inline bool any_f64(vi64 mask) {
    return _mm256_movemask_pd((__m256d)mask) != 0;
}
/* x 2^n of whole n, rounded once. scale_near_f32: where neither the result nor 2^n is subnormal or infinite. */
static inline __attribute__((unused)) vf32 scale_near_f32(vf32 x, vf32 n) {
    vi32 exponent = (vi32)_mm256_cvtps_epi32((__m256)n);
    return x * (vf32)((exponent + 127) << 23);
}
static inline __attribute__((unused)) vf32 scale_f32(vf32 x, vf32 n) {
    vf32 size = (vf32)((vi32)n & INT32_MAX);
    if (!any_f32((vi32)(size > 126))) return scale_near_f32(x, n);
    vi32 exponent = (vi32)_mm256_cvtps_epi32((__m256)n), half = exponent >> 1;
    return x * (vf32)((half + 127) << 23) * (vf32)((exponent - half + 127) << 23);
}
/* 1 / x within a unit of the last place, where that is no subnormal and x is finite. */
static inline __attribute__((unused)) vf32 reciprocal_f32(vf32 x) {
    return 1 / x;
}
/* x = 2^n y with y from 3/4 to 3/2, for finite x above 0. */
static inline __attribute__((unused)) vf32 split_f32(vf32 x, vf32 *n) {
    const int32_t least = 0x3F400000; /* 3/4 */
    vi32 small = (vi32)(x < 0x1p-126F);
    vf32 shift = {0};
    if (any_f32(small)) {
        x = blend_f32(small, x * 0x1p32F, x);
        shift = (vf32)(small & (vi32)splat_f32(32));
    }
    vi32 exponent = ((vi32)x - least) >> 23;
    *n = __builtin_convertvector(exponent, vf32) - shift;
    return (vf32)((vi32)x - (exponent << 23));
}
/* The upper 12 bits of each lane, a whole number with its sign. AVX2 converts no integers of 64 bits: the exponent
   becomes the lowest bits of a large number. */
static inline __attribute__((unused)) vf64 exponent_f64(vi64 bits) {
    const int64_t bias = 1024;
    return (vf64)((vi64)((vu64)(bits + (bias << 52)) >> 52) | 0x4330000000000000) - (0x1p52 + 1024);
}
/* Of normal x. */
static inline __attribute__((unused)) vf64 split_f64(vf64 x, vf64 *n) {
    const int64_t least = 0x3FE8000000000000;
    vi64 above = (vi64)x - least;
    *n = exponent_f64(above);
    return (vf64)((vi64)x - (above & ~0xFFFFFFFFFFFFF));
}
/* Of a table of 16 the numbers at the lower 4 bits of each place. */
static inline __attribute__((unused)) vf64 pick_f64(const double table[16], vi64 place) {
    return (vf64)_mm256_i64gather_pd(table, (__m256i)(place & 15), 8);
}
static inline __attribute__((unused)) vf64 widen_low_f32(vf32 x) {
    return (vf64)_mm256_cvtps_pd(_mm256_castps256_ps128((__m256)x));
}
static inline __attribute__((unused)) vf64 widen_high_f32(vf32 x) {
    return (vf64)_mm256_cvtps_pd(_mm256_extractf128_ps((__m256)x, 1));
}
static inline __attribute__((unused)) vf32 narrow_wide_f32(vf64 low, vf64 high) {
    return (vf32)_mm256_set_m128(_mm256_cvtpd_ps((__m256d)high), _mm256_cvtpd_ps((__m256d)low));
}

static inline float sum_lanes(vf32 x) {
    __m128 quarter = _mm_add_ps(_mm256_castps256_ps128((__m256)x), _mm256_extractf128_ps((__m256)x, 1));
    quarter = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
    return _mm_cvtss_f32(_mm_add_ss(quarter, _mm_shuffle_ps(quarter, quarter, 1)));
}

static inline __m256 add_pairs_avx2(vf32 a, vf32 b) {
    return _mm256_add_ps(_mm256_unpacklo_ps((__m256)a, (__m256)b), _mm256_unpackhi_ps((__m256)a, (__m256)b));
}
static inline pair_f32 sum_two(vf32 a, vf32 b) {
    __m256 pairs = add_pairs_avx2(a, b);
    quad_f32 half = (quad_f32)_mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps(pairs, 1));
    return __builtin_shufflevector(half, half, 0, 1) + __builtin_shufflevector(half, half, 2, 3);
}
static inline quad_f32 sum_four(vf32 a, vf32 b, vf32 c, vf32 d) {
    __m256d ab = _mm256_castps_pd(add_pairs_avx2(a, b)), cd = _mm256_castps_pd(add_pairs_avx2(c, d));
    __m256 all =
        _mm256_add_ps(_mm256_castpd_ps(_mm256_unpacklo_pd(ab, cd)), _mm256_castpd_ps(_mm256_unpackhi_pd(ab, cd)));
    return (quad_f32)_mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1));
}

#endif
