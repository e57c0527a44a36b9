/* The mock device: reference kernels over memory that only they can reach, on threads of their own. It exists so that everything a GPU asks
   of the rest of Tarn (residency, copies, events, fallback, failures that arrive late) is tested on machines without one.

   Device addresses have no access rights: the host that touches one dies at that instruction. Kernels work on the same blocks under other
   addresses; an operand that is not wholly inside a live block of its device is an error of the launch, and counted.

   Environment, read once:
     TARN_MOCK_DEVICES=2          how many devices there are
     TARN_MOCK_MEMORY=bytes       of each device; more is refused (4 GiB)
     TARN_MOCK_DELAY=µs           each piece of work first sleeps a random time up to this (0)
     TARN_MOCK_SEED=n             of those times (1)
     TARN_MOCK_MISSING=op,op      ops for which there are no rows
     TARN_MOCK_FAIL_LAUNCH=n, TARN_MOCK_REFUSE_LAUNCH=n, TARN_MOCK_FAIL_ALLOCATION=n, TARN_MOCK_FAIL_COPY=n   see hooks.h
   A value that cannot be understood leaves no device, and every use says why. */
#ifndef MOCK_MOCK_H
#define MOCK_MOCK_H

#include "backend/backend.h"

/* ---- settings.c */
enum { MOCK_MAX_DEVICES = 8 };

typedef enum { FAULT_LAUNCH, FAULT_SUBMISSION, FAULT_ALLOCATION, FAULT_COPY, FAULT_COUNT } mock_fault;
typedef enum { COUNT_LAUNCHES, COUNT_COPIES, COUNT_COPIED_BYTES, COUNT_BLOCKS, COUNT_BYTES, COUNT_VIOLATIONS, COUNT_COUNT } mock_count;

int mock_device_count(void);
int64_t mock_memory_limit(void);
bool mock_is_missing(op_id op);
bool mock_is_lost(int device); /* sets the error */
/* Counts one such event; true if it is the one that shall fail. */
bool mock_fault_due(mock_fault fault);
void mock_add(mock_count what, int64_t n);
int64_t mock_total(mock_count what);
void mock_sleep(void); /* the random delay */
bool mock_settings_good(void);

/* Hands an error of this shared object's own copy of the error state to the library that opened it; returns ok. */
bool mock_report(bool ok);
/* tarn_fail, and a count of what should never happen. */
bool mock_violation(const char *format, ...) TARN_PRINTF(1, 2);

/* ---- memory.c */
void *mock_allocate(int device, int64_t bytes);
void mock_release(int device, void *block);
/* Where kernels find the bytes [from, from + bytes) of a device: they must lie inside one live block. `what` is for the error. */
void *mock_inside(int device, const void *from, int64_t bytes, const char *what);
bool mock_is_device_memory(const void *at);

/* ---- stream.c */
int mock_stream_device(const backend_stream *stream);
backend_stream *mock_stream_new(int device);
void mock_stream_free(backend_stream *stream);
bool mock_stream_submit(backend_stream *stream, void (*run)(void *context), void *context);
backend_event *mock_event_record(backend_stream *stream);
bool mock_event_done(backend_event *event);
void mock_event_wait(backend_event *event);
bool mock_stream_wait(backend_stream *stream, backend_event *event);
void mock_event_free(backend_event *event);

/* ---- work.c */
bool mock_launch(backend_stream *stream, const call *c, bool (*begin)(void *context),
                 void (*end)(void *context, bool ok, const char *error), void *context);
bool mock_copy(backend_stream *stream, void *to, const void *from, int64_t bytes, bool to_device,
               void (*end)(void *context, bool ok, const char *error), void *context);
bool mock_host(backend_stream *stream, void (*run)(void *context), void *context);

#endif
