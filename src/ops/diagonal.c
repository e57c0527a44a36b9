/* Diagonals: a view of two axes, its gradient, and matrices made from one. */
#include "ops/batch.h"
#include "ops/front.h"
#include "ops/rules.h"
#include "ops/view.h"

bool diagonal_axes(const attributes_diagonal *a, int ndim, diagonal_place *d) {
    if (ndim < 2) return tarn_fail("diagonal: x has %d axes", ndim);
    if (!check_axis("diagonal", a->axis1, ndim, &d->rows) || !check_axis("diagonal", a->axis2, ndim, &d->columns))
        return false;
    if (d->rows == d->columns) return tarn_fail("diagonal: axis %d is given twice", d->rows);
    d->row = a->offset < 0 ? a->offset == INT64_MIN ? INT64_MAX : -a->offset : 0;
    d->column = a->offset > 0 ? a->offset : 0;
    return true;
}

int64_t diagonal_length(const diagonal_place *d, const int64_t *shape) {
    int64_t down = shape[d->rows] - d->row, right = shape[d->columns] - d->column, least = down < right ? down : right;
    return least > 0 ? least : 0;
}

static bool infer_diagonal(inference *i) {
    const tarn_array *x = i->inputs[0];
    diagonal_place d;
    int64_t shape[TARN_MAX_NDIM];
    int count = 0;
    if (!diagonal_axes(i->attributes, x->ndim, &d)) return false;
    for (int k = 0; k < x->ndim; k++)
        if (k != d.rows && k != d.columns) shape[count++] = x->shape[k];
    shape[count++] = diagonal_length(&d, x->shape);
    return types_add(i, x->dtype, count, shape);
}

/* The axes of the diagonal's matrices last, or from there back in their places. */
static tarn_array *matrices_last(tarn_array *x, int ndim, const diagonal_place *d, bool back) {
    int64_t order[TARN_MAX_NDIM], there[TARN_MAX_NDIM];
    for (int i = 0, next = 0; i < ndim; i++) {
        there[i] = i == d->rows ? ndim - 2 : i == d->columns ? ndim - 1 : next++;
        order[there[i]] = i;
    }
    return tarn_transpose(x, .axes = {back ? there : order, ndim});
}

tarn_array *diagonal_put(tarn_array *x, tarn_array *diagonal, const attributes_diagonal *a) {
    diagonal_place d;
    if (!x || !diagonal || !diagonal_axes(a, x->ndim, &d)) return NULL;
    int ndim = x->ndim;
    int64_t columns = x->shape[d.columns], rows = x->shape[d.rows];
    if (diagonal_length(&d, x->shape) == 0) return x;
    int64_t start = d.row * columns + d.column;
    tarn_array *flat = tarn_flatten(matrices_last(x, ndim, &d, false), .start_axis = TARN_AXIS(-2));
    flat = tarn_slice_update(flat, diagonal, tarn_from_data(&start, TARN_SHAPE(1), TARN_INT64), TARN_AXES(-1),
                             .step = TARN_INTS(columns + 1));
    return matrices_last(tarn_unflatten(flat, -1, TARN_SHAPE(rows, columns)), ndim, &d, true);
}

bool vjp_diagonal(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    if (wanted[0]) gradients[0] = diagonal_put(zeros_view(cotangents[0], n->inputs[0]), cotangents[0], n->attributes);
    return tarn_ok();
}

bool vmap_diagonal(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    attributes_diagonal a = *(const attributes_diagonal *)n->attributes;
    int ndim = n->inputs[0]->ndim;
    a.axis1 = batch_axis(a.axis1, ndim);
    a.axis2 = batch_axis(a.axis2, ndim);
    return batch_result(BUILD(diagonal, &a, batch_front(inputs[0], axes[0])), 0, outputs, output_axes);
}

tarn_array *tarn_diagonal_with(tarn_array *x, tarn_diagonal_options o) {
    return BUILD(
        diagonal,
        (&(attributes_diagonal){.offset = o.offset, .axis1 = axis_or(o.axis1, 0), .axis2 = axis_or(o.axis2, 1)}), x);
}

tarn_array *tarn_diag_with(tarn_array *x, tarn_diag_options o) {
    FRONT("diag");
    REQUIRE(x);
    if (x->ndim == 1) return BUILD(diag, &(attributes_diag){.offset = o.k}, x);
    if (x->ndim == 2) return tarn_diagonal(x, .offset = o.k);
    return tarn_fail("diag: x has %d axes, not one or two", x->ndim), NULL;
}

const op_rules rules_diagonal = {
    .infer = infer_diagonal, .layout = layout_diagonal, .vjp = vjp_diagonal, .jvp = jvp_linear, .vmap = vmap_diagonal};
