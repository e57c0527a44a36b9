/* softmax over the last axis: exp(x - max) / sum, in float32 for half types. */
#include "ops/fused/formula.h"
#include "ops/front.h"
#include "ops/reduce.h"

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

static tarn_array *along_last(tarn_array *x) {
    return BUILD(softmax, NULL, x);
}

/* Of complex numbers by the sizes of their exponentials. */
static tarn_array *of_complex(tarn_array *x, tarn_ints axes) {
    if (array_size(x) == 0) return x;
    tarn_array *top = tarn_stop_gradient(tarn_max(tarn_real(x), .axes = axes, .keepdims = true));
    tarn_array *e = tarn_exp(tarn_subtract(x, top));
    return tarn_divide(e, tarn_sum(e, .axes = axes, .keepdims = true));
}

tarn_array *tarn_softmax_with(tarn_array *x, tarn_axes_options o) {
    FRONT("softmax");
    REQUIRE(x);
    REQUIRE_LIST(o.axes);
    bool reduced[TARN_MAX_NDIM];
    int64_t order[TARN_MAX_NDIM], back[TARN_MAX_NDIM];
    if (!reduce_axes("softmax", o.axes, x->ndim, reduced)) return NULL;
    int count = reduced_last(reduced, x->ndim, order, back);
    if (count == 0)
        return tarn_squeeze(tarn_softmax(tarn_expand_dims(x, TARN_AXES(-1)), .axes = TARN_AXES(-1)),
                            .axes = TARN_AXES(-1)); /* each element by itself */
    bool same = true;
    for (int i = 0; i < x->ndim; i++) same = same && order[i] == i;
    if (x->dtype == TARN_COMPLEX64) return of_complex(x, o.axes);
    if (dtype_kind_of(x->dtype) < KIND_FLOAT) x = tarn_astype(x, TARN_FLOAT32);
    tarn_array *moved = same ? x : tarn_transpose(x, .axes = {order, tarn_ndim(x)});
    tarn_array *y = count == 1
                        ? along_last(moved)
                        : tarn_reshape_like(along_last(tarn_flatten(moved, .start_axis = TARN_AXIS(-count))), moved);
    return same ? y : tarn_transpose(y, .axes = {back, tarn_ndim(y)});
}

const op_rules rules_softmax = {.infer = infer, .formula = formula};
