/* What is a formula over factors of matrices: inverses, l and u, determinants. */
#include "ops/linalg.h"

#include <float.h>
#include <string.h>

#include "ops/front.h"
#include "ops/rules.h"

static int64_t rows_of(const tarn_array *a) {
    return a->shape[a->ndim - 2];
}
static int64_t columns_of(const tarn_array *a) {
    return a->shape[a->ndim - 1];
}

/* ---- inverses */

static bool infer_square(inference *i) {
    const tarn_array *a = i->inputs[0];
    return linalg_check_square(op_name(i->op), a) && types_add(i, a->dtype, a->ndim, a->shape);
}

static bool formula_inv(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    tarn_array *a = inputs[0];
    (void)n;
    outputs[0] = tarn_linalg_solve(a, linalg_unit(columns_of(a), a->dtype));
    return outputs[0] != NULL;
}

static bool formula_tri_inv(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    tarn_array *a = inputs[0];
    bool upper = ((const attributes_linalg_tri_inv *)n->attributes)->upper;
    outputs[0] = tarn_linalg_solve_triangular(a, linalg_unit(columns_of(a), a->dtype), .upper = upper);
    return outputs[0] != NULL;
}

/* lH-1 l-1, or u-1 uH-1. */
static bool formula_cholesky_inv(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    bool upper = ((const attributes_linalg_cholesky_inv *)n->attributes)->upper;
    tarn_array *t = tarn_linalg_tri_inv(inputs[0], .upper = upper);
    outputs[0] = upper ? tarn_matmul(t, linalg_adjoint(t)) : tarn_matmul(linalg_adjoint(t), t);
    return outputs[0] != NULL;
}

tarn_array *tarn_linalg_inv(tarn_array *a) {
    return BUILD(linalg_inv, NULL, a);
}
tarn_array *tarn_linalg_tri_inv_with(tarn_array *a, tarn_triangle_options o) {
    return BUILD(linalg_tri_inv, &(attributes_linalg_tri_inv){.upper = o.upper}, a);
}
tarn_array *tarn_linalg_cholesky_inv_with(tarn_array *a, tarn_triangle_options o) {
    return BUILD(linalg_cholesky_inv, &(attributes_linalg_cholesky_inv){.upper = o.upper}, a);
}

/* ---- the Moore-Penrose inverse */

static bool infer_pinv(inference *i) {
    const tarn_array *a = i->inputs[0];
    array_type out = {.ndim = a->ndim};
    if (!linalg_check("linalg_pinv", a)) return false;
    memcpy(out.shape, a->shape, (size_t)a->ndim * sizeof *a->shape);
    out.shape[a->ndim - 2] = columns_of(a);
    out.shape[a->ndim - 1] = rows_of(a);
    return types_add(i, a->dtype, out.ndim, out.shape);
}

/* v diag(1 / s) uH, without the singular values that are zero but for rounding. */
static bool formula_pinv(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    tarn_array *a = inputs[0], *parts[3];
    if (array_size(a) == 0) {
        outputs[0] = tarn_zeros(array_shape(&n->outputs[0]), a->dtype);
        return outputs[0] != NULL;
    }
    if (!tarn_linalg_svd(a, parts, .thin = true)) return false;
    int64_t size = rows_of(a) > columns_of(a) ? rows_of(a) : columns_of(a);
    double eps = a->dtype == TARN_FLOAT64 ? DBL_EPSILON : (double)FLT_EPSILON;
    tarn_array *s = parts[1], *top = tarn_max(s, .axes = TARN_AXES(-1), .keepdims = true);
    tarn_array *kept = tarn_greater(s, tarn_multiply(top, tarn_scalar_like(10 * (double)size * eps, s)));
    tarn_array *inverse = tarn_where(kept, tarn_reciprocal(s), tarn_scalar_like(0, s));
    tarn_array *scaled = tarn_multiply(linalg_adjoint(parts[2]), tarn_expand_dims(inverse, TARN_AXES(-2)));
    outputs[0] = tarn_matmul(scaled, linalg_adjoint(parts[0]));
    return outputs[0] != NULL;
}

/* G. Golub and V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems" (1973): with p
   the inverse, dp = -p X p + p pH XH (1 - a p) + (1 - p a) XH pH p. */
bool vjp_linalg_pinv(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    tarn_array *a = n->inputs[0], *p = &n->outputs[0], *g = cotangents[0];
    if (!wanted[0]) return true;
    tarn_array *ph = linalg_adjoint(p), *gh = linalg_adjoint(g);
    tarn_array *first = tarn_negative(tarn_matmul(tarn_matmul(ph, g), ph));
    tarn_array *rest = tarn_matmul(tarn_subtract(gh, tarn_matmul(a, tarn_matmul(p, gh))), tarn_matmul(p, ph));
    tarn_array *other = tarn_matmul(tarn_matmul(ph, p), tarn_subtract(gh, tarn_matmul(tarn_matmul(gh, p), a)));
    gradients[0] = tarn_add(first, tarn_add(rest, other));
    return tarn_ok();
}

tarn_array *tarn_linalg_pinv(tarn_array *a) {
    return BUILD(linalg_pinv, NULL, a);
}

/* ---- l and u */

static bool infer_lu(inference *i) {
    const tarn_array *a = i->inputs[0];
    array_type rows = {.ndim = a->ndim - 1}, l = {.ndim = a->ndim}, u;
    if (!linalg_check("linalg_lu", a)) return false;
    memcpy(rows.shape, a->shape, (size_t)rows.ndim * sizeof *a->shape);
    memcpy(l.shape, a->shape, (size_t)a->ndim * sizeof *a->shape);
    u = l;
    int64_t k = rows_of(a) < columns_of(a) ? rows_of(a) : columns_of(a);
    l.shape[l.ndim - 1] = u.shape[u.ndim - 2] = k;
    return types_add(i, TARN_UINT32, rows.ndim, rows.shape) && types_add(i, a->dtype, l.ndim, l.shape) &&
           types_add(i, a->dtype, u.ndim, u.shape);
}

static bool formula_lu(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    tarn_array *a = inputs[0];
    node *factor = build_node(OP_linalg_lu_factor, &a, 1, NULL);
    (void)n;
    if (!factor) return false;
    int64_t m = rows_of(a), columns = columns_of(a), k = m < columns ? m : columns;
    tarn_array *packed = &factor->outputs[0], *low = linalg_lower(linalg_columns(packed, 0, k), -1);
    tarn_array *unit = tarn_astype(tarn_equal(tarn_expand_dims(tarn_arange(0, (double)m, 1, TARN_INT64), TARN_AXES(1)),
                                              tarn_arange(0, (double)k, 1, TARN_INT64)),
                                   a->dtype);
    outputs[0] = &factor->outputs[2];
    outputs[1] = tarn_add(low, unit);
    outputs[2] = linalg_upper(linalg_rows(packed, 0, k), 0);
    return tarn_ok();
}

/* ---- determinants */

static bool infer_slogdet(inference *i) {
    const tarn_array *a = i->inputs[0];
    return linalg_check_square("linalg_slogdet", a) && types_add(i, a->dtype, a->ndim - 2, a->shape) &&
           types_add(i, linalg_real(a->dtype), a->ndim - 2, a->shape);
}

static bool infer_det(inference *i) {
    const tarn_array *a = i->inputs[0];
    return linalg_check_square("linalg_det", a) && types_add(i, a->dtype, a->ndim - 2, a->shape);
}

/* The diagonal of u, and 1 or -1 for an even or odd number of exchanged rows. */
static bool diagonal_and_parity(tarn_array *a, tarn_array **diagonal, tarn_array **parity) {
    tarn_array *parts[2];
    if (!tarn_linalg_lu_factor(a, parts)) return false;
    tarn_array *places = tarn_arange(0, (double)columns_of(a), 1, TARN_UINT32);
    tarn_array *odd = tarn_sum(tarn_not_equal(parts[1], places), .axes = TARN_AXES(-1));
    odd = tarn_bitwise_and(odd, tarn_scalar_int(1, TARN_INT32));
    *parity = tarn_astype(tarn_subtract(tarn_scalar_int(1, TARN_INT32), tarn_add(odd, odd)), a->dtype);
    *diagonal = linalg_diagonal(parts[0]);
    return tarn_ok();
}

static bool formula_slogdet(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    tarn_array *d, *parity;
    (void)n;
    if (!diagonal_and_parity(inputs[0], &d, &parity)) return false;
    outputs[0] = tarn_multiply(parity, tarn_prod(tarn_sign(d), .axes = TARN_AXES(-1)));
    outputs[1] = tarn_sum(tarn_log(tarn_abs(d)), .axes = TARN_AXES(-1));
    return tarn_ok();
}

static bool formula_det(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    tarn_array *d, *parity;
    (void)n;
    if (!diagonal_and_parity(inputs[0], &d, &parity)) return false;
    outputs[0] = tarn_multiply(parity, tarn_prod(d, .axes = TARN_AXES(-1)));
    return tarn_ok();
}

/* What there are no factors of is computed in float32; half types are rounded once. */
static tarn_array *widened(tarn_array *a) {
    bool wide = a->dtype == TARN_FLOAT64 || a->dtype == TARN_COMPLEX64;
    return wide ? a : tarn_astype(a, TARN_FLOAT32);
}
static tarn_array *narrowed(tarn_array *x, const tarn_array *a) {
    return dtype_is_half(a->dtype) ? tarn_astype(x, a->dtype) : x;
}

tarn_array *tarn_linalg_det(tarn_array *a) {
    FRONT("linalg_det");
    REQUIRE(a);
    return narrowed(BUILD(linalg_det, NULL, widened(a)), a);
}

bool tarn_linalg_slogdet(tarn_array *a, tarn_array *out[2]) {
    FRONT("linalg_slogdet");
    REQUIRE(a);
    if (!out) return tarn_fail("linalg_slogdet: the list of results is NULL");
    tarn_array *wide = widened(a);
    node *n = build_node(OP_linalg_slogdet, &wide, 1, NULL);
    for (int i = 0; i < 2; i++) out[i] = n ? narrowed(&n->outputs[i], a) : NULL;
    return n != NULL && tarn_ok();
}

#define RULES(name, ...) const op_rules rules_linalg_##name = {__VA_ARGS__}
RULES(inv, .infer = infer_square, .formula = formula_inv);
RULES(tri_inv, .infer = infer_square, .formula = formula_tri_inv);
RULES(cholesky_inv, .infer = infer_square, .formula = formula_cholesky_inv);
RULES(pinv, .infer = infer_pinv, .formula = formula_pinv, .vjp = vjp_linalg_pinv);
RULES(lu, .infer = infer_lu, .formula = formula_lu);
RULES(slogdet, .infer = infer_slogdet, .formula = formula_slogdet);
RULES(det, .infer = infer_det, .formula = formula_det);
