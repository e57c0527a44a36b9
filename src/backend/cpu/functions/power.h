/* Powers of float32, computed in double: 2^(y log2 x), where nothing can cancel; within 0.6 units of the last place. */
#ifndef CPU_FUNCTIONS_POWER_H
#define CPU_FUNCTIONS_POWER_H

/* Of positive finite x. log2(1 + r) = r p(r), p: 2^-36, 1 + r from 3/4 to 3/2. */
FUNCTION vf64 power_log2(vf64 x) {
    vf64 n, r = split_f64(x, &n) - 1, p = splat_f64(0x1.373646eda3dcep-5);
    p = fma_f64(p, r, splat_f64(-0x1.a1f5e7afba6b6p-4));
    p = fma_f64(p, r, splat_f64(0x1.1c3fca2d4e8a4p-3));
    p = fma_f64(p, r, splat_f64(-0x1.31941c3369863p-3));
    p = fma_f64(p, r, splat_f64(0x1.48b5d2d716081p-3));
    p = fma_f64(p, r, splat_f64(-0x1.70a5bd975e73bp-3));
    p = fma_f64(p, r, splat_f64(0x1.a6012311c668dp-3));
    p = fma_f64(p, r, splat_f64(-0x1.ec75769cafcb0p-3));
    p = fma_f64(p, r, splat_f64(0x1.27772459be6f3p-2));
    p = fma_f64(p, r, splat_f64(-0x1.71546f28703bep-2));
    p = fma_f64(p, r, splat_f64(0x1.ec709ccd8d6c9p-2));
    p = fma_f64(p, r, splat_f64(-0x1.715476560b803p-1));
    p = fma_f64(p, r, splat_f64(0x1.71547652d007bp+0));
    return fma_f64(p, r, n);
}

/* 2^x, p: 2^-29; far more or less than a float32 holds gives infinity or 0 in it. */
FUNCTION vf64 power_exp2(vf64 x) {
    const vf64 whole = splat_f64(0x1.8p52);
    x = at_most_f64(at_least_f64(x, splat_f64(-200)), splat_f64(200));
    vf64 sum = x + whole, r = x - (sum - whole), p = splat_f64(0x1.41d321315ae83p-13);
    p = fma_f64(p, r, splat_f64(0x1.5f457050069bcp-10));
    p = fma_f64(p, r, splat_f64(0x1.3b2dbbebf181cp-7));
    p = fma_f64(p, r, splat_f64(0x1.c6aed4ae932afp-5));
    p = fma_f64(p, r, splat_f64(0x1.ebfbdadc5dcd0p-3));
    p = fma_f64(p, r, splat_f64(0x1.62e430c7efd93p-1));
    p = fma_f64(p, r, splat_f64(0x1.00000002616bep+0));
    return (vf64)((vi64)p + ((vi64)sum << 52));
}

FUNCTION vf64 power_wide(vf64 x, vf64 y) {
    return power_exp2(y * power_log2(x));
}

/* The power of |x| with the sign of x^y, for x below 0: NaN where y is not whole, negative where it is odd. */
FUNCTION vf32 power_of_sign(vf32 power, vf32 x, vf32 y) {
    vf32 half = y * 0.5F;
    vi32 negative = (vi32)(x < 0), odd = (vi32)(trunc_f32(half) != half), whole = (vi32)(trunc_f32(y) == y);
    power = (vf32)((vi32)power ^ (negative & odd & INT32_MIN));
    return blend_f32(negative & ~whole, splat_f32(__builtin_nanf("")), power);
}

/* What is not a finite power of a finite number other than 0 goes to SLEEF. */
FUNCTION vf32 pow_f32(vf32 x, vf32 y) {
    const float infinity = __builtin_inff();
    vf32 size = abs_f32(x);
    vi32 ordinary = (vi32)(size > 0) & (vi32)(size < infinity) & (vi32)(abs_f32(y) < infinity);
    vf32 power = narrow_wide_f32(power_wide(widen_low_f32(size), widen_low_f32(y)),
                                 power_wide(widen_high_f32(size), widen_high_f32(y)));
    power = power_of_sign(power, x, y);
    return any_f32(~ordinary) ? blend_f32(ordinary, power, pow_sleef(x, y)) : power;
}

#endif
