/* median over axes: these joined, in order, and the middle of them. */
#include "ops/front.h"
#include "ops/fused/formula.h"
#include "ops/reduce.h"

static tarn_dtype at_least_float(tarn_dtype dtype) {
    return dtype_kind_of(dtype) < KIND_FLOAT ? TARN_FLOAT32 : dtype;
}

static bool infer(inference *i) {
    const tarn_array *x = i->inputs[0];
    const attributes_median *a = i->attributes;
    bool reduced[TARN_MAX_NDIM];
    if (!reduce_axes("median", a->axes, x->ndim, reduced)) return false;
    for (int k = 0; k < x->ndim; k++)
        if (reduced[k] && x->shape[k] == 0) return tarn_fail("median: axis %d has no elements", k);
    return reduced_type(i, at_least_float(x->dtype), a->axes, a->keepdims);
}

/* The reduced axes as one, the last. */
static tarn_array *joined(tarn_array *x, tarn_ints axes) {
    bool reduced[TARN_MAX_NDIM];
    int64_t order[TARN_MAX_NDIM], back[TARN_MAX_NDIM];
    int ndim = x->ndim;
    if (!reduce_axes("median", axes, ndim, reduced)) return NULL;
    int count = reduced_last(reduced, ndim, order, back);
    if (ndim > 0) x = tarn_transpose(x, .axes = {order, ndim});
    return count ? tarn_flatten(x, .start_axis = TARN_AXIS(-count)) : tarn_expand_dims(x, TARN_AXES(-1));
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const tarn_array *out = &n->outputs[0];
    tarn_array *x = formula_narrow(inputs[0], out->dtype);
    x = formula_widen(joined(x, ((const attributes_median *)n->attributes)->axes));
    if (!(x = tarn_sort(x))) return false;
    int64_t count = x->shape[x->ndim - 1], middle = count / 2;
    tarn_array *y = tarn_slice_axis(x, -1, middle, middle + 1), *last = tarn_slice_axis(x, -1, count - 1, count);
    if (count % 2 == 0 && y)
        y = tarn_multiply(tarn_add(tarn_slice_axis(x, -1, middle - 1, middle), y), tarn_scalar_like(0.5, y));
    y = tarn_where(tarn_isnan(last), last, y); /* NaNs are behind all numbers */
    outputs[0] = formula_narrow(tarn_reshape(y, array_shape(out)), out->dtype);
    return outputs[0] != NULL;
}

tarn_array *tarn_median_with(tarn_array *x, tarn_reduce_options o) {
    return BUILD(median, (&(attributes_median){.axes = o.axes, .keepdims = o.keepdims}), x);
}

const op_rules rules_median = {.infer = infer, .formula = formula};
