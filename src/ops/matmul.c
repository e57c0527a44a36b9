/* Dense products. */
#include <string.h>

#include "ops/front.h"
#include "ops/rules.h"

static bool mismatch(const tarn_array *a, const tarn_array *b) {
    return fail_shapes(a, " @ ", b, "matmul: shapes do not go together");
}

static bool infer_matmul(inference *i) {
    const tarn_array *a = i->inputs[0], *b = i->inputs[1];
    if (a->ndim < 2 || b->ndim < 2 || a->shape[a->ndim - 1] != b->shape[b->ndim - 2]) return mismatch(a, b);
    if (a->dtype != b->dtype || dtype_kind_of(a->dtype) < KIND_FLOAT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "matmul: %s @ %s is not supported", dtype_facts[a->dtype].name,
                              dtype_facts[b->dtype].name);
    int ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
    int64_t shape[TARN_MAX_NDIM];
    for (int k = 3; k <= ndim; k++) {
        int64_t p = k <= a->ndim ? a->shape[a->ndim - k] : 1, q = k <= b->ndim ? b->shape[b->ndim - k] : 1;
        if (p != q && p != 1 && q != 1) return mismatch(a, b);
        shape[ndim - k] = p == 1 ? q : p;
    }
    shape[ndim - 2] = a->shape[a->ndim - 2];
    shape[ndim - 1] = b->shape[b->ndim - 1];
    return types_add(i, a->dtype, ndim, shape);
}

static tarn_array *as(tarn_array *x, tarn_dtype dtype) {
    return x->dtype == dtype ? x : tarn_astype(x, dtype);
}

tarn_array *tarn_matmul(tarn_array *a, tarn_array *b) {
    FRONT("matmul");
    REQUIRE(a, b);
    if (a->ndim == 0 || b->ndim == 0) return tarn_fail("matmul: an input is 0-d"), NULL;
    tarn_dtype dtype = dtype_promote(a->dtype, b->dtype);
    if (dtype_kind_of(dtype) < KIND_FLOAT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "matmul: %s @ %s is not supported", dtype_facts[a->dtype].name,
                              dtype_facts[b->dtype].name),
               NULL;
    tarn_array *left = as(a, dtype), *right = as(b, dtype);
    bool row = a->ndim == 1, column = b->ndim == 1;
    if (row) left = tarn_expand_dims(left, TARN_AXES(0));
    if (column) right = tarn_expand_dims(right, TARN_AXES(1));
    tarn_array *out = BUILD(matmul, NULL, left, right);
    if (row && column) return tarn_squeeze(out, .axes = TARN_AXES(-2, -1));
    return row ? tarn_squeeze(out, .axes = TARN_AXES(-2)) : column ? tarn_squeeze(out, .axes = TARN_AXES(-1)) : out;
}

const op_rules rules_matmul = {.infer = infer_matmul, .vjp = vjp_matmul, .jvp = jvp_matmul, .vmap = vmap_matmul};
