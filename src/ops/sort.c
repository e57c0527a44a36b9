/* Ordering along an axis. */
#include "ops/front.h"
#include "ops/rules.h"

/* sort and argsort have the same attributes. */
static bool check(inference *i) {
    const tarn_array *x = i->inputs[0];
    const attributes_sort *a = i->attributes;
    int axis;
    if (!check_axis(op_name(i->op), a->axis, x->ndim, &axis)) return false;
    int64_t n = x->shape[axis], first = a->first < 0 ? a->first + n : a->first,
            last = a->last < 0 ? a->last + n : a->last;
    if (a->part && (first < 0 || first > last || last >= n))
        return tarn_fail("%s: places %lld to %lld of an axis of %lld elements", op_name(i->op), (long long)a->first,
                         (long long)a->last, (long long)n);
    return n <= UINT32_MAX || tarn_fail("%s: axis %d is longer than 2^32", op_name(i->op), axis);
}

static bool infer_sort(inference *i) {
    return check(i) && types_add(i, i->inputs[0]->dtype, i->inputs[0]->ndim, i->inputs[0]->shape);
}

static bool infer_argsort(inference *i) {
    return check(i) && types_add(i, TARN_UINT32, i->inputs[0]->ndim, i->inputs[0]->shape);
}

tarn_array *tarn_sort_with(tarn_array *x, tarn_axis_options o) {
    return BUILD(sort, &(attributes_sort){.axis = axis_or(o.axis, -1)}, x);
}
tarn_array *tarn_argsort_with(tarn_array *x, tarn_axis_options o) {
    return BUILD(argsort, &(attributes_argsort){.axis = axis_or(o.axis, -1)}, x);
}

/* Whether there is a place kth along axis. */
static bool check_place(const char *op, const tarn_array *x, int64_t kth, tarn_axis_options o) {
    int axis;
    if (!check_axis(op, axis_or(o.axis, -1), x->ndim, &axis)) return false;
    int64_t n = x->shape[axis];
    return (kth >= -n && kth < n) ||
           tarn_fail("%s: place %lld of an axis of %lld elements", op, (long long)kth, (long long)n);
}

tarn_array *tarn_partition_with(tarn_array *x, int64_t kth, tarn_axis_options o) {
    FRONT("partition");
    REQUIRE(x);
    attributes_sort a = {.axis = axis_or(o.axis, -1), .part = true, .first = kth, .last = kth};
    return check_place("partition", x, kth, o) ? BUILD(sort, &a, x) : NULL;
}
tarn_array *tarn_argpartition_with(tarn_array *x, int64_t kth, tarn_axis_options o) {
    FRONT("argpartition");
    REQUIRE(x);
    attributes_argsort a = {.axis = axis_or(o.axis, -1), .part = true, .first = kth, .last = kth};
    return check_place("argpartition", x, kth, o) ? BUILD(argsort, &a, x) : NULL;
}

tarn_array *tarn_topk_with(tarn_array *x, int64_t k, tarn_axis_options o) {
    FRONT("topk");
    REQUIRE(x);
    int axis;
    if (!check_axis("topk", axis_or(o.axis, -1), x->ndim, &axis)) return NULL;
    if (k < 0 || k > x->shape[axis])
        return tarn_fail("topk: %lld of an axis of %lld elements", (long long)k, (long long)x->shape[axis]), NULL;
    if (k == 0) return tarn_slice_axis(x, axis, 0, 0);
    attributes_sort a = {.axis = axis_or(o.axis, -1), .part = true, .first = -k, .last = -1};
    return tarn_slice_axis(BUILD(sort, &a, x), axis, -k, INT64_MAX);
}

const op_rules rules_sort = {.infer = infer_sort, .vjp = vjp_sort, .jvp = jvp_sort, .vmap = vmap_sort};
const op_rules rules_argsort = {.infer = infer_argsort, .vmap = vmap_argsort, .passes = passes_none};
