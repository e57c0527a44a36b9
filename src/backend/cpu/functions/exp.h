/* e^x for every instruction set, without a call, so that it may stand in the middle of a loop over registers.
   x = n ln 2 + r. */
#ifndef CPU_FUNCTIONS_EXP_H
#define CPU_FUNCTIONS_EXP_H

/* e^r = 1 + r + r^2 p(r). p: 2^-28. */
FUNCTION vf32 exp_tail(vf32 r) {
    vf32 p = splat_f32(0x1.6d6d06p-10F);
    p = fma_f32(p, r, splat_f32(0x1.123c48p-7F));
    p = fma_f32(p, r, splat_f32(0x1.5554ccp-5F));
    p = fma_f32(p, r, splat_f32(0x1.55548ep-3F));
    return fma_f32(p, r, splat_f32(0.5F));
}

/* e^r - 1. */
FUNCTION vf32 exp_rest(vf32 r) {
    return fma_f32(exp_tail(r) * r, r, r);
}

/* e^r. */
FUNCTION vf32 exp_near(vf32 r) {
    const vf32 one = splat_f32(1);
    return fma_f32(fma_f32(exp_tail(r), r, one), r, one);
}

/* n: a sum with 3 * 2^22 is rounded to a whole number. */
FUNCTION vf32 exp_whole(vf32 x) {
    const vf32 whole = splat_f32(0x1.8p23F);
    return fma_f32(x, splat_f32(1.44269504088896341F), whole) - whole;
}

/* x - n ln 2, whose two parts are subtracted one after the other; the first product is exact. */
FUNCTION vf32 exp_reduced(vf32 x, vf32 n) {
    return fma_f32(n, splat_f32(-0x1.7f7d1cp-20F), fma_f32(n, splat_f32(-0x1.62e4p-1F), x));
}

/* exp(x) for x <= 0 within 2 ulp; 0 where it would be subnormal. A NaN stays one. */
#ifdef SCALES_UNLESS_BELOW
FUNCTION vf32 exp_of_negative(vf32 x) {
    vf32 n = exp_whole(x);
    return scale_unless_below_f32(exp_near(exp_reduced(x, n)), n, x, splat_f32(-87.33654F));
}
#else /* 2^n is made of the bits of the sum that rounded n */
FUNCTION vf32 exp_of_negative(vf32 x) {
    const vf32 least = splat_f32(-87.33654F), whole = splat_f32(0x1.8000fep23F);
    vf32 inside = at_least_f32(x, least), sum = fma_f32(inside, splat_f32(1.44269504088896341F), whole);
    vf32 power = (vf32)((vi32)sum << 23), y = exp_rest(exp_reduced(inside, sum - whole));
    return unless_below_f32(fma_f32(y, power, power), x, least);
}
#endif

#endif
