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

/* log(x) of the C library to the last bit, since random numbers are made of it that shall be MLX's: the same table and
   the same steps in float64 (the method of Arm's optimized routines, which glibc has). x = 2^n z with z from 0.69921875
   on; r = z c - 1 with c, of 16, near 1 / z; log(x) = n log(2) - log(c) + log(1 + r). */
static const double log_factors[16] = {
    0x1.661ec79f8f3bep+0, 0x1.571ed4aaf883dp+0, 0x1.49539f0f010bp+0,  0x1.3c995b0b80385p+0, 0x1.30d190c8864a5p+0,
    0x1.25e227b0b8eap+0,  0x1.1bb4a4a1a343fp+0, 0x1.12358f08ae5bap+0, 0x1.0953f419900a7p+0, 0x1p+0,
    0x1.e608cfd9a47acp-1, 0x1.ca4b31f026aap-1,  0x1.b2036576afce6p-1, 0x1.9c2d163a1aa2dp-1, 0x1.886e6037841edp-1,
    0x1.767dcf5534862p-1};
static const double log_of_factors[16] = {
    -0x1.57bf7808caadep-2, -0x1.2bef0a7c06ddbp-2, -0x1.01eae7f513a67p-2, -0x1.b31d8a68224e9p-3, -0x1.6574f0ac07758p-3,
    -0x1.1aa2bc79c81p-3,   -0x1.a4e76ce8c0e5ep-4, -0x1.1973c5a611cccp-4, -0x1.252f438e10c1ep-5, 0x0p+0,
    0x1.aa5aa5df25984p-5,  0x1.c5e53aa362eb4p-4,  0x1.526e57720db08p-3,  0x1.bc2860d22477p-3,   0x1.1058bc8a07ee1p-2,
    0x1.4043057b6ee09p-2};

FUNCTION vf64 log_in_double(vf64 x) {
    const int64_t least = 0x3FE6600000000000; /* 0.69921875 */
    vi64 above = (vi64)x - least, place = (vi64)((vu64)above >> 48);
    vf64 z = (vf64)((vi64)x - (above & ~0xFFFFFFFFFFFFF)), n = exponent_f64(above);
    vf64 r = fma_f64(z, pick_f64(log_factors, place), splat_f64(-1)), square = r * r;
    vf64 most = r + fma_f64(n, splat_f64(0x1.62e42fefa39efp-1), pick_f64(log_of_factors, place));
    vf64 rest = fma_f64(splat_f64(0x1.5575b0be00b6ap-2), r, splat_f64(-0x1.ffffef20a4123p-2));
    rest = fma_f64(splat_f64(-0x1.00ea348b88334p-2), square, rest);
    return fma_f64(square, rest, most);
}

FUNCTION vf32 library_log(vf32 x) {
    vf64 low = log_in_double(widen_low_f32(x)), high = log_in_double(widen_high_f32(x));
    return log_ends(narrow_wide_f32(low, high), x);
}

/* log(x) in float32 alone. */
FUNCTION vf32 quick_log(vf32 x) {
    vf32 n, r = split_f32(x, &n) - 1;
    return log_ends(log_sum(n, r), x);
}

FUNCTION vf32 log_f32(vf32 x) {
#ifdef LOG_IS_THE_LIBRARYS
    return library_log(x);
#else
    return quick_log(x);
#endif
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
