/* Ops that move elements as they are: contiguous, concatenate, slice_update, slice_array. */
#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/integers.h"
#include "cpu/move.h"

/* A block of `shape` at `to` and at `from`, seen through the strides of the operands they lie in. */
static bool copy_block(const operand *to_like, char *to, const operand *from_like, const char *from,
                       const int64_t *shape) {
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
    int axis = axis_normal(((const attributes_concatenate *)c->attributes)->axis, out->ndim);
    char *to = out->data;
    for (int i = 0; i < c->input_count; i++) {
        const operand *x = &c->inputs[i];
        copy_block(out, to, x, x->data, x->shape);
        to += x->shape[axis] * out->strides[axis] * dtype_bytes(out->dtype);
    }
    return true;
}

/* ---- blocks whose places are given */

enum { GRAIN_BYTES = 1 << 17 };

/* A block in `many`, whose elements are `step` apart along axes, and the dense array beside it. Every row of the
   leading axes has a start of its own. */
typedef struct {
    const operand *many, *dense, *starts;
    tarn_ints axes, step;
    bool reading;
    move_plan plan; /* of one row's block */
} placed_block;

static int64_t step_of(const placed_block *b, int64_t i) {
    return b->step.count ? b->step.values[i] : 1;
}

static placed_block placed_block_of(const operand *many, const operand *dense, const operand *starts, tarn_ints axes,
                                    tarn_ints step, bool reading) {
    placed_block b = {.many = many, .dense = dense, .starts = starts, .axes = axes, .step = step, .reading = reading};
    int leading = starts->ndim - 1;
    int64_t strides[TARN_MAX_NDIM];
    for (int i = 0; i < many->ndim; i++) strides[i] = many->strides[i];
    for (int64_t i = 0; i < axes.count; i++) strides[axis_normal(axes.values[i], many->ndim)] *= step_of(&b, i);
    const int64_t *outer = strides + leading, *inner = dense->strides + leading;
    b.plan = move_plan_of(many->ndim - leading, dense->shape + leading, reading ? inner : outer,
                          reading ? outer : inner, dtype_bytes(many->dtype));
    return b;
}

/* The step in bytes from row 0 of the leading axes to row number `row`. */
static int64_t row_offset(const operand *o, const operand *starts, int64_t row) {
    int64_t offset = 0;
    for (int i = starts->ndim - 2; i >= 0; i--) {
        offset += row % starts->shape[i] * o->strides[i];
        row /= starts->shape[i];
    }
    return offset * dtype_bytes(o->dtype);
}

/* Where the row's block begins: starts[i] along axes[i], moved so that the block lies within. */
static char *block_begin(const placed_block *b, int64_t row) {
    const operand *o = b->many;
    operand start = {.dtype = b->starts->dtype, .ndim = 1, .strides = &b->starts->strides[b->starts->ndim - 1]};
    char *at = (char *)o->data + row_offset(o, b->starts, row);
    start.data = (char *)b->starts->data + row_offset(b->starts, b->starts, row);
    for (int64_t i = 0; i < b->axes.count; i++) {
        int axis = axis_normal(b->axes.values[i], o->ndim);
        int64_t size = b->dense->shape[axis], index = integer_of(&start, i);
        int64_t most = o->shape[axis] - (size > 0 ? (size - 1) * step_of(b, i) + 1 : 0);
        index = index > most ? most : index;
        at += (index < 0 ? 0 : index) * o->strides[axis] * dtype_bytes(o->dtype);
    }
    return at;
}

static void move_block(const placed_block *b, int64_t row, void (*move)(const move_plan *, char *, const char *)) {
    char *many = block_begin(b, row), *dense = (char *)b->dense->data + row_offset(b->dense, b->starts, row);
    move(&b->plan, b->reading ? dense : many, b->reading ? many : dense);
}

static void move_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    for (int64_t row = begin; row < end; row++) move_block(context, row, move_run);
}

/* Large blocks are shared out one by one, small ones are shared among threads. */
static bool move_blocks(placed_block b) {
    int64_t rows = 1, bytes = operand_size(b.dense) * dtype_bytes(b.dense->dtype);
    for (int i = 0; i < b.starts->ndim - 1; i++) rows *= b.starts->shape[i];
    if (bytes == 0) return true;
    if (bytes / rows < GRAIN_BYTES)
        parallel_for(rows, GRAIN_BYTES / (bytes / rows), move_part, &b);
    else
        for (int64_t row = 0; row < rows; row++) move_block(&b, row, move_run_parallel);
    return true;
}

/* Output 0 holds x already. Inputs: x, update, start. */
static bool run_slice_update(const call *c) {
    const attributes_slice_update *a = c->attributes;
    return move_blocks(placed_block_of(&c->outputs[0], &c->inputs[1], &c->inputs[2], a->axes, a->step, false));
}

static bool run_slice_array(const call *c) {
    const attributes_slice_array *a = c->attributes;
    return move_blocks(placed_block_of(&c->inputs[0], &c->outputs[0], &c->inputs[1], a->axes, a->step, true));
}

#define COPY_ROW(name_)                                                                                                \
    {                                                                                                                  \
        .op = OP_##name_, .name = #name_ "_cpu", .dtypes = DTYPES_ALL, .selector = -1, .layout = LAYOUT_ANY,           \
        .any_address = ~0u, .run = run_##name_                                                                         \
    }

int cpu_rows_copy(op_id op, cpu_isa isa, const kernel_row *out[CPU_FAMILY_ROWS]) {
    static const kernel_row rows[] = {COPY_ROW(contiguous), COPY_ROW(concatenate), COPY_ROW(slice_update),
                                      COPY_ROW(slice_array)};
    return isa == ISA_BASELINE ? cpu_pick_rows(op, rows, 4, out, 0) : 0;
}
