/* Limits of dtypes and of values: clip, nan_to_num, rounding to decimals. */
#include <float.h>
#include <math.h>

#include "ops/front.h"

/* ---- what dtypes hold */

bool tarn_finfo(tarn_dtype dtype, tarn_float_info *info) {
    FRONT("finfo");
    REQUIRE_DTYPE(dtype);
    if (!info) return tarn_fail("finfo: the result is NULL");
    switch (dtype) {
    case TARN_FLOAT16:
        *info = (tarn_float_info){16, -65504, 65504, 0x1p-10, 0x1p-14};
        return true;
    case TARN_BFLOAT16:
        *info = (tarn_float_info){16, -0x1.FEp127, 0x1.FEp127, 0x1p-7, 0x1p-126};
        return true;
    case TARN_FLOAT32:
    case TARN_COMPLEX64:
        *info = (tarn_float_info){32, -(double)FLT_MAX, (double)FLT_MAX, 0x1p-23, 0x1p-126};
        return true;
    case TARN_FLOAT64:
        *info = (tarn_float_info){64, -DBL_MAX, DBL_MAX, DBL_EPSILON, DBL_MIN};
        return true;
    default:
        return tarn_fail_kind(TARN_ERROR_TYPE, "finfo: %s is no float", dtype_facts[dtype].name);
    }
}

bool tarn_iinfo(tarn_dtype dtype, int64_t *min, uint64_t *max) {
    FRONT("iinfo");
    REQUIRE_DTYPE(dtype);
    if (!min || !max) return tarn_fail("iinfo: the result is NULL");
    if (dtype_kind_of(dtype) != KIND_INT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "iinfo: %s is no integer", dtype_facts[dtype].name);
    int bits = (int)dtype_bytes(dtype) * 8;
    bool is_unsigned = dtype_is_unsigned(dtype);
    *max = UINT64_MAX >> (64 - bits + !is_unsigned);
    *min = is_unsigned ? 0 : -(int64_t)*max - 1;
    return true;
}

tarn_dtype tarn_promote(tarn_dtype a, tarn_dtype b) {
    FRONT("promote");
    REQUIRE_DTYPE(a);
    REQUIRE_DTYPE(b);
    return dtype_promote(a, b);
}

bool tarn_can_cast(tarn_dtype from, tarn_dtype to) {
    FRONT("can_cast");
    REQUIRE_DTYPE(from);
    REQUIRE_DTYPE(to);
    return dtype_promote(from, to) == to;
}

/* ---- categories */

bool tarn_category_is(tarn_dtype_category category, tarn_dtype_category other) {
    static const tarn_dtype_category around[TARN_CATEGORY_COUNT] = {
        [TARN_CATEGORY_COMPLEX_FLOATING] = TARN_CATEGORY_INEXACT,
        [TARN_CATEGORY_FLOATING] = TARN_CATEGORY_INEXACT,
        [TARN_CATEGORY_SIGNED_INTEGER] = TARN_CATEGORY_INTEGER,
        [TARN_CATEGORY_UNSIGNED_INTEGER] = TARN_CATEGORY_INTEGER,
        [TARN_CATEGORY_INEXACT] = TARN_CATEGORY_NUMBER,
        [TARN_CATEGORY_INTEGER] = TARN_CATEGORY_NUMBER,
        [TARN_CATEGORY_NUMBER] = TARN_CATEGORY_GENERIC,
        [TARN_CATEGORY_GENERIC] = TARN_CATEGORY_COUNT};
    if ((unsigned)category >= TARN_CATEGORY_COUNT || (unsigned)other >= TARN_CATEGORY_COUNT)
        return tarn_fail("category_is: there is no category %d or %d", (int)category, (int)other);
    while (category != TARN_CATEGORY_COUNT && category != other) category = around[category];
    return category == other;
}

bool tarn_dtype_is(tarn_dtype dtype, tarn_dtype_category category) {
    static const tarn_dtype_category own[] = {[KIND_BOOL] = TARN_CATEGORY_GENERIC,
                                              [KIND_INT] = TARN_CATEGORY_SIGNED_INTEGER,
                                              [KIND_FLOAT] = TARN_CATEGORY_FLOATING,
                                              [KIND_COMPLEX] = TARN_CATEGORY_COMPLEX_FLOATING};
    FRONT("dtype_is");
    REQUIRE_DTYPE(dtype);
    return tarn_category_is(dtype_kind_of(dtype) == KIND_INT && dtype_is_unsigned(dtype)
                                ? TARN_CATEGORY_UNSIGNED_INTEGER
                                : own[dtype_kind_of(dtype)],
                            category);
}

/* ---- values within limits */

tarn_array *tarn_clip(tarn_array *x, tarn_array *low, tarn_array *high) {
    FRONT("clip");
    REQUIRE(x);
    if (!low && !high) return tarn_fail("clip: both limits are NULL"), NULL;
    if (low) x = tarn_maximum(x, low);
    return high ? tarn_minimum(x, high) : x;
}

tarn_array *tarn_nan_to_num_with(tarn_array *x, tarn_nan_to_num_options o) {
    FRONT("nan_to_num");
    REQUIRE(x);
    tarn_float_info info;
    if (dtype_kind_of(x->dtype) < KIND_FLOAT) return tarn_positive(x);
    if (x->dtype == TARN_COMPLEX64)
        return tarn_fail_kind(TARN_ERROR_TYPE, "nan_to_num: complex64 is not supported"), NULL;
    if (!tarn_finfo(x->dtype, &info)) return NULL;
    tarn_array *most = tarn_scalar_like(o.infinity.given ? o.infinity.value : info.max, x);
    tarn_array *least = tarn_scalar_like(o.minus_infinity.given ? o.minus_infinity.value : info.min, x);
    tarn_array *finite = tarn_where(tarn_isposinf(x), most, tarn_where(tarn_isneginf(x), least, x));
    return tarn_where(tarn_isnan(x), tarn_scalar_like(o.nan, x), finite);
}

/* ---- rounding to decimals */

static double power_of_ten(int64_t exponent) {
    double power = 1;
    for (int64_t i = 0; i < exponent && i < 400; i++) power *= 10;
    return power;
}

/* 10^digits, which uint64 has up to 19. */
static tarn_array *whole_power_of_ten(int64_t digits, tarn_dtype wide) {
    tarn_array *power = tarn_scalar_int((int64_t)power_of_ten(digits < 18 ? digits : 18), wide);
    return digits == 19 ? tarn_multiply(power, tarn_scalar_int(10, wide)) : power;
}

/* The multiple of a power of ten that is nearest, the even one of two. Beyond the range of the dtype there is 0 alone.
 */
static tarn_array *round_integer(tarn_array *x, int64_t digits) {
    tarn_dtype wide = x->dtype == TARN_UINT64 ? TARN_UINT64 : TARN_INT64;
    if (digits > (wide == TARN_UINT64 ? 19 : 18)) return tarn_zeros_like(x);
    tarn_array *step = whole_power_of_ten(digits, wide), *two = tarn_scalar_int(2, wide);
    tarn_array *value = tarn_astype(x, wide), *quotient = tarn_floor_divide(value, step);
    tarn_array *rest = tarn_subtract(value, tarn_multiply(quotient, step)), *half = tarn_floor_divide(step, two);
    tarn_array *odd = tarn_not_equal(tarn_remainder(quotient, two), tarn_scalar_int(0, wide));
    tarn_array *up = tarn_logical_or(tarn_greater(rest, half), tarn_logical_and(tarn_equal(rest, half), odd));
    return tarn_astype(tarn_multiply(tarn_add(quotient, tarn_astype(up, wide)), step), x->dtype);
}

/* A dtype in which the power is a number, if there is one: of halves and float32 float64. */
static tarn_dtype dtype_for_power(tarn_dtype dtype, double power) {
    tarn_float_info info = {0};
    return dtype == TARN_COMPLEX64 || (tarn_finfo(dtype, &info) && power <= info.max) ? dtype : TARN_FLOAT64;
}

/* What is infinite times the power has no such decimals and stays; powers beyond float64's are above twice any number.
 */
static tarn_array *round_float(tarn_array *x, int64_t decimals) {
    double power = power_of_ten(decimals < 0 ? -decimals : decimals);
    tarn_array *value = tarn_astype(x, dtype_for_power(x->dtype, power)), *step = tarn_scalar_like(power, value);
    if (decimals < 0 && isinf(power)) return tarn_where(tarn_isfinite(x), tarn_zeros_like(x), x);
    if (decimals < 0) return tarn_astype(tarn_multiply(tarn_round(tarn_divide(value, step)), step), x->dtype);
    tarn_array *rounded = tarn_divide(tarn_round(tarn_multiply(value, step)), step);
    return tarn_astype(tarn_where(tarn_isfinite(rounded), rounded, value), x->dtype);
}

tarn_array *tarn_round_to(tarn_array *x, int64_t decimals) {
    FRONT("round_to");
    REQUIRE(x);
    bool whole = dtype_kind_of(x->dtype) < KIND_FLOAT;
    if (decimals == 0 || (whole && decimals > 0)) return tarn_round(x);
    if (x->dtype == TARN_BOOL) return tarn_zeros_like(x); /* 1 to tens */
    if (decimals < -400) decimals = -400;
    return whole ? round_integer(x, -decimals) : round_float(x, decimals);
}
