/* exp and what is made of it, of float32, from the parts of exp.h. The polynomials of these files
   are fitted for the least largest error relative to the function; each names its bound. */
#ifndef CPU_FUNCTIONS_EXPONENTIALS_H
#define CPU_FUNCTIONS_EXPONENTIALS_H

/* The magnitude's bits with the sign of x, where neither is negative zero's business: magnitude >= 0 or NaN. */
FUNCTION vf32 with_sign_of(vf32 magnitude, vf32 x) {
    return (vf32)((vi32)magnitude | ((vi32)x & INT32_MIN));
}

/* e^r - 1 and n of x, which is finite and less than 200 from 0. */
FUNCTION vf32 exp_parts(vf32 x, vf32 *n) {
    *n = exp_whole(x);
    return exp_rest(exp_reduced(x, *n));
}

FUNCTION vf32 exp_f32(vf32 x) {
    vf32 inside = at_most_f32(at_least_f32(x, splat_f32(-105)), splat_f32(89)), n = exp_whole(inside);
    return scale_f32(exp_near(exp_reduced(inside, n)), n);
}

FUNCTION vf32 expm1_f32(vf32 x) {
    vf32 n, y = exp_parts(at_most_f32(at_least_f32(x, splat_f32(-20)), splat_f32(89)), &n);
    vf32 half = scale_f32(splat_f32(0.5F), n); /* its double may be infinite where the result is not */
    return with_sign_of(2 * fma_f32(y, half, half - 0.5F), x);
}

/* e^x / 2, which is finite a little longer than e^x. */
FUNCTION vf32 half_exp(vf32 x) {
    vf32 n, y = exp_parts(x, &n);
    return scale_f32(fma_f32(y, splat_f32(0.5F), splat_f32(0.5F)), n);
}

/* Up to 1 x + x^3 p(x^2), p: 2^-31. */
FUNCTION vf32 sinh_f32(vf32 x) {
    vf32 size = abs_f32(x), square = x * x, e = half_exp(at_most_f32(size, splat_f32(90)));
    vf32 p = splat_f32(0x1.756c1ep-19F);
    p = fma_f32(p, square, splat_f32(0x1.a022bcp-13F));
    p = fma_f32(p, square, splat_f32(0x1.1110ep-7F));
    p = fma_f32(p, square, splat_f32(0x1.555556p-3F));
    p = fma_f32(p * square, size, size);
    return with_sign_of(blend_f32((vi32)(size < 1), p, e - 0.25F / e), x);
}

FUNCTION vf32 cosh_f32(vf32 x) {
    vf32 e = half_exp(at_most_f32(abs_f32(x), splat_f32(90)));
    return e + 0.25F / e;
}

/* Up to 0.85 x + x^3 p(x^2), p: 2^-27, beyond 1 - 2 / (e^2x + 1). */
FUNCTION vf32 tanh_f32(vf32 x) {
    vf32 size = abs_f32(x), square = x * x, n, e = exp_parts(2 * at_most_f32(size, splat_f32(9.1F)), &n);
    vf32 p = splat_f32(0x1.797e9cp-10F);
    p = fma_f32(p, square, splat_f32(-0x1.d417dap-8F));
    p = fma_f32(p, square, splat_f32(0x1.5a0b6ep-6F));
    p = fma_f32(p, square, splat_f32(-0x1.b8b33cp-5F));
    p = fma_f32(p, square, splat_f32(0x1.110758p-3F));
    p = fma_f32(p, square, splat_f32(-0x1.555528p-2F));
    p = fma_f32(p * square, size, size);
    vf32 far = fma_f32(splat_f32(-2), reciprocal_f32(scale_near_f32(e + 1, n) + 1), splat_f32(1));
    return with_sign_of(blend_f32((vi32)(size < 0.85F), p, far), x);
}

/* Up to 1 x + x p(x^2), p: 2^-29, beyond 1 - e^q(x), q = log(erfc(x)): 2^-33. */
FUNCTION vf32 erf_f32(vf32 x) {
    vf32 size = at_most_f32(abs_f32(x), splat_f32(3.95F)), square = size * size;
    vf32 p = splat_f32(0x1.4771fep-14F), q = splat_f32(-0x1.5a6b56p-16F), n;
    p = fma_f32(p, square, splat_f32(-0x1.a3515ep-11F));
    p = fma_f32(p, square, splat_f32(0x1.53f224p-8F));
    p = fma_f32(p, square, splat_f32(-0x1.b7f71ap-6F));
    p = fma_f32(p, square, splat_f32(0x1.ce2ce6p-4F));
    p = fma_f32(p, square, splat_f32(-0x1.81273ep-2F));
    p = fma_f32(p, square, splat_f32(0x1.06eba8p-3F));
    p = fma_f32(p, size, size);
    q = fma_f32(q, size, splat_f32(0x1.c22ab2p-12F));
    q = fma_f32(q, size, splat_f32(-0x1.0fb97ep-8F));
    q = fma_f32(q, size, splat_f32(0x1.9a7ca8p-6F));
    q = fma_f32(q, size, splat_f32(-0x1.bb1a6p-4F));
    q = fma_f32(q, size, splat_f32(-0x1.4451fep-1F));
    q = fma_f32(q, size, splat_f32(-0x1.2124f2p+0F));
    q = fma_f32(q, size, splat_f32(0x1.5acefep-13F));
    q = exp_parts(q, &n);
    return with_sign_of(blend_f32((vi32)(size < 1), p, 1 - scale_near_f32(q + 1, n)), x);
}

#endif
