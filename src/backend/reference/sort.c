/* sort and argsort: a stable merge sort of one row after the other in the workspace. Of a part, what lies before and
   behind it comes in the order of the row. */
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
static item *sort_items(item *items, int64_t n, value_class class) {
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

/* sort and argsort have the same attributes. */
static const attributes_sort *attributes_of(const call *c) {
    return c->attributes;
}

/* Items [begin, end) in the order of the row, with room for twice as many. */
static void order_of_row(item *items, int64_t begin, int64_t end, item *room) {
    for (int64_t i = begin; i < end; i++) room[i - begin] = (item){{.i = items[i].index}, i};
    const item *order = sort_items(room, end - begin, CLASS_SIGNED);
    for (int64_t i = begin; i < end; i++) items[i].index = order[i - begin].v.i;
}

static void keep_part(const attributes_sort *a, item *sorted, int64_t n, item *room) {
    if (!a->part) return;
    order_of_row(sorted, 0, a->first < 0 ? a->first + n : a->first, room);
    order_of_row(sorted, (a->last < 0 ? a->last + n : a->last) + 1, n, room);
}

/* One row; for sort the elements themselves are copied, so that every NaN keeps its bits. */
static void sort_row(const call *c, cursor to, cursor at) {
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    const char *first = at.at;
    int64_t n = at.left, step = n > 0 ? at.strides[0] * at.bytes : 0;
    item *items = c->workspace;
    for (int64_t i = 0; i < n; i++) items[i] = (item){value_loader_of(x->dtype)(first + i * step), i};
    item *sorted = sort_items(items, n, value_class_of(x->dtype));
    keep_part(attributes_of(c), sorted, n, items + 2 * n);
    for (; to.left > 0; cursor_next(&to), sorted++) {
        if (c->op == OP_sort)
            memcpy(to.at, first + sorted->index * step, (size_t)at.bytes);
        else
            value_storer_of(out->dtype)(to.at, (value){.i = sorted->index});
    }
}

static int sorted_axis(const call *c) {
    return axis_normal(attributes_of(c)->axis, c->inputs[0].ndim);
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
    return (attributes_of(c)->part ? 4 : 2) * c->inputs[0].shape[sorted_axis(c)] * (int64_t)sizeof(item);
}

const kernel_row reference_sort = {REFERENCE_ROW(sort), .workspace = workspace, .run = run};
const kernel_row reference_argsort = {REFERENCE_ROW(argsort), .workspace = workspace, .run = run};
