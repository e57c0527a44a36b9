/* log of sums: without a call, so that it may stand in the middle of a loop over registers. */
#ifndef CPU_LOG_H
#define CPU_LOG_H

#include "cpu/simd.h"

/* log(x) within 2 ulp for normal x > 0; 0 gives -inf, infinity and NaN stay. x = 2^n (1 + r) with 1 + r between
   sqrt(1/2) and sqrt(2); log(1 + r) = r - r^2 / 2 + r^3 p(r), p fitted at Chebyshev's points. */
static inline vf32 log_of_positive(vf32 x) {
    const int32_t least = 0x3F3504F3; /* sqrt(1/2) */
    vi32 bits = (vi32)x, n = (bits - least) >> 23;
    vf32 r = (vf32)(bits - (n << 23)) - 1, square = r * r, exponent = __builtin_convertvector(n, vf32);
    vf32 p = splat_f32(-0x1.4bd81p-4F);
    p = fma_f32(p, r, splat_f32(0x1.0459eep-3F));
    p = fma_f32(p, r, splat_f32(-0x1.09ac0ep-3F));
    p = fma_f32(p, r, splat_f32(0x1.22dc34p-3F));
    p = fma_f32(p, r, splat_f32(-0x1.54d54ap-3F));
    p = fma_f32(p, r, splat_f32(0x1.99a14ep-3F));
    p = fma_f32(p, r, splat_f32(-0x1.0000c8p-2F));
    p = fma_f32(p, r, splat_f32(0x1.555552p-2F));
    p = fma_f32(p, r, splat_f32(-0.5F));
    vf32 y = fma_f32(exponent, splat_f32(-2.12194440e-4F), square * p); /* ln 2 in two parts, the first exact */
    y = fma_f32(exponent, splat_f32(0.693359375F), y + r);
    y = blend_f32((vi32)(x < __builtin_inff()), y, x);
    return blend_f32((vi32)(x == 0), splat_f32(-__builtin_inff()), y);
}

#endif
