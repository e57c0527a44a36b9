/* Factors of matrices, eigenvalues and equations: shapes and functions. Gradients are in linalg_rules.c, what is a
   formula over these in fused/linalg.c. */
#include "ops/linalg.h"

#include <string.h>

#include "ops/front.h"
#include "ops/rules.h"

/* ---- shared */

bool linalg_check(const char *op, const tarn_array *a) {
    if (a->dtype != TARN_FLOAT32 && a->dtype != TARN_FLOAT64 && a->dtype != TARN_COMPLEX64)
        return tarn_fail_kind(TARN_ERROR_TYPE, "%s: matrices are float32, float64 or complex64, not %s", op,
                              dtype_facts[a->dtype].name);
    return a->ndim >= 2 || fail_shapes(a, NULL, NULL, "%s: a matrix has two axes at least, not", op);
}

bool linalg_check_square(const char *op, const tarn_array *a) {
    if (!linalg_check(op, a)) return false;
    return a->shape[a->ndim - 1] == a->shape[a->ndim - 2] ||
           fail_shapes(a, NULL, NULL, "%s: only square matrices, not", op);
}

tarn_dtype linalg_real(tarn_dtype dtype) {
    return dtype == TARN_COMPLEX64 ? TARN_FLOAT32 : dtype;
}

tarn_array *linalg_adjoint(tarn_array *x) {
    tarn_array *t = tarn_swapaxes(x, -1, -2);
    return t && t->dtype == TARN_COMPLEX64 ? tarn_conjugate(t) : t;
}

/* 0, 1, 2, … down the rows or along the columns of x. */
static tarn_array *places(tarn_array *x, int axis) {
    tarn_array *at = x ? tarn_arange(0, (double)x->shape[x->ndim + axis], 1, TARN_INT64) : NULL;
    return axis == -2 ? tarn_expand_dims(at, TARN_AXES(1)) : at;
}

tarn_array *linalg_lower(tarn_array *x, int64_t offset) {
    tarn_array *edge = tarn_add(places(x, -2), tarn_scalar_int(offset, TARN_INT64));
    return tarn_where(tarn_less_equal(places(x, -1), edge), x, x ? tarn_scalar_like(0, x) : NULL);
}

tarn_array *linalg_upper(tarn_array *x, int64_t offset) {
    tarn_array *edge = tarn_add(places(x, -2), tarn_scalar_int(offset, TARN_INT64));
    return tarn_where(tarn_greater_equal(places(x, -1), edge), x, x ? tarn_scalar_like(0, x) : NULL);
}

tarn_array *linalg_unit(int64_t n, tarn_dtype dtype) {
    tarn_array *at = tarn_arange(0, (double)n, 1, TARN_INT64);
    return tarn_astype(tarn_equal(tarn_expand_dims(at, TARN_AXES(1)), at), dtype);
}

tarn_array *linalg_diagonal(tarn_array *x) {
    if (!x) return NULL;
    int64_t m = x->shape[x->ndim - 2], n = x->shape[x->ndim - 1], k = m < n ? m : n;
    x = linalg_columns(linalg_rows(x, 0, k), 0, k);
    return tarn_sum(linalg_lower(linalg_upper(x, 0), 0), .axes = TARN_AXES(-1));
}

tarn_array *linalg_diagonal_matrix(tarn_array *x) {
    if (!x) return NULL;
    int64_t n = x->shape[x->ndim - 1];
    return tarn_where(linalg_unit(n, TARN_BOOL), tarn_expand_dims(x, TARN_AXES(-1)), tarn_scalar_like(0, x));
}

tarn_array *linalg_rows(tarn_array *x, int64_t begin, int64_t end) {
    return x && (begin > 0 || end < x->shape[x->ndim - 2]) ? tarn_slice_axis(x, -2, begin, end) : x;
}

tarn_array *linalg_columns(tarn_array *x, int64_t begin, int64_t end) {
    return x && (begin > 0 || end < x->shape[x->ndim - 1]) ? tarn_slice_axis(x, -1, begin, end) : x;
}

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Output [batch of a, sizes ...]; a size of -1 ends the list. */
static bool add(inference *i, tarn_dtype dtype, int64_t first, int64_t second) {
    const tarn_array *a = i->inputs[0];
    int64_t shape[TARN_MAX_NDIM];
    int ndim = a->ndim - 2;
    memcpy(shape, a->shape, (size_t)ndim * sizeof *shape);
    shape[ndim++] = first;
    if (second >= 0) shape[ndim++] = second;
    return types_add(i, dtype, ndim, shape);
}

typedef struct {
    int64_t m, n, k;
    tarn_dtype dtype;
} matrix_facts;

static matrix_facts facts_of(const tarn_array *a) {
    int64_t m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1];
    return (matrix_facts){m, n, smaller(m, n), a->dtype};
}

/* ---- factors */

static bool infer_lu_factor(inference *i) {
    if (!linalg_check("linalg_lu_factor", i->inputs[0])) return false;
    matrix_facts f = facts_of(i->inputs[0]);
    return add(i, f.dtype, f.m, f.n) && add(i, TARN_UINT32, f.k, -1) && add(i, TARN_UINT32, f.m, -1);
}

static bool infer_qr(inference *i) {
    if (!linalg_check("linalg_qr", i->inputs[0])) return false;
    matrix_facts f = facts_of(i->inputs[0]);
    return add(i, f.dtype, f.m, f.k) && add(i, f.dtype, f.k, f.n);
}

static bool infer_svd(inference *i) {
    if (!linalg_check("linalg_svd", i->inputs[0])) return false;
    matrix_facts f = facts_of(i->inputs[0]);
    const attributes_linalg_svd *a = i->attributes;
    bool thin = a->thin;
    if (a->values) return add(i, linalg_real(f.dtype), f.k, -1);
    return add(i, f.dtype, f.m, thin ? f.k : f.m) && add(i, linalg_real(f.dtype), f.k, -1) &&
           add(i, f.dtype, thin ? f.k : f.n, f.n);
}

static bool infer_cholesky(inference *i) {
    if (!linalg_check_square("linalg_cholesky", i->inputs[0])) return false;
    matrix_facts f = facts_of(i->inputs[0]);
    return add(i, f.dtype, f.n, f.n);
}

static bool infer_eigh(inference *i) {
    if (!linalg_check_square("linalg_eigh", i->inputs[0])) return false;
    matrix_facts f = facts_of(i->inputs[0]);
    return add(i, linalg_real(f.dtype), f.n, -1) &&
           (((const attributes_linalg_eigh *)i->attributes)->values || add(i, f.dtype, f.n, f.n));
}

static bool infer_eig(inference *i) {
    if (!linalg_check_square("linalg_eig", i->inputs[0])) return false;
    matrix_facts f = facts_of(i->inputs[0]);
    return add(i, TARN_COMPLEX64, f.n, -1) &&
           (((const attributes_linalg_eig *)i->attributes)->values || add(i, TARN_COMPLEX64, f.n, f.n));
}

/* The outputs of a node in the caller's list. */
static bool outputs_of(const char *name, op_id op, tarn_array *a, const void *attributes, tarn_array **out, int count) {
    if (!out) return tarn_fail("%s: the list of results is NULL", name);
    node *n = build_node(op, &a, 1, attributes);
    for (int i = 0; i < count; i++) out[i] = n ? &n->outputs[i] : NULL;
    return n != NULL;
}

bool tarn_linalg_qr(tarn_array *a, tarn_array *out[2]) {
    return outputs_of("linalg_qr", OP_linalg_qr, a, NULL, out, 2);
}

bool tarn_linalg_svd_with(tarn_array *a, tarn_array *out[3], tarn_svd_options o) {
    return outputs_of("linalg_svd", OP_linalg_svd, a, &(attributes_linalg_svd){.thin = o.thin}, out, 3);
}

tarn_array *tarn_linalg_svdvals(tarn_array *a) {
    FRONT("linalg_svdvals");
    REQUIRE(a);
    return BUILD(linalg_svd, &(attributes_linalg_svd){.values = true}, a);
}

tarn_array *tarn_linalg_cholesky_with(tarn_array *a, tarn_triangle_options o) {
    return BUILD(linalg_cholesky, &(attributes_linalg_cholesky){.upper = o.upper}, a);
}

bool tarn_linalg_lu_factor(tarn_array *a, tarn_array *out[2]) {
    return outputs_of("linalg_lu_factor", OP_linalg_lu_factor, a, NULL, out, 2);
}

bool tarn_linalg_lu(tarn_array *a, tarn_array *out[3]) {
    return outputs_of("linalg_lu", OP_linalg_lu, a, NULL, out, 3);
}

/* ---- eigenvalues */

bool tarn_linalg_eig(tarn_array *a, tarn_array *out[2]) {
    return outputs_of("linalg_eig", OP_linalg_eig, a, &(attributes_linalg_eig){.values = false}, out, 2);
}

tarn_array *tarn_linalg_eigvals(tarn_array *a) {
    FRONT("linalg_eigvals");
    REQUIRE(a);
    return BUILD(linalg_eig, &(attributes_linalg_eig){.values = true}, a);
}

bool tarn_linalg_eigh_with(tarn_array *a, tarn_array *out[2], tarn_triangle_options o) {
    return outputs_of("linalg_eigh", OP_linalg_eigh, a, &(attributes_linalg_eigh){.upper = o.upper}, out, 2);
}

tarn_array *tarn_linalg_eigvalsh_with(tarn_array *a, tarn_triangle_options o) {
    FRONT("linalg_eigvalsh");
    REQUIRE(a);
    return BUILD(linalg_eigh, (&(attributes_linalg_eigh){.upper = o.upper, .values = true}), a);
}

/* ---- equations */

static bool infer_equations(inference *i) {
    const tarn_array *a = i->inputs[0], *b = i->inputs[1];
    const char *name = op_name(i->op);
    if (!linalg_check_square(name, a) || !linalg_check(name, b)) return false;
    if (a->dtype != b->dtype || b->shape[b->ndim - 2] != a->shape[a->ndim - 1])
        return fail_shapes(a, " x = ", b, "%s: shapes do not go together", name);
    tarn_array left = {.ndim = a->ndim - 2}, right = {.ndim = b->ndim - 2};
    array_type out;
    memcpy(left.shape, a->shape, (size_t)left.ndim * sizeof *left.shape);
    memcpy(right.shape, b->shape, (size_t)right.ndim * sizeof *right.shape);
    if (!broadcast_shapes(name, &left, &right, &out)) return false;
    memcpy(&out.shape[out.ndim], &b->shape[b->ndim - 2], 2 * sizeof *out.shape);
    return types_add(i, a->dtype, out.ndim + 2, out.shape);
}

static tarn_array *solve(const char *name, op_id op, tarn_array *a, tarn_array *b, const void *attributes) {
    FRONT(name);
    REQUIRE(a, b);
    tarn_dtype dtype = dtype_promote(a->dtype, b->dtype);
    if (!linalg_check(name, a)) return NULL;
    if (b->ndim < 1) return tarn_fail("%s: b is 0-d", name), NULL;
    bool vector = b->ndim == 1;
    tarn_array *columns = vector ? tarn_expand_dims(b, TARN_AXES(1)) : b;
    tarn_array *x = build(op, TARN_ARRAYS(tarn_astype(a, dtype), tarn_astype(columns, dtype)), 2, attributes);
    return vector ? tarn_squeeze(x, .axes = TARN_AXES(-1)) : x;
}

tarn_array *tarn_linalg_solve(tarn_array *a, tarn_array *b) {
    return solve("linalg_solve", OP_linalg_solve, a, b, NULL);
}

tarn_array *tarn_linalg_solve_triangular_with(tarn_array *a, tarn_array *b, tarn_triangle_options o) {
    const attributes_linalg_solve_triangular attributes = {.upper = o.upper};
    return solve("linalg_solve_triangular", OP_linalg_solve_triangular, a, b, &attributes);
}

#define RULES(name, ...) const op_rules rules_linalg_##name = {__VA_ARGS__}
RULES(lu_factor, .infer = infer_lu_factor, .vjp = vjp_linalg_lu_factor, .vmap = vmap_matrices);
RULES(qr, .infer = infer_qr, .vjp = vjp_linalg_qr, .vmap = vmap_matrices);
RULES(svd, .infer = infer_svd, .vjp = vjp_linalg_svd, .vmap = vmap_matrices);
RULES(cholesky, .infer = infer_cholesky, .vjp = vjp_linalg_cholesky, .vmap = vmap_matrices);
RULES(eigh, .infer = infer_eigh, .vjp = vjp_linalg_eigh, .vmap = vmap_matrices);
RULES(eig, .infer = infer_eig, .vjp = vjp_linalg_eig, .vmap = vmap_matrices);
RULES(solve, .infer = infer_equations, .vjp = vjp_linalg_solve, .vmap = vmap_matrices);
RULES(solve_triangular, .infer = infer_equations, .vjp = vjp_linalg_solve_triangular, .vmap = vmap_matrices);
