/* Ordering along an axis. */
#include "ops/front.h"
#include "ops/rules.h"

static bool check(inference *i, int64_t wanted) {
    const tarn_array *x = i->inputs[0];
    int axis;
    if (!check_axis(op_name(i->op), wanted, x->ndim, &axis)) return false;
    return x->shape[axis] <= UINT32_MAX || tarn_fail("%s: axis %d is longer than 2^32", op_name(i->op), axis);
}

static bool infer_sort(inference *i) {
    return check(i, ((const attributes_sort *)i->attributes)->axis) &&
           types_add(i, i->inputs[0]->dtype, i->inputs[0]->ndim, i->inputs[0]->shape);
}

static bool infer_argsort(inference *i) {
    return check(i, ((const attributes_argsort *)i->attributes)->axis) &&
           types_add(i, TARN_UINT32, i->inputs[0]->ndim, i->inputs[0]->shape);
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

/* Everything in order is a partition at any place, and costs little more. */
tarn_array *tarn_partition_with(tarn_array *x, int64_t kth, tarn_axis_options o) {
    FRONT("partition");
    REQUIRE(x);
    return check_place("partition", x, kth, o) ? tarn_sort_with(x, o) : NULL;
}
tarn_array *tarn_argpartition_with(tarn_array *x, int64_t kth, tarn_axis_options o) {
    FRONT("argpartition");
    REQUIRE(x);
    return check_place("argpartition", x, kth, o) ? tarn_argsort_with(x, o) : NULL;
}

tarn_array *tarn_topk_with(tarn_array *x, int64_t k, tarn_axis_options o) {
    FRONT("topk");
    REQUIRE(x);
    int axis;
    if (!check_axis("topk", axis_or(o.axis, -1), x->ndim, &axis)) return NULL;
    if (k < 0 || k > x->shape[axis])
        return tarn_fail("topk: %lld of an axis of %lld elements", (long long)k, (long long)x->shape[axis]), NULL;
    return tarn_slice_axis(tarn_sort_with(x, o), axis, k ? -k : INT64_MAX, INT64_MAX);
}

const op_rules rules_sort = {.infer = infer_sort, .vjp = vjp_sort, .jvp = jvp_sort, .vmap = vmap_sort};
const op_rules rules_argsort = {.infer = infer_argsort, .vmap = vmap_argsort, .passes = passes_none};
