/* exp of scores, which are never above 0: without a call, so that it may stand in the middle of a loop over registers.
 */
#ifndef CPU_EXP_H
#define CPU_EXP_H

#include "cpu/simd.h"

/* exp(x) for x <= 0 within 2 ulp; 0 where it would be subnormal. A NaN stays one. Taylor's series on [-ln 2 / 2, ln 2 /
 * 2]. */
static inline vf32 exp_of_negative(vf32 x) {
    const vf32 least = splat_f32(-87.33654F);
    vf32 inside = at_least_f32(x, least);
    vf32 n = rint_f32(inside * 1.44269504088896341F);
    vf32 r = fma_f32(n, splat_f32(-0.693359375F), inside); /* ln 2 in two parts, the first exact in products with n */
    r = fma_f32(n, splat_f32(2.12194440e-4F), r);
    vf32 y = splat_f32(1.0F / 5040);
    y = fma_f32(y, r, splat_f32(1.0F / 720));
    y = fma_f32(y, r, splat_f32(1.0F / 120));
    y = fma_f32(y, r, splat_f32(1.0F / 24));
    y = fma_f32(y, r, splat_f32(1.0F / 6));
    y = fma_f32(y, r, splat_f32(0.5F));
    y = fma_f32(y * r, r, r) + 1;
    vi32 power = __builtin_convertvector(n, vi32); /* of a NaN anything that leaves y one: its lower bits are lost */
    y = (vf32)((vi32)y + (power << 23));
    return unless_below_f32(y, x, least);
}

#endif
