/* Positions as numbers, and places between places. */
#include <math.h>

#include "base/memory.h"
#include "base/require.h"
#include "nn/nn.h"

tarn_array *tarn_sinusoidal_encoding_with(tarn_array *positions, int64_t dims, tarn_sinusoidal_options o) {
    int64_t half = dims / 2;
    if (dims < 4 || dims % 2)
        return tarn_fail("sinusoidal_encoding: %lld dims; even, at least 4", (long long)dims), NULL;
    double low = log(value_or(o.min_frequency, 1e-4)), high = log(value_or(o.max_frequency, 1));
    tarn_array *down = tarn_add_number(
        tarn_multiply_number(tarn_arange(0, (double)half, 1, TARN_FLOAT32), -1 / (double)(half - 1)), 1);
    tarn_array *frequencies = tarn_exp(tarn_add_number(tarn_multiply_number(down, high - low), low));
    if (o.full_turns) frequencies = tarn_multiply_number(frequencies, 2 * acos(-1));
    tarn_array *angles = tarn_multiply(tarn_expand_dims(positions, TARN_AXES(-1)), frequencies);
    tarn_array *sines = tarn_sin(angles), *cosines = tarn_cos(angles);
    tarn_array *both = tarn_concatenate(o.cos_first ? TARN_ARRAYS(cosines, sines) : TARN_ARRAYS(sines, cosines), 2,
                                        .axis = TARN_AXIS(-1));
    return tarn_multiply_number(both, value_or(o.scale, sqrt(2 / (double)dims)));
}

tarn_array *tarn_alibi_bias(int64_t heads, int64_t queries, int64_t keys) {
    if (heads < 1 || queries < 0 || keys < queries)
        return tarn_fail("alibi: %lld heads, %lld queries of %lld keys", (long long)heads, (long long)queries,
                         (long long)keys),
               NULL;
    tarn_array *q = tarn_arange((double)(keys - queries), (double)keys, 1, TARN_FLOAT32);
    tarn_array *k = tarn_arange(0, (double)keys, 1, TARN_FLOAT32);
    tarn_array *distance = tarn_abs(tarn_subtract(tarn_expand_dims(q, TARN_AXES(1)), k));
    tarn_array *powers = tarn_multiply_number(tarn_arange(1, (double)heads + 1, 1, TARN_FLOAT32), -8.0 / (double)heads);
    tarn_array *slopes = tarn_power(tarn_scalar(2, TARN_FLOAT32), powers);
    return tarn_negative(tarn_multiply(tarn_reshape(slopes, TARN_SHAPE(-1, 1, 1)), distance));
}

/* ---- interpolation: along each axis a matrix [places, elements] of weights */

/* Where place i of `size` lies among n elements. */
static double source(const tarn_upsample_options *o, int64_t i, int64_t size, int64_t n, double scale) {
    if (o->mode == TARN_NEAREST) return floor((double)i / scale);
    if (o->align_corners) return size > 1 ? (double)i * (double)(n - 1) / (double)(size - 1) : 0;
    return ((double)i + 0.5) / scale - 0.5;
}

/* Keys, 1981, with a = -0.75: the weight of an element at this distance. */
static double cubic(double d) {
    const double a = -0.75;
    return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : d < 2 ? a * (((d - 5) * d + 8) * d - 4) : 0;
}

static double weight(tarn_interpolation mode, double d) {
    return mode == TARN_NEAREST ? d == 0 : mode == TARN_LINEAR ? fmax(0, 1 - d) : cubic(d);
}

/* Elements beyond the ends are those at the ends. */
static tarn_array *weights(const tarn_upsample_options *o, int64_t n, double scale, tarn_dtype dtype) {
    int64_t size = (int64_t)floor((double)n * scale);
    float *w = NEW_ARRAY(float, size *n + 1);
    for (int64_t i = 0; i < size && w; i++) {
        double at = source(o, i, size, n, scale);
        if (o->mode == TARN_LINEAR) at = fmin(fmax(at, 0), (double)(n - 1));
        for (int64_t k = (int64_t)floor(at) - 1; k <= (int64_t)floor(at) + 2; k++) {
            int64_t inside = k < 0 ? 0 : k >= n ? n - 1 : k;
            w[i * n + inside] += (float)weight(o->mode, fabs(at - (double)k));
        }
    }
    tarn_array *a = w ? tarn_astype(tarn_from_data(w, TARN_SHAPE(size, n), TARN_FLOAT32), dtype) : NULL;
    memory_free(w);
    return a;
}

tarn_array *tarn_upsample_with(tarn_array *x, const double *scale, int count, tarn_upsample_options o) {
    if (!REQUIRE(x)) return NULL;
    int axes = tarn_ndim(x) - 2;
    if (axes < 1 || axes > 3 || !scale || (count != 1 && count != axes))
        return tarn_fail("upsample: %d factors for x of %d axes; [batch, 1 to 3 axes, channels]", count, axes + 2),
               NULL;
    for (int i = 0; i < axes; i++) {
        double factor = scale[count == 1 ? 0 : i];
        int64_t n = tarn_dim(x, i + 1);
        if (!(factor > 0 && factor * (double)n >= 1 && factor * (double)n < 1 << 24))
            return tarn_fail("upsample: %lld elements by a factor of %g", (long long)n, factor), NULL;
        tarn_array *last = tarn_moveaxis(x, i + 1, -1), *w = weights(&o, n, factor, tarn_dtype_of(x));
        x = tarn_moveaxis(tarn_matmul(last, tarn_transpose(w)), -1, i + 1);
    }
    return x;
}
