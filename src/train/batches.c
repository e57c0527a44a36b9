/* Batches of rows, the next one under way while one is used. */
#include <string.h>

#include "base/memory.h"
#include "tarn/device.h"
#include "tarn/random.h"
#include "tarn/train.h"

struct tarn_batches {
    tarn_array **arrays; /* kept */
    int count;
    int64_t size, rows;
    tarn_batches_options options;
    tarn_stream *stream;
    tarn_array *order; /* kept: int32 or uint32 [rows] of this epoch; NULL: as they lie */
    int64_t at;        /* which batch comes next */
    tarn_array **next; /* kept: that batch; NULL: it was not started */
};

/* ---- making */

static bool take_arrays(tarn_batches *b, tarn_array *const *arrays, int count, int64_t size) {
    if (count < 1 || !arrays || size < 1)
        return tarn_fail("batches: %d arrays in batches of %lld, or the list is NULL", count, (long long)size);
    b->arrays = NEW_ARRAY(tarn_array *, count);
    b->next = NEW_ARRAY(tarn_array *, count);
    if (!b->arrays || !b->next) return false;
    for (int i = 0; i < count; i++) {
        if (!arrays[i] || tarn_ndim(arrays[i]) < 1) return tarn_fail("batches: array %d has no rows, or is NULL", i);
        if (tarn_dim(arrays[i], 0) != tarn_dim(arrays[0], 0))
            return tarn_fail("batches: array %d has %lld rows, array 0 %lld", i, (long long)tarn_dim(arrays[i], 0),
                             (long long)tarn_dim(arrays[0], 0));
        b->arrays[i] = tarn_keep(arrays[i]);
        b->count++;
    }
    b->size = size, b->rows = tarn_dim(arrays[0], 0);
    return true;
}

tarn_batches *tarn_batches_new_with(tarn_array *const *arrays, int count, int64_t size, tarn_batches_options o) {
    tarn_batches *b = NEW(tarn_batches);
    if (!b) return NULL;
    b->options = o;
    if (take_arrays(b, arrays, count, size) && (b->stream = tarn_stream_new(((tarn_device){TARN_CPU, 0})))) return b;
    tarn_batches_free(b);
    return NULL;
}

static void drop_next(tarn_batches *b) {
    for (int i = 0; i < b->count; i++) {
        tarn_drop(b->next[i]);
        b->next[i] = NULL;
    }
}

void tarn_batches_free(tarn_batches *b) {
    if (!b) return;
    if (b->next) drop_next(b);
    for (int i = 0; i < b->count; i++) tarn_drop(b->arrays[i]);
    tarn_drop(b->order);
    tarn_stream_free(b->stream);
    memory_free(b->arrays);
    memory_free(b->next);
    memory_free(b);
}

int64_t tarn_batches_count(const tarn_batches *b) {
    return !b ? 0 : b->options.keep_rest ? (b->rows + b->size - 1) / b->size : b->rows / b->size;
}

/* ---- going through an epoch */

/* The rows of batch b->at of each array, computed on the stream. */
static bool start_next(tarn_batches *b) {
    drop_next(b);
    if (b->at >= tarn_batches_count(b)) return true;
    int64_t from = b->at * b->size, to = from + b->size < b->rows ? from + b->size : b->rows;
    TARN_SCOPE;
    TARN_ON(b->stream);
    tarn_array *rows = b->order ? tarn_slice_axis(b->order, 0, from, to) : NULL;
    for (int i = 0; i < b->count; i++) {
        tarn_array *a = rows ? tarn_take(b->arrays[i], rows, .axis = TARN_AXIS(0))
                             : tarn_contiguous(tarn_slice_axis(b->arrays[i], 0, from, to));
        if (!a) return false;
        b->next[i] = tarn_keep(a);
    }
    return tarn_async_eval_all(b->next, b->count);
}

/* A key of the seed and one of its epochs. */
static tarn_array *epoch_key(uint64_t seed, int64_t epoch) {
    tarn_array *word = tarn_random_bits(tarn_random_key(seed), TARN_SHAPE(2));
    return tarn_bitwise_xor(word, tarn_random_key((uint64_t)epoch));
}

bool tarn_batches_start_with(tarn_batches *b, int64_t epoch, tarn_batches_start_options o) {
    if (!b) return tarn_fail("batches: batches is NULL");
    if (o.first < 0 || o.first > tarn_batches_count(b))
        return tarn_fail("batches: batch %lld of %lld", (long long)o.first, (long long)tarn_batches_count(b));
    TARN_SCOPE;
    tarn_drop(b->order);
    b->order = NULL;
    b->at = o.first;
    if (!b->options.in_order) {
        tarn_array *order = tarn_random_permutation(epoch_key(b->options.seed, epoch), b->rows);
        if (!order || !tarn_eval(order)) return false;
        b->order = tarn_keep(order);
    }
    return start_next(b);
}

bool tarn_batches_next(tarn_batches *b, tarn_array **batch) {
    if (!b || !batch) return tarn_fail("batches: %s is NULL", b ? "the batch" : "batches");
    if (!b->next[0]) return false;
    for (int i = 0; i < b->count; i++) {
        batch[i] = tarn_contiguous(b->next[i]); /* the scope's own */
        if (!batch[i]) return false;
    }
    b->at++;
    return start_next(b);
}
