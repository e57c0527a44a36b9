/* Recording what a trace built, and building it again. */
#include "ops/recording.h"

#include <string.h>

#include "base/memory.h"
#include "core/lock.h"
#include "ops/graph.h"

array_type array_type_of(const tarn_array *a) {
    array_type type = {.dtype = a->dtype, .ndim = a->ndim};
    memcpy(type.shape, a->shape, sizeof type.shape);
    return type;
}

/* ---- making one */

typedef struct {
    recording *r;
    const char *what;
    const graph *graph;
    int64_t *values; /* by slot of the graph */
} recorder;

/* The inputs of a custom node that are its outputs. */
static bool is_passed_on(const node *n, int i) {
    const attributes_custom *a = n->attributes;
    return i >= a->arguments && i - a->arguments < n->output_count;
}

static bool connects(const node *n, int i) {
    return n->op != OP_custom || is_passed_on(n, i);
}

static int64_t value_of(const recorder *m, const tarn_array *a) {
    int64_t slot = graph_slot(m->graph, a);
    return slot < 0 ? -1 : m->values[slot];
}

static bool record_captured(recorder *m) {
    for (size_t s = 0; s < m->graph->steps.count; s++) {
        const graph_step *step = &m->graph->steps.items[s];
        if (!step->captured) continue;
        if (!vector_push(&m->r->captured, step->captured)) return false;
        array_begin_reading(step->captured);
        m->values[step->first] = m->r->value_count++;
    }
    return true;
}

static void record_custom(recorder *m, const node *n, size_t first) {
    const attributes_custom *a = n->attributes;
    for (int i = 0; i < n->output_count; i++) m->values[first + (size_t)i] = value_of(m, n->inputs[a->arguments + i]);
}

static bool record_inputs(recorder *m, const node *n) {
    for (int i = 0; i < n->input_count; i++)
        if (!vector_push(&m->r->inputs, value_of(m, n->inputs[i]))) return false;
    return true;
}

static bool record_step(recorder *m, node *n, size_t first) {
    recording *r = m->r;
    recorded_step step = {.op = n->op,
                          .stream = n->stream,
                          .input_count = n->input_count,
                          .output_count = n->output_count,
                          .first_input = r->inputs.count};
    bool ok = vector_reserve(&r->steps, 1) && record_inputs(m, n);
    if (ok) step.attributes = attributes_copy(n->op, n->attributes, &ok);
    if (!ok) return false;
    r->steps.items[r->steps.count++] = step;
    for (int i = 0; i < n->output_count; i++) m->values[first + (size_t)i] = r->value_count++;
    return true;
}

static bool fail_leaf(const recorder *m, const node *n) {
    if (n->op == OP_argument)
        return fail_shapes(&n->outputs[0], NULL, NULL,
                           "%s: the function reads an array of a function that is being traced around it", m->what);
    return fail_shapes(&n->outputs[0], NULL, NULL, "%s: the memory of a captured array was given away", m->what);
}

static bool record_steps(recorder *m) {
    for (size_t s = 0; s < m->graph->steps.count; s++) {
        const graph_step *step = &m->graph->steps.items[s];
        node *n = step->node;
        if (!n) continue;
        if (op_has_flag(n->op, OP_LEAF)) return fail_leaf(m, n);
        if (n->op == OP_custom)
            record_custom(m, n, step->first);
        else if (!record_step(m, n, step->first))
            return false;
    }
    return true;
}

static bool record_inputs_and_outputs(recorder *m, const traced_function *t) {
    recording *r = m->r;
    for (int i = 0; i < t->output_count; i++)
        if (!vector_push(&r->outputs, value_of(m, t->outputs[i])) ||
            !vector_push(&r->output_types, array_type_of(t->outputs[i])))
            return false;
    for (int i = 0; i < t->input_count; i++)
        if (!vector_push(&r->input_types, array_type_of(t->inputs[i]))) return false;
    return true;
}

static bool record(recorder *m, const traced_function *t) {
    m->values = NEW_ARRAY(int64_t, m->graph->slot_count);
    if (!m->values) return false;
    m->r->value_count = t->input_count;
    for (int i = 0; i < t->input_count; i++) m->values[i] = i;
    return record_captured(m) && record_steps(m) && record_inputs_and_outputs(m, t);
}

bool recording_make(recording *r, const char *what, const traced_function *t) {
    graph g;
    recorder m = {.r = r, .what = what, .graph = &g};
    *r = (recording){0};
    schedule_lock(); /* nothing gets or loses a value, and no node forgets its inputs, meanwhile */
    bool ok = graph_make_whole(&g, t->inputs, t->input_count, t->outputs, t->output_count, connects) && record(&m, t);
    schedule_unlock();
    memory_free(m.values);
    graph_free(&g);
    return ok;
}

void recording_free(recording *r) {
    for (size_t i = 0; i < r->captured.count; i++) array_end_reading(r->captured.items[i]);
    for (size_t i = 0; i < r->steps.count; i++) attributes_free(r->steps.items[i].op, r->steps.items[i].attributes);
    vector_free(&r->input_types);
    vector_free(&r->captured);
    vector_free(&r->steps);
    vector_free(&r->inputs);
    vector_free(&r->outputs);
    vector_free(&r->output_types);
    *r = (recording){0};
}

/* ---- building it again */

static bool replay_step(const recording *r, const recorded_step *step, tarn_array **values, int64_t *next) {
    tarn_array **inputs = NEW_ARRAY(tarn_array *, step->input_count);
    if (!inputs) return false;
    for (int i = 0; i < step->input_count; i++) {
        int64_t value = r->inputs.items[step->first_input + (size_t)i];
        inputs[i] = value < 0 ? NULL : values[value];
    }
    tarn_stream *before = step->stream ? tarn_use_stream(step->stream) : NULL;
    node *made = build_node(step->op, inputs, step->input_count, step->attributes);
    if (step->stream) tarn_use_stream(before);
    memory_free(inputs);
    if (made && made->output_count != step->output_count)
        return tarn_fail("%s: %d outputs, where %d were recorded", op_name(step->op), made->output_count,
                         step->output_count);
    for (int i = 0; made && i < step->output_count; i++) values[(*next)++] = &made->outputs[i];
    return made != NULL;
}

static bool replay(const recording *r, tarn_array *const *inputs, tarn_array **values, tarn_results *results) {
    int64_t next = 0;
    for (size_t i = 0; i < r->input_types.count; i++) values[next++] = inputs[i];
    for (size_t i = 0; i < r->captured.count; i++) values[next++] = r->captured.items[i];
    for (size_t i = 0; i < r->steps.count; i++)
        if (!replay_step(r, &r->steps.items[i], values, &next)) return false;
    for (size_t i = 0; i < r->outputs.count; i++)
        if (!tarn_result(results, values[r->outputs.items[i]])) return false;
    return true;
}

bool recording_call(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const recording *r = context;
    if (count < 0 || (size_t)count != r->input_types.count)
        return tarn_fail("a recorded function: %d inputs, %zu were recorded", count, r->input_types.count);
    tarn_array **values = NEW_ARRAY(tarn_array *, r->value_count);
    bool ok = values && replay(r, inputs, values, results);
    memory_free(values);
    return ok;
}
