#include "ops/fused/pick.h"

#include <string.h>

static bool leading_type(const char *op, const tarn_array *x, const tarn_array *indices, array_type *out) {
    if (indices && dtype_kind_of(indices->dtype) != KIND_INT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "%s: indices are integers, not %s", op,
                              dtype_facts[indices->dtype].name);
    out->dtype = x->dtype;
    out->ndim = indices ? indices->ndim : x->ndim - 2;
    memcpy(out->shape, indices ? indices->shape : x->shape, sizeof out->shape);
    return out->ndim <= TARN_MAX_NDIM - 2 || tarn_fail("%s: indices have more than %d axes", op, TARN_MAX_NDIM - 2);
}

bool picked_type(const char *op, const tarn_array *a, const tarn_array *left, const tarn_array *b,
                 const tarn_array *right, array_type *out) {
    array_type second = {0};
    if (!leading_type(op, a, left, out) || !leading_type(op, b, right, &second)) return false;
    tarn_array other = {.dtype = b->dtype, .ndim = second.ndim};
    memcpy(other.shape, second.shape, sizeof other.shape);
    return broadcast_types(out, &other) ||
           fail_shapes(a, " and ", b, "%s: the picked matrices do not broadcast to each other", op);
}

tarn_array *pick_matrices(tarn_array *x, tarn_array *indices) {
    if (!x || !indices) return x;
    tarn_array *one = x->ndim == 2 ? tarn_expand_dims(x, TARN_AXES(0)) : tarn_flatten(x, .end_axis = TARN_AXIS(-3));
    return tarn_take(one, indices, .axis = TARN_AXIS(0));
}
