/* From a graph to a program: discover, form units, decide what stays, order the units, emit steps. */
#include "eval/schedule.h"

#include "base/memory.h"
#include "base/threads.h"
#include "core/lock.h"

static bool mark_roots(schedule *s, tarn_array *const *roots, int count) {
    for (int i = 0; i < count; i++) {
        int e = schedule_entry(s, roots[i]);
        if (e < 0) return false;
        s->entries.items[e].root = true;
    }
    return true;
}

static void count_uses(schedule *s) {
    for (size_t i = 0; i < s->sequence.count; i++) {
        const unit *u = &s->units.items[s->sequence.items[i]];
        for (int k = 0, e; (e = unit_input(s, u, k)) != -2; k++)
            if (e >= 0) s->entries.items[e].uses++;
    }
    for (size_t i = 0; i < s->entries.count; i++) /* who shares a retained value retains it */
        if (s->entries.items[i].retained) s->entries.items[schedule_resolve(s, (int)i)].retained = true;
}

/* ---- a schedule is made for every evaluation, however small: one is kept with its lists */

enum { MOST_ENTRIES_KEPT = 4096 };
static schedule *spare; /* under the lock */

static schedule *schedule_new(void) {
    schedule *s = spare;
    spare = NULL;
    return s ? s : NEW(schedule);
}

static void free_lists(schedule *s) {
    vector_free(&s->entries);
    vector_free(&s->units);
    vector_free(&s->members);
    vector_free(&s->order);
    vector_free(&s->tainted);
    vector_free(&s->targets);
    vector_free(&s->stack);
    vector_free(&s->order_stack);
    vector_free(&s->goals);
    vector_free(&s->takers);
    vector_free(&s->sequence);
    vector_free(&s->said);
    vector_free(&s->room);
    vector_free(&s->strides);
}

static void reset(schedule *s) {
    s->entries.count = s->units.count = s->members.count = s->order.count = s->tainted.count = 0;
    s->targets.count = s->stack.count = s->order_stack.count = s->sequence.count = 0;
    s->last_effect = 0;
    map_free(s->same);
    s->same = NULL;
    s->p = NULL;
}

void schedule_free(schedule *s) {
    if (!s) return;
    for (size_t i = 0; i < s->targets.count; i++) node_release(s->targets.items[i]->node);
    reset(s);
    if (!spare && s->entries.capacity <= MOST_ENTRIES_KEPT) {
        spare = s;
        return;
    }
    free_lists(s);
    memory_free(s);
}

/* The process ends: tools that look for leaks would report it. Another thread may be evaluating yet, or this one have
   ended the process from within. */
__attribute__((destructor)) static void free_spare(void) {
    if (lock_is_held()) return;
    schedule_lock();
    schedule *s = spare;
    spare = NULL;
    schedule_unlock();
    if (s) free_lists(s);
    memory_free(s);
}

static bool is_taken(const entry *e) {
    return e->candidate && e->value >= 0;
}

/* What was moved and is not written over keeps its value, as long as its node lasts: the expression that moved it may
 * have more to say of it. */
static void spare_moved(schedule *s) {
    bool any = false;
    for (size_t i = 0; i < s->entries.count && !any; i++)
        any = is_taken(&s->entries.items[i]) && atomic_load(&s->entries.items[i].a->moved);
    for (size_t i = 0; any && i < s->p->steps.count; i++) {
        const step *st = &s->p->steps.items[i];
        for (int k = 0; k < st->output_count; k++)
            if (st->outputs[k] >= 0) storage_of(s->p, st->outputs[k])->written = true;
    }
    for (size_t i = 0; any && i < s->entries.count; i++) {
        entry *e = &s->entries.items[i];
        storage *t = is_taken(e) && atomic_load(&e->a->moved) ? storage_of(s->p, e->value) : NULL;
        if (t && !t->written) e->candidate = t->donated = false;
    }
}

static bool has_calls(const schedule *s) {
    return s->options.calls && s->options.calls->count;
}

static bool note_outputs(schedule *s, tarn_array *const *roots, int count) {
    for (int i = 0; i < count; i++) {
        int v = s->entries.items[schedule_resolve(s, roots[i]->note)].value;
        if (!vector_push(&s->p->outputs, v)) return false;
    }
    return true;
}

static bool make_program(schedule *s, tarn_array *const *roots, int count) {
    if (!mark_roots(s, roots, count) || !schedule_discover(s, roots, count) || has_calls(s) || !schedule_retain(s) ||
        !schedule_order(s))
        return false;
    count_uses(s);
    if (!schedule_emit(s)) return false;
    if (s->options.reads) spare_moved(s);
    s->p->once = !s->options.plan;
    return note_outputs(s, roots, count) && program_seal(s->p);
}

program *schedule_make(tarn_array *const *roots, int count, schedule_options options, schedule **notes) {
    schedule *s = schedule_new();
    if (!s) return NULL;
    s->options = options;
    s->epoch = schedule_new_epoch();
    program *p = s->p = program_new();
    int threads = parallel_threads(), before = parallel_fix(threads);
    if (p) p->threads = threads;
    bool ok = p && make_program(s, roots, count);
    parallel_fix(before);
    if (!ok) program_release(p);
    if (ok && notes)
        *notes = s;
    else
        schedule_free(s);
    return ok ? p : NULL;
}

/* ---- values back to the graph */

static bool came_in(const entry *e) {
    return e->external && e->alias < 0;
}

/* The run's buffer for entry i, if that is computed and stays, and its value there; else NULL. */
static buffer *computed_buffer(const schedule *s, size_t i, const run *r, const value **v) {
    const entry *e = &s->entries.items[i];
    if ((!e->retained && !e->root) || came_in(e)) return NULL;
    int at = s->entries.items[schedule_resolve(s, (int)i)].value;
    if (at < 0) return NULL;
    *v = &s->p->values.items[at];
    return run_buffer(r, (*v)->storage);
}

static void take_away(const schedule *s, entry *e) {
    node_retain(e->a->node);
    if (storage_of(s->p, e->value)->exported) buffer_set_state(e->a->buffer, BUFFER_PENDING);
    e->a->given_away = true;
    array_set_value(e->a, NULL, 0, NULL);
}

static bool was_moved(const entry *e) {
    return came_in(e) && !e->root && atomic_load(&e->a->moved);
}

/* From here on the lock is let go of: what is still looked at afterwards is held. Another schedule may have computed a
   node of this one meanwhile, which then gave up its inputs. */
void schedule_claim(schedule *s, const run *r) {
    for (size_t i = 0; i < s->entries.count; i++) {
        entry *e = &s->entries.items[i];
        e->remembered = !s->options.reads && was_moved(e);
        if (e->remembered) node_retain(e->a->node);
        const value *v;
        buffer *b = computed_buffer(s, i, r, &v);
        e->was_computed = e->a->was_computed;
        if (b) array_set_value(e->a, buffer_retain(b), v->at.offset, v->at.strides);
        if (is_taken(e)) take_away(s, e);
        if (!came_in(e) && e->unit >= 0 && s->units.items[e->unit].ordered) e->a->was_computed = true;
    }
    for (size_t i = 0; i < s->order.count; i++) node_retain(s->order.items[i]);
}

/* Other threads may have given up what nobody else holds. */
static void let_go(schedule *s) {
    for (size_t i = 0; i < s->order.count; i++) node_release(s->order.items[i]);
    for (size_t i = 0; i < s->entries.count; i++) {
        const entry *e = &s->entries.items[i];
        node *n = is_taken(e) || e->remembered ? e->a->node : NULL;
        if (is_taken(e)) node_release(n);
        if (e->remembered) node_release(n);
    }
}

/* What was moved, and all that reads it computed, loses its value even if its node is remembered. */
static void give_up_moved(schedule *s) {
    for (size_t i = 0; i < s->entries.count; i++) {
        if (!s->entries.items[i].remembered) continue;
        tarn_array *a = s->entries.items[i].a;
        if (!a->buffer || array_is_held(a)) continue;
        a->given_away = true;
        array_set_value(a, NULL, 0, NULL);
    }
}

void schedule_commit(schedule *s) {
    for (size_t i = s->order.count; i > 0; i--) node_forget_inputs(s->order.items[i - 1]);
    give_up_moved(s);
    let_go(s);
    schedule_free(s);
}

static void give_back(const schedule *s, entry *e, const run *r) {
    buffer *b = run_buffer(r, s->p->values.items[e->value].storage);
    array_set_value(e->a, buffer_retain(b), e->a->offset, e->a->strides);
    e->a->given_away = false;
}

void schedule_roll_back(schedule *s, const run *r) {
    for (size_t i = 0; i < s->entries.count; i++) {
        entry *e = &s->entries.items[i];
        const value *v;
        buffer *b = computed_buffer(s, i, r, &v);
        if (b && e->a->buffer == b) array_set_value(e->a, NULL, 0, NULL);
        if (is_taken(e)) give_back(s, e, r);
        if (!came_in(e)) e->a->was_computed = e->was_computed;
    }
    let_go(s);
    schedule_free(s);
}
