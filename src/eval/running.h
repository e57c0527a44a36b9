/* A run, shared by its files: run.c makes it and gets what it needs, launch.c submits it, segment.c is what happens
   while its segments run and afterwards. */
#ifndef EVAL_RUNNING_H
#define EVAL_RUNNING_H

#include "core/move.h"
#include "core/release.h"
#include "core/work.h"
#include "eval/program.h"

typedef struct message {
    struct message *next;
    atomic_int step; /* that failed and was not looked at yet, or -1 */
    error_note why;
    char text[];
} message;

/* A segment on its way. */
typedef struct {
    work w;
    run *run;
    const segment *segment;
} run_segment;

struct run {
    program *p;
    atomic_int users;       /* who need what it holds: the launching thread, segments on their way */
    atomic_int references;  /* who need the object */
    buffer **buffers;       /* of storages; NULL: it lies elsewhere */
    void **bases;           /* addresses */
    bool *valid;            /* of bases: whether what is there was good when it was reserved */
    int64_t *offsets;       /* of storages, in bytes: where an argument begins in its buffer */
    pool_block **scratches; /* until it is launched */
    run_segment *segments;
    call *calls;
    move **moves; /* MOST_MOVES for each that may be needed */
    int move_count, moves_used;
    bool awaited;      /* whoever launched it waits for it */
    bool holds;        /* only the buffers' objects: their memory was given back */
    bool verifies;     /* what it read may turn out not to be what it should have been */
    release_note note; /* of the verification */
    unsigned *earlier; /* of inputs: how many dubious runs wrote it before this one */
    const error_note *_Atomic
        *marks;         /* of storages: why what is in them is not good; segments that run at once may find the same */
    atomic_bool marked; /* any */
    message *_Atomic messages; /* what the marks point to */
};

/* ---- run.c */

/* Whether storage t has a buffer of the run's own. */
bool run_has_buffer(const program *p, size_t t);
/* What a program captured it holds itself, as long as any of its runs lasts. */
bool run_is_lent(const program *p, size_t t);
/* Whether others who need the storage's buffer wait for this run: not those of its inputs that it hands on as they are.
 */
bool run_is_pending_for(const run *r, size_t t);
/* How many tickets a segment can wait for; further ones are waited for by who submits it. */
int run_ticket_room(const segment *s);
/* Whether all foreign memory that the run reads is still what it was. */
bool run_foreign_holds(const run *r);
/* One who needs what it holds does so no more. What is held is let go of before the last segment's ticket is done: who
   has waited for that finds it gone. Checks are the user's: they wait for an entry point. */
void run_let_go(run *r);
void run_finish(run *r);  /* lets go of all of it now */
void run_release(run *r); /* the object */
void run_free(run *r);    /* both */

/* ---- segment.c: before and after each call, and at the end */

bool segment_before_call(submission *s, int i);
void segment_after_call(submission *s, int i, const char *error);
void segment_done(submission *s);
/* Before the run is launched: whether any of its inputs has to be checked afterwards, or may be found wrong then. */
void run_plan_verification(run *r);

#endif
