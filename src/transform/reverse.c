/* Gradients of nodes, and the reverse pass that carries them through a graph. */
#include <string.h>

#include "base/memory.h"
#include "transform/transform.h"

bool gradient_passes(const node *n, int i) {
    const op_rules *r = rules_of(n->op);
    return !r->passes || r->passes(n, i);
}

bool gradient_add(tarn_array **sum, tarn_array *g) {
    if (g) *sum = *sum ? tarn_add(*sum, g) : g;
    return tarn_ok();
}

tarn_array *gradient_for(tarn_array *g, tarn_array *a) {
    if (!g) return NULL;
    if (!array_same_shape(g, a)) g = tarn_sum_like(g, a);
    if (!g || !is_inexact(a->dtype) || g->dtype == a->dtype) return g;
    if (g->dtype == TARN_COMPLEX64) g = tarn_real(g);
    return tarn_astype(g, a->dtype);
}

static bool elementwise_gradients(node *n, tarn_array *g, const bool *wanted, tarn_array **gradients) {
    for (int i = 0; i < n->input_count && tarn_ok(); i++)
        if (wanted[i]) gradients[i] = elementwise_vjp(n, i, g);
    return tarn_ok();
}

static bool formula_gradients(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    tarn_array **sources = NEW_ARRAY(tarn_array *, n->input_count);
    formula_graph f;
    if (!sources) return false;
    for (int i = 0; i < n->input_count; i++) sources[i] = wanted[i] ? n->inputs[i] : NULL;
    bool ok = formula_begin(&f, n, n->inputs, sources, gradient_passes);
    memory_free(sources);
    if (!ok) return false;
    for (int k = 0; k < n->output_count && ok; k++) {
        int64_t slot = graph_slot(&f.graph, f.outputs[k]);
        if (slot >= 0 && cotangents[k]) ok = gradient_add(&f.slots[slot], cotangents[k]);
    }
    ok = ok && reverse_pass(&f.graph, f.slots);
    for (int i = 0; i < n->input_count && ok; i++) gradients[i] = f.slots[i];
    formula_end(&f);
    return ok;
}

static bool raw_gradients(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    const op_rules *r = rules_of(n->op);
    if (op_is_elementwise(n->op)) return elementwise_gradients(n, cotangents[0], wanted, gradients);
    if (r->vjp && r->vjp(n, cotangents, wanted, gradients)) return true;
    if (!tarn_ok()) return false;
    if (r->formula) return formula_gradients(n, cotangents, wanted, gradients);
    return tarn_fail("%s has no gradient: %s", op_name(n->op), r->no_vjp ? r->no_vjp : "it has no rule");
}

bool node_vjp(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    tarn_stream *before = tarn_use_stream(n->stream);
    bool ok = raw_gradients(n, cotangents, wanted, gradients) && tarn_ok();
    for (int i = 0; i < n->input_count && ok; i++)
        gradients[i] = wanted[i] ? gradient_for(gradients[i], n->inputs[i]) : NULL;
    tarn_use_stream(before);
    return ok && tarn_ok();
}

/* Room for the widest node of a graph. */
typedef struct {
    bool *wanted;
    tarn_array **gradients;
} room;

static bool room_for(const graph *g, room *r) {
    int most = 1;
    for (size_t s = 0; s < g->steps.count; s++)
        if (g->steps.items[s].node->input_count > most) most = g->steps.items[s].node->input_count;
    r->wanted = NEW_ARRAY(bool, most);
    r->gradients = NEW_ARRAY(tarn_array *, most);
    return r->wanted && r->gradients;
}

static bool step_back(const graph *g, const graph_step *step, room *r, tarn_array **cotangents) {
    node *n = step->node;
    bool reached = false;
    for (int k = 0; k < n->output_count; k++) reached = reached || cotangents[step->first + (size_t)k];
    if (!reached) return true;
    for (int i = 0; i < n->input_count; i++) {
        r->wanted[i] = graph_slot(g, n->inputs[i]) >= 0 && gradient_passes(n, i);
        r->gradients[i] = NULL;
    }
    if (!node_vjp(n, cotangents + step->first, r->wanted, r->gradients)) return false;
    for (int i = 0; i < n->input_count; i++)
        if (r->gradients[i] && !gradient_add(&cotangents[graph_slot(g, n->inputs[i])], r->gradients[i])) return false;
    return true;
}

bool reverse_pass(const graph *g, tarn_array **cotangents) {
    room r = {NULL, NULL};
    bool ok = room_for(g, &r);
    for (size_t s = g->steps.count; s > 0 && ok; s--) ok = step_back(g, &g->steps.items[s - 1], &r, cotangents);
    memory_free(r.wanted);
    memory_free(r.gradients);
    return ok;
}
