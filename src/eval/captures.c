/* What a traced function need not compute at each call. An array that somebody holds, by a keep or a scope, outlives
   the trace: its value is worth having, and a plan that has it does not compute it. What only the graph holds was made
   within the function and stays part of the plan, but for small arrays that depend on no argument. */
#include "base/memory.h"
#include "core/lock.h"
#include "core/scope.h"
#include "eval/compiled.h"
#include "ops/graph.h"

enum { MOST_ELEMENTS = 64 }; /* of an array that a plan keeps although nobody else does */

typedef struct {
    graph graph;
    bool *constant;             /* by slot */
    VECTOR(tarn_array *) found; /* to be computed; their nodes are retained */
} search;

static bool note(search *s, tarn_array *a) {
    if (!vector_push(&s->found, a)) return false;
    node_retain(a->node);
    return true;
}

/* Whether n gives the same at every call: what is made of arguments, or has an effect, does not. */
static bool is_constant(const search *s, const node *n) {
    bool constant = !atomic_load(&n->traced) && !op_has_flag(n->op, OP_LEAF) && !op_has_flag(n->op, OP_EFFECT);
    for (int i = 0; i < n->input_count && constant; i++)
        constant = !n->inputs[i] || s->constant[graph_slot(&s->graph, n->inputs[i])];
    return constant;
}

/* What is read by something that changes is wanted as a value; what only other constants read is not. */
static bool note_constants_of(search *s, const node *n) {
    for (int i = 0; i < n->input_count; i++) {
        tarn_array *a = n->inputs[i];
        int64_t slot = a && !a->buffer ? graph_slot(&s->graph, a) : -1;
        if (slot < 0 || !s->constant[slot] || array_size(a) > MOST_ELEMENTS) continue;
        s->constant[slot] = false; /* noted once */
        if (!note(s, a)) return false;
    }
    return true;
}

static bool visit(search *s, const graph_step *part) {
    if (part->captured) {
        s->constant[part->first] = part->captured->buffer != NULL;
        return part->captured->buffer || note(s, part->captured);
    }
    bool constant = is_constant(s, part->node);
    for (int i = 0; i < part->node->output_count; i++) s->constant[part->first + (size_t)i] = constant;
    return constant || note_constants_of(s, part->node);
}

/* Under the schedule lock. */
static bool find(search *s, const traced_function *t) {
    if (!graph_make_whole(&s->graph, t->inputs, t->input_count, t->outputs, t->output_count, NULL)) return false;
    s->constant = NEW_ARRAY(bool, s->graph.slot_count);
    bool ok = s->constant != NULL;
    for (size_t i = 0; i < s->graph.steps.count && ok; i++) ok = visit(s, &s->graph.steps.items[i]);
    return ok;
}

bool captures_compute(const traced_function *t) {
    search s = {0};
    schedule_lock();
    bool ok = find(&s, t);
    schedule_unlock();
    ok = ok && (s.found.count == 0 || tarn_async_eval_all(s.found.items, (int)s.found.count));
    for (size_t i = 0; i < s.found.count; i++) node_release(s.found.items[i]->node);
    vector_free(&s.found);
    memory_free(s.constant);
    graph_free(&s.graph);
    return ok;
}
