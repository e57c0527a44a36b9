/* What would go if one hold on an array were given up: nodes all of whose references come from such nodes, without
   recursion and without memory, so that the answer is the same as long as the graph is. */
#include "core/contexts.h"

#include "core/array.h"
#include "core/lock.h"
#include "core/quarantine.h"

struct context_visit {
    uint64_t epoch;
    tarn_context_visitor visit;
    void *argument;
    int answer;
    node
        *first; /* nodes that would go and whose references have not been followed yet: a list like that of dead ones */
};

bool context_is_alone(context_count *seen, int references, const context_visit *v) {
    if (seen->epoch != v->epoch) *seen = (context_count){.epoch = v->epoch};
    return ++seen->count == references;
}

void context_found(context_visit *v, void *context, void (*release)(void *context)) {
    if (v->answer == 0) v->answer = v->visit(context, release, v->argument);
}

/* References are counted at the node's first output. */
static void follow(context_visit *v, node *n) {
    tarn_array *first = &n->outputs[0];
    if (first->epoch != v->epoch) first->note = 0;
    first->epoch = v->epoch;
    if (++first->note != node_references(n)) return;
    n->next_dead = v->first;
    v->first = n;
}

static void follow_objects(context_visit *v, const node *n) {
    int count;
    const attribute_fact *facts = op_attributes(n->op, &count);
    for (int i = 0; i < count && n->attributes; i++) {
        const attribute_object *o = (const void *)((const char *)n->attributes + facts[i].offset);
        if (facts[i].type == ATTRIBUTE_OBJECT && o->object && o->type->visit) o->type->visit(o->object, v);
    }
}

static void follow_values(context_visit *v, const node *n) {
    for (int i = 0; i < n->output_count; i++) {
        const buffer *b = n->outputs[i].buffer;
        if (b && b->release && atomic_load(&b->references) == 1) context_found(v, b->context, b->release);
    }
}

int tarn_visit_contexts(tarn_array *a, tarn_context_visitor visit, void *argument) {
    if (!a || !visit || !array_check_alive("visit_contexts", a)) return 0;
    schedule_lock();
    context_visit v = {.epoch = schedule_new_epoch(), .visit = visit, .argument = argument};
    follow(&v, a->node);
    while (v.first) {
        node *n = v.first;
        v.first = n->next_dead;
        n->epoch = 0;
        for (int i = 0; i < n->input_count; i++)
            if (n->inputs[i]) follow(&v, n->inputs[i]->node);
        follow_objects(&v, n);
        follow_values(&v, n);
    }
    schedule_unlock();
    return v.answer;
}
