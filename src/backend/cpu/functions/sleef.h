/* The mathematical functions of SLEEF, within 1 ULP: <name>_f64, and of float32 what SLEEF_F32 (functions.h) calls
   them. What an element gives does not depend on the others in its vector. Included by functions.h alone. */
#ifndef CPU_FUNCTIONS_SLEEF_H
#define CPU_FUNCTIONS_SLEEF_H

#include <sleef.h>

#define SIMD_MATH(f)                                                                                                   \
    static inline __attribute__((unused)) vf32 SLEEF_F32(f)(vf32 x) {                                                  \
        return (vf32)SLEEF_F(f)(F32_IS(x));                                                                            \
    }                                                                                                                  \
    static inline __attribute__((unused)) vf64 f##_f64(vf64 x) {                                                       \
        return (vf64)SLEEF_D(f)(F64_IS(x));                                                                            \
    }
SIMD_MATH(exp)
SIMD_MATH(expm1)
SIMD_MATH(log)
SIMD_MATH(log2)
SIMD_MATH(log10)
SIMD_MATH(asin)
SIMD_MATH(acos)
SIMD_MATH(atan)
SIMD_MATH(tanh)
SIMD_MATH(atanh)
SIMD_MATH(erf)

/* A vector with a lane that is not nearer to 0 than `near` goes another way in SLEEF, with all of its lanes, which
 * gives some another last bit. Here near lanes always go the near way: a result is that of its element alone. */
#define SIMD_MATH_NEAR(f, near, near_wide)                                                                             \
    static inline __attribute__((unused)) vf32 SLEEF_F32(f)(vf32 x) {                                                  \
        vf32 y = (vf32)SLEEF_F(f)(F32_IS(x));                                                                          \
        vi32 is_near = (vi32)(abs_f32(x) < near);                                                                      \
        if (!any_f32(~is_near)) return y;                                                                              \
        vf32 kept = (vf32)((vi32)x & is_near);                                                                         \
        return blend_f32(is_near, (vf32)SLEEF_F(f)(F32_IS(kept)), y);                                                  \
    }                                                                                                                  \
    static inline __attribute__((unused)) vf64 f##_f64(vf64 x) {                                                       \
        vf64 y = (vf64)SLEEF_D(f)(F64_IS(x));                                                                          \
        vi64 is_near = (vi64)(abs_f64(x) < near_wide);                                                                 \
        if (!any_f64(~is_near)) return y;                                                                              \
        vf64 kept = (vf64)((vi64)x & is_near);                                                                         \
        return blend_f64(is_near, (vf64)SLEEF_D(f)(F64_IS(kept)), y);                                                  \
    }
SIMD_MATH_NEAR(sin, 125.0F, 15.0)
SIMD_MATH_NEAR(cos, 125.0F, 15.0)
SIMD_MATH_NEAR(tan, 125.0F, 15.0)

/* Of angles nearer to 0 than 15. */
static inline __attribute__((unused)) void sincos_near_f64(vf64 x, vf64 *sine, vf64 *cosine) {
    __typeof__(SLEEF_D(sincos)(F64_IS(x))) both = SLEEF_D(sincos)(F64_IS(x));
    *sine = (vf64)both.x;
    *cosine = (vf64)both.y;
}

/* SLEEF's versions of these overflow long before their results do. From `large` on, log(x) + more is the result to the
 * last bit. */
#define SIMD_MATH_LARGE(f, large, large_wide, more)                                                                    \
    static inline __attribute__((unused)) vf32 SLEEF_F32(f)(vf32 x) {                                                  \
        vf32 size = abs_f32(x), y = (vf32)SLEEF_F(f)(F32_IS(x));                                                       \
        if (!any_f32((vi32)(size > large))) return y;                                                                  \
        vf32 far = (vf32)((vi32)(SLEEF_F32(log)(size) + (float)(more)) | ((vi32)x & INT32_MIN));                       \
        return blend_f32((vi32)(size > large) & (vi32)(x > lowest_##f), far, y);                                       \
    }                                                                                                                  \
    static inline __attribute__((unused)) vf64 f##_f64(vf64 x) {                                                       \
        vf64 size = abs_f64(x), y = (vf64)SLEEF_D(f)(F64_IS(x));                                                       \
        if (!any_f64((vi64)(size > large_wide))) return y;                                                             \
        vf64 far = (vf64)((vi64)(log_f64(size) + (more)) | ((vi64)x & INT64_MIN));                                     \
        return blend_f64((vi64)(size > large_wide) & (vi64)(x > (double)lowest_##f), far, y);                          \
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

/* So do these, a little before: there the square of exp(x / 2), halved. */
#define SIMD_MATH_STEEP(f, large, large_wide, sign, sign_wide)                                                         \
    static inline __attribute__((unused)) vf32 SLEEF_F32(f)(vf32 x) {                                                  \
        vf32 size = abs_f32(x), y = (vf32)SLEEF_F(f)(F32_IS(x));                                                       \
        if (!any_f32((vi32)(size > large))) return y;                                                                  \
        vf32 root = SLEEF_F32(exp)(size * 0.5F);                                                                       \
        vf32 far = (vf32)((vi32)(root * 0.5F * root) | ((vi32)x & (sign)));                                            \
        return blend_f32((vi32)(size > large), far, y);                                                                \
    }                                                                                                                  \
    static inline __attribute__((unused)) vf64 f##_f64(vf64 x) {                                                       \
        vf64 size = abs_f64(x), y = (vf64)SLEEF_D(f)(F64_IS(x));                                                       \
        if (!any_f64((vi64)(size > large_wide))) return y;                                                             \
        vf64 root = exp_f64(size * 0.5);                                                                               \
        vf64 far = (vf64)((vi64)(root * 0.5 * root) | ((vi64)x & (sign_wide)));                                        \
        return blend_f64((vi64)(size > large_wide), far, y);                                                           \
    }
SIMD_MATH_STEEP(sinh, 88.0F, 709.0, INT32_MIN, INT64_MIN)
SIMD_MATH_STEEP(cosh, 88.0F, 709.0, 0, 0)

#define SIMD_MATH2(f)                                                                                                  \
    static inline __attribute__((unused)) vf32 SLEEF_F32(f)(vf32 x, vf32 y) {                                          \
        return (vf32)SLEEF_F(f)(F32_IS(x), F32_IS(y));                                                                 \
    }                                                                                                                  \
    static inline __attribute__((unused)) vf64 f##_f64(vf64 x, vf64 y) {                                               \
        return (vf64)SLEEF_D(f)(F64_IS(x), F64_IS(y));                                                                 \
    }
SIMD_MATH2(pow)
SIMD_MATH2(atan2)
static inline __attribute__((unused)) vf64 erfc_f64(vf64 x) {
    return (vf64)SLEEF_ERFC_D(F64_IS(x));
}

#endif
