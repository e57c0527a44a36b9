/* How elements move between arrays and registers, and from one dtype to another (table/convert.h has the rules).
   Included by elementwise.tpl.h alone. */
#ifndef CPU_ELEMENTWISE_MEMORY_H
#define CPU_ELEMENTWISE_MEMORY_H

#include <complex.h>

#include "cpu/simd.h"

/* load_<dtype>: S is the type in memory, C the one in registers; `value` makes the one from `s`. */
#define LOAD(name, S, C, value)                                                                                        \
    static void load_##name(void *to, const void *from, int64_t stride, int64_t count) {                               \
        const S *in = from;                                                                                            \
        C *out = to;                                                                                                   \
        if (stride == 1) {                                                                                             \
            for (int64_t i = 0; i < count; i++) {                                                                      \
                S s = in[i];                                                                                           \
                out[i] = value;                                                                                        \
            }                                                                                                          \
        } else if (stride == 0) {                                                                                      \
            S s = *in;                                                                                                 \
            C splat = value;                                                                                           \
            for (int64_t i = 0; i < count; i++) out[i] = splat;                                                        \
        } else {                                                                                                       \
            for (int64_t i = 0; i < count; i++) {                                                                      \
                S s = in[i * stride];                                                                                  \
                out[i] = value;                                                                                        \
            }                                                                                                          \
        }                                                                                                              \
    }
LOAD(bool, uint8_t, int32_t, s != 0)
LOAD(uint8, uint8_t, int32_t, s)
LOAD(uint16, uint16_t, int32_t, s)
LOAD(uint32, uint32_t, uint32_t, s)
LOAD(uint64, uint64_t, uint64_t, s)
LOAD(int8, int8_t, int32_t, s)
LOAD(int16, int16_t, int32_t, s)
LOAD(int32, int32_t, int32_t, s)
LOAD(int64, int64_t, int64_t, s)
LOAD(strided_float16, uint16_t, float, float16_to_float(s))
LOAD(strided_bfloat16, uint16_t, float, bfloat16_to_float(s))
LOAD(float32, float, float, s)
LOAD(float64, double, double, s)
LOAD(complex64, uint64_t, uint64_t, s)
#undef LOAD

static void load_float16(void *to, const void *from, int64_t stride, int64_t count) {
    if (stride == 1)
        floats_from_float16(to, from, count);
    else
        load_strided_float16(to, from, stride, count);
}
static void load_bfloat16(void *to, const void *from, int64_t stride, int64_t count) {
    if (stride == 1)
        floats_from_bfloat16(to, from, count);
    else
        load_strided_bfloat16(to, from, stride, count);
}

#define STORE(name, S, C)                                                                                              \
    static void store_##name(void *to, const void *from, int64_t count) {                                              \
        const C *in = from;                                                                                            \
        S *out = to;                                                                                                   \
        for (int64_t i = 0; i < count; i++) out[i] = (S)in[i];                                                         \
    }
STORE(bool, uint8_t, int32_t)
STORE(uint8, uint8_t, int32_t)
STORE(uint16, uint16_t, int32_t)
STORE(uint32, uint32_t, uint32_t)
STORE(uint64, uint64_t, uint64_t)
STORE(int8, int8_t, int32_t)
STORE(int16, int16_t, int32_t)
STORE(int32, int32_t, int32_t)
STORE(int64, int64_t, int64_t)
STORE(float32, float, float)
STORE(float64, double, double)
STORE(complex64, uint64_t, uint64_t)
#undef STORE

static void store_float16(void *to, const void *from, int64_t count) {
    floats_to_float16(to, from, count);
}
static void store_bfloat16(void *to, const void *from, int64_t count) {
    floats_to_bfloat16(to, from, count);
}

/* convert_<type>_<dtype>: E is the register type of x, C that of the dtype. */
#define CONVERT(type, E, name, C, value)                                                                               \
    static void convert_##type##_##name(void *to, const void *from, int64_t count) {                                   \
        const E *in = from;                                                                                            \
        C *out = to;                                                                                                   \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            E x = in[i];                                                                                               \
            out[i] = (C)(value);                                                                                       \
        }                                                                                                              \
    }
#define FROM_INTEGER(type, E, AS_DOUBLE)                                                                               \
    CONVERT(type, E, bool, int32_t, x != 0)                                                                            \
    CONVERT(type, E, uint8, int32_t, (uint8_t)x)                                                                       \
    CONVERT(type, E, uint16, int32_t, (uint16_t)x)                                                                     \
    CONVERT(type, E, uint32, uint32_t, x)                                                                              \
    CONVERT(type, E, uint64, uint64_t, x)                                                                              \
    CONVERT(type, E, int8, int32_t, (int8_t)x)                                                                         \
    CONVERT(type, E, int16, int32_t, (int16_t)x)                                                                       \
    CONVERT(type, E, int32, int32_t, x)                                                                                \
    CONVERT(type, E, int64, int64_t, x)                                                                                \
    CONVERT(type, E, float16, float, float16_to_float(double_to_float16(AS_DOUBLE(x))))                                \
    CONVERT(type, E, bfloat16, float, bfloat16_to_float(double_to_bfloat16(AS_DOUBLE(x))))                             \
    CONVERT(type, E, float32, float, x)                                                                                \
    CONVERT(type, E, float64, double, x)                                                                               \
    CONVERT(type, E, complex64, float _Complex, (float)x)
/* REAL(x) is the real part, an E or narrower. */
#define FROM_FLOAT(type, E, REAL)                                                                                      \
    CONVERT(type, E, bool, int32_t, x != 0)                                                                            \
    CONVERT(type, E, uint8, int32_t, double_to_unsigned((double)REAL(x), 8))                                           \
    CONVERT(type, E, uint16, int32_t, double_to_unsigned((double)REAL(x), 16))                                         \
    CONVERT(type, E, uint32, uint32_t, double_to_unsigned((double)REAL(x), 32))                                        \
    CONVERT(type, E, uint64, uint64_t, double_to_unsigned((double)REAL(x), 64))                                        \
    CONVERT(type, E, int8, int32_t, double_to_signed((double)REAL(x), 8))                                              \
    CONVERT(type, E, int16, int32_t, double_to_signed((double)REAL(x), 16))                                            \
    CONVERT(type, E, int32, int32_t, double_to_signed((double)REAL(x), 32))                                            \
    CONVERT(type, E, int64, int64_t, double_to_signed((double)REAL(x), 64))                                            \
    CONVERT(type, E, float32, float, REAL(x))                                                                          \
    CONVERT(type, E, float64, double, REAL(x))
#define FROM_WIDE_FLOAT(type, E, REAL)                                                                                 \
    FROM_FLOAT(type, E, REAL)                                                                                          \
    CONVERT(type, E, float16, float, float16_to_float(double_to_float16((double)REAL(x))))                             \
    CONVERT(type, E, bfloat16, float, bfloat16_to_float(double_to_bfloat16((double)REAL(x))))
#define ITSELF(x)    (x)
#define TO_DOUBLE(x) ((double)(x))
FROM_INTEGER(i32, int32_t, TO_DOUBLE)
FROM_INTEGER(u32, uint32_t, TO_DOUBLE)
FROM_INTEGER(i64, int64_t, int64_to_double_sticky)
FROM_INTEGER(u64, uint64_t, uint64_to_double_sticky)
FROM_FLOAT(f32, float, ITSELF)
FROM_WIDE_FLOAT(f64, double, ITSELF)
FROM_WIDE_FLOAT(c64, float _Complex, crealf)
CONVERT(f32, float, complex64, float _Complex, x)
CONVERT(f64, double, complex64, float _Complex, (float)x)
CONVERT(c64, uint64_t, complex64, uint64_t, x)
#undef CONVERT

/* The half types are where models live. Counts are multiples of a vector. */
#define CONVERT_HALF(name)                                                                                             \
    static void convert_f32_##name(void *to, const void *from, int64_t count) {                                        \
        const float *in = from;                                                                                        \
        float *out = to;                                                                                               \
        for (int64_t i = 0; i < count; i += LANES) store_f32(out + i, round_##name(load_f32(in + i)));                 \
    }
CONVERT_HALF(float16)
CONVERT_HALF(bfloat16)
#undef CONVERT_HALF

#endif
