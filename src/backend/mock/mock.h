/* The mock device: reference kernels over memory that only they can reach, on threads of their own. It exists so that
   everything a GPU asks of the rest of Tarn (residency, copies, events, fallback, failures that arrive late) is tested
   on machines without one.

   Device addresses have no access rights: the host that touches one dies at that instruction. Kernels work on the same
   blocks under other addresses; an operand that is not wholly inside a live block of its device is an error of the
   launch, and counted.

   Environment, read once:
     TARN_MOCK_DEVICES=2          how many devices there are
     TARN_MOCK_MEMORY=bytes       of each device; more is refused (4 GiB)
     TARN_MOCK_DELAY=µs           each submission first sleeps a random time up to this (0)
     TARN_MOCK_LAG=µs             each call and copy takes so much longer (0)
     TARN_MOCK_SEED=n             of those times (1)
     TARN_MOCK_MISSING=op,op      ops for which there are no rows
     TARN_MOCK_PEERS=0            the devices do not read each other's memory (1)
     TARN_MOCK_FAIL_LAUNCH=n, TARN_MOCK_FAIL_SUBMISSION=n, TARN_MOCK_FAIL_ALLOCATION=n, TARN_MOCK_FAIL_COPY=n   see
   hooks.h A value that cannot be understood leaves no device, and every use says why. */
#ifndef MOCK_MOCK_H
#define MOCK_MOCK_H

#include "backend/backend.h"

/* ---- settings.c */
enum { MOCK_MAX_DEVICES = 16 };

typedef enum { FAULT_LAUNCH, FAULT_SUBMISSION, FAULT_ALLOCATION, FAULT_COPY, FAULT_COUNT } mock_fault;
typedef enum {
    COUNT_SUBMISSIONS,
    COUNT_LAUNCHES,
    COUNT_COPIES,
    COUNT_COPIED_BYTES,
    COUNT_PREPARED_ROWS,
    COUNT_PLANS,
    COUNT_REPLAYS,
    COUNT_LAST_READS,
    COUNT_BLOCKS,
    COUNT_BYTES,
    COUNT_VIOLATIONS,
    COUNT_COUNT
} mock_count;

int mock_device_count(void);
int64_t mock_memory_limit(void);
int64_t mock_plan_bytes(void); /* that a plan keeps for itself */
bool mock_is_missing(int device, op_id op);
bool mock_is_peer(int device, int other);
bool mock_is_lost(int device); /* sets the error */
/* Counts one such event; true if it is the one that shall fail. */
bool mock_fault_due(mock_fault fault);
void mock_add(mock_count what, int64_t n);
int64_t mock_total(mock_count what);
void mock_delay(void);     /* before a submission */
void mock_lag(void);       /* before each call and copy */
void mock_tell_late(void); /* after a submission, which other streams of the device know to be over */
bool mock_settings_good(void);

/* tarn_fail, and a count of what should never happen. */
bool mock_violation(const char *format, ...) TARN_PRINTF(1, 2);

/* ---- mock.c */
/* Hands an error of this shared object's own copy of the error state to the library that opened it; returns ok. */
bool mock_report(bool ok);
/* Asks the library for bytes of the device's budget; negative: gives them back. */
bool mock_reserve(int device, int64_t bytes);
/* What `prepare` leaves in a call of a device. */
void *mock_prepared_for(int device);

/* ---- memory.c */
void *mock_allocate(int device, int64_t bytes);
void mock_release(int device, void *block);
/* Where kernels find the bytes [from, from + bytes) of a device: they must lie inside one live block. `what` is for the
 * error. */
void *mock_inside(int device, const void *from, int64_t bytes, const char *what);
bool mock_is_device_memory(const void *at);

/* ---- stream.c */
backend_stream *mock_stream_new(int device);
void mock_stream_free(backend_stream *stream);
void mock_submit(backend_stream *stream, submission *s);

/* ---- work.c: what a submission does, on the stream's thread */
void mock_run(int device, submission *s);

/* ---- plan.c */
backend_plan *mock_prepare(int device, const call *calls, int count, const operand_place *places, int bases);
void mock_plan_free(backend_plan *plan);
/* Call i of the plan over these bases; false, and a violation, if it is not what `given` says. The operands are written
 * to `room`. */
bool mock_plan_call(const backend_plan *plan, int i, void *const *bases, const call *given, operand *room, call *out);

#endif
