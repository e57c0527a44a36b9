/* The rows of an operand: what kernels that work along the last axis share out among threads. */
#ifndef CPU_OPERAND_ROWS_H
#define CPU_OPERAND_ROWS_H

#include "backend/call.h"

/* Row `index` over all axes but the last. NULL if nobody reads it. */
static inline char *row_at(const operand *o, int64_t index) {
    int64_t offset = 0;
    if (!o->data) return NULL;
    for (int i = o->ndim - 2; i >= 0; i--) {
        offset += index % o->shape[i] * o->strides[i];
        index /= o->shape[i];
    }
    return (char *)o->data + offset * dtype_bytes(o->dtype);
}

#endif
