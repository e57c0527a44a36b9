/* Activations and dropout: formulas over operations. */
#include <math.h>

#include "base/require.h"
#include "nn/nn.h"

tarn_array *tarn_relu(tarn_array *x) {
    return tarn_maximum_number(x, 0);
}
tarn_array *tarn_relu2(tarn_array *x) {
    return tarn_square(tarn_relu(x));
}
tarn_array *tarn_relu6(tarn_array *x) {
    return tarn_minimum_number(tarn_relu(x), 6);
}
tarn_array *tarn_leaky_relu(tarn_array *x, double slope) {
    return tarn_maximum(tarn_multiply_number(x, slope), x);
}
tarn_array *tarn_prelu(tarn_array *x, tarn_array *slope) {
    return tarn_add(tarn_relu(x), tarn_multiply(slope, tarn_minimum_number(x, 0)));
}
tarn_array *tarn_elu(tarn_array *x, double alpha) {
    return tarn_where(tarn_greater_number(x, 0), x, tarn_multiply_number(tarn_expm1(tarn_minimum_number(x, 0)), alpha));
}
tarn_array *tarn_celu(tarn_array *x, double alpha) {
    return tarn_add(tarn_relu(x), tarn_multiply_number(
                                      tarn_expm1(tarn_multiply_number(tarn_minimum_number(x, 0), 1 / alpha)), alpha));
}
tarn_array *tarn_selu(tarn_array *x) {
    return tarn_multiply_number(tarn_elu(x, 1.67326), 1.0507);
}
tarn_array *tarn_gelu(tarn_array *x) {
    return tarn_multiply(x,
                         tarn_multiply_number(tarn_add_number(tarn_erf(tarn_multiply_number(x, 1 / sqrt(2))), 1), 0.5));
}
tarn_array *tarn_gelu_approx(tarn_array *x) {
    tarn_array *cubic = tarn_add(x, tarn_multiply_number(tarn_multiply(tarn_square(x), x), 0.044715));
    return tarn_multiply(tarn_multiply_number(x, 0.5),
                         tarn_add_number(tarn_tanh(tarn_multiply_number(cubic, sqrt(2 / acos(-1)))), 1));
}
tarn_array *tarn_gelu_fast_approx(tarn_array *x) {
    return tarn_multiply(x, tarn_sigmoid(tarn_multiply_number(x, 1.702)));
}
tarn_array *tarn_softplus(tarn_array *x) {
    return tarn_logaddexp(x, tarn_scalar_like(0, x));
}
tarn_array *tarn_mish(tarn_array *x) {
    return tarn_multiply(x, tarn_tanh(tarn_softplus(x)));
}
tarn_array *tarn_hardswish(tarn_array *x) {
    return tarn_multiply_number(tarn_multiply(x, tarn_relu6(tarn_add_number(x, 3))), 1.0 / 6);
}
tarn_array *tarn_hard_tanh(tarn_array *x, double low, double high) {
    return tarn_minimum_number(tarn_maximum_number(x, low), high);
}
tarn_array *tarn_hard_shrink(tarn_array *x, double limit) {
    return tarn_where(tarn_greater_number(tarn_abs(x), limit), x, tarn_scalar_like(0, x));
}
tarn_array *tarn_soft_shrink(tarn_array *x, double limit) {
    return tarn_where(tarn_greater_number(tarn_abs(x), limit),
                      tarn_subtract(x, tarn_multiply_number(tarn_sign(x), limit)), tarn_scalar_like(0, x));
}
tarn_array *tarn_softsign(tarn_array *x) {
    return tarn_divide(x, tarn_add_number(tarn_abs(x), 1));
}
tarn_array *tarn_log_sigmoid(tarn_array *x) {
    return tarn_negative(tarn_softplus(tarn_negative(x)));
}
tarn_array *tarn_step(tarn_array *x, double threshold) {
    return tarn_astype(tarn_greater_equal(x, tarn_scalar_like(threshold, x)), tarn_dtype_of(x));
}

/* ---- along an axis */

static int64_t axis_or_last(tarn_axis axis) {
    return axis.given ? axis.axis : -1;
}

tarn_array *tarn_glu_with(tarn_array *x, tarn_axis_options o) {
    int64_t axis = axis_or_last(o.axis), size = tarn_dim(x, (int)axis);
    if (x && size % 2) return tarn_fail("glu: %lld elements along the axis have no half", (long long)size), NULL;
    return tarn_multiply(tarn_slice_axis(x, axis, 0, size / 2), tarn_sigmoid(tarn_slice_axis(x, axis, size / 2, size)));
}
tarn_array *tarn_softmin_with(tarn_array *x, tarn_axis_options o) {
    return tarn_softmax(tarn_negative(x), .axes = TARN_AXES(axis_or_last(o.axis)));
}
tarn_array *tarn_log_softmax_with(tarn_array *x, tarn_axis_options o) {
    return tarn_subtract(x, tarn_logsumexp(x, .axes = TARN_AXES(axis_or_last(o.axis)), .keepdims = true));
}

tarn_array *tarn_dropout_with(tarn_array *x, double p, tarn_array *key, tarn_dropout_options o) {
    if (!(p >= 0 && p < 1)) return tarn_fail("dropout: p is %g; 0 <= p < 1", p), NULL;
    if (!REQUIRE(x)) return NULL;
    if (p == 0) return x;
    int64_t shape[TARN_MAX_NDIM];
    tarn_ints all = tarn_shape_of(x);
    for (int64_t i = 0; i < all.count; i++) {
        bool example = i == 0 && all.count > 2, channel = i == all.count - 1;
        shape[i] = o.channels && !example && !channel ? 1 : all.values[i];
    }
    tarn_array *kept = tarn_random_bernoulli(key, tarn_scalar(1 - p, TARN_FLOAT32), .shape = {shape, all.count});
    return tarn_multiply(tarn_multiply_number(x, 1 / (1 - p)), tarn_astype(kept, tarn_dtype_of(x)));
}
