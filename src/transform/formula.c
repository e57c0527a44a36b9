/* Fused ops without a rule of their own: the formula is built beside the node and the transform goes through it. */
#include "base/memory.h"
#include "transform/transform.h"

static bool mark_sources(trace *t, tarn_array *const *sources, int count) {
    for (int i = 0; i < count; i++)
        if (sources[i] && !trace_mark(t, sources[i])) return false;
    return true;
}

bool formula_begin(formula_graph *f, node *n, tarn_array *const *inputs, tarn_array *const *sources,
                   graph_connects connects) {
    *f = (formula_graph){.outputs = NEW_ARRAY(tarn_array *, n->output_count)};
    f->trace = f->outputs ? trace_begin() : NULL;
    bool ok =
        f->trace && mark_sources(f->trace, sources, n->input_count) && rules_of(n->op)->formula(n, inputs, f->outputs);
    ok = ok && graph_make(&f->graph, sources, n->input_count, f->outputs, n->output_count, connects);
    f->slots = ok ? NEW_ARRAY(tarn_array *, f->graph.slot_count) : NULL;
    if (f->slots) return true;
    formula_end(f);
    return false;
}

void formula_end(formula_graph *f) {
    trace_end(f->trace);
    graph_free(&f->graph);
    memory_free(f->outputs);
    memory_free(f->slots);
    *f = (formula_graph){0};
}
