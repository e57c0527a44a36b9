/* Whether arrays are equal, or nearly so. */
#include "ops/front.h"

static double value_or(tarn_value given, double otherwise) {
    return given.given ? given.value : otherwise;
}

/* The dtype in which the distance of two is taken: halves in float32, integers where none is rounded. */
static tarn_dtype distance_dtype(tarn_dtype dtype) {
    if (dtype_is_half(dtype)) return TARN_FLOAT32;
    return dtype_kind_of(dtype) < KIND_FLOAT ? TARN_FLOAT64 : dtype;
}

static tarn_array *both_nan(tarn_array *a, tarn_array *b) {
    return tarn_logical_and(tarn_isnan(a), tarn_isnan(b));
}

static tarn_array *is_close(tarn_array *a, tarn_array *b, tarn_close_options o) {
    tarn_dtype dtype = distance_dtype(dtype_promote(a->dtype, b->dtype));
    a = tarn_astype(a, dtype);
    b = tarn_astype(b, dtype);
    tarn_array *size = tarn_abs(b), *distance = tarn_abs(tarn_subtract(a, b));
    tarn_array *most = tarn_add(tarn_scalar_like(value_or(o.atol, 1e-8), size),
                                tarn_multiply(tarn_scalar_like(value_or(o.rtol, 1e-5), size), size));
    tarn_array *finite = tarn_logical_and(tarn_isfinite(a), tarn_isfinite(b));
    tarn_array *close = tarn_logical_or(tarn_logical_and(finite, tarn_less_equal(distance, most)), tarn_equal(a, b));
    return o.equal_nan ? tarn_logical_or(close, both_nan(a, b)) : close;
}

tarn_array *tarn_isclose_with(tarn_array *a, tarn_array *b, tarn_close_options o) {
    FRONT("isclose");
    REQUIRE(a, b);
    return is_close(a, b, o);
}

tarn_array *tarn_allclose_with(tarn_array *a, tarn_array *b, tarn_close_options o) {
    FRONT("allclose");
    REQUIRE(a, b);
    return tarn_all(is_close(a, b, o));
}

static bool same_shape(const tarn_array *a, const tarn_array *b) {
    bool same = a->ndim == b->ndim;
    for (int i = 0; i < a->ndim && same; i++) same = a->shape[i] == b->shape[i];
    return same;
}

tarn_array *tarn_array_equal_with(tarn_array *a, tarn_array *b, tarn_equal_options o) {
    FRONT("array_equal");
    REQUIRE(a, b);
    if (!same_shape(a, b)) return tarn_scalar(0, TARN_BOOL);
    tarn_array *equal = tarn_equal(a, b);
    return tarn_all(o.equal_nan ? tarn_logical_or(equal, both_nan(a, b)) : equal);
}
