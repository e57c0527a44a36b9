/* Views: their shapes, and the C functions. What strides they give is said in view_layout.c. */
#include "ops/view.h"
#include "ops/front.h"
#include "ops/rules.h"

#include <string.h>

#include "base/checked.h"
#include "base/memory.h"

static bool same_shape(inference *i) {
    return types_add(i, i->inputs[0]->dtype, i->inputs[0]->ndim, i->inputs[0]->shape);
}
static bool like_last(inference *i) {
    const tarn_array *like = i->inputs[i->input_count - 1];
    return types_add(i, i->inputs[0]->dtype, like->ndim, like->shape);
}

/* ---- transpose */

bool transpose_axes(const attributes_transpose *a, int ndim, int *axes) {
    if (!a->axes.values) {
        for (int i = 0; i < ndim; i++) axes[i] = ndim - 1 - i;
        return true;
    }
    bool seen[TARN_MAX_NDIM] = {false};
    if (a->axes.count != ndim)
        return tarn_fail("transpose: %lld axes given for an array of %d", (long long)a->axes.count, ndim);
    for (int i = 0; i < ndim; i++) {
        if (!check_axis("transpose", a->axes.values[i], ndim, &axes[i])) return false;
        if (seen[axes[i]]) return tarn_fail("transpose: axis %d is given twice", axes[i]);
        seen[axes[i]] = true;
    }
    return true;
}

static bool infer_transpose(inference *i) {
    const tarn_array *x = i->inputs[0];
    int axes[TARN_MAX_NDIM];
    int64_t shape[TARN_MAX_NDIM];
    if (!transpose_axes(i->attributes, x->ndim, axes)) return false;
    for (int k = 0; k < x->ndim; k++) shape[k] = x->shape[axes[k]];
    return types_add(i, x->dtype, x->ndim, shape);
}

tarn_array *tarn_transpose_with(tarn_array *x, tarn_axes_options o) {
    return BUILD(transpose, &(attributes_transpose){.axes = o.axes}, x);
}

tarn_array *tarn_moveaxis(tarn_array *x, int64_t from, int64_t to) {
    FRONT("moveaxis");
    REQUIRE(x);
    int source, place;
    if (!check_axis("moveaxis", from, x->ndim, &source) || !check_axis("moveaxis", to, x->ndim, &place)) return NULL;
    int64_t axes[TARN_MAX_NDIM];
    for (int i = 0, next = 0; i < x->ndim; i++) {
        if (i == place)
            axes[i] = source;
        else {
            next += next == source;
            axes[i] = next++;
        }
    }
    return tarn_transpose(x, .axes = {axes, x->ndim});
}

tarn_array *tarn_swapaxes(tarn_array *x, int64_t a, int64_t b) {
    FRONT("swapaxes");
    REQUIRE(x);
    int p, q;
    if (!check_axis("swapaxes", a, x->ndim, &p) || !check_axis("swapaxes", b, x->ndim, &q)) return NULL;
    int64_t axes[TARN_MAX_NDIM];
    for (int i = 0; i < x->ndim; i++) axes[i] = i == p ? q : i == q ? p : i;
    return tarn_transpose(x, .axes = {axes, x->ndim});
}

/* ---- reshape */

static bool reshape_mismatch(const char *op, tarn_ints wanted, int64_t size) {
    text t = {0};
    text_add_sizes(&t, wanted.values, wanted.count);
    tarn_fail("%s: %lld elements do not fit the shape %s", op, (long long)size, text_string(&t));
    text_free(&t);
    return false;
}

bool reshape_shape(const char *op, tarn_ints wanted, int64_t size, array_type *out) {
    if (wanted.count > TARN_MAX_NDIM) return tarn_fail("%s: more than %d axes", op, TARN_MAX_NDIM);
    out->ndim = (int)wanted.count;
    int open = -1;
    int64_t known = 1;
    for (int i = 0; i < out->ndim; i++) {
        out->shape[i] = wanted.values[i];
        if (out->shape[i] == -1 && open < 0) {
            open = i;
            out->shape[i] = 1;
        }
    }
    if (!checked_product(out->shape, out->ndim, &known)) return reshape_mismatch(op, wanted, size);
    if (open >= 0 && known > 0 && size % known == 0)
        out->shape[open] = size / known;
    else if (open >= 0 || known != size)
        return reshape_mismatch(op, wanted, size);
    return true;
}

static bool infer_reshape(inference *i) {
    array_type out;
    const attributes_reshape *a = i->attributes;
    if (!reshape_shape("reshape", a->shape, array_size(i->inputs[0]), &out)) return false;
    return types_add(i, i->inputs[0]->dtype, out.ndim, out.shape);
}

static bool infer_reshape_like(inference *i) {
    array_type out;
    if (!reshape_shape("reshape_like", array_shape(i->inputs[1]), array_size(i->inputs[0]), &out)) return false;
    return like_last(i);
}

tarn_array *tarn_reshape(tarn_array *x, tarn_ints shape) {
    return BUILD(reshape, &(attributes_reshape){.shape = shape}, x);
}
tarn_array *tarn_reshape_like(tarn_array *x, tarn_array *like) {
    return BUILD(reshape_like, NULL, x, like);
}

/* ---- flatten, unflatten: shapes that follow from x's */

static bool infer_flatten(inference *i) {
    const tarn_array *x = i->inputs[0];
    const attributes_flatten *a = i->attributes;
    int first, last, count = 0;
    int64_t shape[TARN_MAX_NDIM];
    if (x->ndim == 0) return types_add(i, x->dtype, 1, (int64_t[]){1});
    if (!check_axis("flatten", a->first, x->ndim, &first) || !check_axis("flatten", a->last, x->ndim, &last))
        return false;
    if (last < first) return tarn_fail("flatten: axis %d is not behind axis %d", last, first);
    for (int k = 0; k < x->ndim; k++) {
        if (k > first && k <= last)
            shape[count - 1] *= x->shape[k];
        else
            shape[count++] = x->shape[k];
    }
    return types_add(i, x->dtype, count, shape);
}

static bool infer_unflatten(inference *i) {
    const tarn_array *x = i->inputs[0];
    const attributes_unflatten *a = i->attributes;
    int axis, count = 0;
    int64_t shape[2 * TARN_MAX_NDIM];
    array_type parts;
    if (!check_axis("unflatten", a->axis, x->ndim, &axis) ||
        !reshape_shape("unflatten", a->shape, x->shape[axis], &parts))
        return false;
    for (int k = 0; k < x->ndim; k++) {
        if (k != axis) shape[count++] = x->shape[k];
        for (int j = 0; k == axis && j < parts.ndim; j++) shape[count++] = parts.shape[j];
    }
    return types_add(i, x->dtype, count, shape);
}

tarn_array *tarn_flatten_with(tarn_array *x, tarn_flatten_options o) {
    return BUILD(flatten, (&(attributes_flatten){.first = axis_or(o.start_axis, 0), .last = axis_or(o.end_axis, -1)}),
                 x);
}
tarn_array *tarn_unflatten(tarn_array *x, int64_t axis, tarn_ints shape) {
    return BUILD(unflatten, (&(attributes_unflatten){.axis = axis, .shape = shape}), x);
}

/* ---- axes of size 1 */

bool expand_axes(const attributes_expand_dims *a, int ndim, bool *inserted) {
    memset(inserted, 0, TARN_MAX_NDIM * sizeof *inserted);
    if (a->axes.count > TARN_MAX_NDIM - ndim) return tarn_fail("expand_dims: more than %d axes", TARN_MAX_NDIM);
    int out = ndim + (int)a->axes.count;
    for (int64_t i = 0; i < a->axes.count; i++) {
        int axis;
        if (!check_axis("expand_dims", a->axes.values[i], out, &axis)) return false;
        if (inserted[axis]) return tarn_fail("expand_dims: axis %d is given twice", axis);
        inserted[axis] = true;
    }
    return true;
}

static bool infer_expand_dims(inference *i) {
    const tarn_array *x = i->inputs[0];
    bool inserted[TARN_MAX_NDIM];
    int64_t shape[TARN_MAX_NDIM];
    if (!expand_axes(i->attributes, x->ndim, inserted)) return false;
    int out = x->ndim + (int)((const attributes_expand_dims *)i->attributes)->axes.count;
    for (int k = 0, from = 0; k < out; k++) shape[k] = inserted[k] ? 1 : x->shape[from++];
    return types_add(i, x->dtype, out, shape);
}

bool squeeze_axes(const attributes_squeeze *a, const tarn_array *x, bool *removed) {
    for (int i = 0; i < x->ndim; i++) removed[i] = !a->axes.values && x->shape[i] == 1;
    for (int64_t i = 0; i < a->axes.count; i++) {
        int axis;
        if (!check_axis("squeeze", a->axes.values[i], x->ndim, &axis)) return false;
        if (x->shape[axis] != 1) return tarn_fail("squeeze: axis %d has size %lld", axis, (long long)x->shape[axis]);
        if (removed[axis]) return tarn_fail("squeeze: axis %d is given twice", axis);
        removed[axis] = true;
    }
    return true;
}

static bool infer_squeeze(inference *i) {
    const tarn_array *x = i->inputs[0];
    bool removed[TARN_MAX_NDIM];
    int64_t shape[TARN_MAX_NDIM];
    if (!squeeze_axes(i->attributes, x, removed)) return false;
    int count = 0;
    for (int k = 0; k < x->ndim; k++)
        if (!removed[k]) shape[count++] = x->shape[k];
    return types_add(i, x->dtype, count, shape);
}

tarn_array *tarn_expand_dims(tarn_array *x, tarn_ints axes) {
    return BUILD(expand_dims, &(attributes_expand_dims){.axes = axes}, x);
}
tarn_array *tarn_squeeze_with(tarn_array *x, tarn_axes_options o) {
    return BUILD(squeeze, &(attributes_squeeze){.axes = o.axes}, x);
}

/* ---- broadcast */

static bool broadcasts_to(const char *op, const tarn_array *x, int ndim, const int64_t *shape) {
    bool fits = x->ndim <= ndim;
    for (int k = 1; k <= x->ndim && fits; k++)
        fits = x->shape[x->ndim - k] == 1 || x->shape[x->ndim - k] == shape[ndim - k];
    if (fits) return true;
    text t = {0};
    array_describe(x, &t);
    text_add(&t, " to ");
    text_add_sizes(&t, shape, ndim);
    tarn_fail("%s: cannot broadcast %s", op, text_string(&t));
    text_free(&t);
    return false;
}

static bool infer_broadcast_to(inference *i) {
    tarn_ints shape = ((const attributes_broadcast_to *)i->attributes)->shape;
    if (shape.count > TARN_MAX_NDIM) return tarn_fail("broadcast_to: more than %d axes", TARN_MAX_NDIM);
    return broadcasts_to("broadcast_to", i->inputs[0], (int)shape.count, shape.values) &&
           types_add(i, i->inputs[0]->dtype, (int)shape.count, shape.values);
}

static bool infer_broadcast_like(inference *i) {
    return broadcasts_to("broadcast_like", i->inputs[0], i->inputs[1]->ndim, i->inputs[1]->shape) && like_last(i);
}

tarn_array *tarn_broadcast_to(tarn_array *x, tarn_ints shape) {
    return BUILD(broadcast_to, &(attributes_broadcast_to){.shape = shape}, x);
}
tarn_array *tarn_broadcast_like(tarn_array *x, tarn_array *like) {
    return BUILD(broadcast_like, NULL, x, like);
}

/* ---- view */

static bool infer_view(inference *i) {
    const tarn_array *x = i->inputs[0];
    tarn_dtype dtype = ((const attributes_view *)i->attributes)->dtype;
    int64_t from = dtype_bytes(x->dtype), to = dtype_bytes(dtype), shape[TARN_MAX_NDIM];
    if (from == to) return types_add(i, dtype, x->ndim, x->shape);
    memcpy(shape, x->shape, sizeof shape);
    int64_t *last = x->ndim ? &shape[x->ndim - 1] : NULL;
    bool whole = last && checked_mul(*last, from, last) && *last % to == 0;
    if (whole) *last /= to;
    if (whole) return types_add(i, dtype, x->ndim, shape);
    return fail_shapes(x, NULL, NULL, "view: the last axis is no whole number of %s", dtype_facts[dtype].name);
}

tarn_array *tarn_view(tarn_array *x, tarn_dtype dtype) {
    if (x && x->dtype == dtype) return tarn_astype(x, dtype); /* a number for a number: that has a gradient */
    return BUILD(view, &(attributes_view){.dtype = dtype}, x);
}

/* ---- as_strided, identities */

static bool infer_as_strided(inference *i) {
    const attributes_as_strided *a = i->attributes;
    int64_t low = a->offset, high = a->offset, reach, size = array_size(i->inputs[0]), count;
    if (a->shape.count != a->strides.count || a->shape.count > TARN_MAX_NDIM ||
        !checked_product(a->shape.values, a->shape.count, &count))
        return tarn_fail("as_strided: a shape of %lld axes with %lld strides", (long long)a->shape.count,
                         (long long)a->strides.count);
    bool inside = true;
    for (int64_t k = 0; k < a->shape.count && count > 0; k++) {
        inside = inside && checked_mul(a->shape.values[k] - 1, a->strides.values[k], &reach);
        inside = inside && (reach < 0 ? checked_add(low, reach, &low) : checked_add(high, reach, &high));
    }
    if (!inside || (count > 0 && (low < 0 || high >= size)))
        return tarn_fail("as_strided: the view reaches outside the %lld elements of x", (long long)size);
    return types_add(i, i->inputs[0]->dtype, (int)a->shape.count, a->shape.values);
}

tarn_array *tarn_as_strided_with(tarn_array *x, tarn_ints shape, tarn_ints strides, tarn_strided_options o) {
    return BUILD(as_strided, (&(attributes_as_strided){.shape = shape, .strides = strides, .offset = o.offset}), x);
}

tarn_array *tarn_stop_gradient(tarn_array *x) {
    return BUILD(stop_gradient, NULL, x);
}

tarn_array *tarn_depends(tarn_array *x, tarn_array *const *others, int count) {
    FRONT("depends");
    REQUIRE(x);
    if (count < 0 || (count && !others))
        return tarn_fail("depends: %d other arrays%s", count, others ? "" : " at NULL"), NULL;
    tarn_array **inputs = NEW_ARRAY(tarn_array *, count + 1);
    if (!inputs) return NULL;
    inputs[0] = x;
    if (count) memcpy(inputs + 1, others, (size_t)count * sizeof *others);
    tarn_array *out = build(OP_depends, inputs, count + 1, NULL);
    memory_free(inputs);
    return out;
}

const op_rules rules_transpose = {.infer = infer_transpose,
                                  .layout = layout_transpose,
                                  .vjp = vjp_transpose,
                                  .jvp = jvp_linear,
                                  .vmap = vmap_transpose};
const op_rules rules_reshape = {
    .infer = infer_reshape, .layout = layout_reshape, .vjp = vjp_reshaping, .jvp = jvp_linear, .vmap = vmap_reshape};
const op_rules rules_flatten = {
    .infer = infer_flatten, .layout = layout_reshape, .vjp = vjp_reshaping, .jvp = jvp_linear, .vmap = vmap_flatten};
const op_rules rules_unflatten = {.infer = infer_unflatten,
                                  .layout = layout_reshape,
                                  .vjp = vjp_reshaping,
                                  .jvp = jvp_linear,
                                  .vmap = vmap_unflatten};
const op_rules rules_reshape_like = {.infer = infer_reshape_like,
                                     .vjp = vjp_reshaping,
                                     .jvp = jvp_linear,
                                     .vmap = vmap_reshape_like,
                                     .formula = formula_reshape_like,
                                     .passes = passes_first};
const op_rules rules_expand_dims = {.infer = infer_expand_dims,
                                    .layout = layout_expand_dims,
                                    .vjp = vjp_reshaping,
                                    .jvp = jvp_linear,
                                    .vmap = vmap_expand_dims};
const op_rules rules_squeeze = {
    .infer = infer_squeeze, .layout = layout_squeeze, .vjp = vjp_reshaping, .jvp = jvp_linear, .vmap = vmap_squeeze};
const op_rules rules_broadcast_to = {.infer = infer_broadcast_to,
                                     .layout = layout_broadcast_to,
                                     .vjp = vjp_broadcasting,
                                     .jvp = jvp_linear,
                                     .vmap = vmap_broadcast_to};
const op_rules rules_broadcast_like = {.infer = infer_broadcast_like,
                                       .vjp = vjp_broadcasting,
                                       .jvp = jvp_linear,
                                       .vmap = vmap_broadcast_like,
                                       .formula = formula_broadcast_like,
                                       .passes = passes_first};
const op_rules rules_as_strided = {.infer = infer_as_strided,
                                   .layout = layout_as_strided,
                                   .vjp = vjp_as_strided,
                                   .jvp = jvp_linear,
                                   .vmap = vmap_as_strided};
const op_rules rules_view = {
    .infer = infer_view, .layout = layout_view, .vmap = vmap_view, .no_vjp = "the bits of a number have no gradient"};
const op_rules rules_stop_gradient = {
    .infer = same_shape, .layout = layout_identity, .vmap = vmap_anywhere, .passes = passes_none};
const op_rules rules_depends = {.infer = same_shape,
                                .layout = layout_identity,
                                .vjp = vjp_identity,
                                .jvp = jvp_linear,
                                .vmap = vmap_depends,
                                .passes = passes_first};
