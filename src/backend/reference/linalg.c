/* Factors of matrices and equations: the matrices of a batch one after the other, in the widest numbers. */
#include <complex.h>
#include <math.h>

#include "reference/matrix.h"
#include "reference/reference.h"
#include "reference/value.h"
#include "tarn/error.h"

typedef struct {
    const call *call;
    int64_t m, n, k;    /* rows, columns, the smaller; of equations k is the number of right sides */
    cursor matrices[2]; /* over the leading axes of the inputs */
    int64_t index, batch;
    char *outputs[3]; /* the present matrices; NULL: nobody reads them */
} reference_matrices;

/* ---- numbers */

static wide number_at(const void *at, tarn_dtype dtype) {
    value v = value_loader_of(dtype)(at);
    if (dtype == TARN_COMPLEX64) return (wide)v.c;
    return dtype == TARN_FLOAT64 ? v.l : (long double)v.d;
}

static void put_number(void *at, wide x, tarn_dtype dtype) {
    value v = dtype == TARN_COMPLEX64 ? (value){.c = (double _Complex)x} : (value){.l = __real__ x};
    value_class from = dtype == TARN_COMPLEX64 ? CLASS_COMPLEX : CLASS_DOUBLE;
    value_storer_of(dtype)(at, value_convert(v, from, dtype));
}

static void load(const reference_matrices *r, int input, wide *to) {
    const operand *o = &r->call->inputs[input];
    int64_t rows = o->shape[o->ndim - 2], columns = o->shape[o->ndim - 1], bytes = dtype_bytes(o->dtype);
    const char *from = r->matrices[input].at;
    for (int64_t i = 0; i < rows * columns; i++) {
        int64_t offset = i / columns * o->strides[o->ndim - 2] + i % columns * o->strides[o->ndim - 1];
        to[i] = number_at(from + offset * bytes, o->dtype);
    }
}

/* The first rows and columns of a matrix of so many columns; adjoint: of its conjugate transpose. */
static void store(const reference_matrices *r, int output, const wide *from, int64_t rows, int64_t columns,
                  int64_t stride, bool adjoint) {
    tarn_dtype dtype = r->call->outputs[output].dtype;
    for (int64_t i = 0; r->outputs[output] && i < rows * columns; i++) {
        int64_t row = i / columns, column = i % columns;
        wide x = from[adjoint ? column * stride + row : row * stride + column];
        put_number(r->outputs[output] + i * dtype_bytes(dtype), adjoint ? conjl(x) : x, dtype);
    }
}

static bool all_finite(const wide *a, int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(__real__ a[i]) || !isfinite(__imag__ a[i])) return false;
    return true;
}

static bool fail(const reference_matrices *r, const char *reason) {
    const char *name = op_name(r->call->op);
    if (r->batch == 1) return tarn_fail_kind(TARN_ERROR_RUNTIME, "%s: the matrix %s", name, reason);
    return tarn_fail_kind(TARN_ERROR_RUNTIME, "%s: matrix %lld of the batch %s", name, (long long)r->index, reason);
}

static bool fail_not_finite(const reference_matrices *r) {
    return fail(r, "has values that are not finite");
}

/* ---- one matrix of each op */

static bool lu_factor(const reference_matrices *r, wide *a) {
    int64_t *order = (int64_t *)(void *)(a + r->m * r->n), *pivots = order + r->m;
    load(r, 0, a);
    matrix_lu(a, r->m, r->n, order, pivots);
    store(r, 0, a, r->m, r->n, r->n, false);
    uint32_t *out_pivots = (uint32_t *)(void *)r->outputs[1], *rows = (uint32_t *)(void *)r->outputs[2];
    for (int64_t i = 0; out_pivots && i < r->k; i++) out_pivots[i] = (uint32_t)pivots[i];
    for (int64_t i = 0; rows && i < r->m; i++) rows[order[i]] = (uint32_t)i;
    return true;
}

static bool qr(const reference_matrices *r, wide *a) {
    wide *q = a + r->m * r->n;
    load(r, 0, a);
    matrix_qr(a, r->m, r->n, q, q + r->m * r->m);
    store(r, 0, q, r->m, r->k, r->m, false);
    store(r, 1, a, r->k, r->n, r->n, false);
    return true;
}

/* Of a matrix with more columns than rows, by its conjugate transpose. */
static bool svd(const reference_matrices *r, wide *a) {
    const attributes_linalg_svd *attributes = r->call->attributes;
    bool thin = attributes->thin, turned = r->m < r->n;
    int values = attributes->values ? 0 : 1; /* their output */
    int64_t large = turned ? r->n : r->m, columns = thin ? r->k : large;
    wide *v = a + r->m * r->n, *u = v + r->k * r->k, *room = u + large * large;
    long double *s = (long double *)(void *)(room + r->k);
    load(r, 0, turned ? u : a);
    for (int64_t i = 0; turned && i < r->m * r->n; i++) a[i % r->n * r->m + i / r->n] = conjl(u[i]);
    if (!all_finite(a, r->m * r->n)) return fail_not_finite(r);
    matrix_svd(a, large, r->k, s, v);
    matrix_svd_bases(a, large, r->k, u, room);
    tarn_dtype real = r->call->outputs[values].dtype;
    for (int64_t i = 0; r->outputs[values] && i < r->k; i++)
        put_number(r->outputs[values] + i * dtype_bytes(real), (wide)s[i], real);
    if (attributes->values) return true;
    store(r, turned ? 2 : 0, u, turned ? columns : large, turned ? large : columns, large, turned);
    store(r, turned ? 0 : 2, v, r->k, r->k, r->k, !turned);
    return true;
}

static bool cholesky(const reference_matrices *r, wide *a) {
    bool upper = ((const attributes_linalg_cholesky *)r->call->attributes)->upper;
    int64_t n = r->n;
    load(r, 0, a);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++) {
            if (upper) a[i * n + j] = conjl(a[j * n + i]);
            a[j * n + i] = 0;
        }
    if (!matrix_cholesky(a, n)) return fail(r, "is not positive definite");
    store(r, 0, a, n, n, n, upper);
    return true;
}

static bool eigh(const reference_matrices *r, wide *a) {
    bool upper = ((const attributes_linalg_eigh *)r->call->attributes)->upper;
    int64_t n = r->n;
    wide *v = a + n * n;
    load(r, 0, a);
    for (int64_t i = 0; i < n; i++) {
        a[i * n + i] = __real__ a[i * n + i];
        for (int64_t j = 0; j < i; j++)
            if (upper)
                a[i * n + j] = conjl(a[j * n + i]);
            else
                a[j * n + i] = conjl(a[i * n + j]);
    }
    if (!all_finite(a, n * n)) return fail_not_finite(r);
    matrix_eigh(a, n, v);
    store(r, 0, a, n, 1, n + 1, false);
    if (r->call->output_count > 1) store(r, 1, v, n, n, n, false);
    return true;
}

static bool eig(const reference_matrices *r, wide *a) {
    int64_t n = r->n;
    wide *v = a + n * n;
    load(r, 0, a);
    if (!all_finite(a, n * n)) return fail_not_finite(r);
    if (!matrix_eig(a, n, v, v + n * n)) return fail(r, "did not converge");
    store(r, 0, a, n, 1, n + 1, false);
    if (r->call->output_count > 1) store(r, 1, v, n, n, n, false);
    return true;
}

static bool solve(const reference_matrices *r, wide *a) {
    int64_t n = r->n, k = r->k;
    wide *b = a + n * n, *sorted = b + n * k;
    int64_t *order = (int64_t *)(void *)(sorted + n * k), *pivots = order + n;
    load(r, 0, a);
    load(r, 1, b);
    matrix_lu(a, n, n, order, pivots);
    for (int64_t i = 0; i < n * k; i++) sorted[i] = b[order[i / k] * k + i % k];
    if (!matrix_substitute(a, n, sorted, k, true, true)) return fail(r, "is singular");
    store(r, 0, sorted, n, k, k, false);
    return true;
}

static bool solve_triangular(const reference_matrices *r, wide *a) {
    bool upper = ((const attributes_linalg_solve_triangular *)r->call->attributes)->upper;
    wide *b = a + r->n * r->n;
    load(r, 0, a);
    load(r, 1, b);
    if (!matrix_substitute(a, r->n, b, r->k, !upper, upper)) return fail(r, "is singular");
    store(r, 0, b, r->n, r->k, r->k, false);
    return true;
}

/* ---- the batch */

static bool is_equation(op_id op) {
    return op == OP_linalg_solve || op == OP_linalg_solve_triangular;
}

/* The leading axes of an input, broadcast to those of the result. */
static cursor matrices_of(const call *c, int input) {
    operand o = c->inputs[input];
    const operand *whole = is_equation(c->op) ? &c->outputs[0] : &c->inputs[0];
    o.ndim -= 2;
    return cursor_broadcast(&o, whole->shape, whole->ndim - 2);
}

static reference_matrices begin(const call *c) {
    const operand *a = &c->inputs[0];
    int64_t m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1], k = m < n ? m : n;
    reference_matrices r = {.call = c, .m = m, .n = n, .k = k};
    if (is_equation(c->op)) r.k = c->inputs[1].shape[c->inputs[1].ndim - 1];
    for (int i = 0; i < c->input_count; i++) r.matrices[i] = matrices_of(c, i);
    for (int i = 0; i < c->output_count; i++) r.outputs[i] = c->outputs[i].data;
    return r;
}

static bool run(const call *c, bool (*one)(const reference_matrices *, wide *)) {
    reference_matrices r = begin(c);
    r.batch = r.matrices[0].left;
    for (; r.index < r.batch; r.index++) {
        if (!one(&r, c->workspace)) return false;
        for (int k = 0; k < c->input_count; k++) cursor_next(&r.matrices[k]);
        for (int k = 0; k < c->output_count; k++)
            if (r.outputs[k]) r.outputs[k] += operand_size(&c->outputs[k]) / r.batch * dtype_bytes(c->outputs[k].dtype);
    }
    return true;
}

/* What the greediest of them needs: a, u, v, room and two lists. */
static int64_t workspace(const call *c) {
    const operand *a = &c->inputs[0];
    int64_t m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1], large = m > n ? m : n, sides = 0;
    if (is_equation(c->op)) sides = 2 * n * c->inputs[1].shape[c->inputs[1].ndim - 1];
    return (4 * large * large + 4 * large + 4 + sides) * (int64_t)sizeof(wide);
}

#define MATRICES(name)                                                                                                 \
    static bool run_##name(const call *c) {                                                                            \
        return run(c, name);                                                                                           \
    }                                                                                                                  \
    const kernel_row reference_linalg_##name = {REFERENCE_ROW(linalg_##name), .workspace = workspace,                  \
                                                .run = run_##name};
MATRICES(lu_factor)
MATRICES(qr)
MATRICES(svd)
MATRICES(cholesky)
MATRICES(eigh)
MATRICES(eig)
MATRICES(solve)
MATRICES(solve_triangular)
