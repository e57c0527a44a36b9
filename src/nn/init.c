/* Initial values. */
#include <math.h>

#include "base/list.h"
#include "tarn/linalg.h"
#include "nn/nn.h"

tarn_array *spend_key(tarn_array **key) {
    tarn_array *next, *use;
    if (!key || !*key) return tarn_fail("init: the key is NULL"), NULL;
    if (!tarn_random_next(*key, &next, &use)) return NULL;
    *key = next;
    return use;
}

tarn_array *init_uniform(tarn_array **key, tarn_ints shape, tarn_dtype dtype, double limit) {
    return tarn_random_uniform(spend_key(key), shape, dtype_or_float32(dtype), .low = TARN_VALUE(-limit),
                               .high = TARN_VALUE(limit));
}

static tarn_array *init_normal(tarn_array **key, tarn_ints shape, tarn_dtype dtype, double deviation) {
    return tarn_random_normal(spend_key(key), shape, dtype_or_float32(dtype), .deviation = TARN_VALUE(deviation));
}

/* How many numbers an output is made of, and how many outputs an input goes into. */
typedef struct {
    double in, out;
} fans;

static bool fans_of(tarn_ints shape, fans *f) {
    if (!list_check("init", "the shape", shape)) return false;
    if (shape.count < 2) return tarn_fail("init: a shape of %lld axes; at least 2", (long long)shape.count);
    double kernel = 1;
    for (int64_t i = 1; i < shape.count - 1; i++) kernel *= (double)shape.values[i];
    *f = (fans){kernel * (double)shape.values[shape.count - 1], kernel * (double)shape.values[0]};
    return true;
}

/* A uniform distribution over [-a, a) has the deviation a / sqrt(3). */
static tarn_array *spread(tarn_array **key, tarn_ints shape, tarn_dtype dtype, double deviation, bool uniform) {
    return uniform ? init_uniform(key, shape, dtype, sqrt(3) * deviation) : init_normal(key, shape, dtype, deviation);
}

static tarn_array *glorot(tarn_array **key, tarn_ints shape, tarn_dtype dtype, tarn_init_options o, bool uniform) {
    fans f = {0};
    if (!fans_of(shape, &f)) return NULL;
    return spread(key, shape, dtype, value_or(o.gain, 1) * sqrt(2 / (f.in + f.out)), uniform);
}

static tarn_array *he(tarn_array **key, tarn_ints shape, tarn_dtype dtype, tarn_init_options o, bool uniform) {
    fans f = {0};
    if (!fans_of(shape, &f)) return NULL;
    return spread(key, shape, dtype, value_or(o.gain, 1) / sqrt(o.fan_out ? f.out : f.in), uniform);
}

tarn_array *tarn_init_glorot_normal_with(tarn_array **key, tarn_ints shape, tarn_dtype dtype, tarn_init_options o) {
    return glorot(key, shape, dtype, o, false);
}
tarn_array *tarn_init_glorot_uniform_with(tarn_array **key, tarn_ints shape, tarn_dtype dtype, tarn_init_options o) {
    return glorot(key, shape, dtype, o, true);
}
tarn_array *tarn_init_he_normal_with(tarn_array **key, tarn_ints shape, tarn_dtype dtype, tarn_init_options o) {
    return he(key, shape, dtype, o, false);
}
tarn_array *tarn_init_he_uniform_with(tarn_array **key, tarn_ints shape, tarn_dtype dtype, tarn_init_options o) {
    return he(key, shape, dtype, o, true);
}

/* The factor q of a matrix of normal numbers, with the signs that make the diagonal of r positive: every orthogonal
   matrix is then as likely as another (Mezzadri, 2007). */
tarn_array *tarn_init_orthogonal_with(tarn_array **key, tarn_ints shape, tarn_dtype dtype, tarn_init_options o) {
    if (!list_check("init", "the shape", shape)) return NULL;
    if (shape.count != 2) return tarn_fail("init: orthogonal: %lld axes; 2", (long long)shape.count), NULL;
    int64_t rows = shape.values[0], columns = shape.values[1], large = rows > columns ? rows : columns;
    tarn_array *qr[2];
    if (!tarn_linalg_qr(init_normal(key, TARN_SHAPE(large, large), TARN_FLOAT32, 1), qr)) return NULL;
    tarn_array *all = tarn_multiply(qr[0], tarn_sign(tarn_diag(qr[1])));
    tarn_array *cut = tarn_slice_axis(tarn_slice_axis(all, 0, 0, rows), 1, 0, columns);
    return tarn_astype(tarn_multiply_number(cut, value_or(o.gain, 1)), dtype_or_float32(dtype));
}

tarn_array *tarn_init_sparse(tarn_array **key, tarn_ints shape, tarn_dtype dtype, double sparsity, double deviation) {
    if (!list_check("init", "the shape", shape)) return NULL;
    if (shape.count != 2) return tarn_fail("init: sparse: %lld axes; 2", (long long)shape.count), NULL;
    double zeros = ceil(sparsity * (double)shape.values[0]);
    tarn_array *order = tarn_argsort(tarn_random_uniform(spend_key(key), shape, TARN_FLOAT32), .axis = TARN_AXIS(0));
    tarn_array *rank = tarn_argsort(order, .axis = TARN_AXIS(0));
    tarn_array *kept = tarn_greater_equal(tarn_astype(rank, TARN_FLOAT32), tarn_scalar(zeros, TARN_FLOAT32));
    tarn_array *values = init_normal(key, shape, dtype, deviation);
    return tarn_where(kept, values, tarn_zeros_like(values));
}
