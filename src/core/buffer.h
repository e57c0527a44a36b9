/* A buffer: one logical block of memory with at most one copy per device. Each copy knows the event that makes it valid; the buffer knows
 * the last readers. */
#ifndef CORE_BUFFER_H
#define CORE_BUFFER_H

#include <stdatomic.h>

#include "core/stream.h"

enum { BUFFER_MAX_READERS = 4 };

typedef struct {
    void *data;
    bool valid;
    event *ready; /* NULL: at once */
} buffer_copy;

typedef struct buffer {
    atomic_int references;
    int64_t bytes;
    buffer_copy copies[DEVICE_SLOTS];
    event *readers[BUFFER_MAX_READERS]; /* the last ones, one a stream */
    bool foreign;                       /* not ours: never written, never freed, `release` is called instead */
    bool (*check)(void *context);
    void (*release)(void *context);
    void *context;
    _Atomic(char *) poison; /* the error of the computation that should have filled it */
} buffer;

/* A buffer of so many bytes with no copy anywhere. */
buffer *buffer_new(int64_t bytes);
/* Over host memory of somebody else. */
buffer *buffer_new_foreign(const void *data, int64_t bytes, bool (*check)(void *), void (*release)(void *), void *context);
buffer *buffer_retain(buffer *b);
void buffer_release(buffer *b);

/* Memory on a device for the buffer, without contents; false if there is not enough. */
bool buffer_allocate(buffer *b, int slot, tarn_stream *stream);
/* Gives the block of the stream's device back while work that the stream was given may still use it: nobody else does. */
void buffer_free_block(buffer *b, tarn_stream *stream);
/* Makes the copy on the stream's device valid for work submitted to the stream from now on: moves it once if need be. */
bool buffer_use(buffer *b, tarn_stream *stream);
/* The same for writing: waits for readers on other streams and makes the other copies invalid. `keep` says whether the old contents matter.
 */
bool buffer_use_for_writing(buffer *b, tarn_stream *stream, bool keep);
/* After work on the stream has been submitted: e is its end. */
void buffer_was_read(buffer *b, event *e);
void buffer_was_written(buffer *b, tarn_stream *stream, event *e);
/* Waits until nothing uses the buffer; then its host copy is valid and current, or the error is set. */
bool buffer_to_host(buffer *b);

void buffer_poison(buffer *b, const char *message);
/* NULL, or the message. */
const char *buffer_poisoned(const buffer *b);

#endif
