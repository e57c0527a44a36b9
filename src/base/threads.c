/* The pool: workers wait for a new generation number, spinning shortly before they sleep. One parallel_for runs at a time; a caller that
   finds the pool busy does its work alone. */
#include "base/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cpu.h"
#include "base/memory.h"

enum { SPIN = 20000 }; /* about 50 µs of pauses: longer than the gap between two kernels, shorter than anyone notices */

typedef struct {
    int64_t count, grain;
    parallel_body body;
    void *context;
    int threads;
} job;

static struct {
    pthread_mutex_t lock; /* held by the caller of the running parallel_for */
    pthread_mutex_t sleep_lock;
    pthread_cond_t wake;
    pthread_t *workers;
    int threads; /* workers + the caller; 0 before the first use */
    _Atomic uint64_t generation;
    _Atomic uint64_t *claims;         /* of each part: the last generation in which somebody took it */
    _Atomic int unfinished, sleeping; /* parts not done; workers asleep */
    _Atomic bool stop;
    job job;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .sleep_lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static _Atomic int wanted_threads;
static _Thread_local bool inside;

static void relax(void) {
    __builtin_ia32_pause();
}

/* Parts are whole grains, as even as they can be. */
static void run_part(const job *j, int thread) {
    int64_t grains = (j->count + j->grain - 1) / j->grain;
    int64_t begin = grains * thread / j->threads * j->grain, end = grains * (thread + 1) / j->threads * j->grain;
    if (end > j->count) end = j->count;
    if (begin < end) j->body(j->context, begin, end, thread, j->threads);
}

/* Does a part if nobody else does. While it is not done the job stays as it is. */
static void take_part(uint64_t generation, int thread) {
    uint64_t last = atomic_load(&pool.claims[thread]);
    if (last >= generation || !atomic_compare_exchange_strong(&pool.claims[thread], &last, generation)) return;
    run_part(&pool.job, thread);
    atomic_fetch_sub_explicit(&pool.unfinished, 1, memory_order_release);
}

static uint64_t await_generation(uint64_t seen) {
    for (int i = 0; i < SPIN; i++, relax())
        if (atomic_load_explicit(&pool.generation, memory_order_acquire) != seen) return atomic_load(&pool.generation);
    pthread_mutex_lock(&pool.sleep_lock);
    atomic_fetch_add(&pool.sleeping, 1);
    while (atomic_load(&pool.generation) == seen) pthread_cond_wait(&pool.wake, &pool.sleep_lock);
    atomic_fetch_sub(&pool.sleeping, 1);
    pthread_mutex_unlock(&pool.sleep_lock);
    return atomic_load(&pool.generation);
}

static uint64_t announce(void) {
    uint64_t generation = atomic_fetch_add(&pool.generation, 1) + 1;
    if (atomic_load(&pool.sleeping) == 0) return generation;
    pthread_mutex_lock(&pool.sleep_lock);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.sleep_lock);
    return generation;
}

typedef struct {
    int thread;
    uint64_t seen;
} worker_start;

static void *work(void *argument) {
    worker_start start = *(worker_start *)argument;
    memory_free(argument);
    inside = true;
    for (;;) {
        start.seen = await_generation(start.seen);
        if (atomic_load(&pool.stop)) return NULL;
        take_part(start.seen, start.thread);
    }
}

static void stop_workers(void) {
    atomic_store(&pool.stop, true);
    announce();
    for (int i = 1; i < pool.threads; i++) pthread_join(pool.workers[i - 1], NULL);
    memory_free(pool.workers);
    memory_free((void *)pool.claims);
    pool.workers = NULL;
    pool.claims = NULL;
    pool.threads = 0;
    atomic_store(&pool.stop, false);
}

/* Threads that cannot be created are done without. */
static void start_workers(int threads) {
    pool.threads = 1;
    pool.workers = NEW_ARRAY(pthread_t, threads);
    pool.claims = memory_new((size_t)threads, sizeof *pool.claims);
    for (int i = 1; pool.workers && pool.claims && i < threads; i++) {
        worker_start *start = NEW(worker_start);
        if (!start) break;
        *start = (worker_start){.thread = i, .seen = atomic_load(&pool.generation)};
        if (pthread_create(&pool.workers[i - 1], NULL, work, start) != 0) {
            memory_free(start);
            break;
        }
        pool.threads++;
    }
}

int parallel_threads(void) {
    int n = atomic_load(&wanted_threads);
    if (n > 0) return n;
    n = cpu_thread_count();
    atomic_store(&wanted_threads, n);
    return n;
}

void parallel_set_threads(int n) {
    atomic_store(&wanted_threads, n > 0 ? n : cpu_thread_count());
}

void parallel_for(int64_t count, int64_t grain, parallel_body body, void *context) {
    if (count <= 0) return;
    if (grain < 1) grain = 1;
    int threads = parallel_threads();
    if (inside || threads < 2 || count < 2 * grain || pthread_mutex_trylock(&pool.lock) != 0) {
        body(context, 0, count, 0, 1);
        return;
    }
    if (pool.threads != threads) {
        if (pool.threads) stop_workers();
        start_workers(threads);
    }
    inside = true;
    pool.job = (job){count, grain, body, context, pool.threads};
    atomic_store(&pool.unfinished, pool.threads - 1);
    uint64_t generation = announce();
    run_part(&pool.job, 0);
    for (int i = 1; i < pool.threads; i++) take_part(generation, i);
    for (int i = 0; atomic_load_explicit(&pool.unfinished, memory_order_acquire) > 0; i++)
        if (i < SPIN)
            relax();
        else
            sched_yield();
    inside = false;
    pthread_mutex_unlock(&pool.lock);
}
