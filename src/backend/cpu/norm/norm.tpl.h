/* softmax, norms and var of rows, softmax down columns, and rope of a row, for one instruction set. */
#include "cpu/matmul/inline.h"
#include "cpu/norm/norm.h"
#include "cpu/operand_rows.h"
#include "cpu/rows.h"

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

/* A whole vector of float32, past the caches if the row's output goes there. */
INLINE void row_send(const norm_row *r, void *row, int64_t at, vf32 x) {
    if (r->past)
        stream_f32((float *)row + at, x);
    else
        store_f32((float *)row + at, x);
}

/* Two vectors of a row, which begin at `at`. Those of bfloat16 hold every other element. */
typedef struct {
    vf32 v[2];
} row_two;

INLINE vf32 row_vector_in_twos(const void *row, int j, tarn_dtype dtype) {
    return dtype == TARN_BFLOAT16 ? bfloat16_in_twos(row, j) : row_vector(row, j * LANES, LANES, dtype);
}

INLINE row_two row_two_vectors(const void *row, int64_t at, tarn_dtype dtype) {
    const char *first = (const char *)row + at * (dtype == TARN_FLOAT32 ? 4 : 2);
    return (row_two){{row_vector_in_twos(first, 0, dtype), row_vector_in_twos(first, 1, dtype)}};
}

/* `rounded` of what is made of a row's elements. */
INLINE vf32 row_rounded(vf32 x, tarn_dtype dtype) {
    return dtype == TARN_BFLOAT16 ? (vf32)(round_number_bfloat16(x) & 0xFFFF0000) : rounded(x, dtype);
}

/* Two vectors of halves as they lie in memory. */
INLINE vf32 row_two_halves(row_two y, tarn_dtype dtype) {
    if (dtype == TARN_BFLOAT16)
        return (vf32)join_upper_halves(round_number_bfloat16(y.v[0]), round_number_bfloat16(y.v[1]));
    return (vf32)join_u16(narrow_float16(y.v[0]), narrow_float16(y.v[1]));
}

INLINE void row_send_two(const norm_row *r, void *row, int64_t at, row_two y, tarn_dtype dtype) {
    if (dtype == TARN_FLOAT32) {
        for (int i = 0; i < 2; i++) row_send(r, row, at + i * LANES, y.v[i]);
        return;
    }
    vf32 both = row_two_halves(y, dtype);
    if (r->past)
        stream_f32((uint16_t *)row + at, both);
    else
        store_f32((uint16_t *)row + at, both);
}

/* Fetches what is so many bytes behind an element, while something else keeps the processor busy. */
INLINE void row_fetch(const void *row, int64_t at, int64_t bytes, tarn_dtype dtype) {
    PREFETCH((const char *)row + at * (dtype == TARN_FLOAT32 ? 4 : 2) + bytes);
}

/* function(..., dtype), of a dtype that is known to the compiler. */
#define FOR_DTYPE(dtype, function, ...)                                                                                \
    switch (dtype) {                                                                                                   \
    case TARN_FLOAT32:                                                                                                 \
        function(__VA_ARGS__, TARN_FLOAT32);                                                                           \
        break;                                                                                                         \
    case TARN_BFLOAT16:                                                                                                \
        function(__VA_ARGS__, TARN_BFLOAT16);                                                                          \
        break;                                                                                                         \
    default:                                                                                                           \
        function(__VA_ARGS__, TARN_FLOAT16);                                                                           \
        break;                                                                                                         \
    }

/* ---- softmax, norms, var; softmax down columns */
#include "cpu/norm/stages.tpl.h"

#include "cpu/norm/columns.tpl.h"

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

const norm_kernels ISA(norm_kernels) = {softmax,    rms_norm,    layer_norm, var,         softmax_columns,
                                        rope_turns, rope_angles, rope_row,   stream_fence};
