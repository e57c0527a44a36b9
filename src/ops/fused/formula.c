#include "ops/fused/formula.h"

tarn_array *formula_widen(tarn_array *x) {
    return x && dtype_is_half(x->dtype) ? tarn_astype(x, TARN_FLOAT32) : x;
}
tarn_array *formula_narrow(tarn_array *x, tarn_dtype dtype) {
    return x && x->dtype != dtype ? tarn_astype(x, dtype) : x;
}

bool infer_same_float(inference *i) {
    const tarn_array *x = i->inputs[0];
    if (dtype_kind_of(x->dtype) != KIND_FLOAT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "%s: %s is not supported", op_name(i->op), dtype_facts[x->dtype].name);
    return types_add(i, x->dtype, x->ndim, x->shape);
}
