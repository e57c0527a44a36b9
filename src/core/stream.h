/* Streams and events. */
#ifndef CORE_STREAM_H
#define CORE_STREAM_H

#include <stdatomic.h>
#include <stdbool.h>

#include "core/device.h"

struct backend_stream;
struct backend_event;

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

tarn_stream *stream_make(tarn_device device, int slot, const struct backend *of, bool is_default);
/* The stream for operations of this thread. NULL, with the error set, only if the default device is gone. */
tarn_stream *stream_current(void);

event *event_record(tarn_stream *stream); /* after all work submitted so far */
event *event_retain(event *e);
void event_release(event *e);
bool event_done(event *e);                       /* NULL is done */
void event_wait(event *e);                       /* blocks this thread */
bool stream_wait(tarn_stream *stream, event *e); /* later work on stream waits; nothing to do within one stream */

#endif
