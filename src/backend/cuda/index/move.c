/* Rows of the ops that move elements, count up or draw random bits. */
#include <string.h>

#include "cuda/axes.h"
#include "cuda/cuda.h"
#include "cuda/kernels.h"
#include "table/convert.h"

/* Elements at an address that is no multiple of their size (of a mapped file) are copied as several smaller ones. */
static void split_elements(copy_kernel *k) {
    int bytes = k->bytes;
    while ((uintptr_t)k->from % (uintptr_t)k->bytes) k->bytes /= 2;
    int64_t parts = bytes / k->bytes;
    if (parts == 1) return;
    for (int i = 0; i < k->ndim; i++) k->to_strides[i] *= parts, k->from_strides[i] *= parts;
    k->shape[k->ndim] = parts;
    k->to_strides[k->ndim] = k->from_strides[k->ndim] = 1;
    k->ndim++;
    k->n *= parts;
}

/* Neighbours that lie side by side on both sides go as one. */
static void join_elements(copy_kernel *k) {
    int last = k->ndim - 1, piece = axes_piece(k->bytes, k->ndim, k->shape, (const void *const[]){k->to, k->from},
                                               (const int64_t *const[]){k->to_strides, k->from_strides});
    if (piece == 1) return;
    for (int i = 0; i < last; i++) k->to_strides[i] /= piece, k->from_strides[i] /= piece;
    k->shape[last] /= piece;
    k->bytes *= piece;
    k->n /= piece;
}

static copy_kernel copy_of(void *to, const int64_t *to_strides, const operand *from) {
    axes a = axes_joined(from->ndim, from->shape, 2, (const int64_t *const[]){to_strides, from->strides});
    copy_kernel k = {.to = to, .from = from->data, .bytes = (int)dtype_bytes(from->dtype), .ndim = a.ndim, .n = a.n};
    memcpy(k.shape, a.shape, sizeof a.shape);
    memcpy(k.to_strides, a.strides[0], sizeof a.shape);
    memcpy(k.from_strides, a.strides[1], sizeof a.shape);
    split_elements(&k);
    join_elements(&k);
    return k;
}

static bool run_contiguous(const call *c) {
    copy_kernel k = copy_of(c->outputs[0].data, c->outputs[0].strides, &c->inputs[0]);
    if (k.n > 0) launch_copy(&k, cuda_stream_now);
    return true;
}

/* Small ones at once, which take less time than their launches. */
typedef struct {
    copy_kernel small[KERNEL_MOST_COPIES];
    int count;
} copies;

static void launch_small(copies *all) {
    if (all->count == 1) launch_copy(all->small, cuda_stream_now);
    if (all->count > 1) launch_copies(all->small, all->count, cuda_stream_now);
    all->count = 0;
}

static void add_copy(copies *all, copy_kernel k) {
    enum { SMALL = 1 << 16 };
    if (k.n > SMALL) launch_copy(&k, cuda_stream_now);
    if (k.n > 0 && k.n <= SMALL) all->small[all->count++] = k;
    if (all->count == KERNEL_MOST_COPIES) launch_small(all);
}

static bool run_concatenate(const call *c) {
    const operand *out = &c->outputs[0];
    int axis = axis_normal(((const attributes_concatenate *)c->attributes)->axis, out->ndim);
    char *at = out->data;
    copies all = {.count = 0};
    for (int i = 0; i < c->input_count; i++) {
        add_copy(&all, copy_of(at, out->strides, &c->inputs[i]));
        at += c->inputs[i].shape[axis] * out->strides[axis] * dtype_bytes(out->dtype);
    }
    launch_small(&all);
    return true;
}

/* ---- blocks that begin where an array says */

/* The last axis in pieces, unless it is one of those whose begin is not known, or that begins differ along. */
static void join_rows(block_kernel *k) {
    int last = k->ndim - 1;
    if (k->leading > last) return;
    for (int i = 0; i < k->axes; i++)
        if (k->axis[i] == last) return;
    int piece = axes_piece(k->bytes, k->ndim, k->shape, (const void *const[]){k->many, k->block},
                           (const int64_t *const[]){k->many_strides, k->block_strides});
    if (piece == 1) return;
    for (int i = 0; i < last; i++) k->many_strides[i] /= piece, k->block_strides[i] /= piece;
    k->shape[last] /= piece;
    k->bytes *= piece;
    k->n /= piece;
}

static void move_block(const operand *many, const operand *block, const operand *starts, tarn_ints chosen,
                       tarn_ints step, bool reading) {
    block_kernel k = {.many = many->data,
                      .block = block->data,
                      .starts = starts->data,
                      .bytes = (int)dtype_bytes(many->dtype),
                      .ndim = many->ndim,
                      .leading = starts->ndim - 1,
                      .axes = (int)chosen.count,
                      .start_dtype = (int)starts->dtype,
                      .reading = reading,
                      .n = operand_size(block)};
    for (int i = 0; i < many->ndim; i++) {
        k.shape[i] = block->shape[i];
        k.many_shape[i] = many->shape[i];
        k.many_strides[i] = many->strides[i];
        k.block_strides[i] = block->strides[i];
        k.step[i] = 1;
    }
    for (int i = 0; i < starts->ndim; i++) k.start_strides[i] = starts->strides[i];
    for (int i = 0; i < k.axes; i++) {
        k.axis[i] = axis_normal(chosen.values[i], many->ndim);
        if (step.count) k.step[k.axis[i]] = step.values[i];
    }
    join_rows(&k);
    if (k.n > 0) launch_block(&k, cuda_stream_now);
}

/* Output 0 holds x already. Inputs: x, update, start. */
static bool run_slice_update(const call *c) {
    const attributes_slice_update *a = c->attributes;
    move_block(&c->outputs[0], &c->inputs[1], &c->inputs[2], a->axes, a->step, false);
    return true;
}

static bool run_slice_array(const call *c) {
    const attributes_slice_array *a = c->attributes;
    move_block(&c->inputs[0], &c->outputs[0], &c->inputs[1], a->axes, a->step, true);
    return true;
}

/* ---- making */
static bool run_arange(const call *c) {
    const attributes_arange *a = c->attributes;
    const operand *out = &c->outputs[0];
    int64_t first = double_to_signed(a->start, 64);
    arange_kernel k = {.to = out->data,
                       .dtype = (int)out->dtype,
                       .n = operand_size(out),
                       .first = first,
                       .whole_step = double_to_signed(a->start + a->step, 64) - first,
                       .start = a->start,
                       .step = a->step};
    if (k.n > 0) launch_arange(&k, cuda_stream_now);
    return true;
}

static bool run_random_bits(const call *c) {
    const operand *keys = &c->inputs[0], *out = &c->outputs[0];
    int last = keys->ndim - 1;
    random_kernel k = {.to = out->data, .keys = keys->data, .count = 1, .word_step = keys->strides[last], .ndim = last};
    for (int i = 0; i < last; i++) {
        k.shape[i] = keys->shape[i];
        k.strides[i] = keys->strides[i];
        k.count *= keys->shape[i];
    }
    k.bytes = k.count ? operand_size(out) / k.count * dtype_bytes(out->dtype) : 0;
    if (k.bytes > 0) launch_random(&k, cuda_stream_now);
    return true;
}

#define MOVES .dtypes = DTYPES_ALL, .selector = -1, .layout = LAYOUT_ANY
const kernel_row cuda_contiguous = {CUDA_ROW(contiguous), MOVES, .run = run_contiguous};
const kernel_row cuda_concatenate = {CUDA_ROW(concatenate), MOVES, .run = run_concatenate};
const kernel_row cuda_slice_update = {CUDA_ROW(slice_update), MOVES, .run = run_slice_update};
const kernel_row cuda_slice_array = {CUDA_ROW(slice_array), MOVES, .run = run_slice_array};
const kernel_row cuda_arange = {CUDA_ROW(arange), .dtypes = DTYPES_ALL & ~DTYPE_BIT(TARN_BOOL), .selector = -1,
                                .run = run_arange};
const kernel_row cuda_random_bits = {CUDA_ROW(random_bits), MOVES, .run = run_random_bits};
