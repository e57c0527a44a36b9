/* Tangents of nodes, and the forward pass that carries them through a graph. The tangent of an op without a rule of its
   own is its gradient applied twice: the gradient is linear in the cotangent, and the gradient of that linear map is
   the map of the tangents. */
#include "base/memory.h"
#include "transform/transform.h"

/* The dtype of a tangent of a: its own, or, for an integer, that of the tangents that came in. */
static tarn_dtype tangent_dtype(const tarn_array *a, tarn_array *const *tangents, int count) {
    if (is_inexact(a->dtype)) return a->dtype;
    for (int i = 0; i < count; i++)
        if (tangents[i]) return tangents[i]->dtype == TARN_COMPLEX64 ? TARN_FLOAT32 : tangents[i]->dtype;
    return TARN_FLOAT32;
}

/* The Jacobian of a real elementwise op is diagonal: its gradient is its tangent. */
static bool diagonal_jvp(node *n, tarn_array *const *tangents, tarn_array **output_tangents) {
    tarn_array *sum = NULL, *out = &n->outputs[0];
    for (int i = 0; i < n->input_count && tarn_ok(); i++)
        if (tangents[i] && gradient_passes(n, i)) gradient_add(&sum, elementwise_vjp(n, i, tangents[i]));
    if (!tarn_ok() || !sum) return tarn_ok();
    if (!array_same_shape(sum, out)) sum = tarn_broadcast_like(sum, out);
    tarn_dtype dtype = tangent_dtype(out, tangents, n->input_count);
    output_tangents[0] = sum && sum->dtype != dtype ? tarn_astype(sum, dtype) : sum;
    return tarn_ok();
}

static bool is_real_elementwise(const node *n) {
    bool real = op_is_elementwise(n->op) && n->outputs[0].dtype != TARN_COMPLEX64;
    for (int i = 0; i < n->input_count && real; i++) real = n->inputs[i]->dtype != TARN_COMPLEX64;
    return real;
}

static bool formula_jvp(node *n, tarn_array *const *tangents, tarn_array **output_tangents) {
    tarn_array **sources = NEW_ARRAY(tarn_array *, n->input_count);
    formula_graph f;
    if (!sources) return false;
    for (int i = 0; i < n->input_count; i++) sources[i] = tangents[i] ? n->inputs[i] : NULL;
    bool ok = formula_begin(&f, n, n->inputs, sources, gradient_passes);
    memory_free(sources);
    if (!ok) return false;
    /* The same array may be several inputs; it has one slot then, and one tangent. */
    for (int i = 0; i < n->input_count; i++) f.slots[i] = tangents[i];
    ok = forward_pass(&f.graph, f.slots);
    for (int k = 0; k < n->output_count && ok; k++) {
        int64_t slot = graph_slot(&f.graph, f.outputs[k]);
        output_tangents[k] = slot >= 0 ? f.slots[slot] : NULL;
    }
    formula_end(&f);
    return ok;
}

/* ---- the gradient applied twice */

typedef struct {
    trace *trace;
    graph graph;
    tarn_array **cotangents; /* aliases of the outputs, of which only the shape matters: it is right in a replay, too */
    tarn_array **gradients;
    bool *wanted;
    tarn_array **slots;
} twice;

static bool twice_first(twice *t, node *n, tarn_array *const *tangents) {
    t->cotangents = NEW_ARRAY(tarn_array *, n->output_count);
    t->gradients = NEW_ARRAY(tarn_array *, n->input_count);
    t->wanted = NEW_ARRAY(bool, n->input_count);
    t->trace = t->cotangents && t->gradients && t->wanted ? trace_begin() : NULL;
    if (!t->trace) return false;
    for (int k = 0; k < n->output_count; k++) {
        tarn_array *out = &n->outputs[k];
        t->cotangents[k] = trace_alias(tarn_astype(out, tangent_dtype(out, tangents, n->input_count)));
        if (!t->cotangents[k] || !trace_mark(t->trace, t->cotangents[k])) return false;
    }
    for (int i = 0; i < n->input_count; i++) t->wanted[i] = tangents[i] != NULL;
    return node_vjp(n, t->cotangents, t->wanted, t->gradients);
}

static bool twice_second(twice *t, node *n, tarn_array *const *tangents) {
    if (!graph_make(&t->graph, t->cotangents, n->output_count, t->gradients, n->input_count, gradient_passes))
        return false;
    t->slots = NEW_ARRAY(tarn_array *, t->graph.slot_count);
    if (!t->slots) return false;
    for (int i = 0; i < n->input_count; i++) {
        int64_t slot = graph_slot(&t->graph, t->gradients[i]);
        if (slot >= 0 && !gradient_add(&t->slots[slot], gradient_for(tangents[i], t->gradients[i]))) return false;
    }
    return reverse_pass(&t->graph, t->slots);
}

static bool twice_jvp(node *n, tarn_array *const *tangents, tarn_array **output_tangents) {
    twice t = {0};
    bool ok = twice_first(&t, n, tangents) && twice_second(&t, n, tangents);
    for (int k = 0; k < n->output_count && ok; k++) output_tangents[k] = t.slots[k];
    trace_end(t.trace);
    graph_free(&t.graph);
    memory_free(t.cotangents);
    memory_free(t.gradients);
    memory_free(t.wanted);
    memory_free(t.slots);
    return ok;
}

/* Tangents of n's outputs; at least one of the tangents is there. */
static bool node_jvp(node *n, tarn_array *const *tangents, tarn_array **output_tangents) {
    const op_rules *r = rules_of(n->op);
    tarn_stream *before = tarn_use_stream(n->stream);
    bool ok = is_real_elementwise(n)                      ? diagonal_jvp(n, tangents, output_tangents)
              : r->jvp                                    ? r->jvp(n, tangents, output_tangents)
              : (r->formula && !op_is_elementwise(n->op)) ? formula_jvp(n, tangents, output_tangents)
                                                          : twice_jvp(n, tangents, output_tangents);
    tarn_use_stream(before);
    return ok && tarn_ok();
}

static bool step_forward(const graph *g, const graph_step *step, tarn_array **tangents) {
    node *n = step->node;
    tarn_array **inputs = NEW_ARRAY(tarn_array *, n->input_count);
    if (!inputs) return false;
    bool reached = false;
    for (int i = 0; i < n->input_count; i++) {
        int64_t slot = gradient_passes(n, i) ? graph_slot(g, n->inputs[i]) : -1;
        inputs[i] = slot >= 0 ? tangents[slot] : NULL;
        reached = reached || inputs[i];
    }
    bool ok = !reached || node_jvp(n, inputs, tangents + step->first);
    memory_free(inputs);
    return ok;
}

bool forward_pass(const graph *g, tarn_array **tangents) {
    for (size_t s = 0; s < g->steps.count; s++)
        if (!step_forward(g, &g->steps.items[s], tangents)) return false;
    return true;
}
