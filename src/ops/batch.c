/* Helpers of batching rules. */
#include "ops/batch.h"

#include <string.h>

int64_t batch_size(tarn_array *const *inputs, const int *axes, int count) {
    for (int i = 0; i < count; i++)
        if (inputs[i] && axes[i] >= 0) return inputs[i]->shape[axes[i]];
    return 1;
}

tarn_array *batch_front(tarn_array *x, int axis) {
    return axis > 0 ? tarn_moveaxis(x, axis, 0) : x;
}

tarn_ints batch_shape(int64_t size, tarn_ints shape, int64_t *storage) {
    storage[0] = size;
    if (shape.count) memcpy(storage + 1, shape.values, (size_t)shape.count * sizeof *storage);
    return (tarn_ints){storage, shape.count + 1};
}

tarn_array *batch_whole(tarn_array *x, int axis, int64_t size) {
    int64_t storage[TARN_MAX_NDIM + 1];
    if (!x || axis >= 0) return batch_front(x, axis);
    return tarn_broadcast_to(x, batch_shape(size, array_shape(x), storage));
}

tarn_array *batch_align(tarn_array *x, int axis, int ndim) {
    x = batch_front(x, axis);
    if (!x || axis < 0 || x->ndim - 1 >= ndim) return x;
    int64_t ones[TARN_MAX_NDIM];
    int missing = ndim - (x->ndim - 1);
    for (int i = 0; i < missing; i++) ones[i] = i + 1;
    return tarn_expand_dims(x, (tarn_ints){ones, missing});
}

int64_t batch_axis(int64_t axis, int ndim) {
    return axis_normal(axis, ndim) + 1;
}

tarn_ints batch_axes(tarn_ints axes, int ndim, int64_t *storage) {
    if (!axes.values) return axes;
    for (int64_t i = 0; i < axes.count && i < TARN_MAX_NDIM; i++) storage[i] = batch_axis(axes.values[i], ndim);
    return (tarn_ints){storage, axes.count};
}

bool batch_result(tarn_array *out, int axis, tarn_array **outputs, int *output_axes) {
    outputs[0] = out;
    output_axes[0] = axis;
    return out != NULL;
}

bool batch_results(node *made, int axis, tarn_array **outputs, int *output_axes) {
    for (int i = 0; made && i < made->output_count; i++) {
        outputs[i] = &made->outputs[i];
        output_axes[i] = axis;
    }
    return made != NULL;
}
