/* Reading and writing by index arrays: gather, gather_axis, scatter, scatter_axis. Negative indices count from the end; what lies outside
   is read as zero and not written. Additions are left to the reference. */
#include <string.h>

#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/integers.h"
#include "cpu/move.h"

enum { GRAIN_BYTES = 1 << 16 };

static int axis_of(int64_t axis, int ndim) {
    return (int)(axis < 0 ? axis + ndim : axis);
}

/* The byte offset of element number `index` (row-major over these axes). */
static int64_t offset_of(const operand *o, int first, int last, int64_t index) {
    int64_t offset = 0;
    for (int i = last - 1; i >= first; i--) {
        offset += index % o->shape[i] * o->strides[i];
        index /= o->shape[i];
    }
    return offset * dtype_bytes(o->dtype);
}

static int64_t size_of(const operand *o, int first, int last) {
    int64_t size = 1;
    for (int i = first; i < last; i++) size *= o->shape[i];
    return size;
}

/* The index counted from the front, or -1 if it is outside [0, size). */
static int64_t wrapped_index(const operand *indices, int64_t offset, int64_t size) {
    int64_t index = integer_at((const char *)indices->data + offset, indices->dtype);
    if (index < 0) index += size;
    return index >= 0 && index < size ? index : -1;
}

/* ---- gather and scatter: the same walk. `many` has the axis that is indexed; `picked` is dense: axes before, indices, axes after. */

typedef struct {
    const operand *many, *indices;
    char *picked;
    int axis;
    int64_t index_count, block, step; /* indices; bytes of a block in `picked`; bytes between entries of the axis */
    bool reading;
    move_plan plan; /* of one block */
} pick;

static void pick_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const pick *p = context;
    for (int64_t i = begin; i < end; i++) {
        char *there = (char *)p->many->data + offset_of(p->many, 0, p->axis, i / p->index_count), *here = p->picked + i * p->block;
        int64_t at = offset_of(p->indices, 0, p->indices->ndim, i % p->index_count);
        int64_t index = wrapped_index(p->indices, at, p->many->shape[p->axis]);
        if (index >= 0 && p->reading)
            move_run(&p->plan, here, there + index * p->step);
        else if (index >= 0)
            move_run(&p->plan, there + index * p->step, here);
        else if (p->reading)
            memset(here, 0, (size_t)p->block);
    }
}

static pick pick_of(const operand *many, const operand *indices, char *picked, int64_t axis, bool reading) {
    int ndim = many->ndim, at = axis_of(axis, ndim), after = ndim - at - 1;
    int64_t bytes = dtype_bytes(many->dtype), dense[TARN_MAX_NDIM], stride = 1;
    for (int i = after - 1; i >= 0; i--) {
        dense[i] = stride;
        stride *= many->shape[at + 1 + i];
    }
    const int64_t *strides = many->strides + at + 1;
    return (pick){.many = many,
                  .indices = indices,
                  .picked = picked,
                  .axis = at,
                  .index_count = operand_size(indices),
                  .block = stride * bytes,
                  .step = many->strides[at] * bytes,
                  .reading = reading,
                  .plan = move_plan_of(after, many->shape + at + 1, reading ? dense : strides, reading ? strides : dense, bytes)};
}

static bool run_gather(const call *c) {
    const operand *x = &c->inputs[0];
    pick p = pick_of(x, &c->inputs[1], c->outputs[0].data, ((const attributes_gather *)c->attributes)->axis, true);
    if (p.block > 0) parallel_for(size_of(x, 0, p.axis) * p.index_count, GRAIN_BYTES / p.block + 1, pick_part, &p);
    return true;
}

/* Output 0 holds x already. Updates with equal indices apply in order, so that this is the work of one thread. */
static bool run_scatter(const call *c) {
    const operand *out = &c->outputs[0];
    pick p = pick_of(out, &c->inputs[1], c->inputs[2].data, ((const attributes_scatter *)c->attributes)->axis, false);
    if (p.block > 0) pick_part(&p, 0, size_of(out, 0, p.axis) * p.index_count, 0, 1);
    return true;
}

/* ---- gather_axis and scatter_axis: position i of the other axes goes with position i of the indices */

typedef struct {
    const operand *many, *indices;
    char *picked; /* dense, in the shape of the indices */
    int axis;
    bool reading;
} pick_along;

static void copy_element(char *to, const char *from, int64_t bytes) {
    if (bytes == 4)
        memcpy(to, from, 4);
    else if (bytes == 2)
        memcpy(to, from, 2);
    else if (bytes == 8)
        memcpy(to, from, 8);
    else
        *to = *from;
}

/* One line of the indices along the axis; `line` numbers the lines over the other axes. */
static void along_line(const pick_along *p, int64_t line) {
    const operand *indices = p->indices;
    int64_t bytes = dtype_bytes(p->many->dtype), inner = size_of(indices, p->axis + 1, indices->ndim), n = indices->shape[p->axis];
    int64_t there = 0, at = 0, rest = line;
    for (int i = indices->ndim - 1; i >= 0; i--) {
        if (i == p->axis) continue;
        there += rest % indices->shape[i] * p->many->strides[i];
        at += rest % indices->shape[i] * indices->strides[i];
        rest /= indices->shape[i];
    }
    char *here = p->picked + (line / inner * n * inner + line % inner) * bytes, *many = (char *)p->many->data + there * bytes;
    for (int64_t i = 0; i < n; i++, here += inner * bytes) {
        int64_t offset = (at + i * indices->strides[p->axis]) * dtype_bytes(indices->dtype);
        int64_t index = wrapped_index(indices, offset, p->many->shape[p->axis]);
        char *element = many + index * p->many->strides[p->axis] * bytes;
        if (index >= 0)
            copy_element(p->reading ? here : element, p->reading ? element : here, bytes);
        else if (p->reading)
            memset(here, 0, (size_t)bytes);
    }
}

static void along_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    for (int64_t line = begin; line < end; line++) along_line(context, line);
}

/* Different lines write different elements. */
static bool run_along(const operand *many, const operand *indices, char *picked, int64_t axis, bool reading) {
    pick_along p = {many, indices, picked, axis_of(axis, many->ndim), reading};
    int64_t n = indices->shape[p.axis], size = operand_size(indices);
    if (size > 0) parallel_for(size / n, GRAIN_BYTES / (8 * n) + 1, along_part, &p);
    return true;
}

static bool run_gather_axis(const call *c) {
    return run_along(&c->inputs[0], &c->inputs[1], c->outputs[0].data, ((const attributes_gather_axis *)c->attributes)->axis, true);
}
static bool run_scatter_axis(const call *c) {
    return run_along(&c->outputs[0], &c->inputs[1], c->inputs[2].data, ((const attributes_scatter_axis *)c->attributes)->axis, false);
}

static bool supports_scatter(const call *c) {
    return !((const attributes_scatter *)c->attributes)->add && operand_is_dense(&c->inputs[2]);
}
static bool supports_scatter_axis(const call *c) {
    return !((const attributes_scatter_axis *)c->attributes)->add && operand_is_dense(&c->inputs[2]);
}

#define INDEX_ROW(name_, supports_)                                                                                                        \
    {                                                                                                                                      \
        .op = OP_##name_, .name = #name_ "_cpu", .dtypes = DTYPES_ALL, .selector = -1, .layout = LAYOUT_ANY, .any_address = 1,             \
        .supports = supports_, .run = run_##name_                                                                                          \
    }

int cpu_rows_index(op_id op, cpu_isa isa, const kernel_row *out[CPU_FAMILY_ROWS]) {
    static const kernel_row rows[] = {INDEX_ROW(gather, NULL), INDEX_ROW(gather_axis, NULL), INDEX_ROW(scatter, supports_scatter),
                                      INDEX_ROW(scatter_axis, supports_scatter_axis)};
    return isa == ISA_BASELINE ? cpu_pick_rows(op, rows, 4, out, 0) : 0;
}
