/* Streams. Each has two threads: one that waits for what a submission waits for on the host's side and then gives its
   copies and kernels to the CUDA stream, and one that waits until the device is done with each and tells. So nothing
   runs in the driver's callbacks, where CUDA must not be called and where one blocked function would hold up every
   stream.

   No deadlock: a submission waits only for submissions that were submitted before it, whose threads wait for still
   earlier ones. On the device, a stream waits only for events that have been recorded. */
#include "cuda/cuda.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/spin.h"
#include "base/worker.h"

enum {
    RING = 128,    /* more than the submissions of a stream that are in flight (core/stream.c) */
    AWAKE = 50000, /* ns of looking before sleeping */
    AWAKE_FOR_DEVICE = 5000000
};

_Thread_local cudaStream_t cuda_stream_now;
_Thread_local unsigned cuda_constant_inputs;

struct backend_stream {
    worker *giver, *teller;
    cudaStream_t stream;
    int device;
    staging staging;
    uint64_t submitted;
    pthread_mutex_t lock; /* of the events */
    pthread_cond_t moved;
    uint64_t given; /* submissions whose end has an event */
    cudaEvent_t ends[RING];
};

typedef struct failure {
    struct failure *next;
    int at;
    char text[];
} failure;

typedef struct {
    worker_job job;
    submission *submission;
    backend_stream *stream;
    uint64_t number;
    failure *failures;
    cuda_status *statuses;
} task;
_Static_assert(sizeof(task) <= sizeof(((submission *)0)->room), "a task fits into a submission");

static atomic_bool lost[MOST_DEVICES];
bool cuda_is_lost(int device) {
    return device >= 0 && device < MOST_DEVICES && atomic_load(&lost[device]);
}

/* ---- making and freeing */

void cuda_stream_free(backend_stream *s) {
    if (!s) return;
    if (s->giver) worker_free(s->giver);
    if (s->teller) worker_free(s->teller);
    cudaSetDevice(s->device);
    for (int i = 0; i < RING; i++)
        if (s->ends[i]) cudaEventDestroy(s->ends[i]);
    cuda_staging_free(&s->staging);
    if (s->stream) cudaStreamDestroy(s->stream);
    cudaGetLastError();
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->moved);
    memory_free(s);
}

static bool make_events(backend_stream *s) {
    for (int i = 0; i < RING; i++)
        if (!cuda_ok(cudaEventCreateWithFlags(&s->ends[i], cudaEventDisableTiming | cudaEventBlockingSync), "an event"))
            return false;
    return true;
}

backend_stream *cuda_stream_new(int device) {
    backend_stream *s =
        device < MOST_DEVICES ? NEW(backend_stream) : (tarn_fail("cuda: %d devices at most", MOST_DEVICES), NULL);
    if (!s) return cuda_report(false), NULL;
    s->device = device;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->moved, NULL);
    bool ok = cuda_use(device) && cuda_ok(cudaStreamCreateWithFlags(&s->stream, cudaStreamNonBlocking), "a stream") &&
              make_events(s) && (s->giver = worker_new()) != NULL && (s->teller = worker_new()) != NULL;
    if (ok) return s;
    cuda_stream_free(s);
    return cuda_report(false), NULL;
}

/* ---- waiting */

/* For a submission of another CUDA stream: until its end has an event, which then holds up this stream, not this
   thread. An event that was used again since belongs to a submission long done. */
static bool await_stream(backend_stream *s, backend_stream *other, uint64_t number) {
    pthread_mutex_lock(&other->lock);
    while (other->given < number) pthread_cond_wait(&other->moved, &other->lock);
    bool ok = other->given - number >= RING ||
              cuda_ok(cudaStreamWaitEvent(s->stream, other->ends[number % RING], 0), "waiting for a stream");
    pthread_mutex_unlock(&other->lock);
    return ok;
}

static bool was_given(const awaited *a) {
    pthread_mutex_lock(&a->stream->lock);
    bool given = a->stream->given >= a->number;
    pthread_mutex_unlock(&a->stream->lock);
    return given;
}

static void await_host(const awaited *a) {
    for (spin s = {0}; atomic_load(a->reached) < a->base + a->number;)
        if (!spin_once(&s, AWAKE)) nanosleep(&(struct timespec){0, 20000}, NULL);
}

static bool await_all(backend_stream *s, const submission *of) {
    bool ok = true;
    for (int i = 0; i < of->wait_count; i++) {
        if (of->waits[i].stream)
            ok = await_stream(s, of->waits[i].stream, of->waits[i].number) && ok;
        else
            await_host(&of->waits[i]);
    }
    return ok;
}

/* ---- giving */

/* Keeps the thread's error until the submission's turn to be told of. Where there is no memory for it the device counts
   as lost: nothing may go unnoticed. */
static void keep_failure(task *t, int at) {
    const char *why = tarn_error() ? tarn_error() : "failed without saying why";
    size_t bytes = strlen(why) + 1;
    char copy[256];
    snprintf(copy, sizeof copy, "%s", why);
    tarn_clear_error();
    failure *f = memory_new(1, sizeof *f + bytes);
    if (f) {
        *f = (failure){.next = t->failures, .at = at};
        memcpy(f->text, copy, bytes < sizeof copy ? bytes : sizeof copy);
        t->failures = f;
    } else {
        atomic_store(&lost[t->stream->device], true);
    }
    tarn_clear_error();
}

bool cuda_launch(const call *c) {
    if (c->row->prepare && !c->prepared) return tarn_fail("%s runs unprepared", c->row->name);
    if (!c->row->run(c)) return false;
    return cuda_ok(cudaGetLastError(), c->row->name);
}

static void give_work(task *t, const submission *s) {
    backend_stream *stream = t->stream;
    if (!cuda_use(stream->device) || !await_all(stream, s)) {
        keep_failure(t, 0);
        atomic_store(&lost[stream->device], true);
    }
    if (atomic_load(&lost[stream->device])) return;
    for (int i = 0; i < s->copy_count; i++)
        if (!cuda_copy(stream->device, &stream->staging, stream->stream, &s->copies[i])) keep_failure(t, -1 - i);
    const bool planned = cuda_plan_has(s->plan, s->call_count);
    if (planned && cuda_plan_launch(s->plan, s->calls, s->bases)) return;
    const unsigned *constants = planned ? cuda_plan_constants(s->plan) : NULL;
    cuda_waits_for_all = constants; /* what nothing in the plan writes may have been written just before it */
    for (int i = 0, taken; i < s->call_count; i += taken) {
        bool ok;
        taken = cuda_launch_next(s->calls + i, s->call_count - i, constants ? constants + i : NULL, &ok);
        for (int k = 0; !ok && k < taken; k++) keep_failure(t, i + k);
    }
    cuda_waits_for_all = false;
}

static void tell(void *context);

static void give(void *context) {
    task *t = context;
    backend_stream *s = t->stream;
    cuda_stream_now = s->stream;
    cuda_device_now = s->device;
    cuda_statuses_now = &t->statuses;
    tarn_clear_error();
    give_work(t, t->submission);
    pthread_mutex_lock(&s->lock);
    if (cudaEventRecord(s->ends[t->number % RING], s->stream) != cudaSuccess) atomic_store(&lost[s->device], true);
    s->given = t->number;
    pthread_cond_broadcast(&s->moved);
    pthread_mutex_unlock(&s->lock);
    t->job = (worker_job){.run = tell, .context = t};
    worker_give(s->teller, &t->job);
}

/* ---- telling */

cudaError_t cuda_await_event(cudaEvent_t event) {
    cudaError_t error = cudaErrorNotReady;
    for (spin s = {0}; (error = cudaEventQuery(event)) == cudaErrorNotReady && spin_once(&s, AWAKE_FOR_DEVICE);) {
    }
    return error == cudaErrorNotReady ? cudaEventSynchronize(event) : error;
}

static void tell_all(submission *s, const char *why) {
    for (int i = 0; i < s->copy_count; i++) s->after(s, -1 - i, why);
    for (int i = 0; i < s->call_count; i++) s->after(s, i, why);
}

/* The list is the last first; the order within a submission does not matter. */
static void tell_failures(task *t, submission *s) {
    for (failure *f = t->failures, *next; f; f = next) {
        next = f->next;
        s->after(s, f->at, f->text);
        memory_free(f);
    }
}

/* A failed wait is an error of the device that nothing cures: the process can use it no more. */
static void tell(void *context) {
    task *t = context;
    submission *s = t->submission;
    int device = t->stream->device;
    cudaSetDevice(device);
    cudaError_t error = cuda_await_event(t->stream->ends[t->number % RING]);
    if (error != cudaSuccess) atomic_store(&lost[device], true);
    tell_failures(t, s);
    cuda_statuses_tell(device, s, t->statuses);
    if (atomic_load(&lost[device])) {
        char why[160];
        snprintf(why, sizeof why, "the device cuda:%d is lost: %s", device, cudaGetErrorString(error));
        tell_all(s, why);
    }
    tarn_clear_error();
    s->done(s);
}

/* Work that takes no longer to give than to hand over: a graph, a few kernels, a few bytes; and nothing on the host has
   to be waited for. */
static bool is_quick(const submission *s) {
    enum { FEW_CALLS = 8, FEW_BYTES = 1 << 16 };
    for (int i = 0; i < s->wait_count; i++)
        if (!s->waits[i].stream || !was_given(&s->waits[i])) return false;
    int64_t bytes = 0;
    for (int i = 0; i < s->copy_count; i++) bytes += s->copies[i].bytes;
    return bytes <= FEW_BYTES && (s->plan || s->call_count <= FEW_CALLS);
}

/* In the calling thread. False: the giver has other work yet. */
static bool run_here(backend_stream *stream, task *t) {
    void *context = cuda_context();
    bool ran = worker_run_here(stream->giver, give, t);
    cuda_give_back(context);
    return ran;
}

void cuda_submit(backend_stream *stream, submission *s) {
    task *t = (task *)(void *)s->room;
    *t = (task){.job = {.run = give, .context = t}, .submission = s, .stream = stream, .number = ++stream->submitted};
    if (is_quick(s) && run_here(stream, t)) return;
    worker_give(stream->giver, &t->job);
}
