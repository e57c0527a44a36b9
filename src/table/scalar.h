/* One number of any dtype, read or written in memory. */
#ifndef TABLE_SCALAR_H
#define TABLE_SCALAR_H

#include <string.h>

#include "table/convert.h"
#include "table/table.h"

/* The real part of a complex number; a bool is 0 or 1. */
static inline double load_double(const void *p, tarn_dtype dtype) {
    union {
        uint8_t u8;
        uint16_t u16;
        uint32_t u32;
        uint64_t u64;
        int8_t i8;
        int16_t i16;
        int32_t i32;
        int64_t i64;
        float f32;
        double f64;
    } v = {0};
    memcpy(&v, p, (size_t)(dtype == TARN_COMPLEX64 ? 4 : dtype_bytes(dtype)));
    switch (dtype) {
    case TARN_BOOL:
        return v.u8 != 0;
    case TARN_UINT8:
        return v.u8;
    case TARN_UINT16:
        return v.u16;
    case TARN_UINT32:
        return v.u32;
    case TARN_UINT64:
        return (double)v.u64;
    case TARN_INT8:
        return v.i8;
    case TARN_INT16:
        return v.i16;
    case TARN_INT32:
        return v.i32;
    case TARN_INT64:
        return (double)v.i64;
    case TARN_FLOAT16:
        return (double)float16_to_float(v.u16);
    case TARN_BFLOAT16:
        return (double)bfloat16_to_float(v.u16);
    case TARN_FLOAT64:
        return v.f64;
    default:
        return (double)v.f32;
    }
}

/* An integer or bool; uint64 beyond INT64_MAX wraps. */
static inline int64_t load_int(const void *p, tarn_dtype dtype) {
    int bits = 8 * (int)dtype_bytes(dtype);
    uint64_t whole = 0;
    memcpy(&whole, p, (size_t)dtype_bytes(dtype));
    if (dtype == TARN_BOOL) return whole != 0;
    return dtype_is_unsigned(dtype) ? (int64_t)whole : wrap_signed((int64_t)whole, bits);
}

static inline void store_double(void *out, tarn_dtype dtype, double number) {
    float single = (float)number, pair[2] = {single, 0};
    uint16_t half = dtype == TARN_FLOAT16 ? double_to_float16(number) : double_to_bfloat16(number);
    uint8_t truth = number != 0;
    int bits = 8 * (int)dtype_bytes(dtype);
    uint64_t whole =
        dtype_is_unsigned(dtype) ? double_to_unsigned(number, bits) : (uint64_t)double_to_signed(number, bits);
    const void *from = &whole;
    if (dtype_kind_of(dtype) == KIND_BOOL)
        from = &truth;
    else if (dtype_kind_of(dtype) == KIND_COMPLEX)
        from = pair;
    else if (dtype_kind_of(dtype) == KIND_FLOAT)
        from = dtype == TARN_FLOAT64 ? (const void *)&number : dtype == TARN_FLOAT32 ? (const void *)&single : &half;
    memcpy(out, from, (size_t)dtype_bytes(dtype));
}

#endif
