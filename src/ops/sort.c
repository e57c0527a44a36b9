/* Ordering along an axis. */
#include "ops/build.h"
#include "ops/rules.h"

static bool check(inference *i, int64_t wanted) {
    const tarn_array *x = i->inputs[0];
    int axis;
    if (x->dtype == TARN_COMPLEX64)
        return tarn_fail_kind(TARN_ERROR_TYPE, "%s: complex64 has no order", op_name(i->op));
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

const op_rules rules_sort = {.infer = infer_sort, .vjp = vjp_sort, .jvp = jvp_sort, .vmap = vmap_sort};
const op_rules rules_argsort = {.infer = infer_argsort, .vmap = vmap_argsort, .passes = passes_none};
