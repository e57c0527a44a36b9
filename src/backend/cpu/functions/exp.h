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

/* ---- e^(x - most) for elements x of 16 bits and no more than most, good to 2^-18, for what is rounded to as few bits;
   0 where it would be subnormal. All results of one `short_base` have one factor more, the same for all, between
   2^-1/16 and 2^1/16: it cancels in their ratios.

   x factor - whole, where 2 to the power of 1/LANES of these is e^(x - most), is a whole number, found by the sum with
   3 * 2^22 - whole = base, and a rest r; powers of two come from a table in a register and the bits of the sum. */
typedef struct {
    float factor, base;
} short_base;
typedef struct {
    vf32 factor, base;
} short_bases;

#ifdef PICKS_LANES
enum { SHORT_BITS = LANES == 16 ? 4 : 3 };

/* The bits of 2^(j / LANES), less what j in the sum adds to them. */
static const uint32_t short_powers[] = {
#if SIMD_BYTES == 64
    0x3F800000, 0x3F7DAAC3, 0x3F7B95C2, 0x3F79C3D3, 0x3F7837F0, 0x3F76F532, 0x3F75FED7, 0x3F75583F, 0x3F7504F3,
    0x3F7508A4, 0x3F75672A, 0x3F76248C, 0x3F7744FD, 0x3F78CCDF, 0x3F7AC0C7, 0x3F7D257D
#else
    0x3F800000, 0x3F7B95C2, 0x3F7837F0, 0x3F75FED7, 0x3F7504F3,
    0x3F75672A, 0x3F7744FD, 0x3F7AC0C7
#endif
};

/* Beyond 2^17 the next smaller x is 2^9 and more away and its result 0 with any factor as large as leaves most a whole
   number below 2^21. */
FUNCTION short_base short_base_of(float most) {
    float size = __builtin_fabsf(most), factor = 1.44269504088896341F * LANES;
    if (size >= 0x1p17F && size < __builtin_inff()) factor = __builtin_ldexpf(1, 20 - __builtin_ilogbf(size));
    return (short_base){factor, 0x1.8p23F - (size < __builtin_inff() ? __builtin_rintf(most * factor) : most)};
}

/* y times the power of two that the bits of a sum stand for, or 0 where that would be subnormal. */
FUNCTION vf32 short_scaled(vf32 y, vf32 sum) {
    vu32 power = ((vu32)sum << (23 - SHORT_BITS)) + pick_lanes(load_u32(short_powers), (vu32)sum);
    return product_unless_below_f32(y, (vf32)power, sum, splat_f32(0x1.8p23F - 125 * LANES));
}
FUNCTION vf32 short_exp(vf32 x, vf32 factor, vf32 base) {
    const vf32 linear = splat_f32(LANES == 16 ? 0x1.62e984p-5F : 0x1.62f98p-4F),
               square = splat_f32(LANES == 16 ? 0x1.ec00ccp-11F : 0x1.ec0f92p-9F);
    vf32 sum = fma_f32(x, factor, base), r = fma_f32(x, factor, base - sum);
    return short_scaled(fma_f32(fma_f32(square, r, linear), r, splat_f32(1)), sum);
}

/* Of each lane what short_base_of gives; where most is -infinity something below all numbers below 2^17. */
FUNCTION vi32 short_is_far(vf32 most) {
    return (vi32)(abs_f32(most) >= splat_f32(0x1p17F)) & (vi32)(most > splat_f32(-__builtin_inff()));
}
FUNCTION short_bases short_bases_of(vf32 most) {
    const vf32 factor = splat_f32(1.44269504088896341F * LANES), whole = splat_f32(0x1.8p23F);
    vf32 near = at_least_f32(most, splat_f32(-0x1.fffffep16F));
    vi32 far = short_is_far(most);
    short_bases b = {factor, 2 * whole - fma_f32(near, factor, whole)};
    for (int i = 0; __builtin_expect(any_f32(far), false) && i < LANES; i++) {
        if (!far[i]) continue;
        short_base one = short_base_of(most[i]);
        b.factor[i] = one.factor, b.base[i] = one.base;
    }
    return b;
}

/* What an exponential relative to a smaller `most` is multiplied by. Where either is far, so is one from the other. */
FUNCTION vf32 short_ratio(vf32 before, vf32 most) {
    vf32 ratio = short_scaled(splat_f32(1), 0x1.8p23F + (short_bases_of(most).base - short_bases_of(before).base));
    vi32 far = short_is_far(most) | short_is_far(before);
    return blend_f32(far & (vi32)(most != before), splat_f32(0), ratio);
}
#else
FUNCTION short_base short_base_of(float most) {
    return (short_base){1, most};
}
FUNCTION short_bases short_bases_of(vf32 most) {
    return (short_bases){splat_f32(1), at_least_f32(most, splat_f32(-__FLT_MAX__))};
}
FUNCTION vf32 short_ratio(vf32 before, vf32 most) {
    return exp_of_negative(before - short_bases_of(most).base);
}
FUNCTION vf32 short_exp(vf32 x, vf32 factor, vf32 base) {
    (void)factor;
    return exp_of_negative(x - base);
}
#endif

#endif
