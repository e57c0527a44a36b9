/* Places that depend on values: nonzero and checked_indices. */
#include <string.h>

#include "base/error.h"
#include "reference/reference.h"
#include "reference/value.h"

/* ---- nonzero */

/* One mask of the batch: its index arrays, each of `size` entries. */
typedef struct {
    const call *c;
    int64_t size, found;
    int first; /* the mask's first axis in x */
    int64_t row, at[TARN_MAX_NDIM];
} search;

static void put_place(const search *s) {
    for (int i = 0; i < s->c->output_count; i++) {
        int64_t *out = s->c->outputs[i].data;
        if (out) out[s->row * s->size + s->found] = s->at[i];
    }
}

/* The next element in row-major order. */
static void step(search *s) {
    const operand *x = &s->c->inputs[0];
    for (int i = s->c->output_count - 1; i >= 0; i--) {
        if (++s->at[i] < x->shape[s->first + i]) return;
        s->at[i] = 0;
    }
}

static void fill_up(search *s, int64_t fill) {
    for (int i = 0; i < s->c->output_count; i++) s->at[i] = fill;
    for (; s->found < s->size; s->found++) put_place(s);
}

static bool search_mask(search *s, cursor x, const attributes_nonzero *a) {
    for (; x.left > 0; cursor_next(&x), step(s)) {
        if (!*x.at) continue;
        if (s->found < s->size) put_place(s);
        s->found++;
    }
    if (s->found > s->size && a->check)
        return tarn_fail("nonzero: %lld elements of a mask are true, there are values for %lld", (long long)s->found,
                         (long long)s->size);
    fill_up(s, a->fill);
    return true;
}

static bool run_nonzero(const call *c) {
    const attributes_nonzero *a = c->attributes;
    const operand *x = &c->inputs[0];
    unsigned batch = (1u << a->batch) - 1, others = all_axes(x) & ~batch;
    search s = {.c = c, .size = a->size, .first = (int)a->batch};
    bool ok = true;
    for (cursor at = cursor_of_axes(x, x->data, batch); at.left > 0 && ok; cursor_next(&at), s.row++) {
        s.found = 0;
        memset(s.at, 0, sizeof s.at);
        ok = search_mask(&s, cursor_of_axes(x, at.at, others), a);
    }
    return ok;
}

const kernel_row reference_nonzero = {REFERENCE_ROW(nonzero), .run = run_nonzero};

/* ---- checked_indices */

/* The second input is there for its shape. */
static bool run_checked_indices(const call *c) {
    const operand *indices = &c->inputs[0], *x = &c->inputs[1];
    int axis = axis_normal(((const attributes_checked_indices *)c->attributes)->axis, x->ndim);
    int64_t size = x->shape[axis];
    for (cursor at = cursor_of(indices); at.left > 0; cursor_next(&at)) {
        int64_t index = value_index(value_loader_of(indices->dtype)(at.at), value_class_of(indices->dtype));
        if (index < -size || index >= size)
            return tarn_fail_kind(TARN_ERROR_INDEX, "gather: index %lld on axis %d, which has %lld elements",
                                  (long long)index, axis, (long long)size);
    }
    cursor_copy(cursor_of(&c->outputs[0]), cursor_of(indices));
    return true;
}

const kernel_row reference_checked_indices = {REFERENCE_ROW(checked_indices), .any_address = 2,
                                              .run = run_checked_indices};
