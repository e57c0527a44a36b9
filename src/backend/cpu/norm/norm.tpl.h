/* softmax, rms_norm and rope of one row, for one instruction set. Sums run in float32 over LANES partial sums for each
 * of four vectors. */
#include "cpu/exp.h"
#include "cpu/matmul/inline.h"
#include "cpu/norm/norm.h"
#include "cpu/rows.h"

enum { PIECE = 512, KEPT = 8192 };

/* ---- softmax: the largest element, the sum of exp(x - largest), the quotients. float32 keeps the exponentials in the
   output; half types keep those of rows up to KEPT in a buffer and compute those of longer ones twice. */

static float largest(const void *from, int64_t n, tarn_dtype dtype) {
    float buffer[PIECE];
    vf32 lowest = splat_f32(-__builtin_inff()), most = lowest, second = lowest;
    for (int64_t at = 0; at < n; at += PIECE) {
        int64_t count = n - at < PIECE ? n - at : PIECE, i = 0;
        const float *x = row_floats(buffer, from, at, count, dtype);
        for (; i + 2 * LANES <= count; i += 2 * LANES) {
            vf32 a = load_f32(x + i), b = load_f32(x + i + LANES);
            most = blend_f32((vi32)(a > most), a, most);
            second = blend_f32((vi32)(b > second), b, second);
        }
        for (; i < count; i += LANES) {
            vf32 a = load_some(x + i, count - i, lowest);
            most = blend_f32((vi32)(a > most), a, most);
        }
    }
    return max_lanes(blend_f32((vi32)(second > most), second, most));
}

/* exp(x - top) of a piece into `to`; returns what they add to the sums. */
static vf32 exponentials(float *to, const float *x, int64_t count, float top, vf32 sum) {
    vf32 nothing = splat_f32(-__builtin_inff());
    for (int64_t i = 0; i < count; i += LANES) {
        vf32 e = exp_of_negative(load_some(x + i, count - i, nothing) - top);
        if (count - i < LANES && !(top > -__builtin_inff())) e = load_some((float *)&e, count - i, (vf32){0});
        sum += e;
        store_some(to + i, e, count - i);
    }
    return sum;
}

static void softmax(void *to, const void *from, int64_t n, tarn_dtype dtype) {
    float kept[KEPT], top = largest(from, n, dtype), total = 0;
    bool in_place = dtype == TARN_FLOAT32, in_buffer = !in_place && n <= KEPT;
    for (int64_t at = 0; at < n; at += PIECE) {
        int64_t count = n - at < PIECE ? n - at : PIECE;
        float *e = in_place ? (float *)to + at : in_buffer ? kept + at : kept;
        total += sum_lanes(exponentials(e, row_floats(e, from, at, count, dtype), count, top, (vf32){0}));
    }
    for (int64_t at = 0; at < n; at += PIECE) {
        int64_t count = n - at < PIECE ? n - at : PIECE;
        float *e = in_place ? (float *)to + at : in_buffer ? kept + at : kept;
        if (!in_place && !in_buffer) exponentials(e, row_floats(e, from, at, count, dtype), count, top, (vf32){0});
        for (int64_t i = 0; i < count; i++) e[i] = e[i] / total;
        row_store(to, at, e, count, dtype);
    }
}

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

/* ---- rms_norm: x * (1 / sqrt(mean(x²) + eps)), rounded, times weight, rounded */

INLINE float mean_square(const void *from, int64_t n, tarn_dtype dtype) {
    vf32 sums[4] = {{0}, {0}, {0}, {0}};
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) {
        UNROLL(4)
        for (int j = 0; j < 4; j++) {
            vf32 x = row_vector(from, i + j * LANES, LANES, dtype);
            sums[j] += x * x;
        }
    }
    for (; i < n; i += LANES) {
        vf32 x = row_vector(from, i, n - i, dtype);
        sums[0] += x * x;
    }
    return sum_lanes((sums[0] + sums[1]) + (sums[2] + sums[3])) / (float)n;
}

INLINE void normalize(void *to, const void *from, const void *weight, int64_t at, int64_t count, float scale,
                      tarn_dtype dtype) {
    vf32 y = row_vector(from, at, count, dtype) * scale;
    if (weight) y = rounded(y, dtype) * row_vector(weight, at, count, dtype);
    row_put(to, at, y, count, dtype);
}

INLINE void rms_norm_of(void *to, const void *from, const void *weight, int64_t n, float eps, tarn_dtype dtype) {
    float scale = 1 / __builtin_sqrtf(mean_square(from, n, dtype) + eps);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) normalize(to, from, weight, i, LANES, scale, dtype);
    if (i < n) normalize(to, from, weight, i, n - i, scale, dtype);
}

static void rms_norm(void *to, const void *from, const void *weight, int64_t n, float eps, tarn_dtype dtype) {
    if (dtype == TARN_FLOAT32)
        rms_norm_of(to, from, weight, n, eps, TARN_FLOAT32);
    else if (dtype == TARN_BFLOAT16)
        rms_norm_of(to, from, weight, n, eps, TARN_BFLOAT16);
    else
        rms_norm_of(to, from, weight, n, eps, TARN_FLOAT16);
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

const norm_kernels ISA(norm_kernels) = {softmax, rms_norm, rope_turns, rope_angles, rope_row};
