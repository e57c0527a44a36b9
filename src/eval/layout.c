/* Where the values of an array lie, and holds on that memory, for those who read it by themselves. */
#include <string.h>

#include "base/memory.h"
#include "core/lock.h"
#include "core/move.h"
#include "core/quarantine.h"
#include "core/release.h"
#include "core/stream.h"
#include "tarn/array.h"

struct tarn_pinned {
    buffer *b; /* a reference: who overwrites or gives away asks that there be no other */
};

bool tarn_is_computed(const tarn_array *a) {
    if (!a || !array_check_alive("is_computed", a)) return false;
    schedule_lock();
    bool computed = a->buffer;
    schedule_unlock();
    return computed;
}

tarn_device tarn_resident_device(const tarn_array *a) {
    const tarn_device host = {TARN_CPU, 0};
    if (!a || !array_check_alive("resident_device", a)) return host;
    schedule_lock();
    int slot = a->buffer ? buffer_valid_slot(a->buffer) : -1;
    const tarn_stream *stream = slot < 0 ? a->node->stream : slot_default_stream(slot);
    schedule_unlock();
    return stream ? tarn_stream_device(stream) : host;
}

bool tarn_prefetch(tarn_array *a, tarn_stream *stream) {
    if (!arrays_check("prefetch", &a, 1) || (!stream && !(stream = stream_current()))) return false;
    schedule_lock();
    buffer *b = a->buffer ? buffer_retain(a->buffer) : NULL;
    schedule_unlock();
    bool ok = !b || !buffer_settle(b) || buffer_send(b, stream->slot);
    buffer_release(b);
    release_drain();
    return ok;
}

/* The array's buffer, for the caller, and the place of the elements in it. */
static buffer *locate(const tarn_array *a, tarn_layout *layout) {
    schedule_lock();
    buffer *b = buffer_retain(a->buffer);
    layout->offset = a->offset;
    memcpy(layout->strides, a->strides, sizeof layout->strides);
    schedule_unlock();
    if (!b) tarn_fail("pin: another thread has given the array's memory away (tarn_move or .donate)");
    return b;
}

static bool bring(buffer *b, const tarn_array *a, int slot, tarn_layout *layout) {
    if (!buffer_bring(b, slot) || !buffer_check(b)) return false;
    layout->data = (const char *)buffer_data(b, slot) + layout->offset * dtype_bytes(a->dtype);
    return true;
}

tarn_pinned *tarn_pin_with(tarn_array *a, tarn_layout *layout, tarn_pin_options o) {
    if (!layout) return tarn_fail("pin: layout is NULL"), NULL;
    if (!arrays_check("pin", &a, 1) || !tarn_eval_all(&a, 1)) return NULL;
    *layout = (tarn_layout){0};
    tarn_pinned *pin = NEW(tarn_pinned);
    buffer *b = pin ? locate(a, layout) : NULL;
    if (b && bring(b, a, o.stream ? o.stream->slot : DEVICE_HOST, layout)) {
        pin->b = b;
        return pin;
    }
    buffer_release(b);
    memory_free(pin);
    release_drain();
    return NULL;
}

void tarn_unpin(tarn_pinned *pin) {
    if (pin) buffer_release(pin->b);
    memory_free(pin);
    release_drain();
}
