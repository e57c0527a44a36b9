/* Compiled functions, shared by their files: compiled.c is what users call, state.c hands state in and out, plan.c
   describes calls and makes plans, kept_trace.c keeps traces, captures.c computes what a function
   captured, replay.c runs a plan. */
#ifndef EVAL_COMPILED_H
#define EVAL_COMPILED_H

#include <stdatomic.h>

#include "core/release.h"
#include "core/results.h"
#include "eval/cache.h"
#include "eval/program.h"
#include "ops/recording.h"
#include "tarn/transform.h"

typedef struct {
    cached cached;
    program *program;
    int output_count; /* the function's results, and then the new state */
    int state_count;
    array_type *types; /* of all outputs */
    attachment *attached;
} plan;

/* A trace that is kept: plans for arguments that lie otherwise in memory, and of a function that is .shapeless for
   other shapes, are made of it. */
typedef struct {
    cached cached;
    recording recording;
    bool shapeless;
    int state_count;
    attachment *attached;
} kept_trace;

struct tarn_compiled {
    release_note note;                                    /* of `release`; first */
    atomic_int references;                                /* the caller's and one for each call */
    tarn_function user;                                   /* as it was given */
    tarn_function function;                               /* with the state as its last inputs and results */
    bool (*collect)(void *context, tarn_results *leaves); /* NULL: no state. The context is that of `function` */
    bool (*store)(void *context, tarn_array *const *leaves, int count);
    void (*release)(void *context);
    tarn_array ***variables; /* the state, if it is in variables */
    int variable_count;
    int64_t *donate;
    int donate_count;
    bool shapeless;

    cache plans, traces; /* this and what follows: under the schedule lock */
    int64_t hits;
};

typedef enum { KEPT, DONATED, GIVEN_IF_ALONE, LEFT_TO_CALL } donation;

/* One call. */
typedef struct {
    tarn_compiled *c;
    int input_count, count; /* the arguments; these and then the leaves of the state */
    tarn_array **values;
    tarn_results leaves; /* holds those of the state */
    donation *donate;    /* what the caller gives away */
    bool *donated;       /* and what of it can be taken */
    tarn_compiled_call_options options;
    cache_key key;
    tarn_results *results;
    kept_trace *trace; /* of a call that was put off: plans are made of it */
    node *node;        /* and its outputs get the values; else NULL */
} plan_call;

/* compiled.c: an object goes with its last call. */
void compiled_retain(tarn_compiled *c);
void compiled_release(tarn_compiled *c);
/* Room for so many arguments, and its end, also after a failure. */
bool compiled_reserve(plan_call *request, int count);
void compiled_end(plan_call *request);
/* Runs the plan for a call, makes one first if there is none. */
bool compiled_run(plan_call *request);

/* state.c: a call's leaves are collected into a list of the caller's, which it clears. */
bool state_check(const tarn_compile_options *o);
bool state_in_variables(tarn_compiled *c, const tarn_compile_options *o);
bool state_collect(const tarn_compiled *c, tarn_results *leaves);
bool state_store(const tarn_compiled *c, tarn_array *const *leaves, int count);
/* The compiled function (the context) with its state as inputs and results. */
bool state_call(void *context, tarn_array *const *inputs, int count, tarn_results *results);

/* plan.c */
/* What the call looks like now, into its key: dtypes, shapes, strides, alignment, streams, which arguments may be
   overwritten, the caller's bytes. Under the schedule lock. */
bool plan_describe(plan_call *request);
/* What of that the function saw when it was traced; or what it would see with arguments of any size. */
bool plan_describe_seen(const plan_call *request, bool sizes, cache_key *key);
/* The trace for a call of these dtypes and shapes, retained; made if need be. NULL on failure. */
kept_trace *plan_trace(plan_call *request);
/* Traces the function, with no lock held. If another thread has made the same plan meanwhile, that stays. */
bool plan_make(plan_call *request);
void plan_release(plan *p);
/* The function of which this thread makes a plan, or NULL. */
const tarn_compiled *plan_in_making(void);

/* kept_trace.c: the trace that was kept for a call like this, retained, or NULL (also without memory: with the error
   set). */
kept_trace *kept_trace_find(const plan_call *request);
/* Keeps a trace; `sizes`: for these shapes alone. Returns it, retained, or NULL on failure. */
kept_trace *kept_trace_add(const plan_call *request, const traced_function *t, bool sizes);
/* Whether its arrays have the shapes of this call. */
bool kept_trace_fits(const kept_trace *k, const plan_call *request);
kept_trace *kept_trace_retain(kept_trace *k);
void kept_trace_release(kept_trace *k);
/* The function once more (the context), as a callback. */
bool kept_trace_call(void *context, tarn_array *const *inputs, int count, tarn_results *results);

/* captures.c: computes what the outputs of a trace read, is not part of it, and somebody outside holds; and small
   arrays that are the same at every call. */
bool captures_compute(const traced_function *t);

/* later.c: puts a call off. Its node's outputs are the results and the new state. */
bool later_begin(plan_call *request);
/* Of a node that another thread is computing, or has computed: under the schedule lock. */
bool later_is_done(const node *n);

/* replay.c: one try. *found: there was a plan; else one has to be made. `made`: it was, for this call. */
run_state plan_replay(plan_call *request, bool made, bool *found);

#endif
