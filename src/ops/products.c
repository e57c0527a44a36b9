/* Products that are others in disguise: each is a few nodes. Axes are said by labels (ops/fused/einsum.c). */
#include <string.h>

#include "ops/front.h"
#include "ops/rules.h"

static tarn_array *as(tarn_array *x, tarn_dtype dtype) {
    return x && x->dtype != dtype ? tarn_astype(x, dtype) : x;
}

static tarn_array *contraction(tarn_array *a, tarn_array *b, const int64_t *left, const int64_t *right,
                               tarn_ints result) {
    return BUILD(einsum, (&(attributes_einsum){.left = {left, a->ndim}, .right = {right, b->ndim}, .result = result}),
                 a, b);
}

/* ---- addmm */

/* c broadcasts to the product, and not the other way round. */
static bool check_added(const tarn_array *c, const tarn_array *product) {
    array_type out = {.ndim = product->ndim};
    memcpy(out.shape, product->shape, sizeof out.shape);
    bool fits = c->ndim <= product->ndim && broadcast_types(&out, c);
    for (int i = 0; fits && i < out.ndim; i++) fits = out.shape[i] == product->shape[i];
    return fits || fail_shapes(c, " to ", product, "addmm: c does not broadcast to the product");
}

tarn_array *tarn_addmm_with(tarn_array *c, tarn_array *a, tarn_array *b, tarn_addmm_options o) {
    FRONT("addmm");
    REQUIRE(c, a, b);
    tarn_dtype dtype = dtype_promote(dtype_promote(a->dtype, b->dtype), c->dtype);
    if (dtype_kind_of(dtype) < KIND_FLOAT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "addmm: %s is not supported", dtype_facts[dtype].name), NULL;
    tarn_array *product = tarn_matmul(as(a, dtype), as(b, dtype));
    if (!product || !check_added(c, product)) return NULL;
    c = as(c, dtype);
    if (o.alpha.given && o.alpha.value != 1) product = tarn_multiply(product, tarn_scalar_like(o.alpha.value, product));
    if (o.beta.given && o.beta.value != 1) c = tarn_multiply(c, tarn_scalar_like(o.beta.value, c));
    return tarn_add(product, c);
}

/* ---- inner, outer, vecdot */

tarn_array *tarn_inner(tarn_array *a, tarn_array *b) {
    FRONT("inner");
    REQUIRE(a, b);
    if (a->ndim == 0 || b->ndim == 0) return tarn_multiply(a, b);
    if (a->shape[a->ndim - 1] != b->shape[b->ndim - 1])
        return fail_shapes(a, " and ", b, "inner: the last axes differ"), NULL;
    int64_t left[TARN_MAX_NDIM], right[TARN_MAX_NDIM], result[2 * TARN_MAX_NDIM];
    int count = 0;
    for (int i = 0; i < a->ndim - 1; i++) result[count++] = left[i] = i;
    for (int i = 0; i < b->ndim - 1; i++) result[count++] = right[i] = a->ndim + i;
    left[a->ndim - 1] = right[b->ndim - 1] = -1;
    return contraction(a, b, left, right, (tarn_ints){result, count});
}

tarn_array *tarn_outer(tarn_array *a, tarn_array *b) {
    FRONT("outer");
    REQUIRE(a, b);
    return tarn_multiply(tarn_expand_dims(tarn_flatten(a), TARN_AXES(1)), tarn_flatten(b));
}

tarn_array *tarn_vecdot_with(tarn_array *a, tarn_array *b, tarn_axis_options o) {
    FRONT("vecdot");
    REQUIRE(a, b);
    int64_t axis = axis_or(o.axis, -1);
    int left, right;
    if (a->ndim == 0 || b->ndim == 0) return tarn_fail("vecdot: an input is 0-d"), NULL;
    if (!check_axis("vecdot", axis, a->ndim, &left) || !check_axis("vecdot", axis, b->ndim, &right)) return NULL;
    if (a->shape[left] != b->shape[right]) return fail_shapes(a, " and ", b, "vecdot: the axes differ"), NULL;
    if (a->ndim - left != b->ndim - right)
        return fail_shapes(a, " and ", b, "vecdot: axis %lld is another one in each", (long long)axis), NULL;
    if (a->dtype == TARN_COMPLEX64) a = tarn_conjugate(a);
    return tarn_sum(tarn_multiply(a, b), .axes = TARN_AXES(left - a->ndim));
}

/* ---- tensordot */

/* Labels for a, then for b: those of paired axes are shared. */
static tarn_array *tensordot(tarn_array *a, tarn_array *b, const int *from, const int *to, int64_t pairs) {
    int64_t left[TARN_MAX_NDIM], right[TARN_MAX_NDIM], result[2 * TARN_MAX_NDIM];
    int count = 0;
    for (int i = 0; i < a->ndim; i++) left[i] = i;
    for (int i = 0; i < b->ndim; i++) right[i] = a->ndim + i;
    for (int64_t p = 0; p < pairs; p++) {
        if (left[from[p]] < 0 || right[to[p]] < a->ndim) return tarn_fail("tensordot: an axis is given twice"), NULL;
        if (a->shape[from[p]] != b->shape[to[p]])
            return fail_shapes(a, " and ", b, "tensordot: axis %d and axis %d differ", from[p], to[p]), NULL;
        left[from[p]] = right[to[p]] = -1 - p;
    }
    for (int i = 0; i < a->ndim; i++)
        if (left[i] >= 0) result[count++] = left[i];
    for (int i = 0; i < b->ndim; i++)
        if (right[i] >= 0) result[count++] = right[i];
    tarn_dtype dtype = dtype_promote(a->dtype, b->dtype);
    if (dtype_kind_of(dtype) < KIND_FLOAT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "tensordot: %s is not supported", dtype_facts[dtype].name), NULL;
    return contraction(a, b, left, right, (tarn_ints){result, count});
}

tarn_array *tarn_tensordot(tarn_array *a, tarn_array *b, int64_t axes) {
    FRONT("tensordot");
    REQUIRE(a, b);
    int from[TARN_MAX_NDIM], to[TARN_MAX_NDIM];
    if (axes < 0 || axes > a->ndim || axes > b->ndim)
        return fail_shapes(a, " and ", b, "tensordot: %lld axes", (long long)axes), NULL;
    for (int i = 0; i < axes; i++) from[i] = a->ndim - (int)axes + i, to[i] = i;
    return tensordot(a, b, from, to, axes);
}

tarn_array *tarn_tensordot_axes(tarn_array *a, tarn_array *b, tarn_ints a_axes, tarn_ints b_axes) {
    FRONT("tensordot_axes");
    REQUIRE(a, b);
    REQUIRE_LIST(a_axes);
    REQUIRE_LIST(b_axes);
    int from[TARN_MAX_NDIM], to[TARN_MAX_NDIM];
    if (a_axes.count != b_axes.count || a_axes.count > TARN_MAX_NDIM)
        return tarn_fail("tensordot_axes: %lld axes of a and %lld of b", (long long)a_axes.count,
                         (long long)b_axes.count),
               NULL;
    for (int64_t i = 0; i < a_axes.count; i++)
        if (!check_axis("tensordot_axes", a_axes.values[i], a->ndim, &from[i]) ||
            !check_axis("tensordot_axes", b_axes.values[i], b->ndim, &to[i]))
            return NULL;
    return tensordot(a, b, from, to, a_axes.count);
}

/* ---- kron */

/* The axes of both, one by one in turn, joined in pairs. */
tarn_array *tarn_kron(tarn_array *a, tarn_array *b) {
    FRONT("kron");
    REQUIRE(a, b);
    if (array_size(a) == 0 || array_size(b) == 0) return fail_shapes(a, " and ", b, "kron: an input is empty"), NULL;
    int ndim = a->ndim > b->ndim ? a->ndim : b->ndim, shared = a->ndim < b->ndim ? a->ndim : b->ndim;
    int64_t left[TARN_MAX_NDIM], right[TARN_MAX_NDIM], result[2 * TARN_MAX_NDIM];
    int count = 0;
    for (int i = 0; i < ndim; i++) {
        int p = i - (ndim - a->ndim), q = i - (ndim - b->ndim);
        if (p >= 0) result[count++] = left[p] = 2 * i;
        if (q >= 0) result[count++] = right[q] = 2 * i + 1;
    }
    tarn_array *out = contraction(a, b, left, right, (tarn_ints){result, count});
    for (int i = 0; i < shared; i++)
        out = tarn_flatten(out, .start_axis = TARN_AXIS(-2 - i), .end_axis = TARN_AXIS(-1 - i));
    return out;
}
