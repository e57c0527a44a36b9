/* x as a mode of quantization holds it. Rounding has no gradient; that of x stands for it (Bengio et al., 2013). */
#include "ops/fused/formula.h"
#include "ops/fused/pick.h"
#include "ops/rules.h"
#include "table/quant.h"

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const attributes_fake_quantize *a = n->attributes;
    const char *mode = names_quant_mode.words[a->mode];
    tarn_array *parts[3], *global = part(inputs, n->input_count, 1);
    if (!tarn_quantize(inputs[0], parts, .mode = mode, .group_size = a->group_size, .bits = a->bits,
                       .global_scale = global))
        return false;
    outputs[0] = tarn_dequantize(parts[0], parts[1], .mode = mode, .biases = parts[2], .group_size = a->group_size,
                                 .bits = a->bits, .global_scale = global, .dtype = inputs[0]->dtype);
    return outputs[0] != NULL;
}

static bool infer(inference *i) {
    const attributes_fake_quantize *a = i->attributes;
    const tarn_array *x = i->inputs[0];
    int64_t last = x->ndim ? x->shape[x->ndim - 1] : 0;
    if (!quant_exists(a->mode, a->group_size, a->bits) || x->ndim < 1 || last % a->group_size)
        return fail_shapes(x, NULL, NULL, "fake_quantize: %lld bits in groups of %lld", (long long)a->bits,
                           (long long)a->group_size);
    return infer_same_float(i);
}

static bool vjp(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    (void)n;
    if (wanted[0]) gradients[0] = cotangents[0];
    return true;
}

static bool jvp(node *n, tarn_array *const *tangents, tarn_array **output_tangents) {
    (void)n;
    output_tangents[0] = tangents[0];
    return true;
}

const op_rules rules_fake_quantize = {
    .infer = infer, .formula = formula, .vjp = vjp, .jvp = jvp, .passes = passes_first};
