/* Vectors of the instruction set that the including file is compiled for: types, loads and stores, half types, and the mathematical
   functions (SLEEF, 1 ULP). Only files named *_<isa>.c may include it. Everything here is static, so that no file calls code of a wider
   set. */
#ifndef CPU_SIMD_H
#define CPU_SIMD_H

#include <immintrin.h>
#include <sleef.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "table/convert.h"

#if defined(__AVX512F__)
#define ISA(name)    name##_avx512
#define SIMD_BYTES   64
#define SLEEF_F(f)   Sleef_##f##f16_u10avx512f
#define SLEEF_D(f)   Sleef_##f##d8_u10avx512f
#define SLEEF_ERFC_D Sleef_erfcd8_u15avx512f
#define F32_IS(x)    ((__m512)(x))
#define F64_IS(x)    ((__m512d)(x))
#elif defined(__AVX2__)
#define ISA(name)    name##_avx2
#define SIMD_BYTES   32
#define SLEEF_F(f)   Sleef_##f##f8_u10avx2
#define SLEEF_D(f)   Sleef_##f##d4_u10avx2
#define SLEEF_ERFC_D Sleef_erfcd4_u15avx2
#define F32_IS(x)    ((__m256)(x))
#define F64_IS(x)    ((__m256d)(x))
#else
#define ISA(name)    name##_baseline
#define SIMD_BYTES   16
#define SLEEF_F(f)   Sleef_##f##f4_u10sse2
#define SLEEF_D(f)   Sleef_##f##d2_u10sse2
#define SLEEF_ERFC_D Sleef_erfcd2_u15sse2
#define F32_IS(x)    ((__m128)(x))
#define F64_IS(x)    ((__m128d)(x))
#endif

/* ---- types: v<kind><bits> fills a register, h<kind><bits> half of one */
#define SIMD_TYPE(name, type, bytes) typedef type name __attribute__((vector_size(bytes)));
SIMD_TYPE(vf32, float, SIMD_BYTES)
SIMD_TYPE(vi32, int32_t, SIMD_BYTES)
SIMD_TYPE(vu32, uint32_t, SIMD_BYTES)
SIMD_TYPE(vf64, double, SIMD_BYTES)
SIMD_TYPE(vi64, int64_t, SIMD_BYTES)
SIMD_TYPE(vu64, uint64_t, SIMD_BYTES)
SIMD_TYPE(hu16, uint16_t, SIMD_BYTES / 2)
SIMD_TYPE(hf32, float, SIMD_BYTES / 2)
SIMD_TYPE(hi32, int32_t, SIMD_BYTES / 2)

enum { LANES = SIMD_BYTES / 4, WIDE_LANES = SIMD_BYTES / 8 };

/* Memory need only be aligned to its elements. */
#define SIMD_ACCESS(name, type)                                                                                                            \
    static inline __attribute__((unused)) type load_##name(const void *from) {                                                             \
        type v;                                                                                                                            \
        memcpy(&v, from, sizeof v);                                                                                                        \
        return v;                                                                                                                          \
    }                                                                                                                                      \
    static inline __attribute__((unused)) void store_##name(void *to, type v) {                                                            \
        memcpy(to, &v, sizeof v);                                                                                                          \
    }
SIMD_ACCESS(f32, vf32)
SIMD_ACCESS(i32, vi32)
SIMD_ACCESS(u32, vu32)
SIMD_ACCESS(f64, vf64)
SIMD_ACCESS(i64, vi64)
SIMD_ACCESS(u64, vu64)
SIMD_ACCESS(hu16, hu16)
SIMD_ACCESS(hi32, hi32)

static inline vf32 splat_f32(float x) {
    return x - (vf32){0};
}
static inline vf64 splat_f64(double x) {
    return x - (vf64){0};
}

/* Lanes of a where the mask is set, else of b. Masks are all ones or all zeros in each lane. */
static inline vf32 blend_f32(vi32 mask, vf32 a, vf32 b) {
    return (vf32)((mask & (vi32)a) | (~mask & (vi32)b));
}
static inline vf64 blend_f64(vi64 mask, vf64 a, vf64 b) {
    return (vf64)((mask & (vi64)a) | (~mask & (vi64)b));
}

/* ---- half types */
static inline vf32 widen_bfloat16(hu16 h) {
    return (vf32)(__builtin_convertvector(h, vu32) << 16);
}

static inline hu16 narrow_bfloat16(vf32 x) {
    vu32 bits = (vu32)x;
    vu32 rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16, quiet = bits >> 16 | 0x40;
    vu32 nan = (vu32)(x != x);
    return __builtin_convertvector((nan & quiet) | (~nan & rounded), hu16);
}

#if SIMD_BYTES == 64
static inline vf32 widen_float16(hu16 h) {
    return (vf32)_mm512_cvtph_ps((__m256i)h);
}
static inline hu16 narrow_float16(vf32 x) {
    return (hu16)_mm512_cvtps_ph((__m512)x, _MM_FROUND_TO_NEAREST_INT);
}
#elif SIMD_BYTES == 32
static inline vf32 widen_float16(hu16 h) {
    return (vf32)_mm256_cvtph_ps((__m128i)h);
}
static inline hu16 narrow_float16(vf32 x) {
    return (hu16)_mm256_cvtps_ph((__m256)x, _MM_FROUND_TO_NEAREST_INT);
}
#else
static inline vf32 widen_float16(hu16 h) {
    vu32 wide = __builtin_convertvector(h, vu32), sign = (wide & 0x8000) << 16, magnitude = wide & 0x7FFF;
    vu32 special = (vu32)(magnitude >= 0x7C00), number = (vu32)((vf32)(magnitude << 13) * 0x1p112F);
    return (vf32)(sign | (special & (0x7F800000 | (magnitude & 0x3FF) << 13)) | (~special & number));
}
static inline hu16 narrow_float16(vf32 x) {
    hu16 h;
    for (int i = 0; i < LANES; i++) h[i] = float_to_float16(x[i]);
    return h;
}
#endif

/* Conversion of `count` elements, the last few one by one. */
#define SIMD_HALF(type)                                                                                                                    \
    static inline __attribute__((unused)) void floats_from_##type(float *to, const uint16_t *from, int64_t count) {                        \
        int64_t i = 0;                                                                                                                     \
        for (; i + LANES <= count; i += LANES) store_f32(to + i, widen_##type(load_hu16(from + i)));                                       \
        for (; i < count; i++) to[i] = type##_to_float(from[i]);                                                                           \
    }                                                                                                                                      \
    static inline __attribute__((unused)) void floats_to_##type(uint16_t *to, const float *from, int64_t count) {                          \
        int64_t i = 0;                                                                                                                     \
        for (; i + LANES <= count; i += LANES) store_hu16(to + i, narrow_##type(load_f32(from + i)));                                      \
        for (; i < count; i++) to[i] = float_to_##type(from[i]);                                                                           \
    }
SIMD_HALF(float16)
SIMD_HALF(bfloat16)

/* ---- rounding to whole numbers */
#if SIMD_BYTES == 64
#define SIMD_ROUND(name, mode)                                                                                                             \
    static inline __attribute__((unused)) vf32 name##_f32(vf32 x) {                                                                        \
        return (vf32)_mm512_roundscale_ps((__m512)x, mode);                                                                                \
    }                                                                                                                                      \
    static inline __attribute__((unused)) vf64 name##_f64(vf64 x) {                                                                        \
        return (vf64)_mm512_roundscale_pd((__m512d)x, mode);                                                                               \
    }
#elif SIMD_BYTES == 32
#define SIMD_ROUND(name, mode)                                                                                                             \
    static inline __attribute__((unused)) vf32 name##_f32(vf32 x) {                                                                        \
        return (vf32)_mm256_round_ps((__m256)x, mode);                                                                                     \
    }                                                                                                                                      \
    static inline __attribute__((unused)) vf64 name##_f64(vf64 x) {                                                                        \
        return (vf64)_mm256_round_pd((__m256d)x, mode);                                                                                    \
    }
#else
#define SIMD_ROUND(name, mode)                                                                                                             \
    static inline __attribute__((unused)) vf32 name##_f32(vf32 x) {                                                                        \
        for (int i = 0; i < LANES; i++) x[i] = __builtin_##name##f(x[i]);                                                                  \
        return x;                                                                                                                          \
    }                                                                                                                                      \
    static inline __attribute__((unused)) vf64 name##_f64(vf64 x) {                                                                        \
        for (int i = 0; i < WIDE_LANES; i++) x[i] = __builtin_##name(x[i]);                                                                \
        return x;                                                                                                                          \
    }
#endif
SIMD_ROUND(floor, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC)
SIMD_ROUND(ceil, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC)
SIMD_ROUND(trunc, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)
SIMD_ROUND(rint, _MM_FROUND_CUR_DIRECTION | _MM_FROUND_NO_EXC)

/* ---- square roots and absolute values */
#if SIMD_BYTES == 64
#define SIMD_SQRT_F32 _mm512_sqrt_ps
#define SIMD_SQRT_F64 _mm512_sqrt_pd
#elif SIMD_BYTES == 32
#define SIMD_SQRT_F32 _mm256_sqrt_ps
#define SIMD_SQRT_F64 _mm256_sqrt_pd
#else
#define SIMD_SQRT_F32 _mm_sqrt_ps
#define SIMD_SQRT_F64 _mm_sqrt_pd
#endif
static inline vf32 sqrt_f32(vf32 x) {
    return (vf32)SIMD_SQRT_F32(F32_IS(x));
}
static inline vf64 sqrt_f64(vf64 x) {
    return (vf64)SIMD_SQRT_F64(F64_IS(x));
}
static inline vf32 abs_f32(vf32 x) {
    return (vf32)((vi32)x & INT32_MAX);
}
static inline vf64 abs_f64(vf64 x) {
    return (vf64)((vi64)x & INT64_MAX);
}

/* ---- a * b + c: in one rounding where the set has it */
static inline vf32 fma_f32(vf32 a, vf32 b, vf32 c) {
#if SIMD_BYTES == 64
    return (vf32)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif SIMD_BYTES == 32
    return (vf32)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    return a * b + c;
#endif
}

static inline __attribute__((unused)) vf64 fma_f64(vf64 a, vf64 b, vf64 c) {
#if SIMD_BYTES == 64
    return (vf64)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c);
#elif SIMD_BYTES == 32
    return (vf64)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c);
#else
    return a * b + c;
#endif
}
#define SIMD_HAS_FMA (SIMD_BYTES >= 32)

/* ---- over the lanes */
#if SIMD_BYTES == 64
#define SIMD_ANY_F32(mask) (_mm512_movepi32_mask((__m512i)(mask)) != 0)
#define SIMD_ANY_F64(mask) (_mm512_movepi64_mask((__m512i)(mask)) != 0)
#elif SIMD_BYTES == 32
#define SIMD_ANY_F32(mask) (_mm256_movemask_ps((__m256)(mask)) != 0)
#define SIMD_ANY_F64(mask) (_mm256_movemask_pd((__m256d)(mask)) != 0)
#else
#define SIMD_ANY_F32(mask) (_mm_movemask_ps((__m128)(mask)) != 0)
#define SIMD_ANY_F64(mask) (_mm_movemask_pd((__m128d)(mask)) != 0)
#endif
static inline bool any_f32(vi32 mask) {
    return SIMD_ANY_F32(mask);
}
static inline bool any_f64(vi64 mask) {
    return SIMD_ANY_F64(mask);
}
/* Halves are added to halves until one lane is left. */
static inline float sum_lanes(vf32 x) {
#if SIMD_BYTES == 64
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256((__m512)x), _mm512_extractf32x8_ps((__m512)x, 1));
    __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
#elif SIMD_BYTES == 32
    __m128 quarter = _mm_add_ps(_mm256_castps256_ps128((__m256)x), _mm256_extractf128_ps((__m256)x, 1));
#else
    __m128 quarter = (__m128)x;
#endif
    quarter = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
    return _mm_cvtss_f32(_mm_add_ss(quarter, _mm_shuffle_ps(quarter, quarter, 1)));
}
static inline float max_lanes(vf32 x) {
    float most = x[0];
    for (int i = 1; i < LANES; i++) most = x[i] > most ? x[i] : most;
    return most;
}

/* ---- mathematical functions */
#define SIMD_MATH(f)                                                                                                                       \
    static inline __attribute__((unused)) vf32 f##_f32(vf32 x) {                                                                           \
        return (vf32)SLEEF_F(f)(F32_IS(x));                                                                                                \
    }                                                                                                                                      \
    static inline __attribute__((unused)) vf64 f##_f64(vf64 x) {                                                                           \
        return (vf64)SLEEF_D(f)(F64_IS(x));                                                                                                \
    }
SIMD_MATH(exp)
SIMD_MATH(expm1)
SIMD_MATH(log)
SIMD_MATH(log2)
SIMD_MATH(log10)
SIMD_MATH(sin)
SIMD_MATH(cos)
SIMD_MATH(tan)
SIMD_MATH(asin)
SIMD_MATH(acos)
SIMD_MATH(atan)
SIMD_MATH(sinh)
SIMD_MATH(cosh)
SIMD_MATH(tanh)
SIMD_MATH(atanh)
SIMD_MATH(erf)

/* SLEEF's versions of these overflow long before their results do. From `large` on, log(x) + more is the result to the last bit. */
#define SIMD_MATH_LARGE(f, large, large_wide, more)                                                                                        \
    static inline __attribute__((unused)) vf32 f##_f32(vf32 x) {                                                                           \
        vf32 size = abs_f32(x), y = (vf32)SLEEF_F(f)(F32_IS(x));                                                                           \
        if (!any_f32((vi32)(size > large))) return y;                                                                                      \
        vf32 far = (vf32)((vi32)(log_f32(size) + (float)(more)) | ((vi32)x & INT32_MIN));                                                  \
        return blend_f32((vi32)(size > large) & (vi32)(x > lowest_##f), far, y);                                                           \
    }                                                                                                                                      \
    static inline __attribute__((unused)) vf64 f##_f64(vf64 x) {                                                                           \
        vf64 size = abs_f64(x), y = (vf64)SLEEF_D(f)(F64_IS(x));                                                                           \
        if (!any_f64((vi64)(size > large_wide))) return y;                                                                                 \
        vf64 far = (vf64)((vi64)(log_f64(size) + (more)) | ((vi64)x & INT64_MIN));                                                         \
        return blend_f64((vi64)(size > large_wide) & (vi64)(x > (double)lowest_##f), far, y);                                              \
    }
#define lowest_log1p 0.0F
#define lowest_acosh 0.0F
#define lowest_asinh -__builtin_inff()
SIMD_MATH_LARGE(log1p, 1e15F, 1e30, 0.0)
SIMD_MATH_LARGE(asinh, 1e10F, 1e20, 0.69314718055994530942)
SIMD_MATH_LARGE(acosh, 1e10F, 1e20, 0.69314718055994530942)
#undef lowest_log1p
#undef lowest_acosh
#undef lowest_asinh

#define SIMD_MATH2(f)                                                                                                                      \
    static inline __attribute__((unused)) vf32 f##_f32(vf32 x, vf32 y) {                                                                   \
        return (vf32)SLEEF_F(f)(F32_IS(x), F32_IS(y));                                                                                     \
    }                                                                                                                                      \
    static inline __attribute__((unused)) vf64 f##_f64(vf64 x, vf64 y) {                                                                   \
        return (vf64)SLEEF_D(f)(F64_IS(x), F64_IS(y));                                                                                     \
    }
SIMD_MATH2(pow)
SIMD_MATH2(atan2)
static inline __attribute__((unused)) vf64 erfc_f64(vf64 x) {
    return (vf64)SLEEF_ERFC_D(F64_IS(x));
}

#endif
