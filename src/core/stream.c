/* Streams and events, on any device. */
#include "core/stream.h"

#include <pthread.h>

#include "backend/backend.h"
#include "base/memory.h"
#include "base/vector.h"
#include "core/lock.h"

static _Thread_local tarn_stream *current;

/* Guards the handles of streams against tarn_stream_free: held where one is read outside the schedule lock. */
static pthread_mutex_t handles_lock = PTHREAD_MUTEX_INITIALIZER;

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static VECTOR(tarn_stream *) streams; /* all of them, for tarn_synchronize(NULL) */

static bool add_to_list(tarn_stream *s) {
    pthread_mutex_lock(&list_lock);
    bool ok = vector_push(&streams, s);
    pthread_mutex_unlock(&list_lock);
    return ok;
}

tarn_stream *stream_make(tarn_device device, int slot, const backend *of, bool is_default) {
    tarn_stream *s = NEW(tarn_stream);
    if (!s) return NULL;
    *s = (tarn_stream){device, slot, of, of->stream_new(device.index), is_default};
    if (s->handle && add_to_list(s)) return s;
    if (s->handle) of->stream_free(s->handle);
    memory_free(s);
    return NULL;
}

tarn_stream *stream_current(void) {
    if (current) return current;
    int slot = device_slot(tarn_default_device());
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

/* The stream's handle goes; the small object stays, because nodes and events may still name it. */
void tarn_stream_free(tarn_stream *s) {
    if (!s || s->is_default) return;
    tarn_synchronize(s);
    if (current == s) current = NULL;
    schedule_lock();
    pthread_mutex_lock(&handles_lock);
    struct backend_stream *old = s->is_default ? NULL : s->handle;
    s->handle = slot_default_stream(s->slot)->handle;
    s->is_default = true;
    pthread_mutex_unlock(&handles_lock);
    if (old) s->backend->stream_free(old); /* its thread may still record events: not under the lock of handles */
    schedule_unlock();
}

tarn_device tarn_stream_device(const tarn_stream *s) {
    return s ? s->device : tarn_default_device();
}

static bool synchronize_one(tarn_stream *s) {
    event *e = event_record(s);
    if (!e) return false;
    event_wait(e);
    event_release(e);
    return true;
}

bool tarn_synchronize(tarn_stream *s) {
    if (s) return synchronize_one(s);
    bool ok = true;
    for (size_t i = 0;; i++) {
        pthread_mutex_lock(&list_lock);
        tarn_stream *next = i < streams.count ? streams.items[i] : NULL;
        pthread_mutex_unlock(&list_lock);
        if (!next) return ok;
        ok = synchronize_one(next) && ok;
    }
}

tarn_stream *tarn_use_stream(tarn_stream *stream) {
    tarn_stream *before = current;
    current = stream;
    return before;
}

void tarn_restore_stream(tarn_stream *const *previous) {
    current = *previous;
}

/* ---- events */

event *event_record(tarn_stream *s) {
    event *e = NEW(event);
    if (!e) return NULL;
    pthread_mutex_lock(&handles_lock);
    *e = (event){.references = 1, .stream = s, .handle = s->backend->event_record(s->handle)};
    pthread_mutex_unlock(&handles_lock);
    if (e->handle) return e;
    memory_free(e);
    return NULL;
}

event *event_retain(event *e) {
    if (e) atomic_fetch_add(&e->references, 1);
    return e;
}

void event_release(event *e) {
    if (!e || atomic_fetch_sub(&e->references, 1) != 1) return;
    e->stream->backend->event_free(e->handle);
    memory_free(e);
}

bool event_done(event *e) {
    return !e || e->stream->backend->event_done(e->handle);
}

void event_wait(event *e) {
    if (e) e->stream->backend->event_wait(e->handle);
}

static void wait_on_host(void *context) {
    event_wait(context);
    event_release(context);
}

bool stream_wait(tarn_stream *s, event *e) {
    if (!e || e->stream == s || event_done(e)) return true;
    if (e->stream->backend == s->backend) return s->backend->stream_wait(s->handle, e->handle);
    if (s->backend->host(s->handle, wait_on_host, event_retain(e))) return true;
    event_release(e);
    return false;
}
