/* Devices, their backends, streams and events, and the pool of memory of each device. */
#ifndef CORE_STREAM_H
#define CORE_STREAM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tarn/device.h"
#include "tarn/memory.h"

struct backend;
struct backend_stream;
struct backend_event;

/* Devices are numbered through all types: slot 0 is the CPU. */
enum { DEVICE_SLOTS = 8, DEVICE_HOST = 0 };

struct tarn_stream {
    tarn_device device;
    int slot;
    const struct backend *backend;
    struct backend_stream *handle;
    atomic_bool is_default; /* or freed: then it stands for the default stream */
};

typedef struct event {
    atomic_int references;
    tarn_stream *stream;
    struct backend_event *handle;
} event;

/* The slot of a device, its backend loaded; -1 with the error set if there is none. */
int device_slot(tarn_device device);
const struct backend *slot_backend(int slot);
int slot_device_index(int slot);
tarn_stream *slot_default_stream(int slot);
/* The stream for operations of this thread. NULL, with the error set, only if the default device is gone. */
tarn_stream *stream_current(void);

event *event_record(tarn_stream *stream); /* after all work submitted so far */
event *event_retain(event *e);
void event_release(event *e);
bool event_done(event *e);                       /* NULL is done */
void event_wait(event *e);                       /* blocks this thread */
bool stream_wait(tarn_stream *stream, event *e); /* later work on stream waits; nothing to do within one stream */

/* The pool of a device. A block may be freed while work that uses it is still queued: `stream` has submitted all of it, the same stream
   gets the block at once, others when that work is done; or (stream NULL) it is free when `count` events are done, at most
   POOL_MOST_EVENTS. Releasing never waits: a stream's own thread may do it. With stream NULL a block is allocated that nothing uses. */
enum { POOL_MOST_EVENTS = 5 };
void *pool_allocate(int slot, int64_t bytes, tarn_stream *stream);
void pool_release(int slot, void *block, tarn_stream *stream, event *const *after, int count);
/* Whether the limit leaves room for so many bytes more; sets the error if not. */
bool pool_has_room(int slot, int64_t bytes);
void pool_count_copy(int slot, int64_t in, int64_t out);
void pool_count_recomputed(int slot, int64_t bytes);
void pool_count_mapped(int64_t bytes);

/* One process-wide lock under which graphs are scheduled and arrays get and lose values. Recursive calls are an error of ours. */
void schedule_lock(void);
void schedule_unlock(void);

/* Fallback of ops that a device has neither kernel nor formula for. */
bool fallback_allowed(void);
void fallback_count(const char *op);

#endif
