/* Reductions. */
#include "ops/reduce.h"
#include "ops/front.h"
#include "ops/rules.h"

#include <string.h>

bool reduce_axes(const char *op, tarn_ints axes, int ndim, bool *reduced) {
    for (int i = 0; i < ndim; i++) reduced[i] = !axes.values;
    for (int64_t i = 0; i < axes.count; i++) {
        int axis;
        if (!check_axis(op, axes.values[i], ndim, &axis)) return false;
        if (reduced[axis]) return tarn_fail("%s: axis %d is given twice", op, axis);
        reduced[axis] = true;
    }
    return true;
}

int reduced_last(const bool *reduced, int ndim, int64_t *order, int64_t *back) {
    int count = 0, kept = 0;
    for (int i = 0; i < ndim; i++)
        if (!reduced[i]) order[kept++] = i;
    for (int i = 0; i < ndim; i++)
        if (reduced[i]) order[kept + count++] = i;
    for (int i = 0; i < ndim; i++) back[order[i]] = i;
    return count;
}

tarn_dtype reduced_dtype(reduce_kind kind, tarn_dtype dtype) {
    if (kind == REDUCE_ALL || kind == REDUCE_ANY) return TARN_BOOL;
    if (kind == REDUCE_MAX || kind == REDUCE_MIN || dtype_kind_of(dtype) > KIND_INT || dtype_bytes(dtype) > 4)
        return dtype;
    return dtype_is_unsigned(dtype) ? TARN_UINT32 : TARN_INT32;
}

/* Whether some result has no elements to be made of. */
static bool folds_nothing(const tarn_array *x, const bool *reduced) {
    bool empty = false;
    for (int i = 0; i < x->ndim; i++) {
        if (!reduced[i] && x->shape[i] == 0) return false;
        empty = empty || x->shape[i] == 0;
    }
    return empty;
}

bool reduced_type(inference *i, tarn_dtype dtype, tarn_ints axes, bool keepdims) {
    const tarn_array *x = i->inputs[0];
    bool reduced[TARN_MAX_NDIM];
    int64_t shape[TARN_MAX_NDIM];
    int ndim = 0;
    if (!reduce_axes(op_name(i->op), axes, x->ndim, reduced)) return false;
    for (int k = 0; k < x->ndim; k++)
        if (!reduced[k] || keepdims) shape[ndim++] = reduced[k] ? 1 : x->shape[k];
    return types_add(i, dtype, ndim, shape);
}

static bool infer_reduce(inference *i) {
    const tarn_array *x = i->inputs[0];
    const attributes_reduce *a = i->attributes;
    const char *name = names_reduce_kind.words[a->kind];
    bool extreme = a->kind == REDUCE_MAX || a->kind == REDUCE_MIN, reduced[TARN_MAX_NDIM];
    if (a->kind == REDUCE_LOGADDEXP) return tarn_fail("reduce: there is no reduction by logaddexp");
    if (!reduce_axes(name, a->axes, x->ndim, reduced)) return false;
    if (extreme && folds_nothing(x, reduced)) return tarn_fail("%s: of no elements there is none", name);
    return reduced_type(i, reduced_dtype(a->kind, x->dtype), a->axes, a->keepdims);
}

static tarn_array *reduce(tarn_array *x, reduce_kind kind, tarn_reduce_options o) {
    FRONT(names_reduce_kind.words[kind]);
    return BUILD(reduce, (&(attributes_reduce){.kind = kind, .axes = o.axes, .keepdims = o.keepdims}), x);
}

tarn_array *tarn_sum_with(tarn_array *x, tarn_reduce_options o) {
    return reduce(x, REDUCE_SUM, o);
}
tarn_array *tarn_prod_with(tarn_array *x, tarn_reduce_options o) {
    return reduce(x, REDUCE_PROD, o);
}
tarn_array *tarn_max_with(tarn_array *x, tarn_reduce_options o) {
    return reduce(x, REDUCE_MAX, o);
}
tarn_array *tarn_min_with(tarn_array *x, tarn_reduce_options o) {
    return reduce(x, REDUCE_MIN, o);
}
tarn_array *tarn_all_with(tarn_array *x, tarn_reduce_options o) {
    return reduce(x, REDUCE_ALL, o);
}
tarn_array *tarn_any_with(tarn_array *x, tarn_reduce_options o) {
    return reduce(x, REDUCE_ANY, o);
}

static bool infer_sum_like(inference *i) {
    const tarn_array *x = i->inputs[0], *like = i->inputs[1];
    bool fits = like->ndim <= x->ndim;
    for (int k = 1; k <= like->ndim && fits; k++)
        fits = like->shape[like->ndim - k] == 1 || like->shape[like->ndim - k] == x->shape[x->ndim - k];
    return (fits || tarn_fail("sum_like: the second input does not broadcast to the first")) &&
           types_add(i, x->dtype, like->ndim, like->shape);
}

tarn_array *tarn_sum_like(tarn_array *x, tarn_array *like) {
    return BUILD(sum_like, NULL, x, like);
}

static bool infer_elements_each(inference *i) {
    return types_add(i, i->inputs[1]->dtype, 0, NULL);
}

tarn_array *elements_each(tarn_array *x, tarn_array *result, int64_t less) {
    return BUILD(elements_each, (&(attributes_elements_each){.less = less}), x, result);
}

static bool infer_arg_reduce(inference *i) {
    const tarn_array *x = i->inputs[0];
    const attributes_arg_reduce *a = i->attributes;
    int axis, ndim = 0;
    int64_t shape[TARN_MAX_NDIM];
    if (!check_axis("arg_reduce", a->axis, x->ndim, &axis)) return false;
    if (x->shape[axis] == 0 || x->shape[axis] > UINT32_MAX)
        return tarn_fail("arg_reduce: axis %d has %lld elements", axis, (long long)x->shape[axis]);
    for (int k = 0; k < x->ndim; k++)
        if (k != axis || a->keepdims) shape[ndim++] = k == axis ? 1 : x->shape[k];
    return types_add(i, TARN_UINT32, ndim, shape);
}

static tarn_array *arg_reduce(tarn_array *x, tarn_arg_options o, bool least) {
    FRONT(least ? "argmin" : "argmax");
    REQUIRE(x);
    attributes_arg_reduce a = {.least = least, .axis = axis_or(o.axis, 0), .keepdims = o.axis.given && o.keepdims};
    tarn_array *out = BUILD(arg_reduce, &a, o.axis.given ? x : tarn_flatten(x));
    int64_t ones[TARN_MAX_NDIM];
    for (int i = 0; i < TARN_MAX_NDIM; i++) ones[i] = 1;
    return o.axis.given || !o.keepdims ? out : tarn_reshape(out, (tarn_ints){ones, x->ndim});
}
tarn_array *tarn_argmax_with(tarn_array *x, tarn_arg_options o) {
    return arg_reduce(x, o, false);
}
tarn_array *tarn_argmin_with(tarn_array *x, tarn_arg_options o) {
    return arg_reduce(x, o, true);
}

tarn_array *tarn_count_nonzero_with(tarn_array *x, tarn_reduce_options o) {
    FRONT("count_nonzero");
    REQUIRE(x);
    return reduce(tarn_not_equal(x, tarn_scalar_like(0, x)), REDUCE_SUM, o);
}

bool tarn_minmax_with(tarn_array *x, tarn_array *out[2], tarn_reduce_options o) {
    FRONT("minmax");
    if (!out) return tarn_fail("minmax: the list of results is NULL");
    out[0] = reduce(x, REDUCE_MIN, o);
    out[1] = reduce(x, REDUCE_MAX, o);
    return tarn_ok();
}

tarn_array *tarn_trace_with(tarn_array *x, tarn_diagonal_options o) {
    FRONT("trace");
    return tarn_sum(tarn_diagonal_with(x, o), .axes = TARN_AXES(-1));
}

const op_rules rules_reduce = {
    .infer = infer_reduce, .vjp = vjp_reduce, .jvp = jvp_reduce, .vmap = vmap_reduce, .passes = passes_reduce};
const op_rules rules_elements_each = {
    .infer = infer_elements_each, .formula = formula_elements_each, .passes = passes_none};
const op_rules rules_sum_like = {.infer = infer_sum_like,
                                 .vjp = vjp_sum_like,
                                 .jvp = jvp_linear,
                                 .vmap = vmap_sum_like,
                                 .formula = formula_sum_like,
                                 .passes = passes_first};
const op_rules rules_arg_reduce = {.infer = infer_arg_reduce, .vmap = vmap_arg_reduce, .passes = passes_none};
