/* softmax, norms, var and rope of one row, for one instruction set. Sums run in float32 over LANES partial
 * sums for each of four vectors. */
#include "cpu/exp.h"
#include "cpu/matmul/inline.h"
#include "cpu/norm/norm.h"
#include "cpu/rows.h"

enum { KEPT = 16384, AHEAD = 1024 };

/* ---- vectors of a row, whole or the first `count` lanes of one */

INLINE vf32 row_vector(const void *row, int64_t at, int64_t count, tarn_dtype dtype) {
    hu16 half = {0};
    if (dtype == TARN_FLOAT32) return load_some((const float *)row + at, count, (vf32){0});
    memcpy(&half, (const uint16_t *)row + at, count >= LANES ? sizeof half : (size_t)count * sizeof(uint16_t));
    return dtype == TARN_BFLOAT16 ? widen_bfloat16(half) : widen_float16(half);
}

INLINE void row_put(void *row, int64_t at, vf32 x, int64_t count, tarn_dtype dtype) {
    if (dtype == TARN_FLOAT32) {
        store_some((float *)row + at, x, count);
        return;
    }
    hu16 half = dtype == TARN_BFLOAT16 ? narrow_bfloat16(x) : narrow_float16(x);
    memcpy((uint16_t *)row + at, &half, count >= LANES ? sizeof half : (size_t)count * sizeof(uint16_t));
}

/* The same of a whole vector, past the caches if the row's output goes there. */
INLINE void row_send(const norm_row *r, void *row, int64_t at, vf32 x, tarn_dtype dtype) {
    if (!r->past)
        row_put(row, at, x, LANES, dtype);
    else if (dtype == TARN_FLOAT32)
        stream_f32((float *)row + at, x);
    else
        stream_half((uint16_t *)row + at, (hf32)(dtype == TARN_BFLOAT16 ? narrow_bfloat16(x) : narrow_float16(x)));
}

/* Fetches what is so many bytes behind an element, while something else keeps the processor busy. */
INLINE void row_fetch(const void *row, int64_t at, int64_t bytes, tarn_dtype dtype) {
    PREFETCH((const char *)row + at * (dtype == TARN_FLOAT32 ? 4 : 2) + bytes);
}

/* `inner(dtype)` for a dtype that is known to the compiler. */
#define FOR_DTYPE(dtype, inner)                                                                                        \
    if ((dtype) == TARN_FLOAT32)                                                                                       \
        inner(TARN_FLOAT32);                                                                                           \
    else if ((dtype) == TARN_BFLOAT16)                                                                                 \
        inner(TARN_BFLOAT16);                                                                                          \
    else                                                                                                               \
        inner(TARN_FLOAT16);

/* ---- softmax: the largest element, the sum of exp(x - largest), the quotients. The exponentials of rows up to KEPT
   are kept in a buffer; those of longer ones are computed twice. */

INLINE vf32 larger(vf32 a, vf32 b) {
    return at_least_f32(a, b);
}

INLINE float largest(const norm_row *r, const void *from, tarn_dtype dtype) {
    vf32 lowest = splat_f32(-__builtin_inff()), most[4] = {lowest, lowest, lowest, lowest};
    int64_t i = 0;
    for (; i + 4 * LANES <= r->n; i += 4 * LANES) {
        UNROLL(4)
        for (int j = 0; j < 4; j++) {
            row_fetch(from, i + j * LANES, AHEAD, dtype);
            most[j] = larger(row_vector(from, i + j * LANES, LANES, dtype), most[j]);
        }
    }
    float top = max_lanes(larger(larger(most[0], most[1]), larger(most[2], most[3])));
    for (; i < r->n; i += LANES) {
        vf32 x = row_vector(from, i, r->n - i, dtype);
        for (int j = 0; j < LANES; j++) top = j < r->n - i && x[j] > top ? x[j] : top;
    }
    return top;
}

/* exp(x - top) into `kept`, unless that is NULL; returns their sum. */
INLINE float exponentials(const norm_row *r, float *kept, const void *from, float top, tarn_dtype dtype) {
    vf32 sums[2] = {{0}, {0}};
    int64_t i = 0;
    for (; i + 2 * LANES <= r->n; i += 2 * LANES) {
        UNROLL(2)
        for (int j = 0; j < 2; j++) {
            int64_t at = i + j * LANES;
            row_fetch(from, at, r->next, dtype);
            vf32 e = exp_of_negative(row_vector(from, at, LANES, dtype) - top);
            sums[j] += e;
            if (kept) store_f32(kept + at, e);
        }
    }
    for (; i < r->n; i += LANES) {
        vf32 e = exp_of_negative(row_vector(from, i, r->n - i, dtype) - top);
        for (int j = 0; j < LANES; j++) e[j] = j < r->n - i ? e[j] : 0;
        sums[0] += e;
        if (kept) store_some(kept + i, e, r->n - i);
    }
    return sum_lanes(sums[0] + sums[1]);
}

INLINE void softmax_of(const norm_row *r, void *to, const void *from, tarn_dtype dtype) {
    float kept[KEPT], top = largest(r, from, dtype);
    bool all = r->n <= KEPT;
    float share = 1 / exponentials(r, all ? kept : NULL, from, top, dtype);
    int64_t i = 0;
    for (; i + LANES <= r->n; i += LANES) {
        vf32 e = all ? load_f32(kept + i) : exp_of_negative(row_vector(from, i, LANES, dtype) - top);
        row_send(r, to, i, e * share, dtype);
    }
    if (i < r->n) row_put(to, i, exp_of_negative(row_vector(from, i, r->n - i, dtype) - top) * share, r->n - i, dtype);
}

static void softmax(const norm_row *r, void *to, const void *from){
#define SOFTMAX(dtype) softmax_of(r, to, from, dtype)
    FOR_DTYPE(r->dtype, SOFTMAX)}

/* ---- rms_norm: x * (1 / sqrt(mean(x^2) + eps)), rounded, times weight, rounded. layer_norm: the same of x - mean(x),
   plus bias, rounded */

/* The sum of x or, about a centre, of (x - centre)^2; what is so far behind is fetched. */
INLINE float sum_of(const norm_row *r, const void *from, bool square, float centre, int64_t ahead, tarn_dtype dtype) {
    vf32 sums[4] = {{0}, {0}, {0}, {0}};
    int64_t i = 0;
    for (; i + 4 * LANES <= r->n; i += 4 * LANES) {
        UNROLL(4)
        for (int j = 0; j < 4; j++) {
            if (ahead) row_fetch(from, i + j * LANES, ahead, dtype);
            vf32 x = row_vector(from, i + j * LANES, LANES, dtype) - centre;
            sums[j] += square ? x * x : x;
        }
    }
    for (; i < r->n; i += LANES) {
        vf32 x = row_vector(from, i, r->n - i, dtype) - centre;
        for (int j = 0; j < LANES; j++) x[j] = j < r->n - i ? x[j] : 0;
        sums[0] += square ? x * x : x;
    }
    return sum_lanes((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

INLINE float mean_of(const norm_row *r, const void *from, bool square, float centre, int64_t ahead, tarn_dtype dtype) {
    return sum_of(r, from, square, centre, ahead, dtype) / (float)r->n;
}

INLINE vf32 normalized(const norm_row *r, const void *from, int64_t at, int64_t count, float centre, float scale,
                       tarn_dtype dtype) {
    vf32 y = (row_vector(from, at, count, dtype) - centre) * scale;
    if (r->weight) y = rounded(y, dtype) * row_vector(r->weight, at, count, dtype);
    if (r->bias) y = rounded(y, dtype) + row_vector(r->bias, at, count, dtype);
    return y;
}

INLINE void normalize(const norm_row *r, void *to, const void *from, float centre, float scale, tarn_dtype dtype) {
    int64_t i = 0;
    for (; i + LANES <= r->n; i += LANES) {
        row_fetch(from, i, r->next, dtype);
        row_send(r, to, i, normalized(r, from, i, LANES, centre, scale, dtype), dtype);
    }
    if (i < r->n) row_put(to, i, normalized(r, from, i, r->n - i, centre, scale, dtype), r->n - i, dtype);
}

INLINE void rms_norm_of(const norm_row *r, void *to, const void *from, tarn_dtype dtype) {
    float scale = 1 / __builtin_sqrtf(mean_of(r, from, true, 0, AHEAD, dtype) + r->eps);
    normalize(r, to, from, 0, scale, dtype);
}

static void rms_norm(const norm_row *r, void *to, const void *from){
#define RMS_NORM(dtype) rms_norm_of(r, to, from, dtype)
    FOR_DTYPE(r->dtype, RMS_NORM)}

INLINE void layer_norm_of(const norm_row *r, void *to, const void *from, tarn_dtype dtype) {
    float centre = mean_of(r, from, false, 0, AHEAD, dtype);
    float scale = 1 / __builtin_sqrtf(mean_of(r, from, true, centre, 0, dtype) + r->eps);
    normalize(r, to, from, centre, scale, dtype);
}

static void layer_norm(const norm_row *r, void *to, const void *from){
#define LAYER_NORM(dtype) layer_norm_of(r, to, from, dtype)
    FOR_DTYPE(r->dtype, LAYER_NORM)}

/* ---- one number of a row */

INLINE void var_of(const norm_row *r, void *to, const void *from, tarn_dtype dtype) {
    float centre = mean_of(r, from, false, 0, AHEAD, dtype);
    row_put(to, 0, splat_f32(sum_of(r, from, true, centre, r->next, dtype) / r->count), 1, dtype);
}

static void var(const norm_row *r, void *to, const void *from) {
#define VAR(dtype) var_of(r, to, from, dtype)
    FOR_DTYPE(r->dtype, VAR)
}

/* ---- rope, in the order of its formula: every product and difference in float32 */

static void rope_turns(float *turns, const float *freqs, int64_t half, float step) {
    for (int64_t i = 0; i < half; i++) turns[i] = freqs ? 1 / freqs[i] : (float)i * step;
    for (int64_t i = 0; !freqs && i < half; i += LANES)
        store_some(turns + i, exp_f32(load_some(turns + i, half - i, (vf32){0})), half - i);
}

static void rope_angles(float *cosines, float *sines, const float *turns, int64_t half, float position) {
    for (int64_t i = 0; i < half; i += LANES) {
        vf32 theta = load_some(turns + i, half - i, (vf32){0}) * position;
        store_some(cosines + i, cos_f32(theta), half - i);
        store_some(sines + i, sin_f32(theta), half - i);
    }
}

static void rope_row(void *to, const void *from, const float *cosines, const float *sines, int64_t half, int64_t dim,
                     bool traditional, tarn_dtype dtype) {
    float buffer[ROPE_MOST_DIMS], out[ROPE_MOST_DIMS];
    const float *x = row_floats(buffer, from, 0, 2 * half, dtype);
    for (int64_t i = 0; !traditional && i < half; i++) {
        out[i] = x[i] * cosines[i] - x[i + half] * sines[i];
        out[i + half] = x[i] * sines[i] + x[i + half] * cosines[i];
    }
    for (int64_t i = 0; traditional && i < half; i++) {
        out[2 * i] = x[2 * i] * cosines[i] - x[2 * i + 1] * sines[i];
        out[2 * i + 1] = x[2 * i] * sines[i] + x[2 * i + 1] * cosines[i];
    }
    row_store(to, 0, out, 2 * half, dtype);
    int64_t bytes = dtype_bytes(dtype), done = 2 * half * bytes;
    if (dim > 2 * half) memmove((char *)to + done, (const char *)from + done, (size_t)(dim * bytes - done));
}

const norm_kernels ISA(norm_kernels) = {softmax,    rms_norm,    layer_norm, var,
                                        rope_turns, rope_angles, rope_row,   stream_fence};
