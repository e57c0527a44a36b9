/* Giving work to streams. */
#ifndef CORE_WORK_H
#define CORE_WORK_H

#include "backend/backend.h"
#include "core/stream.h"

/* A submission and what it waits for. The caller fills in what is to be done, `after` and room for as many `waits`, and
   `done`, which calls work_complete before it lets go of the work. */
typedef struct {
    submission s; /* first: the backend hands it back */
    tarn_stream *stream;
    ticket *after;
    int after_count;
    awaited *waits; /* [after_count] */
} work;

/* Gives the work to its stream. Cannot fail; waits while very much of the stream's work is not done. */
ticket stream_submit(work *w);
/* Waits for what the work waited for, and until that has told how it went. */
void work_wait(const work *w);
/* The work is over: its ticket is done from now on, and it may be freed. */
void work_complete(const work *w);

#endif
