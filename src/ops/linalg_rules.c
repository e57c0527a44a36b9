/* Gradients and batching of factors of matrices. With X = dA the change of a, G. the cotangents and H the conjugate
   transpose, the formulas are those of M. Giles, "An extended collection of matrix derivative results" (2008), of which
   the rectangular and complex forms follow by the same steps. Where two eigenvalues or singular values are equal, what
   is divided by their difference is left out. */
#include "ops/batch.h"
#include "ops/linalg.h"
#include "ops/rules.h"

/* ---- small words */

static tarn_array *plus(tarn_array *a, tarn_array *b) {
    return a && b ? tarn_add(a, b) : a ? a : b;
}
static tarn_array *minus(tarn_array *a, tarn_array *b) {
    return a && b ? tarn_subtract(a, b) : a ? a : tarn_negative(b);
}
static tarn_array *half(tarn_array *x) {
    return tarn_multiply(x, tarn_scalar_like(0.5, x));
}
static tarn_array *times(tarn_array *a, tarn_array *b) {
    return tarn_matmul(a, b);
}
static tarn_array *adjoint(tarn_array *x) {
    return linalg_adjoint(x);
}
static tarn_array *symmetric(tarn_array *x) {
    return half(tarn_add(x, adjoint(x)));
}
static tarn_array *diagonal_part(tarn_array *x) {
    return linalg_lower(linalg_upper(x, 0), 0);
}

/* lH-1 x and x uH-1, for triangles. */
static tarn_array *lower_adjoint_solve(tarn_array *l, tarn_array *x) {
    return tarn_linalg_solve_triangular(adjoint(l), x, .upper = true);
}
static tarn_array *upper_adjoint_divide(tarn_array *x, tarn_array *u) {
    return adjoint(tarn_linalg_solve_triangular(u, adjoint(x), .upper = true));
}

/* 1 / (s_j - s_i), zero on the diagonal and where the two are equal. s [..., n] */
static tarn_array *reciprocal_differences(tarn_array *s) {
    tarn_array *d = tarn_subtract(tarn_expand_dims(s, TARN_AXES(-2)), tarn_expand_dims(s, TARN_AXES(-1)));
    tarn_array *zero = tarn_scalar_like(0, d), *same = tarn_equal(d, zero);
    return tarn_where(same, zero, tarn_reciprocal(tarn_where(same, tarn_scalar_like(1, d), d)));
}

/* ---- equations: Gb = aH-1 Gx, Ga = -Gb xH */

bool vjp_linalg_solve(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    tarn_array *back = tarn_linalg_solve(adjoint(n->inputs[0]), cotangents[0]);
    if (wanted[0]) gradients[0] = tarn_negative(times(back, adjoint(&n->outputs[0])));
    if (wanted[1]) gradients[1] = back;
    return tarn_ok();
}

bool vjp_linalg_solve_triangular(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    bool upper = ((const attributes_linalg_solve_triangular *)n->attributes)->upper;
    tarn_array *back = tarn_linalg_solve_triangular(adjoint(n->inputs[0]), cotangents[0], .upper = !upper);
    if (wanted[1]) gradients[1] = back;
    if (!wanted[0]) return tarn_ok();
    tarn_array *whole = tarn_negative(times(back, adjoint(&n->outputs[0])));
    gradients[0] = upper ? linalg_upper(whole, 0) : linalg_lower(whole, 0);
    return tarn_ok();
}

/* ---- lu: Ga = lH-1 (tril(lH Gl, -1) + triu(Gu uH)) uH-1 in the order of the rows; the columns (rows) beyond the
   square follow from a2 = l u2 (l2 u) */

bool vjp_linalg_lu_factor(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    tarn_array *a = n->inputs[0], *packed = &n->outputs[0], *rows = &n->outputs[2], *g = cotangents[0];
    int64_t m = a->shape[a->ndim - 2], columns = a->shape[a->ndim - 1], k = m < columns ? m : columns;
    if (!wanted[0] || !g) return true;
    tarn_array *square = linalg_columns(linalg_rows(packed, 0, k), 0, k);
    tarn_array *l = tarn_add(linalg_lower(square, -1), linalg_unit(k, a->dtype)), *u = linalg_upper(square, 0);
    tarn_array *gl = linalg_lower(linalg_columns(linalg_rows(g, 0, k), 0, k), -1),
               *gu = linalg_upper(linalg_columns(linalg_rows(g, 0, k), 0, k), 0);
    tarn_array *lower = times(adjoint(l), gl), *upper = times(gu, adjoint(u)), *more = NULL;
    if (columns > k) {
        tarn_array *u2 = linalg_columns(packed, k, columns), *g2 = linalg_columns(g, k, columns);
        lower = tarn_subtract(lower, times(g2, adjoint(u2)));
        more = lower_adjoint_solve(l, g2);
    } else if (m > k) {
        tarn_array *l2 = linalg_rows(packed, k, m), *g2 = linalg_rows(g, k, m);
        upper = tarn_subtract(upper, times(adjoint(l2), g2));
        more = upper_adjoint_divide(g2, u);
    }
    tarn_array *inner = tarn_add(linalg_lower(lower, -1), linalg_upper(upper, 0));
    tarn_array *out = upper_adjoint_divide(lower_adjoint_solve(l, inner), u);
    if (more) out = tarn_concatenate(TARN_ARRAYS(out, more), 2, .axis = TARN_AXIS(columns > k ? -1 : -2));
    tarn_array *order = tarn_broadcast_like(tarn_expand_dims(tarn_stop_gradient(rows), TARN_AXES(-1)), out);
    gradients[0] = tarn_take_along_axis(out, order, .axis = TARN_AXIS(-2));
    return tarn_ok();
}

/* ---- qr: Ga = (Gq + q sym(triu(Gr rH - qH Gq))) rH-1, where sym adds the adjoint and halves the diagonal */

static tarn_array *qr_square(tarn_array *q, tarn_array *r, tarn_array *gq, tarn_array *gr) {
    tarn_array *m = linalg_upper(minus(gr ? times(gr, adjoint(r)) : NULL, gq ? times(adjoint(q), gq) : NULL), 0);
    tarn_array *whole = tarn_add(m, adjoint(m)), *even = tarn_subtract(whole, half(diagonal_part(whole)));
    return upper_adjoint_divide(plus(gq, times(q, even)), r);
}

bool vjp_linalg_qr(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    tarn_array *a = n->inputs[0], *q = &n->outputs[0], *r = &n->outputs[1], *gq = cotangents[0], *gr = cotangents[1];
    int64_t m = a->shape[a->ndim - 2], columns = a->shape[a->ndim - 1];
    if (!wanted[0]) return true;
    if (m >= columns) {
        gradients[0] = qr_square(q, r, gq, gr);
        return tarn_ok();
    }
    tarn_array *left = gr ? linalg_columns(gr, 0, m) : NULL, *right = gr ? linalg_columns(gr, m, columns) : NULL;
    if (right) gq = plus(gq, times(linalg_columns(a, m, columns), adjoint(right))); /* r2 = qH a2 */
    tarn_array *first = qr_square(q, linalg_columns(r, 0, m), gq, left);
    tarn_array *second = right ? times(q, right) : zeros_view(first, linalg_columns(a, m, columns));
    gradients[0] = tarn_concatenate(TARN_ARRAYS(first, second), 2, .axis = TARN_AXIS(-1));
    return tarn_ok();
}

/* ---- cholesky: Ga = sym(lH-1 phi(lH Gl) l-1), where phi takes the lower triangle and half of the diagonal */

bool vjp_linalg_cholesky(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    bool upper = ((const attributes_linalg_cholesky *)n->attributes)->upper;
    if (!wanted[0]) return true;
    tarn_array *l = upper ? adjoint(&n->outputs[0]) : &n->outputs[0];
    tarn_array *g = upper ? adjoint(cotangents[0]) : cotangents[0];
    tarn_array *whole = times(adjoint(l), g), *phi = tarn_subtract(linalg_lower(whole, 0), half(diagonal_part(whole)));
    tarn_array *left = lower_adjoint_solve(l, phi);
    gradients[0] = symmetric(adjoint(lower_adjoint_solve(l, adjoint(left))));
    return tarn_ok();
}

/* The outputs of a node and their cotangents. Of values alone the rules compute the factors as well. */
typedef struct {
    tarn_array *part[3], *g[3];
} factors;

static factors factors_of(node *n, tarn_array *const *cotangents) {
    factors f = {{NULL}, {NULL}};
    for (int i = 0; i < n->output_count; i++) f.part[i] = &n->outputs[i], f.g[i] = cotangents[i];
    return f;
}

/* ---- eigh: Ga = v (diag(Gw) + (vH Gv) / (w_j - w_i)) vH */

bool vjp_linalg_eigh(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    const attributes_linalg_eigh *a = n->attributes;
    factors f = factors_of(n, cotangents);
    if (!wanted[0]) return true;
    if (a->values && !tarn_linalg_eigh(n->inputs[0], f.part, .upper = a->upper)) return false;
    tarn_array *w = f.part[0], *v = f.part[1], *inner = NULL;
    if (f.g[1]) inner = tarn_multiply(times(adjoint(v), f.g[1]), reciprocal_differences(w));
    if (cotangents[0]) inner = plus(inner, tarn_astype(linalg_diagonal_matrix(cotangents[0]), v->dtype));
    if (inner) gradients[0] = symmetric(times(times(v, inner), adjoint(v)));
    return tarn_ok();
}

/* ---- eig: Ga = vH-1 (diag(Gw) + (vH Gv - vH v Re(diag(vH Gv))) / conj(w_j - w_i)) vH, the vectors having length 1 */

bool vjp_linalg_eig(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    factors f = factors_of(n, cotangents);
    if (!wanted[0]) return true;
    if (((const attributes_linalg_eig *)n->attributes)->values && !tarn_linalg_eig(n->inputs[0], f.part)) return false;
    tarn_array *w = f.part[0], *v = f.part[1], *inner = NULL;
    if (f.g[1]) {
        tarn_array *turned = times(adjoint(v), f.g[1]);
        tarn_array *lengths = tarn_expand_dims(tarn_real(linalg_diagonal(turned)), TARN_AXES(-2));
        inner = tarn_multiply(tarn_subtract(turned, tarn_multiply(times(adjoint(v), v), lengths)),
                              tarn_conjugate(reciprocal_differences(w)));
    }
    if (cotangents[0]) inner = plus(inner, linalg_diagonal_matrix(cotangents[0]));
    if (inner) gradients[0] = tarn_linalg_solve(adjoint(v), times(inner, adjoint(v)));
    return tarn_ok();
}

/* ---- svd: Ga = u (skew(uH Gu) / E s + s skew(vH Gv) / E + diag(Gs)) vH with E = s_j^2 - s_i^2, and the parts of Gu
   and Gv that leave the spaces of u and v. Of the columns beyond k = min(m, n) it is taken that they only turn with the
   others, u2 by -u1 times the adjoint of what u1 gains in them; signs (phases) are those in which v's stay. */

static tarn_array *skew(tarn_array *x) {
    return tarn_subtract(x, adjoint(x));
}

/* What changes u (or v) within itself. */
static tarn_array *turning(tarn_array *u, tarn_array *gu, tarn_array *s) {
    return tarn_multiply(skew(times(adjoint(u), gu)), reciprocal_differences(tarn_square(s)));
}

/* The gradient of uH2 a v1 / s: that of the columns that u1 gains from outside. whole has all columns, or only u1's. */
static tarn_array *outside(tarn_array *whole, tarn_array *g, int64_t k) {
    int64_t m = whole->shape[whole->ndim - 2], columns = whole->shape[whole->ndim - 1];
    tarn_array *u1 = linalg_columns(whole, 0, k), *g1 = linalg_columns(g, 0, k);
    if (m == k) return NULL;
    if (columns == k) return tarn_subtract(g1, times(u1, times(adjoint(u1), g1)));
    tarn_array *u2 = linalg_columns(whole, k, columns), *g2 = linalg_columns(g, k, columns);
    return times(u2, tarn_subtract(times(adjoint(u2), g1), times(adjoint(g2), u1)));
}

/* i Im(diag(uH Gu)) / s */
static tarn_array *phases(tarn_array *u, tarn_array *gu, tarn_array *s) {
    tarn_array *d = linalg_diagonal(times(adjoint(u), gu));
    return linalg_diagonal_matrix(tarn_multiply(tarn_imaginary_unit_like(d), tarn_divide(tarn_imag(d), s)));
}

bool vjp_linalg_svd(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    factors f = factors_of(n, cotangents);
    if (((const attributes_linalg_svd *)n->attributes)->values) {
        f.g[1] = f.g[0], f.g[0] = NULL;
        if (!tarn_linalg_svd(n->inputs[0], f.part, .thin = true)) return false;
    }
    tarn_array *u = f.part[0], *s = f.part[1], *v = adjoint(f.part[2]);
    tarn_array *gu = f.g[0], *gs = f.g[1], *gv = f.g[2] ? adjoint(f.g[2]) : NULL;
    if (!wanted[0] || !(gu || gs || gv)) return true;
    int64_t k = s->shape[s->ndim - 1];
    tarn_array *u1 = linalg_columns(u, 0, k), *v1 = linalg_columns(v, 0, k);
    tarn_array *gu1 = gu ? linalg_columns(gu, 0, k) : NULL, *gv1 = gv ? linalg_columns(gv, 0, k) : NULL;
    tarn_array *across = tarn_expand_dims(s, TARN_AXES(-2)), *down = tarn_expand_dims(s, TARN_AXES(-1)), *inner = NULL;
    if (gu) inner = tarn_multiply(turning(u1, gu1, s), across);
    if (gv) inner = plus(inner, tarn_multiply(turning(v1, gv1, s), down));
    if (gs) inner = plus(inner, tarn_astype(linalg_diagonal_matrix(gs), u->dtype));
    if (gu && u->dtype == TARN_COMPLEX64) inner = plus(inner, phases(u1, gu1, s));
    tarn_array *out = times(times(u1, inner), adjoint(v1));
    tarn_array *left = gu ? outside(u, gu, k) : NULL, *right = gv ? outside(v, gv, k) : NULL;
    if (left) out = plus(out, times(tarn_divide(left, across), adjoint(v1)));
    if (right) out = plus(out, times(tarn_divide(u1, across), adjoint(right)));
    gradients[0] = out;
    return tarn_ok();
}

/* ---- batching: one more leading axis; those of two inputs broadcast */

bool vmap_matrices(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    int ndim = 0;
    for (int i = 0; i < n->input_count; i++) ndim = n->inputs[i]->ndim > ndim ? n->inputs[i]->ndim : ndim;
    tarn_array *aligned[2];
    for (int i = 0; i < n->input_count; i++) aligned[i] = batch_align(inputs[i], axes[i], ndim);
    return batch_results(build_again(n, aligned), 0, outputs, output_axes);
}
