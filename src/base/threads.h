/* One persistent pool of threads for work that is split by index. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <stdint.h>

/* Works on [begin, end), for thread `thread` of `threads`: one call at a time has the same `thread`. */
typedef void (*parallel_body)(void *context, int64_t begin, int64_t end, int thread, int threads);

/* Splits [0, count) into slices, each a multiple of `grain` but the last, at most eight for each thread, and returns
   when all are done. The caller works too. Work below two grains, and calls from inside a body, run in the caller
   alone. Several callers share the pool evenly. Where slices begin and end depends only on count, grain and the number
   of threads; which thread has which, on who is free. */
void parallel_for(int64_t count, int64_t grain, parallel_body body, void *context);

/* How many threads a parallel_for of this thread is split for. */
int parallel_threads(void);
/* Uses n threads from now on (0: what the machine allows), at most PARALLEL_MOST. Any time: running work goes on with
   fewer threads, or does not use the new ones. */
enum { PARALLEL_MOST = 1024 };
void parallel_set_threads(int n);
/* The calling thread's own number (0: none), for which workspace has been measured: then its work is split for so many,
   whatever parallel_set_threads says meanwhile. Returns the one before. */
int parallel_fix(int threads);

/* Ends the pool's threads if none of them works; the next parallel_for starts them again. */
void parallel_rest(void);

/* Around a fork: in the child there are no threads, and no work. */
void parallel_before_fork(void);
void parallel_after_fork(void);
void parallel_in_child(void);

#endif
