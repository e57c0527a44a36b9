/* While a segment runs, what a failed call reaches is marked, and poisoned at its end. Afterwards what was read from a
   mapped file is only known to be the file's if it has not changed meanwhile. */
#include <stddef.h>
#include <string.h>

#include "base/hard.h"
#include "base/memory.h"
#include "core/interrupt.h"
#include "eval/hard.h"
#include "eval/running.h"

/* ---- while a segment runs */

static const error_note without_memory = {TARN_ERROR_RUNTIME,
                                          "a kernel failed, and there was no memory to keep its message"};
static const error_note given_up = {TARN_ERROR_INTERRUPT, "interrupted"};

static const error_note *keep_message(run *r, int index, tarn_error_class kind, const char *error) {
    bool before = tarn_ok();
    size_t length = strlen(error) + 1;
    message *m = memory_new(1, sizeof *m + length);
    if (!m) {
        if (before) tarn_clear_error();
        return &without_memory;
    }
    m->step = index;
    m->why = (error_note){kind, memcpy(m->text, error, length)};
    m->next = atomic_load(&r->messages);
    while (!atomic_compare_exchange_weak(&r->messages, &m->next, m)) {
    }
    return &m->why;
}

static void mark_outputs(run *r, const step *st, const error_note *why) {
    for (int k = 0; k < st->output_count; k++)
        if (st->outputs[k] >= 0) r->marks[r->p->values.items[st->outputs[k]].storage] = why;
    atomic_store(&r->marked, true);
}

/* Why a step's inputs are not good, or NULL. */
static const error_note *marked_input(const run *r, const step *st) {
    for (int i = 0; i < st->input_count; i++) {
        const error_note *why = st->inputs[i] < 0 ? NULL : r->marks[r->p->values.items[st->inputs[i]].storage];
        if (why) return why;
    }
    return NULL;
}

/* Marks what a step's marked inputs reach: of a group the outputs that are computed from them, else all. Whether
   something is left to compute. */
static bool mark_reached(run *r, const step *st) {
    const error_note *why = marked_input(r, st), *reasons[GROUP_MAX_REGISTERS] = {NULL};
    uint32_t inputs[GROUP_MAX_REGISTERS];
    if (!why) return true;
    if (!st->group) {
        mark_outputs(r, st, why);
        return false;
    }
    group_dependences(st->group, inputs);
    for (int k = 0; k < st->output_count; k++)
        for (int i = 0; i < st->input_count && !reasons[k]; i++)
            if (inputs[k] >> i & 1) reasons[k] = r->marks[r->p->values.items[st->inputs[i]].storage];
    bool rest = false;
    for (int k = 0; k < st->output_count; k++) {
        if (reasons[k]) r->marks[r->p->values.items[st->outputs[k]].storage] = reasons[k];
        rest = rest || !reasons[k];
    }
    return rest;
}

static void mark_poisoned_inputs(run_segment *g) {
    run *r = g->run;
    for (int i = 0; i < g->segment->use_count; i++) {
        const segment_use *u = &r->p->uses.items[g->segment->first_use + i];
        int t = r->p->bases.items[u->base].storage;
        const error_note *why = u->reads && !r->marks[t] ? buffer_poisoned(r->buffers[t]) : NULL;
        if (!why) continue;
        r->marks[t] = why;
        atomic_store(&r->marked, true);
    }
}

bool segment_before_call(submission *s, int i) {
    run_segment *g = (run_segment *)s;
    run *r = g->run;
    const step *st = &r->p->steps.items[g->segment->first + i];
    if (i == 0) mark_poisoned_inputs(g);

    if (interrupt_is_set()) {
        mark_outputs(r, st, &given_up);
        return false;
    }
    bool runs = !atomic_load(&r->marked) || mark_reached(r, st);
    if (runs && hard_mode()) hard_fill_outputs(r->p, g->segment->first + i, &s->calls[i]);
    return runs;
}

/* A kernel was given what it can do: where it names no kind of its own, such as missing memory, it is not the caller
 * who was wrong. */
static tarn_error_class kind_of_failure(void) {
    return tarn_error_kind() > TARN_ERROR_VALUE ? tarn_error_kind() : TARN_ERROR_RUNTIME;
}

/* The failure of a step none of whose inputs had failed: it is the one to tell of. */
static void fail(run_segment *g, int index, const error_note *why) {
    mark_outputs(g->run, &g->run->p->steps.items[index], why);
    if (!g->run->awaited) stream_failed(g->segment->stream, why);
}

/* A device goes on after a call that failed, and what it then computes from memory that was never written may fail,
   too: whether a step is the first to fail is only known when all is done. */
void segment_after_call(submission *s, int i, const char *error) {
    run_segment *g = (run_segment *)s;
    run *r = g->run;
    int index = g->segment->first + i;
    bool on_host = g->segment->stream->backend->host_memory;
    if (!error && hard_mode() && on_host && !hard_guards_hold(r->p, index, &s->calls[i]))
        error = "a kernel wrote behind its output";
    if (!error) return;
    const error_note *why = keep_message(r, on_host ? -1 : index, kind_of_failure(), error);
    if (on_host || why == &without_memory)
        fail(g, index, why);
    else
        atomic_store(&r->marked, true);
    if (!on_host) tarn_clear_error(); /* its kind was all that was wanted */
}

static message *message_of(run *r, int index) {
    message *m = atomic_load(&r->messages);
    while (m && m->step != index) m = m->next;
    return m;
}

/* What a failed call reaches. Where calls run on the host they were marked, and left out, in their turn. */
static void spread_marks(run_segment *g) {
    run *r = g->run;
    mark_poisoned_inputs(g);
    for (int i = 0; i < g->segment->count && atomic_load(&r->marked); i++) {
        int index = g->segment->first + i;
        message *own = message_of(r, index);
        if (!mark_reached(r, &r->p->steps.items[index]) || !own) continue;
        own->step = -1;
        fail(g, index, &own->why);
    }
}

static void poison_written(run_segment *g) {
    run *r = g->run;
    for (int i = 0; i < g->segment->use_count; i++) {
        const segment_use *u = &r->p->uses.items[g->segment->first_use + i];
        int t = r->p->bases.items[u->base].storage;
        if (u->writes && r->marks[t]) buffer_poison(r->buffers[t], r->marks[t]);
    }
}

void segment_done(submission *s) {
    run_segment *g = (run_segment *)s;
    run *r = g->run;
    if (!g->segment->stream->backend->host_memory) {
        work_wait(&g->w); /* on a device it may be over before what it waited for has told that it failed */
        spread_marks(g);
    }
    if (atomic_load(&r->marked)) poison_written(g);
    run_let_go(r);
    work_complete(&g->w);
    run_release(r);
}

/* ---- afterwards: what was read from a mapped file is only known to be the file's if it has not changed meanwhile */

static const error_note *failed_check(run *r) {
    if (run_foreign_holds(r)) return NULL;
    const error_note *why = keep_message(r, -1, tarn_error_kind(), tarn_error());
    tarn_clear_error();
    return why;
}

static bool is_written(const run *r, size_t t) {
    return run_has_buffer(r->p, t) || (r->p->storages.items[t].donated && r->p->storages.items[t].exported);
}

/* Whether the runs that wrote its inputs before it are done with their checks: another thread may be at them, or
   another stream still at the rest of such a run. */
static bool earlier_are_verified(const run *r) {
    for (size_t i = 0; i < r->p->inputs.count; i++) {
        const buffer *b = r->buffers[r->p->inputs.items[i].storage];
        if ((int)(r->earlier[i] - atomic_load(&b->verified)) > 0) return false;
    }
    return true;
}

static void verify(release_note *note) {
    run *r = (run *)(void *)((char *)note - offsetof(run, note));
    if (!earlier_are_verified(r)) {
        release_put_off(note);
        return;
    }
    const error_note *why = failed_check(r);
    for (size_t i = 0; i < r->p->segments.count; i++) {
        spread_marks(&r->segments[i]);
        poison_written(&r->segments[i]);
    }
    for (size_t t = 0; t < r->p->storages.count; t++) {
        if (!is_written(r, t)) continue;
        if (why) buffer_poison(r->buffers[t], why);
        atomic_fetch_add(&r->buffers[t]->verified, 1);
    }
    run_finish(r);
    run_release(r);
}

void run_plan_verification(run *r) {
    for (size_t i = 0; i < r->p->inputs.count && !r->verifies; i++) {
        const buffer *b = r->buffers[r->p->inputs.items[i].storage];
        r->verifies = b->check || buffer_is_unverified(b);
    }
    if (!r->verifies) return;
    r->note.run = verify;
    atomic_fetch_add(&r->references, 1);
    for (size_t i = 0; i < r->p->inputs.count; i++)
        r->earlier[i] = atomic_load(&r->buffers[r->p->inputs.items[i].storage]->dubious);
    for (size_t t = 0; t < r->p->storages.count; t++)
        if (is_written(r, t)) atomic_fetch_add(&r->buffers[t]->dubious, 1);
}
