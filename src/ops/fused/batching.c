/* Batching of fused ops that have a batch axis of their own: the examples join it, and the kernel is kept. Where that
   cannot be said, false without an error sends the caller to the formula. */
#include "ops/batch.h"
#include "ops/rules.h"

enum { Q, K, V, MASK, LENGTH, SINKS, ATTENTION_INPUTS };

/* [batch, rows, ...] to [batch * rows, ...] */
static tarn_array *join(tarn_array *x) {
    return tarn_flatten(x, .end_axis = TARN_AXIS(1));
}

static tarn_array *part_again(tarn_array *x, int64_t batch, int64_t rows) {
    return tarn_unflatten(x, 0, TARN_SHAPE(batch, rows));
}

/* A value for each row, or one for all, as one for each row of each example: [batch * rows]. */
static tarn_array *join_rows(tarn_array *values, int axis, int64_t batch, int64_t rows) {
    values = batch_front(values, axis);
    if (values && axis >= 0 && values->ndim == 1) values = tarn_expand_dims(values, TARN_AXES(1));
    return join(tarn_broadcast_to(values, TARN_SHAPE(batch, rows)));
}

/* A mask that broadcasts to [rows, heads, length, keys], as one that broadcasts to [batch * rows, ...]. */
static tarn_array *join_mask(tarn_array *mask, int axis, int64_t batch, int64_t rows) {
    int64_t shape[TARN_MAX_NDIM];
    if (axis < 0 && (mask->ndim < 4 || mask->shape[0] == 1)) return mask;
    mask = axis < 0 ? tarn_expand_dims(mask, TARN_AXES(0)) : batch_align(mask, axis, 4);
    for (int i = 0; mask && i < 5; i++) shape[i] = i == 0 ? batch : i == 1 ? rows : mask->shape[i];
    return mask ? join(tarn_broadcast_to(mask, (tarn_ints){shape, 5})) : NULL;
}

/* Inputs as attention has them, the examples among the batch rows. False without an error where sinks differ. */
static bool join_attention(tarn_array *const *inputs, const int *axes, int count, int64_t batch, int64_t rows,
                           tarn_array **joined) {
    if (count > SINKS && axes[SINKS] >= 0) return false;
    for (int i = 0; i < count; i++) {
        if (!inputs[i]) continue;
        if (i <= V) joined[i] = join(batch_whole(inputs[i], axes[i], batch));
        if (i == MASK) joined[i] = join_mask(inputs[i], axes[i], batch, rows);
        if (i == LENGTH) joined[i] = join_rows(inputs[i], axes[i], batch, rows);
        if (i == SINKS) joined[i] = inputs[i];
        if (!joined[i]) return false;
    }
    return true;
}

bool vmap_attention(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    int64_t batch = batch_size(inputs, axes, n->input_count), rows = n->inputs[Q]->shape[0];
    tarn_array *joined[ATTENTION_INPUTS] = {NULL};
    if (!join_attention(inputs, axes, n->input_count, batch, rows, joined)) return false;
    tarn_array *out = build(OP_attention, joined, n->input_count, n->attributes);
    return batch_result(part_again(out, batch, rows), 0, outputs, output_axes);
}

bool vmap_attention_gradient(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs,
                             int *output_axes) {
    int64_t batch = batch_size(inputs, axes, n->input_count), rows = n->inputs[0]->shape[0];
    tarn_array *joined[1 + ATTENTION_INPUTS] = {join(batch_whole(inputs[0], axes[0], batch))};
    if (!joined[0] || !join_attention(inputs + 1, axes + 1, n->input_count - 1, batch, rows, joined + 1)) return false;
    node *made = build_node(OP_attention_gradient, joined, n->input_count, n->attributes);
    for (int i = 0; made && i < made->output_count; i++)
        if (!batch_result(part_again(&made->outputs[i], batch, rows), 0, &outputs[i], &output_axes[i])) return false;
    return made != NULL;
}

bool vmap_rope(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    int64_t batch = batch_size(inputs, axes, n->input_count), rows = n->inputs[0]->shape[0];
    tarn_array *freqs = n->input_count > 2 ? inputs[2] : NULL;
    if (freqs && axes[2] >= 0) return false;
    bool one_offset = axes[1] < 0 && inputs[1]->ndim == 0;
    tarn_array *joined[3] = {join(batch_whole(inputs[0], axes[0], batch)), inputs[1], freqs};
    if (!one_offset) joined[1] = join_rows(inputs[1], axes[1], batch, rows);
    tarn_array *out = joined[0] && joined[1] ? build(OP_rope, joined, n->input_count, n->attributes) : NULL;
    return batch_result(part_again(out, batch, rows), 0, outputs, output_axes);
}
