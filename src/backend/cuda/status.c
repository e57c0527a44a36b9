/* What kernels find out that makes a call fail. A call takes two words in device memory, all bits set: a kernel lowers
   the first to say that, and where, something is wrong, and may leave a number in the second. Behind the call they are
   copied home, and once the submission is over the call is told of as failed, in words that a function of its row
   finds. */
#include "cuda/cuda.h"

#include <pthread.h>
#include <stdio.h>

#include "base/memory.h"

enum { CHUNK = 64, WORDS = 2 };

struct cuda_status {
    cuda_status *next;
    const call *call;
    status_sayer say;
    uint64_t *words, *home;
};

/* Statuses of a device, kept for further calls. */
typedef struct chunk {
    struct chunk *next;
    uint64_t *words, *home;
    cuda_status statuses[CHUNK];
} chunk;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static cuda_status *spare[MOST_DEVICES];
static chunk *chunks; /* reachable as long as the process lives */

_Thread_local cuda_status **cuda_statuses_now;

/* Under the lock. */
static bool make_spare(int device) {
    chunk *c = NEW(chunk);
    if (!c) return false;
    bool ok = cuda_ok(cudaMalloc((void **)&c->words, CHUNK * WORDS * sizeof *c->words), "memory for statuses") &&
              cuda_ok(cudaHostAlloc((void **)&c->home, CHUNK * WORDS * sizeof *c->home, 0), "memory for statuses");
    if (!ok) {
        cudaFree(c->words);
        memory_free(c);
        return false;
    }
    for (int i = 0; i < CHUNK; i++) {
        c->statuses[i] =
            (cuda_status){.next = spare[device], .words = c->words + WORDS * i, .home = c->home + WORDS * i};
        spare[device] = &c->statuses[i];
    }
    c->next = chunks;
    chunks = c;
    return true;
}

static cuda_status *take_spare(int device) {
    pthread_mutex_lock(&lock);
    cuda_status *s = spare[device] || make_spare(device) ? spare[device] : NULL;
    if (s) spare[device] = s->next;
    pthread_mutex_unlock(&lock);
    return s;
}

static void give_back(int device, cuda_status *s) {
    pthread_mutex_lock(&lock);
    s->next = spare[device];
    spare[device] = s;
    pthread_mutex_unlock(&lock);
}

static bool is_recorded(void) {
    enum cudaStreamCaptureStatus now = cudaStreamCaptureStatusNone;
    return cudaStreamIsCapturing(cuda_stream_now, &now) != cudaSuccess || now != cudaStreamCaptureStatusNone;
}

cuda_status *cuda_status_new(const call *c, status_sayer say) {
    if (is_recorded()) return tarn_fail("%s may fail while it runs: it cannot be part of a graph", c->row->name), NULL;
    cuda_status *s = take_spare(cuda_device_now);
    if (!s) return NULL;
    s->call = c;
    s->say = say;
    s->home[0] = UINT64_MAX;
    s->next = *cuda_statuses_now;
    *cuda_statuses_now = s;
    bool ok = cuda_ok(cudaMemsetAsync(s->words, 0xFF, WORDS * sizeof *s->words, cuda_stream_now), "a status");
    return ok ? s : NULL;
}

uint64_t *cuda_status_words(const cuda_status *s) {
    return s->words;
}

bool cuda_status_send(const cuda_status *s) {
    return cuda_ok(
        cudaMemcpyAsync(s->home, s->words, WORDS * sizeof *s->words, cudaMemcpyDeviceToHost, cuda_stream_now),
        "a status");
}

/* The error goes to the library with its kind; `after` takes it from there. */
static void tell_status(submission *of, const cuda_status *s) {
    char why[512];
    if (s->home[0] == UINT64_MAX) return;
    s->say(s->call, s->home);
    snprintf(why, sizeof why, "%s", tarn_error() ? tarn_error() : "failed without saying why");
    cuda_report(false);
    of->after(of, (int)(s->call - of->calls), why);
}

void cuda_statuses_tell(int device, submission *of, cuda_status *list) {
    for (cuda_status *next; list; list = next) {
        next = list->next;
        tell_status(of, list);
        give_back(device, list);
    }
}
