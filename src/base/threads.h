/* One persistent pool of threads for work that is split by index. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <stdint.h>

/* Works on [begin, end), for thread `thread` of `threads`: one call at a time has the same `thread`. */
typedef void (*parallel_body)(void *context, int64_t begin, int64_t end, int thread, int threads);

/* Splits [0, count) into slices, each a multiple of `grain` but the last, at most eight for each thread, and returns when all are done. The
   caller works too. Work below two grains, and calls from inside a body, run in the caller alone. Where slices begin and end depends only
   on count, grain and the number of threads; which thread has which, on who is free. */
void parallel_for(int64_t count, int64_t grain, parallel_body body, void *context);

int parallel_threads(void);
/* Uses n threads from now on (0: what the machine allows). Not while work is running. */
void parallel_set_threads(int n);

#endif
