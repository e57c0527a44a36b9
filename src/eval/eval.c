/* Evaluation as users see it: computing, waiting, reading. */
#include <string.h>

#include "base/memory.h"
#include "core/lock.h"
#include "core/move.h"
#include "core/quarantine.h"
#include "core/release.h"
#include "core/scope.h"
#include "eval/program.h"
#include "tarn/ops.h"

typedef struct {
    fork_undo undo; /* first */
    schedule *notes;
    program *p; /* the run's */
    run *r;
    later_calls calls; /* have to run first: then there is no program */
} evaluation;

/* Why something is computed: the caller goes on, waits for it, or reads it. */
typedef enum { TO_START, TO_WAIT, TO_READ } purpose;

/* What an evaluation is for, and whether that is all there already. */
typedef struct {
    tarn_array *const *arrays;
    int count;
    purpose why;
    bool done;
} request;

static bool need_work(tarn_array *const *arrays, int count) {
    for (int i = 0; i < count; i++)
        if (!arrays[i]->buffer) return true;
    return false;
}

/* Schedules what the arrays need, and claims it. Under the lock; false with nothing changed. */
static bool plan_evaluation(evaluation *e, const request *q) {
    e->p = schedule_make(q->arrays, q->count, (schedule_options){.calls = &e->calls, .reads = q->why == TO_READ},
                         &e->notes);
    e->r = e->p ? run_new(e->p, NULL, NULL) : NULL;
    if (e->r)
        schedule_claim(e->notes, e->r);
    else
        schedule_free(e->notes);
    return e->r != NULL;
}

static void give_up(evaluation *e) {
    schedule_lock();
    schedule_roll_back(e->notes, e->r);
    schedule_unlock();
    run_cancel(e->r);
}

static void undo_evaluation(fork_undo *u) {
    give_up((evaluation *)u);
}

static run_state reserve(evaluation *e) {
    e->undo.undo = undo_evaluation;
    return program_prepare(e->p) ? run_reserve(e->r, &e->undo) : RUN_FAILED;
}

/* Whether the arrays have values that need not be waited for. Under the lock. */
static bool are_done(tarn_array *const *arrays, int count) {
    for (int i = 0; i < count; i++)
        if (!arrays[i]->buffer || !buffer_is_done(arrays[i]->buffer)) return false;
    return true;
}

/* Submits what is planned; or nothing has happened. */
static run_state execute(evaluation *e, request *q) {
    run_state state = reserve(e);
    if (state != RUN_READY) {
        give_up(e);
        return state;
    }
    run_launch(e->r, q->why != TO_START);
    schedule_lock();
    schedule_commit(e->notes);
    q->done = q->why == TO_WAIT && are_done(q->arrays, q->count);
    schedule_unlock();
    return RUN_READY;
}

/* Submits what the arrays need. The lock is held while graphs are read and values given, not while work is made ready
 * or submitted. */
static bool compute(request *q) {
    for (;;) {
        evaluation e = {0};
        fork_hold(); /* no child shall wait for what this thread has claimed */
        schedule_lock();
        bool needed = need_work(q->arrays, q->count), planned = needed && plan_evaluation(&e, q);
        schedule_unlock();
        run_state state = planned ? execute(&e, q) : needed ? RUN_FAILED : RUN_READY;
        fork_allow();
        if (e.calls.count) state = later_run_all(&e.calls) ? RUN_AGAIN : RUN_FAILED;
        release_drain();
        if (state != RUN_AGAIN) return state == RUN_READY;
    }
}

bool tarn_async_eval_all(tarn_array *const *arrays, int count) {
    return arrays_check("async_eval", arrays, count) && compute(&(request){arrays, count, TO_START, false});
}

/* The buffer of an array that has been computed, a reference of the caller's. */
static buffer *buffer_of(tarn_array *a) {
    schedule_lock();
    buffer *b = buffer_retain(a->buffer);
    schedule_unlock();
    return b;
}

/* Waits until the array's value is there; an error of its computation is this thread's now. *again: another thread was
   to compute it and gave up. */
static bool await(tarn_array *a, bool *again) {
    buffer *b = buffer_of(a);
    *again = !b || !buffer_settle(b);
    if (!*again) buffer_wait(b);
    bool good = *again || buffer_is_good(b);
    buffer_release(b);
    return good;
}

/* Whether the values lie as a reader in host memory expects them. Under the lock. */
static bool is_dense(const tarn_array *a) {
    bool aligned = (uintptr_t)buffer_data(a->buffer, DEVICE_HOST) % (uintptr_t)dtype_bytes(a->dtype) == 0;
    return aligned && strides_are_dense(a->ndim, a->shape, a->strides);
}

/* What is to be read follows its computation home, so that both are waited for at once. */
static bool send_home(tarn_array *a) {
    schedule_lock();
    buffer *b = a->buffer && is_dense(a) ? buffer_retain(a->buffer) : NULL;
    schedule_unlock();
    bool ok = !b || !buffer_settle(b) || buffer_send(b, DEVICE_HOST);
    buffer_release(b);
    return ok;
}

static bool evaluate(const char *what, tarn_array *const *arrays, int count, purpose why) {
    request q = {arrays, count, why, false};
    bool ok = arrays_check(what, arrays, count) && compute(&q);
    if (q.done) return ok;
    for (int i = 0; ok && i < count && why == TO_READ; i++) ok = send_home(arrays[i]);
    for (int i = 0; ok && i < count; i++) {
        bool again = true;
        for (ok = await(arrays[i], &again); ok && again; ok = ok && await(arrays[i], &again))
            ok = compute(&(request){&arrays[i], 1, why, false});
    }
    return ok;
}

bool tarn_eval_all(tarn_array *const *arrays, int count) {
    return evaluate("eval", arrays, count, TO_WAIT);
}

/* ---- reading */

/* The buffer of an array that was evaluated, for the caller, and where in it the array's values begin, if they are
   dense there or in a copy. An error if another thread has given the memory away since. */
static buffer *value_of(const tarn_array *a, bool *dense, int64_t *offset) {
    schedule_lock();
    bool copied = a->buffer && a->dense;
    buffer *b = buffer_retain(copied ? a->dense : a->buffer);
    *dense = copied || (b && is_dense(a));
    *offset = copied ? a->dense_offset : a->offset;
    schedule_unlock();
    if (!b) tarn_fail("an array is read whose memory another thread has given away (tarn_move or .donate)");
    return b;
}

/* Gives a its values in dense order as well. Of several threads that ask at once the first does it: what was read once
   stays where it is. */
static bool make_dense(tarn_array *a) {
    bool dense_already;
    int64_t offset;
    buffer *b = value_of(a, &dense_already, &offset);
    buffer_release(b);
    if (!b || dense_already) return b;
    TARN_SCOPE;
    array_begin_reading(a); /* an array that was moved keeps its value */
    tarn_array *dense = tarn_contiguous(a);
    bool ok = dense && tarn_eval(dense);
    array_end_reading(a);
    if (!ok) return false;
    schedule_lock();
    if (a->buffer && !a->dense) {
        a->dense = buffer_retain(dense->buffer);
        a->dense_offset = dense->offset;
    }
    schedule_unlock();
    return true;
}

static const void *data_for(const char *what, tarn_array *a) {
    if (!evaluate(what, &a, 1, TO_READ) || !make_dense(a)) return NULL;
    bool dense;
    int64_t offset;
    buffer *b = value_of(a, &dense, &offset);
    bool ok = b && buffer_bring(b, DEVICE_HOST) && buffer_check(b);
    const void *data = ok ? (const char *)buffer_data(b, DEVICE_HOST) + offset * dtype_bytes(a->dtype) : NULL;
    buffer_release(b); /* the array holds it */
    release_drain();
    return data;
}

const void *tarn_data(tarn_array *a) {
    return data_for("data", a);
}

bool tarn_read(tarn_array *a, void *out, size_t bytes) {
    if (!out && bytes) return tarn_fail("read: out is NULL");
    const void *data = data_for("read", a);
    if (!data) return false;
    if (bytes < (size_t)array_bytes(a))
        return tarn_fail("read: %zu bytes of room for %lld", bytes, (long long)array_bytes(a));
    memcpy(out, data, (size_t)array_bytes(a));
    return true;
}

tarn_array *tarn_detach(tarn_array *a) {
    if (!evaluate("detach", &a, 1, TO_WAIT) || !scope_check_open("detach")) return NULL;
    schedule_lock();
    buffer *b = buffer_retain(a->buffer);
    int64_t offset = a->offset, strides[TARN_MAX_NDIM];
    memcpy(strides, a->strides, sizeof strides);
    tarn_array *leaf = array_from_buffer(b, array_shape(a), a->dtype);
    if (leaf) array_set_value(leaf, buffer_retain(leaf->buffer), offset, strides);
    schedule_unlock();
    return leaf;
}
