/* Random numbers from threefry keys; the algorithms are those of MLX (reference/mlx.md 5.6), so that equal keys give
 * equal numbers. */
#include <math.h>
#include <string.h>

#include "ops/front.h"
#include "ops/rules.h"
#include "tarn/random.h"

static bool check_key(const tarn_array *key) {
    if (key->dtype == TARN_UINT32 && key->ndim >= 1 && key->shape[key->ndim - 1] == 2) return true;
    return fail_shapes(key, NULL, NULL, "random: a key is uint32 [..., 2], and not this");
}

static bool infer_random_bits(inference *i) {
    const tarn_array *key = i->inputs[0];
    const attributes_random_bits *a = i->attributes;
    if (!check_key(key)) return false;
    if (a->width != 1 && a->width != 2 && a->width != 4)
        return tarn_fail("random_bits: width %lld", (long long)a->width);
    if (a->shape.count > TARN_MAX_NDIM) return tarn_fail("random_bits: more than %d axes", TARN_MAX_NDIM);
    int batch = key->ndim - 1, ndim = batch + (int)a->shape.count;
    int64_t shape[2 * TARN_MAX_NDIM];
    memcpy(shape, key->shape, (size_t)batch * sizeof *shape);
    for (int k = batch; k < ndim; k++) shape[k] = a->shape.values[k - batch];
    return types_add(i, a->width == 4 ? TARN_UINT32 : a->width == 2 ? TARN_UINT16 : TARN_UINT8, ndim, shape);
}

tarn_array *tarn_random_key(uint64_t seed) {
    FRONT("random_key");
    return tarn_from_data((uint32_t[]){(uint32_t)(seed >> 32), (uint32_t)seed}, TARN_SHAPE(2), TARN_UINT32);
}

tarn_array *tarn_random_bits_with(tarn_array *key, tarn_ints shape, tarn_random_bits_options o) {
    return BUILD(random_bits, (&(attributes_random_bits){.shape = shape, .width = o.width ? o.width : 4}), key);
}

tarn_array *tarn_random_split(tarn_array *key, int64_t count) {
    FRONT("random_split");
    return tarn_random_bits(key, TARN_SHAPE(count, 2));
}

bool tarn_random_next(tarn_array *key, tarn_array **next, tarn_array **use) {
    FRONT("random_next");
    if (!next || !use) return tarn_fail("random_next: a place for a key is NULL");
    tarn_array *pair = tarn_random_split(key, 2), *parts[2];
    if (!pair || !tarn_split(pair, 2, parts, .axis = TARN_AXIS(-2))) return false;
    *next = tarn_squeeze(parts[0], .axes = TARN_AXES(-2));
    *use = tarn_squeeze(parts[1], .axes = TARN_AXES(-2));
    return tarn_ok();
}

static double value_or(tarn_value option, double absent) {
    return option.given ? option.value : absent;
}

/* The largest value below 1 of a dtype. */
static double below_one(tarn_dtype dtype) {
    return dtype == TARN_FLOAT16 ? 1.0 - 0x1p-11 : dtype == TARN_BFLOAT16 ? 1.0 - 0x1p-8 : 1.0 - 0x1p-24;
}

tarn_array *tarn_random_uniform_with(tarn_array *key, tarn_ints shape, tarn_dtype dtype,
                                     tarn_random_uniform_options o) {
    FRONT("random_uniform");
    REQUIRE_DTYPE(dtype);
    if (dtype_kind_of(dtype) != KIND_FLOAT || dtype == TARN_FLOAT64)
        return tarn_fail_kind(TARN_ERROR_TYPE, "random_uniform: %s is not supported", dtype_facts[dtype].name), NULL;
    tarn_array *bits = tarn_astype(tarn_random_bits(key, shape), TARN_FLOAT32);
    tarn_array *u = tarn_divide(bits, tarn_scalar(4294967296.0, TARN_FLOAT32));
    u = tarn_astype(tarn_minimum(u, tarn_scalar(below_one(dtype), TARN_FLOAT32)), dtype);
    tarn_array *bottom = tarn_scalar(value_or(o.low, 0), dtype);
    tarn_array *range = tarn_subtract(tarn_scalar(value_or(o.high, 1), dtype), bottom);
    return tarn_add(tarn_multiply(range, u), bottom);
}

tarn_array *tarn_random_normal_with(tarn_array *key, tarn_ints shape, tarn_dtype dtype, tarn_random_normal_options o) {
    FRONT("random_normal");
    REQUIRE_DTYPE(dtype);
    if (dtype_kind_of(dtype) != KIND_FLOAT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "random_normal: %s is not supported", dtype_facts[dtype].name), NULL;
    tarn_array *u = tarn_random_uniform(key, shape, TARN_FLOAT32, .low = TARN_VALUE((double)nextafterf(-1.0F, 0.0F)));
    tarn_array *z = tarn_astype(tarn_erfinv(u), dtype);
    z = tarn_multiply(z, tarn_scalar(sqrt(2.0) * value_or(o.deviation, 1), dtype));
    double mean = value_or(o.mean, 0);
    return mean != 0 ? tarn_add(z, tarn_scalar(mean, dtype)) : z;
}

/* The index whose part of the cumulated weights holds u: how many of the exclusive sums are not above it, less one. */
static tarn_array *inverse_cdf(tarn_array *key, tarn_array *logits) {
    tarn_array *x = dtype_is_half(logits->dtype) ? tarn_astype(logits, TARN_FLOAT32) : logits;
    tarn_array *weights = tarn_exp(tarn_subtract(x, tarn_max(x, .axes = TARN_AXES(-1), .keepdims = true)));
    tarn_array *sums = tarn_cumsum(weights, .axis = TARN_AXIS(-1), .exclusive = true);
    tarn_array *total = tarn_sum(weights, .axes = TARN_AXES(-1), .keepdims = true);
    tarn_array *u = tarn_multiply(tarn_random_uniform(key, array_shape(total), TARN_FLOAT32), total);
    tarn_array *below = tarn_sum(tarn_less_equal(sums, u), .axes = TARN_AXES(-1));
    return tarn_astype(tarn_subtract(below, tarn_scalar(1, TARN_INT32)), TARN_UINT32);
}

static tarn_array *gumbel_maximum(tarn_array *key, tarn_array *logits) {
    tarn_array *u = tarn_random_uniform(key, array_shape(logits), TARN_FLOAT32);
    tarn_array *noise = tarn_negative(tarn_log(tarn_negative(tarn_log(u))));
    return tarn_argmax(tarn_add(logits, noise), .axis = TARN_AXIS(-1));
}

static bool infer_categorical(inference *i) {
    const tarn_array *key = i->inputs[0], *logits = i->inputs[1];
    if (!check_key(key)) return false;
    if (key->ndim != 1) return tarn_fail("random_categorical: one key [2] draws all");
    if (logits->ndim < 1 || dtype_kind_of(logits->dtype) != KIND_FLOAT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "random_categorical: logits are floats [..., n]");
    return types_add(i, TARN_UINT32, logits->ndim - 1, logits->shape);
}

static bool formula_categorical(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const tarn_array *logits = inputs[1];
    (void)n;
    bool single = array_size(logits) == logits->shape[logits->ndim - 1] && array_size(logits) > 0;
    outputs[0] = single ? inverse_cdf(inputs[0], inputs[1]) : gumbel_maximum(inputs[0], inputs[1]);
    return outputs[0] != NULL;
}

tarn_array *tarn_random_categorical(tarn_array *key, tarn_array *logits) {
    return BUILD(random_categorical, NULL, key, logits);
}

const op_rules rules_random_categorical = {
    .infer = infer_categorical, .formula = formula_categorical, .passes = passes_none};
const op_rules rules_random_bits = {.infer = infer_random_bits, .vmap = vmap_random_bits, .passes = passes_none};
