/* Ops that move elements as they are: contiguous, concatenate, slice_update, slice_array. */
#include <string.h>

#include "reference/reference.h"
#include "reference/value.h"

static bool run_contiguous(const call *c) {
    cursor_copy(cursor_of(&c->outputs[0]), cursor_of(&c->inputs[0]));
    return true;
}

/* The block of `shape` that begins at `at`, seen through the strides of o. */
static cursor block_at(const operand *o, const char *at, const int64_t *shape) {
    operand block = *o;
    block.shape = shape;
    return cursor_of_axes(&block, at, all_axes(o));
}

static bool run_concatenate(const call *c) {
    const attributes_concatenate *attributes = c->attributes;
    const operand *out = &c->outputs[0];
    int axis = axis_normal(attributes->axis, out->ndim);
    const char *at = out->data;
    for (int i = 0; i < c->input_count; i++) {
        cursor_copy(block_at(out, at, c->inputs[i].shape), cursor_of(&c->inputs[i]));
        at += c->inputs[i].shape[axis] * out->strides[axis] * dtype_bytes(out->dtype);
    }
    return true;
}

/* A block of `shape` in o: its elements are step apart along axes, and every row of the leading axes of o has a start
 * of its own. */
typedef struct {
    const operand *o, *starts;
    const int64_t *shape;
    tarn_ints axes, step;
} placed_block;

static int64_t step_of(const placed_block *b, int64_t i) {
    return b->step.count ? b->step.values[i] : 1;
}

/* Where the block begins for the row at `at`, whose starts are there: moved so that the block lies within o; a negative
   start is one before 0. */
static const char *block_begin(const placed_block *b, const char *at, const char *starts) {
    const operand *o = b->o;
    int64_t stride = b->starts->strides[b->starts->ndim - 1] * dtype_bytes(b->starts->dtype);
    for (int64_t i = 0; i < b->axes.count; i++) {
        int axis = axis_normal(b->axes.values[i], o->ndim);
        int64_t index =
            value_index(value_loader_of(b->starts->dtype)(starts + i * stride), value_class_of(b->starts->dtype));
        int64_t span = b->shape[axis] > 0 ? (b->shape[axis] - 1) * step_of(b, i) + 1 : 0, most = o->shape[axis] - span;
        index = index > most ? most : index;
        at += (index < 0 ? 0 : index) * o->strides[axis] * dtype_bytes(o->dtype);
    }
    return at;
}

/* Copies between the block and `dense`, which has its shape, row by row of the leading axes. */
static bool copy_placed(const placed_block *b, const operand *dense, bool reading) {
    int64_t strides[TARN_MAX_NDIM];
    operand stepped = *b->o, part = *dense;
    int leading = b->starts->ndim - 1;
    unsigned rows = (1u << leading) - 1, rest = all_axes(dense) & ~rows;
    memcpy(strides, b->o->strides, (size_t)b->o->ndim * sizeof *strides);
    for (int64_t i = 0; i < b->axes.count; i++) strides[axis_normal(b->axes.values[i], b->o->ndim)] *= step_of(b, i);
    stepped.strides = strides;
    stepped.shape = part.shape = b->shape;
    cursor row = cursor_of_axes(&stepped, b->o->data, rows), start = cursor_of_axes(b->starts, b->starts->data, rows);
    for (cursor there = cursor_of_axes(dense, dense->data, rows); there.left > 0;
         cursor_next(&there), cursor_next(&row), cursor_next(&start)) {
        cursor block = cursor_of_axes(&stepped, block_begin(b, row.at, start.at), rest),
               other = cursor_of_axes(&part, there.at, rest);
        if (reading)
            cursor_copy(other, block);
        else
            cursor_copy(block, other);
    }
    return true;
}

/* Output 0 holds x already. Inputs: x, update, start. */
static bool run_slice_update(const call *c) {
    const attributes_slice_update *a = c->attributes;
    const operand *update = &c->inputs[1];
    return copy_placed(&(placed_block){&c->outputs[0], &c->inputs[2], update->shape, a->axes, a->step}, update, false);
}

static bool run_slice_array(const call *c) {
    const attributes_slice_array *a = c->attributes;
    const operand *out = &c->outputs[0];
    return copy_placed(&(placed_block){&c->inputs[0], &c->inputs[1], out->shape, a->axes, a->step}, out, true);
}

const kernel_row reference_contiguous = {REFERENCE_ROW(contiguous), .run = run_contiguous};
const kernel_row reference_concatenate = {REFERENCE_ROW(concatenate), .run = run_concatenate};
const kernel_row reference_slice_update = {REFERENCE_ROW(slice_update), .run = run_slice_update};
const kernel_row reference_slice_array = {REFERENCE_ROW(slice_array), .run = run_slice_array};
