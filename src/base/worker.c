#include "base/worker.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/memory.h"
#include "base/spin.h"
#include "base/start_thread.h"

enum { AWAKE = 10000 /* ns: the gap between two jobs is short, looking is faster than sleeping */ };

struct worker {
    pthread_mutex_t lock;
    pthread_cond_t wake, finished;
    pthread_t thread;
    bool has_thread, stop;
    bool busy;                 /* a job is being run, by the thread or by a caller */
    bool freeing;              /* somebody waits until there is nothing to do */
    worker_job *_Atomic first; /* of those that nobody has begun; NULL: none */
    worker_job *last;
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
    if (w->freeing) pthread_cond_signal(&w->finished);
}

static void run_first(worker *w) {
    worker_job *job = atomic_load(&w->first);
    atomic_store(&w->first, job->next);
    run_job(w, job->run, job->context);
}

static void *work(void *argument) {
    worker *w = argument;
    for (bool more = true; more;) {
        for (spin s = {0}; !atomic_load(&w->first) && spin_once(&s, AWAKE);) {
        }
        pthread_mutex_lock(&w->lock);
        while (w->busy || (!atomic_load(&w->first) && !w->stop)) pthread_cond_wait(&w->wake, &w->lock);
        more = atomic_load(&w->first);
        if (more) run_first(w);
        pthread_mutex_unlock(&w->lock);
    }
    return NULL;
}

/* Sees to it that what waits will be run: by the worker's thread, or, if there can be none, here and now. Under the
 * lock. */
static void go_on(worker *w) {
    if (!atomic_load(&w->first)) return;
    if (!w->has_thread) w->has_thread = start_thread(&w->thread, work, w);
    if (w->has_thread)
        pthread_cond_signal(&w->wake);
    else
        while (atomic_load(&w->first) && !w->busy) run_first(w);
}

/* ---- life */

worker *worker_new(void) {
    worker *w = NEW(worker);
    if (!w) return NULL;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    pthread_cond_init(&w->finished, NULL);
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

static void leave_list(worker *w) {
    pthread_mutex_lock(&list_lock);
    worker **place = &all;
    while (*place != w) place = &(*place)->next;
    *place = w->next;
    pthread_mutex_unlock(&list_lock);
}

void worker_free(worker *w) {
    if (!w) return;
    leave_list(w);
    pthread_mutex_lock(&w->lock);
    w->freeing = true;
    for (go_on(w); atomic_load(&w->first) || w->busy;) pthread_cond_wait(&w->finished, &w->lock);
    send_home(w);
    pthread_mutex_unlock(&w->lock);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->wake);
    pthread_cond_destroy(&w->finished);
    memory_free(w);
}

void worker_rest_all(void) {
    pthread_mutex_lock(&list_lock);
    for (worker *w = all; w; w = w->next) {
        pthread_mutex_lock(&w->lock);
        if (!atomic_load(&w->first) && !w->busy) send_home(w);
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
    if (atomic_load(&w->first))
        w->last->next = job;
    else
        atomic_store(&w->first, job);
    w->last = job;
    go_on(w);
    pthread_mutex_unlock(&w->lock);
}

bool worker_run_here(worker *w, void (*run)(void *context), void *context) {
    pthread_mutex_lock(&w->lock);
    bool idle = !atomic_load(&w->first) && !w->busy;
    if (idle) {
        run_job(w, run, context);
        go_on(w);
    }
    pthread_mutex_unlock(&w->lock);
    return idle;
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
        pthread_cond_init(&w->finished, NULL);
        if (running == w) continue; /* the job that forks goes on */
        w->has_thread = w->stop = w->busy = false;
    }
    worker_after_fork();
}
