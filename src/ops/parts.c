/* Parts of arrays as views, slices and what an axis is split into: their shapes, and the C functions. */
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "ops/front.h"
#include "ops/rules.h"
#include "ops/view.h"

/* ---- slice */

static int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

/* Python's slice on an axis of `size`: start, stop and step as the caller gave them (negative from the end, clamped).
 * step must not be 0.
 */
static slice_range slice_resolve(int64_t size, int64_t start, int64_t stop, int64_t step) {
    int64_t low = step > 0 ? 0 : -1, high = step > 0 ? size : size - 1;
    start = clamp(start < 0 ? start + size : start, low, high);
    stop = clamp(stop < 0 ? stop + size : stop, low, high);
    int64_t distance = step > 0 ? stop - start : start - stop, stride = step > 0            ? step
                                                                        : step == INT64_MIN ? INT64_MAX
                                                                                            : -step;
    int64_t count = distance > 0 ? (distance - 1) / stride + 1 : 0;
    return (slice_range){count ? start : 0, count > 1 ? step : 1, count};
}

bool slice_ranges(const attributes_slice *a, const tarn_array *x, slice_range *ranges) {
    if (a->start.count != a->stop.count || a->start.count > x->ndim ||
        (a->step.values && a->step.count != a->start.count))
        return tarn_fail("slice: %lld starts, %lld stops and %lld steps for an array of %d axes",
                         (long long)a->start.count, (long long)a->stop.count, (long long)a->step.count, x->ndim);
    for (int i = 0; i < x->ndim; i++) {
        bool given = i < a->start.count;
        int64_t step = given && a->step.values ? a->step.values[i] : 1;
        if (step == 0) return tarn_fail("slice: the step of axis %d is 0", i);
        ranges[i] = given ? slice_resolve(x->shape[i], a->start.values[i], a->stop.values[i], step)
                          : (slice_range){0, 1, x->shape[i]};
    }
    return true;
}

static bool infer_slice(inference *i) {
    const tarn_array *x = i->inputs[0];
    slice_range ranges[TARN_MAX_NDIM];
    int64_t shape[TARN_MAX_NDIM];
    if (!slice_ranges(i->attributes, x, ranges)) return false;
    for (int k = 0; k < x->ndim; k++) shape[k] = ranges[k].count;
    return types_add(i, x->dtype, x->ndim, shape);
}

tarn_array *tarn_slice_with(tarn_array *x, tarn_ints start, tarn_ints stop, tarn_slice_options o) {
    return BUILD(slice, (&(attributes_slice){.start = start, .stop = stop, .step = o.step}), x);
}

tarn_array *tarn_slice_axis(tarn_array *x, int64_t axis, int64_t start, int64_t stop) {
    FRONT("slice_axis");
    REQUIRE(x);
    int place;
    if (!check_axis("slice_axis", axis, x->ndim, &place)) return NULL;
    int64_t starts[TARN_MAX_NDIM], stops[TARN_MAX_NDIM];
    for (int i = 0; i < place; i++) starts[i] = 0, stops[i] = INT64_MAX;
    starts[place] = start;
    stops[place] = stop;
    return tarn_slice(x, ((tarn_ints){starts, place + 1}), ((tarn_ints){stops, place + 1}));
}

tarn_array *slice_turned(tarn_array *a, const bool *backwards) {
    int64_t start[TARN_MAX_NDIM], stop[TARN_MAX_NDIM], step[TARN_MAX_NDIM];
    for (int i = 0; i < a->ndim; i++) {
        start[i] = backwards[i] ? -1 : 0;
        stop[i] = backwards[i] ? INT64_MIN : INT64_MAX;
        step[i] = backwards[i] ? -1 : 1;
    }
    return tarn_slice(a, ((tarn_ints){start, a->ndim}), ((tarn_ints){stop, a->ndim}), .step = {step, a->ndim});
}

tarn_array *slice_put(tarn_array *x, tarn_array *block, const slice_range *ranges) {
    int64_t axes[TARN_MAX_NDIM], starts[TARN_MAX_NDIM], steps[TARN_MAX_NDIM];
    bool backwards[TARN_MAX_NDIM], any = false;
    int count = 0;
    if (!x) return NULL;
    for (int i = 0; i < x->ndim; i++) {
        slice_range r = ranges[i];
        backwards[i] = r.step < 0;
        any = any || backwards[i];
        if (r.count == x->shape[i] && r.step == 1) continue;
        axes[count] = i;
        steps[count] = backwards[i] ? -r.step : r.step;
        starts[count++] = backwards[i] && r.count > 0 ? r.start + (r.count - 1) * r.step : r.start;
    }
    if (any) block = slice_turned(block, backwards);
    if (!block || count == 0) return block;
    tarn_array *start = tarn_from_data(starts, TARN_SHAPE(count), TARN_INT64);
    return tarn_slice_update(x, block, start, ((tarn_ints){axes, count}), .step = {steps, count});
}

/* ---- split */

static int64_t split_parts(const attributes_split *a) {
    return a->indices.values ? a->indices.count + 1 : a->sections;
}

bool split_bounds(const attributes_split *a, const tarn_array *x, int *axis, int64_t i, int64_t *begin, int64_t *end) {
    if (!check_axis("split", a->axis, x->ndim, axis)) return false;
    int64_t size = x->shape[*axis];
    if (!a->indices.values) {
        if (a->sections < 1 || size % a->sections)
            return tarn_fail("split: an axis of size %lld does not split into %lld equal parts", (long long)size,
                             (long long)a->sections);
        *begin = size / a->sections * i;
        *end = size / a->sections * (i + 1);
        return true;
    }
    *begin = i == 0 ? 0 : slice_resolve(size, a->indices.values[i - 1], INT64_MAX, 1).start;
    if (i > 0 && slice_resolve(size, a->indices.values[i - 1], INT64_MAX, 1).count == 0) *begin = size;
    *end = i == a->indices.count
               ? size
               : clamp(a->indices.values[i] < 0 ? a->indices.values[i] + size : a->indices.values[i], 0, size);
    if (*end < *begin) *end = *begin;
    return true;
}

static bool infer_split(inference *i) {
    const tarn_array *x = i->inputs[0];
    const attributes_split *a = i->attributes;
    int axis;
    if (!check_axis("split", a->axis, x->ndim, &axis)) return false;
    if (split_parts(a) < 1 || split_parts(a) > INT32_MAX)
        return tarn_fail("split: %lld sections", (long long)a->sections);
    int64_t shape[TARN_MAX_NDIM];
    memcpy(shape, x->shape, sizeof shape);
    for (int64_t k = 0, begin = 0, end = 0; k < split_parts(a); k++) {
        if (!split_bounds(a, x, &axis, k, &begin, &end)) return false;
        shape[axis] = end - begin;
        if (!types_add(i, x->dtype, x->ndim, shape)) return false;
    }
    return true;
}

static bool split_into(tarn_array *x, const attributes_split *a, tarn_array **parts) {
    if (!parts) return tarn_fail("split: the list of parts is NULL");
    node *n = build_node(OP_split, &x, 1, a);
    for (int i = 0; n && i < n->output_count; i++) parts[i] = &n->outputs[i];
    return n != NULL;
}

bool tarn_split_with(tarn_array *x, int64_t sections, tarn_array **parts, tarn_axis_options o) {
    return split_into(x, &(attributes_split){.sections = sections, .axis = axis_or(o.axis, 0)}, parts);
}

bool tarn_split_at_with(tarn_array *x, tarn_ints indices, tarn_array **parts, tarn_axis_options o) {
    FRONT("split_at");
    return split_into(
        x, &(attributes_split){.indices = indices.count ? indices : TARN_NO_AXES, .axis = axis_or(o.axis, 0)}, parts);
}

const op_rules rules_slice = {
    .infer = infer_slice, .layout = layout_slice, .vjp = vjp_slice, .jvp = jvp_linear, .vmap = vmap_slice};
const op_rules rules_split = {
    .infer = infer_split, .layout = layout_split, .vjp = vjp_split, .jvp = jvp_linear, .vmap = vmap_split};
