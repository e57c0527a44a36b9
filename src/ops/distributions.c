/* Random numbers of the usual distributions, as formulas over random bits. They are those of MLX
   (reference/mlx.md 5.6), rounded where MLX rounds, so that equal keys give equal numbers. */
#include <math.h>

#include "core/scope.h"
#include "ops/front.h"
#include "ops/random.h"
#include "tarn/linalg.h"

static const double below_2_32 = 4294967295.0;

/* An option: the array, or the value, or what stands for it; in this dtype. */
static tarn_array *parameter(tarn_array *array, tarn_value value, double absent, tarn_dtype dtype) {
    if (array) return tarn_astype(array, dtype);
    return tarn_scalar(value.given ? value.value : absent, dtype);
}

bool random_check_float(const char *what, tarn_dtype dtype) {
    if (dtype_kind_of(dtype) == KIND_FLOAT) return true;
    return tarn_fail_kind(TARN_ERROR_TYPE, "%s: %s is not supported", what, dtype_facts[dtype].name);
}

/* ---- uniform */

/* The largest value below 1 of a dtype. */
static double below_one(tarn_dtype dtype) {
    return dtype == TARN_FLOAT16 ? 1.0 - 0x1p-11 : dtype == TARN_BFLOAT16 ? 1.0 - 0x1p-8 : 1.0 - 0x1p-24;
}

/* 27 bits of one word and 26 of the next: every multiple of 2^-53 below 1. */
static tarn_array *unit_double(tarn_array *key, tarn_ints shape) {
    int64_t pairs[TARN_MAX_NDIM];
    if (shape.count >= TARN_MAX_NDIM) return tarn_fail("random_uniform: %d axes", TARN_MAX_NDIM), NULL;
    for (int64_t i = 0; i < shape.count; i++) pairs[i] = shape.values[i];
    pairs[shape.count] = 2;
    tarn_array *parts[2], *bits = tarn_random_bits(key, ((tarn_ints){pairs, shape.count + 1}));
    if (!bits || !tarn_split(bits, 2, parts, .axis = TARN_AXIS(-1))) return NULL;
    tarn_array *shifts = tarn_scalar_int(5, TARN_UINT32), *more = tarn_scalar_int(6, TARN_UINT32);
    tarn_array *high =
                   tarn_astype(tarn_right_shift(tarn_squeeze(parts[0], .axes = TARN_AXES(-1)), shifts), TARN_FLOAT64),
               *low = tarn_astype(tarn_right_shift(tarn_squeeze(parts[1], .axes = TARN_AXES(-1)), more), TARN_FLOAT64);
    return tarn_add(tarn_multiply(high, tarn_scalar(0x1p-27, TARN_FLOAT64)),
                    tarn_multiply(low, tarn_scalar(0x1p-53, TARN_FLOAT64)));
}

/* In [0, 1). */
static tarn_array *unit(tarn_array *key, tarn_ints shape, tarn_dtype dtype) {
    if (dtype == TARN_FLOAT64) return unit_double(key, shape);
    tarn_array *bits = tarn_astype(tarn_random_bits(key, shape), TARN_FLOAT32);
    tarn_array *u = tarn_multiply(bits, tarn_scalar(0x1p-32, TARN_FLOAT32));
    return tarn_astype(tarn_minimum(u, tarn_scalar(below_one(dtype), TARN_FLOAT32)), dtype);
}

tarn_array *tarn_random_uniform_with(tarn_array *key, tarn_ints shape, tarn_dtype dtype,
                                     tarn_random_uniform_options o) {
    FRONT("random_uniform");
    REQUIRE_DTYPE(dtype);
    REQUIRE_LIST(shape);
    if (!random_check_float("random_uniform", dtype)) return NULL;
    tarn_array *low = parameter(o.lows, o.low, 0, dtype), *high = parameter(o.highs, o.high, 1, dtype);
    tarn_array *u = unit(key, shape, dtype);
    tarn_array *out = tarn_add(tarn_multiply(tarn_subtract(high, low), u), low);
    if (out && !array_same_shape(out, u)) return fail_shapes(out, " from ", u, "random_uniform: bounds give"), NULL;
    return out;
}

/* ---- normal */

/* In (-1, 1), float32. */
static tarn_array *centered(tarn_array *key, tarn_ints shape) {
    return tarn_random_uniform(key, shape, TARN_FLOAT32, .low = TARN_VALUE((double)nextafterf(-1.0F, 0.0F)));
}

static tarn_array *normal_complex(tarn_array *key, tarn_ints shape) {
    int64_t pairs[TARN_MAX_NDIM];
    if (shape.count >= TARN_MAX_NDIM) return tarn_fail("random_normal: %d axes", TARN_MAX_NDIM), NULL;
    for (int64_t i = 0; i < shape.count; i++) pairs[i] = shape.values[i];
    pairs[shape.count] = 2;
    tarn_array *parts = tarn_erfinv(centered(key, (tarn_ints){pairs, shape.count + 1}));
    return tarn_squeeze(tarn_view(parts, TARN_COMPLEX64), .axes = TARN_AXES(-1));
}

tarn_array *tarn_random_normal_with(tarn_array *key, tarn_ints shape, tarn_dtype dtype, tarn_random_normal_options o) {
    FRONT("random_normal");
    REQUIRE_DTYPE(dtype);
    REQUIRE_LIST(shape);
    bool complex = dtype == TARN_COMPLEX64;
    if (!complex && !random_check_float("random_normal", dtype)) return NULL;
    tarn_array *z = complex ? normal_complex(key, shape) : tarn_astype(tarn_erfinv(centered(key, shape)), dtype);
    tarn_array *scale = complex ? NULL : tarn_scalar(sqrt(2.0), dtype);
    if (o.deviations || o.deviation.given) {
        tarn_array *deviation = parameter(o.deviations, o.deviation, 1, dtype);
        scale = scale ? tarn_multiply(scale, deviation) : deviation;
    }
    if (scale) z = tarn_multiply(scale, z);
    return o.means || o.mean.given ? tarn_add(parameter(o.means, o.mean, 0, dtype), z) : z;
}

/* ---- others */

/* In float32 at least. */
tarn_array *tarn_random_laplace_with(tarn_array *key, tarn_ints shape, tarn_dtype dtype,
                                     tarn_random_laplace_options o) {
    FRONT("random_laplace");
    REQUIRE_DTYPE(dtype);
    if (!random_check_float("random_laplace", dtype)) return NULL;
    tarn_array *u = tarn_astype(centered(key, shape), dtype_promote(dtype, TARN_FLOAT32));
    tarn_array *x = tarn_astype(tarn_multiply(tarn_sign(u), tarn_log1p(tarn_negative(tarn_abs(u)))), dtype);
    if (o.scale.given) x = tarn_multiply(parameter(NULL, o.scale, 1, dtype), x);
    return o.mean.given ? tarn_add(parameter(NULL, o.mean, 0, dtype), x) : x;
}

tarn_array *tarn_random_gumbel(tarn_array *key, tarn_ints shape, tarn_dtype dtype) {
    FRONT("random_gumbel");
    REQUIRE_DTYPE(dtype);
    if (!random_check_float("random_gumbel", dtype)) return NULL;
    tarn_array *u = tarn_random_uniform(key, shape, dtype);
    return tarn_negative(tarn_log(tarn_negative(tarn_log(u))));
}

/* Rounding to float32 may reach the upper bound, and beyond 2^24 pass the lower one. */
tarn_array *tarn_random_randint(tarn_array *key, tarn_array *low, tarn_array *high, tarn_ints shape, tarn_dtype dtype) {
    FRONT("random_randint");
    REQUIRE(low, high);
    REQUIRE_DTYPE(dtype);
    if (dtype_kind_of(dtype) > KIND_INT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "random_randint: %s is no integer", dtype_facts[dtype].name), NULL;
    tarn_array *u = tarn_random_uniform(key, shape, TARN_FLOAT32, .lows = low, .highs = high);
    tarn_array *drawn = tarn_astype(tarn_floor(u), dtype);
    if (dtype == TARN_BOOL) return drawn;
    tarn_array *last = tarn_subtract(tarn_astype(high, dtype), tarn_scalar_int(1, dtype));
    return tarn_maximum(tarn_minimum(drawn, last), tarn_astype(low, dtype));
}

tarn_array *tarn_random_bernoulli_with(tarn_array *key, tarn_array *p, tarn_random_shape_options o) {
    FRONT("random_bernoulli");
    REQUIRE(key, p);
    REQUIRE_LIST(o.shape);
    if (!random_check_float("random_bernoulli: p", p->dtype)) return NULL;
    tarn_array *bits = tarn_random_bits(key, o.shape.values ? o.shape : tarn_shape_of(p));
    tarn_array *out = tarn_less(bits, tarn_multiply(p, tarn_scalar(below_2_32, TARN_FLOAT32)));
    if (out && !array_same_shape(out, bits))
        return fail_shapes(p, " to ", bits, "random_bernoulli: p does not broadcast"), NULL;
    return out;
}

/* The symmetric root of the covariance, times standard normal numbers. */
tarn_array *tarn_random_multivariate_normal_with(tarn_array *key, tarn_array *mean, tarn_array *cov,
                                                 tarn_random_shape_options o) {
    FRONT("random_multivariate_normal");
    REQUIRE(mean, cov);
    REQUIRE_LIST(o.shape);
    int last = cov->ndim - 1;
    if (mean->ndim < 1 || last < 1 || cov->shape[last] != cov->shape[last - 1] ||
        cov->shape[last] != mean->shape[mean->ndim - 1])
        return fail_shapes(mean, " and ", cov,
                           "random_multivariate_normal: mean [..., n], covariance [..., n, n], not"),
               NULL;
    tarn_array *parts[3];
    tarn_array *means = tarn_astype(mean, TARN_FLOAT32);
    if (!tarn_linalg_svd(tarn_astype(cov, TARN_FLOAT32), parts)) return NULL;
    tarn_array *root =
        tarn_matmul(tarn_multiply(parts[0], tarn_expand_dims(tarn_sqrt(parts[1]), TARN_AXES(-2))), parts[2]);
    array_type type;
    tarn_array *rows = tarn_squeeze(tarn_slice_axis(root, -1, 0, 1), .axes = TARN_AXES(-1));
    if (!rows || !means || !broadcast_shapes("random_multivariate_normal", means, rows, &type)) return NULL;
    trace_note_sizes(means), trace_note_sizes(rows); /* so much is drawn */
    if (o.shape.values) { /* the shape of the batch, to which those of mean and covariance broadcast */
        type.ndim = (int)o.shape.count + 1;
        if (type.ndim > TARN_MAX_NDIM) return tarn_fail("random_multivariate_normal: too many axes"), NULL;
        for (int i = 0; i + 1 < type.ndim; i++) type.shape[i] = o.shape.values[i];
        type.shape[type.ndim - 1] = mean->shape[mean->ndim - 1];
    }
    tarn_array *z = tarn_random_normal(key, ((tarn_ints){type.shape, type.ndim}), TARN_FLOAT32);
    tarn_array *x = tarn_squeeze(tarn_matmul(tarn_expand_dims(z, TARN_AXES(-2)), root), .axes = TARN_AXES(-2));
    tarn_array *out = tarn_add(x, means);
    if (out && !array_same_shape(out, z))
        return fail_shapes(out, " from ", z, "random_multivariate_normal: mean and covariance give"), NULL;
    return out;
}

/* ---- orders */

tarn_array *tarn_random_permutation(tarn_array *key, int64_t count) {
    FRONT("random_permutation");
    return tarn_argsort(tarn_random_bits(key, TARN_SHAPE(count)));
}

tarn_array *tarn_random_permute_with(tarn_array *key, tarn_array *x, tarn_axis_options o) {
    FRONT("random_permute");
    REQUIRE(x);
    int axis;
    if (!check_axis("random_permute", axis_or(o.axis, 0), x->ndim, &axis)) return NULL;
    return tarn_take(x, tarn_random_permutation(key, tarn_dim(x, axis)), .axis = TARN_AXIS(axis));
}
