/* Reading and writing by index arrays: gather and scatter. Negative indices count from the end; what lies outside is
   read as zero and not written. */
#include <string.h>

#include "reference/fold.h"
#include "reference/reference.h"
#include "tarn/ops.h"

/* The index at `element` counted from the front, or -1 if it is outside [0, size). */
static int64_t index_at(const void *element, tarn_dtype dtype, int64_t size) {
    int64_t index = value_index(value_loader_of(dtype)(element), value_class_of(dtype));
    if (index < 0) index += size;
    return index >= 0 && index < size ? index : -1;
}

/* Moves one element from an update (or from x) to the output. */
typedef struct {
    tarn_dtype dtype;
    tarn_scatter_mode mode;
} mover;

static reduce_kind kind_of(tarn_scatter_mode mode) {
    switch (mode) {
    case TARN_SCATTER_MULTIPLY:
        return REDUCE_PROD;
    case TARN_SCATTER_MAX:
        return REDUCE_MAX;
    case TARN_SCATTER_MIN:
        return REDUCE_MIN;
    default:
        return REDUCE_SUM;
    }
}

/* to = from, or both folded and rounded to the dtype. */
static void move(mover m, char *to, const char *from) {
    if (m.mode == TARN_SCATTER_SET) {
        memcpy(to, from, (size_t)dtype_bytes(m.dtype));
        return;
    }
    value_class class = value_class_of(m.dtype);
    value_loader load = value_loader_of(m.dtype);
    value both = fold_of(kind_of(m.mode), class)(load(to), load(from));
    value_storer_of(m.dtype)(to, value_convert(both, class, m.dtype));
}

/* `many` is the operand of x's shape. What is picked from it has, in this order, axes of x that are not in `axes` or
   `batch`, the axes of the indices, the other axes of x. */
typedef struct {
    const operand *many, *indices;
    int count;
    tarn_ints axes, batch;
    int ndim, place, index_ndim;    /* of what is picked; where its index axes begin, and how many there are */
    int64_t shape[TARN_MAX_NDIM];   /* what is picked */
    int64_t strides[TARN_MAX_NDIM]; /* steps in `many`, in elements, of these axes: 0 for those of the indices, but for
                                       a batch */
} picking;

static picking picking_of(const operand *many, const operand *picked, const operand *indices, int count, tarn_ints axes,
                          tarn_ints batch) {
    picking p = {.many = many, .indices = indices, .count = count, .axes = axes, .batch = batch, .ndim = picked->ndim};
    unsigned replaced = 0;
    for (int64_t i = 0; i < axes.count; i++) replaced |= 1u << axis_normal(axes.values[i], many->ndim);
    for (int64_t i = 0; i < batch.count; i++) replaced |= 1u << axis_normal(batch.values[i], many->ndim);
    while (p.place < many->ndim && !(replaced >> p.place & 1)) p.place++;
    int kept = many->ndim - (int)(axes.count + batch.count);
    p.index_ndim = picked->ndim - kept;
    memcpy(p.shape, picked->shape, (size_t)p.ndim * sizeof *p.shape);
    for (int i = 0, at = 0; i < many->ndim; i++) {
        if (replaced >> i & 1) continue;
        p.strides[at < p.place ? at : at + p.index_ndim] = many->strides[i];
        at++;
    }
    for (int64_t i = 0; i < batch.count; i++) {
        int axis = axis_normal(batch.values[i], many->ndim);
        p.strides[p.place + axis] = many->strides[axis];
    }
    return p;
}

/* Where in `many` the element at these coordinates of what is picked is; NULL: outside. */
static char *element_at(const picking *p, const int64_t *at) {
    int64_t offset = 0;
    for (int i = 0; i < p->ndim; i++) offset += at[i] * p->strides[i];
    for (int k = 0; k < p->count; k++) {
        const operand *o = &p->indices[k];
        int axis = axis_normal(p->axes.values[k], p->many->ndim), first = p->place + p->index_ndim - o->ndim;
        int64_t element = 0;
        for (int i = 0; i < o->ndim; i++) element += o->shape[i] == 1 ? 0 : at[first + i] * o->strides[i];
        int64_t index =
            index_at((const char *)o->data + element * dtype_bytes(o->dtype), o->dtype, p->many->shape[axis]);
        if (index < 0) return NULL;
        offset += index * p->many->strides[axis];
    }
    return (char *)p->many->data + offset * dtype_bytes(p->many->dtype);
}

static void each_picked(const picking *p, const operand *picked, bool reading, mover m) {
    for (cursor c = cursor_of(picked); c.left > 0; cursor_next(&c)) {
        char *there = element_at(p, c.index);
        if (!there && reading) memset(c.at, 0, (size_t)c.bytes);
        if (!there) continue;
        if (reading)
            move(m, c.at, there);
        else
            move(m, there, c.at);
    }
}

static bool run_gather(const call *c) {
    const attributes_gather *a = c->attributes;
    picking p = picking_of(&c->inputs[0], &c->outputs[0], &c->inputs[1], c->input_count - 1, a->axes, a->batch);
    each_picked(&p, &c->outputs[0], true, (mover){c->inputs[0].dtype, TARN_SCATTER_SET});
    return true;
}

/* Output 0 holds x already. Inputs: x, updates, indices. Updates of one place apply in order. */
static bool run_scatter(const call *c) {
    const attributes_scatter *a = c->attributes;
    const operand *updates = &c->inputs[1];
    picking p = picking_of(&c->outputs[0], updates, &c->inputs[2], c->input_count - 2, a->axes, a->batch);
    each_picked(&p, updates, false, (mover){updates->dtype, (tarn_scatter_mode)a->mode});
    return true;
}

const kernel_row reference_gather = {REFERENCE_ROW(gather), .run = run_gather};
const kernel_row reference_scatter = {REFERENCE_ROW(scatter), .run = run_scatter};
