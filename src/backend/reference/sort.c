/* sort and argsort: a stable merge sort of one row after the other in the workspace. */
#include <string.h>

#include "reference/reference.h"
#include "reference/value.h"

typedef struct {
    value v;
    int64_t index;
} item;

/* Merges the sorted runs from[begin .. middle) and from[middle .. end). */
static void merge(item *to, const item *from, int64_t begin, int64_t middle, int64_t end, value_class class) {
    for (int64_t i = begin, j = middle, k = begin; k < end; k++) {
        bool right = i == middle || (j < end && value_less(from[j].v, from[i].v, class));
        to[k] = right ? from[j++] : from[i++];
    }
}

/* Sorts items[0 .. n) with as much room behind them; returns where the result is. */
static const item *sort_items(item *items, int64_t n, value_class class) {
    item *from = items, *to = items + n;
    for (int64_t width = 1; width < n; width *= 2) {
        for (int64_t begin = 0; begin < n; begin += 2 * width) {
            int64_t middle = begin + width < n ? begin + width : n, end = middle + width < n ? middle + width : n;
            merge(to, from, begin, middle, end, class);
        }
        item *sorted = to;
        to = from;
        from = sorted;
    }
    return from;
}

/* One row; for sort the elements themselves are copied, so that every NaN keeps its bits. */
static void sort_row(const call *c, cursor to, cursor at) {
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    const char *first = at.at;
    int64_t n = at.left, step = n > 0 ? at.strides[0] * at.bytes : 0;
    item *items = c->workspace;
    for (int64_t i = 0; i < n; i++) items[i] = (item){value_loader_of(x->dtype)(first + i * step), i};
    const item *sorted = sort_items(items, n, value_class_of(x->dtype));
    for (; to.left > 0; cursor_next(&to), sorted++) {
        if (c->op == OP_sort)
            memcpy(to.at, first + sorted->index * step, (size_t)at.bytes);
        else
            value_storer_of(out->dtype)(to.at, (value){.i = sorted->index});
    }
}

static int sorted_axis(const call *c) {
    int64_t axis = c->op == OP_sort ? ((const attributes_sort *)c->attributes)->axis
                                    : ((const attributes_argsort *)c->attributes)->axis;
    return axis_normal(axis, c->inputs[0].ndim);
}

static bool run(const call *c) {
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    int axis = sorted_axis(c);
    unsigned others = all_axes(x) & ~(1u << axis);
    cursor to = cursor_of_axes(out, out->data, others), from = cursor_of_axes(x, x->data, others);
    for (; to.left > 0; cursor_next(&to), cursor_next(&from))
        sort_row(c, cursor_of_axes(out, to.at, 1u << axis), cursor_of_axes(x, from.at, 1u << axis));
    return true;
}

static int64_t workspace(const call *c) {
    return 2 * c->inputs[0].shape[sorted_axis(c)] * (int64_t)sizeof(item);
}

const kernel_row reference_sort = {REFERENCE_ROW(sort), .workspace = workspace, .run = run};
const kernel_row reference_argsort = {REFERENCE_ROW(argsort), .workspace = workspace, .run = run};
