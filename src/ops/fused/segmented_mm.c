/* Products over ranges of the inner axis. The formula leaves out what is not in the range, a range at a time for all
   of k; kernels multiply the ranges alone. */
#include "ops/front.h"
#include "ops/fused/formula.h"

static bool check_factors(const tarn_array *a, const tarn_array *b) {
    if (a->ndim != 2 || b->ndim != 2 || a->shape[1] != b->shape[0])
        return fail_shapes(a, " @ ", b, "segmented_mm: matrices that do not go together");
    if (a->dtype == b->dtype && dtype_kind_of(a->dtype) >= KIND_FLOAT) return true;
    return tarn_fail_kind(TARN_ERROR_TYPE, "segmented_mm: %s @ %s is not supported", dtype_facts[a->dtype].name,
                          dtype_facts[b->dtype].name);
}

static bool infer(inference *i) {
    const tarn_array *a = i->inputs[0], *b = i->inputs[1], *segments = i->inputs[2];
    int64_t shape[TARN_MAX_NDIM + 1];
    int ndim = segments->ndim;
    if (!check_factors(a, b)) return false;
    if (dtype_kind_of(segments->dtype) != KIND_INT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "segmented_mm: segments are integers, not %s",
                              dtype_facts[segments->dtype].name);
    if (ndim < 1 || segments->shape[ndim - 1] != 2)
        return fail_shapes(segments, NULL, NULL, "segmented_mm: segments are [..., 2], beginning and end");
    for (int k = 0; k < ndim - 1; k++) shape[k] = segments->shape[k];
    shape[ndim - 1] = a->shape[0];
    shape[ndim] = b->shape[1];
    return types_add(i, a->dtype, ndim + 1, shape);
}

/* bool [..., k]: what is in the range. */
static tarn_array *members(tarn_array *segments, int64_t k) {
    tarn_array *ends[2], *wide = tarn_astype(segments, TARN_INT64), *at = tarn_arange(0, (double)k, 1, TARN_INT64);
    if (!tarn_split(wide, 2, ends, .axis = TARN_AXIS(-1))) return NULL; /* each [..., 1] */
    return tarn_logical_and(tarn_greater_equal(at, ends[0]), tarn_less(at, ends[1]));
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    (void)n;
    tarn_array *a = inputs[0], *b = inputs[1], *in = members(inputs[2], a->shape[1]);
    tarn_array *left = tarn_where(tarn_expand_dims(in, TARN_AXES(-2)), a, tarn_scalar_like(0, a)),
               *right = tarn_where(tarn_expand_dims(in, TARN_AXES(-1)), b, tarn_scalar_like(0, b));
    outputs[0] = tarn_matmul(left, right);
    return outputs[0] != NULL;
}

tarn_array *tarn_segmented_mm(tarn_array *a, tarn_array *b, tarn_array *segments) {
    FRONT("segmented_mm");
    REQUIRE(a, b, segments);
    tarn_dtype dtype = dtype_promote(a->dtype, b->dtype);
    return BUILD(segmented_mm, NULL, formula_narrow(a, dtype), formula_narrow(b, dtype), segments);
}

const op_rules rules_segmented_mm = {.infer = infer, .formula = formula};
