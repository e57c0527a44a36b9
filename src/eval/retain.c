/* Decides whose memory may be taken and who has a value afterwards.

   Held strongly (a keep, a reader outside the schedule, a root): has a value afterwards. Held by a scope or a trace
   only, or read by a node that is being traced: its memory is released, unless that happened before, or computing it
   again would need memory that this schedule may take. Held by nobody: released. What an op with an effect gave always
   stays: it is never computed again.

   Memory of a few bytes is not worth taking: the graph holds on to it, and what was computed from a number that is
   given up need not stay for its sake. */
#include "eval/schedule.h"

enum { FEW_BYTES = 64 };

static bool is_candidate(const entry *e) {
    const tarn_array *a = e->a;
    if (array_bytes(a) <= FEW_BYTES) return false;
    bool held = atomic_load(&a->keeps) || atomic_load(&a->scopes) || array_readers(a) > e->readers ||
                atomic_load(&a->node->traced);
    return e->external && a->buffer && !e->root && !e->needed_again && !held && !a->buffer->foreign &&
           atomic_load(&a->buffer->references) == 1;
}

/* A node that lowering left out is not in the order: what it needs has a reader outside the schedule and is not taken.
 */
static bool is_tainted(const schedule *s, const node *n) {
    return n->epoch == s->epoch && n->place < (int)s->tainted.count && s->order.items[n->place] == n &&
           s->tainted.items[n->place];
}

/* Whether n could not be computed again once this schedule has run: it reads memory that the schedule may take, or what
   would have to be computed again from such. Nodes come in order, so what n reads has been decided. */
static bool reads_taken_memory(const schedule *s, const node *n) {
    for (int i = 0; i < n->input_count; i++) {
        if (!n->inputs[i]) continue;
        const entry *e = &s->entries.items[n->inputs[i]->note];
        if (e->external ? e->candidate : !e->retained && is_tainted(s, n->inputs[i]->node)) return true;
    }
    return false;
}

static bool is_held_strongly(const entry *e) {
    return e->root || atomic_load(&e->a->keeps) || array_readers(e->a) > e->readers;
}

static bool is_held_weakly(const entry *e) {
    return atomic_load(&e->a->scopes) || atomic_load(&e->a->node->traced) || e->needed_again;
}

bool schedule_retain(schedule *s) {
    if (s->options.plan) {
        for (size_t i = 0; i < s->entries.count; i++) s->entries.items[i].retained = s->entries.items[i].root;
        return true;
    }
    for (size_t i = 0; i < s->entries.count; i++) s->entries.items[i].candidate = is_candidate(&s->entries.items[i]);
    for (size_t i = 0; i < s->order.count; i++) {
        node *n = s->order.items[i];
        n->place = (int)i;
        unsigned char tainted = reads_taken_memory(s, n);
        bool effect = op_has_flag(n->op, OP_EFFECT);
        if (!vector_push(&s->tainted, tainted)) return false;
        for (int k = 0; k < n->output_count; k++) {
            entry *e = &s->entries.items[n->outputs[k].note];
            bool again = e->a->was_computed; /* once it was released in vain: not twice */
            e->retained = !e->external && (effect || is_held_strongly(e) || ((tainted || again) && is_held_weakly(e)));
            /* An output that is held but not wanted yet stays uncomputed if it can be computed later. */
            if (e->retained && !effect && !e->root && !tainted && e->unit >= 0 && e->readers == 0 &&
                n->output_count > 1)
                e->retained = false;
        }
    }
    return true;
}
