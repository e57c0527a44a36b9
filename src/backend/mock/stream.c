/* Streams are worker threads. A stream waits for others as a device does: by looking at a counter, without asking the
 * host. */
#include "mock/mock.h"

#include <time.h>

#include "base/memory.h"
#include "base/worker.h"

struct backend_stream {
    worker *thread;
    int device;
    _Atomic uint64_t reached;
};

typedef struct {
    worker_job job;
    submission *submission;
    backend_stream *stream;
} task;
_Static_assert(sizeof(task) <= sizeof(((submission *)0)->room), "a task fits into a submission");

backend_stream *mock_stream_new(int device) {
    backend_stream *stream = mock_settings_good() ? NEW(backend_stream) : NULL;
    worker *thread = stream ? worker_new() : NULL;
    if (!thread) {
        memory_free(stream);
        return mock_report(false), NULL;
    }
    stream->thread = thread;
    stream->device = device;
    return stream;
}

void mock_stream_free(backend_stream *stream) {
    if (!stream) return;
    worker_free(stream->thread);
    memory_free(stream);
}

static void await(const awaited *a) {
    const _Atomic uint64_t *counter = a->stream ? &a->stream->reached : a->reached;
    uint64_t number = a->stream ? a->number : a->base + a->number;
    while (atomic_load(counter) < number) nanosleep(&(struct timespec){0, 20000}, NULL);
}

static void run_task(void *context) {
    task *t = context;
    submission *s = t->submission;
    backend_stream *stream = t->stream;
    for (int i = 0; i < s->wait_count; i++) await(&s->waits[i]);
    mock_delay();
    mock_run(stream->device, s);
    atomic_fetch_add(&stream->reached, 1);
    mock_tell_late();
    s->done(s);
}

void mock_submit(backend_stream *stream, submission *s) {
    task *t = (task *)(void *)s->room;
    *t = (task){.job = {.run = run_task, .context = t}, .submission = s, .stream = stream};
    mock_add(COUNT_SUBMISSIONS, 1);
    worker_give(stream->thread, &t->job);
}
