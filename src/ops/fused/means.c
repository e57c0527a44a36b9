/* mean, var and logsumexp over axes: what the caller said stays in the node, so that counts and empty axes are those of
 * the shapes at hand. */
#include "ops/front.h"
#include "ops/fused/formula.h"
#include "ops/reduce.h"

static tarn_dtype at_least_float(tarn_dtype dtype) {
    return dtype_kind_of(dtype) < KIND_FLOAT ? TARN_FLOAT32 : dtype;
}

/* Both ops have the same attributes. */
static bool infer(inference *i) {
    const tarn_array *x = i->inputs[0];
    const attributes_mean *a = i->attributes;
    return reduced_type(i, at_least_float(x->dtype), a->axes, a->keepdims);
}

/* x as it is summed: a long sum of halves would lose its last digits. */
static tarn_array *summand(tarn_array *x) {
    tarn_dtype dtype = at_least_float(x->dtype);
    return formula_widen(formula_narrow(x, dtype));
}

/* A sum over x's elements divided by their count less some. The count is a node, too, so that gradients are right in a
   replay over other sizes. */
static tarn_array *over_count(tarn_array *sum, tarn_array *x, int64_t less) {
    return tarn_divide(sum, elements_each(x, sum, less));
}

static bool formula_mean(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const attributes_mean *a = n->attributes;
    tarn_array *sum = tarn_sum(summand(inputs[0]), .axes = a->axes, .keepdims = a->keepdims);
    outputs[0] = formula_narrow(over_count(sum, inputs[0], 0), n->outputs[0].dtype);
    return outputs[0] != NULL;
}

/* Of complex numbers a distance is real. */
static bool infer_var(inference *i) {
    const attributes_var *a = i->attributes;
    tarn_dtype dtype = at_least_float(i->inputs[0]->dtype);
    return reduced_type(i, dtype == TARN_COMPLEX64 ? TARN_FLOAT32 : dtype, a->axes, a->keepdims);
}

static bool formula_var(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const attributes_var *a = n->attributes;
    tarn_array *x = summand(inputs[0]), *mean = tarn_mean(x, .axes = a->axes, .keepdims = true);
    tarn_array *distance = tarn_subtract(x, mean);
    tarn_array *square = tarn_real(tarn_multiply(distance, tarn_conjugate(distance)));
    tarn_array *sum = tarn_sum(square, .axes = a->axes, .keepdims = a->keepdims);
    outputs[0] = formula_narrow(over_count(sum, inputs[0], a->ddof), n->outputs[0].dtype);
    return outputs[0] != NULL;
}

/* Whether a result has no elements to be made of: its sum of exponentials is 0. */
static bool is_of_nothing(const tarn_array *x, const tarn_array *out) {
    return array_size(x) == 0 && array_size(out) > 0;
}

/* max + log(sum(exp(x - max))); an infinite maximum is not subtracted from itself. */
static bool formula_logsumexp(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const attributes_logsumexp *a = n->attributes;
    const tarn_array *out = &n->outputs[0];
    tarn_array *x = summand(inputs[0]), *y;
    if (is_of_nothing(inputs[0], out)) {
        y = tarn_log(tarn_sum(x, .axes = a->axes, .keepdims = a->keepdims));
    } else {
        tarn_array *top = tarn_stop_gradient(tarn_max(x, .axes = a->axes, .keepdims = true));
        tarn_array *finite = tarn_where(tarn_isinf(top), tarn_scalar_like(0, top), top);
        tarn_array *sum = tarn_sum(tarn_exp(tarn_subtract(x, finite)), .axes = a->axes, .keepdims = a->keepdims);
        y = tarn_add(tarn_log(sum), tarn_reshape(finite, array_shape(out)));
    }
    outputs[0] = formula_narrow(y, out->dtype);
    return outputs[0] != NULL;
}

tarn_array *tarn_mean_with(tarn_array *x, tarn_reduce_options o) {
    return BUILD(mean, (&(attributes_mean){.axes = o.axes, .keepdims = o.keepdims}), x);
}

tarn_array *tarn_var_with(tarn_array *x, tarn_var_options o) {
    return BUILD(var, (&(attributes_var){.axes = o.axes, .keepdims = o.keepdims, .ddof = o.ddof}), x);
}

tarn_array *tarn_std_with(tarn_array *x, tarn_var_options o) {
    FRONT("std");
    return tarn_sqrt(tarn_var_with(x, o));
}

tarn_array *tarn_logsumexp_with(tarn_array *x, tarn_reduce_options o) {
    return BUILD(logsumexp, (&(attributes_logsumexp){.axes = o.axes, .keepdims = o.keepdims}), x);
}

const op_rules rules_mean = {.infer = infer, .formula = formula_mean};
const op_rules rules_var = {.infer = infer_var, .formula = formula_var};
const op_rules rules_logsumexp = {.infer = infer, .formula = formula_logsumexp};
