/* Rows of gather and scatter. */
#include "cuda/axes.h"
#include "cuda/cuda.h"
#include "cuda/kernels.h"

/* What is picked has, in this order: axes of `many` that nothing replaces and that stand before the first that is
   replaced, the axes of the indices, the other axes. */
typedef struct {
    unsigned replaced; /* axes of many that indices or batch stand for */
    int place, index_ndim;
} arrangement;

static arrangement arrange(const operand *many, const operand *picked, tarn_ints chosen, tarn_ints batch) {
    arrangement a = {0};
    for (int64_t i = 0; i < chosen.count; i++) a.replaced |= 1u << axis_normal(chosen.values[i], many->ndim);
    for (int64_t i = 0; i < batch.count; i++) a.replaced |= 1u << axis_normal(batch.values[i], many->ndim);
    while (a.place < many->ndim && !(a.replaced >> a.place & 1)) a.place++;
    a.index_ndim = picked->ndim - (many->ndim - (int)(chosen.count + batch.count));
    return a;
}

static void take_many(pick_kernel *k, const operand *many, arrangement a, tarn_ints batch) {
    for (int i = 0, at = 0; i < many->ndim; i++) {
        if (a.replaced >> i & 1) continue;
        k->strides[at < a.place ? at : at + a.index_ndim] = many->strides[i];
        at++;
    }
    for (int64_t i = 0; i < batch.count; i++) {
        int axis = axis_normal(batch.values[i], many->ndim);
        k->strides[a.place + axis] = many->strides[axis];
    }
}

static void take_indices(pick_kernel *k, const operand *many, const operand *indices, arrangement a, tarn_ints chosen) {
    for (int j = 0; j < k->count; j++) {
        const operand *o = &indices[j];
        int axis = axis_normal(chosen.values[j], many->ndim), first = a.place + a.index_ndim - o->ndim;
        k->indices[j] = o->data;
        k->index_dtype[j] = (int)o->dtype;
        k->index_size[j] = many->shape[axis];
        k->index_step[j] = many->strides[axis];
        for (int i = 0; i < o->ndim; i++) k->index_strides[j][first + i] = o->shape[i] == 1 ? 0 : o->strides[i];
    }
}

static void move_axis(pick_kernel *to, int at, const pick_kernel *from, int i) {
    to->shape[at] = from->shape[i];
    to->strides[at] = from->strides[i];
    to->picked_strides[at] = from->picked_strides[i];
    for (int j = 0; j < from->count; j++) to->index_strides[j][at] = from->index_strides[j][i];
}

/* Axes along which `many` does not move are those of the indices: they become the last ones. */
static void order_axes(pick_kernel *k) {
    const pick_kernel before = *k;
    int at = 0;
    k->in_order = 1;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < k->ndim; i++) {
            bool last = before.strides[i] == 0;
            if (last != (pass == 1)) continue;
            move_axis(k, at++, &before, i);
            if (last) k->in_order *= before.shape[i];
        }
    }
}

/* Neighbours that are picked together go as one, where none of the indices moves along their axis. */
static void join_elements(pick_kernel *k) {
    int last = k->ndim - 1;
    for (int j = 0; j < k->count; j++)
        if (k->ndim == 0 || k->index_strides[j][last]) return;
    int piece = axes_piece(k->bytes, k->ndim, k->shape, (const void *const[]){k->many, k->picked},
                           (const int64_t *const[]){k->strides, k->picked_strides});
    for (int j = 0; j < k->count; j++)
        while (piece > 1 && k->index_step[j] % piece) piece /= 2;
    if (piece == 1) return;
    for (int i = 0; i < last; i++) k->strides[i] /= piece, k->picked_strides[i] /= piece;
    for (int j = 0; j < k->count; j++) k->index_step[j] /= piece;
    k->shape[last] /= piece;
    k->bytes *= piece;
    k->n /= piece;
}

static bool pick(const operand *many, const operand *picked, const operand *indices, int count, tarn_ints chosen,
                 tarn_ints batch, int mode) {
    pick_kernel k = {.many = many->data,
                     .picked = picked->data,
                     .dtype = (int)many->dtype,
                     .bytes = (int)dtype_bytes(many->dtype),
                     .ndim = picked->ndim,
                     .count = count,
                     .mode = mode,
                     .n = operand_size(picked)};
    arrangement a = arrange(many, picked, chosen, batch);
    for (int i = 0; i < picked->ndim; i++) {
        k.shape[i] = picked->shape[i];
        k.picked_strides[i] = picked->strides[i];
    }
    take_many(&k, many, a, batch);
    take_indices(&k, many, indices, a, chosen);
    if (mode >= 0)
        order_axes(&k);
    else
        join_elements(&k);
    if (k.n > 0) launch_pick(&k, cuda_stream_now);
    return true;
}

static bool run_gather(const call *c) {
    const attributes_gather *a = c->attributes;
    return pick(&c->inputs[0], &c->outputs[0], &c->inputs[1], c->input_count - 1, a->axes, a->batch, -1);
}

/* Output 0 holds x already. Inputs: x, updates, indices. */
static bool run_scatter(const call *c) {
    const attributes_scatter *a = c->attributes;
    return pick(&c->outputs[0], &c->inputs[1], &c->inputs[2], c->input_count - 2, a->axes, a->batch, (int)a->mode);
}

static bool supports_gather(const call *c) {
    return c->input_count - 1 <= KERNEL_MOST_INDICES;
}

static bool supports_scatter(const call *c) {
    return c->input_count - 2 <= KERNEL_MOST_INDICES;
}

const kernel_row cuda_gather = {CUDA_ROW(gather),     .dtypes = DTYPES_ALL,        .selector = -1,
                                .layout = LAYOUT_ANY, .supports = supports_gather, .run = run_gather};
const kernel_row cuda_scatter = {CUDA_ROW(scatter),    .dtypes = DTYPES_ALL,         .selector = -1,
                                 .layout = LAYOUT_ANY, .supports = supports_scatter, .run = run_scatter};
