/* The whole contract between evaluation and a device. A backend is a table of functions; those of other devices live in
   shared objects that export `const backend *tarn_backend(void)`, are refused if their table hash differs, and may say
   by `const char *tarn_backend_why_none(void)` why there is none. Each has error state of its own: "with the error set"
   it sets the library's, with its kind, as its export `void tarn_backend_library(const backend_library *)` was told.

   Work is given to streams in submissions. Those of one stream run one after the other; submitting returns at once. The
   submissions of a stream are numbered 1, 2, 3, …: "submission n is done" is all that streams, and the library, need to
   know of each other's progress. */
#ifndef BACKEND_BACKEND_H
#define BACKEND_BACKEND_H

#include "backend/call.h"
#include "tarn/device.h"

enum { BACKEND_VERSION = 9 };

typedef struct backend_stream backend_stream;
typedef struct backend_plan backend_plan;
typedef struct submission submission;

/* What a submission waits for: `number` of another stream. Of a stream of the same backend `stream` is that stream; of
   another backend's it is NULL, and *reached, in host memory, is `base` + the number of submissions that are done. */
typedef struct {
    backend_stream *stream;
    uint64_t number, base;
    const _Atomic uint64_t *reached;
} awaited;

/* Bytes to be moved between host memory and a device's, or between two devices of one backend (peers). */
typedef enum { COPY_TO_DEVICE, COPY_TO_HOST, COPY_FROM_PEER } copy_direction;
typedef struct {
    void *to;
    const void *from;
    int64_t bytes;
    copy_direction direction;
    int peer; /* COPY_FROM_PEER: the device whose memory `from` is */
} block_copy;

/* What is submitted in one piece. It, and all that it points to, is the submitter's and lives until `done` has
   returned. No function that it names blocks for long, and none fails. */
struct submission {
    /* In this order: */
    const awaited *waits;
    int wait_count;
    const block_copy *copies;
    int copy_count;
    const call *calls;
    int call_count;
    int threads; /* that the calls' workspace is for: host backends split work for so many */
    bool small;  /* so little work that a host backend may do it in the calling thread if the stream is idle and nothing
                  * is to be waited for
                  */

    backend_plan *plan; /* not NULL: the calls are those that this plan was prepared from, over these bases */
    void *const *bases;

    /* Blocks until everything in `waits` is done: for backends whose streams are threads. */
    void (*wait)(submission *s);
    /* Backends whose calls run on the host ask it in stream order before call i; false: the call is left out. */
    bool (*before)(submission *s, int i);
    /* Call i is over; copies are numbered -1, -2, … `error` is NULL if it went well. The kind of the failure is
       TARN_ERROR_RUNTIME unless the library's error is set in this thread, and to another kind than VALUE; of backends
       with memory of their own it is taken, so that none is set afterwards. Backends
       whose calls run on the host tell of every call right after it; others of those that failed, before `done`. */
    void (*after)(submission *s, int i, const char *error);
    /* In stream order, once, whatever happened: everything of the submission is over and nothing will touch it again.
     */
    void (*done)(submission *s);

    void *room[8]; /* the backend's own */
};

/* Where an operand of a prepared call lies: bases[base] + offset bytes; base -1: nowhere (absent). */
typedef struct {
    int base;
    int64_t offset;
} operand_place;

typedef struct backend backend;

/* What the library does for a backend that it opened. */
typedef struct {
    bool (*fail)(tarn_error_class kind, const char *format, ...); /* sets the error; false */
    /* Takes bytes of a device's budget for what the backend itself keeps there, such as graphs; false, without an
       error, if its limit leaves no room. Negative: gives them back, which nothing refuses. */
    bool (*reserve)(const backend *of, int device, int64_t bytes);
} backend_library;

struct backend {
    int version;         /* BACKEND_VERSION */
    uint64_t table_hash; /* backend_hash() as it was built */
    const char *name;
    bool host_memory; /* its memory is the host's: no copies between it and the CPU */
    int linger; /* what a call reads, and its workspace, stays as it is for so many calls more (16 at most), unless
                   one of them overwrites its own input: for backends that run neighbouring calls as one */

    int (*device_count)(void);
    /* Memory of a device, aligned to 64 bytes; NULL, with the error set, if there is not enough. Zero bytes give an
     * address, too. */
    void *(*allocate)(int device, int64_t bytes);
    void (*release)(int device, void *block);

    backend_stream *(*stream_new)(int device);
    void (*stream_free)(backend_stream *stream); /* after its work is done */
    /* Cannot fail: what goes wrong is told by `after`. One thread at a time submits to a stream. */
    void (*submit)(backend_stream *stream, submission *s);

    /* Optional. Makes ready a list of calls that will be submitted many times over other bases: captures a graph.
       places[] has an entry for each input, then each output, then the workspace, of each call in turn. NULL, without
       an error, if nothing is gained. Called outside every lock. */
    backend_plan *(*prepare)(int device, const call *calls, int count, const operand_place *places, int bases);
    void (*plan_free)(backend_plan *plan); /* once no submission of it is left */

    /* The rows for an op on a device, best first (by the instruction set in use); NULL and 0 if there are none. What
       rows are then asked in this thread (`supports`, `workspace`, `prepare`) is asked for that device. */
    const kernel_row *const *(*rows)(int device, op_id op, int *count);

    /* Why the devices have no row for an op; NULL if no reason is known. Optional. */
    const char *(*hole)(op_id op);

    /* Whether a device reads another's memory without going through the host. NULL: none does. */
    bool (*is_peer)(int device, int other);
    /* How much memory a device has; NULL if it does not tell. */
    int64_t (*memory_bytes)(int device);
    /* What a device can do at most, measured now; NULL if it does not tell. */
    bool (*measure)(int device, tarn_measurement *result);
    /* The same without rates, at once and before anything is begun on the device. NULL: there is nothing to tell. */
    bool (*describe)(int device, tarn_measurement *result);
    /* Waits until a device has done what others in this process gave its default stream; NULL where there is nobody. */
    bool (*settle)(int device);
};

/* What a backend and the library must agree on: the tables' text, and how what passes between them lies in memory. */
static inline uint64_t backend_hash(void) {
    const size_t layout[] = {sizeof(call),
                             offsetof(call, inputs),
                             offsetof(call, program),
                             offsetof(call, workspace),
                             offsetof(call, row),
                             sizeof(operand),
                             offsetof(operand, dtype),
                             offsetof(operand, shape),
                             offsetof(operand, strides),
                             sizeof(kernel_row),
                             offsetof(kernel_row, dtypes),
                             offsetof(kernel_row, layout),
                             offsetof(kernel_row, supports),
                             offsetof(kernel_row, run),
                             sizeof(group_program),
                             offsetof(group_program, instructions),
                             sizeof(group_instruction),
                             offsetof(group_instruction, arguments),
                             offsetof(group_instruction, dtype),
                             sizeof(submission),
                             offsetof(submission, done),
                             sizeof(awaited),
                             sizeof(block_copy),
                             sizeof(backend)};
    return table_hash(layout, sizeof layout);
}

extern const backend backend_cpu;       /* rows by instruction set; falls back on the reference's */
extern const backend backend_reference; /* rows only: every op, in the widest type of its kind */

#endif
