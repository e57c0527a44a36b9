/* Places that depend on values: where a mask is true, and indices that must lie on an axis. How many places there are
   is part of a graph's shapes, so that who does not say it has the mask evaluated when the function is called. */
#include <string.h>

#include "ops/batch.h"
#include "ops/front.h"
#include "ops/index.h"
#include "ops/rules.h"

/* ---- nonzero */

static bool infer_nonzero(inference *i) {
    const attributes_nonzero *a = i->attributes;
    const tarn_array *x = i->inputs[0];
    int64_t shape[TARN_MAX_NDIM];
    if (x->dtype != TARN_BOOL || a->batch < 0 || a->batch >= x->ndim || a->size < 0)
        return fail_shapes(x, NULL, NULL, "nonzero: %lld places of a mask with %lld batch axes", (long long)a->size,
                           (long long)a->batch);
    memcpy(shape, x->shape, (size_t)a->batch * sizeof *shape);
    shape[a->batch] = a->size;
    for (int64_t axis = a->batch; axis < x->ndim; axis++)
        if (!types_add(i, TARN_INT64, (int)a->batch + 1, shape)) return false;
    return true;
}

bool vmap_nonzero(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    attributes_nonzero a = *(const attributes_nonzero *)n->attributes;
    a.batch++;
    tarn_array *x = batch_front(inputs[0], axes[0]);
    return batch_results(build_node(OP_nonzero, &x, 1, &a), 0, outputs, output_axes);
}

bool mask_indices(tarn_array *mask, mask_places places, tarn_array **out) {
    attributes_nonzero a = {.size = places.most, .fill = places.fill, .check = places.check};
    node *n = build_node(OP_nonzero, &mask, 1, &a);
    for (int i = 0; n && i < n->output_count; i++) out[i] = &n->outputs[i];
    return n != NULL;
}

/* The error that is set, with what would have helped. */
static int64_t not_counted(void) {
    text reason = {0};
    tarn_error_class kind = tarn_error_kind();
    text_add(&reason, tarn_error());
    tarn_clear_error();
    tarn_fail_kind(kind, "how many elements are true depends on values, and .size does not say it: %s",
                   text_string(&reason));
    text_free(&reason);
    return -1;
}

/* A sum of bools is an int32: of larger masks part by part. */
int64_t mask_count(tarn_array *mask) {
    const int64_t part = INT64_C(1) << 30;
    int64_t count = 0, size = mask ? array_size(mask) : 0;
    if (size <= part) return count = tarn_item_int(tarn_sum(mask)), tarn_ok() ? count : not_counted();
    for (int64_t begin = 0; begin < size && tarn_ok(); begin += part) {
        TARN_SCOPE;
        count += tarn_item_int(tarn_sum(tarn_slice_axis(tarn_flatten(mask), 0, begin, begin + part)));
    }
    return tarn_ok() ? count : not_counted();
}

bool tarn_nonzero_with(tarn_array *x, tarn_array **out, tarn_nonzero_options o) {
    FRONT("nonzero");
    REQUIRE(x);
    if (!out) return tarn_fail("nonzero: the list of results is NULL");
    if (x->ndim == 0) return tarn_fail("nonzero: x has no axis");
    tarn_array *mask = x->dtype == TARN_BOOL ? x : tarn_not_equal(x, tarn_scalar_like(0, x));
    int64_t size = o.size.given ? o.size.value : mask_count(mask);
    return tarn_ok() && mask_indices(mask, (mask_places){.most = size, .fill = o.fill}, out);
}

/* ---- checked_indices */

static bool infer_checked_indices(inference *i) {
    const tarn_array *indices = i->inputs[0];
    int axis;
    if (dtype_kind_of(indices->dtype) != KIND_INT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "checked_indices: indices are %s, not integers",
                              dtype_facts[indices->dtype].name);
    return check_axis("checked_indices", ((const attributes_checked_indices *)i->attributes)->axis, i->inputs[1]->ndim,
                      &axis) &&
           types_add(i, indices->dtype, indices->ndim, indices->shape);
}

bool vmap_checked_indices(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    int64_t axis = ((const attributes_checked_indices *)n->attributes)->axis;
    tarn_array *x = batch_front(inputs[1], axes[1]);
    if (axes[1] >= 0) axis = batch_axis(axis, n->inputs[1]->ndim);
    return batch_result(checked_indices(inputs[0], x, axis), axes[0], outputs, output_axes);
}

tarn_array *checked_indices(tarn_array *indices, tarn_array *x, int64_t axis) {
    return BUILD(checked_indices, (&(attributes_checked_indices){.axis = axis}), indices, x);
}

const op_rules rules_nonzero = {.infer = infer_nonzero, .vmap = vmap_nonzero, .passes = passes_none};
const op_rules rules_checked_indices = {
    .infer = infer_checked_indices, .vmap = vmap_checked_indices, .passes = passes_none};
