#include "reference/product.h"

#include <string.h>

/* Columns multiplied at a time: each is read once, each row once for every so many columns. */
enum { PANEL = 16 };

#define DOT(name, slot)                                                                                                \
    static void name(value *sums, const value *row, const value *panel, int64_t k) {                                   \
        for (int64_t l = 0; l < k; l++)                                                                                \
            for (int j = 0; j < PANEL; j++) sums[j].slot += row[l].slot * panel[l * PANEL + j].slot;                   \
    }
DOT(dot_integer, u)
DOT(dot_float, d)
DOT(dot_double, l)
DOT(dot_complex, c)

static void (*const dots[CLASS_COUNT])(value *, const value *, const value *, int64_t) = {
    [CLASS_BOOL] = dot_integer, [CLASS_UNSIGNED] = dot_integer, [CLASS_SIGNED] = dot_integer,
    [CLASS_FLOAT] = dot_float,  [CLASS_DOUBLE] = dot_double,    [CLASS_COMPLEX] = dot_complex,
};

/* A count of true products is a truth. */
static value rounded(value sum, tarn_dtype dtype) {
    value_class class = value_class_of(dtype);
    return value_convert(sum, class == CLASS_BOOL ? CLASS_UNSIGNED : class, dtype);
}

/* Columns first .. first + count of the result. */
static void run_panel(const product *p, int64_t first, int count, value *panel, value *row) {
    value_class class = value_class_of(p->dtype);
    for (int64_t l = 0; l < p->k; l++)
        for (int j = 0; j < PANEL; j++)
            panel[l * PANEL + j] = j < count ? p->right(p->right_matrix, l, first + j) : value_of_integer(0, class);
    int64_t bytes = dtype_bytes(p->dtype);
    for (int64_t i = 0; i < p->m; i++) {
        value sums[PANEL];
        for (int j = 0; j < PANEL; j++) sums[j] = value_of_integer(0, class);
        for (int64_t l = 0; l < p->k; l++) row[l] = p->left(p->left_matrix, i, l);
        dots[class](sums, row, panel, p->k);
        for (int j = 0; j < count; j++)
            value_storer_of(p->dtype)(p->out + (i * p->n + first + j) * bytes, rounded(sums[j], p->dtype));
    }
}

void product_run(const product *p, void *workspace) {
    value *panel = workspace, *row = panel + p->k * PANEL;
    for (int64_t first = 0; first < p->n; first += PANEL)
        run_panel(p, first, p->n - first < PANEL ? (int)(p->n - first) : PANEL, panel, row);
}

int64_t product_workspace(int64_t k) {
    return k * (PANEL + 1) * (int64_t)sizeof(value);
}

dense_matrix dense_matrix_of(const operand *o, value_class class) {
    int64_t bytes = dtype_bytes(o->dtype);
    return (dense_matrix){o->data,
                          o->strides[o->ndim - 2] * bytes,
                          o->strides[o->ndim - 1] * bytes,
                          value_loader_of(o->dtype),
                          value_class_of(o->dtype),
                          class};
}

value dense_entry(const void *matrix, int64_t row, int64_t column) {
    const dense_matrix *d = matrix;
    return value_widen(d->load(d->data + row * d->row_step + column * d->column_step), d->from, d->to);
}

cursor leading_axes(const operand *o, const operand *out) {
    operand leading = *o;
    leading.ndim -= 2;
    return cursor_broadcast(&leading, out->shape, out->ndim - 2);
}
