/* Lines along one axis: what kernels that order or run along an axis share out among threads. */
#ifndef CPU_ORDER_LINES_H
#define CPU_ORDER_LINES_H

#include "backend/call.h"

/* The first element of a line; lines are numbered over all axes but this one. */
static inline char *line_at(const operand *o, int axis, int64_t line) {
    int64_t offset = 0;
    for (int i = o->ndim - 1; i >= 0; i--) {
        if (i == axis) continue;
        offset += line % o->shape[i] * o->strides[i];
        line /= o->shape[i];
    }
    return (char *)o->data + offset * dtype_bytes(o->dtype);
}

#endif
