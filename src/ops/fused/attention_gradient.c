/* The gradients of attention's q, k and v, as one op, so that a backend may have a kernel that keeps no matrix of
   scores. Its inputs are the gradient of attention's result and then those of attention. With w the weights, e = w vT's
   gradient and s the masked scores: ds = w (e - sum(w e)), and nothing where a mask made the score the lowest. */
#include "ops/fused/attention.h"
#include "ops/fused/formula.h"
#include "ops/front.h"
#include "ops/rules.h"
#include "table/absent.h"

enum { Q, K, V, INPUTS = 6 };

static bool infer(inference *i) {
    attributes_attention a = attention_of_gradient(i->attributes);
    array_type result;
    inference forward = {.op = OP_attention,
                         .attributes = &a,
                         .inputs = i->inputs + 1,
                         .input_count = i->input_count - 1,
                         .types = &result,
                         .room = 1};
    if (!rules_of(OP_attention)->infer(&forward)) return false;
    const tarn_array *g = i->inputs[0];
    bool fits = g->ndim == 4 && g->dtype == result.dtype;
    for (int k = 0; k < 4 && fits; k++) fits = g->shape[k] == result.shape[k];
    if (!fits) return tarn_fail("attention_gradient: the gradient differs from the result in dtype or shape");
    bool ok = true;
    for (int k = 0; k < 3 && ok; k++) ok = types_add(i, result.dtype, 4, forward.inputs[k]->shape);
    return ok;
}

/* [batch, kv heads, group, rows, n] as [batch, kv heads, group * rows, n] */
static tarn_array *join_group(tarn_array *x) {
    return tarn_flatten(x, .start_axis = TARN_AXIS(2), .end_axis = TARN_AXIS(3));
}

/* Sums over the group and its rows: xT y. */
static tarn_array *over_rows(tarn_array *x, tarn_array *y) {
    return tarn_matmul(tarn_swapaxes(join_group(x), -1, -2), join_group(y));
}

static tarn_array *score_gradient(const attention_parts *p, tarn_array *g) {
    tarn_array *weighted = tarn_multiply(p->weights, tarn_matmul(g, tarn_swapaxes(p->v, -1, -2)));
    tarn_array *sum = tarn_sum(weighted, .axes = TARN_AXES(-1), .keepdims = true);
    tarn_array *gradient = tarn_subtract(weighted, tarn_multiply(p->weights, sum));
    return tarn_where(tarn_equal(p->scores, attention_lowest(p->scores)), tarn_scalar_like(0, gradient), gradient);
}

static bool formula(const node *n, tarn_array *const *in, tarn_array **outputs) {
    attributes_attention a = attention_of_gradient(n->attributes);
    tarn_array *const *parts = in + 1;
    attention_parts p;
    if (!attention_parts_of(&a, parts, n->input_count - 1, &p)) return false;
    int64_t kv_heads = parts[K]->shape[1], group = parts[Q]->shape[1] / kv_heads;
    tarn_array *g = tarn_unflatten(formula_widen(in[0]), 1, TARN_SHAPE(kv_heads, group));
    tarn_array *d = g ? score_gradient(&p, g) : NULL;
    if (!d) return false;
    tarn_array *q = tarn_multiply(tarn_matmul(d, p.k), tarn_scalar_like(attention_scale(&a, parts[Q]->shape[3]), d));
    outputs[Q] = tarn_flatten(q, .start_axis = TARN_AXIS(1), .end_axis = TARN_AXIS(2));
    outputs[K] = over_rows(d, p.q);
    outputs[V] = over_rows(p.weights, g);
    for (int i = 0; i < 3; i++) outputs[i] = formula_narrow(outputs[i], in[0]->dtype);
    return tarn_ok();
}

/* Gradients of masks and sinks come from attention's formula. */
bool vjp_attention(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    const attributes_attention *a = n->attributes;
    attributes_attention_gradient own = {.scale = a->scale, .causal = a->causal, .window = a->window};
    tarn_array *inputs[1 + INPUTS] = {cotangents[0]};
    for (int i = 0; i < n->input_count; i++) {
        if (i > V && wanted[i]) return false;
        inputs[1 + i] = n->inputs[i];
    }
    node *made = build_node(OP_attention_gradient, inputs, 1 + n->input_count, &own);
    for (int i = 0; made && i < 3; i++) gradients[i] = &made->outputs[i];
    return made != NULL;
}

const op_rules rules_attention_gradient = {.infer = infer, .formula = formula, .vmap = vmap_attention_gradient};
