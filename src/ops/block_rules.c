/* Gradients and batching of slice_update and slice_array: blocks of an array at places that are computed. */
#include <string.h>

#include "ops/batch.h"
#include "ops/rules.h"

static const char *const a_start = "the start of a block";

/* The sizes of a block of this shape along the axes. */
static tarn_ints sizes_along(tarn_ints axes, const tarn_array *block, int64_t *storage) {
    for (int64_t i = 0; i < axes.count; i++)
        storage[i] = block->shape[axes.values[i] < 0 ? axes.values[i] + block->ndim : axes.values[i]];
    return (tarn_ints){storage, axes.count};
}

/* The block of `like`'s shape that slice_update would write: a slice_array, cut to size on the axes that begin at 0. */
static tarn_array *read_block(tarn_array *x, tarn_array *like, tarn_array *start, tarn_ints axes, tarn_ints step) {
    int64_t sizes[TARN_MAX_NDIM], begins[TARN_MAX_NDIM] = {0};
    tarn_array *block = tarn_slice_array(x, start, axes, sizes_along(axes, like, sizes), .step = step);
    if (!block || array_same_shape(block, like)) return block;
    return tarn_slice(block, ((tarn_ints){begins, like->ndim}), array_shape(like));
}

bool vjp_slice_update(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    const attributes_slice_update *a = n->attributes;
    tarn_array *g = cotangents[0], *update = n->inputs[1], *start = n->inputs[2];
    if (wanted[2]) return no_gradient_of(n, 2, a_start);
    if (wanted[0]) gradients[0] = tarn_slice_update(g, zeros_view(g, update), start, a->axes, .step = a->step);
    if (wanted[1]) gradients[1] = read_block(g, update, start, a->axes, a->step);
    return tarn_ok();
}

bool vjp_slice_array(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    const attributes_slice_array *a = n->attributes;
    if (wanted[1]) return no_gradient_of(n, 1, a_start);
    tarn_array *zeros = zeros_view(cotangents[0], n->inputs[0]);
    gradients[0] = tarn_slice_update(zeros, cotangents[0], n->inputs[1], a->axes, .step = a->step);
    return tarn_ok();
}

/* ---- batches: one more leading axis, whose rows have starts of their own; if all share one start, none is needed */

/* The starts for a batch of this size. */
static tarn_array *batch_starts(tarn_array *start, int axis, int64_t size) {
    return !start || (axis < 0 && start->ndim == 1) ? start : batch_whole(start, axis, size);
}

bool vmap_slice_update(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    const attributes_slice_update *a = n->attributes;
    int64_t storage[TARN_MAX_NDIM], size = batch_size(inputs, axes, 3);
    tarn_array *x = batch_whole(inputs[0], axes[0], size), *update = batch_whole(inputs[1], axes[1], size);
    tarn_ints shifted = batch_axes(a->axes, n->inputs[0]->ndim, storage);
    tarn_array *start = batch_starts(inputs[2], axes[2], size);
    return batch_result(tarn_slice_update(x, update, start, shifted, .step = a->step), 0, outputs, output_axes);
}

bool vmap_slice_array(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    const attributes_slice_array *a = n->attributes;
    int64_t storage[TARN_MAX_NDIM], size = batch_size(inputs, axes, 2);
    tarn_array *x = batch_whole(inputs[0], axes[0], size), *start = batch_starts(inputs[1], axes[1], size);
    tarn_ints shifted = batch_axes(a->axes, n->inputs[0]->ndim, storage);
    return batch_result(tarn_slice_array(x, start, shifted, a->sizes, .step = a->step), 0, outputs, output_axes);
}
