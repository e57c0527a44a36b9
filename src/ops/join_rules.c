/* Gradients and batching of concatenate. */
#include <string.h>

#include "base/memory.h"
#include "ops/batch.h"
#include "ops/rules.h"

static int concatenate_axis(const node *n) {
    int64_t axis = ((const attributes_concatenate *)n->attributes)->axis;
    return axis_normal(axis, n->outputs[0].ndim);
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
    output_tangents[0] = tarn_concatenate(parts, n->input_count, .axis = TARN_AXIS(concatenate_axis(n)));
    memory_free(parts);
    return tarn_ok();
}

bool vmap_concatenate(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    int64_t size = batch_size(inputs, axes, n->input_count);
    tarn_array **parts = NEW_ARRAY(tarn_array *, n->input_count);
    if (!parts) return false;
    for (int i = 0; i < n->input_count; i++) parts[i] = batch_whole(inputs[i], axes[i], size);
    tarn_array *out = tarn_concatenate(parts, n->input_count, .axis = TARN_AXIS(concatenate_axis(n) + 1));
    memory_free(parts);
    return batch_result(out, 0, outputs, output_axes);
}
