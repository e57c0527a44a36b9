/* Vectors of the instruction set that the including file is compiled for: types, loads and stores, half types, and the
   mathematical functions (functions/). Only files named *_<isa>.c may include it. Everything here is static, so that
   no file calls code of a wider set.

   What the sets do differently is in simd_<isa>.h: widen_float16, narrow_float16, floor, ceil, trunc, rint, sqrt,
   fma_f32 (in one rounding where the set has it), any, sum_lanes (halves are added to halves until one lane is left),
   and sum_two and sum_four, sum_lanes of several vectors at once. */
#ifndef CPU_SIMD_H
#define CPU_SIMD_H

#if defined(__AVX512F__)
#include "cpu/simd_avx512.h"
#elif defined(__AVX2__)
#include "cpu/simd_avx2.h"
#else
#include "cpu/simd_baseline.h"
#endif
#include "table/convert.h"

/* ---- half types */
static inline vf32 widen_bfloat16(hu16 h) {
    return (vf32)(widen_u16(h) << 16);
}

/* Vector j from x on of vectors in twos, the first of the even and the second of the odd elements of both, for which a
   shift and a mask suffice. */
static inline __attribute__((unused)) vf32 bfloat16_in_twos(const uint16_t *x, int j) {
    vu32 both = load_u32(x + (j & ~1) * LANES);
    return (vf32)(j & 1 ? both & 0xFFFF0000 : both << 16);
}

/* To the nearest bfloat16, still as floats. */
static inline vf32 round_bfloat16(vf32 x) {
    vu32 bits = (vu32)x, rounded = bits + 0x7FFF + ((bits >> 16) & 1), quiet = bits | 0x400000;
    vu32 nan = (vu32)(x != x);
    return (vf32)(((nan & quiet) | (~nan & rounded)) & 0xFFFF0000);
}
#ifndef BFLOAT16_IS_OWN
/* The same where a NaN's lower half is 0, as of all that is made of bfloat16; the lower half is not cleared. */
static inline __attribute__((unused)) vu32 round_number_bfloat16(vf32 x) {
    return (vu32)x + 0x7FFF + (((vu32)x >> 16) & 1);
}
static inline __attribute__((unused)) hu16 upper_halves(vu32 x) {
    return __builtin_convertvector(x >> 16, hu16);
}
/* The upper halves of `even` and of `odd`, by turns. */
static inline __attribute__((unused)) vu32 join_upper_halves(vu32 even, vu32 odd) {
    return (even >> 16) | (odd & 0xFFFF0000);
}
static inline hu16 narrow_bfloat16(vf32 x) {
    return upper_halves((vu32)round_bfloat16(x));
}
#endif
static inline __attribute__((unused)) hu16 narrow_number_bfloat16(vf32 x) {
    return upper_halves(round_number_bfloat16(x));
}
static inline __attribute__((unused)) hf32 widen_quarter_bfloat16(qu16 q) {
    return (hf32)(__builtin_convertvector(q, hu32) << 16);
}
static inline __attribute__((unused)) qu16 narrow_quarter_bfloat16(hf32 x) {
    hu32 bits = (hu32)x, rounded = bits + 0x7FFF + ((bits >> 16) & 1), quiet = bits | 0x400000, nan = (hu32)(x != x);
    return __builtin_convertvector(((nan & quiet) | (~nan & rounded)) >> 16, qu16);
}
static inline vf32 round_float16(vf32 x) {
    return widen_float16(narrow_float16(x));
}

/* Conversion of `count` elements, the last few one by one. */
#define SIMD_HALF(type)                                                                                                \
    static inline __attribute__((unused)) void floats_from_##type(float *to, const uint16_t *from, int64_t count) {    \
        int64_t i = 0;                                                                                                 \
        for (; i + LANES <= count; i += LANES) store_f32(to + i, widen_##type(load_hu16(from + i)));                   \
        for (; i < count; i++) to[i] = type##_to_float(from[i]);                                                       \
    }                                                                                                                  \
    static inline __attribute__((unused)) void floats_to_##type(uint16_t *to, const float *from, int64_t count) {      \
        int64_t i = 0;                                                                                                 \
        for (; i + LANES <= count; i += LANES) store_hu16(to + i, narrow_##type(load_f32(from + i)));                  \
        for (; i < count; i++) to[i] = float_to_##type(from[i]);                                                       \
    }
SIMD_HALF(float16)
SIMD_HALF(bfloat16)

/* ---- the largest of halves without widening them: as whole numbers with a sign those that are not negative stand in
   their order and above all that are, and these the other way around. A NaN may be lost. */
typedef struct {
    vu16 largest, least; /* with a sign; without one */
} half_extremes;

static inline __attribute__((unused)) half_extremes half_extremes_in(half_extremes e, vu16 x) {
    return (half_extremes){larger_i16(e.largest, x), smaller_u16(e.least, x)};
}
/* Of nothing: `none`, -infinity, is what stays. */
static inline __attribute__((unused)) half_extremes half_extremes_of(uint16_t none) {
    return (half_extremes){0x8000 | (vu16){0}, none | (vu16){0}};
}
/* In each lane. */
static inline __attribute__((unused)) vu16 half_largest(half_extremes e) {
    vu16 negative = (vu16)((vi16)e.largest < 0);
    return (negative & e.least) | (~negative & e.largest);
}

/* ---- what is no number */
#ifndef ANY_IS_OWN
static inline __attribute__((unused)) bool any_nan_f32(vf32 x) {
    return any_f32((vi32)(x != x));
}
static inline __attribute__((unused)) bool any_nan_f64(vf64 x) {
    return any_f64((vi64)(x != x));
}
static inline __attribute__((unused)) bool any_not_finite_f32(vf32 x) {
    return any_f32((vi32)(x - x != 0));
}
#endif

/* ---- absolute values */
static inline vf32 abs_f32(vf32 x) {
    return (vf32)((vi32)x & INT32_MAX);
}
static inline vf64 abs_f64(vf64 x) {
    return (vf64)((vi64)x & INT64_MAX);
}

/* ---- over the lanes */
static inline float max_lanes(vf32 x) {
    float most = x[0];
    for (int i = 1; i < LANES; i++) most = x[i] > most ? x[i] : most;
    return most;
}

#include "cpu/functions/functions.h"

#endif
