/* tril and triu: the matrices of the last two axes with zeros on one side of a diagonal. */
#include "ops/front.h"
#include "ops/fused/formula.h"

static bool infer(inference *i) {
    const tarn_array *x = i->inputs[0];
    bool upper = ((const attributes_triangle *)i->attributes)->upper;
    if (x->ndim < 2) return tarn_fail("%s: x has %d axes, fewer than 2", upper ? "triu" : "tril", x->ndim);
    return types_add(i, x->dtype, x->ndim, x->shape);
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const attributes_triangle *a = n->attributes;
    const tarn_array *x = inputs[0];
    int64_t rows = x->shape[x->ndim - 2], columns = x->shape[x->ndim - 1];
    int64_t k = a->upper && a->k > INT64_MIN ? a->k - 1 : a->k;
    tarn_array *below = tarn_tri(rows, columns, TARN_BOOL, .k = k);
    tarn_array *zero = tarn_scalar_like(0, inputs[0]);
    outputs[0] = a->upper ? tarn_where(below, zero, inputs[0]) : tarn_where(below, inputs[0], zero);
    return outputs[0] != NULL;
}

tarn_array *tarn_tril_with(tarn_array *x, tarn_diag_options o) {
    FRONT("tril");
    REQUIRE(x);
    return BUILD(triangle, (&(attributes_triangle){.upper = false, .k = o.k}), x);
}

tarn_array *tarn_triu_with(tarn_array *x, tarn_diag_options o) {
    FRONT("triu");
    REQUIRE(x);
    return BUILD(triangle, (&(attributes_triangle){.upper = true, .k = o.k}), x);
}

const op_rules rules_triangle = {.infer = infer, .formula = formula};
