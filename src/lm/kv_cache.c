/* The cache of keys and values: memory, growth, writing. Which rows are valid is the session's business. */
#include "lm/kv_cache.h"

#include "base/memory.h"

enum { STEP = 256 };

bool kv_cache_open(kv_cache *cache, int64_t batch, int64_t layers, tarn_dtype dtype) {
    *cache = (kv_cache){.batch = batch, .layers = layers, .dtype = dtype};
    cache->kinds = NEW_ARRAY(cache_kind, layers);
    cache->arrays = NEW_ARRAY(tarn_array *, 2 * layers);
    return cache->kinds && cache->arrays;
}

void kv_cache_reset(kv_cache *cache) {
    for (int64_t i = 0; cache->arrays && i < 2 * cache->layers; i++) {
        tarn_drop(cache->arrays[i]);
        cache->arrays[i] = NULL;
    }
    cache->capacity = 0;
}

void kv_cache_close(kv_cache *cache) {
    kv_cache_reset(cache);
    memory_free(cache->kinds);
    memory_free(cache->arrays);
    *cache = (kv_cache){0};
}

/* Array i in a larger size; evaluated at once, so that no more than one array is there twice. */
static bool grow(const kv_cache *cache, int64_t i, int64_t capacity) {
    TARN_SCOPE;
    tarn_array **slot = &cache->arrays[i];
    cache_kind kind = cache->kinds[i / 2];
    tarn_ints shape = TARN_SHAPE(cache->batch, kind.heads, capacity, i % 2 ? kind.value_dim : kind.key_dim);
    tarn_array *larger = tarn_contiguous(tarn_zeros(shape, cache->dtype));
    if (*slot) {
        tarn_array *start = tarn_zeros(TARN_SHAPE(1), TARN_INT32);
        larger = tarn_slice_update(tarn_move(larger), *slot, start, TARN_AXES(2));
    }
    if (!tarn_eval(larger)) return false;
    tarn_drop(*slot);
    *slot = tarn_keep(larger);
    return true;
}

/* At least twice what it was: each growth costs a copy, and a new plan of the decoding step. */
static int64_t next_capacity(const kv_cache *cache, int64_t tokens, int64_t most) {
    int64_t wanted = tokens > 2 * cache->capacity ? tokens : 2 * cache->capacity;
    if (wanted > most) wanted = most;
    return (wanted + STEP - 1) / STEP * STEP;
}

bool kv_cache_reserve(kv_cache *cache, int64_t tokens, int64_t most, bool *grown) {
    *grown = tokens > cache->capacity;
    if (!*grown) return true;
    int64_t capacity = next_capacity(cache, tokens, most);
    for (int64_t i = 0; i < 2 * cache->layers; i++) {
        if (!cache->kinds[i / 2].heads || grow(cache, i, capacity)) continue;
        kv_cache_reset(cache); /* arrays of two sizes are of no use */
        return false;
    }
    cache->capacity = capacity;
    return true;
}

tarn_array *kv_cache_write(kv_cache *cache, int64_t i, tarn_array *rows, tarn_array *start) {
    tarn_array **slot = &cache->arrays[i];
    if (tarn_dtype_of(rows) != cache->dtype) rows = tarn_astype(rows, cache->dtype);
    if (cache->batch > 1) start = tarn_reshape(start, TARN_SHAPE(cache->batch, 1)); /* each row at its own */
    tarn_array *written = tarn_keep(tarn_slice_update(tarn_move(*slot), rows, start, TARN_AXES(2)));
    return *slot = written;
}

bool kv_cache_take(kv_cache *cache, int64_t row, const kv_cache *from, int64_t from_row, int64_t tokens) {
    TARN_SCOPE;
    tarn_array *start = tarn_from_data((int64_t[]){row, 0}, TARN_SHAPE(2), TARN_INT64);
    for (int64_t i = 0; i < 2 * cache->layers; i++) {
        tarn_array **slot = &cache->arrays[i];
        if (!*slot) continue;
        tarn_array *rows = tarn_slice_axis(from->arrays[i], 0, from_row, from_row + 1);
        rows = tarn_slice_axis(rows, 2, 0, tokens);
        *slot = tarn_keep(tarn_slice_update(tarn_move(*slot), rows, start, TARN_AXES(0, 2)));
    }
    return kv_cache_settle(cache, NULL, 0, true);
}

bool kv_cache_settle(kv_cache *cache, tarn_array *const *others, int count, bool waits) {
    int n = 0;
    tarn_array **all = NEW_ARRAY(tarn_array *, 2 * cache->layers + count);
    for (int64_t i = 0; all && i < 2 * cache->layers; i++)
        if (cache->kinds[i / 2].heads) all[n++] = cache->arrays[i];
    for (int i = 0; all && i < count; i++) all[n++] = others[i];
    bool ok = all && (waits ? tarn_eval_all(all, n) : tarn_async_eval_all(all, n));
    memory_free(all);
    if (!ok) kv_cache_reset(cache);
    return ok;
}
