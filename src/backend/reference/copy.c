/* Ops that move elements as they are: contiguous, concatenate, slice_update, slice_array. */
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
    int axis = axis_of(attributes->axis, out->ndim);
    const char *at = out->data;
    for (int i = 0; i < c->input_count; i++) {
        cursor_copy(block_at(out, at, c->inputs[i].shape), cursor_of(&c->inputs[i]));
        at += c->inputs[i].shape[axis] * out->strides[axis] * dtype_bytes(out->dtype);
    }
    return true;
}

/* Where in o a block of `shape` begins: starts[i] along axes[i], moved so that the block lies within o; a negative start is one before 0.
 */
static char *block_begin(const operand *o, const int64_t *shape, const operand *starts, tarn_ints axes) {
    char *at = o->data;
    cursor start = cursor_of(starts);
    for (int64_t i = 0; i < axes.count; i++, cursor_next(&start)) {
        int axis = axis_of(axes.values[i], o->ndim);
        int64_t index = value_index(value_loader_of(starts->dtype)(start.at), value_class_of(starts->dtype));
        int64_t most = o->shape[axis] - shape[axis];
        index = index > most ? most : index;
        at += (index < 0 ? 0 : index) * o->strides[axis] * dtype_bytes(o->dtype);
    }
    return at;
}

/* Output 0 holds x already. Inputs: x, update, start. */
static bool run_slice_update(const call *c) {
    const attributes_slice_update *attributes = c->attributes;
    const operand *out = &c->outputs[0], *update = &c->inputs[1];
    const char *at = block_begin(out, update->shape, &c->inputs[2], attributes->axes);
    cursor_copy(block_at(out, at, update->shape), cursor_of(update));
    return true;
}

static bool run_slice_array(const call *c) {
    const attributes_slice_array *attributes = c->attributes;
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    const char *at = block_begin(x, out->shape, &c->inputs[1], attributes->axes);
    cursor_copy(cursor_of(out), block_at(x, at, out->shape));
    return true;
}

const kernel_row reference_contiguous = {REFERENCE_ROW(contiguous), .run = run_contiguous};
const kernel_row reference_concatenate = {REFERENCE_ROW(concatenate), .run = run_concatenate};
const kernel_row reference_slice_update = {REFERENCE_ROW(slice_update), .run = run_slice_update};
const kernel_row reference_slice_array = {REFERENCE_ROW(slice_array), .run = run_slice_array};
