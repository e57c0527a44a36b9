/* Numbers of eight bits, E4M3, kept as uint8. */
#include "ops/front.h"
#include "ops/rules.h"

static bool check_float(const char *op, tarn_dtype dtype) {
    if (dtype_kind_of(dtype) == KIND_FLOAT) return true;
    return tarn_fail_kind(TARN_ERROR_TYPE, "%s: %s is no float", op, dtype_facts[dtype].name);
}

static bool infer_to(inference *i) {
    const tarn_array *x = i->inputs[0];
    return check_float("to_fp8", x->dtype) && types_add(i, TARN_UINT8, x->ndim, x->shape);
}

static bool infer_from(inference *i) {
    const tarn_array *x = i->inputs[0];
    const attributes_from_fp8 *a = i->attributes;
    if (x->dtype != TARN_UINT8)
        return tarn_fail_kind(TARN_ERROR_TYPE, "from_fp8: the input is uint8, not %s", dtype_facts[x->dtype].name);
    return check_float("from_fp8", a->dtype) && types_add(i, a->dtype, x->ndim, x->shape);
}

tarn_array *tarn_to_fp8(tarn_array *x) {
    return BUILD(to_fp8, NULL, x);
}

tarn_array *tarn_from_fp8(tarn_array *x, tarn_dtype dtype) {
    return BUILD(from_fp8, &(attributes_from_fp8){.dtype = dtype}, x);
}

static const char reason[] = "eight bits are an encoding, which has no gradient";
const op_rules rules_to_fp8 = {.infer = infer_to, .vmap = vmap_anywhere, .no_vjp = reason};
const op_rules rules_from_fp8 = {.infer = infer_from, .vmap = vmap_anywhere, .no_vjp = reason};
