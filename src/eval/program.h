/* A program: what evaluating a graph, or calling a compiled function, does. It is made once from a graph (schedule.c)
   and run any number of times (run.c). It knows no nodes: values stand on storages, steps are kernel calls whose
   pointers are filled in when it runs. */
#ifndef EVAL_PROGRAM_H
#define EVAL_PROGRAM_H

#include "backend/backend.h"
#include "base/arena.h"
#include "base/vector.h"
#include "core/array.h"
#include "core/lock.h"
#include "ops/view.h"
#include "eval/later.h"

enum { LARGEST_ELEMENT = 8 };

/* How `bytes` into a host address are aligned: a power of two up to LARGEST_ELEMENT. */
static inline int alignment_at(const void *host, int64_t bytes) {
    uintptr_t at = (uintptr_t)host + (uintptr_t)bytes;
    int alignment = LARGEST_ELEMENT;
    while (at % (uintptr_t)alignment) alignment /= 2;
    return alignment;
}

typedef struct {
    int storage;
    tarn_dtype dtype;
    array_layout at;
} value;

typedef struct {
    int64_t bytes;
    int input;           /* index into inputs, -1 for memory of the program's own */
    bool donated;        /* an input whose memory the program may overwrite */
    bool written;        /* by a step: asked of inputs that were moved only (schedule.c) */
    bool exported;       /* outlives the run */
    tarn_stream *stream; /* that uses it; NULL: none yet */
    int alignment; /* in bytes, of its first element: of an input in mapped memory perhaps less than its dtype's or a
                      view's */
    bool shared;   /* by several streams: not overwritten, and in a buffer of its own */
    int pending;   /* while scheduling: uses to come */

    int first, last; /* the steps that write it first and use it last (memory_plan.c); an input's first is -1, a
                        result's last is the end */
    int within;      /* the storage in whose buffer it lies: itself, if it has one; or ON_SCRATCH(i) */
    int64_t at;      /* in bytes, there */
    int bases;       /* the first of its bases, -1: none (seal.c) */
} storage;
#define ON_SCRATCH(i) (-1 - (i))

typedef struct {
    op_id op;
    void *attributes; /* owned */
    int input_count, output_count;
    int *inputs, *outputs; /* values; -1: absent, or not wanted */
    const kernel_row *row;
    const group_program *group;
    tarn_stream *stream;
    bool updates;        /* output 0 is written over input 0 */
    unsigned last_reads; /* bits of inputs that nothing reads afterwards (memory_plan.c) */
    int after;           /* 1 + the value of the effect that must come before, on whatever stream; 0: none */
    operand_place after_place;
    int64_t workspace, workspace_at; /* in bytes; in the scratch of its stream */
    int scratch;                     /* which that is */
} step;

/* An operand of a value, less its address. Field by field: a temporary is slower to copy than to make. */
static inline void describe_operand(operand *o, const value *v) {
    o->dtype = v->dtype;
    o->ndim = v->at.ndim;
    o->shape = v->at.shape;
    o->strides = v->at.strides;
}

/* The step as a call whose operands lie in `room`, inputs first. */
static inline call step_call(const step *st, operand *room) {
    return (call){.op = st->op,
                  .last_reads = st->last_reads,
                  .attributes = st->attributes,
                  .input_count = st->input_count,
                  .output_count = st->output_count,
                  .inputs = room,
                  .outputs = room + st->input_count,
                  .program = st->group,
                  .row = st->row};
}

/* What an input storage stands on when the program runs. */
typedef struct {
    buffer *captured; /* held by the program; NULL: argument `argument` */
    int argument;
    int storage;
} program_input;

/* Memory for what lives within a run and is used by one stream: one block, borrowed from the pool for the run. */
typedef struct {
    tarn_stream *stream;
    int64_t bytes;
} scratch;

/* A block of memory that operands point into: the copy of a storage's buffer on a device, or scratch. */
typedef struct {
    int storage; /* or ON_SCRATCH(i) */
    int slot;
    int next; /* of the same storage, on another device */
} program_base;

/* What a segment does with a buffer. */
typedef struct {
    int base;
    bool reads; /* what is there when it begins */
    bool writes;
} segment_use;

/* Neighbouring steps on one stream: what is submitted in one piece. */
typedef struct {
    tarn_stream *stream;
    int first, count; /* steps, and calls */
    ptrdiff_t first_place;
    int first_use, use_count;
    backend_plan *plan;
} segment;

typedef struct program {
    atomic_int references;
    arena memory;
    VECTOR(value) values;
    VECTOR(storage) storages;
    VECTOR(step) steps;
    VECTOR(program_input) inputs;
    VECTOR(int) outputs; /* values, in the order of the roots */
    int64_t copies;      /* steps that only change a layout */

    VECTOR(scratch) scratches;
    VECTOR(program_base) bases;
    VECTOR(segment) segments;
    VECTOR(segment_use) uses;
    call *calls; /* one a step; their operands have no addresses yet */
    operand *operands;
    operand_place *places; /* of each call: inputs, outputs, workspace */
    int operand_count;
    int64_t elements; /* that the calls read and write: how much work it is, roughly */
    int threads;      /* that the steps' workspace is for */
    bool once;        /* run a single time: the run may use its calls as they lie here */
} program;

/* Where value v lies. */
static inline storage *storage_of(const program *p, int v) {
    return &p->storages.items[p->values.items[v].storage];
}

/* How an array of a graph enters and leaves. Both run under the schedule lock. */
typedef struct {
    bool plan; /* roots are the outputs of a traced function: only they get values, and nothing of the graph changes */
    tarn_array *const *leaves; /* plan: the OP_argument leaves by index; those of another trace have no value here */
    tarn_array *const
        *arguments; /* plan: the values that stand for them, with data: their strides are part of the plan */
    int argument_count;
    const bool *donated; /* plan: arguments that may be overwritten */
    later_calls *calls;  /* evaluation: those that have to run before a program can be made; there is none then */
    bool reads; /* the caller reads values, in the middle of an expression perhaps: what it moved keeps its value where
                   it can */
} schedule_options;

/* Makes a program of the graph above the roots. For an evaluation (not a plan) the caller claims what it computes and
   takes, runs it, and commits or rolls back; for a plan the values of the roots are in outputs. NULL on failure. Under
   the lock. */
typedef struct schedule schedule;
typedef struct run run;
program *schedule_make(tarn_array *const *roots, int count, schedule_options options, schedule **notes);
void schedule_free(schedule *s);
program *program_new(void); /* empty */
program *program_retain(program *p);
void program_release(program *p);

/* Gives the arrays that will be computed the buffers of the run, and takes away what it may overwrite. Under the lock,
 * as are the others.
 */
void schedule_claim(schedule *s, const run *r);
/* The run was launched: nodes that are not needed any more forget their inputs. Frees the schedule. */
void schedule_commit(schedule *s);
/* It was not: everything is as before. Frees the schedule. */
void schedule_roll_back(schedule *s, const run *r);

/* Decides where storages lie (memory_plan.c) and what is submitted (seal.c): the end of making a program. */
bool program_plan_memory(program *p);
bool program_seal(program *p);
/* Readies kernels and, for programs that run many times, whole segments. Outside the lock. */
bool program_prepare(program *p);

/* The row that serves a call on a device, or NULL. Looks at shapes, dtypes and strides only. */
const kernel_row *find_row(int slot, const call *c);
/* Before a step's row is asked in this thread: what it says is to be true of the step's device. */
void face_device(const step *st);

/* Running a program. arguments[i]: the buffer of argument i (retained), in which it begins at byte offsets[i]. The
   caller's hold on the program becomes the run's. NULL on failure, and then that is given up. */
run *run_new(program *p, buffer *const *arguments, const int64_t *offsets);
/* The buffer of an input, a shared or an exported storage, borrowed. The exported ones are pending until the run is
 * launched. */
buffer *run_buffer(const run *r, int storage);
/* Gets all that the run needs: what can fail, fails here. RUN_AGAIN: what an input was to be computed by has been given
   up. Between fork_hold and fork_allow; u takes back, with the run, what it was begun for. */
typedef enum { RUN_READY, RUN_FAILED, RUN_AGAIN } run_state;
run_state run_reserve(run *r, fork_undo *u);
/* Submits it, which cannot fail, and lets go of it. `waits`: the caller will wait for it at once. */
void run_launch(run *r, bool waits);
/* Instead of launching: its exported buffers will never be filled. */
void run_cancel(run *r);

/* The error that is set is about memory for a base: it gets the name and shape of the largest result that was to lie
 * there. */
void program_name_result(const program *p, int base);

/* For each output of a group the inputs, as bits, that it is computed from. */
void group_dependences(const group_program *g, uint32_t *inputs);

#endif
