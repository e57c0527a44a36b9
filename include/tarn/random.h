/* Random numbers with explicit keys: threefry2x32, bit for bit the streams of MLX (and JAX). A key is a uint32 array
 * [2]; use each key once. */
#ifndef TARN_RANDOM_H
#define TARN_RANDOM_H

#include "tarn/ops.h"

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
/* In what follows shape is that of the result, after the leading axes of a batch of keys; bounds and parameters that
   are arrays broadcast to it, are converted to the dtype, and let gradients through. */

/* Evenly spread over [low, high), of a float dtype: 24 bits of randomness (float64: 53). */
typedef struct {
    int begin_;
    tarn_value low, high;     /* 0, 1 */
    tarn_array *lows, *highs; /* instead of low and high */
    int end_;
} tarn_random_uniform_options;
#define tarn_random_uniform(...) TARN_CALL(3, tarn_random_uniform_with, tarn_random_uniform_options, __VA_ARGS__)
TARN_API tarn_array *tarn_random_uniform_with(tarn_array *key, tarn_ints shape, tarn_dtype dtype,
                                              tarn_random_uniform_options options TARN_ABSENT);
/* The normal distribution, in a float dtype or complex64 (both parts of a standard complex number have variance 1/2).
   means and deviations may widen the shape. */
typedef struct {
    int begin_;
    tarn_value mean, deviation;     /* 0, 1 */
    tarn_array *means, *deviations; /* instead of mean and deviation */
    int end_;
} tarn_random_normal_options;
#define tarn_random_normal(...) TARN_CALL(3, tarn_random_normal_with, tarn_random_normal_options, __VA_ARGS__)
TARN_API tarn_array *tarn_random_normal_with(tarn_array *key, tarn_ints shape, tarn_dtype dtype,
                                             tarn_random_normal_options options TARN_ABSENT);
/* The Laplace distribution exp(-|x - mean| / scale) / (2 scale), in a float dtype. */
typedef struct {
    int begin_;
    tarn_value mean, scale; /* 0, 1 */
    int end_;
} tarn_random_laplace_options;
#define tarn_random_laplace(...) TARN_CALL(3, tarn_random_laplace_with, tarn_random_laplace_options, __VA_ARGS__)
TARN_API tarn_array *tarn_random_laplace_with(tarn_array *key, tarn_ints shape, tarn_dtype dtype,
                                              tarn_random_laplace_options options TARN_ABSENT);
/* The standard Gumbel distribution, whose cumulative distribution is exp(-exp(-x)). */
TARN_API tarn_array *tarn_random_gumbel(tarn_array *key, tarn_ints shape, tarn_dtype dtype);
/* Integers or truths of [low, high), drawn in float32: of an interval wider than 2^24 not every number can be reached.
   Where high is not above low the result is low. */
TARN_API tarn_array *tarn_random_randint(tarn_array *key, tarn_array *low, tarn_array *high, tarn_ints shape,
                                         tarn_dtype dtype);

typedef struct {
    int begin_;
    tarn_ints shape; /* that of the parameters, broadcast to each other */
    int end_;
} tarn_random_shape_options;
/* bool, true with probability p (a float). */
#define tarn_random_bernoulli(...) TARN_CALL(2, tarn_random_bernoulli_with, tarn_random_shape_options, __VA_ARGS__)
TARN_API tarn_array *tarn_random_bernoulli_with(tarn_array *key, tarn_array *p,
                                                tarn_random_shape_options options TARN_ABSENT);
/* The standard normal distribution cut off below lower and above upper, in a float dtype. */
#define tarn_random_truncated_normal(...)                                                                              \
    TARN_CALL(4, tarn_random_truncated_normal_with, tarn_random_shape_options, __VA_ARGS__)
TARN_API tarn_array *tarn_random_truncated_normal_with(tarn_array *key, tarn_array *lower, tarn_array *upper,
                                                       tarn_dtype dtype, tarn_random_shape_options options TARN_ABSENT);

/* Jointly normal numbers float32 [batch..., n] of a mean [..., n] and a covariance [..., n, n]; .shape is that of the
   batch, to which the leading axes of both broadcast. */
#define tarn_random_multivariate_normal(...)                                                                           \
    TARN_CALL(3, tarn_random_multivariate_normal_with, tarn_random_shape_options, __VA_ARGS__)
TARN_API tarn_array *tarn_random_multivariate_normal_with(tarn_array *key, tarn_array *mean, tarn_array *cov,
                                                          tarn_random_shape_options options TARN_ABSENT);

/* uint32 indices drawn along an axis of unnormalized log-probabilities. */
typedef struct {
    int begin_;
    tarn_axis axis;  /* absent: the last */
    tarn_ints shape; /* of the result, to which the shape of logits without the axis broadcasts; absent: that shape */
    tarn_axis count; /* instead: so many from each distribution, in a new last axis */
    int end_;
} tarn_random_categorical_options;
/* As MLX does, a list drawn from one distribution is drawn by inverse CDF, else by the Gumbel maximum. */
#define tarn_random_categorical(...)                                                                                   \
    TARN_CALL(2, tarn_random_categorical_with, tarn_random_categorical_options, __VA_ARGS__)
TARN_API tarn_array *tarn_random_categorical_with(tarn_array *key, tarn_array *logits,
                                                  tarn_random_categorical_options options TARN_ABSENT);

/* The numbers 0 .. count - 1, uint32, in a random order. */
TARN_API tarn_array *tarn_random_permutation(tarn_array *key, int64_t count);
/* x with the places along an axis (absent: 0) in a random order, the same for all. */
#define tarn_random_permute(...) TARN_CALL(2, tarn_random_permute_with, tarn_axis_options, __VA_ARGS__)
TARN_API tarn_array *tarn_random_permute_with(tarn_array *key, tarn_array *x, tarn_axis_options options TARN_ABSENT);

#ifdef __cplusplus
}
#endif
#endif
