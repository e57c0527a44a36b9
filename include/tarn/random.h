/* Random numbers with explicit keys: threefry2x32, bit for bit the streams of MLX (and JAX). A key is a uint32 array
 * [2]; use each key once. */
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
typedef struct {
    int begin_;
    int width; /* bytes: 1, 2 or 4; 0: 4 */
    int end_;
} tarn_random_bits_options;
#define tarn_random_bits(...) TARN_CALL(2, tarn_random_bits_with, tarn_random_bits_options, __VA_ARGS__)
TARN_API tarn_array *tarn_random_bits_with(tarn_array *key, tarn_ints shape,
                                           tarn_random_bits_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_value low, high; /* 0, 1 */
    int end_;
} tarn_random_uniform_options;
#define tarn_random_uniform(...) TARN_CALL(3, tarn_random_uniform_with, tarn_random_uniform_options, __VA_ARGS__)
TARN_API tarn_array *tarn_random_uniform_with(tarn_array *key, tarn_ints shape, tarn_dtype dtype,
                                              tarn_random_uniform_options options TARN_ABSENT);
typedef struct {
    int begin_;
    tarn_value mean, deviation; /* 0, 1 */
    int end_;
} tarn_random_normal_options;
#define tarn_random_normal(...) TARN_CALL(3, tarn_random_normal_with, tarn_random_normal_options, __VA_ARGS__)
TARN_API tarn_array *tarn_random_normal_with(tarn_array *key, tarn_ints shape, tarn_dtype dtype,
                                             tarn_random_normal_options options TARN_ABSENT);
/* uint32 indices drawn along the last axis of unnormalized log-probabilities [..., n]; one distribution is drawn by
   inverse CDF, several by the Gumbel maximum, as MLX does. */
TARN_API tarn_array *tarn_random_categorical(tarn_array *key, tarn_array *logits);

#ifdef __cplusplus
}
#endif
#endif
