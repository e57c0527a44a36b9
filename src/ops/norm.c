/* Norms of vectors and matrices, and the cross product: formulas over other ops. */
#include <math.h>
#include <string.h>

#include "ops/front.h"
#include "ops/linalg.h"
#include "ops/reduce.h"

/* ---- vectors */

static tarn_array *root_of_squares(tarn_array *x, tarn_ints axes, bool keepdims) {
    tarn_array *size = x && x->dtype == TARN_COMPLEX64 ? tarn_abs(x) : x;
    return tarn_sqrt(tarn_sum(tarn_square(size), .axes = axes, .keepdims = keepdims));
}

static tarn_array *vector_norm(tarn_array *x, double p, tarn_ints axes, bool keepdims) {
    if (p == 2) return root_of_squares(x, axes, keepdims);
    tarn_array *size = tarn_abs(x), *order = size ? tarn_scalar_like(p, size) : NULL;
    if (isinf(p))
        return p > 0 ? tarn_max(size, .axes = axes, .keepdims = keepdims)
                     : tarn_min(size, .axes = axes, .keepdims = keepdims);
    if (p == 0) {
        tarn_array *counted = tarn_astype(tarn_not_equal(x, tarn_scalar_like(0, x)), size->dtype);
        return tarn_sum(counted, .axes = axes, .keepdims = keepdims);
    }
    if (p == 1) return tarn_sum(size, .axes = axes, .keepdims = keepdims);
    tarn_array *sum = tarn_sum(tarn_power(size, order), .axes = axes, .keepdims = keepdims);
    return tarn_power(sum, tarn_scalar_like(1 / p, size));
}

/* ---- matrices: rows and columns are normal axes of x */

typedef struct {
    int rows, columns;
    bool keepdims;
} matrix_axes;

static tarn_array *largest_sum(tarn_array *x, matrix_axes a, int summed, int compared, bool largest) {
    tarn_array *sums = tarn_sum(tarn_abs(x), .axes = TARN_AXES(summed), .keepdims = true);
    tarn_array *out = largest ? tarn_max(sums, .axes = TARN_AXES(compared), .keepdims = true)
                              : tarn_min(sums, .axes = TARN_AXES(compared), .keepdims = true);
    return a.keepdims ? out : tarn_squeeze(out, .axes = TARN_AXES(a.rows, a.columns));
}

typedef tarn_array *reduction(tarn_array *x, tarn_reduce_options options);

/* Singular values of the matrices, reduced. */
static tarn_array *over_singular_values(tarn_array *x, matrix_axes a, reduction *reduce) {
    int columns = a.columns - (a.columns > a.rows);
    tarn_array *values = tarn_linalg_svdvals(tarn_moveaxis(tarn_moveaxis(x, a.rows, -1), columns, -1));
    tarn_array *out = reduce(values, (tarn_reduce_options){.axes = TARN_AXES(-1)});
    if (!a.keepdims) return out;
    int first = a.rows < a.columns ? a.rows : a.columns, second = a.rows + a.columns - first;
    return tarn_expand_dims(out, TARN_AXES(first, second));
}

static tarn_array *matrix_norm(tarn_array *x, double p, matrix_axes a) {
    if (fabs(p) == 1) return largest_sum(x, a, a.rows, a.columns, p > 0);
    if (isinf(p)) return largest_sum(x, a, a.columns, a.rows, p > 0);
    return over_singular_values(x, a, p > 0 ? tarn_max_with : tarn_min_with);
}

static tarn_array *named_norm(tarn_array *x, const char *kind, matrix_axes a) {
    if (!strcmp(kind, "nuc")) return over_singular_values(x, a, tarn_sum_with);
    return root_of_squares(x, TARN_AXES(a.rows, a.columns), a.keepdims);
}

/* Whether there is such a norm of vectors (one axis) or matrices (two). */
static bool check_order(const tarn_linalg_norm_options *o, int64_t count) {
    double p = o->order.given ? fabs(o->order.value) : 2;
    if (count < 1 || count > 2) return tarn_fail("linalg_norm: of %lld axes, not of one or two", (long long)count);
    if (count == 1 && o->kind) return tarn_fail("linalg_norm: \"%s\" is of matrices, not of vectors", o->kind);
    if (count == 2 && o->kind && strcmp(o->kind, "nuc") != 0 && strcmp(o->kind, "fro") != 0 &&
        strcmp(o->kind, "f") != 0)
        return tarn_fail("linalg_norm: a matrix has no norm \"%s\"", o->kind);
    if (count == 2 && p != 1 && p != 2 && !isinf(p))
        return tarn_fail("linalg_norm: a matrix has no norm of order %g", o->order.value);
    return true;
}

tarn_array *tarn_linalg_norm_with(tarn_array *x, tarn_linalg_norm_options o) {
    FRONT("linalg_norm");
    REQUIRE(x);
    REQUIRE_LIST(o.axes);
    bool all = !o.axes.values, plain = !o.order.given && !o.kind;
    int64_t every[2] = {0, 1}, count = all ? x->ndim : o.axes.count;
    if (dtype_kind_of(x->dtype) < KIND_FLOAT) x = tarn_astype(x, TARN_FLOAT32);
    if (plain && (all || count <= 1)) return root_of_squares(x, o.axes, o.keepdims);
    if (!check_order(&o, count)) return NULL;
    tarn_ints axes = all ? (tarn_ints){every, count} : o.axes;
    bool reduced[TARN_MAX_NDIM];
    if (!reduce_axes("linalg_norm", axes, x->ndim, reduced)) return NULL;
    if (count == 1) return vector_norm(x, o.order.value, axes, o.keepdims);
    matrix_axes a = {axis_normal(axes.values[0], x->ndim), axis_normal(axes.values[1], x->ndim), o.keepdims};
    return plain || o.kind ? named_norm(x, o.kind ? o.kind : "fro", a) : matrix_norm(x, o.order.value, a);
}

/* ---- the cross product */

/* Three parts along the axis, the last of them zero if there are two. */
static bool three_parts(tarn_array *x, int64_t axis, tarn_array **parts) {
    int64_t size = x->shape[axis_normal(axis, x->ndim)];
    if (size != 2 && size != 3)
        return tarn_fail("linalg_cross: axis %lld has size %lld, not 2 or 3", (long long)axis, (long long)size);
    if (!tarn_split(x, size, parts, .axis = TARN_AXIS(axis))) return false;
    if (size == 2) parts[2] = tarn_zeros_like(parts[0]);
    return parts[2] != NULL;
}

static tarn_array *turned(tarn_array **a, tarn_array **b, int i, int j) {
    return tarn_subtract(tarn_multiply(a[i], b[j]), tarn_multiply(a[j], b[i]));
}

tarn_array *tarn_linalg_cross_with(tarn_array *a, tarn_array *b, tarn_axis_options o) {
    FRONT("linalg_cross");
    REQUIRE(a, b);
    int64_t axis = axis_or(o.axis, -1);
    int normal;
    tarn_array *x[3], *y[3];
    if (!check_axis("linalg_cross", axis, a->ndim, &normal) || !check_axis("linalg_cross", axis, b->ndim, &normal))
        return NULL;
    if (!three_parts(a, axis, x) || !three_parts(b, axis, y)) return NULL;
    return tarn_concatenate(TARN_ARRAYS(turned(x, y, 1, 2), turned(x, y, 2, 0), turned(x, y, 0, 1)), 3,
                            .axis = TARN_AXIS(axis));
}
