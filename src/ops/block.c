/* Blocks at positions given by arrays: slice_update and slice_array. */
#include <string.h>

#include "ops/build.h"
#include "ops/rules.h"

/* Where the rows of start [leading axes of x ..., axes] are: how many leading axes there are; -1 with the error set. */
static int leading_axes(const char *op, const tarn_array *x, const tarn_array *start, tarn_ints axes) {
    int leading = start->ndim - 1;
    bool fits = dtype_kind_of(start->dtype) == KIND_INT && leading >= 0 && leading <= x->ndim &&
                start->shape[leading] == axes.count;
    for (int i = 0; i < leading && fits; i++) fits = start->shape[i] == x->shape[i];
    if (fits) return leading;
    fail_shapes(start, NULL, NULL,
                "%s: start must be %lld integers, one for each of axes, for all of x or each row of its leading axes",
                op, (long long)axes.count);
    return -1;
}

/* Whether size elements, `step` apart, lie within an axis. */
static bool axis_holds(int64_t axis_size, int64_t size, int64_t step) {
    return size >= 0 && size <= axis_size && (size <= 1 || size - 1 <= (axis_size - 1) / step);
}

/* The block of `shape` along axes; steps: of every axis of x. */
static bool check_block(const char *op, const tarn_array *x, const tarn_array *start, tarn_ints axes, tarn_ints step,
                        const int64_t *shape) {
    bool seen[TARN_MAX_NDIM] = {false};
    int leading = leading_axes(op, x, start, axes);
    if (leading < 0) return false;
    if (step.count && step.count != axes.count)
        return tarn_fail("%s: %lld steps for %lld axes", op, (long long)step.count, (long long)axes.count);
    for (int64_t i = 0; i < axes.count; i++) {
        int64_t by = step.count ? step.values[i] : 1;
        int axis;
        if (!check_axis(op, axes.values[i], x->ndim, &axis)) return false;
        if (seen[axis]) return tarn_fail("%s: axis %d is given twice", op, axis);
        if (axis < leading) return tarn_fail("%s: axis %d has a start in each of its rows and along it", op, axis);
        if (by < 1) return tarn_fail("%s: the step %lld is not above 0", op, (long long)by);
        if (!axis_holds(x->shape[axis], shape[axis], by))
            return tarn_fail("%s: %lld elements, each the %lldth, of axis %d, which has %lld", op,
                             (long long)shape[axis], (long long)by, axis, (long long)x->shape[axis]);
        seen[axis] = true;
    }
    for (int i = 0; i < leading; i++)
        if (shape[i] != x->shape[i])
            return tarn_fail("%s: starts for %lld rows, a block of %lld", op, (long long)x->shape[i],
                             (long long)shape[i]);
    return true;
}

static bool infer_slice_update(inference *i) {
    const attributes_slice_update *a = i->attributes;
    const tarn_array *x = i->inputs[0], *update = i->inputs[1];
    bool fits = update->ndim == x->ndim && update->dtype == x->dtype;
    for (int k = 0; k < x->ndim && fits; k++) fits = update->shape[k] <= x->shape[k];
    if (fits)
        return check_block("slice_update", x, i->inputs[2], a->axes, a->step, update->shape) &&
               types_add(i, x->dtype, x->ndim, x->shape);
    return fail_shapes(update, " into ", x, "slice_update: the update does not fit");
}

static bool infer_slice_array(inference *i) {
    const tarn_array *x = i->inputs[0];
    const attributes_slice_array *a = i->attributes;
    if (a->sizes.count != a->axes.count)
        return tarn_fail("slice_array: %lld sizes for %lld axes", (long long)a->sizes.count, (long long)a->axes.count);
    int64_t shape[TARN_MAX_NDIM];
    memcpy(shape, x->shape, sizeof shape);
    for (int64_t k = 0; k < a->axes.count; k++) {
        int axis;
        if (!check_axis("slice_array", a->axes.values[k], x->ndim, &axis)) return false;
        shape[axis] = a->sizes.values[k];
    }
    return check_block("slice_array", x, i->inputs[1], a->axes, a->step, shape) &&
           types_add(i, x->dtype, x->ndim, shape);
}

tarn_array *tarn_slice_update_with(tarn_array *x, tarn_array *update, tarn_array *start, tarn_ints axes,
                                   tarn_block_options options) {
    if (x && update && update->dtype != x->dtype) update = tarn_astype(update, x->dtype);
    return BUILD(slice_update, (&(attributes_slice_update){.axes = axes, .step = options.step}), x, update, start);
}

tarn_array *tarn_slice_array_with(tarn_array *x, tarn_array *start, tarn_ints axes, tarn_ints sizes,
                                  tarn_block_options options) {
    return BUILD(slice_array, (&(attributes_slice_array){.axes = axes, .sizes = sizes, .step = options.step}), x,
                 start);
}

const op_rules rules_slice_update = {.infer = infer_slice_update, .vjp = vjp_slice_update, .vmap = vmap_slice_update};
const op_rules rules_slice_array = {
    .infer = infer_slice_array, .vjp = vjp_slice_array, .jvp = jvp_linear, .vmap = vmap_slice_array};
