/* A thread that runs jobs one after the other, in the order they were given. The streams of host backends are made of these. */
#ifndef BASE_WORKER_H
#define BASE_WORKER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct worker worker;

worker *worker_new(void);
/* Waits for all jobs. */
void worker_free(worker *w);
bool worker_submit(worker *w, void (*run)(void *context), void *context);

/* How many jobs have been given, and done, so far: an event is the number given when it was recorded. */
uint64_t worker_given(worker *w);
bool worker_reached(worker *w, uint64_t job);
void worker_wait(worker *w, uint64_t job);

#endif
