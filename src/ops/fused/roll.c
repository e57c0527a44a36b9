/* Elements moved along axes, those beyond the end coming in at the beginning: two slices, joined the other way round.
 */
#include "ops/front.h"
#include "ops/fused/formula.h"

static bool infer(inference *i) {
    const tarn_array *x = i->inputs[0];
    const attributes_roll *a = i->attributes;
    bool fits = !a->axes.values || a->shift.count == a->axes.count || a->shift.count == 1 || a->axes.count == 1;
    if (!fits) return tarn_fail("roll: %lld shifts for %lld axes", (long long)a->shift.count, (long long)a->axes.count);
    for (int64_t k = 0; k < a->axes.count; k++) {
        int axis;
        if (!check_axis("roll", a->axes.values[k], x->ndim, &axis)) return false;
    }
    return types_add(i, x->dtype, x->ndim, x->shape);
}

static tarn_array *roll_axis(tarn_array *x, int64_t shift, int64_t axis) {
    int64_t size = tarn_dim(x, (int)axis);
    if (!x || size == 0 || shift % size == 0) return x;
    int64_t back = -(shift % size); /* a slice from there: negative, from the end, if the shift is forward */
    if (back > 0) back -= size;
    tarn_array *parts[2] = {tarn_slice_axis(x, axis, back, INT64_MAX), tarn_slice_axis(x, axis, 0, back)};
    return tarn_concatenate(parts, 2, .axis = TARN_AXIS(axis));
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const attributes_roll *a = n->attributes;
    tarn_array *x = a->axes.values ? tarn_slice(inputs[0], TARN_NO_AXES, TARN_NO_AXES) : tarn_flatten(inputs[0]);
    int64_t axes = a->axes.values ? a->axes.count : 1, count = axes == 0 || a->shift.count == 0 ? 0
                                                               : axes > a->shift.count          ? axes
                                                                                                : a->shift.count;
    for (int64_t k = 0; k < count; k++) {
        int64_t axis = a->axes.values ? a->axes.values[axes == 1 ? 0 : k] : 0;
        x = roll_axis(x, a->shift.values[a->shift.count == 1 ? 0 : k], axis);
    }
    outputs[0] = a->axes.values ? x : tarn_reshape(x, array_shape(&n->outputs[0]));
    return outputs[0] != NULL;
}

tarn_array *tarn_roll_with(tarn_array *x, tarn_ints shift, tarn_axes_options o) {
    return BUILD(roll, (&(attributes_roll){.shift = shift, .axes = o.axes}), x);
}

const op_rules rules_roll = {.infer = infer, .formula = formula};
