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

/* The lines of a call's first input along `axis`, n elements each. `slots` of them are at work at once, each with
   `bytes` of workspace; of few lines one is, and threads share it. */
typedef struct {
    const call *call;
    int axis;
    int64_t n, count, slots, bytes;
} line_set;

line_set lines_of(const call *c, int axis);

static inline int64_t lines_workspace(const line_set *l) {
    return l->slots * l->bytes;
}

/* Calls one(job, line, workspace) for every line. grain: so few elements are not shared. */
typedef void line_function(const void *job, int64_t line, char *workspace);
void lines_each(const line_set *l, int64_t grain, line_function *one, const void *job);

#endif
