/* softmax along one axis: exp(x - max) / sum, in float32 for half types. */
#include "ops/fused/formula.h"
#include "ops/rules.h"
#include "ops/front.h"
#include "ops/reduce.h"

static bool infer(inference *i) {
    int axis;
    const attributes_softmax *a = i->attributes;
    if (a->axis >= 0) return tarn_fail("softmax: axis %lld does not count from the last", (long long)a->axis);
    return check_axis("softmax", a->axis, i->inputs[0]->ndim, &axis) && infer_same_float(i);
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    tarn_ints axis = TARN_AXES(((const attributes_softmax *)n->attributes)->axis);
    if (array_size(inputs[0]) == 0) return (outputs[0] = inputs[0]) != NULL; /* rows of nothing have no maximum */
    tarn_array *x = formula_widen(inputs[0]);
    tarn_array *top = tarn_stop_gradient(tarn_max(x, .axes = axis, .keepdims = true));
    tarn_array *e = tarn_exp(tarn_subtract(x, top));
    tarn_array *y = tarn_divide(e, tarn_sum(e, .axes = axis, .keepdims = true));
    outputs[0] = formula_narrow(y, inputs[0]->dtype);
    return outputs[0] != NULL;
}

/* Along an axis of ndim, from the last one: leading axes may come in front. */
static tarn_array *along(tarn_array *x, int64_t axis) {
    return x ? BUILD(softmax, &(attributes_softmax){.axis = axis - x->ndim}, x) : NULL;
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
    int ndim = x->ndim, count = reduced_last(reduced, ndim, order, back);
    if (count == 0)
        return tarn_squeeze(tarn_softmax(tarn_expand_dims(x, TARN_AXES(-1)), .axes = TARN_AXES(-1)),
                            .axes = TARN_AXES(-1)); /* each element by itself */
    if (x->dtype == TARN_COMPLEX64) return of_complex(x, o.axes);
    if (dtype_kind_of(x->dtype) < KIND_FLOAT) x = tarn_astype(x, TARN_FLOAT32);
    if (count == 1) return along(x, order[ndim - 1]);
    tarn_array *moved = tarn_transpose(x, .axes = {order, ndim});
    tarn_array *y = along(tarn_flatten(moved, .start_axis = TARN_AXIS(-count)), ndim - count);
    return tarn_transpose(tarn_reshape_like(y, moved), .axes = {back, ndim});
}

const op_rules rules_softmax = {.infer = infer, .vjp = vjp_softmax, .formula = formula};
