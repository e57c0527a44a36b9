/* The gradients of softmax, rms_norm and layer_norm, an op each, so that a backend may have a kernel that reads every
   row once. Their first input is the gradient g of the result. With y the result of softmax: y (g - sum(y g)). Of
   norms, with z the normed row before its weight, s what x was scaled by and h = g * weight: s (h - mean(h) - z mean(h
   z)), without mean(h) where x was not centred; the weight takes the sum of g z over all rows, the bias that of g. */
#include "ops/batch.h"
#include "ops/fused/formula.h"
#include "ops/rules.h"

enum { G, X, WEIGHT, INPUTS };

/* As the op `of`, behind the gradient, would have it; x's type, then those of its last axis. */
static bool infer_gradient(inference *i, op_id of, const void *attributes, int outputs) {
    const tarn_array *g = i->inputs[G], *x = i->inputs[X];
    array_type result;
    inference forward = {.op = of,
                         .attributes = attributes,
                         .inputs = i->inputs + 1,
                         .input_count = i->input_count - 1,
                         .types = &result,
                         .room = 1};
    if (!rules_of(of)->infer(&forward)) return false;
    if (g->dtype != result.dtype || !array_same_shape(g, x))
        return tarn_fail("%s: the gradient differs from the result in dtype or shape", op_name(i->op));
    bool ok = types_add(i, result.dtype, x->ndim, x->shape);
    for (int k = 1; k < outputs && ok; k++) ok = types_add(i, result.dtype, 1, x->shape + x->ndim - 1);
    return ok;
}

static bool infer_softmax(inference *i) {
    attributes_softmax a = {.axis = ((const attributes_softmax_gradient *)i->attributes)->axis};
    return infer_gradient(i, OP_softmax, &a, 1);
}
static bool infer_rms_norm(inference *i) {
    return infer_gradient(i, OP_rms_norm, &attributes_rms_norm_default, 2);
}
static bool infer_layer_norm(inference *i) {
    return infer_gradient(i, OP_layer_norm, &attributes_layer_norm_default, 3);
}

/* ---- formulas */

static bool of_softmax(const node *n, tarn_array *const *in, tarn_array **outputs) {
    tarn_ints axis = TARN_AXES(((const attributes_softmax_gradient *)n->attributes)->axis);
    tarn_array *g = formula_widen(in[G]), *y = formula_widen(in[X]);
    tarn_array *sum = tarn_sum(tarn_multiply(y, g), .axes = axis, .keepdims = true);
    outputs[0] = formula_narrow(tarn_multiply(y, tarn_subtract(g, sum)), in[G]->dtype);
    return outputs[0] != NULL;
}

static tarn_array *mean_of_row(tarn_array *x) {
    return tarn_mean(x, .axes = TARN_AXES(-1), .keepdims = true);
}

static tarn_array *sum_of_rows(tarn_array *x) {
    int64_t axes[TARN_MAX_NDIM];
    if (!x) return NULL;
    for (int i = 0; i < x->ndim; i++) axes[i] = i;
    return tarn_sum(x, .axes = {axes, x->ndim - 1});
}

/* outputs: of x, weight and, where x is centred first, bias. */
static bool of_norm(const node *n, tarn_array *const *in, bool centre, double eps, tarn_array **outputs) {
    tarn_array *g = formula_widen(in[G]), *x = formula_widen(in[X]), *h = g;
    if (n->input_count > WEIGHT && in[WEIGHT]) h = tarn_multiply(g, formula_widen(in[WEIGHT]));
    if (centre) x = tarn_subtract(x, mean_of_row(x));
    tarn_array *square = mean_of_row(tarn_square(x));
    tarn_array *scale = tarn_rsqrt(tarn_add(square, tarn_scalar_like(eps, square)));
    tarn_array *normed = tarn_multiply(x, scale), *along = mean_of_row(tarn_multiply(h, normed));
    tarn_array *rest = centre ? tarn_subtract(h, mean_of_row(h)) : h;
    outputs[0] = tarn_multiply(scale, tarn_subtract(rest, tarn_multiply(normed, along)));
    outputs[1] = sum_of_rows(tarn_multiply(g, normed));
    if (centre) outputs[2] = sum_of_rows(g);
    for (int i = 0; i < n->output_count; i++) outputs[i] = formula_narrow(outputs[i], in[G]->dtype);
    return tarn_ok();
}

static bool of_rms_norm(const node *n, tarn_array *const *in, tarn_array **outputs) {
    return of_norm(n, in, false, ((const attributes_rms_norm_gradient *)n->attributes)->eps, outputs);
}
static bool of_layer_norm(const node *n, tarn_array *const *in, tarn_array **outputs) {
    return of_norm(n, in, true, ((const attributes_layer_norm_gradient *)n->attributes)->eps, outputs);
}

/* ---- rules of the ops whose gradients these are; false without an error: by their formulas, a complex tangent of a
   real row */

bool vjp_softmax(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    (void)wanted;
    if (cotangents[0]->dtype != n->outputs[0].dtype) return false;
    attributes_softmax_gradient a = {.axis = ((const attributes_softmax *)n->attributes)->axis};
    gradients[0] = build(OP_softmax_gradient, (tarn_array *[]){cotangents[0], &n->outputs[0]}, 2, &a);
    return gradients[0] != NULL;
}

static bool vjp_norm(op_id op, const node *n, tarn_array *g, const void *attributes, tarn_array **gradients) {
    if (g->dtype != n->outputs[0].dtype) return false;
    tarn_array *inputs[INPUTS] = {g, n->inputs[0], n->input_count > 1 ? n->inputs[1] : NULL};
    node *made = build_node(op, inputs, inputs[WEIGHT] ? INPUTS : WEIGHT, attributes);
    for (int i = 0; made && i < n->input_count; i++) gradients[i] = &made->outputs[i];
    return made != NULL;
}

bool vjp_rms_norm(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    (void)wanted;
    attributes_rms_norm_gradient a = {.eps = ((const attributes_rms_norm *)n->attributes)->eps};
    return vjp_norm(OP_rms_norm_gradient, n, cotangents[0], &a, gradients);
}
bool vjp_layer_norm(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    (void)wanted;
    attributes_layer_norm_gradient a = {.eps = ((const attributes_layer_norm *)n->attributes)->eps};
    return vjp_norm(OP_layer_norm_gradient, n, cotangents[0], &a, gradients);
}

/* The axis counts from the last: examples come in front. */
bool vmap_softmax_gradient(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs,
                           int *output_axes) {
    int64_t batch = batch_size(inputs, axes, n->input_count);
    tarn_array *whole[] = {batch_whole(inputs[G], axes[G], batch), batch_whole(inputs[X], axes[X], batch)};
    if (!whole[G] || !whole[X]) return false;
    return batch_result(build(OP_softmax_gradient, whole, 2, n->attributes), 0, outputs, output_axes);
}

const op_rules rules_softmax_gradient = {.infer = infer_softmax, .vmap = vmap_softmax_gradient, .formula = of_softmax};
const op_rules rules_rms_norm_gradient = {.infer = infer_rms_norm, .formula = of_rms_norm};
const op_rules rules_layer_norm_gradient = {.infer = infer_layer_norm, .formula = of_layer_norm};
