/* Gradients and batching of dense and quantized products. */
#include <string.h>

#include "ops/batch.h"
#include "ops/rules.h"
#include "table/quant.h"

static const char *const a_packed_weight = "a packed weight";

static tarn_array *adjoint(tarn_array *x) {
    tarn_array *t = tarn_swapaxes(x, -1, -2);
    return t && t->dtype == TARN_COMPLEX64 ? tarn_conjugate(t) : t;
}

static tarn_array *rows_of(tarn_array *x) {
    return x && x->ndim > 2 ? tarn_flatten(x, .end_axis = TARN_AXIS(-2)) : x;
}

static tarn_array *sum_to(tarn_array *g, tarn_array *like) {
    return !g || array_same_shape(g, like) ? g : tarn_sum_like(g, like);
}

/* aH @ g of matrices; of a transposed b as the transpose of a dense array, so that the gradient of what was transposed,
   a layer's weight, is dense. */
static tarn_array *matrix_gradient(tarn_array *a, tarn_array *b, tarn_array *g) {
    if (b->node->op != OP_transpose) return tarn_matmul(adjoint(a), g);
    tarn_array *transposed = tarn_swapaxes(g, -1, -2);
    return tarn_swapaxes(tarn_matmul(transposed, a && a->dtype == TARN_COMPLEX64 ? tarn_conjugate(a) : a), -1, -2);
}

/* aH @ g summed over the leading axes that b does not have: one product over all rows if it has none. */
static tarn_array *right_gradient(tarn_array *a, tarn_array *b, tarn_array *g) {
    bool same_rows = g && a->ndim == g->ndim && shapes_equal(a->ndim - 1, a->shape, g->shape);
    if (b->ndim == 2 && same_rows) return matrix_gradient(rows_of(a), b, rows_of(g));
    return sum_to(tarn_matmul(adjoint(a), g), b);
}

bool vjp_matmul(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    tarn_array *a = n->inputs[0], *b = n->inputs[1], *g = cotangents[0];
    if (wanted[0]) gradients[0] = sum_to(tarn_matmul(g, adjoint(b)), a);
    if (wanted[1]) gradients[1] = right_gradient(a, b, g);
    return tarn_ok();
}

bool jvp_matmul(node *n, tarn_array *const *tangents, tarn_array **output_tangents) {
    tarn_array *left = tangents[0] ? tarn_matmul(tangents[0], n->inputs[1]) : NULL;
    tarn_array *right = tangents[1] ? tarn_matmul(n->inputs[0], tangents[1]) : NULL;
    output_tangents[0] = left && right ? tarn_add(left, right) : left ? left : right;
    return tarn_ok();
}

static int larger(int a, int b) {
    return a > b ? a : b;
}

/* Leading axes broadcast, so that the batch is one more of them. */
bool vmap_matmul(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    int ndim = larger(n->inputs[0]->ndim, n->inputs[1]->ndim);
    tarn_array *a = batch_align(inputs[0], axes[0], ndim), *b = batch_align(inputs[1], axes[1], ndim);
    return batch_result(BUILD(matmul, NULL, a, b), 0, outputs, output_axes);
}

/* ---- quantized */

/* The gradients of scales and biases, given that of the dense weight, [..., groups * group]: weight = scale * q + bias,
   group by group. packed and what goes with it begin at inputs[first]. */
static bool affine_gradients(const node *n, int first, quant_mode mode, int64_t group, int64_t bits, tarn_array *dense,
                             const bool *wanted, tarn_array **gradients) {
    if (mode != QUANT_affine) return no_gradient_of(n, first + 1, "scales of a mode that is only read");
    tarn_array *scales = n->inputs[first + 1];
    tarn_ints groups = TARN_SHAPE(-1, group);
    if (dense && array_size(dense) == 0) groups = TARN_SHAPE(0, group);
    if (wanted[first + 2]) gradients[first + 2] = tarn_sum(tarn_unflatten(dense, -1, groups), .axes = TARN_AXES(-1));
    if (!wanted[first + 1]) return tarn_ok();
    tarn_array *one = tarn_ones_like(scales), *zero = tarn_zeros_like(scales);
    tarn_array *q = tarn_dequantize(n->inputs[first], one, .biases = zero, .group_size = group, .bits = bits);
    gradients[first + 1] = tarn_sum(tarn_unflatten(tarn_multiply(dense, q), -1, groups), .axes = TARN_AXES(-1));
    return tarn_ok();
}

/* Whether a gradient is wanted of what stands behind the packed weight, input `first`. */
static bool wants_parts(const node *n, int first, const bool *wanted) {
    bool some = false;
    for (int i = first + 1; i < n->input_count; i++) some = some || wanted[i];
    return some;
}

bool vjp_dequantize(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    const attributes_dequantize *a = n->attributes;
    if (wanted[0]) return no_gradient_of(n, 0, a_packed_weight);
    if (!wants_parts(n, 0, wanted)) return true;
    return affine_gradients(n, 0, a->mode, a->group_size, a->bits, cotangents[0], wanted, gradients);
}

bool vmap_dequantize(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    const attributes_dequantize *a = n->attributes;
    int64_t batch = batch_size(inputs, axes, n->input_count);
    int global = QUANT_PART_COUNT;
    if (n->input_count > global && axes[global] >= 0)
        return tarn_fail("dequantize: a global scale of %s for each example has no batching",
                         names_quant_mode.words[a->mode]);
    tarn_array *whole[1 + QUANT_PART_COUNT] = {NULL};
    for (int i = 0; i < n->input_count; i++)
        whole[i] = i == global ? inputs[i] : batch_whole(inputs[i], axes[i], batch);
    return batch_result(build(OP_dequantize, whole, n->input_count, a), 0, outputs, output_axes);
}

/* The gradient g of an end of each group, for the elements that are that end, which share it. */
static tarn_array *to_end(tarn_array *w, tarn_array *end, tarn_array *g) {
    tarn_array *here = tarn_astype(tarn_equal(w, end), w->dtype);
    return tarn_multiply(here, tarn_divide(g, tarn_sum(here, .axes = TARN_AXES(-1), .keepdims = true)));
}

/* The bias is the end that is farther from 0, and the scale that end over a code, a whole number; of groups around 0
   whose code is 0 both are constants. */
static tarn_array *to_farther_end(tarn_array *w, tarn_array *scales, tarn_array *scale_g, tarn_array *bias_g) {
    tarn_array *low = tarn_min(w, .axes = TARN_AXES(-1), .keepdims = true),
               *high = tarn_max(w, .axes = TARN_AXES(-1), .keepdims = true);
    tarn_array *end = tarn_where(tarn_greater(tarn_abs(low), tarn_abs(high)), low, high);
    tarn_array *code = tarn_round(tarn_divide(end, scales)), *none = tarn_equal_number(code, 0);
    tarn_array *g = tarn_add(bias_g, tarn_divide(scale_g, tarn_where(none, tarn_ones_like(code), code)));
    return to_end(w, end, tarn_where(none, tarn_zeros_like(g), g));
}

/* The codes are whole numbers, which have none. One bit takes both ends: their distance is the scale, the lower one the
   bias. */
bool vjp_quantize(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    const attributes_quantize *a = n->attributes;
    tarn_array *scale_g = cotangents[1], *bias_g = n->output_count > 2 ? cotangents[2] : NULL;
    if (a->mode != QUANT_affine) return no_gradient_of(n, 0, "scales of eight bits");
    if (!wanted[0] || (!scale_g && !bias_g)) return true;
    tarn_ints axes = TARN_AXES(-1), groups = TARN_SHAPE(array_size(n->inputs[0]) ? -1 : 0, a->group_size);
    tarn_array *w = tarn_unflatten(n->inputs[0], -1, groups), *scales = tarn_expand_dims(&n->outputs[1], axes);
    scale_g = scale_g ? tarn_expand_dims(scale_g, axes) : tarn_zeros_like(scales);
    bias_g = bias_g ? tarn_expand_dims(bias_g, axes) : tarn_zeros_like(scales);
    tarn_array *g =
        a->bits > 1 ? to_farther_end(w, scales, scale_g, bias_g)
                    : tarn_add(to_end(w, tarn_max(w, .axes = axes, .keepdims = true), scale_g),
                               to_end(w, tarn_min(w, .axes = axes, .keepdims = true), tarn_subtract(bias_g, scale_g)));
    gradients[0] = tarn_reshape_like(g, n->inputs[0]);
    return tarn_ok();
}

bool vmap_quantize(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    tarn_array *w = batch_front(inputs[0], axes[0]);
    return batch_results(build_node(OP_quantize, &w, 1, n->attributes), 0, outputs, output_axes);
}

/* The gradient of the weight as it lies, [..., n, k] if it is multiplied transposed. */
static tarn_array *weight_gradient(const node *n, tarn_array *g, bool transpose) {
    tarn_array *x = n->inputs[0], *scales = n->inputs[2];
    tarn_array *left = transpose ? g : x, *right = transpose ? x : g;
    if (scales->ndim == 2) return tarn_matmul(tarn_swapaxes(rows_of(left), -1, -2), rows_of(right));
    tarn_array *dense = tarn_matmul(tarn_swapaxes(left, -1, -2), right);
    int64_t shape[TARN_MAX_NDIM];
    if (!dense) return NULL;
    for (int i = 0; i < scales->ndim; i++) shape[i] = scales->shape[i];
    shape[scales->ndim - 1] = dense->shape[dense->ndim - 1];
    return sum_to(dense, tarn_broadcast_to(tarn_scalar_like(0, dense), (tarn_ints){shape, scales->ndim}));
}

bool vjp_quantized_matmul(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    attributes_quantized_matmul back = *(const attributes_quantized_matmul *)n->attributes;
    tarn_array *g = cotangents[0], *inputs[2 + QUANT_PART_COUNT] = {g};
    if (wanted[1]) return no_gradient_of(n, 1, a_packed_weight);
    if (wants_parts(n, 1, wanted)) {
        tarn_array *dense = back.mode == QUANT_affine ? weight_gradient(n, g, back.transpose) : NULL;
        if (!affine_gradients(n, 1, back.mode, back.group_size, back.bits, dense, wanted, gradients)) return false;
    }
    back.transpose = !back.transpose;
    for (int i = 1; i < n->input_count; i++) inputs[i] = n->inputs[i];
    if (wanted[0]) gradients[0] = sum_to(build(OP_quantized_matmul, inputs, n->input_count, &back), n->inputs[0]);
    return tarn_ok();
}

/* A global scale, input 4, has no axes to batch. */
bool vmap_quantized_matmul(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs,
                           int *output_axes) {
    int global = 1 + QUANT_PART_COUNT, count = n->input_count < global ? n->input_count : global;
    if (n->input_count > global && axes[global] >= 0)
        return tarn_fail("quantized_matmul: a global scale for each example has no batching");
    bool weight_batched = false;
    for (int i = 1; i < count; i++) weight_batched = weight_batched || axes[i] >= 0;
    int64_t batch = batch_size(inputs, axes, count);
    int ndim = larger(n->inputs[0]->ndim, n->inputs[1]->ndim);
    tarn_array *list[2 + QUANT_PART_COUNT] = {batch_align(inputs[0], axes[0], ndim)};
    for (int i = 1; i < n->input_count; i++) {
        list[i] = inputs[i];
        if (weight_batched && i < global) list[i] = batch_align(batch_whole(inputs[i], axes[i], batch), 0, ndim);
    }
    return batch_result(build(OP_quantized_matmul, list, n->input_count, n->attributes), 0, outputs, output_axes);
}
