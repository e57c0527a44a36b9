/* Streams, on any device. A stream counts what is submitted to it and what is done; who waits compares numbers. */
#include "core/stream.h"

#include <sched.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/spin.h"
#include "core/lock.h"
#include "core/release.h"
#include "core/work.h"

/* Submissions of a stream that are not done: more would only hold memory. */
enum { MOST_IN_FLIGHT = 64 };
enum { AWAKE = 50000 /* ns: most work is short, looking is faster than sleeping */ };

static _Thread_local tarn_stream *current;

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static tarn_stream *_Atomic streams; /* all there have been; it only grows at its front */

/* ---- waiting */

void ticket_wait(ticket t) {
    for (spin s = {0}; !ticket_done(t) && spin_once(&s, AWAKE);) {
    }
    if (ticket_done(t)) return;
    pthread_mutex_lock(&t.stream->lock);
    atomic_fetch_add(&t.stream->sleepers, 1);
    while (!ticket_done(t)) pthread_cond_wait(&t.stream->moved, &t.stream->lock);
    atomic_fetch_sub(&t.stream->sleepers, 1);
    pthread_mutex_unlock(&t.stream->lock);
}

void work_wait(const work *w) {
    for (int i = 0; i < w->after_count; i++) ticket_wait(w->after[i]);
}

void work_complete(const work *w) {
    tarn_stream *s = w->stream;
    for (int i = 0; i < w->after_count; i++) atomic_fetch_sub(&w->after[i].stream->watchers, 1);
    atomic_fetch_add(&s->completed, 1);
    if (atomic_load(&s->sleepers) == 0) return;
    pthread_mutex_lock(&s->lock);
    pthread_cond_broadcast(&s->moved);
    pthread_mutex_unlock(&s->lock);
}

/* ---- submitting */

static void wait_for_all(submission *s) {
    work_wait((const work *)s);
}

/* What is not done yet, as the backend understands it. A stream that is waited for keeps its handle until it has been.
 */
static void list_waits(work *w) {
    int count = 0;
    for (int i = 0; i < w->after_count; i++) {
        ticket t = w->after[i];
        if (!t.stream || t.stream == w->stream) continue;
        atomic_fetch_add(&t.stream->watchers, 1);
        if (ticket_done(t)) {
            atomic_fetch_sub(&t.stream->watchers, 1);
            continue;
        }
        bool same = t.stream->backend == w->stream->backend;
        w->after[count] = t;
        w->waits[count++] =
            (awaited){same ? t.stream->handle : NULL, t.number - t.stream->base, t.stream->base, &t.stream->completed};
    }
    w->after_count = w->s.wait_count = count;
    w->s.waits = w->waits;
    w->s.wait = wait_for_all;
}

static bool is_full(tarn_stream *s) {
    return atomic_load(&s->submitted) - atomic_load(&s->completed) >= MOST_IN_FLIGHT;
}

/* s, or the default stream of its device once s was freed. */
static tarn_stream *stream_working(tarn_stream *s) {
    return atomic_load(&s->freed) ? slot_default_stream(s->slot) : s;
}

ticket stream_submit(work *w) {
    tarn_stream *s;
    fork_hold();
    list_waits(w);
    for (;;) {
        s = w->stream = stream_working(w->stream);
        if (is_full(s)) ticket_wait((ticket){s, atomic_load(&s->submitted) - MOST_IN_FLIGHT + 1});
        pthread_mutex_lock(&s->order);
        if (!is_full(s) && !atomic_load(&s->freed)) break;
        pthread_mutex_unlock(&s->order);
    }
    ticket end = {s, atomic_load(&s->submitted) + 1};
    atomic_store_explicit(&s->submitted, end.number, memory_order_release); /* under the lock: nobody else counts */
    s->backend->submit(s->handle, &w->s);
    pthread_mutex_unlock(&s->order);
    fork_allow();
    return end;
}

ticket stream_newest(tarn_stream *s) {
    return (ticket){s, atomic_load(&s->submitted)};
}

/* ---- the streams there are */

static tarn_stream *find_freed(tarn_device device) {
    for (tarn_stream *s = atomic_load(&streams); s; s = s->next)
        if (atomic_load(&s->freed) && s->device.type == device.type && s->device.index == device.index) return s;
    return NULL;
}

static tarn_stream *add_new(tarn_device device, int slot, const backend *of, bool is_default) {
    tarn_stream *s = NEW(tarn_stream);
    if (!s) return NULL;
    s->device = device;
    s->slot = slot;
    s->backend = of;
    s->is_default = is_default;
    pthread_mutex_init(&s->order, NULL);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->moved, NULL);
    s->next = atomic_load(&streams);
    atomic_store(&s->freed, true);
    atomic_store(&streams, s);
    return s;
}

tarn_stream *stream_make(tarn_device device, int slot, const backend *of, bool is_default) {
    backend_stream *handle = of->stream_new(device.index);
    if (!handle) return error_blame(TARN_ERROR_RUNTIME), NULL;
    pthread_mutex_lock(&list_lock);
    tarn_stream *s = find_freed(device);
    if (!s) s = add_new(device, slot, of, is_default);
    if (s) {
        s->handle = handle;
        s->base = atomic_load(&s->submitted);
        memory_free(atomic_exchange(&s->failure, NULL));
        atomic_store(&s->freed, false);
    }
    pthread_mutex_unlock(&list_lock);
    if (!s) of->stream_free(handle);
    return s;
}

/* Nothing is submitted to it while its work is waited for, nor later: work that would have come behind goes to the
   default stream, which does not wait for this one. Then nobody waits for it. */
void tarn_stream_free(tarn_stream *s) {
    if (!s || s->is_default) return;
    if (current == s) current = NULL;
    pthread_mutex_lock(&list_lock);
    pthread_mutex_lock(&s->order);
    bool freed_already = atomic_load(&s->freed);
    if (!freed_already) ticket_wait(stream_newest(s));
    atomic_store(&s->freed, true);
    pthread_mutex_unlock(&s->order);
    if (!freed_already) {
        while (atomic_load(&s->watchers) > 0) sched_yield();
        if (!slot_is_lost(s->slot)) s->backend->stream_free(s->handle);
        s->handle = NULL;
    }
    pthread_mutex_unlock(&list_lock);
    release_drain();
}

tarn_stream *stream_current(void) {
    if (current) return current;
    int slot = device_default_slot();
    return slot < 0 ? NULL : slot_default_stream(slot);
}

tarn_stream *tarn_default_stream(tarn_device device) {
    int slot = device_slot(device);
    return slot < 0 ? NULL : slot_default_stream(slot);
}

tarn_stream *tarn_stream_new(tarn_device device) {
    int slot = device_slot(device);
    if (slot < 0) return NULL;
    return stream_make(device, slot, slot_backend(slot), false);
}

tarn_device tarn_stream_device(const tarn_stream *s) {
    return s ? s->device : tarn_default_device();
}

void streams_wait(void) {
    for (tarn_stream *s = atomic_load(&streams); s; s = s->next) ticket_wait(stream_newest(s));
}

/* ---- failures of work that nobody waits for */

void stream_failed(tarn_stream *s, const error_note *why) {
    error_note *copy = error_note_copy(why), *none = NULL;
    if (!atomic_compare_exchange_strong(&s->failure, &none, copy)) memory_free(copy);
}

/* It has been told by what it says: who was told in these words does not want to hear them again. Taken out meanwhile,
   so that no other thread frees what is compared. */
void streams_told(const error_note *why) {
    for (tarn_stream *s = atomic_load(&streams); s; s = s->next) {
        error_note *failure = atomic_exchange(&s->failure, NULL);
        if (failure && strcmp(failure->text, why->text) != 0) stream_failed(s, failure);
        memory_free(failure);
    }
}

static bool tell_failure(tarn_stream *s) {
    error_note *failure = atomic_exchange(&s->failure, NULL);
    if (failure) tarn_fail_kind(failure->kind, "%s", failure->text);
    memory_free(failure);
    return !failure;
}

bool tarn_synchronize(tarn_stream *s) {
    bool ok = true;
    if (s)
        ticket_wait(stream_newest(s));
    else
        streams_wait();
    release_drain();
    if (s) return tell_failure(s);
    for (s = atomic_load(&streams); s; s = s->next) ok = tell_failure(s) && ok;
    return ok;
}

tarn_stream *tarn_use_stream(tarn_stream *stream) {
    tarn_stream *before = current;
    current = stream;
    return before;
}

void tarn_restore_stream(tarn_stream *const *previous) {
    if (previous) current = *previous;
}

/* ---- fork */

void streams_before_fork(void) {
    pthread_mutex_lock(&list_lock);
    for (tarn_stream *s = atomic_load(&streams); s; s = s->next) {
        pthread_mutex_lock(&s->order);
        pthread_mutex_lock(&s->lock);
    }
}

void streams_after_fork(void) {
    for (tarn_stream *s = atomic_load(&streams); s; s = s->next) {
        pthread_mutex_unlock(&s->lock);
        pthread_mutex_unlock(&s->order);
    }
    pthread_mutex_unlock(&list_lock);
}

void streams_in_child(void) {
    for (tarn_stream *s = atomic_load(&streams); s; s = s->next) {
        pthread_cond_init(&s->moved, NULL); /* who slept there is not here */
        atomic_store(&s->sleepers, 0);
    }
    streams_after_fork();
}
