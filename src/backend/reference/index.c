/* Reading and writing by index arrays: gather, gather_axis, scatter, scatter_axis. Negative indices count from the end; what lies outside
   is read as zero and not written. */
#include <string.h>

#include "reference/fold.h"
#include "reference/reference.h"

/* The index at `element` counted from the front, or -1 if it is outside [0, size). */
static int64_t index_at(const void *element, tarn_dtype dtype, int64_t size) {
    int64_t index = value_index(value_loader_of(dtype)(element), value_class_of(dtype));
    if (index < 0) index += size;
    return index >= 0 && index < size ? index : -1;
}

/* Moves one element from an update (or from x) to the output. */
typedef struct {
    tarn_dtype dtype;
    bool add;
} mover;

/* to = from, or to + from rounded to the dtype; a truth is or-ed. */
static void move(mover m, char *to, const char *from) {
    if (!m.add) {
        memcpy(to, from, (size_t)dtype_bytes(m.dtype));
        return;
    }
    value_class class = value_class_of(m.dtype);
    value_loader load = value_loader_of(m.dtype);
    value sum = fold_of(REDUCE_SUM, class)(load(to), load(from));
    value_storer_of(m.dtype)(to, value_convert(sum, class, m.dtype));
}

/* Axes of x before `axis`, the axes of the indices, axes of x after it: the shape of what gather reads and scatter writes. `many` is the
   operand of x's shape without and with the axis indexed, `picked` walks the other one, which is dense in that shape's order. */
static void each_picked(const operand *many, const operand *indices, int axis, cursor *picked, bool reading, mover m) {
    unsigned before = (1u << axis) - 1, after = all_axes(many) & ~(before | 1u << axis);
    int64_t step = many->strides[axis] * dtype_bytes(many->dtype);
    for (cursor outer = cursor_of_axes(many, many->data, before); outer.left > 0; cursor_next(&outer)) {
        for (cursor at = cursor_of(indices); at.left > 0; cursor_next(&at)) {
            int64_t index = index_at(at.at, indices->dtype, many->shape[axis]);
            for (cursor inner = cursor_of_axes(many, outer.at, after); inner.left > 0; cursor_next(&inner), cursor_next(picked)) {
                if (index < 0 && reading) memset(picked->at, 0, (size_t)picked->bytes);
                if (index < 0) continue;
                char *there = inner.at + index * step;
                if (reading)
                    move(m, picked->at, there);
                else
                    move(m, there, picked->at);
            }
        }
    }
}

static bool run_gather(const call *c) {
    const attributes_gather *attributes = c->attributes;
    const operand *x = &c->inputs[0];
    cursor out = cursor_of(&c->outputs[0]);
    each_picked(x, &c->inputs[1], axis_of(attributes->axis, x->ndim), &out, true, (mover){x->dtype, false});
    return true;
}

/* Output 0 holds x already. Inputs: x, indices, updates. Updates with equal indices apply in order. */
static bool run_scatter(const call *c) {
    const attributes_scatter *attributes = c->attributes;
    const operand *out = &c->outputs[0];
    cursor updates = cursor_of(&c->inputs[2]);
    each_picked(out, &c->inputs[1], axis_of(attributes->axis, out->ndim), &updates, false, (mover){out->dtype, attributes->add});
    return true;
}

/* The same for indices that have all axes of x: position i of the others goes with position i of the indices. */
static void each_along(const operand *many, const operand *indices, int axis, cursor *picked, bool reading, mover m) {
    int64_t step = many->strides[axis] * dtype_bytes(many->dtype), strides[TARN_MAX_NDIM];
    memcpy(strides, many->strides, (size_t)many->ndim * sizeof *strides);
    strides[axis] = 0;
    operand first = *many;
    first.shape = indices->shape;
    first.strides = strides;
    cursor other = cursor_of(&first);
    for (cursor at = cursor_of(indices); at.left > 0; cursor_next(&at), cursor_next(&other), cursor_next(picked)) {
        int64_t index = index_at(at.at, indices->dtype, many->shape[axis]);
        if (index < 0 && reading) memset(picked->at, 0, (size_t)picked->bytes);
        if (index < 0) continue;
        char *there = other.at + index * step;
        if (reading)
            move(m, picked->at, there);
        else
            move(m, there, picked->at);
    }
}

static bool run_gather_axis(const call *c) {
    const attributes_gather_axis *attributes = c->attributes;
    const operand *x = &c->inputs[0];
    cursor out = cursor_of(&c->outputs[0]);
    each_along(x, &c->inputs[1], axis_of(attributes->axis, x->ndim), &out, true, (mover){x->dtype, false});
    return true;
}

static bool run_scatter_axis(const call *c) {
    const attributes_scatter_axis *attributes = c->attributes;
    const operand *out = &c->outputs[0];
    cursor updates = cursor_of(&c->inputs[2]);
    each_along(out, &c->inputs[1], axis_of(attributes->axis, out->ndim), &updates, false, (mover){out->dtype, attributes->add});
    return true;
}

const kernel_row reference_gather = {REFERENCE_ROW(gather), .run = run_gather};
const kernel_row reference_gather_axis = {REFERENCE_ROW(gather_axis), .run = run_gather_axis};
const kernel_row reference_scatter = {REFERENCE_ROW(scatter), .run = run_scatter};
const kernel_row reference_scatter_axis = {REFERENCE_ROW(scatter_axis), .run = run_scatter_axis};
