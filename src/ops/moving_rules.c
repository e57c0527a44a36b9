/* Gradients and batching of the ops that move elements: concatenate, gather, scatter, blocks at computed places. Where every example has
   places of its own, the batch is folded into the axis that the places count along. */
#include <string.h>

#include "base/memory.h"
#include "ops/batch.h"
#include "ops/rules.h"

static const char *const an_index = "an index";

/* ---- concatenate */

static int concatenate_axis(const node *n) {
    int64_t axis = ((const attributes_concatenate *)n->attributes)->axis;
    return (int)(axis < 0 ? axis + n->outputs[0].ndim : axis);
}

bool vjp_concatenate(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    int axis = concatenate_axis(n);
    int64_t begin = 0;
    for (int i = 0; i < n->input_count; i++) {
        int64_t end = begin + n->inputs[i]->shape[axis];
        if (wanted[i]) gradients[i] = tarn_slice_axis(cotangents[0], axis, begin, end);
        begin = end;
    }
    return tarn_ok();
}

bool jvp_concatenate(node *n, tarn_array *const *tangents, tarn_array **output_tangents) {
    tarn_array **parts = NEW_ARRAY(tarn_array *, n->input_count), *like = NULL;
    if (!parts) return false;
    for (int i = 0; i < n->input_count; i++) like = tangents[i] ? tangents[i] : like;
    for (int i = 0; i < n->input_count; i++) parts[i] = tangents[i] ? tangents[i] : zeros_view(like, n->inputs[i]);
    output_tangents[0] = tarn_concatenate(parts, n->input_count, concatenate_axis(n));
    memory_free(parts);
    return tarn_ok();
}

bool vmap_concatenate(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    int64_t size = batch_size(inputs, axes, n->input_count);
    tarn_array **parts = NEW_ARRAY(tarn_array *, n->input_count);
    if (!parts) return false;
    for (int i = 0; i < n->input_count; i++) parts[i] = batch_whole(inputs[i], axes[i], size);
    tarn_array *out = tarn_concatenate(parts, n->input_count, concatenate_axis(n) + 1);
    memory_free(parts);
    return batch_result(out, 0, outputs, output_axes);
}

/* ---- places of a batch, folded into one axis */

static tarn_array *integer(int64_t value) {
    return tarn_scalar_int(value, TARN_INT64);
}

/* b * stride for each example, in the shape [batch, 1 ...] with ndim axes. */
static tarn_array *example_offsets(int64_t batch, int64_t stride, int ndim) {
    int64_t shape[TARN_MAX_NDIM + 1] = {batch};
    for (int i = 1; i < ndim; i++) shape[i] = 1;
    tarn_array *numbers = tarn_reshape(tarn_arange(0, (double)batch, 1, TARN_INT64), (tarn_ints){ndim, shape});
    return tarn_multiply(numbers, integer(stride));
}

/* Places [batch, ...] on an axis of `size`, each example's own, as places on an axis of batch * size; those outside are outside again. */
static tarn_array *fold_places(tarn_array *places, int64_t size) {
    if (!places) return NULL;
    int64_t batch = places->shape[0];
    tarn_array *p = tarn_astype(places, TARN_INT64), *end = integer(size);
    p = tarn_where(tarn_less(p, integer(0)), tarn_add(p, end), p);
    tarn_array *inside = tarn_logical_and(tarn_greater_equal(p, integer(0)), tarn_less(p, end));
    return tarn_where(inside, tarn_add(p, example_offsets(batch, size, places->ndim)), integer(batch * size));
}

/* x [batch, ..., size at axis, ...] as [batch * size, the other axes ...]. */
static tarn_array *fold_axis(tarn_array *x, int64_t axis) {
    x = tarn_moveaxis(x, axis, 1);
    return tarn_flatten(x, 0, 1);
}

/* Axes [batch, moved (count), rest ...] put where the op has them: the moved ones begin at `axis` (counted with the batch). */
static tarn_array *unfold_axes(tarn_array *x, int count, int64_t axis) {
    int64_t order[TARN_MAX_NDIM];
    int place = 0, ndim;
    if (!x) return NULL; /* more axes than order has room for, perhaps */
    ndim = x->ndim;
    order[place++] = 0;
    for (int i = 0; i < axis - 1; i++) order[place++] = 1 + count + i;
    for (int i = 0; i < count; i++) order[place++] = 1 + i;
    while (place < ndim) order[place] = place, place++;
    return tarn_transpose(x, .axes = {ndim, order});
}

/* The reverse of unfold_axes. */
static tarn_array *fold_axes(tarn_array *x, int count, int64_t axis) {
    int64_t order[TARN_MAX_NDIM];
    int place = 0, ndim;
    if (!x) return NULL; /* more axes than order has room for, perhaps */
    ndim = x->ndim;
    order[place++] = 0;
    for (int i = 0; i < count; i++) order[place++] = axis + i;
    for (int i = 1; i < axis; i++) order[place++] = i;
    while (place < ndim) order[place] = place, place++;
    return tarn_transpose(x, .axes = {ndim, order});
}

/* ---- gather and scatter along an axis that is replaced by the axes of the indices */

static int gather_at(const node *n) {
    int64_t axis = ((const attributes_gather *)n->attributes)->axis;
    return (int)(axis < 0 ? axis + n->inputs[0]->ndim : axis);
}

bool vjp_gather(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    if (wanted[1]) return no_gradient_of(n, 1, an_index);
    tarn_array *zeros = zeros_view(cotangents[0], n->inputs[0]);
    gradients[0] = tarn_scatter_add(zeros, n->inputs[1], cotangents[0], gather_at(n));
    return tarn_ok();
}

bool vmap_gather(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    int axis = gather_at(n);
    tarn_array *x = batch_front(inputs[0], axes[0]), *indices = batch_front(inputs[1], axes[1]);
    if (!x || !indices) return false;
    if (axes[0] < 0) return batch_result(tarn_take(x, indices, axis), axis, outputs, output_axes);
    if (axes[1] < 0) return batch_result(tarn_take(x, indices, axis + 1), 0, outputs, output_axes);
    tarn_array *out = tarn_take(fold_axis(x, axis + 1), fold_places(indices, x->shape[axis + 1]), 0);
    return batch_result(unfold_axes(out, n->inputs[1]->ndim, axis + 1), 0, outputs, output_axes);
}

/* Of several updates of one place the last written stands; only that one gets a gradient. `last(numbers)` writes and reads back the numbers
   of the updates. */
static tarn_array *winners(tarn_array *numbers, tarn_array *read_back) {
    return tarn_equal(numbers, read_back);
}

static tarn_array *numbers_like(tarn_array *a) {
    return tarn_reshape_like(tarn_arange(0, (double)array_size(a), 1, TARN_INT64), a);
}

/* g where this update was the last of its place; indices have their own axes in the middle of g's. */
static tarn_array *keep_winners(tarn_array *g, tarn_array *indices, int64_t axis, int64_t size) {
    tarn_array *numbers = numbers_like(indices);
    tarn_array *written = tarn_scatter(tarn_full(TARN_SHAPE(size), -1, TARN_INT64), indices, numbers, 0);
    tarn_array *wins = winners(numbers, tarn_take(written, indices, 0));
    int64_t shape[TARN_MAX_NDIM];
    if (!g || !wins) return NULL;
    for (int i = 0; i < g->ndim; i++) shape[i] = 1;
    for (int i = 0; i < indices->ndim; i++) shape[axis + i] = indices->shape[i];
    return tarn_where(tarn_reshape(wins, (tarn_ints){g->ndim, shape}), g, tarn_scalar_like(0, g));
}

bool vjp_scatter(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    bool add = ((const attributes_scatter *)n->attributes)->add;
    tarn_array *g = cotangents[0], *indices = n->inputs[1];
    int axis = gather_at(n);
    if (wanted[1]) return no_gradient_of(n, 1, an_index);
    if (wanted[0]) gradients[0] = add ? g : tarn_scatter(g, indices, zeros_view(g, n->inputs[2]), axis);
    if (!wanted[2]) return tarn_ok();
    gradients[2] = tarn_take(g, indices, axis);
    if (!add) gradients[2] = keep_winners(gradients[2], indices, axis, n->inputs[0]->shape[axis]);
    return tarn_ok();
}

static tarn_array *scatter_either(bool add, tarn_array *x, tarn_array *indices, tarn_array *updates, int64_t axis) {
    return add ? tarn_scatter_add(x, indices, updates, axis) : tarn_scatter(x, indices, updates, axis);
}

bool vmap_scatter(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    bool add = ((const attributes_scatter *)n->attributes)->add;
    int64_t batch = batch_size(inputs, axes, 3);
    int axis = gather_at(n) + 1, index_axes = n->inputs[1]->ndim;
    tarn_array *x = batch_whole(inputs[0], axes[0], batch), *updates = batch_whole(inputs[2], axes[2], batch);
    if (axes[1] < 0) return batch_result(scatter_either(add, x, inputs[1], updates, axis), 0, outputs, output_axes);
    if (!x) return false;
    int64_t size = x->shape[axis];
    tarn_array *places = fold_places(batch_front(inputs[1], axes[1]), size);
    tarn_array *out = scatter_either(add, fold_axis(x, axis), places, fold_axes(updates, index_axes, axis), 0);
    out = tarn_unflatten(out, 0, TARN_SHAPE(batch, size));
    return batch_result(tarn_moveaxis(out, 1, axis), 0, outputs, output_axes);
}

/* ---- gather and scatter with an index for each element */

bool vjp_gather_axis(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    if (wanted[1]) return no_gradient_of(n, 1, an_index);
    tarn_array *zeros = zeros_view(cotangents[0], n->inputs[0]);
    gradients[0] = tarn_add_along_axis(zeros, n->inputs[1], cotangents[0], gather_at(n));
    return tarn_ok();
}

bool vmap_gather_axis(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    int64_t batch = batch_size(inputs, axes, 2);
    tarn_array *x = batch_whole(inputs[0], axes[0], batch), *indices = batch_whole(inputs[1], axes[1], batch);
    return batch_result(tarn_take_along_axis(x, indices, gather_at(n) + 1), 0, outputs, output_axes);
}

bool vjp_scatter_axis(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    bool add = ((const attributes_scatter_axis *)n->attributes)->add;
    tarn_array *g = cotangents[0], *x = n->inputs[0], *indices = n->inputs[1];
    int axis = gather_at(n);
    if (wanted[1]) return no_gradient_of(n, 1, an_index);
    if (wanted[0]) gradients[0] = add ? g : tarn_put_along_axis(g, indices, zeros_view(g, n->inputs[2]), axis);
    if (!wanted[2]) return tarn_ok();
    gradients[2] = tarn_take_along_axis(g, indices, axis);
    if (add) return tarn_ok();
    tarn_array *numbers = numbers_like(indices);
    tarn_array *written = tarn_put_along_axis(tarn_full(array_shape(x), -1, TARN_INT64), indices, numbers, axis);
    gradients[2] = tarn_where(winners(numbers, tarn_take_along_axis(written, indices, axis)), gradients[2], tarn_scalar_like(0, g));
    return tarn_ok();
}

bool vmap_scatter_axis(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    attributes_scatter_axis a = *(const attributes_scatter_axis *)n->attributes;
    int64_t batch = batch_size(inputs, axes, 3);
    tarn_array *whole[3];
    for (int i = 0; i < 3; i++) whole[i] = batch_whole(inputs[i], axes[i], batch);
    a.axis = gather_at(n) + 1;
    return batch_result(build(OP_scatter_axis, whole, 3, &a), 0, outputs, output_axes);
}
