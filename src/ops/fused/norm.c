/* rms_norm over the last axis (Zhang and Sennrich, 2019): the normalized row is rounded to x's dtype before the weight
 * multiplies it, as in MLX. */
#include "ops/fused/formula.h"
#include "ops/rules.h"

static bool infer(inference *i) {
    const tarn_array *x = i->inputs[0], *weight = i->input_count > 1 ? i->inputs[1] : NULL;
    if (x->ndim < 1) return tarn_fail("rms_norm: x is 0-d");
    if (weight && (weight->ndim != 1 || weight->shape[0] != x->shape[x->ndim - 1]))
        return tarn_fail("rms_norm: the weight has %lld elements, the last axis of x %lld",
                         (long long)array_size(weight), (long long)x->shape[x->ndim - 1]);
    return infer_same_float(i);
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const attributes_rms_norm *a = n->attributes;
    tarn_array *x = formula_widen(inputs[0]), *weight = n->input_count > 1 ? inputs[1] : NULL;
    tarn_array *mean = tarn_mean(tarn_square(x), .axes = TARN_AXES(-1), .keepdims = true);
    tarn_array *y = tarn_multiply(x, tarn_rsqrt(tarn_add(mean, tarn_scalar_like(a->eps, mean))));
    y = formula_narrow(y, inputs[0]->dtype);
    outputs[0] = weight ? tarn_multiply(y, weight) : y;
    return outputs[0] != NULL;
}

tarn_array *tarn_rms_norm_with(tarn_array *x, tarn_array *weight, tarn_norm_options o) {
    attributes_rms_norm a = attributes_rms_norm_default;
    if (o.eps.given) a.eps = o.eps.value;
    if (x && weight &&
        weight->dtype !=
            x->dtype) { /* the result has the common dtype, as if the row had been multiplied by an ordinary product */
        tarn_dtype dtype = dtype_promote(x->dtype, weight->dtype);
        x = formula_narrow(x, dtype);
        weight = formula_narrow(weight, dtype);
    }
    return BUILD(rms_norm, &a, x, weight);
}

const op_rules rules_rms_norm = {.infer = infer, .vjp = vjp_rms_norm, .formula = formula};
