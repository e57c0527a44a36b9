/* Gradients, tangents and batching of convolutions: convolutions again. Groups of channels are an axis of their own in
   between, [..., groups, channels of one]. */
#include "ops/batch.h"
#include "ops/rules.h"

/* conv and conv_like have the same attributes. */
static attributes_conv attributes_of(const node *n) {
    return *(const attributes_conv *)n->attributes;
}

static tarn_array *conjugate(tarn_array *x) {
    return x && x->dtype == TARN_COMPLEX64 ? tarn_conjugate(x) : x;
}

static tarn_array *conv_like(tarn_array *x, tarn_array *w, tarn_array *like, const attributes_conv *a) {
    return build(OP_conv_like, TARN_ARRAYS(x, w, like), 3, a);
}

static tarn_ints negated(tarn_ints list, int64_t *storage) {
    for (int64_t i = 0; i < list.count; i++) storage[i] = -list.values[i];
    return list.values ? (tarn_ints){storage, list.count} : list;
}

/* w [groups * o, kernel ..., c] with inputs and outputs changed places: [groups * c, kernel ..., o]. */
static tarn_array *turned_weight(tarn_array *w, int64_t groups) {
    if (groups == 1) return tarn_swapaxes(w, 0, -1);
    tarn_array *parts = tarn_unflatten(w, 0, TARN_SHAPE(groups, w->shape[0] / groups));
    return tarn_flatten(tarn_swapaxes(parts, 1, -1), .end_axis = TARN_AXIS(1));
}

/* Strides and dilated inputs change places, the kernel runs the other way, and padding counts from the other end. */
static tarn_array *input_gradient(const node *n, tarn_array *g) {
    attributes_conv a = attributes_of(n), back = a;
    int64_t low[TARN_MAX_NDIM];
    back.stride = a.input_dilation;
    back.input_dilation = a.stride;
    back.low = negated(a.low, low);
    back.high = (tarn_ints){NULL, 0};
    back.full = !a.full;
    back.flip = !a.flip;
    return conv_like(g, conjugate(turned_weight(n->inputs[1], a.groups)), n->inputs[0], &back);
}

/* x [n, spatial ..., groups * c] as an input whose channels are the examples of each group: [c, spatial ..., groups *
 * n]. */
static tarn_array *examples_last(tarn_array *x, int64_t groups) {
    if (groups == 1) return tarn_swapaxes(x, 0, -1);
    tarn_array *parts = tarn_unflatten(x, -1, TARN_SHAPE(groups, x->shape[x->ndim - 1] / groups));
    return tarn_flatten(tarn_swapaxes(parts, 0, -1), .start_axis = TARN_AXIS(-2));
}

/* [c, kernel ..., groups * o] as a weight [groups * o, kernel ..., c], or, with the groups at the other end (c is that
 * of all groups), as [groups * c, kernel ..., o] laid out by `turned`. */
static tarn_array *channels_first(tarn_array *x, int64_t groups, bool turned) {
    if (!turned) return tarn_swapaxes(x, 0, -1);
    if (groups == 1) return x;
    tarn_array *parts = tarn_unflatten(x, -1, TARN_SHAPE(groups, x->shape[x->ndim - 1] / groups));
    return tarn_flatten(tarn_moveaxis(parts, -2, 0), .end_axis = TARN_AXIS(1));
}

/* The kernel's axes the other way round. */
static tarn_array *backwards(tarn_array *w) {
    int64_t start[TARN_MAX_NDIM], stop[TARN_MAX_NDIM], step[TARN_MAX_NDIM];
    for (int i = 0; w && i < w->ndim; i++) {
        bool spatial = i > 0 && i < w->ndim - 1;
        start[i] = spatial ? -1 : 0;
        stop[i] = spatial ? INT64_MIN : INT64_MAX;
        step[i] = spatial ? -1 : 1;
    }
    return w ? tarn_slice(w, ((tarn_ints){start, w->ndim}), ((tarn_ints){stop, w->ndim}), .step = {step, w->ndim})
             : NULL;
}

/* The gradient runs over x as a kernel whose channels are the examples; with full, x runs over the gradient, so that
   padding never depends on sizes. */
static tarn_array *weight_gradient(const node *n, tarn_array *g) {
    attributes_conv a = attributes_of(n);
    tarn_array *x = conjugate(n->inputs[0]);
    int64_t low[TARN_MAX_NDIM];
    attributes_conv back = {.stride = a.kernel_dilation, .groups = a.groups};
    back.low = a.full ? negated(a.low, low) : a.low;
    back.kernel_dilation = a.full ? a.input_dilation : a.stride;
    back.input_dilation = a.full ? a.stride : a.input_dilation;
    tarn_array *over = examples_last(a.full ? g : x, a.groups), *kernel = tarn_swapaxes(a.full ? x : g, 0, -1);
    tarn_array *w = channels_first(conv_like(over, kernel, n->inputs[1], &back), a.groups, a.full);
    return a.flip != a.full ? backwards(w) : w;
}

bool vjp_conv(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    if (wanted[0]) gradients[0] = input_gradient(n, cotangents[0]);
    if (wanted[1]) gradients[1] = weight_gradient(n, cotangents[0]);
    return tarn_ok();
}

bool vjp_conv_like(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    return vjp_conv(n, cotangents, wanted, gradients);
}

/* The same op with one input replaced; NULL for NULL. */
static tarn_array *with_input(const node *n, int i, tarn_array *tangent) {
    tarn_array *inputs[3] = {NULL};
    if (!tangent) return NULL;
    for (int k = 0; k < n->input_count; k++) inputs[k] = k == i ? tangent : n->inputs[k];
    return build(n->op, inputs, n->input_count, n->attributes);
}

bool jvp_conv(node *n, tarn_array *const *tangents, tarn_array **output_tangents) {
    tarn_array *left = with_input(n, 0, tangents[0]), *right = with_input(n, 1, tangents[1]);
    output_tangents[0] = left && right ? tarn_add(left, right) : left ? left : right;
    return tarn_ok();
}

bool jvp_conv_like(node *n, tarn_array *const *tangents, tarn_array **output_tangents) {
    return jvp_conv(n, tangents, output_tangents);
}

/* ---- batching */

static tarn_array *batched_conv(const node *n, tarn_array *x, tarn_array *w, tarn_array *like, int64_t groups) {
    attributes_conv a = attributes_of(n);
    a.groups = groups;
    return build(n->op, TARN_ARRAYS(x, w, like), n->input_count, &a);
}

/* Examples of x join its first axis. */
static tarn_array *over_inputs(const node *n, tarn_array *x, tarn_array *w, tarn_array *like, int64_t batch) {
    tarn_array *out = batched_conv(n, tarn_flatten(x, .end_axis = TARN_AXIS(1)), w, like, attributes_of(n).groups);
    return tarn_unflatten(out, 0, TARN_SHAPE(batch, n->inputs[0]->shape[0]));
}

/* Weights of the examples join the outputs of each group: w [batch, groups * o, ...]. */
static tarn_array *over_weights(const node *n, tarn_array *x, tarn_array *w, tarn_array *like, int64_t batch) {
    int64_t groups = attributes_of(n).groups, outs = n->inputs[1]->shape[0] / groups;
    tarn_array *parts = tarn_swapaxes(tarn_unflatten(w, 1, TARN_SHAPE(groups, outs)), 0, 1);
    tarn_array *out = batched_conv(n, x, tarn_flatten(parts, .end_axis = TARN_AXIS(2)), like, groups);
    return tarn_flatten(tarn_moveaxis(tarn_unflatten(out, -1, TARN_SHAPE(groups, batch, outs)), -2, 0),
                        .start_axis = TARN_AXIS(-2));
}

/* Both differ: each example is a group. */
static tarn_array *over_both(const node *n, tarn_array *x, tarn_array *w, tarn_array *like, int64_t batch) {
    tarn_array *side = tarn_flatten(tarn_moveaxis(x, 0, -2), .start_axis = TARN_AXIS(-2));
    tarn_array *out =
        batched_conv(n, side, tarn_flatten(w, .end_axis = TARN_AXIS(1)), like, attributes_of(n).groups * batch);
    return tarn_moveaxis(tarn_unflatten(out, -1, TARN_SHAPE(batch, n->inputs[1]->shape[0])), -2, 0);
}

bool vmap_conv(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    tarn_array *x = batch_front(inputs[0], axes[0]), *w = batch_front(inputs[1], axes[1]), *like = NULL;
    int64_t batch = batch_size(inputs, axes, n->input_count);
    if (n->input_count > 2)
        like = axes[2] < 0 ? inputs[2] : tarn_flatten(batch_front(inputs[2], axes[2]), .end_axis = TARN_AXIS(1));
    if (axes[0] < 0 && axes[1] < 0) /* only the shape is batched, which is that of each example */
        return batch_result(batched_conv(n, x, w, like, attributes_of(n).groups), -1, outputs, output_axes);
    tarn_array *out = axes[1] < 0   ? over_inputs(n, x, w, like, batch)
                      : axes[0] < 0 ? over_weights(n, x, w, like, batch)
                                    : over_both(n, x, w, like, batch);
    return batch_result(out, 0, outputs, output_axes);
}

bool vmap_conv_like(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    return vmap_conv(n, inputs, axes, outputs, output_axes);
}
