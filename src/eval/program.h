/* A program: what evaluating a graph, or calling a compiled function, does. It is made once from a graph (schedule.c) and run any number of
   times (run.c). It knows no nodes: values stand on storages, steps are kernel calls whose pointers are filled in when it runs. */
#ifndef EVAL_PROGRAM_H
#define EVAL_PROGRAM_H

#include "backend/backend.h"
#include "base/arena.h"
#include "base/vector.h"
#include "core/array.h"
#include "ops/view.h"

typedef struct {
    int storage;
    tarn_dtype dtype;
    array_layout at;
} value;

typedef struct {
    int64_t bytes;
    int input;           /* index into inputs, -1 for memory of the program's own */
    bool donated;        /* an input whose memory the program may overwrite or free */
    bool exported;       /* outlives the run */
    tarn_stream *stream; /* that uses it; NULL: none yet */
    bool unaligned;      /* an input in host memory that is not aligned for its dtype */
    bool shared;         /* by several streams: neither overwritten nor freed before the end */
    int pending;         /* while scheduling: uses to come */
    bool freed;          /* while scheduling: a step frees it */
} storage;

typedef struct {
    op_id op;
    void *attributes; /* owned */
    int input_count, output_count;
    int *inputs, *outputs; /* values; -1: absent, or not wanted */
    const kernel_row *row;
    const group_program *group;
    tarn_stream *stream;
    bool updates; /* output 0 is written over input 0 */
    int *frees;   /* storages whose last use this is */
    int free_count;
    int64_t workspace;
} step;

/* What an input storage stands on when the program runs. */
typedef struct {
    buffer *captured; /* held by the program; NULL: argument `argument` */
    int argument;
    int storage;
} program_input;

typedef struct program {
    atomic_int references;
    arena memory;
    VECTOR(value) values;
    VECTOR(storage) storages;
    VECTOR(step) steps;
    VECTOR(program_input) inputs;
    VECTOR(int) outputs; /* values, in the order of the roots */
    int64_t copies;      /* steps that only change a layout */
} program;

/* How an array of a graph enters and leaves. Both run under the schedule lock. */
typedef struct {
    bool plan;                    /* roots are the outputs of a traced function: only they get values, and nothing of the graph changes */
    tarn_array *const *leaves;    /* plan: the OP_argument leaves by index; those of another trace have no value here */
    tarn_array *const *arguments; /* plan: the values that stand for them, with data: their strides are part of the plan */
    int argument_count;
    const bool *donated; /* plan: arguments that may be overwritten */
} schedule_options;

/* Makes a program of the graph above the roots. For an evaluation (not a plan) the caller then runs it and calls schedule_commit, which
   gives arrays their values; for a plan the values of the roots are in outputs. NULL on failure. */
typedef struct schedule schedule;
program *schedule_make(tarn_array *const *roots, int count, schedule_options options, schedule **notes);
/* After program_run: gives the computed arrays their buffers. */
void schedule_commit(schedule *s, buffer *const *buffers);
void schedule_free(schedule *s);
void program_release(program *p);

/* The row that serves a call on a device, or NULL. Looks at shapes, dtypes and strides only. */
const kernel_row *find_row(int slot, const call *c);

/* Runs a program. arguments[i]: the buffer of argument i (borrowed), in which it begins at byte offsets[i]. On success buffers_out[s] is
   the buffer of each exported storage, a reference of the caller's; others are NULL. The array is the caller's (memory_free). Work is only
   submitted; the run holds the program until it is done. */
bool program_run(program *p, buffer *const *arguments, const int64_t *offsets, buffer ***buffers_out);

bool program_print(const program *p, text *out);

#endif
