/* Reading and writing by index arrays: gather, scatter, and the functions that are made of them. */
#include "ops/gather.h"

#include <string.h>

#include "base/memory.h"
#include "ops/front.h"
#include "ops/rules.h"

/* ---- what is selected */

static bool mark_axes(const char *op, const tarn_array *x, tarn_ints axes, bool *marked) {
    for (int64_t i = 0; i < axes.count; i++) {
        int axis;
        if (!check_axis(op, axes.values[i], x->ndim, &axis)) return false;
        if (marked[axis]) return tarn_fail("%s: axis %d is given twice", op, axis);
        marked[axis] = true;
    }
    return true;
}

static bool broadcast_indices(const char *op, const selection *s, array_type *out) {
    *out = (array_type){.dtype = TARN_INT32};
    for (int k = 0; k < s->count; k++) {
        const tarn_array *a = s->indices[k];
        if (dtype_kind_of(a->dtype) != KIND_INT)
            return tarn_fail_kind(TARN_ERROR_TYPE, "%s: indices are %s, not integers", op, dtype_facts[a->dtype].name);
        if (!broadcast_types(out, a)) return tarn_fail("%s: the shapes of the index arrays do not go together", op);
    }
    return true;
}

static bool check_batch_axes(const char *op, const tarn_array *x, tarn_ints batch, const array_type *indices) {
    for (int64_t i = 0; i < batch.count; i++) {
        int axis;
        if (!check_axis(op, batch.values[i], x->ndim, &axis)) return false;
        if (axis >= indices->ndim || indices->shape[axis] != x->shape[axis])
            return tarn_fail("%s: axis %d of the indices does not go with that of x", op, axis);
    }
    return true;
}

bool selection_infer(const char *op, const tarn_array *x, const selection *s, selection_type *out) {
    array_type indices;
    *out = (selection_type){.picked = {.dtype = x->dtype}};
    if (s->axes.count != s->count || !s->axes.values)
        return tarn_fail("%s: %d index arrays for %lld axes", op, s->count, (long long)s->axes.count);
    if (!mark_axes(op, x, s->axes, out->replaced) || !mark_axes(op, x, s->batch, out->replaced)) return false;
    if (!broadcast_indices(op, s, &indices) || !check_batch_axes(op, x, s->batch, &indices)) return false;
    int kept = x->ndim - (int)(s->axes.count + s->batch.count);
    if (kept + indices.ndim > TARN_MAX_NDIM)
        return tarn_fail("%s: the result would have more than %d axes", op, TARN_MAX_NDIM);
    while (out->place < x->ndim && !out->replaced[out->place]) out->place++;
    out->index_ndim = indices.ndim;
    array_type *p = &out->picked;
    for (int i = 0; i <= x->ndim; i++) {
        for (int k = 0; i == out->place && k < indices.ndim; k++) p->shape[p->ndim++] = indices.shape[k];
        if (i < x->ndim && !out->replaced[i]) p->shape[p->ndim++] = x->shape[i];
    }
    return true;
}

selection selection_of(const node *n) {
    if (n->op == OP_gather) {
        const attributes_gather *a = n->attributes;
        return (selection){n->inputs + 1, n->input_count - 1, a->axes, a->batch};
    }
    const attributes_scatter *a = n->attributes;
    return (selection){n->inputs + 2, n->input_count - 2, a->axes, a->batch};
}

/* ---- shape rules */

static bool infer_gather(inference *i) {
    const attributes_gather *a = i->attributes;
    selection_type t;
    selection s = {i->inputs + 1, i->input_count - 1, a->axes, a->batch};
    return selection_infer("gather", i->inputs[0], &s, &t) &&
           types_add(i, t.picked.dtype, t.picked.ndim, t.picked.shape);
}

static bool has_type(const tarn_array *a, const array_type *t) {
    return a->ndim == t->ndim && shapes_equal(a->ndim, a->shape, t->shape);
}

static bool infer_scatter(inference *i) {
    const attributes_scatter *a = i->attributes;
    const tarn_array *x = i->inputs[0], *updates = i->inputs[1];
    selection_type t;
    selection s = {i->inputs + 2, i->input_count - 2, a->axes, a->batch};
    if (!selection_infer("scatter", x, &s, &t)) return false;
    if (updates->dtype != x->dtype)
        return tarn_fail_kind(TARN_ERROR_TYPE, "scatter: updates are %s, x is %s", dtype_facts[updates->dtype].name,
                              dtype_facts[x->dtype].name);
    if (!has_type(updates, &t.picked))
        return tarn_fail("scatter: updates do not have the shape that the indices select");
    return types_add(i, x->dtype, x->ndim, x->shape);
}

/* ---- making the nodes */

/* first, second (if there is one) and the indices. */
static tarn_array *build_selecting(op_id op, tarn_array *first, tarn_array *second, const selection *s,
                                   const void *attributes) {
    tarn_array *inputs[TARN_MAX_NDIM + 2] = {first};
    int count = 1;
    if (s->count > TARN_MAX_NDIM) return tarn_fail("%s: %d index arrays, more than axes", op_name(op), s->count), NULL;
    if (op == OP_scatter) inputs[count++] = second;
    for (int k = 0; k < s->count; k++) inputs[count++] = s->indices[k];
    return build(op, inputs, count, attributes);
}

tarn_array *gather_selected(tarn_array *x, const selection *s) {
    return build_selecting(OP_gather, x, NULL, s, &(attributes_gather){.axes = s->axes, .batch = s->batch});
}

/* Half types accumulate in float32: the sum of many updates is rounded once. */
tarn_array *scatter_selected(tarn_array *x, tarn_array *updates, const selection *s, tarn_scatter_mode mode) {
    bool widened =
        x && updates && dtype_is_half(x->dtype) && (mode == TARN_SCATTER_ADD || mode == TARN_SCATTER_MULTIPLY);
    attributes_scatter a = {.axes = s->axes, .batch = s->batch, .mode = mode};
    if (!widened) return build_selecting(OP_scatter, x, updates, s, &a);
    tarn_array *wide =
        build_selecting(OP_scatter, tarn_astype(x, TARN_FLOAT32), tarn_astype(updates, TARN_FLOAT32), s, &a);
    return tarn_astype(wide, x->dtype);
}

/* ---- the functions */

static bool no_null(const char *op, tarn_array *x, tarn_array *updates, tarn_array *const *indices, int count) {
    bool there = x && updates && (indices || count == 0);
    for (int k = 0; there && k < count; k++) there = indices[k] != NULL;
    return there || tarn_fail("%s: an input is NULL", op);
}

/* indices[k], each of which must lie on axes[k] of x. */
static bool check_places(tarn_array *x, tarn_array *const *indices, int count, tarn_ints axes, tarn_array **checked) {
    bool ok = axes.count == count && count <= TARN_MAX_NDIM;
    if (!ok) return tarn_fail("gather: %d index arrays for %lld axes", count, (long long)axes.count);
    for (int k = 0; k < count; k++) checked[k] = checked_indices(indices[k], x, axes.values[k]);
    return tarn_ok();
}

tarn_array *tarn_gather_with(tarn_array *x, tarn_array *const *indices, int count, tarn_ints axes,
                             tarn_gather_options o) {
    FRONT("gather");
    tarn_array *checked[TARN_MAX_NDIM];
    if (!no_null("gather", x, x, indices, count)) return NULL;
    if (o.check && !check_places(x, indices, count, axes, checked)) return NULL;
    return gather_selected(x, &(selection){o.check ? checked : indices, count, axes, {NULL, 0}});
}

/* Updates converted and broadcast to what is selected. */
static tarn_array *scatter_updates(const char *op, tarn_array *x, tarn_array *updates, const selection *s,
                                   tarn_scatter_mode mode) {
    selection_type t;
    if (!no_null(op, x, updates, s->indices, s->count) || !selection_infer(op, x, s, &t)) return NULL;
    if (updates->dtype != x->dtype) updates = tarn_astype(updates, x->dtype);
    if (updates && !has_type(updates, &t.picked)) updates = tarn_broadcast_like(updates, gather_selected(x, s));
    return scatter_selected(x, updates, s, mode);
}

tarn_array *tarn_scatter_axes_with(tarn_array *x, tarn_array *const *indices, int count, tarn_array *updates,
                                   tarn_ints axes, tarn_scatter_options o) {
    FRONT("scatter_axes");
    return scatter_updates("scatter_axes", x, updates, &(selection){indices, count, axes, {NULL, 0}}, o.mode);
}

tarn_array *tarn_take_with(tarn_array *x, tarn_array *indices, tarn_take_options o) {
    FRONT("take");
    REQUIRE(x, indices);
    int axis;
    x = flat_unless(o.axis, x);
    if (!x || !check_axis("take", axis_or(o.axis, 0), x->ndim, &axis)) return NULL;
    if (x->shape[axis] == 0 && array_size(indices)) return tarn_fail("take: axis %d has no elements", axis), NULL;
    return tarn_gather(x, &indices, 1, TARN_INTS(axis_or(o.axis, 0)), .check = o.check);
}

/* A scatter into x flattened has x's shape. */
static tarn_array *scatter_one(const char *op, tarn_array *x, tarn_array *indices, tarn_array *updates, tarn_axis axis,
                               tarn_scatter_mode mode) {
    FRONT(op);
    REQUIRE(x, indices, updates);
    selection s = {&indices, 1, TARN_INTS(axis_or(axis, 0)), {NULL, 0}};
    tarn_array *out = scatter_updates(op, flat_unless(axis, x), updates, &s, mode);
    return axis.given ? out : tarn_reshape_like(out, x);
}
tarn_array *tarn_scatter_with(tarn_array *x, tarn_array *indices, tarn_array *updates, tarn_axis_options o) {
    return scatter_one("scatter", x, indices, updates, o.axis, TARN_SCATTER_SET);
}
tarn_array *tarn_scatter_add_with(tarn_array *x, tarn_array *indices, tarn_array *updates, tarn_axis_options o) {
    return scatter_one("scatter_add", x, indices, updates, o.axis, TARN_SCATTER_ADD);
}

/* ---- along an axis: the others of x are a batch, and go with those of the indices */

/* indices broadcast to x's shape apart from axis, and x to the indices'. */
static bool align(const char *op, tarn_array **x, tarn_array **indices, int axis) {
    int64_t xs[TARN_MAX_NDIM], is[TARN_MAX_NDIM];
    int ndim = (*x)->ndim;
    for (int i = 0; i < ndim; i++) {
        int64_t p = (*x)->shape[i], q = (*indices)->shape[i], common = p == 1 ? q : p;
        if (i != axis && q != common && q != 1)
            return tarn_fail("%s: indices must have the shape of x apart from axis %d", op, axis);
        xs[i] = i == axis ? p : common;
        is[i] = i == axis ? q : common;
    }
    if (!shapes_equal(ndim, xs, (*x)->shape)) *x = tarn_broadcast_to(*x, (tarn_ints){xs, ndim});
    if (!shapes_equal(ndim, is, (*indices)->shape)) *indices = tarn_broadcast_to(*indices, (tarn_ints){is, ndim});
    return tarn_ok();
}

/* The selection along an axis; `storage` [TARN_MAX_NDIM] holds its lists. False with the error set. */
static bool select_along(const char *op, tarn_array **x, tarn_array **indices, int64_t wanted, int64_t *storage,
                         selection *s) {
    int axis, others = 1;
    if (!no_null(op, *x, *x, indices, 1)) return false;
    if ((*x)->ndim != (*indices)->ndim)
        return tarn_fail("%s: indices have %d axes, x has %d", op, (*indices)->ndim, (*x)->ndim);
    if (!check_axis(op, wanted, (*x)->ndim, &axis) || !align(op, x, indices, axis)) return false;
    storage[0] = axis;
    for (int i = 0; i < (*x)->ndim; i++)
        if (i != axis) storage[others++] = i;
    *s = (selection){indices, 1, {storage, 1}, {storage + 1, others - 1}};
    return true;
}

tarn_array *tarn_take_along_axis_with(tarn_array *x, tarn_array *indices, tarn_take_options o) {
    FRONT("take_along_axis");
    REQUIRE(x, indices);
    int64_t storage[TARN_MAX_NDIM];
    selection s;
    x = flat_unless(o.axis, x);
    if (!select_along("take_along_axis", &x, &indices, axis_or(o.axis, 0), storage, &s)) return NULL;
    if (o.check) indices = checked_indices(indices, x, s.axes.values[0]);
    return indices ? gather_selected(x, &s) : NULL;
}

static tarn_array *scatter_along(const char *op, tarn_array *x, tarn_array *indices, tarn_array *updates,
                                 tarn_axis axis, tarn_scatter_mode mode) {
    FRONT(op);
    REQUIRE(x, indices, updates);
    int64_t storage[TARN_MAX_NDIM];
    selection s;
    tarn_array *into = flat_unless(axis, x), *given = into;
    if (!select_along(op, &into, &indices, axis_or(axis, 0), storage, &s)) return NULL;
    if (into != given) return tarn_fail("%s: indices are wider than x", op), NULL;
    tarn_array *out = scatter_updates(op, into, updates, &s, mode);
    return axis.given ? out : tarn_reshape_like(out, x);
}

tarn_array *tarn_put_along_axis_with(tarn_array *x, tarn_array *indices, tarn_array *updates, tarn_axis_options o) {
    return scatter_along("put_along_axis", x, indices, updates, o.axis, TARN_SCATTER_SET);
}
tarn_array *tarn_add_along_axis_with(tarn_array *x, tarn_array *indices, tarn_array *updates, tarn_axis_options o) {
    return scatter_along("add_along_axis", x, indices, updates, o.axis, TARN_SCATTER_ADD);
}

const op_rules rules_gather = {.infer = infer_gather, .vjp = vjp_gather, .jvp = jvp_linear, .vmap = vmap_gather};
const op_rules rules_scatter = {.infer = infer_scatter, .vjp = vjp_scatter, .vmap = vmap_scatter};
