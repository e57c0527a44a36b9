/* The vector words of the templates for any x86-64: four floats, multiply and add apart. */
#ifndef CPU_MATMUL_VECTOR_H
#define CPU_MATMUL_VECTOR_H

#include "cpu/matmul/inline.h"
#include "cpu/matmul/lines.h"

enum { WIDTH = 4 };
typedef float vec __attribute__((vector_size(16)));

INLINE vec v_zero(void) {
    return (vec){0};
}
INLINE vec v_set1(float x) {
    return (vec){x, x, x, x};
}
INLINE vec v_load(const float *p) {
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}
INLINE void v_store(float *p, vec v) {
    memcpy(p, &v, sizeof v);
}
INLINE vec v_load_first(const float *p, int count) {
    vec v = {0};
    for (int i = 0; i < count; i++) memcpy((char *)&v + i * (int)sizeof *p, p + i, sizeof *p);
    return v;
}
INLINE void v_store_first(float *p, vec v, int count) {
    for (int i = 0; i < count; i++) memcpy(p + i, (char *)&v + i * (int)sizeof *p, sizeof *p);
}
INLINE vec v_add(vec a, vec b) {
    return a + b;
}
INLINE vec v_fma(vec a, vec b, vec c) {
    return a * b + c;
}
INLINE float s_fma(float a, float b, float c) {
    return a * b + c;
}
INLINE float v_sum(vec v) {
    return (v[0] + v[2]) + (v[1] + v[3]);
}
INLINE vec v_load_half(matmul_dtype dtype, const void *p) {
    return (vec){load_as_float(dtype, p, 0), load_as_float(dtype, p, 1), load_as_float(dtype, p, 2),
                 load_as_float(dtype, p, 3)};
}
INLINE void v_store_half(matmul_dtype dtype, void *p, vec v) {
    for (int i = 0; i < WIDTH; i++) store_from_float(dtype, v[i], p, i);
}

/* Words of two numbers of 16 bits, the first below the second. */
INLINE vec v_pair(matmul_dtype dtype, vec first, vec second) {
    uint16_t halves[2 * WIDTH];
    for (int i = 0; i < WIDTH; i++) {
        store_from_float(dtype, first[i], halves, 2 * i);
        store_from_float(dtype, second[i], halves, 2 * i + 1);
    }
    vec words;
    memcpy(&words, halves, sizeof words);
    return words;
}

/* Values begin .. begin + 3 of a bit stream as f32; begin is a multiple of 4. */
INLINE vec v_unpack(const uint8_t *stream, int64_t begin, int bits) {
    int64_t bit = begin * bits;
    uint32_t word = 0;
    memcpy(&word, stream + bit / 8,
           (size_t)((bit & 7) + 4 * bits + 7) / 8); /* at most four bytes: 6-bit values begin at a byte */
    word >>= bit & 7;
    uint32_t mask = (1u << bits) - 1;
    return (vec){(float)(word & mask), (float)(word >> bits & mask), (float)(word >> 2 * bits & mask),
                 (float)(word >> 3 * bits & mask)};
}

INLINE void v_transpose(const float *source, int64_t stride, float *out, int64_t out_stride) {
    for (int i = 0; i < WIDTH; i++)
        for (int j = 0; j < WIDTH; j++) out[j * out_stride + i] = load_as_float(MATMUL_F32, source, i * stride + j);
}

#endif
