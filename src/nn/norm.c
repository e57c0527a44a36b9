/* Normalizing layers. */
#include "base/require.h"
#include "nn/nn.h"

static bool init_scale(tarn_array **weight, tarn_array **bias, int64_t dims, const tarn_norm_layer_options *o) {
    tarn_dtype dtype = dtype_or_float32(o->dtype);
    return (o->no_weight || tarn_assign(weight, tarn_ones(TARN_SHAPE(dims), dtype))) &&
           (!bias || o->no_bias || tarn_assign(bias, tarn_zeros(TARN_SHAPE(dims), dtype)));
}

static tarn_array *scaled(tarn_array *x, tarn_array *weight, tarn_array *bias) {
    if (weight) x = tarn_multiply(x, weight);
    return bias ? tarn_add(x, bias) : x;
}

/* ---- over the last axis */

static const tarn_field layer_norm_fields[] = {TARN_FIELD_ARRAY(tarn_layer_norm_layer, weight),
                                               TARN_FIELD_ARRAY(tarn_layer_norm_layer, bias)};
const tarn_fields tarn_layer_norm_layer_fields = {"layer_norm", layer_norm_fields, 2, sizeof(tarn_layer_norm_layer),
                                                  NULL};

bool tarn_layer_norm_init_with(tarn_layer_norm_layer *m, int64_t dims, tarn_norm_layer_options o) {
    if (!REQUIRE_AS(m, "layer")) return false;
    *m = (tarn_layer_norm_layer){.eps = value_or(o.eps, 1e-5)};
    return init_scale(&m->weight, &m->bias, dims, &o);
}

tarn_array *tarn_layer_norm_forward(const tarn_layer_norm_layer *m, tarn_array *x) {
    if (!REQUIRE_AS(m, "layer")) return NULL;
    return tarn_layer_norm(x, .weight = m->weight, .bias = m->bias, .eps = TARN_VALUE(m->eps));
}

static const tarn_field rms_norm_fields[] = {TARN_FIELD_ARRAY(tarn_rms_norm_layer, weight)};
const tarn_fields tarn_rms_norm_layer_fields = {"rms_norm", rms_norm_fields, 1, sizeof(tarn_rms_norm_layer), NULL};

bool tarn_rms_norm_init_with(tarn_rms_norm_layer *m, int64_t dims, tarn_norm_layer_options o) {
    if (!REQUIRE_AS(m, "layer")) return false;
    *m = (tarn_rms_norm_layer){.eps = value_or(o.eps, 1e-5)};
    return init_scale(&m->weight, NULL, dims, &o);
}

tarn_array *tarn_rms_norm_forward(const tarn_rms_norm_layer *m, tarn_array *x) {
    if (!REQUIRE_AS(m, "layer")) return NULL;
    return tarn_rms_norm(x, m->weight, .eps = TARN_VALUE(m->eps));
}

/* ---- over groups of channels */

static const tarn_field group_norm_fields[] = {TARN_FIELD_ARRAY(tarn_group_norm, weight),
                                               TARN_FIELD_ARRAY(tarn_group_norm, bias)};
const tarn_fields tarn_group_norm_fields = {"group_norm", group_norm_fields, 2, sizeof(tarn_group_norm), NULL};

bool tarn_group_norm_init_with(tarn_group_norm *m, int64_t groups, int64_t dims, tarn_norm_layer_options o) {
    if (!REQUIRE_AS(m, "layer")) return false;
    *m = (tarn_group_norm){.eps = value_or(o.eps, 1e-5), .groups = groups};
    if (groups < 1 || dims % groups)
        return tarn_fail("group_norm: %lld channels in %lld groups", (long long)dims, (long long)groups);
    return init_scale(&m->weight, &m->bias, dims, &o);
}

tarn_array *tarn_group_norm_forward(const tarn_group_norm *m, tarn_array *x) {
    if (!REQUIRE_AS(m, "layer")) return NULL;
    int64_t batch = tarn_dim(x, 0), channels = tarn_dim(x, -1), g = m->groups;
    if (g < 1 || channels % g)
        return tarn_fail("group_norm: %lld channels in %lld groups", (long long)channels, (long long)g), NULL;
    /* [batch, places, a, b], of which the group is axis a or b */
    tarn_ints split = m->neighbours ? TARN_SHAPE(batch, -1, g, channels / g) : TARN_SHAPE(batch, -1, channels / g, g);
    tarn_array *grouped = tarn_reshape(x, split);
    int64_t other = m->neighbours ? 3 : 2;
    tarn_ints axes = TARN_AXES(1, other);
    tarn_array *centered = tarn_subtract(grouped, tarn_mean(grouped, .axes = axes, .keepdims = true));
    tarn_array *variance = tarn_mean(tarn_square(centered), .axes = axes, .keepdims = true);
    tarn_array *y = tarn_multiply(centered, tarn_rsqrt(tarn_add_number(variance, m->eps)));
    return scaled(tarn_reshape_like(y, x), m->weight, m->bias);
}

/* ---- over the batch */

static const tarn_field batch_norm_fields[] = {
    TARN_FIELD_ARRAY(tarn_batch_norm, weight), TARN_FIELD_ARRAY(tarn_batch_norm, bias),
    TARN_FIELD_STATE(tarn_batch_norm, running_mean), TARN_FIELD_STATE(tarn_batch_norm, running_var)};
const tarn_fields tarn_batch_norm_fields = {"batch_norm", batch_norm_fields, 4, sizeof(tarn_batch_norm), NULL};

bool tarn_batch_norm_init_with(tarn_batch_norm *m, int64_t dims, tarn_norm_layer_options o) {
    if (!REQUIRE_AS(m, "layer")) return false;
    *m = (tarn_batch_norm){.eps = value_or(o.eps, 1e-5), .momentum = value_or(o.momentum, 0.1)};
    tarn_dtype dtype = dtype_or_float32(o.dtype);
    return init_scale(&m->weight, &m->bias, dims, &o) &&
           (o.no_state || (tarn_assign(&m->running_mean, tarn_zeros(TARN_SHAPE(dims), dtype)) &&
                           tarn_assign(&m->running_var, tarn_ones(TARN_SHAPE(dims), dtype))));
}

/* running + momentum (now - running) */
static bool follow(tarn_array **running, tarn_array *now, double momentum) {
    tarn_array *next =
        tarn_add(tarn_multiply_number(*running, 1 - momentum), tarn_multiply_number(tarn_stop_gradient(now), momentum));
    return tarn_assign(running, next);
}

/* The running variance is an estimate: of n numbers the sum of squares over n - 1. */
static bool follow_both(tarn_batch_norm *m, tarn_array *mean, tarn_array *variance, int64_t n) {
    tarn_array *estimate = n > 1 ? tarn_multiply_number(variance, (double)n / (double)(n - 1)) : variance;
    return follow(&m->running_mean, mean, m->momentum) && follow(&m->running_var, estimate, m->momentum);
}

tarn_array *tarn_batch_norm_forward(tarn_batch_norm *m, tarn_array *x, bool training) {
    if (!REQUIRE_AS(m, "layer")) return NULL;
    tarn_array *mean = m->running_mean, *variance = m->running_var;
    int64_t axes[TARN_MAX_NDIM], count = tarn_ndim(x) - 1, n = 1;
    for (int64_t i = 0; i < count; i++) axes[i] = i, n *= tarn_dim(x, (int)i);
    if (training || !mean) {
        mean = tarn_mean(x, .axes = {axes, count});
        variance = tarn_var(x, .axes = {axes, count});
    }
    if (training && m->running_mean && !follow_both(m, mean, variance, n)) return NULL;
    tarn_array *y = tarn_multiply(tarn_subtract(x, mean), tarn_rsqrt(tarn_add_number(variance, m->eps)));
    return scaled(y, m->weight, m->bias);
}
