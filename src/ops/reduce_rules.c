/* Gradients and batching of reductions, running reductions, sorting and random bits. */
#include <string.h>

#include "ops/batch.h"
#include "ops/reduce.h"
#include "ops/rules.h"

/* ---- reduce */

/* What a reduction of x gave, with axes of size 1 where x has the reduced ones. */
static tarn_array *with_reduced_axes(tarn_array *a, const node *n) {
    const attributes_reduce *attributes = n->attributes;
    bool reduced[TARN_MAX_NDIM];
    int64_t places[TARN_MAX_NDIM], count = 0;
    int ndim = n->inputs[0]->ndim;
    if (attributes->keepdims) return a;
    if (!reduce_axes("reduce", attributes->axes, ndim, reduced)) return NULL;
    for (int i = 0; i < ndim; i++)
        if (reduced[i]) places[count++] = i;
    return count ? tarn_expand_dims(a, (tarn_ints){places, count}) : a;
}

/* Largest (smallest) elements share the gradient; where the result is NaN, its NaNs do. */
static tarn_array *extreme_gradient(node *n, tarn_array *g) {
    tarn_array *x = n->inputs[0],
               *best = tarn_logical_or(tarn_equal(x, with_reduced_axes(&n->outputs[0], n)), tarn_isnan(x));
    attributes_reduce sum = *(const attributes_reduce *)n->attributes;
    sum.kind = REDUCE_SUM;
    sum.keepdims = true;
    tarn_array *count = BUILD(reduce, &sum, best);
    tarn_array *share = g ? tarn_divide(with_reduced_axes(g, n), tarn_astype(count, g->dtype)) : NULL;
    return g ? tarn_where(best, share, tarn_scalar_like(0, g)) : NULL;
}

static tarn_array *running(tarn_array *x, reduce_kind kind, int64_t axis, bool reverse, bool exclusive) {
    return BUILD(scan, (&(attributes_scan){.kind = kind, .axis = axis, .reverse = reverse, .exclusive = exclusive}), x);
}

/* The product of all others, without dividing: what stands before times what stands after. */
static tarn_array *product_gradient(node *n, tarn_array *g) {
    bool reduced[TARN_MAX_NDIM];
    tarn_array *x = n->inputs[0];
    int64_t order[TARN_MAX_NDIM], back[TARN_MAX_NDIM];
    int kept = 0, ndim = x->ndim, place;
    if (!reduce_axes("reduce", ((const attributes_reduce *)n->attributes)->axes, ndim, reduced)) return NULL;
    for (int i = 0; i < ndim; i++)
        if (!reduced[i]) order[kept++] = i;
    place = kept;
    for (int i = 0; i < ndim; i++)
        if (reduced[i]) order[place++] = i;
    for (int i = 0; i < ndim; i++) back[order[i]] = i;
    if (kept == ndim) return with_reduced_axes(g, n);
    tarn_array *moved = tarn_transpose(x, .axes = {order, ndim}),
               *rows = tarn_flatten(moved, .start_axis = TARN_AXIS(kept));
    tarn_array *others =
        tarn_multiply(running(rows, REDUCE_PROD, -1, false, true), running(rows, REDUCE_PROD, -1, true, true));
    others = tarn_transpose(tarn_reshape_like(others, moved), .axes = {back, ndim});
    return tarn_multiply(with_reduced_axes(g, n), tarn_conjugate(others));
}

bool vjp_reduce(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    tarn_array *g = cotangents[0];
    if (!wanted[0]) return true;
    switch (((const attributes_reduce *)n->attributes)->kind) {
    case REDUCE_SUM:
        gradients[0] = tarn_broadcast_like(with_reduced_axes(g, n), n->inputs[0]);
        break;
    case REDUCE_PROD:
        gradients[0] = product_gradient(n, g);
        break;
    case REDUCE_MAX:
    case REDUCE_MIN:
        gradients[0] = extreme_gradient(n, g);
        break;
    case REDUCE_LOGADDEXP: {
        tarn_array *share = tarn_exp(tarn_subtract(n->inputs[0], with_reduced_axes(&n->outputs[0], n)));
        gradients[0] = tarn_multiply(with_reduced_axes(g, n), tarn_conjugate(share));
        break;
    }
    case REDUCE_ALL:
    case REDUCE_ANY:
        break;
    }
    return tarn_ok();
}

static tarn_array *sum_again(const node *n, tarn_array *x) {
    return BUILD(reduce, n->attributes, x);
}

/* Sums are linear; of the others the tangent is the gradient's factor times the tangent, summed. */
bool jvp_reduce(node *n, tarn_array *const *tangents, tarn_array **output_tangents) {
    const attributes_reduce *a = n->attributes;
    if (a->kind == REDUCE_SUM) {
        output_tangents[0] = sum_again(n, tangents[0]);
        return tarn_ok();
    }
    attributes_reduce sum = *a;
    sum.kind = REDUCE_SUM;
    tarn_array *one = tarn_broadcast_like(tarn_scalar_like(1, tangents[0]), &n->outputs[0]), *factor = NULL;
    bool wanted = true;
    if (!vjp_reduce(n, &one, &wanted, &factor)) return false;
    if (factor) output_tangents[0] = BUILD(reduce, &sum, tarn_multiply(tarn_conjugate(factor), tangents[0]));
    return tarn_ok();
}

bool passes_reduce(const node *n, int i) {
    (void)i;
    int64_t kind = ((const attributes_reduce *)n->attributes)->kind;
    return kind != REDUCE_ALL && kind != REDUCE_ANY;
}

bool vmap_reduce(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    attributes_reduce a = *(const attributes_reduce *)n->attributes;
    bool reduced[TARN_MAX_NDIM];
    int64_t places[TARN_MAX_NDIM], count = 0;
    if (!reduce_axes("reduce", a.axes, n->inputs[0]->ndim, reduced)) return false;
    for (int i = 0; i < n->inputs[0]->ndim; i++)
        if (reduced[i]) places[count++] = i + 1;
    a.axes = (tarn_ints){places, count};
    return batch_result(BUILD(reduce, &a, batch_front(inputs[0], axes[0])), 0, outputs, output_axes);
}

/* ---- elements_each */

bool formula_elements_each(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const attributes_elements_each *a = n->attributes;
    double count = (double)array_size(inputs[0]) / (double)array_size(inputs[1]) - (double)a->less;
    outputs[0] = tarn_scalar(count < 0 ? 0 : count, n->outputs[0].dtype);
    return outputs[0] != NULL;
}

/* ---- sum_like */

bool vjp_sum_like(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    if (wanted[0]) gradients[0] = tarn_broadcast_like(cotangents[0], n->inputs[0]);
    return tarn_ok();
}

/* x [leading ..., shape of whole] summed to the shape of out after the first `kept` axes. */
static tarn_array *sum_to_type(tarn_array *x, int kept, const tarn_array *whole, const tarn_array *out) {
    int64_t places[TARN_MAX_NDIM], shape[TARN_MAX_NDIM + 1], count = 0;
    int leading = whole->ndim - out->ndim;
    if (!x) return NULL;
    for (int i = 0; i < whole->ndim; i++)
        if (i < leading || out->shape[i - leading] != whole->shape[i]) places[count++] = i + kept;
    tarn_array *sums = count ? tarn_sum(x, .axes = {places, count}, .keepdims = true) : x;
    if (sums && sums->dtype != x->dtype) sums = tarn_astype(sums, x->dtype); /* small integers */
    if (kept) shape[0] = x->shape[0];
    memcpy(shape + kept, out->shape, (size_t)out->ndim * sizeof *shape);
    return tarn_reshape(sums, (tarn_ints){shape, out->ndim + kept});
}

bool vmap_sum_like(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    bool batched = axes[0] >= 0;
    tarn_array *sums = sum_to_type(batch_front(inputs[0], axes[0]), batched, n->inputs[0], &n->outputs[0]);
    return batch_result(sums, batched ? 0 : -1, outputs, output_axes);
}

bool formula_sum_like(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    outputs[0] = sum_to_type(inputs[0], 0, inputs[0], &n->outputs[0]);
    return outputs[0] != NULL;
}

/* ---- arg_reduce, sort */

bool vmap_arg_reduce(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    attributes_arg_reduce a = *(const attributes_arg_reduce *)n->attributes;
    a.axis = batch_axis(a.axis, n->inputs[0]->ndim);
    return batch_result(BUILD(arg_reduce, &a, batch_front(inputs[0], axes[0])), 0, outputs, output_axes);
}

/* sort and argsort have the same attributes. */
static int64_t sort_axis(const node *n) {
    return ((const attributes_sort *)n->attributes)->axis;
}

/* Where the elements of a node's output came from. */
static tarn_array *sort_places(const node *n) {
    return BUILD(argsort, n->attributes, n->inputs[0]);
}

bool vjp_sort(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    tarn_array *zeros = zeros_view(cotangents[0], n->inputs[0]);
    if (wanted[0])
        gradients[0] = tarn_add_along_axis(zeros, sort_places(n), cotangents[0], .axis = TARN_AXIS(sort_axis(n)));
    return tarn_ok();
}

bool jvp_sort(node *n, tarn_array *const *tangents, tarn_array **output_tangents) {
    output_tangents[0] = tarn_take_along_axis(tangents[0], sort_places(n), .axis = TARN_AXIS(sort_axis(n)));
    return tarn_ok();
}

static bool vmap_ordering(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    attributes_sort a = *(const attributes_sort *)n->attributes;
    a.axis = batch_axis(a.axis, n->inputs[0]->ndim);
    tarn_array *x = batch_front(inputs[0], axes[0]);
    return batch_result(build(n->op, &x, 1, &a), 0, outputs, output_axes);
}

bool vmap_sort(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    return vmap_ordering(n, inputs, axes, outputs, output_axes);
}

bool vmap_argsort(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    return vmap_ordering(n, inputs, axes, outputs, output_axes);
}

/* Keys have leading axes already. */
bool vmap_random_bits(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    tarn_array *key = batch_front(inputs[0], axes[0]);
    return batch_result(BUILD(random_bits, n->attributes, key), 0, outputs, output_axes);
}
