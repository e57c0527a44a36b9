/* The value language of complex64: a vector of doubles holds half as many numbers, each its real part before its
   imaginary one. A real number of a REAL row and a mask fill both lanes of a number. Sums, differences and quotients by
   real numbers are those of vectors; what a formula would get wrong (infinities mostly) and functions without a formula
   here go number by number through the C library. Included by values.h alone. */
#ifndef CPU_ELEMENTWISE_COMPLEX_H
#define CPU_ELEMENTWISE_COMPLEX_H

#include <complex.h>

#define LANE_OTHER(i, n, d)     ((i) ^ 1)
#define LANE_REAL(i, n, d)      ((i) & ~1)
#define LANE_IMAG(i, n, d)      ((i) | 1)
#define LANE_TWICE(i, n, d)     ((i) / 2)
#define LANE_PART(i, n, d)      ((i)&1)
#define LANE_FIRST(i, n, d)     (2 * (i))
#define PICKED(lanes, count, v) __builtin_shufflevector(v, v, LANE_LIST(count, lanes, 0))

SIMD_TYPE(qf32, float, SIMD_BYTES / 4)
SIMD_TYPE(qi32, int32_t, SIMD_BYTES / 4)
/* R has the real number in both lanes: as a V it would be another number, so that rows only divide by it or store it.
 */
PASS_TYPES(c64, vf64, double, vi64, vf64, WIDE_LANES / 2, 8, 4)
typedef double _Complex number_c64;

FUNCTION vf64 others_c64(vf64 x) {
    return PICKED(LANE_OTHER, WIDE_COUNT, x);
}
FUNCTION vf64 reals_c64(vf64 x) {
    return PICKED(LANE_REAL, WIDE_COUNT, x);
}
FUNCTION vf64 imags_c64(vf64 x) {
    return PICKED(LANE_IMAG, WIDE_COUNT, x);
}
/* A mask for each part as one for the number. */
FUNCTION vi64 either_c64(vi64 mask) {
    return mask | PICKED(LANE_OTHER, WIDE_COUNT, mask);
}
FUNCTION vi64 both_c64(vi64 mask) {
    return mask & PICKED(LANE_OTHER, WIDE_COUNT, mask);
}
FUNCTION vf64 pairs_c64(double re, double im) {
    vf64 first = {re, im};
    return PICKED(LANE_PART, WIDE_COUNT, first);
}
#define IMAGINARY ((vi64)pairs_c64(0.0, -0.0) >> 63)

/* ---- memory */
FUNCTION vf64 splat_number_c64(double x) {
    return pairs_c64(x, 0);
}
FUNCTION vf64 load_c64(const void *from) {
    return __builtin_convertvector(load_hf32(from), vf64);
}
FUNCTION void store_c64(void *to, vf64 x) {
    store_hf32(to, __builtin_convertvector(x, hf32));
}
FUNCTION void store_real_c64(void *to, vf64 x) {
    hf32 narrow = __builtin_convertvector(x, hf32);
    qf32 reals = PICKED(LANE_FIRST, HALF_COUNT, narrow);
    memcpy(to, &reals, sizeof reals);
}
FUNCTION vi64 load_truths_c64(const void *from) {
    qi32 truths;
    memcpy(&truths, from, sizeof truths);
    hi32 twice = PICKED(LANE_TWICE, WIDE_COUNT, truths);
    return __builtin_convertvector(twice, vi64);
}
FUNCTION void store_truths_c64(void *to, vi64 mask) {
    hi32 narrow = __builtin_convertvector(mask & 1, hi32);
    qi32 truths = PICKED(LANE_FIRST, HALF_COUNT, narrow);
    memcpy(to, &truths, sizeof truths);
}

/* ---- number by number */
FUNCTION number_c64 number_of(vf64 x, int i) {
    return __builtin_complex(x[2 * i], x[2 * i + 1]);
}
FUNCTION void put_number(vf64 *x, int i, number_c64 number) {
    (*x)[2 * i] = creal(number);
    (*x)[2 * i + 1] = cimag(number);
}
typedef number_c64 function_c64(number_c64), function2_c64(number_c64, number_c64);

/* The results, with f of x where the mask is set. */
static __attribute__((noinline, unused)) vf64 mended_c64(vf64 result, vi64 mask, function_c64 *f, vf64 x) {
    for (int i = 0; i < COUNT_c64; i++)
        if (mask[2 * i]) put_number(&result, i, f(number_of(x, i)));
    return result;
}
static __attribute__((noinline, unused)) vf64 mended2_c64(vf64 result, vi64 mask, function2_c64 *f, vf64 x, vf64 y) {
    for (int i = 0; i < COUNT_c64; i++)
        if (mask[2 * i]) put_number(&result, i, f(number_of(x, i), number_of(y, i)));
    return result;
}
FUNCTION number_c64 product_of_numbers(number_c64 x, number_c64 y) {
    return x * y;
}
FUNCTION number_c64 quotient_of_numbers(number_c64 x, number_c64 y) {
    return x / y;
}

/* ---- arithmetic. Both parts are NaN where C's rules for infinities and zeros may say something else. */
FUNCTION vf64 product_c64(vf64 x, vf64 y) {
    vf64 crossed = imags_c64(x) * others_c64(y);
    vf64 result = reals_c64(x) * y + (vf64)((vi64)crossed ^ (vi64)pairs_c64(-0.0, 0.0));
    vi64 lost = both_c64((vi64)(result != result));
    return any_f64(lost) ? mended2_c64(result, lost, product_of_numbers, x, y) : result;
}
/* x conj(y) / |y|^2: the squares of what comes from floats stay in the range of doubles. Zeros may have another sign
   than C's. */
FUNCTION vf64 quotient_c64(vf64 x, vf64 y) {
    vf64 crossed = others_c64(x) * imags_c64(y), squares = y * y;
    vf64 above = x * reals_c64(y) + (vf64)((vi64)crossed ^ (vi64)pairs_c64(0.0, -0.0));
    vf64 result = above / (squares + others_c64(squares));
    vi64 lost = both_c64((vi64)(result != result));
    return any_f64(lost) ? mended2_c64(result, lost, quotient_of_numbers, x, y) : result;
}
FUNCTION vi64 isinf_c64(vf64 x) {
    return either_c64((vi64)(abs_f64(x) == splat_f64(__builtin_inf())));
}
FUNCTION vf64 abs_c64(vf64 x) {
    vf64 squares = x * x, size = sqrt_f64(squares + others_c64(squares));
    return any_nan_f64(size) ? blend_f64(isinf_c64(x), splat_f64(__builtin_inf()), size) : size;
}
FUNCTION vf64 conj_c64(vf64 x) {
    return (vf64)((vi64)x ^ (vi64)pairs_c64(0.0, -0.0));
}
#define rint_c64(x) rint_f64(x)
#define real_c64(x) reals_c64(x)
#define imag_c64(x) imags_c64(x)

/* ---- comparisons: real parts first, then imaginary ones */
FUNCTION vi64 eq_c64(vf64 x, vf64 y) {
    return both_c64((vi64)(x == y));
}
FUNCTION vi64 ordered_c64(vi64 less, vi64 equal, vi64 last) {
    return PICKED(LANE_REAL, WIDE_COUNT, less) |
           (PICKED(LANE_REAL, WIDE_COUNT, equal) & PICKED(LANE_IMAG, WIDE_COUNT, last));
}
FUNCTION vi64 lt_c64(vf64 x, vf64 y) {
    return ordered_c64((vi64)(x < y), (vi64)(x == y), (vi64)(x < y));
}
FUNCTION vi64 le_c64(vf64 x, vf64 y) {
    return ordered_c64((vi64)(x < y), (vi64)(x == y), (vi64)(x <= y));
}
FUNCTION vi64 not__c64(vi64 mask) {
    return ~mask;
}
FUNCTION vf64 select_c64(vi64 mask, vf64 x, vf64 y) {
    return blend_f64(mask, x, y);
}
FUNCTION vf64 min_c64(vf64 x, vf64 y) {
    return blend_f64(lt_c64(x, y) | ~eq_c64(x, x), x, y);
}
FUNCTION vf64 max_c64(vf64 x, vf64 y) {
    return blend_f64(lt_c64(y, x) | ~eq_c64(x, x), x, y);
}

/* ---- functions of the modulus and the angle. Zeros, what is not finite and what leaves the range of doubles are the
   library's, and so are angles that the vector functions treat according to their neighbours. */
FUNCTION vi64 finite_c64(vf64 x) {
    return both_c64((vi64)(x - x == 0));
}
FUNCTION vf64 kept_c64(vi64 mask, vf64 x) {
    return (vf64)((vi64)x & mask);
}

FUNCTION vf64 exp_c64(vf64 x) {
    vi64 plain = both_c64((vi64)(abs_f64(x) < pairs_c64(700, 15)));
    vf64 kept = kept_c64(plain, x), size = exp_f64(reals_c64(kept)), sine, cosine;
    sincos_near_f64(imags_c64(kept), &sine, &cosine);
    vf64 result = size * blend_f64(IMAGINARY, sine, cosine);
    return any_f64(~plain) ? mended_c64(result, ~plain, cexp, x) : result;
}

/* log |x| = log(|x|^2) / 2; near 1 the logarithm of 1 + what |x|^2 has beyond it, from exact squares. */
FUNCTION vf64 log_of_size_c64(vf64 x) {
    vf64 size = abs_f64(x), other = others_c64(size), large = blend_f64((vi64)(size > other), size, other);
    vf64 small = blend_f64((vi64)(size > other), other, size), square = large * large, rest = small * small;
    vf64 sum = square + rest;
    vi64 near = (vi64)(sum > 0.5) & (vi64)(sum < 2);
    vf64 result = log_f64(sum);
    if (!any_f64(near)) return result * 0.5;
    vf64 lost = rest_f64(square, large, large) + rest_f64(rest, small, small), beyond = ((square - 1) + rest) - lost;
    return blend_f64(near, log1p_f64(kept_c64(near, beyond)), result) * 0.5;
}
FUNCTION vf64 log_c64(vf64 x) {
    vi64 plain = finite_c64(x) & either_c64((vi64)(x != 0));
    vf64 kept = blend_f64(plain, x, splat_f64(1)), angle = atan2_f64(imags_c64(kept), reals_c64(kept));
    vf64 result = blend_f64(IMAGINARY, angle, log_of_size_c64(kept));
    return any_f64(~plain) ? mended_c64(result, ~plain, clog, x) : result;
}

/* t = sqrt((|x| + |re|) / 2) is one part, im / (2 t) the other; the real one is not negative. */
FUNCTION vf64 sqrt_c64(vf64 x) {
    vi64 plain = finite_c64(x) & either_c64((vi64)(x != 0)), right = (vi64)(reals_c64(x) > 0);
    vf64 kept = blend_f64(plain, x, splat_f64(1)), im = imags_c64(kept);
    vf64 large = sqrt_f64((abs_c64(kept) + abs_f64(reals_c64(kept))) * 0.5), small = im / (large * 2);
    vf64 signed_large = (vf64)((vi64)large | ((vi64)im & INT64_MIN));
    vf64 result =
        blend_f64(right, blend_f64(IMAGINARY, small, large), blend_f64(IMAGINARY, signed_large, abs_f64(small)));
    return any_f64(~plain) ? mended_c64(result, ~plain, csqrt, x) : result;
}
FUNCTION vf64 pow_c64(vf64 x, vf64 y) {
    return exp_c64(product_c64(y, log_c64(x)));
}

#define BY_THE_LIBRARY(name)                                                                                           \
    FUNCTION vf64 name##_c64(vf64 x) {                                                                                 \
        return mended_c64(x, (vi64){0} - 1, c##name, x);                                                               \
    }
BY_THE_LIBRARY(sin)
BY_THE_LIBRARY(cos)
BY_THE_LIBRARY(tan)
BY_THE_LIBRARY(asin)
BY_THE_LIBRARY(acos)
BY_THE_LIBRARY(atan)
BY_THE_LIBRARY(asinh)
BY_THE_LIBRARY(acosh)
BY_THE_LIBRARY(atanh)
BY_THE_LIBRARY(sinh)
BY_THE_LIBRARY(cosh)
BY_THE_LIBRARY(tanh)

#endif
