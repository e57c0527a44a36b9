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

/* The next number is that of a, in this slot. */
static bool number(recorder *m, size_t slot, const tarn_array *a) {
    m->values[slot] = (int64_t)m->r->types.count;
    return vector_push(&m->r->types, array_type_of(a));
}

static bool record_captured(recorder *m) {
    for (size_t s = 0; s < m->graph->steps.count; s++) {
        const graph_step *step = &m->graph->steps.items[s];
        if (!step->captured) continue;
        if (!vector_push(&m->r->captured, step->captured)) return false;
        array_begin_reading(step->captured);
        if (!number(m, step->first, step->captured)) return false;
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
    if (op_has_flag(n->op, OP_EFFECT) && !vector_push(&r->effects, n->sequence)) return false;
    for (int i = 0; ok && i < n->output_count; i++) ok = number(m, first + (size_t)i, &n->outputs[i]);
    return ok;
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

static bool record(recorder *m, const traced_function *t) {
    m->values = NEW_ARRAY(int64_t, m->graph->slot_count);
    bool ok = m->values != NULL;
    m->r->input_count = t->input_count;
    for (int i = 0; ok && i < t->input_count; i++) ok = number(m, (size_t)i, t->inputs[i]);
    ok = ok && record_captured(m) && record_steps(m);
    for (int i = 0; ok && i < t->output_count; i++) ok = vector_push(&m->r->outputs, value_of(m, t->outputs[i]));
    return ok;
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
    vector_free(&r->captured);
    vector_free(&r->steps);
    vector_free(&r->inputs);
    vector_free(&r->outputs);
    vector_free(&r->effects);
    vector_free(&r->types);
    *r = (recording){0};
}

/* ---- building it again */

typedef VECTOR(tarn_array *) value_list;

static node *build_step(const recording *r, const recorded_step *step, const value_list *values) {
    tarn_array **inputs = NEW_ARRAY(tarn_array *, step->input_count);
    for (int i = 0; inputs && i < step->input_count; i++) {
        int64_t from = r->inputs.items[step->first_input + (size_t)i];
        inputs[i] = from < 0 ? NULL : values->items[from];
    }
    tarn_stream *before = step->stream ? tarn_use_stream(step->stream) : NULL;
    node *made = inputs ? build_node(step->op, inputs, step->input_count, step->attributes) : NULL;
    if (step->stream) tarn_use_stream(before);
    memory_free(inputs);
    return made;
}

static bool replay_step(const recording *r, const recorded_step *step, value_list *values) {
    node *made = build_step(r, step, values);
    if (!made) return false;
    if (made->output_count != step->output_count)
        return tarn_fail("%s: %d outputs, where %d were recorded", op_name(step->op), made->output_count,
                         step->output_count);
    for (int i = 0; i < made->output_count; i++)
        if (!vector_push(values, &made->outputs[i])) return false;
    return true;
}

static size_t rank_of(const recording *r, size_t effect) {
    size_t rank = 0;
    for (size_t i = 0; i < r->effects.count; i++) rank += r->effects.items[i] < r->effects.items[effect];
    return rank;
}

/* Effects come in the order in which the function said them, not in that of the steps. */
static bool order_effects(const recording *r, const value_list *values) {
    VECTOR(node *) made = {0};
    VECTOR(uint64_t) drawn = {0};
    size_t at = (size_t)r->input_count + r->captured.count;
    bool ok = true;
    for (size_t i = 0; i < r->steps.count && ok; at += (size_t)r->steps.items[i++].output_count) {
        if (!op_has_flag(r->steps.items[i].op, OP_EFFECT)) continue;
        node *n = values->items[at]->node;
        ok = vector_push(&made, n) && vector_push(&drawn, n->sequence);
    }
    for (size_t i = 0; i < r->effects.count && ok; i++) made.items[i]->sequence = drawn.items[rank_of(r, i)];
    vector_free(&made);
    vector_free(&drawn);
    return ok;
}

static bool replay(const recording *r, tarn_array *const *inputs, value_list *values) {
    bool ok = vector_reserve(values, r->types.count);
    for (int i = 0; ok && i < r->input_count; i++) ok = vector_push(values, inputs[i]);
    for (size_t i = 0; ok && i < r->captured.count; i++) ok = vector_push(values, r->captured.items[i]);
    for (size_t i = 0; ok && i < r->steps.count; i++) ok = replay_step(r, &r->steps.items[i], values);
    return ok && (r->effects.count == 0 || order_effects(r, values));
}

bool recording_call(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const recording *r = context;
    if (count != r->input_count)
        return tarn_fail("a recorded function: %d inputs, where %d were recorded", count, r->input_count);
    value_list values = {0};
    bool ok = replay(r, inputs, &values);
    for (size_t i = 0; ok && i < r->outputs.count; i++) ok = tarn_result(results, values.items[r->outputs.items[i]]);
    vector_free(&values);
    return ok;
}

bool recording_infer(recording *r) {
    TARN_SCOPE;
    tarn_array **inputs = NEW_ARRAY(tarn_array *, r->input_count);
    value_list values = {0};
    bool ok = inputs != NULL;
    for (int i = 0; ok && i < r->input_count; i++) {
        const array_type *t = &r->types.items[i];
        inputs[i] = array_argument(i, (tarn_ints){t->shape, t->ndim}, t->dtype, stream_current());
        ok = inputs[i] != NULL;
    }
    ok = ok && replay(r, inputs, &values);
    for (size_t i = r->types.count; ok && i < values.count; i++)
        ok = vector_push(&r->types, array_type_of(values.items[i]));
    vector_free(&values);
    memory_free(inputs);
    return ok;
}
