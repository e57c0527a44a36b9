/* What statistics count and order: quantiles, and how often each integer occurs. Made of other operations. */
#include "core/scope.h"
#include "ops/front.h"

/* With axes of size 1 behind, so many as y has behind its first. */
static tarn_array *beside(tarn_array *x, const tarn_array *y) {
    for (int i = 1; x && y && i < y->ndim; i++) x = tarn_expand_dims(x, TARN_AXES(-1));
    return x;
}

/* sorted [n, ...] at places [...] between elements: the two around each, by their distance. */
static tarn_array *between(tarn_array *sorted, tarn_array *places) {
    tarn_array *low = tarn_floor(places), *share = beside(tarn_subtract(places, low), sorted);
    tarn_array *first = tarn_take(sorted, tarn_astype(low, TARN_INT64), .axis = TARN_AXIS(0)),
               *second = tarn_take(sorted, tarn_astype(tarn_ceil(places), TARN_INT64), .axis = TARN_AXIS(0));
    tarn_array *y = tarn_add(first, tarn_multiply(tarn_subtract(second, first), tarn_astype(share, sorted->dtype)));
    return tarn_where(tarn_equal(first, second), first, y); /* of infinities, too */
}

/* n - 1 of sorted [n, ...], float64: counted, so that a trace holds for other sizes. */
static tarn_array *last_place(tarn_array *sorted) {
    if (!sorted) return NULL;
    tarn_array *line = sorted;
    if (sorted->ndim > 1) line = tarn_slice_axis(tarn_flatten(sorted, .start_axis = TARN_AXIS(1)), 1, 0, 1);
    tarn_array *count = tarn_sum(tarn_ones_like(tarn_astype(line, TARN_FLOAT64)));
    return tarn_subtract(count, tarn_scalar(1, TARN_FLOAT64));
}

tarn_array *tarn_quantile_with(tarn_array *x, tarn_array *q, tarn_axis_options o) {
    FRONT("quantile");
    REQUIRE(x, q);
    int axis = 0;
    if (dtype_kind_of(x->dtype) > KIND_FLOAT || dtype_kind_of(q->dtype) != KIND_FLOAT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "quantile: of %s at %s is not supported", dtype_facts[x->dtype].name,
                              dtype_facts[q->dtype].name),
               NULL;
    if (!o.axis.given) x = tarn_flatten(x);
    if (!x || !check_axis("quantile", axis_or(o.axis, 0), x->ndim, &axis)) return NULL;
    if (x->shape[axis] == 0) return tarn_fail("quantile: axis %d has no elements", axis), NULL;
    tarn_array *sorted = tarn_moveaxis(
        tarn_sort(tarn_astype(x, dtype_promote(x->dtype, TARN_FLOAT32)), .axis = TARN_AXIS(axis)), axis, 0);
    tarn_array *last = tarn_slice_axis(sorted, 0, -1, INT64_MAX), *wide = tarn_astype(q, TARN_FLOAT64);
    tarn_array *share = tarn_maximum(tarn_minimum(wide, tarn_scalar_like(1, wide)), tarn_scalar_like(0, wide));
    tarn_array *places = tarn_multiply(share, last_place(sorted));
    tarn_array *y = sorted ? between(sorted, places) : NULL;
    last = tarn_squeeze(last, .axes = TARN_AXES(0)); /* NaNs are behind all numbers */
    return tarn_where(tarn_isnan(last), last, y);
}

tarn_array *tarn_bincount_with(tarn_array *x, int64_t length, tarn_bincount_options o) {
    FRONT("bincount");
    REQUIRE(x);
    if (dtype_kind_of(x->dtype) != KIND_INT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "bincount: %s is no integer", dtype_facts[x->dtype].name), NULL;
    if (length < 0) return tarn_fail("bincount: a length of %lld", (long long)length), NULL;
    if (o.weights && !array_same_shape(x, o.weights))
        return fail_shapes(x, " and weights ", o.weights, "bincount: x and its weights differ in shape:"), NULL;
    tarn_array *weights = o.weights ? tarn_flatten(o.weights) : tarn_scalar_int(1, TARN_INT32);
    tarn_array *bins = tarn_astype(tarn_flatten(x), TARN_INT64); /* what uint64 alone holds is beyond each length */
    tarn_array *none = tarn_scalar_int(length, TARN_INT64);      /* an update outside is dropped */
    bins = tarn_where(tarn_less(bins, tarn_scalar_int(0, TARN_INT64)), none, bins);
    if (!weights || !bins) return NULL;
    tarn_array *counts = tarn_zeros(TARN_SHAPE(length), weights->dtype);
    return tarn_scatter_add(counts, bins, tarn_broadcast_like(weights, bins), .axis = TARN_AXIS(0));
}
