/* Reading an integer of any dtype: indices, offsets, lengths. */
#ifndef CPU_INTEGERS_H
#define CPU_INTEGERS_H

#include <string.h>

#include "backend/call.h"

/* Whole numbers beyond int64 become INT64_MAX: no array is that long. */
static inline int64_t integer_at(const void *from, tarn_dtype dtype) {
    switch (dtype) {
#define INTEGER(ENUM, type)                                                                                            \
    case TARN_##ENUM: {                                                                                                \
        type x;                                                                                                        \
        memcpy(&x, from, sizeof x);                                                                                    \
        return (int64_t)x;                                                                                             \
    }
        INTEGER(INT32, int32_t)
        INTEGER(UINT32, uint32_t)
        INTEGER(INT64, int64_t)
        INTEGER(UINT8, uint8_t)
        INTEGER(UINT16, uint16_t)
        INTEGER(INT8, int8_t)
        INTEGER(INT16, int16_t)
        INTEGER(BOOL, uint8_t)
#undef INTEGER
    default: {
        uint64_t x = 0;
        if (dtype == TARN_UINT64) memcpy(&x, from, sizeof x);
        return x > INT64_MAX ? INT64_MAX : (int64_t)x;
    }
    }
}

/* Element i of a 1-d operand. */
static inline int64_t integer_of(const operand *o, int64_t i) {
    int64_t stride = o->ndim > 0 ? o->strides[0] : 0;
    return integer_at((const char *)o->data + i * stride * dtype_bytes(o->dtype), o->dtype);
}

#endif
