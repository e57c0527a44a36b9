/* The whole contract between evaluation and a device. A backend is a table of functions; those of other devices live in shared objects that
   export `const backend *tarn_backend(void)` and are refused if their table hash differs. Each shared object has error state of its own:
   where a function here says "with the error set" it sets the library's through the function that the optional export `void
   tarn_backend_errors(bool (*fail)(const char *format, ...))` was given.

   Work is submitted to streams and runs in order within one; submitting returns at once. Events order streams among each other. */
#ifndef BACKEND_BACKEND_H
#define BACKEND_BACKEND_H

#include "backend/call.h"
#include "tarn/device.h"

enum { BACKEND_VERSION = 1 };

typedef struct backend_stream backend_stream;
typedef struct backend_event backend_event;

typedef struct backend {
    int version;         /* BACKEND_VERSION */
    uint64_t table_hash; /* backend_hash() as it was built */
    const char *name;
    bool host_memory; /* its memory is the host's: no copies between it and the CPU */

    int (*device_count)(void);
    /* Memory of a device, aligned to 64 bytes; NULL, with the error set, if there is not enough. */
    void *(*allocate)(int device, int64_t bytes);
    void (*release)(int device, void *block);

    backend_stream *(*stream_new)(int device);
    void (*stream_free)(backend_stream *stream); /* after its work is done */

    /* Runs `begin(context)` in stream order before and `end(context, ok, error)` after the kernel; begin returning false skips the kernel
       (an input is poisoned). The call lives until `end` has returned. False: could not be submitted, and neither will run. */
    bool (*launch)(backend_stream *stream, const call *c, bool (*begin)(void *context),
                   void (*end)(void *context, bool ok, const char *error), void *context);
    /* Copies between host memory and the device's in stream order. `end` as in launch. */
    bool (*copy)(backend_stream *stream, void *to, const void *from, int64_t bytes, bool to_device,
                 void (*end)(void *context, bool ok, const char *error), void *context);
    /* Runs host code in stream order. */
    bool (*host)(backend_stream *stream, void (*run)(void *context), void *context);

    backend_event *(*event_record)(backend_stream *stream);
    bool (*event_done)(backend_event *event);
    void (*event_wait)(backend_event *event);                          /* blocks the calling thread */
    bool (*stream_wait)(backend_stream *stream, backend_event *event); /* of this backend; work submitted later waits */
    void (*event_free)(backend_event *event);

    /* The rows for an op, best first; NULL and 0 if there are none. Depends on the instruction set in use. */
    const kernel_row *const *(*rows)(op_id op, int *count);

    /* Frees what kernels derived from the memory [from, from + bytes): repacked weights. NULL if the backend keeps none. */
    void (*forget)(int device, const void *from, int64_t bytes);
    int64_t (*derived_bytes)(int device);

    /* What the device can do at most, measured now; NULL if it does not tell. */
    bool (*measure)(tarn_measurement *result);
} backend;

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
                             sizeof(backend)};
    return table_hash(layout, sizeof layout);
}

extern const backend backend_cpu;       /* rows by instruction set; falls back on the reference's */
extern const backend backend_reference; /* rows only: every op, in the widest type of its kind */

#endif
