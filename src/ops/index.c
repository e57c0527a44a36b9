/* Moving elements: concatenate, gather and scatter by index arrays, blocks at positions given by arrays. */
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "ops/front.h"
#include "ops/rules.h"

/* ---- concatenate */

static bool infer_concatenate(inference *i) {
    const tarn_array *first = i->inputs[0];
    int axis;
    if (!check_axis("concatenate", ((const attributes_concatenate *)i->attributes)->axis, first->ndim, &axis)) return false;
    int64_t shape[TARN_MAX_NDIM], total = 0;
    memcpy(shape, first->shape, sizeof shape);
    for (int k = 0; k < i->input_count; k++) {
        const tarn_array *x = i->inputs[k];
        bool fits = x->ndim == first->ndim && x->dtype == first->dtype && checked_add(total, x->shape[axis], &total);
        for (int d = 0; d < x->ndim && fits; d++) fits = d == axis || x->shape[d] == first->shape[d];
        if (fits) continue;
        text t = {0};
        array_describe(first, &t);
        text_add(&t, " and ");
        array_describe(x, &t);
        tarn_fail("concatenate: along axis %d, inputs 0 and %d do not go together: %s", axis, k, text_string(&t));
        text_free(&t);
        return false;
    }
    shape[axis] = total;
    return types_add(i, first->dtype, first->ndim, shape);
}

/* Inputs converted to their common dtype; the list is the caller's (memory_free). */
static tarn_array **promoted(const char *op, tarn_array *const *arrays, int count) {
    if (count < 1 || !arrays) return tarn_fail("%s: no arrays given", op), NULL;
    for (int i = 0; i < count; i++)
        if (!arrays[i]) return tarn_fail("%s: array %d is NULL", op, i), NULL;
    tarn_dtype dtype = arrays[0]->dtype;
    for (int i = 1; i < count; i++) dtype = dtype_promote(dtype, arrays[i]->dtype);
    tarn_array **list = NEW_ARRAY(tarn_array *, count);
    for (int i = 0; list && i < count; i++) list[i] = arrays[i]->dtype == dtype ? arrays[i] : tarn_astype(arrays[i], dtype);
    return list;
}

tarn_array *tarn_concatenate(tarn_array *const *arrays, int count, int64_t axis) {
    tarn_array **list = promoted("concatenate", arrays, count);
    tarn_array *out = list ? build(OP_concatenate, list, count, &(attributes_concatenate){.axis = axis}) : NULL;
    memory_free(list);
    return out;
}

tarn_array *tarn_stack(tarn_array *const *arrays, int count, int64_t axis) {
    FRONT("stack");
    tarn_array **list = promoted("stack", arrays, count), *out = NULL;
    for (int i = 0; list && i < count; i++) list[i] = tarn_expand_dims(list[i], TARN_AXES(axis));
    if (list) out = build(OP_concatenate, list, count, &(attributes_concatenate){.axis = axis});
    memory_free(list);
    return out;
}

tarn_array *tarn_repeat(tarn_array *x, int64_t times, int64_t axis) {
    FRONT("repeat");
    REQUIRE(x);
    int place;
    if (!check_axis("repeat", axis, x->ndim, &place)) return NULL;
    if (times < 0 || times > INT32_MAX) return tarn_fail("repeat: %lld times", (long long)times), NULL;
    int64_t shape[TARN_MAX_NDIM + 1], merged[TARN_MAX_NDIM];
    memcpy(merged, x->shape, sizeof merged);
    for (int i = 0; i <= x->ndim; i++) shape[i] = i <= place ? x->shape[i] : i == place + 1 ? times : x->shape[i - 1];
    if (!checked_mul(merged[place], times, &merged[place])) return tarn_fail("repeat: the result is too large"), NULL;
    tarn_array *wide = tarn_broadcast_to(tarn_expand_dims(x, TARN_AXES(place + 1)), (tarn_ints){x->ndim + 1, shape});
    return tarn_reshape(wide, (tarn_ints){x->ndim, merged});
}

/* ---- gather and scatter */

static bool check_indices(const char *op, const tarn_array *indices) {
    if (dtype_kind_of(indices->dtype) == KIND_INT) return true;
    return tarn_fail("%s: indices are %s, not integers", op, dtype_facts[indices->dtype].name);
}

/* x's shape with axis replaced by the axes of indices. */
static bool gathered_type(const char *op, const tarn_array *x, const tarn_array *indices, int64_t wanted, array_type *out) {
    int axis;
    if (!check_indices(op, indices) || !check_axis(op, wanted, x->ndim, &axis)) return false;
    if (x->ndim - 1 + indices->ndim > TARN_MAX_NDIM) return tarn_fail("%s: the result would have more than %d axes", op, TARN_MAX_NDIM);
    *out = (array_type){.dtype = x->dtype};
    for (int i = 0; i < x->ndim; i++) {
        for (int k = 0; i == axis && k < indices->ndim; k++) out->shape[out->ndim++] = indices->shape[k];
        if (i != axis) out->shape[out->ndim++] = x->shape[i];
    }
    return true;
}

static bool infer_gather(inference *i) {
    array_type out;
    return gathered_type("gather", i->inputs[0], i->inputs[1], ((const attributes_gather *)i->attributes)->axis, &out) &&
           types_add(i, out.dtype, out.ndim, out.shape);
}

static bool check_axis_indices(const char *op, const tarn_array *x, const tarn_array *indices, int64_t wanted, int *axis) {
    if (!check_indices(op, indices) || !check_axis(op, wanted, x->ndim, axis)) return false;
    bool fits = indices->ndim == x->ndim;
    for (int i = 0; i < x->ndim && fits; i++) fits = i == *axis || indices->shape[i] == x->shape[i];
    return fits || tarn_fail("%s: indices must have the shape of x apart from axis %d", op, *axis);
}

static bool infer_gather_axis(inference *i) {
    int axis;
    return check_axis_indices("gather_axis", i->inputs[0], i->inputs[1], ((const attributes_gather_axis *)i->attributes)->axis, &axis) &&
           types_add(i, i->inputs[0]->dtype, i->inputs[1]->ndim, i->inputs[1]->shape);
}

static bool same_as_x(inference *i) {
    return types_add(i, i->inputs[0]->dtype, i->inputs[0]->ndim, i->inputs[0]->shape);
}

static bool check_updates(const char *op, const tarn_array *x, const tarn_array *updates, int ndim, const int64_t *shape) {
    if (updates->dtype != x->dtype)
        return tarn_fail("%s: updates are %s, x is %s", op, dtype_facts[updates->dtype].name, dtype_facts[x->dtype].name);
    bool fits = updates->ndim == ndim;
    for (int i = 0; i < ndim && fits; i++) fits = updates->shape[i] == shape[i];
    return fits || tarn_fail("%s: updates do not have the shape that the indices select", op);
}

static bool infer_scatter(inference *i) {
    array_type selected;
    return gathered_type("scatter", i->inputs[0], i->inputs[1], ((const attributes_scatter *)i->attributes)->axis, &selected) &&
           check_updates("scatter", i->inputs[0], i->inputs[2], selected.ndim, selected.shape) && same_as_x(i);
}

static bool infer_scatter_axis(inference *i) {
    int axis;
    const tarn_array *x = i->inputs[0], *indices = i->inputs[1];
    return check_axis_indices("scatter_axis", x, indices, ((const attributes_scatter_axis *)i->attributes)->axis, &axis) &&
           check_updates("scatter_axis", x, i->inputs[2], indices->ndim, indices->shape) && same_as_x(i);
}

tarn_array *tarn_take(tarn_array *x, tarn_array *indices, int64_t axis) {
    FRONT("take");
    return BUILD(gather, &(attributes_gather){.axis = axis}, x, indices);
}

/* indices broadcast to x's shape apart from axis, and x to the indices'. */
static bool align(const char *op, tarn_array **x, tarn_array **indices, int64_t wanted) {
    int axis;
    if (!*x || !*indices || !tarn_ok()) return tarn_fail("%s: an input is NULL", op);
    if ((*x)->ndim != (*indices)->ndim) return tarn_fail("%s: indices have %d axes, x has %d", op, (*indices)->ndim, (*x)->ndim);
    if (!check_axis(op, wanted, (*x)->ndim, &axis)) return false;
    int64_t xs[TARN_MAX_NDIM], is[TARN_MAX_NDIM];
    for (int i = 0; i < (*x)->ndim; i++) {
        int64_t p = (*x)->shape[i], q = (*indices)->shape[i], common = p == 1 ? q : p;
        xs[i] = i == axis ? p : common;
        is[i] = i == axis ? q : common;
    }
    bool same_x = memcmp(xs, (*x)->shape, sizeof *xs * (size_t)(*x)->ndim) == 0,
         same_i = memcmp(is, (*indices)->shape, sizeof *is * (size_t)(*x)->ndim) == 0;
    if (!same_x) *x = tarn_broadcast_to(*x, (tarn_ints){(*x)->ndim, xs});
    if (!same_i) *indices = tarn_broadcast_to(*indices, (tarn_ints){(*indices)->ndim, is});
    return tarn_ok();
}

tarn_array *tarn_take_along_axis(tarn_array *x, tarn_array *indices, int64_t axis) {
    if (!align("take_along_axis", &x, &indices, axis)) return NULL;
    return BUILD(gather_axis, &(attributes_gather_axis){.axis = axis}, x, indices);
}

static tarn_array *as_updates(tarn_array *x, tarn_array *updates) {
    return x && updates && updates->dtype != x->dtype ? tarn_astype(updates, x->dtype) : updates;
}

static tarn_array *scatter(tarn_array *x, tarn_array *indices, tarn_array *updates, int64_t axis, bool add) {
    FRONT(add ? "scatter_add" : "scatter");
    REQUIRE(x, indices, updates);
    array_type selected;
    if (!gathered_type("scatter", x, indices, axis, &selected)) return NULL;
    updates = as_updates(x, updates);
    if (updates && updates->ndim != selected.ndim) updates = tarn_broadcast_to(updates, (tarn_ints){selected.ndim, selected.shape});
    return BUILD(scatter, (&(attributes_scatter){.axis = axis, .add = add}), x, indices, updates);
}

static tarn_array *scatter_axis(tarn_array *x, tarn_array *indices, tarn_array *updates, int64_t axis, bool add) {
    FRONT(add ? "add_along_axis" : "put_along_axis");
    tarn_array *given = x;
    if (!align("put_along_axis", &x, &indices, axis)) return NULL;
    if (x != given) return tarn_fail("put_along_axis: indices are wider than x"), NULL;
    updates = as_updates(x, updates);
    bool same = updates && updates->ndim == indices->ndim &&
                memcmp(updates->shape, indices->shape, sizeof *updates->shape * (size_t)updates->ndim) == 0;
    if (updates && !same) updates = tarn_broadcast_like(updates, indices);
    return BUILD(scatter_axis, (&(attributes_scatter_axis){.axis = axis, .add = add}), x, indices, updates);
}

tarn_array *tarn_scatter(tarn_array *x, tarn_array *indices, tarn_array *updates, int64_t axis) {
    return scatter(x, indices, updates, axis, false);
}
tarn_array *tarn_scatter_add(tarn_array *x, tarn_array *indices, tarn_array *updates, int64_t axis) {
    return scatter(x, indices, updates, axis, true);
}
tarn_array *tarn_put_along_axis(tarn_array *x, tarn_array *indices, tarn_array *updates, int64_t axis) {
    return scatter_axis(x, indices, updates, axis, false);
}
tarn_array *tarn_add_along_axis(tarn_array *x, tarn_array *indices, tarn_array *updates, int64_t axis) {
    return scatter_axis(x, indices, updates, axis, true);
}

/* ---- blocks */

static bool check_start(const char *op, const tarn_array *x, const tarn_array *start, tarn_ints axes) {
    if (dtype_kind_of(start->dtype) != KIND_INT || start->ndim != 1 || start->shape[0] != axes.count)
        return tarn_fail("%s: start must be %lld integers, one for each of axes", op, (long long)axes.count);
    bool seen[TARN_MAX_NDIM] = {false};
    for (int64_t i = 0; i < axes.count; i++) {
        int axis;
        if (!check_axis(op, axes.values[i], x->ndim, &axis)) return false;
        if (seen[axis]) return tarn_fail("%s: axis %d is given twice", op, axis);
        seen[axis] = true;
    }
    return true;
}

static bool infer_slice_update(inference *i) {
    const tarn_array *x = i->inputs[0], *update = i->inputs[1];
    if (!check_start("slice_update", x, i->inputs[2], ((const attributes_slice_update *)i->attributes)->axes)) return false;
    bool fits = update->ndim == x->ndim && update->dtype == x->dtype;
    for (int k = 0; k < x->ndim && fits; k++) fits = update->shape[k] <= x->shape[k];
    if (fits) return same_as_x(i);
    text t = {0};
    array_describe(update, &t);
    text_add(&t, " into ");
    array_describe(x, &t);
    tarn_fail("slice_update: the update does not fit: %s", text_string(&t));
    text_free(&t);
    return false;
}

static bool infer_slice_array(inference *i) {
    const tarn_array *x = i->inputs[0];
    const attributes_slice_array *a = i->attributes;
    if (!check_start("slice_array", x, i->inputs[1], a->axes)) return false;
    if (a->sizes.count != a->axes.count)
        return tarn_fail("slice_array: %lld sizes for %lld axes", (long long)a->sizes.count, (long long)a->axes.count);
    int64_t shape[TARN_MAX_NDIM];
    memcpy(shape, x->shape, sizeof shape);
    for (int64_t k = 0; k < a->axes.count; k++) {
        int axis;
        if (!check_axis("slice_array", a->axes.values[k], x->ndim, &axis)) return false;
        if (a->sizes.values[k] < 0 || a->sizes.values[k] > x->shape[axis])
            return tarn_fail("slice_array: %lld elements of axis %d, which has %lld", (long long)a->sizes.values[k], axis,
                             (long long)x->shape[axis]);
        shape[axis] = a->sizes.values[k];
    }
    return types_add(i, x->dtype, x->ndim, shape);
}

tarn_array *tarn_slice_update(tarn_array *x, tarn_array *update, tarn_array *start, tarn_ints axes) {
    return BUILD(slice_update, &(attributes_slice_update){.axes = axes}, x, as_updates(x, update), start);
}

tarn_array *tarn_slice_array(tarn_array *x, tarn_array *start, tarn_ints axes, tarn_ints sizes) {
    return BUILD(slice_array, (&(attributes_slice_array){.axes = axes, .sizes = sizes}), x, start);
}

const op_rules rules_concatenate = {.infer = infer_concatenate, .vjp = vjp_concatenate, .jvp = jvp_concatenate, .vmap = vmap_concatenate};
const op_rules rules_gather = {.infer = infer_gather, .vjp = vjp_gather, .jvp = jvp_linear, .vmap = vmap_gather};
const op_rules rules_gather_axis = {.infer = infer_gather_axis, .vjp = vjp_gather_axis, .jvp = jvp_linear, .vmap = vmap_gather_axis};
const op_rules rules_scatter = {.infer = infer_scatter, .vjp = vjp_scatter, .vmap = vmap_scatter};
const op_rules rules_scatter_axis = {.infer = infer_scatter_axis, .vjp = vjp_scatter_axis, .vmap = vmap_scatter_axis};
const op_rules rules_slice_update = {.infer = infer_slice_update, .vjp = vjp_slice_update, .vmap = vmap_slice_update};
const op_rules rules_slice_array = {.infer = infer_slice_array, .vjp = vjp_slice_array, .jvp = jvp_linear, .vmap = vmap_slice_array};
