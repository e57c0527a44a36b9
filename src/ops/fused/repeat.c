/* Each element along an axis several times in a row: a new axis of that size, broadcast and joined with the one before
 * it. */
#include <string.h>

#include "base/checked.h"
#include "ops/front.h"
#include "ops/fused/formula.h"

static bool infer(inference *i) {
    const tarn_array *x = i->inputs[0];
    const attributes_repeat *a = i->attributes;
    int axis;
    int64_t shape[TARN_MAX_NDIM];
    if (!check_axis("repeat", a->axis, x->ndim, &axis)) return false;
    memcpy(shape, x->shape, sizeof shape);
    if (a->times < 0 || !checked_mul(shape[axis], a->times, &shape[axis]))
        return tarn_fail("repeat: %lld times", (long long)a->times);
    return types_add(i, x->dtype, x->ndim, shape);
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const attributes_repeat *a = n->attributes;
    const tarn_array *x = inputs[0], *out = &n->outputs[0];
    int axis = axis_normal(a->axis, x->ndim);
    int64_t shape[TARN_MAX_NDIM + 1];
    for (int i = 0; i <= x->ndim; i++) shape[i] = i <= axis ? x->shape[i] : i == axis + 1 ? a->times : x->shape[i - 1];
    tarn_array *wide =
        tarn_broadcast_to(tarn_expand_dims(inputs[0], TARN_AXES(axis + 1)), (tarn_ints){shape, x->ndim + 1});
    outputs[0] = tarn_reshape(wide, array_shape(out));
    return outputs[0] != NULL;
}

tarn_array *tarn_repeat_with(tarn_array *x, int64_t times, tarn_axis_options o) {
    FRONT("repeat");
    REQUIRE(x);
    return BUILD(repeat, (&(attributes_repeat){.times = times, .axis = axis_or(o.axis, 0)}), flat_unless(o.axis, x));
}

const op_rules rules_repeat = {.infer = infer, .formula = formula};
