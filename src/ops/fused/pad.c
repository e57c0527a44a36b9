/* x with elements put before and behind it along each axis: a value, the last element, or x mirrored. */
#include "base/checked.h"
#include "ops/front.h"
#include "ops/fused/formula.h"

/* What an entry of a list of one or ndim numbers is for an axis. */
static int64_t entry(tarn_ints list, int axis) {
    return list.values[list.count == 1 ? 0 : axis];
}

static bool check_axis_pad(const tarn_array *x, int axis, int64_t low, int64_t high, tarn_pad_mode mode) {
    if (low < 0 || high < 0)
        return tarn_fail("pad: %lld elements before and %lld behind axis %d", (long long)low, (long long)high, axis);
    if (mode == TARN_PAD_CONSTANT || x->shape[axis] > 0 || (low == 0 && high == 0)) return true;
    return tarn_fail("pad: axis %d has no elements to repeat", axis);
}

static bool check_value(const tarn_array *x, const tarn_array *value) {
    if (!value || (array_size(value) == 1 && value->ndim == 0 && value->dtype == x->dtype)) return true;
    return fail_shapes(value, " for ", x, "pad: the value is not one element of x's dtype");
}

static bool infer(inference *i) {
    const tarn_array *x = i->inputs[0];
    const attributes_pad *a = i->attributes;
    int64_t shape[TARN_MAX_NDIM];
    bool lists = (a->low.count == x->ndim || a->low.count == 1) && (a->high.count == x->ndim || a->high.count == 1);
    if (!lists)
        return tarn_fail("pad: %lld and %lld widths for %d axes", (long long)a->low.count, (long long)a->high.count,
                         x->ndim);
    if (!check_value(x, i->input_count > 1 ? i->inputs[1] : NULL)) return false;
    for (int k = 0; k < x->ndim; k++) {
        int64_t low = entry(a->low, k), high = entry(a->high, k);
        if (!check_axis_pad(x, k, low, high, a->mode)) return false;
        if (!checked_add(x->shape[k], low, &shape[k]) || !checked_add(shape[k], high, &shape[k]))
            return tarn_fail("pad: axis %d would have too many elements", k);
    }
    return types_add(i, x->dtype, x->ndim, shape);
}

/* ---- a value: x is written into an array of it */
static tarn_array *pad_constant(const node *n, tarn_array *const *inputs) {
    const attributes_pad *a = n->attributes;
    tarn_array *x = inputs[0], *value = n->input_count > 1 && inputs[1] ? inputs[1] : tarn_scalar_like(0, x);
    int64_t axes[TARN_MAX_NDIM], start[TARN_MAX_NDIM];
    for (int k = 0; k < x->ndim; k++) axes[k] = k, start[k] = entry(a->low, k);
    tarn_array *starts = tarn_from_data(start, TARN_SHAPE(x->ndim), TARN_INT64);
    return tarn_slice_update(tarn_broadcast_to(value, array_shape(&n->outputs[0])), x, starts,
                             ((tarn_ints){axes, x->ndim}));
}

/* ---- x itself: joined with what stands before and behind */
static tarn_array *repeated(tarn_array *x, int axis, int64_t from, int64_t count) {
    int64_t shape[TARN_MAX_NDIM];
    tarn_array *one = tarn_slice_axis(x, axis, from, from + 1);
    for (int i = 0; i < x->ndim; i++) shape[i] = i == axis ? count : x->shape[i];
    return tarn_broadcast_to(one, (tarn_ints){shape, x->ndim});
}

static tarn_array *mirrored(tarn_array *x, int axis, int64_t from, int64_t count) {
    return tarn_flip(tarn_slice_axis(x, axis, from, from + count), .axes = TARN_AXES(axis));
}

static tarn_array *pad_edge(tarn_array *x, int axis, int64_t low, int64_t high) {
    tarn_array *parts[3] = {repeated(x, axis, 0, low), x, repeated(x, axis, x->shape[axis] - 1, high)};
    return tarn_concatenate(parts, 3, .axis = TARN_AXIS(axis));
}

/* How many of these elements this turn puts on a side: all, if it is the last. A side where fewer are left than may be
   mirrored waits for that turn, or its edge would be no place where the whole mirrors itself. */
static int64_t mirrored_now(int64_t left, int64_t most, bool last) {
    return last ? left : left < most ? 0 : most;
}

/* What is mirrored is mirrored again until it is enough. `shared`: the element at the edge is not repeated. */
static tarn_array *pad_mirror(tarn_array *x, int axis, int64_t low, int64_t high, bool shared) {
    while (x && (low || high)) {
        int64_t size = x->shape[axis], most = size - shared;
        bool last = low <= most && high <= most;
        int64_t before = mirrored_now(low, most, last), behind = mirrored_now(high, most, last);
        tarn_array *parts[3] = {mirrored(x, axis, shared, before), x,
                                mirrored(x, axis, size - shared - behind, behind)};
        x = tarn_concatenate(parts, 3, .axis = TARN_AXIS(axis));
        low -= before;
        high -= behind;
    }
    return x;
}

static bool formula(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const attributes_pad *a = n->attributes;
    tarn_array *x = tarn_slice(inputs[0], TARN_NO_AXES, TARN_NO_AXES);
    if (a->mode == TARN_PAD_CONSTANT) x = pad_constant(n, inputs);
    for (int k = 0; x && a->mode != TARN_PAD_CONSTANT && k < x->ndim; k++) {
        int64_t low = entry(a->low, k), high = entry(a->high, k);
        bool single = a->mode == TARN_PAD_REFLECT && x->shape[k] == 1; /* nothing to mirror but the edge */
        if (low == 0 && high == 0) continue;
        x = single || a->mode == TARN_PAD_EDGE ? pad_edge(x, k, low, high)
                                               : pad_mirror(x, k, low, high, a->mode == TARN_PAD_REFLECT);
    }
    outputs[0] = x;
    return x != NULL;
}

tarn_array *tarn_pad_with(tarn_array *x, tarn_ints before, tarn_ints behind, tarn_pad_options o) {
    FRONT("pad");
    REQUIRE(x);
    if (o.value && o.value->dtype != x->dtype) o.value = tarn_astype(o.value, x->dtype);
    attributes_pad a = {.low = before, .high = behind, .mode = o.mode};
    return build(OP_pad, (tarn_array *[]){x, o.value}, o.value ? 2 : 1, &a);
}

const op_rules rules_pad = {.infer = infer, .formula = formula};
