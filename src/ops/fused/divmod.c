#include "ops/fused/formula.h"
#include "ops/rules.h"

static bool infer(inference *i) {
    array_type out;
    if (!broadcast_shapes("divmod", i->inputs[0], i->inputs[1], &out)) return false;
    tarn_dtype dtype = dtype_promote(i->inputs[0]->dtype, i->inputs[1]->dtype);
    if (dtype_kind_of(dtype) == KIND_BOOL || dtype_kind_of(dtype) == KIND_COMPLEX)
        return tarn_fail_kind(TARN_ERROR_TYPE, "divmod: %s is not supported", dtype_facts[dtype].name);
    return types_add(i, dtype, out.ndim, out.shape) && types_add(i, dtype, out.ndim, out.shape);
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    (void)n;
    outputs[0] = tarn_floor_divide(inputs[0], inputs[1]);
    outputs[1] = tarn_remainder(inputs[0], inputs[1]);
    return tarn_ok();
}

bool tarn_divmod(tarn_array *x, tarn_array *y, tarn_array *out[2]) {
    if (!out) return tarn_fail("divmod: the list of results is NULL");
    node *n = build_node(OP_divmod, TARN_ARRAYS(x, y), 2, NULL);
    for (int i = 0; i < 2; i++) out[i] = n ? &n->outputs[i] : NULL;
    return n != NULL;
}

const op_rules rules_divmod = {.infer = infer, .formula = formula, .vmap = vmap_broadcasting};
