/* Gradients and batching of slice_update and slice_array: blocks of an array at places that are computed. */
#include <string.h>

#include "ops/batch.h"
#include "ops/rules.h"

static const char *const a_start = "the start of a block";

/* The sizes of a block of this shape along the axes. */
static tarn_ints sizes_along(tarn_ints axes, const tarn_array *block, int64_t *storage) {
    for (int64_t i = 0; i < axes.count; i++) storage[i] = block->shape[axes.values[i] < 0 ? axes.values[i] + block->ndim : axes.values[i]];
    return (tarn_ints){axes.count, storage};
}

/* The block of `like`'s shape that slice_update would write: a slice_array, cut to size on the axes that begin at 0. */
static tarn_array *read_block(tarn_array *x, tarn_array *like, tarn_array *start, tarn_ints axes) {
    int64_t sizes[TARN_MAX_NDIM], begins[TARN_MAX_NDIM] = {0};
    tarn_array *block = tarn_slice_array(x, start, axes, sizes_along(axes, like, sizes));
    if (!block || memcmp(block->shape, like->shape, (size_t)like->ndim * sizeof *like->shape) == 0) return block;
    return tarn_slice(block, ((tarn_ints){like->ndim, begins}), array_shape(like));
}

bool vjp_slice_update(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    tarn_ints axes = ((const attributes_slice_update *)n->attributes)->axes;
    tarn_array *g = cotangents[0], *update = n->inputs[1], *start = n->inputs[2];
    if (wanted[2]) return no_gradient_of(n, 2, a_start);
    if (wanted[0]) gradients[0] = tarn_slice_update(g, zeros_view(g, update), start, axes);
    if (wanted[1]) gradients[1] = read_block(g, update, start, axes);
    return tarn_ok();
}

bool vjp_slice_array(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    tarn_ints axes = ((const attributes_slice_array *)n->attributes)->axes;
    if (wanted[1]) return no_gradient_of(n, 1, a_start);
    tarn_array *zeros = zeros_view(cotangents[0], n->inputs[0]);
    gradients[0] = tarn_slice_update(zeros, cotangents[0], n->inputs[1], axes);
    return tarn_ok();
}

/* ---- a start for each example: the places of the block's elements in flat memory */

static tarn_array *integer(int64_t value) {
    return tarn_scalar_int(value, TARN_INT64);
}

/* The start along one of the axes, moved back so that the block fits: [batch, 1 ...] with ndim axes. */
static tarn_array *start_along(tarn_array *starts, int64_t which, int64_t most, int ndim) {
    int64_t shape[TARN_MAX_NDIM + 1];
    tarn_array *s = tarn_astype(tarn_slice_axis(starts, 1, which, which + 1), TARN_INT64);
    s = tarn_minimum(tarn_maximum(s, integer(0)), integer(most));
    for (int i = 0; i < ndim; i++) shape[i] = i == 0 ? -1 : 1;
    if (s && array_size(s) == 0) shape[0] = 0;
    return tarn_reshape(s, (tarn_ints){ndim, shape});
}

static tarn_array *counting(int64_t count, int axis, int ndim) {
    int64_t shape[TARN_MAX_NDIM + 1];
    for (int i = 0; i < ndim; i++) shape[i] = i == axis ? count : 1;
    return tarn_reshape(tarn_arange(0, (double)count, 1, TARN_INT64), (tarn_ints){ndim, shape});
}

/* Places [batch, block ...] within examples of x's shape, which follow each other in memory if x is batched. */
static tarn_array *block_places(const tarn_array *example, bool batched, tarn_array *starts, tarn_ints axes, tarn_ints block) {
    int ndim = example->ndim + 1;
    int64_t strides[TARN_MAX_NDIM], size = array_size(example);
    dense_strides(example->ndim, example->shape, strides);
    tarn_array *places = batched ? tarn_multiply(counting(starts->shape[0], 0, ndim), integer(size)) : integer(0);
    for (int i = 0; i < example->ndim; i++)
        places = tarn_add(places, tarn_multiply(counting(block.values[i], i + 1, ndim), integer(strides[i])));
    for (int64_t k = 0; k < axes.count; k++) {
        int64_t axis = axes.values[k] < 0 ? axes.values[k] + example->ndim : axes.values[k];
        int64_t most = example->shape[axis] - block.values[axis];
        places = tarn_add(places, tarn_multiply(start_along(starts, k, most, ndim), integer(strides[axis])));
    }
    return places;
}

static tarn_array *flat(tarn_array *x) {
    return tarn_reshape(x, TARN_SHAPE(-1));
}

bool vmap_slice_update(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    tarn_ints along = ((const attributes_slice_update *)n->attributes)->axes;
    int64_t storage[TARN_MAX_NDIM], batch = batch_size(inputs, axes, 3);
    tarn_array *x = batch_whole(inputs[0], axes[0], batch), *update = batch_whole(inputs[1], axes[1], batch);
    if (!x || !update) return false;
    if (axes[2] < 0) {
        tarn_ints shifted = batch_axes(along, n->inputs[0]->ndim, storage);
        return batch_result(tarn_slice_update(x, update, inputs[2], shifted), 0, outputs, output_axes);
    }
    tarn_array *places = block_places(n->inputs[0], true, batch_front(inputs[2], axes[2]), along, array_shape(n->inputs[1]));
    tarn_array *out = tarn_scatter(flat(x), flat(places), flat(update), 0);
    return batch_result(tarn_reshape_like(out, x), 0, outputs, output_axes);
}

bool vmap_slice_array(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    const attributes_slice_array *a = n->attributes;
    int64_t storage[TARN_MAX_NDIM];
    tarn_array *x = batch_front(inputs[0], axes[0]);
    if (axes[1] < 0) {
        tarn_ints shifted = batch_axes(a->axes, n->inputs[0]->ndim, storage);
        return batch_result(tarn_slice_array(x, inputs[1], shifted, a->sizes), 0, outputs, output_axes);
    }
    tarn_array *starts = batch_front(inputs[1], axes[1]);
    if (!x || !starts) return false;
    tarn_array *places = block_places(n->inputs[0], axes[0] >= 0, starts, a->axes, array_shape(&n->outputs[0]));
    return batch_result(tarn_take(flat(x), places, 0), 0, outputs, output_axes);
}
