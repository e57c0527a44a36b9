/* layer_norm over the last axis (Ba, Kiros and Hinton, 2016): the normalized row is rounded to x's dtype before weight
 * and bias, as in MLX. */
#include "ops/fused/formula.h"
#include "ops/rules.h"

static bool fits(const char *name, const tarn_array *part, const tarn_array *x) {
    if (!part || (part->ndim == 1 && part->shape[0] == x->shape[x->ndim - 1])) return true;
    return tarn_fail(
        "layer_norm: the %s must have one axis of the %lld elements of x's last one, it has %d axes and %lld", name,
        (long long)x->shape[x->ndim - 1], part->ndim, (long long)array_size(part));
}

static bool infer(inference *i) {
    const tarn_array *x = i->inputs[0];
    if (x->ndim < 1) return tarn_fail("layer_norm: x is 0-d");
    return (i->input_count < 2 || fits("weight", i->inputs[1], x)) &&
           (i->input_count < 3 || fits("bias", i->inputs[2], x)) && infer_same_float(i);
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const attributes_layer_norm *a = n->attributes;
    tarn_array *x = formula_widen(inputs[0]), *y;
    tarn_array *mean = tarn_mean(x, .axes = TARN_AXES(-1), .keepdims = true), *centred = tarn_subtract(x, mean);
    tarn_array *variance = tarn_mean(tarn_square(centred), .axes = TARN_AXES(-1), .keepdims = true);
    y = tarn_multiply(centred, tarn_rsqrt(tarn_add(variance, tarn_scalar_like(a->eps, variance))));
    y = formula_narrow(y, inputs[0]->dtype);
    if (n->input_count > 1 && inputs[1]) y = tarn_multiply(y, inputs[1]);
    if (n->input_count > 2 && inputs[2]) y = tarn_add(y, inputs[2]);
    outputs[0] = y;
    return y != NULL;
}

static tarn_dtype common(tarn_dtype dtype, const tarn_array *part) {
    return part ? dtype_promote(dtype, part->dtype) : dtype;
}

static tarn_array *as(tarn_array *part, tarn_dtype dtype) {
    return part ? formula_narrow(part, dtype) : NULL;
}

/* The result has the common dtype. A bias alone has a weight of ones beside it. */
tarn_array *tarn_layer_norm_with(tarn_array *x, tarn_layer_norm_options o) {
    attributes_layer_norm a = attributes_layer_norm_default;
    if (o.eps.given) a.eps = o.eps.value;
    if (!x) return BUILD(layer_norm, &a, x);
    tarn_dtype dtype = common(common(x->dtype, o.weight), o.bias);
    if (o.bias && !o.weight) o.weight = tarn_ones(array_shape(o.bias), dtype);
    x = as(x, dtype);
    if (o.bias) return BUILD(layer_norm, &a, x, as(o.weight, dtype), as(o.bias, dtype));
    return o.weight ? BUILD(layer_norm, &a, x, as(o.weight, dtype)) : BUILD(layer_norm, &a, x);
}

const op_rules rules_layer_norm = {.infer = infer, .vjp = vjp_layer_norm, .formula = formula};
