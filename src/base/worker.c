#include "base/worker.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "base/vector.h"
#include "tarn/error.h"

enum { SPIN = 4000 }; /* about 10 µs */

typedef struct {
    void (*run)(void *context);
    void *context;
} job;

struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake, progress;
    VECTOR(job) queue, running; /* the thread takes the whole queue at once */
    _Atomic uint64_t given, done;
    _Atomic uint64_t awaited; /* the first job that a thread waits for: written before `done` is read, read after `done` is counted */
    bool stop;
};

static bool take_jobs(worker *w) {
    for (int i = 0; i < SPIN && atomic_load(&w->given) == atomic_load(&w->done); i++) __builtin_ia32_pause();
    pthread_mutex_lock(&w->lock);
    while (w->queue.count == 0 && !w->stop) pthread_cond_wait(&w->wake, &w->lock);
    __typeof__(w->queue) taken = w->queue;
    w->queue.items = w->running.items;
    w->queue.capacity = w->running.capacity;
    w->queue.count = 0;
    w->running.items = taken.items;
    w->running.capacity = taken.capacity;
    w->running.count = taken.count;
    pthread_mutex_unlock(&w->lock);
    return w->running.count > 0;
}

static void *work(void *context) {
    worker *w = context;
    while (take_jobs(w)) {
        for (size_t i = 0; i < w->running.count; i++) {
            w->running.items[i].run(w->running.items[i].context);
            atomic_fetch_add(&w->done, 1);
            if (atomic_load(&w->done) < atomic_load(&w->awaited)) continue;
            pthread_mutex_lock(&w->lock);
            atomic_store(&w->awaited, UINT64_MAX); /* who waits for a later one says so again */
            pthread_cond_broadcast(&w->progress);
            pthread_mutex_unlock(&w->lock);
        }
    }
    return NULL;
}

worker *worker_new(void) {
    worker *w = NEW(worker);
    if (!w) return NULL;
    w->awaited = UINT64_MAX;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    pthread_cond_init(&w->progress, NULL);
    if (pthread_create(&w->thread, NULL, work, w) == 0) return w;
    tarn_fail("cannot create a thread");
    memory_free(w);
    return NULL;
}

void worker_free(worker *w) {
    if (!w) return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    vector_free(&w->queue);
    vector_free(&w->running);
    memory_free(w);
}

bool worker_submit(worker *w, void (*run)(void *context), void *context) {
    job j = {run, context};
    pthread_mutex_lock(&w->lock);
    bool ok = vector_push(&w->queue, j);
    if (ok) atomic_fetch_add(&w->given, 1);
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    return ok;
}

uint64_t worker_given(worker *w) {
    return atomic_load(&w->given);
}

bool worker_reached(worker *w, uint64_t n) {
    return atomic_load(&w->done) >= n;
}

void worker_wait(worker *w, uint64_t n) {
    if (pthread_equal(pthread_self(), w->thread)) return; /* a job's clean-up: all before it is done, itself it cannot await */
    for (int i = 0; i < SPIN; i++) {
        if (worker_reached(w, n)) return;
        __builtin_ia32_pause();
    }
    pthread_mutex_lock(&w->lock);
    for (;;) {
        if (n < atomic_load(&w->awaited)) atomic_store(&w->awaited, n);
        if (worker_reached(w, n)) break;
        pthread_cond_wait(&w->progress, &w->lock);
    }
    pthread_mutex_unlock(&w->lock);
}
