/* One persistent pool of threads for work that is split by index. */
#ifndef BASE_THREADS_H
#define BASE_THREADS_H

#include <stdint.h>

/* Called once for each part of [0, count): thread `thread` of `threads` works on [begin, end). */
typedef void (*parallel_body)(void *context, int64_t begin, int64_t end, int thread, int threads);

/* Splits [0, count) statically into at most one contiguous part a thread, each a multiple of `grain` but the last, and returns when all are
   done. The caller works too. Work below two grains, and calls from inside a body, run in the caller alone. Which thread has which part
   depends only on count, grain and the number of threads. */
void parallel_for(int64_t count, int64_t grain, parallel_body body, void *context);

int parallel_threads(void);
/* Uses n threads from now on (0: what the machine allows). Not while work is running. */
void parallel_set_threads(int n);

#endif
