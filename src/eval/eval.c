/* Evaluation as users see it: computing, waiting, reading. */
#include <string.h>

#include "base/memory.h"
#include "core/lock.h"
#include "core/scope.h"
#include "eval/program.h"
#include "table/scalar.h"
#include "tarn/ops.h"

static bool check_arrays(const char *what, tarn_array *const *arrays, int count) {
    if (!tarn_ok()) return false;
    if (count < 0 || (count && !arrays)) return tarn_fail("%s: %d arrays%s", what, count, arrays ? "" : " at NULL");
    for (int i = 0; i < count; i++)
        if (!arrays[i]) return tarn_fail("%s: array %d is NULL", what, i);
    return true;
}

/* Schedules and submits what the arrays need. Under the lock. */
static bool compute(tarn_array *const *arrays, int count) {
    bool needed = false;
    for (int i = 0; i < count; i++) needed = needed || !arrays[i]->buffer;
    if (!needed) return true;
    schedule *s = NULL;
    program *p = schedule_make(arrays, count, (schedule_options){0}, &s);
    if (!p) return false;
    buffer **buffers = NULL;
    bool ok = program_run(p, NULL, NULL, &buffers);
    if (buffers) schedule_commit(s, buffers);
    for (size_t i = 0; buffers && i < p->storages.count; i++) buffer_release(buffers[i]);
    memory_free(buffers);
    schedule_free(s);
    program_release(p);
    return ok;
}

static bool start(tarn_array *const *arrays, int count) {
    schedule_lock();
    bool ok = compute(arrays, count);
    schedule_unlock();
    return ok;
}

bool tarn_async_eval_all(tarn_array *const *arrays, int count) {
    return check_arrays("async_eval", arrays, count) && start(arrays, count);
}

/* Waits, without the lock, until the array's value is there; an error of its computation is this thread's now. */
static bool await(tarn_array *a) {
    schedule_lock();
    buffer *b = buffer_retain(a->buffer);
    event *events[DEVICE_SLOTS];
    for (int i = 0; i < DEVICE_SLOTS; i++) events[i] = b ? event_retain(b->copies[i].ready) : NULL;
    schedule_unlock();
    for (int i = 0; i < DEVICE_SLOTS; i++) {
        event_wait(events[i]);
        event_release(events[i]);
    }
    const char *poison = b ? buffer_poisoned(b) : NULL;
    bool ok = poison ? tarn_fail("%s", poison) : b || tarn_fail("internal: an array without a value was awaited");
    buffer_release(b);
    return ok;
}

static bool evaluate(const char *what, tarn_array *const *arrays, int count) {
    bool ok = check_arrays(what, arrays, count) && start(arrays, count);
    for (int i = 0; ok && i < count; i++) ok = await(arrays[i]);
    return ok;
}

bool tarn_eval_all(tarn_array *const *arrays, int count) {
    return evaluate("eval", arrays, count);
}

/* ---- reading */

/* Whether the values lie as a reader in host memory expects them. Under the lock. */
static bool is_dense(const tarn_array *a) {
    bool aligned = (uintptr_t)a->buffer->copies[DEVICE_HOST].data % (uintptr_t)dtype_bytes(a->dtype) == 0;
    return aligned && strides_are_dense(a->ndim, a->shape, a->strides);
}

/* Gives a its values in dense order: what a copy of them has takes the place of its own buffer. Of several threads that ask at once the
   first does it: what was read once stays where it is. */
static bool make_dense(tarn_array *a) {
    schedule_lock();
    bool dense_already = is_dense(a);
    schedule_unlock();
    if (dense_already) return true;
    TARN_SCOPE;
    tarn_array *dense = tarn_contiguous(a);
    if (!dense || !tarn_eval(dense)) return false;
    schedule_lock();
    if (!is_dense(a)) array_set_value(a, buffer_retain(dense->buffer), dense->offset, dense->strides);
    schedule_unlock();
    return true;
}

static const void *data_for(const char *what, tarn_array *a) {
    if (!evaluate(what, &a, 1) || !make_dense(a)) return NULL;
    schedule_lock();
    bool ok = buffer_to_host(a->buffer);
    const char *base = ok ? a->buffer->copies[DEVICE_HOST].data : NULL;
    if (ok && !base) base = "";
    const void *data = base ? base + a->offset * dtype_bytes(a->dtype) : NULL;
    bool unchanged = !data || !a->buffer->check || a->buffer->check(a->buffer->context);
    schedule_unlock();
    return unchanged ? data : NULL;
}

const void *tarn_data(tarn_array *a) {
    return data_for("data", a);
}

bool tarn_read(tarn_array *a, void *out, size_t bytes) {
    const void *data = data_for("read", a);
    if (!data) return false;
    if (!out) return tarn_fail("read: out is NULL");
    if (bytes < (size_t)array_bytes(a)) return tarn_fail("read: %zu bytes of room for %lld", bytes, (long long)array_bytes(a));
    memcpy(out, data, (size_t)array_bytes(a));
    return true;
}

static const void *one_element(tarn_array *a) {
    const void *data = data_for("item", a);
    if (data && array_size(a) != 1) return tarn_fail("item: the array has %lld elements", (long long)array_size(a)), NULL;
    return data;
}

double tarn_item(tarn_array *a) {
    const void *data = one_element(a);
    return data ? load_double(data, a->dtype) : 0;
}

int64_t tarn_item_int(tarn_array *a) {
    const void *data = one_element(a);
    if (!data) return 0;
    return dtype_kind_of(a->dtype) <= KIND_INT ? load_int(data, a->dtype) : double_to_signed(load_double(data, a->dtype), 64);
}

tarn_array *tarn_detach(tarn_array *a) {
    if (!evaluate("detach", &a, 1) || !scope_check_open("detach")) return NULL;
    schedule_lock();
    buffer *b = buffer_retain(a->buffer);
    int64_t offset = a->offset, strides[TARN_MAX_NDIM];
    memcpy(strides, a->strides, sizeof strides);
    tarn_array *leaf = array_from_buffer(b, array_shape(a), a->dtype);
    if (leaf) array_set_value(leaf, buffer_retain(leaf->buffer), offset, strides);
    schedule_unlock();
    return leaf;
}
