#include "cpu/reduce/reduction.h"

#include <math.h>
#include <string.h>

void add_axis(axis_list *list, int64_t size, int64_t stride) {
    int last = list->ndim - 1;
    if (list->ndim == 0) list->size = 1;
    list->size *= size;
    if (last >= 0 && list->strides[last] == size * stride) { /* one stride walks both */
        list->shape[last] *= size;
        list->strides[last] = stride;
        return;
    }
    list->shape[list->ndim] = size;
    list->strides[list->ndim++] = stride;
}

/* Division of 64 bits takes several times as long on many processors. */
static int64_t divided(int64_t index, int64_t size, int64_t *rest) {
    if ((index | size) >> 32 == 0) {
        *rest = (uint32_t)index % (uint32_t)size;
        return (uint32_t)index / (uint32_t)size;
    }
    *rest = index % size;
    return index / size;
}

axis_walk walk_from(const axis_list *list, int64_t index) {
    axis_walk w = {.list = list};
    for (int i = list->ndim - 1; i >= 0; i--) {
        if (index == 0) break;
        index = divided(index, list->shape[i], &w.at[i]);
        w.offset += w.at[i] * list->strides[i];
    }
    return w;
}

void walk_on(axis_walk *w) {
    for (int i = w->list->ndim - 1; i >= 0; i--) {
        w->offset += w->list->strides[i];
        if (++w->at[i] < w->list->shape[i]) return;
        w->offset -= w->list->shape[i] * w->list->strides[i];
        w->at[i] = 0;
    }
}

int64_t offset_in(const axis_list *list, int64_t index) {
    int64_t offset = 0, rest;
    for (int i = list->ndim - 1; index > 0 && i >= 0; i--) {
        index = divided(index, list->shape[i], &rest);
        offset += rest * list->strides[i];
    }
    return offset;
}

/* ---- what is folded, and how */

static op_id fold_op(reduce_kind kind) {
    static const op_id ops[] = {[REDUCE_SUM] = OP_add,
                                [REDUCE_PROD] = OP_multiply,
                                [REDUCE_MAX] = OP_maximum,
                                [REDUCE_MIN] = OP_minimum,
                                [REDUCE_ALL] = OP_minimum,
                                [REDUCE_ANY] = OP_maximum,
                                [REDUCE_LOGADDEXP] = OP_logaddexp};
    return ops[kind];
}

/* What folding nothing gives: 0, 1, or the end of the dtype's range. */
static void fill_identity(reduction *r) {
    double number = r->kind == REDUCE_PROD || r->kind == REDUCE_ALL ? 1 : 0;
    if (r->kind == REDUCE_MAX || r->kind == REDUCE_LOGADDEXP) number = -INFINITY;
    if (r->kind == REDUCE_MIN) number = INFINITY;
    register_block one = {0};
    for (int i = 0; i < ELEMENTWISE_STEP; i++) memcpy(one.bytes + i * 8, &number, sizeof number);
    r->kernels->converts[TYPE_F64][r->to](r->identity.bytes, one.bytes, ELEMENTWISE_STEP);
    if (r->to == TARN_BOOL && r->kind == REDUCE_MAX) memset(r->identity.bytes, 0, sizeof r->identity.bytes);
    for (int i = 1; i < FOLD_BLOCK; i++) memcpy(r->identity.bytes + i * r->width, r->identity.bytes, (size_t)r->width);
}

void choose_loops(reduction *r) {
    bool truth = r->kind == REDUCE_ALL || r->kind == REDUCE_ANY;
    compute_type type = compute_type_of(r->to);
    r->width = compute_type_bytes(type);
    r->direct = !truth && dtype_bytes(r->from) == r->width && compute_type_of(r->from) == type;
    r->load = r->kernels->loads[r->from];
    r->truth = truth ? r->kernels->converts[compute_type_of(r->from)][TARN_BOOL] : NULL;
    r->fold = r->kernels->ops[truth || r->to == TARN_BOOL ? PASS_I32 : (elementwise_pass)type][fold_op(r->kind)];
    bool dense = r->lane_stride == 1 && !truth && r->kind <= REDUCE_MIN && compute_type_of(r->from) == type;
    r->loops = dense ? r->folds->loops[r->kind][r->from] : NULL;
    fill_identity(r);
}

const char *load_piece(const reduction *r, register_block *piece, int64_t offset, int64_t stride, int64_t count) {
    register_block raw;
    const char *from = r->data + offset * dtype_bytes(r->from);
    int64_t rounded = (count + ELEMENTWISE_STEP - 1) & -ELEMENTWISE_STEP;
    if (stride == 1 && count == rounded && r->direct) return from;
    if (r->truth) {
        r->load(raw.bytes, from, stride, count);
        r->truth(piece->bytes, raw.bytes, rounded);
    } else {
        r->load(piece->bytes, from, stride, count);
    }
    memcpy(piece->bytes + count * r->width, r->identity.bytes, (size_t)((rounded - count) * r->width));
    return piece->bytes;
}

/* ---- folding */

/* How many of the values side by side may have taken something. */
static int64_t row_block(int64_t lanes) {
    int64_t block = ELEMENTWISE_STEP;
    while (block < FOLD_BLOCK && block < lanes) block *= 2;
    return block;
}

/* Folds FOLD_BLOCK values into the first, halves at a time. The last steps read beyond the half they need, into values
 * no longer wanted. */
void fold_block(const reduction *r, register_block *total) {
    if (r->loops) {
        r->loops->join(total->bytes);
        return;
    }
    int64_t count = row_block(r->lanes);
    register_block other;
    for (int64_t half = count / 2; half > 0; half /= 2) {
        int64_t step = half < ELEMENTWISE_STEP ? ELEMENTWISE_STEP : half;
        memcpy(other.bytes, r->identity.bytes, (size_t)(step * r->width));
        memcpy(other.bytes, total->bytes + half * r->width, (size_t)(half * r->width));
        r->fold(total->bytes, total->bytes, other.bytes, NULL, step, 0, total->bytes);
    }
}

void fold_lanes(const reduction *r, register_block *total, int64_t offset, int64_t count) {
    register_block piece;
    if (r->loops) {
        r->loops->run(total->bytes, r->data + offset * dtype_bytes(r->from), count);
        return;
    }
    for (int64_t at = 0; at < count; at += FOLD_BLOCK) {
        int64_t some = count - at < FOLD_BLOCK ? count - at : FOLD_BLOCK;
        const char *x = load_piece(r, &piece, offset + at * r->lane_stride, r->lane_stride, some);
        r->fold(total->bytes, total->bytes, x, NULL, (some + ELEMENTWISE_STEP - 1) & -ELEMENTWISE_STEP, 0,
                total->bytes);
    }
}
