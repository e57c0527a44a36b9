/* simd.h for AVX-512. */
#ifndef CPU_SIMD_AVX512_H
#define CPU_SIMD_AVX512_H

#include <immintrin.h>

#define ISA(name)    name##_avx512
#define SIMD_BYTES   64
#define SLEEF_F(f)   Sleef_##f##f16_u10avx512f
#define SLEEF_D(f)   Sleef_##f##d8_u10avx512f
#define SLEEF_ERFC_D Sleef_erfcd8_u15avx512f
#define F32_IS(x)    ((__m512)(x))
#define F64_IS(x)    ((__m512d)(x))

#include "cpu/simd_types.h"

/* Past the caches, to an address that is a multiple of SIMD_BYTES; other threads see it after the fence. */
static inline __attribute__((unused)) void stream_f32(void *to, vf32 v) {
    _mm512_stream_ps(to, (__m512)v);
}
static inline __attribute__((unused)) void stream_half(void *to, hf32 v) {
    _mm256_stream_ps(to, (__m256)v);
}
static inline __attribute__((unused)) void stream_fence(void) {
    _mm_sfence();
}

/* Without the compiler's help, which takes halves apart first. */
static inline vu32 widen_u16(hu16 h) {
    return (vu32)_mm512_cvtepu16_epi32((__m256i)h);
}
static inline vf32 widen_float16(hu16 h) {
    return (vf32)_mm512_cvtph_ps((__m256i)h);
}
static inline hu16 narrow_float16(vf32 x) {
    return (hu16)_mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT);
}
/* Functions of simd.h in masks: half as many instructions. */
#define BFLOAT16_IS_OWN
static inline __attribute__((unused)) vu32 round_number_bfloat16(vf32 x) {
    const __m512i bits = (__m512i)x;
    __mmask16 odd = _mm512_test_epi32_mask(bits, _mm512_set1_epi32(0x10000));
    __m512i rounded = _mm512_add_epi32(bits, _mm512_set1_epi32(0x7FFF));
    return (vu32)_mm512_mask_add_epi32(rounded, odd, bits, _mm512_set1_epi32(0x8000));
}
static inline __attribute__((unused)) hu16 upper_halves(vu32 x) {
    const __m512i upper = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33, 31, 29, 27,
                                           25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
    return (hu16)_mm512_castsi512_si256(_mm512_permutexvar_epi16(upper, (__m512i)x));
}
static inline __attribute__((unused)) vu32 join_upper_halves(vu32 even, vu32 odd) {
    enum { A_AND_B_OR_C = 0xEA };
    return (vu32)_mm512_ternarylogic_epi32((__m512i)odd, _mm512_set1_epi32((int)0xFFFF0000),
                                           _mm512_srli_epi32((__m512i)even, 16), A_AND_B_OR_C);
}
static inline __attribute__((unused)) hu16 narrow_bfloat16(vf32 x) {
    __mmask16 nan = _mm512_cmp_ps_mask((__m512)x, (__m512)x, _CMP_UNORD_Q);
    __m512i rounded = (__m512i)round_number_bfloat16(x);
    return upper_halves((vu32)_mm512_mask_or_epi32(rounded, nan, (__m512i)x, _mm512_set1_epi32(0x400000)));
}
static inline __attribute__((unused)) hf32 widen_quarter_float16(qu16 q) {
    return (hf32)_mm256_cvtph_ps((__m128i)q);
}
static inline __attribute__((unused)) qu16 narrow_quarter_float16(hf32 x) {
    return (qu16)_mm256_cvtps_ph((__m256)x, _MM_FROUND_TO_NEAREST_INT);
}

#define SIMD_ROUND(name, mode)                                                                                         \
    static inline __attribute__((unused)) vf32 name##_f32(vf32 x) {                                                    \
        return (vf32)_mm512_roundscale_ps((__m512)x, mode);                                                            \
    }                                                                                                                  \
    static inline __attribute__((unused)) vf64 name##_f64(vf64 x) {                                                    \
        return (vf64)_mm512_roundscale_pd((__m512d)x, mode);                                                           \
    }
SIMD_ROUND(floor, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)
SIMD_ROUND(ceil, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)
SIMD_ROUND(trunc, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)
SIMD_ROUND(rint, _MM_FROUND_CUR_DIRECTION | _MM_FROUND_NO_EXC)

static inline vf32 sqrt_f32(vf32 x) {
    return (vf32)_mm512_sqrt_ps((__m512)x);
}
static inline vf64 sqrt_f64(vf64 x) {
    return (vf64)_mm512_sqrt_pd((__m512d)x);
}
static inline vf32 fma_f32(vf32 a, vf32 b, vf32 c) {
    return (vf32)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
}
static inline __attribute__((unused)) vf64 fma_f64(vf64 a, vf64 b, vf64 c) {
    return (vf64)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
}
/* x, or least where it is below that; a NaN stays. */
static inline __attribute__((unused)) vf32 at_least_f32(vf32 x, vf32 least) {
    return (vf32)_mm512_max_ps((__m512)least, (__m512)x);
}
/* x, or most where it is above that; a NaN stays. */
static inline __attribute__((unused)) vf32 at_most_f32(vf32 x, vf32 most) {
    return (vf32)_mm512_min_ps((__m512)most, (__m512)x);
}
static inline __attribute__((unused)) vf64 at_most_f64(vf64 x, vf64 most) {
    return (vf64)_mm512_min_pd((__m512d)most, (__m512d)x);
}
static inline __attribute__((unused)) vf64 at_least_f64(vf64 x, vf64 least) {
    return (vf64)_mm512_max_pd((__m512d)least, (__m512d)x);
}
/* One behind the other. */
static inline __attribute__((unused)) vu16 join_u16(hu16 a, hu16 b) {
    return (vu16)_mm512_inserti64x4(_mm512_castsi256_si512((__m256i)a), (__m256i)b, 1);
}
static inline __attribute__((unused)) vu16 larger_i16(vu16 a, vu16 b) {
    return (vu16)_mm512_max_epi16((__m512i)a, (__m512i)b);
}
static inline __attribute__((unused)) vu16 smaller_u16(vu16 a, vu16 b) {
    return (vu16)_mm512_min_epu16((__m512i)a, (__m512i)b);
}
/* x 2^n of whole n, rounded once. scale_near_f32: where neither the result nor 2^n is subnormal or infinite. */
static inline __attribute__((unused)) vf32 scale_f32(vf32 x, vf32 n) {
    return (vf32)_mm512_scalef_ps((__m512)x, (__m512)n);
}
#define scale_near_f32 scale_f32
/* 1 / x within a unit of the last place, where that is no subnormal and x is finite. */
static inline __attribute__((unused)) vf32 reciprocal_f32(vf32 x) {
    vf32 y = (vf32)_mm512_rcp14_ps((__m512)x);
    return fma_f32(fma_f32(-x, y, splat_f32(1)), y, y);
}
/* x = 2^n y with y from 3/4 to 3/2, for finite x above 0. */
static inline __attribute__((unused)) vf32 split_f32(vf32 x, vf32 *n) {
    __m512 y = _mm512_getmant_ps((__m512)x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan);
    __m512 exponent = _mm512_getexp_ps((__m512)x), one = _mm512_set1_ps(1);
    __mmask16 below = _mm512_cmp_ps_mask(y, one, _CMP_LT_OQ);
    *n = (vf32)_mm512_mask_add_ps(exponent, below, exponent, one);
    return (vf32)y;
}
static inline __attribute__((unused)) vf64 split_f64(vf64 x, vf64 *n) {
    __m512d y = _mm512_getmant_pd((__m512d)x, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan);
    __m512d exponent = _mm512_getexp_pd((__m512d)x), one = _mm512_set1_pd(1);
    __mmask8 below = _mm512_cmp_pd_mask(y, one, _CMP_LT_OQ);
    *n = (vf64)_mm512_mask_add_pd(exponent, below, exponent, one);
    return (vf64)y;
}
/* The upper 12 bits of each lane, a whole number with its sign. */
static inline __attribute__((unused)) vf64 exponent_f64(vi64 bits) {
    return (vf64)_mm512_cvtepi64_pd(_mm512_srai_epi64((__m512i)bits, 52));
}
/* Picking from a table in registers makes the C library's logarithm as fast as memory: it is log_f32. */
#define LOG_IS_THE_LIBRARYS
/* Of a table of 16 the numbers at the lower 4 bits of each place. */
static inline __attribute__((unused)) vf64 pick_f64(const double table[16], vi64 place) {
    return (vf64)_mm512_permutex2var_pd(_mm512_loadu_pd(table), (__m512i)place, _mm512_loadu_pd(table + 8));
}
static inline __attribute__((unused)) vf64 widen_low_f32(vf32 x) {
    return (vf64)_mm512_cvtps_pd(_mm512_castps512_ps256((__m512)x));
}
static inline __attribute__((unused)) vf64 widen_high_f32(vf32 x) {
    return (vf64)_mm512_cvtps_pd(_mm512_extractf32x8_ps((__m512)x, 1));
}
static inline __attribute__((unused)) vf32 narrow_wide_f32(vf64 low, vf64 high) {
    __m256 lower = _mm512_cvtpd_ps((__m512d)low), upper = _mm512_cvtpd_ps((__m512d)high);
    return (vf32)_mm512_insertf32x8(_mm512_castps256_ps512(lower), upper, 1);
}
/* y 2^n, or 0 where x is below least. */
#define SCALES_UNLESS_BELOW
static inline __attribute__((unused)) vf32 scale_unless_below_f32(vf32 y, vf32 n, vf32 x, vf32 least) {
    __mmask16 shown = _mm512_cmp_ps_mask((__m512)x, (__m512)least, _CMP_NLT_UQ);
    return (vf32)_mm512_maskz_scalef_ps(shown, (__m512)y, (__m512)n);
}
/* x y, or 0 where z is below least. */
static inline __attribute__((unused)) vf32 product_unless_below_f32(vf32 x, vf32 y, vf32 z, vf32 least) {
    __mmask16 shown = _mm512_cmp_ps_mask((__m512)z, (__m512)least, _CMP_NLT_UQ);
    return (vf32)_mm512_maskz_mul_ps(shown, (__m512)x, (__m512)y);
}
/* Of a table of LANES the numbers at the lowest bits of each place. */
#define PICKS_LANES
static inline __attribute__((unused)) vu32 pick_lanes(vu32 table, vu32 place) {
    return (vu32)_mm512_permutexvar_epi32((__m512i)place, (__m512i)table);
}
static inline bool any_f32(vi32 mask) {
    return _mm512_movepi32_mask((__m512i)mask) != 0;
}
static inline bool any_f64(vi64 mask) {
    return _mm512_movepi64_mask((__m512i)mask) != 0;
}
/* Functions of simd.h in one instruction. */
#define ANY_IS_OWN
static inline __attribute__((unused)) bool any_nan_f32(vf32 x) {
    return _mm512_cmp_ps_mask((__m512)x, (__m512)x, _CMP_UNORD_Q) != 0;
}
static inline __attribute__((unused)) bool any_nan_f64(vf64 x) {
    return _mm512_cmp_pd_mask((__m512d)x, (__m512d)x, _CMP_UNORD_Q) != 0;
}
static inline __attribute__((unused)) bool any_not_finite_f32(vf32 x) {
    enum { NAN_OR_INFINITY = 0x99 };
    return _mm512_fpclass_ps_mask((__m512)x, NAN_OR_INFINITY) != 0;
}

static inline float sum_lanes(vf32 x) {
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256((__m512)x), _mm512_extractf32x8_ps((__m512)x, 1));
    __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    quarter = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
    return _mm_cvtss_f32(_mm_add_ss(quarter, _mm_shuffle_ps(quarter, quarter, 1)));
}

static inline __m512 add_pairs_avx512(vf32 a, vf32 b) {
    return _mm512_add_ps(_mm512_unpacklo_ps((__m512)a, (__m512)b), _mm512_unpackhi_ps((__m512)a, (__m512)b));
}
static inline pair_f32 sum_two(vf32 a, vf32 b) {
    __m512 pairs = add_pairs_avx512(a, b);
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(pairs), _mm512_extractf32x8_ps(pairs, 1));
    quad_f32 quarter = (quad_f32)_mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
    return __builtin_shufflevector(quarter, quarter, 0, 1) + __builtin_shufflevector(quarter, quarter, 2, 3);
}
static inline quad_f32 sum_four(vf32 a, vf32 b, vf32 c, vf32 d) {
    __m512d ab = _mm512_castps_pd(add_pairs_avx512(a, b)), cd = _mm512_castps_pd(add_pairs_avx512(c, d));
    __m512 all =
        _mm512_add_ps(_mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd)), _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd)));
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
    return (quad_f32)_mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

#endif
