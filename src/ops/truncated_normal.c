/* Normal numbers between two bounds: sqrt(2) erfinv(u) for u between the values of erf there. Where the bounds are far
   out erfinv makes much of the last place of these values, so that equal keys give the numbers of MLX only by an erf
   that errs as MLX's does: M. Abramowitz and I. Stegun, 7.1.26, in float32, each step rounded once, with the
   exponential of Cephes. */
#include <math.h>

#include "core/scope.h"
#include "ops/front.h"
#include "ops/random.h"

static tarn_array *narrow(tarn_array *x) {
    return tarn_astype(x, TARN_FLOAT32);
}

/* The coefficient of a step, a float32. */
static tarn_array *literal(float c) {
    return tarn_scalar((double)c, TARN_FLOAT64);
}

/* x y, exactly: in float64. */
static tarn_array *product(tarn_array *x, tarn_array *y) {
    return tarn_multiply(tarn_astype(x, TARN_FLOAT64), tarn_astype(y, TARN_FLOAT64));
}

/* The polynomial whose first coefficient is that of the highest power; each step one rounding. */
static tarn_array *polynomial(tarn_array *x, const float *coefficients, int count) {
    tarn_array *y = tarn_scalar((double)coefficients[0], TARN_FLOAT32);
    for (int i = 1; i < count; i++) y = narrow(tarn_add(product(y, x), literal(coefficients[i])));
    return y;
}

/* e^x, float32, for x <= 0. */
static tarn_array *exponential(tarn_array *x) {
    static const float coefficients[] = {1.535336188319500e-4F,
                                         1.339887440266574e-3F,
                                         9.618437357674640e-3F,
                                         5.550332471162809e-2F,
                                         2.402264791363012e-1F,
                                         6.931472028550421e-1F,
                                         1};
    tarn_array *y = narrow(product(x, literal(1.442695F)));
    tarn_array *whole = tarn_floor(tarn_add(y, tarn_scalar(0.5, TARN_FLOAT32)));
    tarn_array *part = polynomial(tarn_subtract(y, whole), coefficients, 7);
    return narrow(product(part, tarn_power(literal(2), tarn_astype(whole, TARN_FLOAT64))));
}

/* erf(x) of float32, up to 1.5e-7 off. */
static tarn_array *erf_by_parts(tarn_array *x) {
    static const float coefficients[] = {1.061405429F, -1.453152027F, 1.421413741F, -0.284496736F, 0.254829592F};
    tarn_array *magnitude = narrow(tarn_add(product(tarn_abs(x), literal(0.3275911F)), literal(1)));
    tarn_array *t = tarn_reciprocal(magnitude);
    tarn_array *tail = narrow(product(exponential(narrow(tarn_negative(product(x, x)))), t));
    tarn_array *rest = product(tail, polynomial(t, coefficients, 5));
    return tarn_multiply(tarn_sign(x), narrow(tarn_subtract(literal(1), rest)));
}

/* erf at a bound. Its gradient is that of erf. */
static tarn_array *erf_at(tarn_array *bound, tarn_dtype dtype) {
    tarn_array *exact = tarn_erf(bound);
    if (dtype == TARN_FLOAT64) return exact;
    tarn_array *value = tarn_astype(erf_by_parts(narrow(bound)), dtype);
    return tarn_add(exact, tarn_stop_gradient(tarn_subtract(value, exact)));
}

tarn_array *tarn_random_truncated_normal_with(tarn_array *key, tarn_array *lower, tarn_array *upper, tarn_dtype dtype,
                                              tarn_random_shape_options o) {
    FRONT("random_truncated_normal");
    REQUIRE(lower, upper);
    REQUIRE_DTYPE(dtype);
    REQUIRE_LIST(o.shape);
    if (!random_check_float("random_truncated_normal", dtype)) return NULL;
    tarn_array *root = tarn_scalar(sqrt(2.0), dtype), *low = tarn_astype(lower, dtype),
               *high = tarn_astype(upper, dtype);
    array_type both;
    if (!low || !high || !broadcast_shapes("random_truncated_normal", low, high, &both)) return NULL;
    if (!o.shape.values) trace_note_sizes(low), trace_note_sizes(high); /* so much is drawn */
    tarn_ints shape = o.shape.values ? o.shape : (tarn_ints){both.shape, both.ndim};
    tarn_array *u = tarn_random_uniform(key, shape, dtype, .lows = erf_at(tarn_divide(low, root), dtype),
                                        .highs = erf_at(tarn_divide(high, root), dtype));
    return tarn_maximum(tarn_minimum(tarn_multiply(root, tarn_erfinv(u)), high), low);
}
