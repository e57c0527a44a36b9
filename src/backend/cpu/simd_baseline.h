/* simd.h for what every machine has: vectors of 16 bytes by the compiler's own extensions, on any processor. */
#ifndef CPU_SIMD_BASELINE_H
#define CPU_SIMD_BASELINE_H

#define ISA(name)  name##_baseline
#define SIMD_BYTES 16
#if defined(__aarch64__)
#define SLEEF_F(f)   Sleef_##f##f4_u10advsimd
#define SLEEF_D(f)   Sleef_##f##d2_u10advsimd
#define SLEEF_ERFC_D Sleef_erfcd2_u15advsimd
#define F32_IS(x)    ((float32x4_t)(x))
#define F64_IS(x)    ((float64x2_t)(x))
#else
#define SLEEF_F(f)   Sleef_##f##f4_u10sse2
#define SLEEF_D(f)   Sleef_##f##d2_u10sse2
#define SLEEF_ERFC_D Sleef_erfcd2_u15sse2
#define F32_IS(x)    ((__m128)(x))
#define F64_IS(x)    ((__m128d)(x))
#endif

#include "cpu/simd_types.h"
#include "table/convert.h"

/* The compiler's vectors have no way past the caches. */
static inline __attribute__((unused)) void stream_f32(void *to, vf32 v) {
    store_f32(to, v);
}
static inline __attribute__((unused)) void stream_half(void *to, hf32 v) {
    store_hf32(to, v);
}
static inline __attribute__((unused)) void stream_fence(void) {}

static inline vu32 widen_u16(hu16 h) {
    return __builtin_convertvector(h, vu32);
}
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
static inline __attribute__((unused)) hf32 widen_quarter_float16(qu16 q) {
    return (hf32){float16_to_float(q[0]), float16_to_float(q[1])};
}
static inline __attribute__((unused)) qu16 narrow_quarter_float16(hf32 x) {
    return (qu16){float_to_float16(x[0]), float_to_float16(x[1])};
}

#define SIMD_LANE_BY_LANE(name)                                                                                        \
    static inline __attribute__((unused)) vf32 name##_f32(vf32 x) {                                                    \
        for (int i = 0; i < LANES; i++) x[i] = __builtin_##name##f(x[i]);                                              \
        return x;                                                                                                      \
    }                                                                                                                  \
    static inline __attribute__((unused)) vf64 name##_f64(vf64 x) {                                                    \
        for (int i = 0; i < WIDE_LANES; i++) x[i] = __builtin_##name(x[i]);                                            \
        return x;                                                                                                      \
    }
SIMD_LANE_BY_LANE(floor)
SIMD_LANE_BY_LANE(ceil)
SIMD_LANE_BY_LANE(trunc)
SIMD_LANE_BY_LANE(rint)
SIMD_LANE_BY_LANE(sqrt)

static inline vf32 fma_f32(vf32 a, vf32 b, vf32 c) {
    return a * b + c;
}
/* x, or least where it is below that; a NaN stays. */
static inline __attribute__((unused)) vf32 at_least_f32(vf32 x, vf32 least) {
    vi32 below = (vi32)(x < least);
    return (vf32)((below & (vi32)least) | (~below & (vi32)x));
}
/* x, or most where it is above that; a NaN stays. */
static inline __attribute__((unused)) vf32 at_most_f32(vf32 x, vf32 most) {
    return blend_f32((vi32)(x > most), most, x);
}
static inline __attribute__((unused)) vf64 at_least_f64(vf64 x, vf64 least) {
    return blend_f64((vi64)(x < least), least, x);
}
static inline __attribute__((unused)) vf64 at_most_f64(vf64 x, vf64 most) {
    return blend_f64((vi64)(x > most), most, x);
}
/* One behind the other. */
static inline __attribute__((unused)) vu16 join_u16(hu16 a, hu16 b) {
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
}
static inline __attribute__((unused)) vu16 larger_i16(vu16 a, vu16 b) {
    vu16 more = (vu16)((vi16)a > (vi16)b);
    return (more & a) | (~more & b);
}
static inline __attribute__((unused)) vu16 smaller_u16(vu16 a, vu16 b) {
    vu16 less = (vu16)(a < b);
    return (less & a) | (~less & b);
}
/* y, or 0 where x is below least. */
static inline __attribute__((unused)) vf32 unless_below_f32(vf32 y, vf32 x, vf32 least) {
    return (vf32)(~(vi32)(x < least) & (vi32)y);
}
static inline bool any_f32(vi32 mask) {
    return (mask[0] | mask[1] | mask[2] | mask[3]) != 0;
}
static inline bool any_f64(vi64 mask) {
    return (mask[0] | mask[1]) != 0;
}

static inline float sum_lanes(vf32 x) {
    x += __builtin_shufflevector(x, x, 2, 3, 0, 1);
    return x[0] + x[1];
}
static inline pair_f32 sum_two(vf32 a, vf32 b) {
    vf32 pairs = __builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7);
    return __builtin_shufflevector(pairs, pairs, 0, 1) + __builtin_shufflevector(pairs, pairs, 2, 3);
}
static inline quad_f32 sum_four(vf32 a, vf32 b, vf32 c, vf32 d) {
    vf32 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5) + __builtin_shufflevector(a, b, 2, 6, 3, 7);
    vf32 cd = __builtin_shufflevector(c, d, 0, 4, 1, 5) + __builtin_shufflevector(c, d, 2, 6, 3, 7);
    return (quad_f32)(__builtin_shufflevector(ab, cd, 0, 1, 4, 5) + __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
}

#endif
