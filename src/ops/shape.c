/* Functions on shapes that are made of other views: flip, unstack, atleast_*, broadcasting of several arrays. */
#include <string.h>

#include "base/memory.h"
#include "ops/front.h"
#include "ops/view.h"

tarn_array *tarn_flip_with(tarn_array *x, tarn_axes_options o) {
    FRONT("flip");
    REQUIRE(x);
    REQUIRE_LIST(o.axes);
    bool backwards[TARN_MAX_NDIM];
    for (int i = 0; i < x->ndim; i++) backwards[i] = !o.axes.values;
    for (int64_t i = 0; i < o.axes.count; i++) {
        int axis;
        if (!check_axis("flip", o.axes.values[i], x->ndim, &axis)) return NULL;
        backwards[axis] = true;
    }
    return slice_turned(x, backwards);
}

bool tarn_unstack_with(tarn_array *x, tarn_array **parts, tarn_axis_options o) {
    FRONT("unstack");
    REQUIRE(x);
    int axis;
    if (!parts) return tarn_fail("unstack: the list of parts is NULL");
    if (!check_axis("unstack", axis_or(o.axis, 0), x->ndim, &axis)) return false;
    int64_t count = x->shape[axis];
    if (count == 0) return true;
    bool ok = tarn_split(x, count, parts, .axis = TARN_AXIS(axis));
    for (int64_t i = 0; i < count && ok; i++) ok = (parts[i] = tarn_squeeze(parts[i], .axes = TARN_AXES(axis))) != NULL;
    return ok;
}

/* ---- at least so many axes */

static tarn_array *with_axes(const char *name, tarn_array *x, tarn_ints of_0d, tarn_ints of_1d, tarn_ints of_2d) {
    FRONT(name);
    REQUIRE(x);
    tarn_ints axes = x->ndim == 0 ? of_0d : x->ndim == 1 ? of_1d : x->ndim == 2 ? of_2d : TARN_NO_AXES;
    return tarn_expand_dims(x, axes);
}

tarn_array *tarn_atleast_1d(tarn_array *x) {
    return with_axes("atleast_1d", x, TARN_AXES(0), TARN_NO_AXES, TARN_NO_AXES);
}
tarn_array *tarn_atleast_2d(tarn_array *x) {
    return with_axes("atleast_2d", x, TARN_AXES(0, 1), TARN_AXES(0), TARN_NO_AXES);
}
tarn_array *tarn_atleast_3d(tarn_array *x) {
    return with_axes("atleast_3d", x, TARN_AXES(0, 1, 2), TARN_AXES(0, 2), TARN_AXES(2));
}

/* ---- several arrays, or shapes */

/* What the arrays broadcast to is the shape of a comparison of them that is not computed. */
bool tarn_broadcast_arrays(tarn_array *const *arrays, int count, tarn_array **out) {
    FRONT("broadcast_arrays");
    if (count < 0 || (count && (!arrays || !out)))
        return tarn_fail("broadcast_arrays: %d arrays%s", count, count < 0 ? "" : " at NULL");
    if (!front_require(&front_, arrays, count)) return false;
    tarn_array *like = count ? arrays[0] : NULL;
    for (int i = 1; i < count && like; i++) like = tarn_equal(like, arrays[i]);
    for (int i = 0; i < count && like; i++) out[i] = tarn_broadcast_like(arrays[i], like);
    return tarn_ok();
}

bool tarn_broadcast_shapes(const tarn_ints *shapes, int count, int64_t *shape, int *ndim) {
    FRONT("broadcast_shapes");
    array_type common = {.ndim = 0};
    if (count < 1 || !shapes || !shape || !ndim) return tarn_fail("broadcast_shapes: %d shapes", count);
    for (int i = 0; i < count; i++) {
        tarn_array shaped = {.ndim = (int)shapes[i].count};
        REQUIRE_LIST(shapes[i]);
        if (shapes[i].count > TARN_MAX_NDIM) return tarn_fail("broadcast_shapes: more than %d axes", TARN_MAX_NDIM);
        for (int64_t k = 0; k < shapes[i].count; k++)
            if (shapes[i].values[k] < 0)
                return tarn_fail("broadcast_shapes: shape %d has the size %lld", i, (long long)shapes[i].values[k]);
        if (shapes[i].count) memcpy(shaped.shape, shapes[i].values, (size_t)shapes[i].count * sizeof *shaped.shape);
        if (!broadcast_types(&common, &shaped))
            return tarn_fail("broadcast_shapes: shape %d does not go together with those before", i);
    }
    memcpy(shape, common.shape, (size_t)common.ndim * sizeof *shape);
    *ndim = common.ndim;
    return true;
}
