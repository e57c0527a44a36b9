/* Logarithms of float32 and their relatives. x = 2^n (1 + r) with 1 + r from 3/4 to 3/2, log(1 + r) = r + r^2 t(r). */
#ifndef CPU_FUNCTIONS_LOGARITHMS_H
#define CPU_FUNCTIONS_LOGARITHMS_H

/* log(1 + r) - r. t: 2^-27 of the logarithm. */
FUNCTION vf32 log_rest(vf32 r) {
    vf32 t = splat_f32(-0x1.718bb4p-5F);
    t = fma_f32(t, r, splat_f32(0x1.acce5p-4F));
    t = fma_f32(t, r, splat_f32(-0x1.0d9934p-3F));
    t = fma_f32(t, r, splat_f32(0x1.288444p-3F));
    t = fma_f32(t, r, splat_f32(-0x1.54ee32p-3F));
    t = fma_f32(t, r, splat_f32(0x1.996976p-3F));
    t = fma_f32(t, r, splat_f32(-0x1.000046p-2F));
    t = fma_f32(t, r, splat_f32(0x1.5555a4p-2F));
    return r * r * fma_f32(t, r, splat_f32(-0.5F));
}

/* n log(2) + log(1 + r): the larger parts first, and what their sum loses. */
FUNCTION vf32 log_sum(vf32 n, vf32 r) {
    vf32 whole = n * 0x1.62e4p-1F, most = whole + r; /* the product is exact */
    vf32 lost = r - (most - whole);
    return most + fma_f32(n, splat_f32(0x1.7f7d1cp-20F), log_rest(r) + lost);
}

/* y, a logarithm of finite x above 0, or what the ends of the domain and what is beyond give. */
FUNCTION vf32 log_ends(vf32 y, vf32 x) {
    const float infinity = __builtin_inff();
    vi32 inside = (vi32)(x > 0) & (vi32)(x < infinity);
    if (!any_f32(~inside)) return y;
    vf32 beyond = blend_f32((vi32)(x < 0), splat_f32(__builtin_nanf("")), x);
    return blend_f32(inside, y, blend_f32((vi32)(x == 0), splat_f32(-infinity), beyond));
}

FUNCTION vf32 log_f32(vf32 x) {
    vf32 n, r = split_f32(x, &n) - 1;
    return log_ends(log_sum(n, r), x);
}

FUNCTION vf32 log2_f32(vf32 x) {
    vf32 n, r = split_f32(x, &n) - 1, most = fma_f32(r, splat_f32(0x1.715476p+0F), n);
    vf32 rest = fma_f32(log_rest(r), splat_f32(0x1.715476p+0F), r * 0x1.4ae0cp-26F);
    return log_ends(most + rest, x);
}

FUNCTION vf32 log10_f32(vf32 x) {
    vf32 n, r = split_f32(x, &n) - 1, most = fma_f32(r, splat_f32(0x1.bcb7b2p-2F), n * 0x1.344p-2F);
    vf32 rest = fma_f32(r, splat_f32(-0x1.5b235ep-27F), n * 0x1.3509f8p-18F);
    return log_ends(most + fma_f32(log_rest(r), splat_f32(0x1.bcb7b2p-2F), rest), x);
}

/* log(1 + x) of finite x above -1. */
FUNCTION vf32 log1p_inside(vf32 x) {
    vf32 n, one = splat_f32(1);
    split_f32(x + 1, &n);
    return log_sum(n, scale_f32(x, -n) + (scale_f32(one, -n) - 1));
}

FUNCTION vf32 log1p_f32(vf32 x) {
    vi32 inside = (vi32)(x > -1) & (vi32)(x < __builtin_inff());
    vf32 y = with_sign_of(log1p_inside(x), x);
    if (!any_f32(~inside)) return y;
    return blend_f32(inside, y, log_f32(x + 1));
}

/* From `large` on log(2 x); below, log1p of what is added to 1. */
FUNCTION vf32 log_of_double(vf32 size, vf32 near, float large) {
    vi32 is_near = (vi32)(size < large);
    vf32 y = log1p_inside((vf32)((vi32)near & is_near));
    if (!any_f32(~is_near)) return y;
    return blend_f32(is_near, y, log_f32(size) + 0.69314718055994530942F);
}

FUNCTION vf32 asinh_f32(vf32 x) {
    vf32 size = abs_f32(x), square = size * size, root = sqrt_f32(square + 1);
    return with_sign_of(log_of_double(size, size + square / (root + 1), 0x1p30F), x);
}

FUNCTION vf32 acosh_f32(vf32 x) {
    vf32 above = x - 1, root = sqrt_f32(above * (above + 2));
    vf32 y = log_of_double(x, above + root, 0x1p30F);
    return blend_f32((vi32)(x < 1), splat_f32(__builtin_nanf("")), y);
}

FUNCTION vf32 atanh_f32(vf32 x) {
    vf32 size = abs_f32(x), twice = 2 * size, y = 0.5F * log1p_inside(twice / (1 - size));
    vi32 inside = (vi32)(size < 1);
    if (any_f32(~inside)) {
        vf32 edge = blend_f32((vi32)(size == 1), splat_f32(__builtin_inff()), splat_f32(__builtin_nanf("")));
        y = blend_f32(inside, y, edge);
    }
    return with_sign_of(y, x);
}

#endif
