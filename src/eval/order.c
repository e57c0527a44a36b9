/* The order of units: depth first from what must be computed, so that a result is used soon after it is made. */
#include <stdlib.h>

#include "eval/schedule.h"

/* ---- memory that may be taken: who writes over it comes after all others that read it */

/* Whether entry e came in with memory that may be taken. */
static bool may_be_taken(const schedule *s, const entry *e) {
    if (e->argument >= 0) return s->options.donated && s->options.donated[e->argument];
    return e->candidate;
}

/* The entry whose memory a unit's input k lies in, if that may be taken; -1 if not, -2 past the last input. */
static int taken_input(schedule *s, const unit *u, int k) {
    int e = unit_input(s, u, k);
    while (e >= 0 && s->entries.items[e].unit >= 0) {
        const unit *view = &s->units.items[s->entries.items[e].unit];
        e = view->kind == UNIT_VIEW ? unit_input(s, view, 0) : -1;
    }
    return e >= 0 && !may_be_taken(s, &s->entries.items[e]) ? -1 : e;
}

/* Notes who reads what may be taken. */
static bool find_takers(schedule *s) {
    s->takers.count = 0;
    for (size_t i = 0; i < s->units.count; i++) {
        const unit *u = &s->units.items[i];
        if (u->kind == UNIT_VIEW || (u->kind == UNIT_GROUP && !u->count)) continue;
        for (int k = 0, e; (e = taken_input(s, u, k)) != -2; k++) {
            if (e < 0) continue;
            if (!vector_push(&s->takers, ((taker){(int)i, s->entries.items[e].taker}))) return false;
            s->entries.items[e].taker = (int)s->takers.count;
        }
    }
    return true;
}

/* ---- depth first */

static bool order_from(schedule *s, int start) {
    __typeof__(&s->order_stack) stack = &s->order_stack;
    order_frame first = {start, 0};
    bool ok = s->units.items[start].ordered || vector_push(stack, first);
    while (ok && stack->count) {
        order_frame *f = &stack->items[stack->count - 1];
        unit *u = &s->units.items[f->unit];
        int e = unit_input(s, u, f->next++);
        if (e == -2) {
            int done = f->unit;
            stack->count--;
            if (u->ordered) continue;
            u->ordered = true;
            ok = vector_push(&s->sequence, done);
        } else if (e >= 0 && s->entries.items[e].unit >= 0 && !s->units.items[s->entries.items[e].unit].ordered) {
            order_frame deeper = {s->entries.items[e].unit, 0};
            ok = vector_push(stack, deeper);
        }
    }
    return ok;
}

/* Ops with effects come in the order in which they were made, each behind what it needs. */
static bool order_effects(schedule *s) {
    VECTOR(int) effects = {0};
    bool ok = true;
    for (size_t i = 0; i < s->units.count && ok; i++) {
        if (!op_has_flag(s->units.items[i].node->op, OP_EFFECT)) continue;
        ok = vector_push(&effects, (int)i);
        for (size_t k = effects.count; ok && k > 1; k--) { /* nearly in order already */
            int *pair = &effects.items[k - 2];
            if (s->units.items[pair[0]].node->sequence < s->units.items[pair[1]].node->sequence) break;
            int later = pair[0];
            pair[0] = pair[1];
            pair[1] = later;
        }
    }
    for (size_t i = 0; i < effects.count && ok; i++) ok = order_from(s, effects.items[i]);
    vector_free(&effects);
    return ok;
}

static int by_depth(const void *a, const void *b) {
    const goal *x = a, *y = b;
    return x->depth != y->depth ? (x->depth > y->depth) - (x->depth < y->depth) : x->place - y->place;
}

/* ---- goals */

static bool find_goals(schedule *s) {
    bool ok = true;
    s->goals.count = 0;
    for (size_t i = 0; i < s->entries.count && ok; i++) {
        const entry *e = &s->entries.items[i];
        int u = e->root || e->retained ? s->entries.items[schedule_resolve(s, (int)i)].unit : -1;
        if (u >= 0) ok = vector_push(&s->goals, ((goal){u, s->units.items[u].depth, (int)i}));
    }
    if (s->goals.count > 1) qsort(s->goals.items, s->goals.count, sizeof *s->goals.items, by_depth);
    return ok;
}

/* Units that read what unit g may write over, as far as they are not deeper. They do not read what g makes. */
static bool order_takers(schedule *s, int g) {
    const unit *u = &s->units.items[g];
    bool ok = true;
    for (int k = 0, e; ok && u->kind == UNIT_GROUP && (e = taken_input(s, u, k)) != -2; k++)
        for (int t = e < 0 ? 0 : s->entries.items[e].taker; ok && t; t = s->takers.items[t - 1].before) {
            int reader = s->takers.items[t - 1].unit;
            if (reader != g && s->units.items[reader].depth <= u->depth) ok = order_from(s, reader);
        }
    return ok;
}

/* The least deep goals come first: of the gradients of layers those of the last layer, which need the least of what the
   way down to the first one makes, and so the memory of each layer is given back in turn. */
bool schedule_order(schedule *s) {
    bool ok = order_effects(s) && find_goals(s);
    if (ok && s->goals.count == 1) return order_from(s, s->goals.items[0].unit);
    ok = ok && find_takers(s);
    for (size_t i = 0; i < s->goals.count && ok; i++)
        ok = order_takers(s, s->goals.items[i].unit) && order_from(s, s->goals.items[i].unit);
    return ok;
}
