/* x repeated as a whole along axes: one axis after the other, broadcast to a new axis before it and joined with that.
 */
#include "base/checked.h"
#include "ops/front.h"
#include "ops/fused/formula.h"

static bool infer(inference *i) {
    const tarn_array *x = i->inputs[0];
    tarn_ints reps = ((const attributes_tile *)i->attributes)->reps;
    int64_t ndim = reps.count > x->ndim ? reps.count : x->ndim, shape[TARN_MAX_NDIM];
    if (ndim > TARN_MAX_NDIM) return tarn_fail("tile: more than %d axes", TARN_MAX_NDIM);
    for (int64_t k = 1; k <= ndim; k++) {
        int64_t times = k <= reps.count ? reps.values[reps.count - k] : 1,
                size = k <= x->ndim ? x->shape[x->ndim - k] : 1;
        if (times < 0 || !checked_mul(size, times, &shape[ndim - k]))
            return tarn_fail("tile: %lld times", (long long)times);
    }
    return types_add(i, x->dtype, (int)ndim, shape);
}

/* One axis; a new one at its place holds the repetitions, or stays in the place of an axis of size 1. */
static tarn_array *tile_axis(tarn_array *x, int axis, int64_t times) {
    int64_t shape[TARN_MAX_NDIM];
    bool joins = x && x->shape[axis] != 1;
    if (joins) x = tarn_expand_dims(x, TARN_AXES(axis));
    if (!x) return NULL;
    for (int i = 0; i < x->ndim; i++) shape[i] = i == axis ? times : x->shape[i];
    x = tarn_broadcast_to(x, (tarn_ints){shape, x->ndim});
    return joins ? tarn_flatten(x, .start_axis = TARN_AXIS(axis), .end_axis = TARN_AXIS(axis + 1)) : x;
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    tarn_ints reps = ((const attributes_tile *)n->attributes)->reps;
    tarn_array *x = inputs[0];
    int ndim = n->outputs[0].ndim, missing = ndim - x->ndim;
    int64_t ones[TARN_MAX_NDIM];
    for (int i = 0; i < missing; i++) ones[i] = i;
    x = tarn_expand_dims(x, ((tarn_ints){ones, missing}));
    for (int axis = ndim - 1; x && axis >= ndim - reps.count; axis--) {
        int64_t times = reps.values[reps.count - (ndim - axis)];
        if (times != 1) x = tile_axis(x, axis, times);
    }
    outputs[0] = x;
    return x != NULL;
}

tarn_array *tarn_tile(tarn_array *x, tarn_ints reps) {
    return BUILD(tile, &(attributes_tile){.reps = reps}, x);
}

const op_rules rules_tile = {.infer = infer, .formula = formula};
