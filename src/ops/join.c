/* Joining arrays: concatenate, stack, repeat. */
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "ops/front.h"
#include "ops/rules.h"

/* ---- concatenate */

static bool infer_concatenate(inference *i) {
    const tarn_array *first = i->inputs[0];
    int axis;
    if (!check_axis("concatenate", ((const attributes_concatenate *)i->attributes)->axis, first->ndim, &axis))
        return false;
    int64_t shape[TARN_MAX_NDIM], total = 0;
    memcpy(shape, first->shape, sizeof shape);
    for (int k = 0; k < i->input_count; k++) {
        const tarn_array *x = i->inputs[k];
        bool fits = x->ndim == first->ndim && x->dtype == first->dtype && checked_add(total, x->shape[axis], &total);
        for (int d = 0; d < x->ndim && fits; d++) fits = d == axis || x->shape[d] == first->shape[d];
        if (fits) continue;
        return fail_shapes(first, " and ", x, "concatenate: along axis %d, inputs 0 and %d do not go together", axis,
                           k);
    }
    shape[axis] = total;
    return types_add(i, first->dtype, first->ndim, shape);
}

/* Inputs converted to their common dtype; the list is the caller's (memory_free). */
static tarn_array **promoted(const char *op, tarn_array *const *arrays, int count) {
    if (count < 1 || !arrays) return tarn_fail("%s: no arrays given", op), NULL;
    for (int i = 0; i < count; i++)
        if (!arrays[i]) return tarn_fail("%s: array %d is NULL", op, i), NULL;
    tarn_dtype dtype = arrays[0]->dtype;
    for (int i = 1; i < count; i++) dtype = dtype_promote(dtype, arrays[i]->dtype);
    tarn_array **list = NEW_ARRAY(tarn_array *, count);
    for (int i = 0; list && i < count; i++)
        list[i] = arrays[i]->dtype == dtype ? arrays[i] : tarn_astype(arrays[i], dtype);
    return list;
}

tarn_array *tarn_concatenate_with(tarn_array *const *arrays, int count, tarn_axis_options o) {
    tarn_array **list = promoted("concatenate", arrays, count);
    tarn_array *out =
        list ? build(OP_concatenate, list, count, &(attributes_concatenate){.axis = axis_or(o.axis, 0)}) : NULL;
    memory_free(list);
    return out;
}

tarn_array *tarn_stack_with(tarn_array *const *arrays, int count, tarn_axis_options o) {
    FRONT("stack");
    tarn_array **list = promoted("stack", arrays, count), *out = NULL;
    for (int i = 1; list && i < count && tarn_ok(); i++)
        if (!array_same_shape(arrays[0], arrays[i]))
            fail_shapes(arrays[0], " and ", arrays[i], "stack: arrays 0 and %d differ in shape", i);
    for (int i = 0; list && i < count; i++) list[i] = tarn_expand_dims(list[i], TARN_AXES(axis_or(o.axis, 0)));
    if (list) out = build(OP_concatenate, list, count, &(attributes_concatenate){.axis = axis_or(o.axis, 0)});
    memory_free(list);
    return out;
}

/* Each array with as many axes as it needs, joined along the axis that the first of them then has. */
static tarn_array *joined_after(const char *name, tarn_array *(*grow)(tarn_array *), tarn_array *const *arrays,
                                int count, int axis) {
    tarn_array **list = promoted(name, arrays, count), *out = NULL;
    for (int i = 0; list && i < count; i++) list[i] = grow(list[i]);
    if (list && list[0]) {
        int along = axis < list[0]->ndim ? axis : 0;
        out = build(OP_concatenate, list, count, &(attributes_concatenate){.axis = along});
    }
    memory_free(list);
    return out;
}

tarn_array *tarn_vstack(tarn_array *const *arrays, int count) {
    FRONT("vstack");
    return joined_after("vstack", tarn_atleast_2d, arrays, count, 0);
}

tarn_array *tarn_hstack(tarn_array *const *arrays, int count) {
    FRONT("hstack");
    return joined_after("hstack", tarn_atleast_1d, arrays, count, 1);
}

const op_rules rules_concatenate = {
    .infer = infer_concatenate, .vjp = vjp_concatenate, .jvp = jvp_concatenate, .vmap = vmap_concatenate};
