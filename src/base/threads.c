/* The pool: callers put jobs into it, workers help with them. Workers wait awake for a while before they sleep. Every
   thread takes the slices of its own part of a job in order, then what is left of the others' parts: cores that share
   memory, or are shared with other programs, are never equally fast. */
#include "base/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/cpu.h"
#include "base/spin.h"
#include "base/start_thread.h"

enum {
    AWAKE = 50000,   /* ns: longer than the gap between two kernels, shorter than anyone notices */
    MOST_JOBS = 16,  /* at a time: a caller who finds no place works alone */
    MOST_SLICES = 8, /* of a part */
    SLICE_BITS = 4,
    PART_BITS = 12
};

typedef struct {
    int64_t count, grain;
    parallel_body body;
    void *context;
    int parts, slices; /* of each part */
} task;

/* A ticket is a job's number, how many parts it has and how many slices each part: what a thread must know before it
   has taken a slice. From then on until that slice is done the job stays as it is. */
typedef struct {
    _Atomic uint64_t ticket; /* 0: nothing to help with */
    atomic_bool taken;       /* by a caller */
    _Atomic int unfinished;  /* slices */
    task task;
    /* Of each part: number of the last job in which somebody took a slice of it, shifted by SLICE_BITS, and how many
     * were taken. */
    _Atomic uint64_t claims[PARALLEL_MOST];
} job;

static struct {
    pthread_mutex_t lock, sleep_lock; /* of starting and ending threads; of `wake` */
    pthread_cond_t wake;
    pthread_t workers[PARALLEL_MOST];
    _Atomic int threads;        /* workers + a caller; 0 before the first use */
    _Atomic int tried;          /* so many threads were wanted when they were last started */
    _Atomic uint64_t numbers;   /* of jobs so far */
    _Atomic uint64_t announced; /* counts changes of what there is to help with */
    _Atomic int callers, sleeping;
    job jobs[MOST_JOBS];
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .sleep_lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static _Atomic int wanted_threads;
static _Thread_local bool inside;
static _Thread_local int fixed_threads;

/* ---- slices */

static int parts_of(uint64_t ticket) {
    return (int)(ticket >> SLICE_BITS & ((1 << PART_BITS) - 1));
}

/* Slices are whole grains, as even as they can be; a part is neighbouring slices. */
static void run_slice(const task *t, int part, int slice, int thread) {
    int64_t grains = (t->count - 1) / t->grain + 1, slices = (int64_t)t->parts * t->slices,
            i = (int64_t)part * t->slices + slice;
    int64_t each = grains / slices, more = grains % slices; /* grains * i / slices, without overflow */
    int64_t begin = each * i + more * i / slices, end = each * (i + 1) + more * (i + 1) / slices;
    if (begin < end) t->body(t->context, begin * t->grain, end == grains ? t->count : end * t->grain, thread, t->parts);
}

/* The next slice of a part that nobody has taken, or -1. */
static int take_slice(job *j, uint64_t ticket, int part) {
    uint64_t fresh = ticket >> (SLICE_BITS + PART_BITS) << SLICE_BITS, last = atomic_load(&j->claims[part]), next;
    uint64_t end = fresh + (ticket & ((1 << SLICE_BITS) - 1));
    do {
        next = (last < fresh ? fresh : last) + 1;
        if (next > end) return -1; /* all taken, or a later job's */
    } while (!atomic_compare_exchange_weak(&j->claims[part], &last, next));
    return (int)(next - fresh) - 1;
}

/* Takes one slice, of the own part first and then of the others', and works on it; false if none was left. */
static bool do_slice(job *j, uint64_t ticket, int thread) {
    int parts = parts_of(ticket);
    for (int i = 0, slice; i < parts; i++) {
        int part = thread + i < parts ? thread + i : thread + i - parts;
        if ((slice = take_slice(j, ticket, part)) < 0) continue;
        run_slice(&j->task, part, slice, thread);
        atomic_fetch_sub_explicit(&j->unfinished, 1, memory_order_release);
        return true;
    }
    return false;
}

/* ---- workers */

static void wake_all(void) {
    if (atomic_load(&pool.sleeping) == 0) return;
    pthread_mutex_lock(&pool.sleep_lock);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.sleep_lock);
}

/* Sleepers are woken only if there is something for them to do. */
static void announce(void) {
    atomic_fetch_add(&pool.announced, 1);
    if (atomic_load(&pool.threads) > atomic_load(&pool.callers)) wake_all();
}

/* Helpers leave as many threads to the callers as there are jobs, so that no core has two of them, and the rest begin
   at different jobs, others with each change. The job to help with, or NULL. */
static job *choose_job(int thread, uint64_t seen, uint64_t *ticket) {
    job *found[MOST_JOBS];
    uint64_t tickets[MOST_JOBS];
    int count = 0;
    for (int i = 0; i < MOST_JOBS; i++) {
        uint64_t t = atomic_load(&pool.jobs[i].ticket);
        if (!t) continue;
        found[count] = &pool.jobs[i];
        tickets[count++] = t;
    }
    if (count == 0 || thread > atomic_load(&pool.threads) - count) return NULL;
    int chosen = (int)((seen + (uint64_t)thread) % (uint64_t)count);
    *ticket = tickets[chosen];
    return thread < parts_of(*ticket) ? found[chosen] : NULL;
}

/* Helps while things are as they were when `seen` was announced; false if there was nothing to do. */
static bool help(int thread, uint64_t seen) {
    uint64_t ticket = 0;
    job *j = choose_job(thread, seen, &ticket);
    bool helped = false;
    while (j && do_slice(j, ticket, thread)) {
        helped = true;
        if (atomic_load(&pool.announced) != seen) break;
    }
    return helped;
}

static void await_change(uint64_t seen) {
    for (spin s = {0}; spin_once(&s, AWAKE);)
        if (atomic_load_explicit(&pool.announced, memory_order_acquire) != seen) return;
    pthread_mutex_lock(&pool.sleep_lock);
    atomic_fetch_add(&pool.sleeping, 1);
    while (atomic_load(&pool.announced) == seen) pthread_cond_wait(&pool.wake, &pool.sleep_lock);
    atomic_fetch_sub(&pool.sleeping, 1);
    pthread_mutex_unlock(&pool.sleep_lock);
}

static void *work(void *argument) {
    int thread = (int)(intptr_t)argument;
    inside = true;
    for (;;) {
        uint64_t seen = atomic_load(&pool.announced);
        if (thread >= atomic_load(&pool.threads)) return NULL;
        if (!help(thread, seen)) await_change(seen);
    }
}

/* Under the lock. */
static void stop_workers(int threads) {
    int before = atomic_load(&pool.threads);
    if (before <= threads) return;
    atomic_store(&pool.threads, threads);
    atomic_fetch_add(&pool.announced, 1);
    wake_all();
    for (int i = threads; i < before; i++) pthread_join(pool.workers[i], NULL);
}

/* Threads that cannot be created are done without. */
static void start_workers(int threads) {
    pthread_mutex_lock(&pool.lock);
    if (atomic_load(&pool.threads) == 0) atomic_store(&pool.threads, 1);
    for (int i = atomic_load(&pool.threads); i < threads; i++) {
        atomic_store(&pool.threads, i + 1); /* before the thread asks whether it is one of them */
        if (start_thread(&pool.workers[i], work, (void *)(intptr_t)i)) continue;
        atomic_store(&pool.threads, i);
        break;
    }
    atomic_store(&pool.tried, threads);
    pthread_mutex_unlock(&pool.lock);
}

static int threads_wanted(void) {
    int n = atomic_load(&wanted_threads);
    if (n == 0) atomic_store(&wanted_threads, n = cpu_thread_count());
    return n;
}

int parallel_threads(void) {
    return fixed_threads ? fixed_threads : threads_wanted();
}

int parallel_fix(int threads) {
    int before = fixed_threads;
    fixed_threads = threads;
    return before;
}

void parallel_set_threads(int n) {
    if (n <= 0) n = cpu_thread_count();
    if (n > PARALLEL_MOST) n = PARALLEL_MOST;
    atomic_store(&wanted_threads, n);
    if (inside) return; /* a worker cannot wait for its own end */
    pthread_mutex_lock(&pool.lock);
    stop_workers(n);
    if (atomic_load(&pool.tried) > n) atomic_store(&pool.tried, n);
    pthread_mutex_unlock(&pool.lock);
}

void parallel_rest(void) {
    if (inside) return;
    pthread_mutex_lock(&pool.lock);
    if (atomic_load(&pool.callers) == 0) {
        stop_workers(1);
        atomic_store(&pool.tried, 0);
    }
    pthread_mutex_unlock(&pool.lock);
}

/* A process that ends has no threads of ours left: tools that look for leaks would report them. */
__attribute__((destructor)) static void rest_at_exit(void) {
    parallel_rest();
}

/* ---- callers */

static job *take_place(void) {
    for (int i = 0; i < MOST_JOBS; i++)
        if (!atomic_load(&pool.jobs[i].taken) && !atomic_exchange(&pool.jobs[i].taken, true)) return &pool.jobs[i];
    return NULL;
}

static void work_alone(const task *t) {
    for (int part = 0; part < t->parts; part++)
        for (int slice = 0; slice < t->slices; slice++) run_slice(t, part, slice, 0);
}

/* Works on the own job to its end. Once the last of several callers is left, those who had made room for the others are
 * called. */
static void share_out(job *j) {
    uint64_t number = atomic_fetch_add(&pool.numbers, 1) + 1;
    uint64_t ticket = (number << PART_BITS | (uint64_t)j->task.parts) << SLICE_BITS | (uint64_t)j->task.slices;
    bool crowded = atomic_fetch_add(&pool.callers, 1) > 0;
    atomic_store(&j->unfinished, j->task.parts * j->task.slices);
    atomic_store(&j->ticket, ticket);
    announce();
    while (do_slice(j, ticket, 0)) {
        if (!crowded || atomic_load(&pool.callers) > 1) continue;
        crowded = false;
        announce();
    }
    atomic_store(&j->ticket, 0);
    if (atomic_fetch_sub(&pool.callers, 1) > 1)
        atomic_fetch_add(&pool.announced, 1); /* helpers that are awake choose again */
    for (spin s = {0}; atomic_load_explicit(&j->unfinished, memory_order_acquire) > 0;)
        if (!spin_once(&s, AWAKE)) sched_yield();
    atomic_store(&j->taken, false);
}

void parallel_for(int64_t count, int64_t grain, parallel_body body, void *context) {
    if (count <= 0) return;
    if (grain < 1) grain = 1;
    int threads = inside || count / 2 < grain ? 1 : parallel_threads();
    if (threads < 2) {
        body(context, 0, count, 0, 1);
        return;
    }
    int wanted = threads_wanted();
    if (atomic_load_explicit(&pool.tried, memory_order_relaxed) < wanted) start_workers(wanted);
    int64_t each = ((count - 1) / grain + 1) / threads;
    task t = {count, grain, body, context, threads, each < 1 ? 1 : each > MOST_SLICES ? MOST_SLICES : (int)each};
    job *j = take_place();
    inside = true;
    if (j) {
        j->task = t;
        share_out(j);
    } else {
        work_alone(&t);
    }
    inside = false;
}

/* ---- fork */

void parallel_before_fork(void) {
    pthread_mutex_lock(&pool.lock);
    pthread_mutex_lock(&pool.sleep_lock);
}

void parallel_after_fork(void) {
    pthread_mutex_unlock(&pool.sleep_lock);
    pthread_mutex_unlock(&pool.lock);
}

void parallel_in_child(void) {
    atomic_store(&pool.threads, 0);
    atomic_store(&pool.tried, 0);
    atomic_store(&pool.callers, 0);
    atomic_store(&pool.sleeping, 0);
    for (int i = 0; i < MOST_JOBS; i++) {
        atomic_store(&pool.jobs[i].ticket, 0);
        atomic_store(&pool.jobs[i].taken, false);
    }
    pthread_cond_init(&pool.wake, NULL); /* the parent's sleepers are not here */
    parallel_after_fork();
}
