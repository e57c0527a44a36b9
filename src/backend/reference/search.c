/* searchsorted: each value is looked for by halves. */
#include "reference/reference.h"
#include "reference/value.h"

/* How many of the row's elements are below v, or not above it. */
static int64_t search_row(const operand *sorted, const char *row, value v, bool right) {
    value_class class = value_class_of(sorted->dtype);
    int64_t low = 0, high = sorted->shape[sorted->ndim - 1],
            step = sorted->strides[sorted->ndim - 1] * dtype_bytes(sorted->dtype);
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        value at = value_loader_of(sorted->dtype)(row + middle * step);
        if (right ? !value_less(v, at, class) : value_less(at, v, class))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool run(const call *c) {
    const operand *sorted = &c->inputs[0], *values = &c->inputs[1], *out = &c->outputs[0];
    unsigned batch = (1u << (sorted->ndim - 1)) - 1, rest = all_axes(values) & ~batch;
    bool right = ((const attributes_searchsorted *)c->attributes)->right;
    cursor row = cursor_of_axes(sorted, sorted->data, batch), at = cursor_of_axes(values, values->data, batch),
           to = cursor_of_axes(out, out->data, batch);
    for (; row.left > 0; cursor_next(&row), cursor_next(&at), cursor_next(&to)) {
        cursor value_at = cursor_of_axes(values, at.at, rest), place = cursor_of_axes(out, to.at, rest);
        for (; place.left > 0; cursor_next(&value_at), cursor_next(&place)) {
            value v = value_loader_of(values->dtype)(value_at.at);
            value_storer_of(out->dtype)(place.at, (value){.i = search_row(sorted, row.at, v, right)});
        }
    }
    return true;
}

const kernel_row reference_searchsorted = {REFERENCE_ROW(searchsorted), .run = run};
