/* How the output of a view op lies over its input: strides and offset, found here for evaluation. */
#include <string.h>

#include "ops/rules.h"
#include "ops/view.h"

/* Matches runs of axes: a run of old axes that lie one in the other like one axis is cut into the new axes of the same
 * size. */
static bool reshape_view(const array_layout *in, array_layout *out) {
    int64_t shape[TARN_MAX_NDIM], strides[TARN_MAX_NDIM];
    int count = 0, axis = 0;
    for (int i = 0; i < in->ndim; i++) {
        if (in->shape[i] == 1) continue;
        bool joins = count && strides[count - 1] == in->strides[i] * in->shape[i];
        if (joins)
            shape[count - 1] *= in->shape[i];
        else
            shape[count++] = in->shape[i];
        strides[count - 1] = in->strides[i];
    }
    int64_t rest = count ? shape[0] : 1;
    for (int i = 0; i < out->ndim; i++) {
        if (out->shape[i] == 1) {
            out->strides[i] = 1;
            continue;
        }
        if (rest == 1 && ++axis < count) rest = shape[axis];
        if (axis >= count || rest % out->shape[i]) return false;
        rest /= out->shape[i];
        out->strides[i] = strides[axis] * rest;
    }
    return true;
}

bool layout_reshape(const node *n, int index, const array_layout *in, array_layout *out) {
    (void)n, (void)index;
    int64_t size = 1;
    for (int i = 0; i < in->ndim; i++) size *= in->shape[i];
    if (size > 0 && !strides_are_dense(in->ndim, in->shape, in->strides)) return reshape_view(in, out);
    dense_strides(out->ndim, out->shape, out->strides);
    return true;
}

bool layout_transpose(const node *n, int index, const array_layout *in, array_layout *out) {
    (void)index;
    int axes[TARN_MAX_NDIM];
    if (!transpose_axes(n->attributes, in->ndim, axes)) return false;
    for (int i = 0; i < in->ndim; i++) out->strides[i] = in->strides[axes[i]];
    return true;
}

bool layout_expand_dims(const node *n, int index, const array_layout *in, array_layout *out) {
    (void)index;
    bool inserted[TARN_MAX_NDIM];
    if (!expand_axes(n->attributes, in->ndim, inserted)) return false;
    for (int i = 0, from = 0; i < out->ndim; i++) out->strides[i] = inserted[i] ? 1 : in->strides[from++];
    return true;
}

bool layout_squeeze(const node *n, int index, const array_layout *in, array_layout *out) {
    (void)index;
    bool removed[TARN_MAX_NDIM];
    tarn_array shaped = {.ndim = in->ndim};
    memcpy(shaped.shape, in->shape, sizeof shaped.shape);
    if (!squeeze_axes(n->attributes, &shaped, removed)) return false;
    for (int i = 0, to = 0; i < in->ndim; i++)
        if (!removed[i]) out->strides[to++] = in->strides[i];
    return true;
}

bool layout_broadcast_to(const node *n, int index, const array_layout *in, array_layout *out) {
    (void)n, (void)index;
    for (int i = 1; i <= out->ndim; i++) {
        bool stretched = i > in->ndim || in->shape[in->ndim - i] != out->shape[out->ndim - i];
        out->strides[out->ndim - i] = stretched ? 0 : in->strides[in->ndim - i];
    }
    return true;
}

bool layout_slice(const node *n, int index, const array_layout *in, array_layout *out) {
    (void)index;
    slice_range ranges[TARN_MAX_NDIM];
    tarn_array shaped = {.ndim = in->ndim};
    memcpy(shaped.shape, in->shape, sizeof shaped.shape);
    if (!slice_ranges(n->attributes, &shaped, ranges)) return false;
    for (int i = 0; i < in->ndim; i++) {
        if (ranges[i].count) out->offset += ranges[i].start * in->strides[i];
        out->strides[i] = in->strides[i] * ranges[i].step;
    }
    return true;
}

bool layout_split(const node *n, int index, const array_layout *in, array_layout *out) {
    int axis;
    int64_t begin, end;
    tarn_array shaped = {.ndim = in->ndim};
    memcpy(shaped.shape, in->shape, sizeof shaped.shape);
    if (!split_bounds(n->attributes, &shaped, &axis, index, &begin, &end)) return false;
    memcpy(out->strides, in->strides, sizeof out->strides);
    if (end > begin) out->offset += begin * in->strides[axis];
    return true;
}

bool layout_diagonal(const node *n, int index, const array_layout *in, array_layout *out) {
    (void)index;
    diagonal_place d;
    int to = 0;
    if (!diagonal_axes(n->attributes, in->ndim, &d)) return false;
    for (int i = 0; i < in->ndim; i++)
        if (i != d.rows && i != d.columns) out->strides[to++] = in->strides[i];
    out->strides[to] = in->strides[d.rows] + in->strides[d.columns];
    if (diagonal_length(&d, in->shape)) out->offset += d.row * in->strides[d.rows] + d.column * in->strides[d.columns];
    return true;
}

bool layout_as_strided(const node *n, int index, const array_layout *in, array_layout *out) {
    (void)index;
    const attributes_as_strided *a = n->attributes;
    if (!strides_are_dense(in->ndim, in->shape, in->strides)) return false;
    out->offset += a->offset;
    for (int i = 0; i < out->ndim; i++) out->strides[i] = a->strides.values[i];
    return true;
}

/* Strides and offset, counted in elements, become those of the other dtype. */
bool layout_view(const node *n, int index, const array_layout *in, array_layout *out) {
    (void)index;
    int64_t from = dtype_bytes(n->inputs[0]->dtype), to = dtype_bytes(n->outputs[0].dtype);
    int last = in->ndim - 1;
    if (from == to) return true;
    if (in->strides[last] != 1 && in->shape[last] != 1) return false;
    bool whole = in->offset * from % to == 0;
    for (int i = 0; i < last; i++) whole = whole && (in->shape[i] == 1 || in->strides[i] * from % to == 0);
    for (int i = 0; i < last; i++) out->strides[i] = in->strides[i] * from / to;
    out->strides[last] = 1;
    out->offset = in->offset * from / to;
    return whole;
}

bool layout_identity(const node *n, int index, const array_layout *in, array_layout *out) {
    (void)n, (void)index, (void)in, (void)out;
    return true;
}

bool view_layout(const node *n, int index, const array_layout *in, array_layout *out) {
    const tarn_array *a = &n->outputs[index];
    *out = *in;
    out->ndim = a->ndim;
    memcpy(out->shape, a->shape, sizeof out->shape);
    bool (*layout)(const node *, int, const array_layout *, array_layout *) = rules_of(n->op)->layout;
    return layout ? layout(n, index, in, out)
                  : tarn_fail_kind(TARN_ERROR_RUNTIME, "internal: %s has no layout", op_name(n->op));
}
