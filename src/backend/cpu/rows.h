/* Reading a row of any float dtype that computes in float32, a piece at a time. Included by files compiled for an
 * instruction set. */
#ifndef CPU_ROWS_H
#define CPU_ROWS_H

#include "cpu/simd.h"
#include "table/table.h"

/* `count` elements from the index `at` on, as floats: where they are, if the row is float32, else in `buffer`. */
static inline __attribute__((unused)) const float *row_floats(float *buffer, const void *row, int64_t at, int64_t count,
                                                              tarn_dtype dtype) {
    if (dtype == TARN_FLOAT32) return (const float *)row + at;
    if (dtype == TARN_BFLOAT16)
        floats_from_bfloat16(buffer, (const uint16_t *)row + at, count);
    else
        floats_from_float16(buffer, (const uint16_t *)row + at, count);
    return buffer;
}

static inline __attribute__((unused)) void row_store(void *row, int64_t at, const float *from, int64_t count,
                                                     tarn_dtype dtype) {
    if (dtype == TARN_BFLOAT16)
        floats_to_bfloat16((uint16_t *)row + at, from, count);
    else if (dtype == TARN_FLOAT16)
        floats_to_float16((uint16_t *)row + at, from, count);
    else if ((float *)row + at != from)
        memcpy((float *)row + at, from, (size_t)count * sizeof *from);
}

/* The first `count` lanes from memory, the others as in `rest`. */
static inline __attribute__((unused)) vf32 load_some(const float *from, int64_t count, vf32 rest) {
    if (count >= LANES) return load_f32(from);
    memcpy(&rest, from, (size_t)count * sizeof *from);
    return rest;
}
static inline __attribute__((unused)) void store_some(float *to, vf32 x, int64_t count) {
    memcpy(to, &x, count >= LANES ? sizeof x : (size_t)count * sizeof *to);
}

/* x as an element of the dtype holds it. */
static inline __attribute__((unused)) vf32 rounded(vf32 x, tarn_dtype dtype) {
    if (dtype == TARN_FLOAT32) return x;
    return dtype == TARN_BFLOAT16 ? round_bfloat16(x) : round_float16(x);
}

#endif
