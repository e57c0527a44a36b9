/* The cache of keys and values: memory, growth, writing. Which rows are valid is the session's business. */
#include "lm/kv_cache.h"

#include <string.h>

#include "base/memory.h"

enum { STEP = 256 };

bool kv_cache_open(kv_cache *cache, int64_t layers, int64_t heads, int64_t dim, tarn_dtype dtype) {
    *cache = (kv_cache){.layers = layers, .heads = heads, .dim = dim, .dtype = dtype, .arrays = NEW_ARRAY(tarn_array *, 2 * layers)};
    return cache->arrays != NULL;
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
    memory_free(cache->arrays);
    *cache = (kv_cache){0};
}

/* One array in a larger size; evaluated at once, so that no more than one array is there twice. */
static bool grow(const kv_cache *cache, tarn_array **slot, int64_t capacity) {
    TARN_SCOPE;
    tarn_array *larger = tarn_contiguous(tarn_zeros(TARN_SHAPE(1, cache->heads, capacity, cache->dim), cache->dtype));
    if (*slot) {
        tarn_array *start = tarn_zeros(TARN_SHAPE(1), TARN_INT32);
        larger = tarn_slice_update(tarn_move(larger), *slot, start, TARN_AXES(2));
    }
    if (!tarn_eval(larger)) return false;
    tarn_drop(*slot);
    *slot = tarn_keep(larger);
    return true;
}

bool kv_cache_reserve(kv_cache *cache, int64_t tokens, bool *grown) {
    *grown = tokens > cache->capacity;
    if (!*grown) return true;
    int64_t capacity = (tokens + STEP - 1) / STEP * STEP;
    for (int64_t i = 0; i < 2 * cache->layers; i++) {
        if (grow(cache, &cache->arrays[i], capacity)) continue;
        kv_cache_reset(cache); /* arrays of two sizes are of no use */
        return false;
    }
    cache->capacity = capacity;
    return true;
}

tarn_array *kv_cache_write(kv_cache *cache, int64_t i, tarn_array *rows, tarn_array *start) {
    tarn_array **slot = &cache->arrays[i];
    if (tarn_dtype_of(rows) != cache->dtype) rows = tarn_astype(rows, cache->dtype);
    tarn_array *written = tarn_keep(tarn_slice_update(tarn_move(*slot), rows, start, TARN_AXES(2)));
    return *slot = written;
}

bool kv_cache_settle(kv_cache *cache, tarn_array *const *others, int count) {
    size_t own = (size_t)(2 * cache->layers);
    tarn_array **all = NEW_ARRAY(tarn_array *, own + (size_t)count);
    if (all) {
        memcpy(all, cache->arrays, own * sizeof *all);
        if (count) memcpy(all + own, others, (size_t)count * sizeof *all);
    }
    bool ok = all && tarn_eval_all(all, (int)own + count);
    memory_free(all);
    if (!ok) kv_cache_reset(cache);
    return ok;
}

int64_t kv_cache_bytes(const kv_cache *cache, int64_t tokens) {
    return 2 * cache->layers * cache->heads * cache->dim * tarn_dtype_bytes(cache->dtype) * tokens;
}
