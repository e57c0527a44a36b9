/* Random numbers with explicit keys: threefry2x32, bit for bit the streams of MLX (and JAX). A key is a uint32 array [2]; use each key
 * once. */
#ifndef TARN_RANDOM_H
#define TARN_RANDOM_H

#include "tarn/array.h"

#ifdef __cplusplus
extern "C" {
#endif

TARN_API tarn_array *tarn_random_key(uint64_t seed);
/* count new keys, uint32 [count, 2]. */
TARN_API tarn_array *tarn_random_split(tarn_array *key, int64_t count);
/* Two new keys: *next to go on with, *use to spend. */
TARN_API bool tarn_random_next(tarn_array *key, tarn_array **next, tarn_array **use);
TARN_API tarn_array *tarn_random_bits(tarn_array *key, tarn_ints shape, int width); /* width 1, 2 or 4 bytes */
TARN_API tarn_array *tarn_random_uniform(tarn_array *key, tarn_ints shape, double low, double high, tarn_dtype dtype);
TARN_API tarn_array *tarn_random_normal(tarn_array *key, tarn_ints shape, double mean, double deviation, tarn_dtype dtype);
/* uint32 indices drawn along the last axis of unnormalized log-probabilities [..., n]; one distribution is drawn by inverse CDF, several by
   the Gumbel maximum, as MLX does. */
TARN_API tarn_array *tarn_random_categorical(tarn_array *key, tarn_array *logits);

#ifdef __cplusplus
}
#endif
#endif
