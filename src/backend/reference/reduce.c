/* reduce, arg_reduce and scan. They run in the widest type of the output's kind and round once, where a value is
 * stored. */
#include "reference/fold.h"
#include "reference/reference.h"
#include "tarn/error.h"

static unsigned axes_bits(tarn_ints axes, const operand *x) {
    if (!axes.values) return all_axes(x);
    unsigned bits = 0;
    for (int64_t i = 0; i < axes.count; i++) bits |= 1u << axis_normal(axes.values[i], x->ndim);
    return bits;
}

static bool run_reduce(const call *c) {
    const attributes_reduce *attributes = c->attributes;
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    reduce_kind kind = attributes->kind;
    value_class from = value_class_of(x->dtype), class = value_class_of(out->dtype);
    fold_function fold = fold_of(kind, class);
    if (!fold) return tarn_fail("reduce: kind %d does not give %s", (int)kind, dtype_facts[out->dtype].name);
    unsigned reduced = axes_bits(attributes->axes, x);
    value_loader load = value_loader_of(x->dtype);
    cursor kept = cursor_of_axes(x, x->data, all_axes(x) & ~reduced);
    for (cursor to = cursor_of(out); to.left > 0; cursor_next(&to), cursor_next(&kept)) {
        value result = fold_identity(kind, out->dtype);
        for (cursor at = cursor_of_axes(x, kept.at, reduced); at.left > 0; cursor_next(&at))
            result = fold(result, value_widen(load(at.at), from, class));
        value_storer_of(out->dtype)(to.at, value_convert(result, class, out->dtype));
    }
    return true;
}

/* Whether b, which comes later, takes the place of a. */
static bool beats(value b, value a, bool least, value_class class) {
    if (value_is_nan(a, class) || value_is_nan(b, class)) return !value_is_nan(a, class);
    return least ? value_less(b, a, class) : value_less(a, b, class);
}

static int64_t best_of(cursor at, value_loader load, bool least, value_class class) {
    int64_t best = 0;
    value best_value = load(at.at);
    for (int64_t i = 0; at.left > 0; i++, cursor_next(&at)) {
        value v = load(at.at);
        if (!beats(v, best_value, least, class)) continue;
        best = i;
        best_value = v;
    }
    return best;
}

static bool run_arg_reduce(const call *c) {
    const attributes_arg_reduce *attributes = c->attributes;
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    int axis = axis_normal(attributes->axis, x->ndim);
    value_class class = value_class_of(x->dtype);
    cursor to = cursor_of(out), kept = cursor_of_axes(x, x->data, all_axes(x) & ~(1u << axis));
    if (to.left > 0 && x->shape[axis] == 0)
        return tarn_fail("arg_reduce: axis %d is empty, so that nothing in it is largest", axis);
    for (; to.left > 0; cursor_next(&to), cursor_next(&kept)) {
        int64_t best =
            best_of(cursor_of_axes(x, kept.at, 1u << axis), value_loader_of(x->dtype), attributes->least, class);
        value_storer_of(out->dtype)(to.at, (value){.i = best});
    }
    return true;
}

/* The axis of o from its last element to its first. */
static operand reversed(const operand *o, char **first, int axis, int64_t *strides) {
    operand r = *o;
    for (int i = 0; i < o->ndim; i++) strides[i] = o->strides[i];
    *first += (o->shape[axis] - 1) * o->strides[axis] * dtype_bytes(o->dtype);
    strides[axis] = -strides[axis];
    r.strides = strides;
    return r;
}

typedef struct {
    reduce_kind kind;
    bool exclusive;
    tarn_dtype from, to;
} scan_facts;

static void scan_row(scan_facts facts, cursor to, cursor at) {
    value_class class = value_class_of(facts.to), from = value_class_of(facts.from);
    fold_function fold = fold_of(facts.kind, class);
    value running = fold_identity(facts.kind, facts.to);
    for (; to.left > 0; cursor_next(&to), cursor_next(&at)) {
        value next = fold(running, value_widen(value_loader_of(facts.from)(at.at), from, class));
        value_storer_of(facts.to)(to.at, value_convert(facts.exclusive ? running : next, class, facts.to));
        running = next;
    }
}

static bool run_scan(const call *c) {
    const attributes_scan *attributes = c->attributes;
    operand x = c->inputs[0], out = c->outputs[0];
    int axis = axis_normal(attributes->axis, x.ndim);
    scan_facts facts = {attributes->kind, attributes->exclusive, x.dtype, out.dtype};
    if (!fold_of(facts.kind, value_class_of(out.dtype)))
        return tarn_fail("scan: kind %d does not give %s", (int)facts.kind, dtype_facts[out.dtype].name);
    if (operand_size(&out) == 0) return true;
    int64_t strides[2][TARN_MAX_NDIM];
    char *from = x.data, *to = out.data;
    if (attributes->reverse) x = reversed(&x, &from, axis, strides[0]), out = reversed(&out, &to, axis, strides[1]);
    unsigned others = all_axes(&x) & ~(1u << axis);
    cursor row_to = cursor_of_axes(&out, to, others), row_from = cursor_of_axes(&x, from, others);
    for (; row_to.left > 0; cursor_next(&row_to), cursor_next(&row_from))
        scan_row(facts, cursor_of_axes(&out, row_to.at, 1u << axis), cursor_of_axes(&x, row_from.at, 1u << axis));
    return true;
}

const kernel_row reference_reduce = {REFERENCE_ROW(reduce), .run = run_reduce};
const kernel_row reference_arg_reduce = {REFERENCE_ROW(arg_reduce), .run = run_arg_reduce};
const kernel_row reference_scan = {REFERENCE_ROW(scan), .run = run_scan};
