#include "core/buffer.h"

#include <string.h>

#include "backend/backend.h"
#include "base/hard.h"
#include "base/memory.h"
#include "core/pool.h"
#include "tarn/error.h"

static char without_memory[] = "a computation failed, and there was no memory to keep its message";

buffer *buffer_new(int64_t bytes) {
    buffer *b = NEW(buffer);
    if (!b) return NULL;
    b->references = 1;
    b->bytes = bytes;
    return b;
}

buffer *buffer_new_foreign(const void *data, int64_t bytes, bool (*check)(void *), void (*release)(void *), void *context) {
    buffer *b = buffer_new(bytes);
    if (!b) return NULL;
    b->foreign = true;
    b->check = check;
    b->release = release;
    b->context = context;
    b->copies[DEVICE_HOST] = (buffer_copy){.data = (void *)(uintptr_t)data, .valid = true};
    pool_count_mapped(bytes);
    return b;
}

buffer *buffer_retain(buffer *b) {
    if (b) atomic_fetch_add(&b->references, 1);
    return b;
}

static bool is_ours(const buffer *b, int slot) {
    return !(b->foreign && slot == DEVICE_HOST);
}

static void free_copy(buffer *b, int slot) {
    buffer_copy *c = &b->copies[slot];
    if (c->data && is_ours(b, slot)) {
        const backend *owner = slot_backend(slot);
        if (owner->forget) owner->forget(slot_device_index(slot), c->data, b->bytes);
        event *users[1 + BUFFER_MAX_READERS];
        int count = 0;
        if (!event_done(c->ready)) users[count++] = c->ready;
        for (int i = 0; i < BUFFER_MAX_READERS; i++)
            if (!event_done(b->readers[i])) users[count++] = b->readers[i];
        pool_release(slot, c->data, NULL, users, count);
    }
    event_release(c->ready);
    *c = (buffer_copy){0};
}

void buffer_release(buffer *b) {
    if (!b || atomic_fetch_sub(&b->references, 1) != 1) return;
    if (b->foreign) {
        const backend *owner = slot_backend(DEVICE_HOST);
        if (owner->forget) owner->forget(slot_device_index(DEVICE_HOST), b->copies[DEVICE_HOST].data, b->bytes);
        pool_count_mapped(-b->bytes); /* its readers are done: runs and copies hold the buffers they use to their end */
    }
    for (int slot = 0; slot < DEVICE_SLOTS; slot++) free_copy(b, slot);
    for (int i = 0; i < BUFFER_MAX_READERS; i++) event_release(b->readers[i]);
    if (b->release) b->release(b->context);
    if (atomic_load(&b->poison) != without_memory) memory_free(atomic_load(&b->poison));
    memory_free(b);
}

void buffer_free_block(buffer *b, tarn_stream *stream) {
    buffer_copy *c = &b->copies[stream->slot];
    const backend *owner = slot_backend(stream->slot);
    if (!c->data) return;
    for (int i = 0; i < BUFFER_MAX_READERS; i++) /* earlier runs on other streams */
        if (!stream_wait(stream, b->readers[i])) event_wait(b->readers[i]);
    if (owner->forget) owner->forget(stream->device.index, c->data, b->bytes);
    pool_release(stream->slot, c->data, stream, NULL, 0);
    event_release(c->ready);
    *c = (buffer_copy){0};
}

bool buffer_allocate(buffer *b, int slot, tarn_stream *stream) {
    if (b->copies[slot].data || b->bytes == 0) return true;
    b->copies[slot].data = pool_allocate(slot, b->bytes + (hard_mode() ? HARD_GUARD : 0), stream);
    return b->copies[slot].data != NULL;
}

/* A copy between the host and a device runs on a stream of the device; its end marks the buffer if it failed. */
static void copied(void *context, bool ok, const char *error) {
    buffer *b = context;
    if (!ok) buffer_poison(b, error);
    buffer_release(b);
}

static bool move_copy(buffer *b, int from, int to, tarn_stream *stream) {
    bool to_device = from == DEVICE_HOST;
    int device = to_device ? to : from;
    tarn_stream *mover = stream->slot == device ? stream : slot_default_stream(device);
    if (!buffer_allocate(b, to, mover) || !stream_wait(mover, b->copies[from].ready)) return false;
    bool ok = b->bytes == 0;
    if (!ok) {
        buffer_retain(b);
        ok = mover->backend->copy(mover->handle, b->copies[to].data, b->copies[from].data, b->bytes, to_device, copied, b);
        if (!ok) buffer_release(b);
    }
    event *done = ok ? event_record(mover) : NULL;
    if (!done) return false;
    buffer_was_read(b, done);
    event_release(b->copies[to].ready);
    b->copies[to] = (buffer_copy){b->copies[to].data, true, done};
    pool_count_copy(device, to_device ? b->bytes : 0, to_device ? 0 : b->bytes);
    return true;
}

static int valid_copy(const buffer *b) {
    for (int slot = 0; slot < DEVICE_SLOTS; slot++)
        if (b->copies[slot].valid) return slot;
    return -1;
}

bool buffer_use(buffer *b, tarn_stream *stream) {
    int slot = stream->slot;
    if (!b->copies[slot].valid) {
        int from = valid_copy(b);
        if (from < 0) return tarn_fail("%s", buffer_poisoned(b) ? buffer_poisoned(b) : "internal: a buffer without a value is read");
        if (from != DEVICE_HOST && slot != DEVICE_HOST) { /* between devices: through the host */
            if (!move_copy(b, from, DEVICE_HOST, stream)) return false;
            from = DEVICE_HOST;
        }
        if (!move_copy(b, from, slot, stream)) return false;
    }
    return stream_wait(stream, b->copies[slot].ready);
}

bool buffer_use_for_writing(buffer *b, tarn_stream *stream, bool keep) {
    if (keep && !buffer_use(b, stream)) return false;
    if (!buffer_allocate(b, stream->slot, stream)) return false;
    bool ok = stream_wait(stream, b->copies[stream->slot].ready);
    for (int slot = 0; slot < DEVICE_SLOTS; slot++) /* while the readers are known: those blocks are free after them */
        if (slot != stream->slot) free_copy(b, slot);
    for (int i = 0; i < BUFFER_MAX_READERS; i++) {
        ok = ok && stream_wait(stream, b->readers[i]);
        event_release(b->readers[i]);
        b->readers[i] = NULL;
    }
    const backend *owner = slot_backend(stream->slot);
    if (owner->forget && b->bytes) owner->forget(stream->device.index, b->copies[stream->slot].data, b->bytes);
    return ok;
}

void buffer_was_read(buffer *b, event *e) {
    int place = -1;
    for (int i = 0; i < BUFFER_MAX_READERS; i++) {
        if (b->readers[i] && (b->readers[i]->stream == e->stream || event_done(b->readers[i]))) {
            event_release(b->readers[i]);
            b->readers[i] = NULL;
        }
        if (!b->readers[i]) place = i;
    }
    if (place < 0) { /* more streams read it than there are places: the first is waited for */
        event_wait(b->readers[0]);
        event_release(b->readers[0]);
        place = 0;
    }
    b->readers[place] = event_retain(e);
}

void buffer_was_written(buffer *b, tarn_stream *stream, event *e) {
    buffer_copy *c = &b->copies[stream->slot];
    event *old = c->ready;
    c->ready = event_retain(e);
    c->valid = true;
    event_release(old);
}

bool buffer_to_host(buffer *b) {
    const char *poison = buffer_poisoned(b);
    if (!b->copies[DEVICE_HOST].valid && !poison && !buffer_use(b, slot_default_stream(DEVICE_HOST))) return false;
    for (int slot = 0; slot < DEVICE_SLOTS; slot++) event_wait(b->copies[slot].ready);
    poison = buffer_poisoned(b);
    return poison ? tarn_fail("%s", poison) : true;
}

void buffer_poison(buffer *b, const char *message) {
    char *copy = memory_copy(message, strlen(message) + 1), *none = NULL;
    if (!copy) tarn_clear_error();
    if (!atomic_compare_exchange_strong(&b->poison, &none, copy ? copy : without_memory)) memory_free(copy);
}

const char *buffer_poisoned(const buffer *b) {
    return atomic_load(&((buffer *)(uintptr_t)b)->poison);
}
