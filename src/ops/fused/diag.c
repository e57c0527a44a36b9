/* A matrix of zeros with x on one of its diagonals. */
#include "base/checked.h"
#include "ops/fused/formula.h"
#include "ops/view.h"

static bool infer(inference *i) {
    const tarn_array *x = i->inputs[0];
    int64_t k = ((const attributes_diag *)i->attributes)->offset, size;
    if (x->ndim != 1 || k == INT64_MIN || !checked_add(x->shape[0], k < 0 ? -k : k, &size))
        return fail_shapes(x, NULL, NULL, "diag: no matrix with this on diagonal %lld", (long long)k);
    return types_add(i, x->dtype, 2, (int64_t[]){size, size});
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    attributes_diagonal a = {.offset = ((const attributes_diag *)n->attributes)->offset, .axis1 = 0, .axis2 = 1};
    tarn_array *zeros = tarn_broadcast_to(tarn_scalar_like(0, inputs[0]), array_shape(&n->outputs[0]));
    outputs[0] = diagonal_put(zeros, inputs[0], &a);
    return outputs[0] != NULL;
}

const op_rules rules_diag = {.infer = infer, .formula = formula};
