/* Indices drawn from unnormalized log-probabilities, on the two ways of MLX: a list from one distribution by inverse
   CDF, else by the Gumbel maximum. */
#include <string.h>

#include "ops/fused/formula.h"
#include "ops/front.h"
#include "ops/random.h"
#include "ops/rules.h"

/* Where the axis is, and the shape of the result, to which that of logits without the axis must broadcast. */
static bool result_of(const attributes_random_categorical *a, const tarn_array *logits, int *axis, array_type *out) {
    if (!check_axis("random_categorical", a->axis, logits->ndim, axis)) return false;
    if (logits->ndim + (a->count >= 0) > TARN_MAX_NDIM) return tarn_fail("random_categorical: too many axes");
    array_type others = {.ndim = logits->ndim - 1};
    for (int i = 0; i < others.ndim; i++) others.shape[i] = logits->shape[i + (i >= *axis)];
    if (a->count >= 0) others.shape[others.ndim++] = a->count;
    *out = others;
    if (!a->shape.values) return true;
    if (a->shape.count > TARN_MAX_NDIM) return tarn_fail("random_categorical: %lld axes", (long long)a->shape.count);
    memcpy(out->shape, a->shape.values, (size_t)a->shape.count * sizeof *out->shape);
    out->ndim = (int)a->shape.count;
    for (int i = 1; i <= others.ndim; i++) {
        int64_t size = others.shape[others.ndim - i];
        if (i > out->ndim || (size != out->shape[out->ndim - i] && size != 1))
            return tarn_fail("random_categorical: the logits do not broadcast to the shape of the result");
    }
    return true;
}

static bool infer(inference *i) {
    const tarn_array *key = i->inputs[0], *logits = i->inputs[1];
    const attributes_random_categorical *a = i->attributes;
    int axis;
    array_type out;
    if (!random_check_key(key)) return false;
    if (key->ndim != 1) return tarn_fail("random_categorical: one key [2] draws all");
    if (logits->dtype == TARN_COMPLEX64)
        return tarn_fail_kind(TARN_ERROR_TYPE, "random_categorical: logits are real, not complex64");
    if (a->count >= 0 && a->shape.values) return tarn_fail("random_categorical: a shape and a count");
    if (!result_of(a, logits, &axis, &out)) return false;
    if (logits->shape[axis] == 0) return fail_shapes(logits, NULL, NULL, "random_categorical: nothing to draw from");
    return types_add(i, TARN_UINT32, out.ndim, out.shape);
}

/* The index whose part of the cumulated weights holds u: how many of the exclusive sums are not above it, less one. */
static tarn_array *inverse_cdf(tarn_array *key, tarn_array *logits, tarn_ints shape) {
    tarn_array *x = formula_widen(tarn_flatten(logits));
    tarn_array *weights = tarn_exp(tarn_subtract(x, tarn_max(x)));
    tarn_array *sums = tarn_cumsum(weights, .axis = TARN_AXIS(0), .exclusive = true);
    tarn_array *u = tarn_multiply(tarn_random_uniform(key, shape, TARN_FLOAT32), tarn_sum(weights));
    tarn_array *below = tarn_sum(tarn_less_equal(sums, tarn_expand_dims(u, TARN_AXES(-1))), .axes = TARN_AXES(-1));
    return tarn_astype(tarn_subtract(below, tarn_scalar_int(1, TARN_INT32)), TARN_UINT32);
}

/* The axis of the distributions stands so far from the end as in the logits. */
static tarn_array *gumbel_maximum(tarn_array *key, tarn_array *logits, int axis, const array_type *out) {
    int place = axis + out->ndim + 1 - logits->ndim;
    array_type drawn = *out;
    drawn.ndim++;
    for (int i = drawn.ndim - 1; i > place; i--) drawn.shape[i] = drawn.shape[i - 1];
    drawn.shape[place] = logits->shape[axis];
    tarn_array *noise = tarn_random_gumbel(key, (tarn_ints){drawn.shape, drawn.ndim}, TARN_FLOAT32);
    return tarn_argmax(tarn_add(noise, logits), .axis = TARN_AXIS(place));
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const attributes_random_categorical *a = n->attributes;
    tarn_array *logits = inputs[1];
    array_type out;
    int axis;
    if (!result_of(a, logits, &axis, &out)) return false;
    bool single = array_size(logits) == logits->shape[axis] && array_size(logits) > 0 && out.ndim > 0;
    if (single)
        outputs[0] = inverse_cdf(inputs[0], logits, (tarn_ints){out.shape, out.ndim});
    else
        outputs[0] =
            gumbel_maximum(inputs[0], a->count >= 0 ? tarn_expand_dims(logits, TARN_AXES(-1)) : logits, axis, &out);
    return outputs[0] != NULL;
}

tarn_array *tarn_random_categorical_with(tarn_array *key, tarn_array *logits, tarn_random_categorical_options o) {
    FRONT("random_categorical");
    REQUIRE_LIST(o.shape);
    if (o.count.given && o.count.axis < 0)
        return tarn_fail("random_categorical: %lld draws", (long long)o.count.axis), NULL;
    const attributes_random_categorical a = {
        .axis = axis_or(o.axis, -1), .shape = o.shape, .count = axis_or(o.count, -1)};
    return BUILD(random_categorical, &a, key, logits);
}

const op_rules rules_random_categorical = {.infer = infer, .formula = formula, .passes = passes_none};
