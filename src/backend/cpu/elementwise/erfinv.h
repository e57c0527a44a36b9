/* The inverse of the error function on vectors: a guess, then Halley's steps, each of which triples the digits. Near 1
   the residual is taken from erfc, which keeps its digits there as erf does near 0. */
#ifndef CPU_ERFINV_H
#define CPU_ERFINV_H

#include "cpu/simd.h"

static inline vf64 erfinv_step(vf64 y, vf64 magnitude) {
    const double half_root_pi = 0.88622692545275801365;
    vf64 residual = blend_f64((vi64)(magnitude < 0.5), erf_f64(y) - magnitude, (1 - magnitude) - erfc_f64(y));
    vf64 step = residual * half_root_pi * exp_f64(y * y);
    return y - step / (1 + y * step);
}

/* With the sign of x; infinite at 1, NaN beyond. */
static inline vf64 erfinv_finish(vf64 y, vf64 x) {
    vf64 magnitude = abs_f64(x), nan = splat_f64(__builtin_nan("")), infinity = splat_f64(__builtin_inf());
    y = blend_f64((vi64)(magnitude == 1), infinity, y);
    y = blend_f64((vi64)(magnitude <= 1), y, nan);
    return (vf64)(((vi64)y & INT64_MAX) | ((vi64)x & INT64_MIN));
}

static inline vf64 erfinv_f64(vf64 x) {
    /* S. Winitzki, "A handy approximation for the error function and its inverse" (2008): three digits */
    vf64 magnitude = abs_f64(x), l = log_f64((1 - magnitude) * (1 + magnitude));
    vf64 t = 2 / (0.147 * 3.14159265358979323846) + l * 0.5, y = sqrt_f64(sqrt_f64(t * t - l / 0.147) - t);
    for (int i = 0; i < 4; i++) y = erfinv_step(y, magnitude);
    return erfinv_finish(y, x);
}

/* 1 - x * x in one rounding. */
static inline vf32 one_minus_square(vf32 x) {
#ifdef __FMA__
    return fma_f32(-x, x, splat_f32(1));
#else
    vf32 y;
    for (int i = 0; i < LANES; i++) y[i] = (float)(1 - (double)x[i] * (double)x[i]);
    return y;
#endif
}

/* N. Juffa's polynomials in log(1 - x * x), within 2.4 units of the last place: those that MLX draws normal numbers
   with. They make up to three units of one in the last place of the logarithm, so that this is the C library's. */
static inline vf32 erfinv_f32(vf32 x) {
    static const float centre[] = {5.43877832e-9F,  1.43285448e-7F, 1.22774793e-6F, 1.12963626e-7F,  -5.61530760e-5F,
                                   -1.47697632e-4F, 2.31468678e-3F, 1.15392581e-2F, -2.32015476e-1F, 8.86226892e-1F};
    static const float tail[] = {3.03697567e-10F, 2.93243101e-8F, 1.22150334e-6F,  2.84108955e-5F, 3.93552968e-4F,
                                 3.02698812e-3F,  4.83185798e-3F, -2.64646143e-1F, 8.40016484e-1F};
    vf32 t = library_log(one_minus_square(x)), p = splat_f32(centre[0]), q = splat_f32(tail[0]);
    for (int i = 1; i < 10; i++) p = fma_f32(p, t, splat_f32(centre[i]));
    for (int i = 1; i < 9; i++) q = fma_f32(q, t, splat_f32(tail[i]));
    return x * blend_f32((vi32)(t < -6.125F), q, p);
}

#endif
