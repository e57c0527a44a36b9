/* Keys and values of all layers, [batch, heads, capacity, dim] each, written in place at a position that is an array.
   Rows beyond the tokens a session holds are stale and never seen: attention is told how many keys are valid. */
#ifndef LM_KV_CACHE_H
#define LM_KV_CACHE_H

#include "tarn/ops.h"

/* What a layer keeps of each token: keys and values of so many heads; nothing with 0 heads. */
typedef struct {
    int64_t heads, key_dim, value_dim;
} cache_kind;

typedef struct {
    int64_t batch, layers, capacity;
    tarn_dtype dtype;
    cache_kind *kinds;   /* [layers] */
    tarn_array **arrays; /* keys of layer i at 2 * i, values behind them; kept */
} kv_cache;

/* For `layers` layers, whose kinds the caller then fills in. */
bool kv_cache_open(kv_cache *cache, int64_t batch, int64_t layers, tarn_dtype dtype);
void kv_cache_close(kv_cache *cache);
/* Room for at least `tokens` of the `most` there may ever be, doubling; what was written stays. *grown tells whether
 * arrays were replaced.
 */
bool kv_cache_reserve(kv_cache *cache, int64_t tokens, int64_t most, bool *grown);
/* Forgets everything, memory too. */
void kv_cache_reset(kv_cache *cache);
/* Writes rows [batch, heads, n, dim] at `start` (integers [batch]) into array i and returns the whole. */
tarn_array *kv_cache_write(kv_cache *cache, int64_t i, tarn_array *rows, tarn_array *start);
/* The first `tokens` of a row of another cache as row `row`, computed. On failure the contents are lost. */
bool kv_cache_take(kv_cache *cache, int64_t row, const kv_cache *from, int64_t from_row, int64_t tokens);
/* Computes what was written and, with it, `others`; waits for it, or lets it be computed meanwhile. On failure the
   contents are lost and the cache is reset. */
bool kv_cache_settle(kv_cache *cache, tarn_array *const *others, int count, bool waits);

#endif
