/* A thread that runs jobs one after the other, in the order they were given. The streams of host backends are made of
   these. The thread is there while there are jobs for it: it begins with the first, may be sent home when there are
   none, and does not outlive a fork. */
#ifndef BASE_WORKER_H
#define BASE_WORKER_H

#include <stdbool.h>

typedef struct worker worker;

/* Lives until it is run, and may be freed or given again by what it runs. */
typedef struct worker_job {
    void (*run)(void *context);
    void *context;
    struct worker_job *next; /* the worker's own */
} worker_job;

worker *worker_new(void);
/* Waits for all jobs. */
void worker_free(worker *w);

/* Needs no memory. Where no thread can be created the job is run by the caller. */
void worker_give(worker *w, worker_job *job);
/* Runs the job in the calling thread and returns true if all jobs so far are done; it counts as one of them. */
bool worker_run_here(worker *w, void (*run)(void *context), void *context);

/* Ends the threads of all workers that have nothing to do; the next job starts one again. */
void worker_rest_all(void);

/* Around a fork: in the child no worker has a thread. What was given before must have been waited for. */
void worker_before_fork(void);
void worker_after_fork(void);
void worker_in_child(void);

#endif
