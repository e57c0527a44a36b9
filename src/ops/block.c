/* Blocks at positions given by arrays: slice_update and slice_array. */
#include <string.h>

#include "ops/build.h"
#include "ops/rules.h"

static bool check_start(const char *op, const tarn_array *x, const tarn_array *start, tarn_ints axes) {
    if (dtype_kind_of(start->dtype) != KIND_INT || start->ndim != 1 || start->shape[0] != axes.count)
        return tarn_fail("%s: start must be %lld integers, one for each of axes", op, (long long)axes.count);
    bool seen[TARN_MAX_NDIM] = {false};
    for (int64_t i = 0; i < axes.count; i++) {
        int axis;
        if (!check_axis(op, axes.values[i], x->ndim, &axis)) return false;
        if (seen[axis]) return tarn_fail("%s: axis %d is given twice", op, axis);
        seen[axis] = true;
    }
    return true;
}

static bool infer_slice_update(inference *i) {
    const tarn_array *x = i->inputs[0], *update = i->inputs[1];
    if (!check_start("slice_update", x, i->inputs[2], ((const attributes_slice_update *)i->attributes)->axes)) return false;
    bool fits = update->ndim == x->ndim && update->dtype == x->dtype;
    for (int k = 0; k < x->ndim && fits; k++) fits = update->shape[k] <= x->shape[k];
    if (fits) return types_add(i, x->dtype, x->ndim, x->shape);
    text t = {0};
    array_describe(update, &t);
    text_add(&t, " into ");
    array_describe(x, &t);
    tarn_fail("slice_update: the update does not fit: %s", text_string(&t));
    text_free(&t);
    return false;
}

static bool infer_slice_array(inference *i) {
    const tarn_array *x = i->inputs[0];
    const attributes_slice_array *a = i->attributes;
    if (!check_start("slice_array", x, i->inputs[1], a->axes)) return false;
    if (a->sizes.count != a->axes.count)
        return tarn_fail("slice_array: %lld sizes for %lld axes", (long long)a->sizes.count, (long long)a->axes.count);
    int64_t shape[TARN_MAX_NDIM];
    memcpy(shape, x->shape, sizeof shape);
    for (int64_t k = 0; k < a->axes.count; k++) {
        int axis;
        if (!check_axis("slice_array", a->axes.values[k], x->ndim, &axis)) return false;
        if (a->sizes.values[k] < 0 || a->sizes.values[k] > x->shape[axis])
            return tarn_fail("slice_array: %lld elements of axis %d, which has %lld", (long long)a->sizes.values[k], axis,
                             (long long)x->shape[axis]);
        shape[axis] = a->sizes.values[k];
    }
    return types_add(i, x->dtype, x->ndim, shape);
}

tarn_array *tarn_slice_update(tarn_array *x, tarn_array *update, tarn_array *start, tarn_ints axes) {
    if (x && update && update->dtype != x->dtype) update = tarn_astype(update, x->dtype);
    return BUILD(slice_update, &(attributes_slice_update){.axes = axes}, x, update, start);
}

tarn_array *tarn_slice_array(tarn_array *x, tarn_array *start, tarn_ints axes, tarn_ints sizes) {
    return BUILD(slice_array, (&(attributes_slice_array){.axes = axes, .sizes = sizes}), x, start);
}

const op_rules rules_slice_update = {.infer = infer_slice_update, .vjp = vjp_slice_update, .vmap = vmap_slice_update};
const op_rules rules_slice_array = {.infer = infer_slice_array, .vjp = vjp_slice_array, .jvp = jvp_linear, .vmap = vmap_slice_array};
