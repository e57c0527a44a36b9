/* The pool: workers wait for a new job number, spinning shortly before they sleep. One parallel_for runs at a time; a caller that finds
   the pool busy does its work alone. Every thread takes the slices of its own part in order, then what is left of the others' parts: cores
   that share memory, or are shared with other programs, are never equally fast. */
#include "base/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/cpu.h"
#include "base/memory.h"

enum {
    SPIN = 20000,       /* about 50 µs of pauses: longer than the gap between two kernels, shorter than anyone notices */
    MOST_SLICES = 8,    /* of a part */
    TICKET_NUMBERS = 16 /* a ticket is job number * TICKET_NUMBERS + a count of slices */
};

typedef struct {
    int64_t count, grain;
    parallel_body body;
    void *context;
    int threads, slices; /* parts, and slices of each */
} job;

static struct {
    pthread_mutex_t lock; /* held by the caller of the running parallel_for */
    pthread_mutex_t sleep_lock;
    pthread_cond_t wake;
    pthread_t *workers;
    int threads;                /* workers + the caller; 0 before the first use */
    _Atomic uint64_t announced; /* ticket of the newest job: its number and how many slices a part has */
    _Atomic uint64_t *claims;   /* of each part: ticket of the last job in which somebody took a slice of it, and how many were taken */
    _Atomic int unfinished, sleeping; /* slices not done; workers asleep */
    _Atomic bool stop;
    job job;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .sleep_lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static _Atomic int wanted_threads;
static _Thread_local bool inside;

static void relax(void) {
    __builtin_ia32_pause();
}

/* Slices are whole grains, as even as they can be; a part is neighbouring slices. */
static void run_slice(const job *j, int part, int slice, int thread) {
    int64_t grains = (j->count + j->grain - 1) / j->grain, slices = (int64_t)j->threads * j->slices, i = (int64_t)part * j->slices + slice;
    int64_t begin = grains * i / slices * j->grain, end = grains * (i + 1) / slices * j->grain;
    if (end > j->count) end = j->count;
    if (begin < end) j->body(j->context, begin, end, thread, j->threads);
}

/* The next slice of a part that nobody has taken, or -1. While a taken slice is not done the job stays as it is. */
static int take_slice(uint64_t ticket, int part) {
    uint64_t fresh = ticket / TICKET_NUMBERS * TICKET_NUMBERS, last = atomic_load(&pool.claims[part]), next;
    do {
        next = (last < fresh ? fresh : last) + 1;
        if (next > ticket) return -1; /* all taken, or a later job's */
    } while (!atomic_compare_exchange_weak(&pool.claims[part], &last, next));
    return (int)(next - fresh) - 1;
}

/* Own part first, then the neighbours'. */
static void run_slices(uint64_t ticket, int thread) {
    for (int i = 0, slice; i < pool.threads; i++) {
        int part = (thread + i) % pool.threads;
        while ((slice = take_slice(ticket, part)) >= 0) {
            run_slice(&pool.job, part, slice, thread);
            atomic_fetch_sub_explicit(&pool.unfinished, 1, memory_order_release);
        }
    }
}

static uint64_t await_job(uint64_t seen) {
    for (int i = 0; i < SPIN; i++, relax())
        if (atomic_load_explicit(&pool.announced, memory_order_acquire) != seen) return atomic_load(&pool.announced);
    pthread_mutex_lock(&pool.sleep_lock);
    atomic_fetch_add(&pool.sleeping, 1);
    while (atomic_load(&pool.announced) == seen) pthread_cond_wait(&pool.wake, &pool.sleep_lock);
    atomic_fetch_sub(&pool.sleeping, 1);
    pthread_mutex_unlock(&pool.sleep_lock);
    return atomic_load(&pool.announced);
}

static uint64_t announce(int slices) {
    uint64_t ticket = (atomic_load(&pool.announced) / TICKET_NUMBERS + 1) * TICKET_NUMBERS + (uint64_t)slices;
    atomic_store(&pool.announced, ticket);
    if (atomic_load(&pool.sleeping) == 0) return ticket;
    pthread_mutex_lock(&pool.sleep_lock);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.sleep_lock);
    return ticket;
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
        start.seen = await_job(start.seen);
        if (atomic_load(&pool.stop)) return NULL;
        run_slices(start.seen, start.thread);
    }
}

static void stop_workers(void) {
    atomic_store(&pool.stop, true);
    announce(0);
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
        *start = (worker_start){.thread = i, .seen = atomic_load(&pool.announced)};
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

static void share_out(int64_t count, int64_t grain, parallel_body body, void *context) {
    int64_t each = (count + grain - 1) / grain / pool.threads;
    int slices = each < 1 ? 1 : each > MOST_SLICES ? MOST_SLICES : (int)each;
    pool.job = (job){count, grain, body, context, pool.threads, slices};
    atomic_store(&pool.unfinished, pool.threads * slices);
    run_slices(announce(slices), 0);
    for (int i = 0; atomic_load_explicit(&pool.unfinished, memory_order_acquire) > 0; i++)
        if (i < SPIN)
            relax();
        else
            sched_yield();
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
    if (pool.threads > 1)
        share_out(count, grain, body, context);
    else
        body(context, 0, count, 0, 1);
    inside = false;
    pthread_mutex_unlock(&pool.lock);
}
