/* softmax over the last axis: exp(x - max) / sum, in float32 for half types. */
#include "ops/fused/formula.h"
#include "ops/front.h"

static bool infer(inference *i) {
    return i->inputs[0]->ndim > 0 ? infer_same_float(i) : tarn_fail("softmax: x is 0-d");
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    (void)n;
    if (array_size(inputs[0]) == 0) return (outputs[0] = inputs[0]) != NULL; /* rows of nothing have no maximum */
    tarn_array *x = formula_widen(inputs[0]);
    tarn_array *top = tarn_stop_gradient(tarn_max(x, .axes = TARN_AXES(-1), .keepdims = true));
    tarn_array *e = tarn_exp(tarn_subtract(x, top));
    tarn_array *y = tarn_divide(e, tarn_sum(e, .axes = TARN_AXES(-1), .keepdims = true));
    outputs[0] = formula_narrow(y, inputs[0]->dtype);
    return outputs[0] != NULL;
}

tarn_array *tarn_softmax(tarn_array *x, int64_t axis) {
    FRONT("softmax");
    REQUIRE(x);
    int place;
    if (!check_axis("softmax", axis, x->ndim, &place)) return NULL;
    if (dtype_kind_of(x->dtype) < KIND_FLOAT) x = tarn_astype(x, TARN_FLOAT32);
    if (place == x->ndim - 1) return BUILD(softmax, NULL, x);
    return tarn_swapaxes(BUILD(softmax, NULL, tarn_swapaxes(x, place, -1)), place, -1);
}

const op_rules rules_softmax = {.infer = infer, .formula = formula};
