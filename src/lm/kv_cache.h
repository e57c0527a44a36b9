/* Keys and values of all layers, [1, kv heads, capacity, head_dim] each, written in place at a position that is an array. Rows beyond the
   tokens a session holds are stale and never seen: attention is told how many keys are valid. */
#ifndef LM_KV_CACHE_H
#define LM_KV_CACHE_H

#include "tarn/ops.h"

typedef struct {
    int64_t layers, heads, dim, capacity;
    tarn_dtype dtype;
    tarn_array **arrays; /* keys of layer i at 2 * i, values behind them; kept */
} kv_cache;

bool kv_cache_open(kv_cache *cache, int64_t layers, int64_t heads, int64_t dim, tarn_dtype dtype);
void kv_cache_close(kv_cache *cache);
/* Room for at least `tokens`, in steps of 256; what was written stays. *grown tells whether arrays were replaced. */
bool kv_cache_reserve(kv_cache *cache, int64_t tokens, bool *grown);
/* Forgets everything, memory too. */
void kv_cache_reset(kv_cache *cache);
/* Writes rows [1, heads, n, dim] at `start` (integers [1]) into array i and returns the whole. */
tarn_array *kv_cache_write(kv_cache *cache, int64_t i, tarn_array *rows, tarn_array *start);
/* Computes what was written and, with it, `others`. On failure the contents are lost and the cache is reset. */
bool kv_cache_settle(kv_cache *cache, tarn_array *const *others, int count);
int64_t kv_cache_bytes(const kv_cache *cache, int64_t tokens);

#endif
