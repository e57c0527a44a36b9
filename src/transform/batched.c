/* Nodes over a batch, and the pass that rebuilds a graph with them. */
#include "base/memory.h"
#include "ops/batch.h"
#include "transform/transform.h"

bool batch_passes(const node *n, int i) {
    const op_rules *r = rules_of(n->op);
    return !r->batch_passes || r->batch_passes(n, i);
}

static int batched_count(const node *n, const int *axes) {
    int count = 0;
    for (int i = 0; i < n->input_count; i++) count += axes[i] >= 0;
    return count;
}

/* The node itself with the batch among its leading axes; only if no weight is batched. */
static bool leading_vmap(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    tarn_array **list = memory_copy(inputs, (size_t)n->input_count * sizeof *inputs);
    if (!list) return false;
    list[0] = batch_front(inputs[0], axes[0]);
    node *made = list[0] ? build_again(n, list) : NULL;
    memory_free(list);
    return batch_results(made, 0, outputs, output_axes);
}

/* The formula over stand-ins for the examples, batched node by node. */
static bool stand_ins(node *n, tarn_array *const *inputs, const int *axes, tarn_array **examples,
                      tarn_array **sources) {
    for (int i = 0; i < n->input_count; i++) {
        examples[i] = axes[i] >= 0 ? trace_argument(i, n->inputs[i]) : inputs[i];
        sources[i] = axes[i] >= 0 ? examples[i] : NULL;
    }
    return tarn_ok();
}

static bool formula_pass(node *n, formula_graph *f, tarn_array *const *inputs, const int *axes, tarn_array **outputs,
                         int *output_axes) {
    int *slot_axes = NEW_ARRAY(int, f->graph.slot_count);
    if (!slot_axes) return false;
    for (int i = 0; i < n->input_count; i++) {
        f->slots[i] = inputs[i];
        slot_axes[i] = axes[i];
    }
    bool ok = batch_pass(&f->graph, f->slots, slot_axes);
    for (int k = 0; k < n->output_count && ok; k++) {
        int64_t slot = graph_slot(&f->graph, f->outputs[k]);
        outputs[k] = slot >= 0 ? f->slots[slot] : f->outputs[k];
        output_axes[k] = slot >= 0 ? slot_axes[slot] : -1;
    }
    memory_free(slot_axes);
    return ok;
}

static bool formula_vmap(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    tarn_array **examples = NEW_ARRAY(tarn_array *, n->input_count),
               **sources = NEW_ARRAY(tarn_array *, n->input_count);
    formula_graph f = {0};
    bool ok = examples && sources && stand_ins(n, inputs, axes, examples, sources) &&
              formula_begin(&f, n, examples, sources, NULL);
    if (ok) {
        ok = formula_pass(n, &f, inputs, axes, outputs, output_axes);
        formula_end(&f);
    }
    memory_free(examples);
    memory_free(sources);
    return ok;
}

static bool batched(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    const op_rules *r = rules_of(n->op);
    if (r->vmap && (r->vmap(n, inputs, axes, outputs, output_axes) || !tarn_ok())) return tarn_ok();
    if (op_has_flag(n->op, OP_LEADING) && axes[0] >= 0 && batched_count(n, axes) == 1)
        return leading_vmap(n, inputs, axes, outputs, output_axes);
    if (r->formula) return formula_vmap(n, inputs, axes, outputs, output_axes);
    return tarn_fail("vmap: %s cannot be batched: %s", op_name(n->op), r->no_vmap ? r->no_vmap : "it has no rule");
}

/* n over a batch, as op_rules.vmap. */
static bool node_vmap(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    tarn_stream *before = tarn_use_stream(n->stream);
    bool ok = batched(n, inputs, axes, outputs, output_axes);
    tarn_use_stream(before);
    return ok && tarn_ok();
}

static bool step_batched(const graph *g, const graph_step *step, tarn_array **values, int *axes) {
    node *n = step->node;
    tarn_array **inputs = NEW_ARRAY(tarn_array *, n->input_count);
    int *input_axes = NEW_ARRAY(int, n->input_count);
    bool ok = inputs && input_axes;
    for (int i = 0; i < n->input_count && ok; i++) {
        int64_t slot = graph_slot(g, n->inputs[i]);
        inputs[i] = slot >= 0 ? values[slot] : n->inputs[i];
        input_axes[i] = slot >= 0 ? axes[slot] : -1;
    }
    if (ok && batched_count(n, input_axes)) {
        ok = node_vmap(n, inputs, input_axes, values + step->first, axes + step->first);
    } else if (ok) { /* what it depends on turned out to be the same for all examples */
        node *again = build_again(n, inputs);
        ok = batch_results(again, -1, values + step->first, axes + step->first);
    }
    memory_free(inputs);
    memory_free(input_axes);
    return ok;
}

bool batch_pass(const graph *g, tarn_array **values, int *axes) {
    for (size_t s = 0; s < g->steps.count; s++)
        if (!step_batched(g, &g->steps.items[s], values, axes)) return false;
    return true;
}
