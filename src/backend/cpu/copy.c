/* Ops that move elements as they are: contiguous, concatenate, slice_update, slice_array. */
#include "cpu/cpu.h"
#include "cpu/integers.h"
#include "cpu/move.h"

static int axis_of(int64_t axis, int ndim) {
    return (int)(axis < 0 ? axis + ndim : axis);
}

/* A block of `shape` at `to` and at `from`, seen through the strides of the operands they lie in. */
static bool copy_block(const operand *to_like, char *to, const operand *from_like, const char *from, const int64_t *shape) {
    move_plan p = move_plan_of(to_like->ndim, shape, to_like->strides, from_like->strides, dtype_bytes(to_like->dtype));
    move_run_parallel(&p, to, from);
    return true;
}

static bool run_contiguous(const call *c) {
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    return copy_block(out, out->data, x, x->data, out->shape);
}

static bool run_concatenate(const call *c) {
    const operand *out = &c->outputs[0];
    int axis = axis_of(((const attributes_concatenate *)c->attributes)->axis, out->ndim);
    char *to = out->data;
    for (int i = 0; i < c->input_count; i++) {
        const operand *x = &c->inputs[i];
        copy_block(out, to, x, x->data, x->shape);
        to += x->shape[axis] * out->strides[axis] * dtype_bytes(out->dtype);
    }
    return true;
}

/* Where in o a block of `shape` begins: starts[i] along axes[i], moved so that the block lies within o. */
static char *block_begin(const operand *o, const int64_t *shape, const operand *starts, tarn_ints axes) {
    char *at = o->data;
    for (int64_t i = 0; i < axes.count; i++) {
        int axis = axis_of(axes.values[i], o->ndim);
        int64_t start = integer_of(starts, i), most = o->shape[axis] - shape[axis];
        start = start > most ? most : start;
        at += (start < 0 ? 0 : start) * o->strides[axis] * dtype_bytes(o->dtype);
    }
    return at;
}

/* Output 0 holds x already. Inputs: x, update, start. */
static bool run_slice_update(const call *c) {
    const operand *out = &c->outputs[0], *update = &c->inputs[1];
    char *to = block_begin(out, update->shape, &c->inputs[2], ((const attributes_slice_update *)c->attributes)->axes);
    return copy_block(out, to, update, update->data, update->shape);
}

static bool run_slice_array(const call *c) {
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    const char *from = block_begin(x, out->shape, &c->inputs[1], ((const attributes_slice_array *)c->attributes)->axes);
    return copy_block(out, out->data, x, from, out->shape);
}

#define COPY_ROW(name_)                                                                                                                    \
    {                                                                                                                                      \
        .op = OP_##name_, .name = #name_ "_cpu", .dtypes = DTYPES_ALL, .selector = -1, .layout = LAYOUT_ANY, .any_address = ~0u,           \
        .run = run_##name_                                                                                                                 \
    }

int cpu_rows_copy(op_id op, cpu_isa isa, const kernel_row *out[CPU_FAMILY_ROWS]) {
    static const kernel_row rows[] = {COPY_ROW(contiguous), COPY_ROW(concatenate), COPY_ROW(slice_update), COPY_ROW(slice_array)};
    return isa == ISA_BASELINE ? cpu_pick_rows(op, rows, 4, out, 0) : 0;
}
