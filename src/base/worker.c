#include "base/worker.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "base/spin.h"

/* Nanoseconds awake: a worker before it sleeps, and who waits for it. */
enum { IDLE_AWAKE = 10000, WAIT_AWAKE = 50000 };

struct worker {
    pthread_mutex_t lock;
    pthread_cond_t wake, progress;
    pthread_t thread;
    bool has_thread, stop;
    bool busy;                /* a job is being run, by the thread or by a caller */
    worker_job *first, *last; /* jobs that nobody has begun */
    int waiting;              /* threads asleep until there is progress */
    _Atomic uint64_t given, done;
    worker *next; /* in the list of all */
};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static worker *all;
static _Thread_local const worker *running; /* whose job this thread runs */

/* Under the lock, which is let go of meanwhile. */
static void run_job(worker *w, void (*run)(void *context), void *context) {
    const worker *outer = running;
    w->busy = true;
    running = w;
    pthread_mutex_unlock(&w->lock);
    run(context);
    pthread_mutex_lock(&w->lock);
    running = outer;
    w->busy = false;
    atomic_fetch_add(&w->done, 1);
    if (w->waiting) pthread_cond_broadcast(&w->progress);
}

static void run_first(worker *w) {
    worker_job *job = w->first, copy = *job;
    w->first = job->next;
    if (copy.owned) memory_free(job); /* any other may be gone once it has begun */
    run_job(w, copy.run, copy.context);
}

static void *work(void *argument) {
    worker *w = argument;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        if (!w->first && !w->stop) {
            pthread_mutex_unlock(&w->lock);
            for (spin s = {0}; atomic_load(&w->given) == atomic_load(&w->done) && spin_once(&s, IDLE_AWAKE);) {
            }
            pthread_mutex_lock(&w->lock);
        }
        while (w->busy || (!w->first && !w->stop)) pthread_cond_wait(&w->wake, &w->lock);
        if (!w->first) break;
        run_first(w);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* Sees to it that what waits will be run: by the worker's thread, or, if there can be none, here and now. Under the lock. */
static void go_on(worker *w) {
    if (!w->first) return;
    if (!w->has_thread) w->has_thread = pthread_create(&w->thread, NULL, work, w) == 0;
    if (w->has_thread)
        pthread_cond_signal(&w->wake);
    else
        while (w->first && !w->busy) run_first(w);
}

/* ---- life */

worker *worker_new(void) {
    worker *w = NEW(worker);
    if (!w) return NULL;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    pthread_cond_init(&w->progress, NULL);
    pthread_mutex_lock(&list_lock);
    w->next = all;
    all = w;
    pthread_mutex_unlock(&list_lock);
    return w;
}

/* The thread finishes what it has; what is given meanwhile another one does. Under the lock. */
static void send_home(worker *w) {
    if (!w->has_thread || w->stop) return;
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    pthread_mutex_lock(&w->lock);
    w->stop = w->has_thread = false;
    go_on(w);
}

void worker_free(worker *w) {
    if (!w) return;
    worker_wait(w, atomic_load(&w->given));
    pthread_mutex_lock(&list_lock);
    worker **place = &all;
    while (*place != w) place = &(*place)->next;
    *place = w->next;
    pthread_mutex_unlock(&list_lock);
    pthread_mutex_lock(&w->lock);
    send_home(w);
    pthread_mutex_unlock(&w->lock);
    pthread_mutex_destroy(&w->lock);
    memory_free(w);
}

void worker_rest_all(void) {
    pthread_mutex_lock(&list_lock);
    for (worker *w = all; w; w = w->next) {
        pthread_mutex_lock(&w->lock);
        if (!w->first && !w->busy) send_home(w);
        pthread_mutex_unlock(&w->lock);
    }
    pthread_mutex_unlock(&list_lock);
}

/* A process that ends has no threads of ours left: tools that look for leaks would report them. */
__attribute__((destructor)) static void rest_at_exit(void) {
    worker_rest_all();
}

/* ---- jobs */

void worker_give(worker *w, worker_job *job) {
    job->next = NULL;
    pthread_mutex_lock(&w->lock);
    if (w->first)
        w->last->next = job;
    else
        w->first = job;
    w->last = job;
    atomic_fetch_add(&w->given, 1);
    go_on(w);
    pthread_mutex_unlock(&w->lock);
}

bool worker_submit(worker *w, void (*run)(void *context), void *context) {
    worker_job *job = NEW(worker_job);
    if (!job) return false;
    *job = (worker_job){.run = run, .context = context, .owned = true};
    worker_give(w, job);
    return true;
}

bool worker_run_here(worker *w, void (*run)(void *context), void *context) {
    pthread_mutex_lock(&w->lock);
    bool idle = !w->first && !w->busy;
    if (idle) {
        atomic_fetch_add(&w->given, 1);
        run_job(w, run, context);
        go_on(w);
    }
    pthread_mutex_unlock(&w->lock);
    return idle;
}

uint64_t worker_given(worker *w) {
    return atomic_load(&w->given);
}

bool worker_reached(worker *w, uint64_t job) {
    return atomic_load(&w->done) >= job;
}

void worker_wait(worker *w, uint64_t job) {
    if (running == w) return;
    for (spin s = {0}; !worker_reached(w, job);) {
        if (spin_once(&s, WAIT_AWAKE)) continue;
        pthread_mutex_lock(&w->lock);
        go_on(w); /* after a fork there may be jobs and no thread */
        w->waiting++;
        while (!worker_reached(w, job)) pthread_cond_wait(&w->progress, &w->lock);
        w->waiting--;
        pthread_mutex_unlock(&w->lock);
    }
}

/* ---- fork */

void worker_before_fork(void) {
    pthread_mutex_lock(&list_lock);
    for (worker *w = all; w; w = w->next) pthread_mutex_lock(&w->lock);
}

void worker_after_fork(void) {
    for (worker *w = all; w; w = w->next) pthread_mutex_unlock(&w->lock);
    pthread_mutex_unlock(&list_lock);
}

void worker_in_child(void) {
    for (worker *w = all; w; w = w->next) {
        pthread_cond_init(&w->wake, NULL); /* who waited is not here */
        pthread_cond_init(&w->progress, NULL);
        w->waiting = 0;
        if (running == w) continue; /* the job that forks goes on */
        w->has_thread = w->stop = false;
        if (w->busy) atomic_fetch_add(&w->done, 1);
        w->busy = false;
    }
    worker_after_fork();
}
