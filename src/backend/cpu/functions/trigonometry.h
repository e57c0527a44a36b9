/* Trigonometric functions of float32 and their inverses. |x| = n pi / 2 + r; from TURNS_FAR on SLEEF's take over. */
#ifndef CPU_FUNCTIONS_TRIGONOMETRY_H
#define CPU_FUNCTIONS_TRIGONOMETRY_H

#define TURNS_FAR 0x1p17F

/* r; the lower bits of *n are those of n. */
FUNCTION vf32 turns_parts(vf32 size, vi32 *n) {
    const vf32 whole = splat_f32(0x1.8p23F);
    vf32 sum = fma_f32(size, splat_f32(0.63661977236758134308F), whole), turns = sum - whole;
    *n = (vi32)sum;
    vf32 r = fma_f32(turns, splat_f32(-0x1.921fb6p+0F), size); /* exact */
    r = fma_f32(turns, splat_f32(0x1.777a5cp-25F), r);
    return fma_f32(turns, splat_f32(0x1.ee59dap-50F), r);
}

/* sin r where n is even, cos r where it is odd, with the sign that a second and third quarter turn give. Sine: 2^-28,
   cosine: 2^-33. */
FUNCTION vf32 turned_sine(vf32 r, vi32 n) {
    vf32 square = r * r, s = splat_f32(-0x1.991692p-13F), c = splat_f32(0x1.99de6cp-16F);
    s = fma_f32(s, square, splat_f32(0x1.1106bcp-7F));
    s = fma_f32(s, square, splat_f32(-0x1.555544p-3F));
    s = fma_f32(s * square, r, r);
    c = fma_f32(c, square, splat_f32(-0x1.6c0c14p-10F));
    c = fma_f32(c, square, splat_f32(0x1.55554ap-5F));
    c = fma_f32(c, square, splat_f32(-0.5F));
    c = fma_f32(c, square, splat_f32(1));
    vf32 y = blend_f32(-(n & 1), c, s);
    return (vf32)((vi32)y ^ (n << 30 & INT32_MIN));
}

FUNCTION vf32 sin_f32(vf32 x) {
    vi32 n, sign = (vi32)x & INT32_MIN, far = ~(vi32)(abs_f32(x) < TURNS_FAR);
    vf32 r = turns_parts(abs_f32(x), &n), y = (vf32)((vi32)turned_sine(r, n) ^ sign);
    return any_f32(far) ? blend_f32(far, sin_sleef(x), y) : y;
}

FUNCTION vf32 cos_f32(vf32 x) {
    vi32 n, far = ~(vi32)(abs_f32(x) < TURNS_FAR);
    vf32 r = turns_parts(abs_f32(x), &n), y = turned_sine(r, n + 1);
    return any_f32(far) ? blend_f32(far, cos_sleef(x), y) : y;
}

/* r + r^3 t(r^2), t: 2^-25, and -1 over it after an odd number of quarter turns. */
FUNCTION vf32 tan_f32(vf32 x) {
    vi32 n, sign = (vi32)x & INT32_MIN, far = ~(vi32)(abs_f32(x) < TURNS_FAR);
    vf32 r = turns_parts(abs_f32(x), &n), square = r * r, t = splat_f32(0x1.3a5a4ep-7F);
    t = fma_f32(t, square, splat_f32(0x1.6b1cd2p-9F));
    t = fma_f32(t, square, splat_f32(0x1.93d1a6p-6F));
    t = fma_f32(t, square, splat_f32(0x1.b50c7cp-5F));
    t = fma_f32(t, square, splat_f32(0x1.11318ep-3F));
    t = fma_f32(t, square, splat_f32(0x1.5554ccp-2F));
    t = fma_f32(t * square, r, r);
    vf32 y = (vf32)((vi32)blend_f32(-(n & 1), -1 / t, t) ^ sign);
    return any_f32(far) ? blend_f32(far, tan_sleef(x), y) : y;
}

/* asin(root) of root = sqrt(square), up to a half: 2^-27. */
FUNCTION vf32 asin_near(vf32 root, vf32 square) {
    vf32 p = splat_f32(0x1.595c96p-5F);
    p = fma_f32(p, square, splat_f32(0x1.8c3e26p-6F));
    p = fma_f32(p, square, splat_f32(0x1.747bbap-5F));
    p = fma_f32(p, square, splat_f32(0x1.330204p-4F));
    p = fma_f32(p, square, splat_f32(0x1.5555c8p-3F));
    return fma_f32(p * square, root, root);
}

/* Beyond a half pi / 2 - 2 asin(sqrt((1 - x) / 2)). */
FUNCTION vf32 asin_f32(vf32 x) {
    vf32 size = abs_f32(x), half = fma_f32(size, splat_f32(-0.5F), splat_f32(0.5F));
    vi32 far = (vi32)(size > 0.5F);
    vf32 square = blend_f32(far, half, size * size), y = asin_near(blend_f32(far, sqrt_f32(half), size), square);
    vf32 beyond = fma_f32(y, splat_f32(-2), splat_f32(-0x1.777a5cp-25F)) + 0x1.921fb6p+0F;
    return with_sign_of(blend_f32(far, beyond, y), x);
}

/* pi / 2 - asin(x); beyond a half 2 asin(sqrt((1 - |x|) / 2)), from pi where x is negative. */
FUNCTION vf32 acos_f32(vf32 x) {
    vf32 size = abs_f32(x), half = fma_f32(size, splat_f32(-0.5F), splat_f32(0.5F));
    vi32 far = (vi32)(size > 0.5F), negative = (vi32)x >> 31;
    vf32 square = blend_f32(far, half, size * size), y = asin_near(blend_f32(far, sqrt_f32(half), size), square);
    vf32 off = (vf32)((vi32)y ^ (~negative & INT32_MIN)); /* what the sign of x adds or takes */
    vf32 near = (off - 0x1.777a5cp-25F) + 0x1.921fb6p+0F;
    vf32 behind = fma_f32(y, splat_f32(-2), splat_f32(-0x1.777a5cp-24F)) + 0x1.921fb6p+1F;
    return blend_f32(far, blend_f32(negative, behind, 2 * y), near);
}

/* atan(a) of a from 0 to 1: 2^-28. */
FUNCTION vf32 atan_near(vf32 a) {
    vf32 square = a * a, p = splat_f32(-0x1.d49d6ap-10F);
    p = fma_f32(p, square, splat_f32(0x1.64c42ep-7F));
    p = fma_f32(p, square, splat_f32(-0x1.fdfdd6p-6F));
    p = fma_f32(p, square, splat_f32(0x1.da5f72p-5F));
    p = fma_f32(p, square, splat_f32(-0x1.58157ap-4F));
    p = fma_f32(p, square, splat_f32(0x1.c08f68p-4F));
    p = fma_f32(p, square, splat_f32(-0x1.2420b6p-3F));
    p = fma_f32(p, square, splat_f32(0x1.9991e6p-3F));
    p = fma_f32(p, square, splat_f32(-0x1.55553ep-2F));
    return fma_f32(p * square, a, a);
}

FUNCTION vf32 atan_f32(vf32 x) {
    vf32 size = abs_f32(x);
    vi32 far = (vi32)(size > 1);
    vf32 y = atan_near(blend_f32(far, 1 / size, size));
    return with_sign_of(blend_f32(far, (-0x1.777a5cp-25F - y) + 0x1.921fb6p+0F, y), x);
}

/* Of y and x: the angle of the smaller over the larger, then the eighth of the turn in which they are. */
FUNCTION vf32 atan2_f32(vf32 y, vf32 x) {
    vf32 high = abs_f32(y), wide = abs_f32(x);
    vi32 steep = (vi32)(high > wide), back = (vi32)x >> 31;
    vf32 more = blend_f32(steep, high, wide), less = blend_f32(steep, wide, high);
    vf32 share = blend_f32((vi32)(less == more), splat_f32(1), less / more); /* infinite both, too */
    share = blend_f32((vi32)(more == 0), less, share);
    vf32 angle = atan_near(share);
    angle = blend_f32(steep, (-0x1.777a5cp-25F - angle) + 0x1.921fb6p+0F, angle);
    angle = blend_f32(back, (-0x1.777a5cp-24F - angle) + 0x1.921fb6p+1F, angle);
    return with_sign_of(angle, y);
}

#endif
