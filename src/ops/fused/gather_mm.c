/* Products of matrices that are picked by index: experts of a mixture. The formula copies what is picked; kernels read
   it where it lies. */
#include "ops/front.h"
#include "ops/fused/formula.h"
#include "ops/fused/pick.h"

static bool infer(inference *i) {
    const tarn_array *a = i->inputs[0], *b = i->inputs[1];
    array_type out;
    if (a->ndim < 2 || b->ndim < 2 || a->shape[a->ndim - 1] != b->shape[b->ndim - 2])
        return fail_shapes(a, " @ ", b, "gather_mm: shapes do not go together");
    if (a->dtype != b->dtype || dtype_kind_of(a->dtype) < KIND_FLOAT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "gather_mm: %s @ %s is not supported", dtype_facts[a->dtype].name,
                              dtype_facts[b->dtype].name);
    if (!picked_type("gather_mm", a, part(i->inputs, i->input_count, 2), b, part(i->inputs, i->input_count, 3), &out))
        return false;
    out.shape[out.ndim++] = a->shape[a->ndim - 2];
    out.shape[out.ndim++] = b->shape[b->ndim - 1];
    return types_add(i, a->dtype, out.ndim, out.shape);
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    outputs[0] = tarn_matmul(pick_matrices(inputs[0], part(inputs, n->input_count, 2)),
                             pick_matrices(inputs[1], part(inputs, n->input_count, 3)));
    return outputs[0] != NULL;
}

tarn_array *tarn_gather_mm_with(tarn_array *a, tarn_array *b, tarn_gather_mm_options o) {
    FRONT("gather_mm");
    REQUIRE(a, b);
    if (a->ndim == 0 || b->ndim == 0) return tarn_fail("gather_mm: an input is 0-d"), NULL;
    tarn_dtype dtype = dtype_promote(a->dtype, b->dtype);
    bool row = a->ndim == 1, column = b->ndim == 1;
    if (row) a = tarn_expand_dims(a, TARN_AXES(0));
    if (column) b = tarn_expand_dims(b, TARN_AXES(1));
    tarn_array *out = BUILD(gather_mm, (&(attributes_gather_mm){.sorted = o.sorted_indices}), formula_narrow(a, dtype),
                            formula_narrow(b, dtype), o.left_indices, o.right_indices);
    if (row && column) return tarn_squeeze(out, .axes = TARN_AXES(-2, -1));
    return row ? tarn_squeeze(out, .axes = TARN_AXES(-2)) : column ? tarn_squeeze(out, .axes = TARN_AXES(-1)) : out;
}

const op_rules rules_gather_mm = {.infer = infer, .formula = formula};
