/* What a traced function captured. An array that somebody holds, by a keep or a scope, outlives the trace: its value
   is worth having, and a plan that has it need not compute it at each call. What only the graph holds was made within
   the function and stays part of the plan. */
#include "core/lock.h"
#include "core/scope.h"
#include "eval/compiled.h"
#include "tarn/array.h"

typedef struct {
    uint64_t epoch;
    VECTOR(node *) stack;
    VECTOR(tarn_array *) found; /* their nodes are retained */
} search;

static bool note_captured(search *s, tarn_array *a) {
    if (a->epoch == s->epoch) return true;
    a->epoch = s->epoch;
    if (!vector_push(&s->found, a)) return false;
    node_retain(a->node);
    return true;
}

static bool visit(search *s, tarn_array *a) {
    if (!a || a->buffer || a->node->op == OP_argument) return true;
    if (array_is_captured(a)) return note_captured(s, a);
    if (a->node->epoch == s->epoch) return true;
    a->node->epoch = s->epoch;
    return vector_push(&s->stack, a->node);
}

/* Under the schedule lock. */
static bool find_captured(search *s, tarn_array *const *outputs, int count) {
    bool ok = true;
    s->epoch = schedule_new_epoch();
    for (int i = 0; i < count && ok; i++) ok = visit(s, outputs[i]);
    while (ok && s->stack.count) {
        const node *n = vector_pop(&s->stack);
        for (int i = 0; i < n->input_count && ok; i++) ok = visit(s, n->inputs[i]);
    }
    return ok;
}

bool captures_compute(tarn_array *const *outputs, int count) {
    search s = {0};
    schedule_lock();
    bool ok = find_captured(&s, outputs, count);
    schedule_unlock();
    ok = ok && (s.found.count == 0 || tarn_async_eval_all(s.found.items, (int)s.found.count));
    for (size_t i = 0; i < s.found.count; i++) node_release(s.found.items[i]->node);
    vector_free(&s.stack);
    vector_free(&s.found);
    return ok;
}
