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

/* Six digits: M. Giles, "Approximating the erfinv function" (2010), the single precision version. */
static inline vf32 erfinv_guess(vf32 x) {
    static const float centre[] = {2.81022636e-08F, 3.43273939e-07F, -3.5233877e-06F, -4.39150654e-06F, 0.00021858087F,
                                   -0.00125372503F, -0.00417768164F, 0.246640727F,    1.50140941F};
    static const float tail[] = {-0.000200214257F, 0.000100950558F, 0.00134934322F, -0.00367342844F, 0.00573950773F,
                                 -0.0076224613F,   0.00943887047F,  1.00167406F,    2.83297682F};
    vf32 w = -log_f32((1 - x) * (1 + x));
    vf32 u = w - 2.5F, v = sqrt_f32(w) - 3, p = splat_f32(centre[0]), q = splat_f32(tail[0]);
    for (int i = 1; i < 9; i++) p = fma_f32(p, u, splat_f32(centre[i])), q = fma_f32(q, v, splat_f32(tail[i]));
    return blend_f32((vi32)(w < 5), p, q) * x;
}

static inline vf32 erfinv_f32(vf32 x) {
    vf32 guess = erfinv_guess(abs_f32(x)), y;
    for (int half = 0; half < 2; half++) {
        hf32 part;
        memcpy(&part, (char *)&x + half * SIMD_BYTES / 2, sizeof part);
        vf64 wide = __builtin_convertvector(part, vf64);
        memcpy(&part, (char *)&guess + half * SIMD_BYTES / 2, sizeof part);
        part = __builtin_convertvector(
            erfinv_finish(erfinv_step(__builtin_convertvector(part, vf64), abs_f64(wide)), wide), hf32);
        memcpy((char *)&y + half * SIMD_BYTES / 2, &part, sizeof part);
    }
    return y;
}

#endif
