/* Rows of linear algebra: each matrix of a batch is brought to cuSOLVER's layout, factored, and brought back. What goes
   wrong with the numbers of a matrix is found on the device and told where a result is read. */
#include "cuda/linalg/linalg.h"

#include "base/memory.h"
#include "cuda/cuda.h"
#include "cuda/linalg/solver.h"
#include "table/absent.h"

enum { A, B, MOST_INPUTS = 2, MOST_OUTPUTS = 3 };
#define NUMBERS (DTYPE_BIT(TARN_FLOAT32) | DTYPE_BIT(TARN_FLOAT64) | DTYPE_BIT(TARN_COMPLEX64))

/* ---- the batch */
typedef struct {
    const call *c;
    int64_t m, n, k, sides, batch; /* k: the smaller of m and n */
    int dtype;                     /* that is computed in */
    bool turned;                   /* svd of the transpose, which has as many rows as columns or more */
    solver_job job;
    uint32_t *order; /* lu: room for m */
    uint64_t *status;
    int64_t number; /* of the matrix at hand */
} matrices;

static bool is_equation(op_id op) {
    return op == OP_linalg_solve || op == OP_linalg_solve_triangular;
}

static const operand *whole_of(const call *c) {
    return is_equation(c->op) ? &c->outputs[0] : &c->inputs[A];
}

/* Where matrix `number` of the batch begins in an input, whose leading axes are broadcast. */
static const void *matrix_in(const matrices *r, int input) {
    const operand *o = &r->c->inputs[input], *whole = whole_of(r->c);
    int64_t left = r->number, offset = 0;
    for (int i = whole->ndim - 3; i >= 0; i--) {
        int own = i - (whole->ndim - o->ndim);
        int64_t index = left % whole->shape[i];
        left /= whole->shape[i];
        if (own >= 0 && o->shape[own] > 1) offset += index * o->strides[own];
    }
    return (const char *)o->data + offset * dtype_bytes(o->dtype);
}

static void *matrix_out(const matrices *r, int output) {
    const operand *o = &r->c->outputs[output];
    return o->data ? (char *)o->data + r->number * (operand_size(o) / r->batch) * dtype_bytes(o->dtype) : NULL;
}

static matrices begin(const call *c) {
    const operand *a = &c->inputs[A], *whole = whole_of(c);
    matrices r = {.c = c, .m = a->shape[a->ndim - 2], .n = a->shape[a->ndim - 1], .dtype = (int)a->dtype, .batch = 1};
    r.k = r.m < r.n ? r.m : r.n;
    if (is_equation(c->op)) r.sides = c->inputs[B].shape[c->inputs[B].ndim - 1];
    for (int i = 0; i < whole->ndim - 2; i++) r.batch *= whole->shape[i];
    return r;
}

/* ---- moving: input, by rows with any strides, to columns without gaps; those to an output, which is dense by rows */
static void bring(const matrices *r, int input, void *to, int64_t rows, int64_t columns, int triangle) {
    const operand *o = &r->c->inputs[input];
    matrix_kernel k = {.to = to,
                       .from = matrix_in(r, input),
                       .to_dtype = r->dtype,
                       .from_dtype = (int)o->dtype,
                       .triangle = triangle,
                       .number = r->number,
                       .rows = rows,
                       .columns = columns,
                       .to_row = r->turned ? columns : 1,
                       .to_column = r->turned ? 1 : rows,
                       .from_row = o->strides[o->ndim - 2],
                       .from_column = o->strides[o->ndim - 1]};
    bool checked = r->c->op == OP_linalg_svd || r->c->op == OP_linalg_eigh || r->c->op == OP_linalg_eig;
    if (checked) k.status = r->status;
    launch_matrix(&k, cuda_stream_now);
}

/* from: columns `step` apart; turned: rows. */
static void take(const matrices *r, int output, const void *from, int dtype, int64_t rows, int64_t columns,
                 int64_t step, int triangle) {
    matrix_kernel k = {.to = matrix_out(r, output),
                       .from = from,
                       .to_dtype = (int)r->c->outputs[output].dtype,
                       .from_dtype = dtype,
                       .triangle = triangle,
                       .rows = rows,
                       .columns = columns,
                       .to_row = columns,
                       .to_column = 1,
                       .from_row = r->turned ? step : 1,
                       .from_column = r->turned ? 1 : step};
    if (k.to) launch_matrix(&k, cuda_stream_now);
}

static void note(const matrices *r) {
    launch_note_info(r->job.info, r->status, r->number, cuda_stream_now);
}

static int real_of(int dtype) {
    return dtype == (int)TARN_COMPLEX64      ? (int)TARN_FLOAT32
           : dtype == (int)MATRIX_COMPLEX128 ? (int)TARN_FLOAT64
                                             : dtype;
}

/* ---- one matrix of each op */
static bool lu_factor(matrices *r) {
    bring(r, A, r->job.a, r->m, r->n, MATRIX_ALL);
    if (!solver_run(&r->job)) return false;
    take(r, 0, r->job.a, r->dtype, r->m, r->n, r->m, MATRIX_ALL);
    pivot_kernel k = {.from = r->job.pivots,
                      .pivots = matrix_out(r, 1),
                      .places = matrix_out(r, 2),
                      .order = r->order,
                      .count = r->k,
                      .rows = r->m};
    launch_pivots(&k, cuda_stream_now);
    return true;
}

static bool qr(matrices *r) {
    bring(r, A, r->job.a, r->m, r->n, MATRIX_ALL);
    if (!solver_run(&r->job)) return false;
    take(r, 0, r->job.u, r->dtype, r->m, r->k, r->m, MATRIX_ALL);
    take(r, 1, r->job.a, r->dtype, r->k, r->n, r->m, MATRIX_UPPER);
    return true;
}

/* Of the transpose the bases change places. */
static bool svd(matrices *r) {
    int values = r->job.values ? 0 : 1;
    int64_t large = r->job.m, u_columns = r->job.thin ? r->k : large;
    bring(r, A, r->job.a, r->m, r->n, MATRIX_ALL);
    if (!solver_run(&r->job)) return false;
    note(r);
    int real = real_of(r->dtype);
    take(r, values, r->job.s, real, 1, r->k, 1, MATRIX_ALL);
    if (r->job.values) return true;
    if (r->turned) {
        take(r, 0, r->job.vt, r->dtype, r->k, r->k, r->k, MATRIX_ALL);
        take(r, 2, r->job.u, r->dtype, u_columns, large, large, MATRIX_ALL);
    } else {
        take(r, 0, r->job.u, r->dtype, large, u_columns, large, MATRIX_ALL);
        take(r, 2, r->job.vt, r->dtype, r->k, r->k, r->k, MATRIX_ALL);
    }
    return true;
}

static bool cholesky(matrices *r) {
    int part = r->job.upper ? MATRIX_UPPER : MATRIX_LOWER;
    bring(r, A, r->job.a, r->n, r->n, part);
    if (!solver_run(&r->job)) return false;
    note(r);
    take(r, 0, r->job.a, r->dtype, r->n, r->n, r->n, part);
    return true;
}

static bool eigh(matrices *r) {
    bring(r, A, r->job.a, r->n, r->n, r->job.upper ? MATRIX_UPPER : MATRIX_LOWER);
    if (!solver_run(&r->job)) return false;
    note(r);
    take(r, 0, r->job.s, real_of(r->dtype), r->n, 1, r->n, MATRIX_ALL);
    if (!r->job.values) take(r, 1, r->job.a, r->dtype, r->n, r->n, r->n, MATRIX_ALL);
    return true;
}

static bool eig(matrices *r) {
    bring(r, A, r->job.a, r->n, r->n, MATRIX_ALL);
    if (!solver_run(&r->job)) return false;
    note(r);
    take(r, 0, r->job.s, r->dtype, r->n, 1, r->n, MATRIX_ALL);
    if (!r->job.values) take(r, 1, r->job.u, r->dtype, r->n, r->n, r->n, MATRIX_ALL);
    return true;
}

static bool solve(matrices *r) {
    bring(r, A, r->job.a, r->n, r->n, MATRIX_ALL);
    bring(r, B, r->job.b, r->n, r->sides, MATRIX_ALL);
    if (!solver_run(&r->job)) return false;
    note(r);
    take(r, 0, r->job.b, r->dtype, r->n, r->sides, r->n, MATRIX_ALL);
    return true;
}

static bool solve_triangular(matrices *r) {
    const operand *a = &r->c->inputs[A], *b = &r->c->inputs[B];
    void *x = matrix_out(r, 0);
    matrix_kernel copy = {.to = x,
                          .from = matrix_in(r, B),
                          .to_dtype = r->dtype,
                          .from_dtype = r->dtype,
                          .rows = r->n,
                          .columns = r->sides,
                          .to_row = r->sides,
                          .to_column = 1,
                          .from_row = b->strides[b->ndim - 2],
                          .from_column = b->strides[b->ndim - 1]};
    triangle_kernel k = {.x = x,
                         .a = matrix_in(r, A),
                         .status = r->status,
                         .dtype = r->dtype,
                         .upper = ((const attributes_linalg_solve_triangular *)r->c->attributes)->upper,
                         .number = r->number,
                         .n = r->n,
                         .columns = r->sides,
                         .a_row = a->strides[a->ndim - 2],
                         .a_column = a->strides[a->ndim - 1]};
    launch_matrix(&copy, cuda_stream_now);
    launch_triangle(&k, cuda_stream_now);
    return true;
}

/* ---- what the ops share: how they are done, and what may go wrong */
typedef struct {
    solver_kind kind;
    bool (*one)(matrices *r);
    const char *reason; /* NULL: nothing goes wrong */
} op_way;
static const op_way ways[OP_COUNT] = {
    [OP_linalg_lu_factor] = {SOLVER_LU, lu_factor, NULL},
    [OP_linalg_qr] = {SOLVER_QR, qr, NULL},
    [OP_linalg_svd] = {SOLVER_SVD, svd, "did not converge"},
    [OP_linalg_cholesky] = {SOLVER_CHOLESKY, cholesky, "is not positive definite"},
    [OP_linalg_eigh] = {SOLVER_EIGH, eigh, "did not converge"},
    [OP_linalg_eig] = {SOLVER_EIG, eig, "did not converge"},
    [OP_linalg_solve] = {SOLVER_SOLVE, solve, "is singular"},
    [OP_linalg_solve_triangular] = {SOLVER_SOLVE, solve_triangular, "is singular"},
};

static void say(const call *c, const uint64_t *words) {
    matrices r = begin(c);
    const char *name = op_name(c->op), *reason = words[0] % 2 ? ways[c->op].reason : "has values that are not finite";
    if (r.batch == 1)
        tarn_fail_kind(TARN_ERROR_RUNTIME, "%s: the matrix %s", name, reason);
    else
        tarn_fail_kind(TARN_ERROR_RUNTIME, "%s: matrix %lld of the batch %s", name, (long long)(words[0] / 2), reason);
}

static void read_attributes(matrices *r) {
    solver_job *j = &r->job;
    const void *a = r->c->attributes;
    j->m = r->m, j->n = r->n, j->sides = r->sides;
    switch (r->c->op) {
    case OP_linalg_svd:
        j->values = ((const attributes_linalg_svd *)a)->values, j->thin = ((const attributes_linalg_svd *)a)->thin;
        r->turned = r->m < r->n;
        if (r->turned) j->m = r->n, j->n = r->m;
        break;
    case OP_linalg_cholesky:
        j->upper = ((const attributes_linalg_cholesky *)a)->upper;
        break;
    case OP_linalg_eigh:
        j->upper = ((const attributes_linalg_eigh *)a)->upper, j->values = ((const attributes_linalg_eigh *)a)->values;
        break;
    case OP_linalg_eig: /* in complex numbers, whatever the matrix has */
        j->values = ((const attributes_linalg_eig *)a)->values;
        r->dtype = r->dtype == (int)TARN_FLOAT64 ? (int)MATRIX_COMPLEX128 : (int)TARN_COMPLEX64;
        break;
    default:
        break;
    }
    j->kind = ways[r->c->op].kind;
    j->dtype = r->dtype;
}

/* The next `bytes` of the workspace; without one only counted. */
static void *carve(char *workspace, int64_t *used, int64_t bytes) {
    char *at = workspace ? workspace + *used : NULL;
    *used += (bytes + 255) / 256 * 256;
    return at;
}

/* Where everything lies; returns how much it takes, 0 with the error set. */
static int64_t lay_out(matrices *r, char *workspace) {
    int64_t used = 0, each = r->dtype == (int)MATRIX_COMPLEX128 ? 16 : dtype_bytes((tarn_dtype)r->dtype);
    int64_t large = r->m > r->n ? r->m : r->n;
    solver_job *j = &r->job;
    if (!solver_room(j)) return 0;
    j->a = carve(workspace, &used, r->m * r->n * each);
    j->b = carve(workspace, &used, r->n * r->sides * each);
    j->s = carve(workspace, &used, large * 16);
    j->u = carve(workspace, &used, large * large * each);
    j->vt = carve(workspace, &used, r->k * r->k * each);
    j->pivots = carve(workspace, &used, large * 8);
    r->order = carve(workspace, &used, large * 4);
    j->info = carve(workspace, &used, 8);
    j->room = carve(workspace, &used, (int64_t)j->room_bytes);
    return used + 256;
}

static bool is_empty(const matrices *r) {
    return r->batch == 0 || r->m == 0 || r->n == 0 || (is_equation(r->c->op) && r->sides == 0);
}

static int64_t workspace(const call *c) {
    matrices r = begin(c);
    read_attributes(&r);
    int64_t bytes = is_empty(&r) ? r.m * 4 : c->op == OP_linalg_solve_triangular ? 0 : lay_out(&r, NULL);
    tarn_clear_error(); /* `prepare` tells it */
    return bytes;
}

static bool prepare(const call *c, void **prepared) {
    static char good;
    matrices r = begin(c);
    read_attributes(&r);
    *prepared = &good;
    return cuda_report(is_empty(&r) || c->op == OP_linalg_solve_triangular || lay_out(&r, NULL) > 0);
}

/* Of matrices without numbers some results have some: rows that stay where they are, bases that are units. */
static void make_units(matrices *r) {
    pivot_kernel rows = {.order = r->c->workspace, .rows = r->m};
    for (; r->number < r->batch; r->number++) {
        rows.places = r->c->op == OP_linalg_lu_factor ? matrix_out(r, 2) : NULL;
        if (rows.places) launch_pivots(&rows, cuda_stream_now);
        for (int i = 0; r->c->op == OP_linalg_svd && i < r->c->output_count; i++) {
            const operand *o = &r->c->outputs[i];
            int64_t size = o->data && operand_size(o) > 0 ? o->shape[o->ndim - 1] : 0;
            if (size) take(r, i, NULL, r->dtype, size, size, 1, MATRIX_ALL);
        }
    }
}

static bool run_all(matrices *r) {
    bool ok = true;
    for (; ok && r->number < r->batch; r->number++) ok = ways[r->c->op].one(r);
    return ok;
}

static bool run_with_room(matrices *r) {
    size_t bytes = r->job.host_bytes;
    r->job.host_room = bytes ? memory_new(1, bytes) : NULL;
    bool ok = (!bytes || r->job.host_room) && run_all(r);
    if (bytes) cudaStreamSynchronize(cuda_stream_now); /* what the library left to the host reads it */
    memory_free(r->job.host_room);
    return ok;
}

static bool run(const call *c) {
    matrices r = begin(c);
    cuda_status *status = NULL;
    read_attributes(&r);
    if (is_empty(&r)) return make_units(&r), true;
    char *room = (char *)(((uintptr_t)c->workspace + 255) / 256 * 256);
    if (c->op != OP_linalg_solve_triangular && !lay_out(&r, room)) return false;
    if (ways[c->op].reason) {
        if (!(status = cuda_status_new(c, say))) return false;
        r.status = cuda_status_words(status);
    }
    return run_with_room(&r) && (!status || cuda_status_send(status));
}

static bool supports(const call *c) {
    matrices r = begin(c);
    return r.m < INT32_MAX && r.n < INT32_MAX;
}

#define MATRICES(name)                                                                                                 \
    const kernel_row cuda_linalg_##name = {                                                                            \
        CUDA_ROW(linalg_##name), .dtypes = NUMBERS,      .selector = 0,      .layout = LAYOUT_ANY,                     \
        .supports = supports,    .workspace = workspace, .prepare = prepare, .run = run};
MATRICES(lu_factor)
MATRICES(qr)
MATRICES(svd)
MATRICES(cholesky)
MATRICES(eigh)
MATRICES(eig)
MATRICES(solve)
MATRICES(solve_triangular)
