/* Streams: what was submitted to them, in which order, and what of it is done. */
#ifndef CORE_STREAM_H
#define CORE_STREAM_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "core/device.h"

struct backend_stream;

/* Streams are never freed but used again, for the same device: who names one that was freed (a node, a ticket) names
 * one that works. */
struct tarn_stream {
    tarn_device device;
    int slot;
    const struct backend *backend;
    bool is_default;
    atomic_bool freed;
    tarn_stream *next; /* in the list of all streams */

    struct backend_stream *handle; /* NULL once freed */
    uint64_t base;                 /* submissions before this handle's first */
    atomic_int watchers;   /* who may be using the handle without the order lock: tarn_stream_free waits for them */
    pthread_mutex_t order; /* held while a submission is numbered and given to the backend */
    _Atomic uint64_t submitted, completed;

    pthread_mutex_t lock; /* for those who sleep until `completed` moves */
    pthread_cond_t moved;
    atomic_int sleepers;

    _Atomic(error_note *) failure; /* the first one of work that nobody waits for, until somebody is told */
};

/* The end of one submission; {0} was done before anything began. */
typedef struct {
    tarn_stream *stream;
    uint64_t number;
} ticket;

static inline bool ticket_done(ticket t) {
    return !t.stream || atomic_load(&t.stream->completed) >= t.number;
}
void ticket_wait(ticket t); /* blocks this thread */

tarn_stream *stream_make(tarn_device device, int slot, const struct backend *of, bool is_default);
/* The stream for operations of this thread. NULL, with the error set, only if the default device is gone. */
tarn_stream *stream_current(void);
/* The end of all that was submitted so far. */
ticket stream_newest(tarn_stream *s);

/* Work of the stream that nobody waits for has failed: who synchronizes is told, unless he was told before. */
void stream_failed(tarn_stream *s, const error_note *why);
/* Somebody is told, by an array that the failure reached. */
void streams_told(const error_note *why);

/* Waits for all that was submitted to any stream so far. */
void streams_wait(void);

void streams_before_fork(void);
void streams_after_fork(void);
void streams_in_child(void);

#endif
