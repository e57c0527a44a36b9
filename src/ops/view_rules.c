/* Gradients, tangents and batching of the ops that move no data: views, identities, conversions. Shapes are in view.c.
 */
#include "ops/view.h"

#include <string.h>

#include "base/memory.h"
#include "ops/batch.h"
#include "ops/rules.h"

/* ---- shared */

bool vjp_identity(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    (void)n;
    if (wanted[0]) gradients[0] = cotangents[0];
    return true;
}

bool vjp_reshaping(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    if (wanted[0]) gradients[0] = tarn_reshape_like(cotangents[0], n->inputs[0]);
    return tarn_ok();
}

bool vjp_broadcasting(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    if (wanted[0]) gradients[0] = tarn_sum_like(cotangents[0], n->inputs[0]);
    return tarn_ok();
}

bool jvp_linear(node *n, tarn_array *const *tangents, tarn_array **output_tangents) {
    tarn_array **inputs = memory_copy(n->inputs, (size_t)n->input_count * sizeof *n->inputs);
    if (!inputs) return false;
    bool ok = true;
    for (int i = 1; i < n->input_count && ok; i++)
        ok = !tangents[i] || no_gradient_of(n, i, "which is not differentiated");
    inputs[0] = ok ? tangents[0] : NULL;
    node *made = inputs[0] ? build_again(n, inputs) : NULL;
    memory_free(inputs);
    for (int i = 0; made && i < n->output_count; i++) output_tangents[i] = &made->outputs[i];
    return tarn_ok();
}

bool vmap_anywhere(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    return batch_results(build_again(n, inputs), axes[0], outputs, output_axes);
}

bool passes_none(const node *n, int i) {
    (void)n, (void)i;
    return false;
}

bool passes_first(const node *n, int i) {
    (void)n;
    return i == 0;
}

bool no_gradient_of(const node *n, int i, const char *what) {
    return tarn_fail("%s: no gradient reaches input %d, %s; put tarn_stop_gradient around it", op_name(n->op), i, what);
}

tarn_array *zeros_view(tarn_array *g, tarn_array *shape) {
    return tarn_broadcast_like(tarn_scalar_like(0, g), shape);
}

/* ---- transpose, reshape */

bool vjp_transpose(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    int axes[TARN_MAX_NDIM], ndim = n->inputs[0]->ndim;
    int64_t back[TARN_MAX_NDIM];
    if (!wanted[0] || !transpose_axes(n->attributes, ndim, axes)) return tarn_ok();
    for (int i = 0; i < ndim; i++) back[axes[i]] = i;
    gradients[0] = tarn_transpose(cotangents[0], .axes = {back, ndim});
    return tarn_ok();
}

bool vmap_transpose(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    int from[TARN_MAX_NDIM], ndim = n->inputs[0]->ndim;
    int64_t order[TARN_MAX_NDIM + 1] = {axes[0]};
    if (!transpose_axes(n->attributes, ndim, from)) return false;
    /* Axes of the example that lie behind the batch axis have moved up by one. */
    for (int i = 0; i < ndim; i++) order[i + 1] = from[i] + (from[i] >= axes[0]);
    return batch_result(tarn_transpose(inputs[0], .axes = {order, ndim + 1}), 0, outputs, output_axes);
}

bool vmap_reshape(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    int64_t storage[TARN_MAX_NDIM + 1];
    tarn_ints shape = ((const attributes_reshape *)n->attributes)->shape;
    tarn_array *x = batch_front(inputs[0], axes[0]);
    if (!x) return false;
    if (array_size(x) == 0) shape = array_shape(&n->outputs[0]); /* a -1 would have no single answer */
    return batch_result(tarn_reshape(x, batch_shape(x->shape[0], shape, storage)), 0, outputs, output_axes);
}

/* A 0-d example becomes [1]. */
bool vmap_flatten(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    const attributes_flatten *a = n->attributes;
    int ndim = n->inputs[0]->ndim;
    tarn_array *x = batch_front(inputs[0], axes[0]);
    if (ndim == 0) return batch_result(tarn_expand_dims(x, TARN_AXES(1)), 0, outputs, output_axes);
    return batch_result(tarn_flatten(x, .start_axis = TARN_AXIS(batch_axis(a->first, ndim)),
                                     .end_axis = TARN_AXIS(batch_axis(a->last, ndim))),
                        0, outputs, output_axes);
}

bool vmap_unflatten(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    const attributes_unflatten *a = n->attributes;
    tarn_array *x = batch_front(inputs[0], axes[0]);
    return batch_result(tarn_unflatten(x, batch_axis(a->axis, n->inputs[0]->ndim), a->shape), 0, outputs, output_axes);
}

bool vmap_reshape_like(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    int64_t storage[TARN_MAX_NDIM + 1];
    tarn_array *x = batch_front(inputs[0], axes[0]);
    tarn_ints shape = array_shape(&n->outputs[0]);
    if (!x || axes[0] < 0) return batch_result(tarn_reshape(x, shape), -1, outputs, output_axes);
    tarn_array *out = axes[1] >= 0 ? tarn_reshape_like(x, batch_front(inputs[1], axes[1]))
                                   : tarn_reshape(x, batch_shape(x->shape[0], shape, storage));
    return batch_result(out, 0, outputs, output_axes);
}

/* Computed, the ops that take a shape from another array do not depend on it: it may be an argument without value. */
bool formula_reshape_like(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    outputs[0] = tarn_reshape(inputs[0], array_shape(&n->outputs[0]));
    return outputs[0] != NULL;
}

bool formula_broadcast_like(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    outputs[0] = tarn_broadcast_to(inputs[0], array_shape(&n->outputs[0]));
    return outputs[0] != NULL;
}

/* ---- axes of size 1 */

bool vmap_expand_dims(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    int64_t storage[TARN_MAX_NDIM];
    tarn_ints places = batch_axes(((const attributes_expand_dims *)n->attributes)->axes, n->outputs[0].ndim, storage);
    return batch_result(tarn_expand_dims(batch_front(inputs[0], axes[0]), places), 0, outputs, output_axes);
}

bool vmap_squeeze(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    bool removed[TARN_MAX_NDIM];
    int64_t places[TARN_MAX_NDIM], count = 0;
    if (!squeeze_axes(n->attributes, n->inputs[0], removed)) return false;
    for (int i = 0; i < n->inputs[0]->ndim; i++)
        if (removed[i]) places[count++] = i + 1;
    return batch_result(tarn_squeeze(batch_front(inputs[0], axes[0]), .axes = {places, count}), 0, outputs,
                        output_axes);
}

/* ---- broadcast */

bool vmap_broadcast_to(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    int64_t storage[TARN_MAX_NDIM + 1];
    tarn_array *x = batch_align(inputs[0], axes[0], n->outputs[0].ndim);
    if (!x) return false;
    return batch_result(tarn_broadcast_to(x, batch_shape(x->shape[0], array_shape(&n->outputs[0]), storage)), 0,
                        outputs, output_axes);
}

bool vmap_broadcast_like(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    tarn_ints shape = array_shape(&n->outputs[0]);
    if (axes[0] < 0) return batch_result(tarn_broadcast_to(inputs[0], shape), -1, outputs, output_axes);
    if (axes[1] < 0) return vmap_broadcast_to(n, inputs, axes, outputs, output_axes);
    tarn_array *x = batch_align(inputs[0], axes[0], n->outputs[0].ndim);
    return batch_result(tarn_broadcast_like(x, batch_front(inputs[1], axes[1])), 0, outputs, output_axes);
}

/* ---- slice */

/* What was read is written back among zeros. */
bool vjp_slice(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    slice_range ranges[TARN_MAX_NDIM];
    if (!wanted[0] || !slice_ranges(n->attributes, n->inputs[0], ranges)) return tarn_ok();
    gradients[0] = slice_put(zeros_view(cotangents[0], n->inputs[0]), cotangents[0], ranges);
    return tarn_ok();
}

bool vmap_slice(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    const attributes_slice *a = n->attributes;
    int64_t start[TARN_MAX_NDIM + 1], stop[TARN_MAX_NDIM + 1], step[TARN_MAX_NDIM + 1];
    tarn_ints starts = batch_shape(0, a->start, start), stops = batch_shape(INT64_MAX, a->stop, stop), steps = a->step;
    if (steps.values) steps = batch_shape(1, a->step, step);
    return batch_result(tarn_slice(batch_front(inputs[0], axes[0]), starts, stops, .step = steps), 0, outputs,
                        output_axes);
}

/* ---- split */

bool vjp_split(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    const attributes_split *a = n->attributes;
    if (!wanted[0]) return true;
    tarn_array **parts = NEW_ARRAY(tarn_array *, n->output_count), *like = NULL;
    if (!parts) return false;
    for (int i = 0; i < n->output_count; i++) like = cotangents[i] ? cotangents[i] : like;
    for (int i = 0; i < n->output_count; i++)
        parts[i] = cotangents[i] ? cotangents[i] : zeros_view(like, &n->outputs[i]);
    bool overlap = false; /* indices that go down cut nothing: those parts are empty, and what follows is read twice */
    int64_t begin, end, last = 0;
    for (int i = 0, axis; i < n->output_count && !overlap; i++) {
        if (!split_bounds(a, n->inputs[0], &axis, i, &begin, &end)) break;
        overlap = begin != last;
        last = end;
    }
    if (overlap)
        tarn_fail("split: no gradient for indices that are not in order");
    else
        gradients[0] = tarn_concatenate(parts, n->output_count, .axis = TARN_AXIS(a->axis));
    memory_free(parts);
    return tarn_ok();
}

bool vmap_split(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    attributes_split a = *(const attributes_split *)n->attributes;
    a.axis = batch_axis(a.axis, n->inputs[0]->ndim);
    tarn_array *x = batch_front(inputs[0], axes[0]);
    return batch_results(build_node(OP_split, &x, 1, &a), 0, outputs, output_axes);
}

/* ---- as_strided */

bool vjp_as_strided(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    const attributes_as_strided *a = n->attributes;
    tarn_array *x = n->inputs[0];
    if (!wanted[0]) return true;
    int64_t size = array_size(x);
    tarn_array *places =
        tarn_as_strided(tarn_arange(0, (double)size, 1, TARN_INT64), a->shape, a->strides, .offset = a->offset);
    tarn_array *zeros = tarn_broadcast_to(tarn_scalar_like(0, cotangents[0]), TARN_SHAPE(size));
    tarn_array *flat = tarn_scatter_add(zeros, tarn_reshape(places, TARN_SHAPE(-1)),
                                        tarn_reshape(cotangents[0], TARN_SHAPE(-1)), .axis = TARN_AXIS(0));
    gradients[0] = tarn_reshape_like(flat, x);
    return tarn_ok();
}

bool vmap_as_strided(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    const attributes_as_strided *a = n->attributes;
    int64_t shape[TARN_MAX_NDIM + 1], strides[TARN_MAX_NDIM + 1];
    tarn_array *x = batch_front(inputs[0], axes[0]);
    if (!x) return false;
    tarn_ints batched = batch_shape(x->shape[0], a->shape, shape),
              steps = batch_shape(array_size(n->inputs[0]), a->strides, strides);
    return batch_result(tarn_as_strided(x, batched, steps, .offset = a->offset), 0, outputs, output_axes);
}

/* ---- view: the last axis of the example is the last of the batch, too */

bool vmap_view(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    return batch_result(BUILD(view, n->attributes, batch_front(inputs[0], axes[0])), 0, outputs, output_axes);
}

/* ---- identities and conversions */

/* Numbers cannot tell how they depend on the order of computation: gradients go to x alone. */
bool vmap_depends(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    return batch_results(build_again(n, inputs), axes[0], outputs, output_axes);
}

bool passes_astype(const node *n, int i) {
    (void)i;
    return dtype_kind_of(n->outputs[0].dtype) >= KIND_FLOAT;
}

bool jvp_astype(node *n, tarn_array *const *tangents, tarn_array **output_tangents) {
    tarn_dtype dtype = n->outputs[0].dtype;
    output_tangents[0] = tangents[0]->dtype != dtype ? tarn_astype(tangents[0], dtype) : tangents[0];
    return tarn_ok();
}
