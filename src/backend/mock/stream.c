/* Streams are worker threads. An event is an object of its own that a job of its stream marks, so that it may outlive the stream. */
#include "mock/mock.h"

#include <pthread.h>

#include "base/memory.h"
#include "base/worker.h"

struct backend_stream {
    worker *thread;
    int device;
};

struct backend_event {
    atomic_int references;
    pthread_mutex_t lock;
    pthread_cond_t marked;
    bool done;
};

backend_stream *mock_stream_new(int device) {
    backend_stream *stream = mock_settings_good() ? NEW(backend_stream) : NULL;
    worker *thread = stream ? worker_new() : NULL;
    if (!thread) {
        memory_free(stream);
        return mock_report(false), NULL;
    }
    *stream = (backend_stream){thread, device};
    return stream;
}

void mock_stream_free(backend_stream *stream) {
    if (!stream) return;
    worker_free(stream->thread);
    memory_free(stream);
}

int mock_stream_device(const backend_stream *stream) {
    return stream->device;
}

bool mock_stream_submit(backend_stream *stream, void (*run)(void *context), void *context) {
    return worker_submit(stream->thread, run, context);
}

/* ---- events */
static backend_event *retain(backend_event *event) {
    atomic_fetch_add(&event->references, 1);
    return event;
}

void mock_event_free(backend_event *event) {
    if (!event || atomic_fetch_sub(&event->references, 1) != 1) return;
    pthread_cond_destroy(&event->marked);
    pthread_mutex_destroy(&event->lock);
    memory_free(event);
}

static void mark(void *context) {
    backend_event *event = context;
    mock_sleep();
    pthread_mutex_lock(&event->lock);
    event->done = true;
    pthread_cond_broadcast(&event->marked);
    pthread_mutex_unlock(&event->lock);
    mock_event_free(event);
}

backend_event *mock_event_record(backend_stream *stream) {
    backend_event *event = NEW(backend_event);
    if (!event) return mock_report(false), NULL;
    atomic_init(&event->references, 1);
    pthread_mutex_init(&event->lock, NULL);
    pthread_cond_init(&event->marked, NULL);
    if (mock_stream_submit(stream, mark, retain(event))) return event;
    mock_event_free(event);
    mock_event_free(event);
    return mock_report(false), NULL;
}

bool mock_event_done(backend_event *event) {
    pthread_mutex_lock(&event->lock);
    bool done = event->done;
    pthread_mutex_unlock(&event->lock);
    return done;
}

void mock_event_wait(backend_event *event) {
    pthread_mutex_lock(&event->lock);
    while (!event->done) pthread_cond_wait(&event->marked, &event->lock);
    pthread_mutex_unlock(&event->lock);
}

static void wait_in_stream(void *context) {
    mock_event_wait(context);
    mock_event_free(context);
}

bool mock_stream_wait(backend_stream *stream, backend_event *event) {
    if (mock_stream_submit(stream, wait_in_stream, retain(event))) return true;
    mock_event_free(event);
    return mock_report(false);
}
