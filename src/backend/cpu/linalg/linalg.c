/* Factors of matrices and equations over LAPACK. Each matrix of a batch is copied column after column into room of a
   thread's own, handed to LAPACK and copied back; what LAPACK finds out becomes an error when all are done. Values that
   are not finite are refused before the iterations for eigenvalues and singular values, which need not end on them. */
#include <limits.h>
#include <stdatomic.h>
#include <string.h>

#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/linalg/lapack.h"
#include "tarn/error.h"

enum { SMALL_WORK = 1 << 16 /* elements worth a thread */, NOT_FINITE = -1000 };

typedef struct {
    const call *call;
    int m, n, k; /* of the matrix: rows, columns, the smaller; of equations k is the number of right sides */
    tarn_dtype dtype;
    int64_t size, batch, slots; /* bytes of an element; matrices; that are worked on at a time */
} matrix_job;

/* Does matrix `index`; returns LAPACK's info, or NOT_FINITE. */
typedef int matrix_body(const matrix_job *j, int64_t index, char *room);
/* Bytes that it takes, or -1. */
typedef int64_t matrix_room(const matrix_job *j);

/* ---- sizes */

static int64_t aligned(int64_t bytes) {
    return (bytes + 63) / 64 * 64;
}
static void *take(char **room, int64_t bytes) {
    void *part = *room;
    *room += aligned(bytes);
    return part;
}
static int64_t matrix_bytes(const matrix_job *j, int64_t rows, int64_t columns) {
    return aligned(rows * columns * j->size);
}

static bool is_equation(op_id op) {
    return op == OP_linalg_solve || op == OP_linalg_solve_triangular;
}

static bool describe(const call *c, matrix_job *j) {
    const operand *a = &c->inputs[0];
    int64_t m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1], k = m < n ? m : n;
    if (is_equation(c->op)) k = c->inputs[1].shape[c->inputs[1].ndim - 1];
    const operand *batched = is_equation(c->op) ? &c->outputs[0] : a;
    *j = (matrix_job){c, (int)m, (int)n, (int)k, a->dtype, dtype_bytes(a->dtype), 1, 0};
    for (int i = 0; i < batched->ndim - 2; i++) j->batch *= batched->shape[i];
    int threads = parallel_threads();
    j->slots = j->batch < threads ? j->batch : threads;
    return m <= INT_MAX && n <= INT_MAX && k <= INT_MAX;
}

/* ---- copies */

/* Element offset of matrix `index` of the batch in an operand whose own leading axes broadcast to it. */
static int64_t matrix_offset(const matrix_job *j, const operand *o, int64_t index) {
    const operand *batched = is_equation(j->call->op) ? &j->call->outputs[0] : &j->call->inputs[0];
    int64_t offset = 0;
    for (int i = batched->ndim - 3, own = o->ndim - 3; own >= 0; i--, own--) {
        int64_t place = index % batched->shape[i];
        index /= batched->shape[i];
        if (o->shape[own] != 1) offset += place * o->strides[own];
    }
    return offset;
}

/* to[c * rows + r] = from[r * row_step + c * column_step], in elements of 4, 8 or 16 bytes. */
#define GATHER(type)                                                                                                   \
    for (int64_t c = 0; c < columns; c++)                                                                              \
        for (int64_t r = 0; r < rows; r++)                                                                             \
    ((type *)to)[c * rows + r] = ((const type *)from)[r * row_step + c * column_step]
static void gather(void *to, const void *from, int64_t rows, int64_t columns, int64_t row_step, int64_t column_step,
                   int64_t size) {
    if (size == 4)
        GATHER(uint32_t);
    else
        GATHER(uint64_t);
}

static void load(const matrix_job *j, void *to, int input, int64_t index) {
    const operand *o = &j->call->inputs[input];
    const char *from = (const char *)o->data + matrix_offset(j, o, index) * j->size;
    gather(to, from, o->shape[o->ndim - 2], o->shape[o->ndim - 1], o->strides[o->ndim - 2], o->strides[o->ndim - 1],
           j->size);
}

/* Where matrix (or vector) `index` of an output lies; NULL if nobody reads it. */
static void *place(const matrix_job *j, int output, int64_t index) {
    const operand *o = &j->call->outputs[output];
    if (!o->data) return NULL;
    return (char *)o->data + index * (operand_size(o) / j->batch) * dtype_bytes(o->dtype);
}

static void store(const matrix_job *j, int output, int64_t index, const void *from, int64_t rows, int64_t columns) {
    void *to = place(j, output, index);
    if (to) gather(to, from, columns, rows, rows, 1, j->size);
}

static bool all_finite(const matrix_job *j, const void *a) {
    int64_t count = (int64_t)j->m * j->n * (j->dtype == TARN_COMPLEX64 ? 2 : 1);
    for (int64_t i = 0; i < count; i++) {
        double x = j->dtype == TARN_FLOAT64 ? ((const double *)a)[i] : (double)((const float *)a)[i];
        if (!(x - x == 0)) return false;
    }
    return true;
}

/* ---- lu */

static int64_t lu_room(const matrix_job *j) {
    return matrix_bytes(j, j->m, j->n) + aligned(j->k * 4) + aligned(j->m * 4);
}

/* Row i was exchanged with pivots[i]; place[r] says where row r of a has come to. */
static void store_rows(const matrix_job *j, int64_t index, const int *pivots, uint32_t *order) {
    uint32_t *out_pivots = place(j, 1, index), *out_rows = place(j, 2, index);
    for (int i = 0; i < j->m; i++) order[i] = (uint32_t)i;
    for (int i = 0; i < j->k; i++) {
        uint32_t other = (uint32_t)pivots[i] - 1, row = order[other];
        order[other] = order[i];
        order[i] = row;
        if (out_pivots) out_pivots[i] = other;
    }
    for (int i = 0; out_rows && i < j->m; i++) out_rows[order[i]] = (uint32_t)i;
}

/* A pivot of zero is no error of the factors. */
static int run_lu(const matrix_job *j, int64_t index, char *room) {
    void *a = take(&room, matrix_bytes(j, j->m, j->n));
    int *pivots = take(&room, j->k * 4);
    load(j, a, 0, index);
    lapack_lu(j->dtype, j->m, j->n, a, pivots);
    store(j, 0, index, a, j->m, j->n);
    store_rows(j, index, pivots, (uint32_t *)(void *)room);
    return 0;
}

/* ---- qr */

static int64_t qr_room(const matrix_job *j) {
    int64_t room = lapack_qr_room(j->dtype, j->m, j->n);
    return room < 0 ? -1 : room + matrix_bytes(j, j->m, j->n) + matrix_bytes(j, j->k, j->n);
}

static int run_qr(const matrix_job *j, int64_t index, char *room) {
    void *a = take(&room, matrix_bytes(j, j->m, j->n)), *r = take(&room, matrix_bytes(j, j->k, j->n));
    load(j, a, 0, index);
    int info = lapack_qr(j->dtype, j->m, j->n, a, r, room);
    store(j, 0, index, a, j->m, j->k);
    store(j, 1, index, r, j->k, j->n);
    return info;
}

/* ---- svd */

/* Whether only singular values or eigenvalues are wanted. They come out in other last bits than beside vectors, which
   therefore are computed whether somebody reads them or not. */
static bool only_values(const matrix_job *j) {
    const void *a = j->call->attributes;
    return j->call->op == OP_linalg_svd    ? ((const attributes_linalg_svd *)a)->values
           : j->call->op == OP_linalg_eigh ? ((const attributes_linalg_eigh *)a)->values
                                           : ((const attributes_linalg_eig *)a)->values;
}

static bool is_thin(const matrix_job *j) {
    return ((const attributes_linalg_svd *)j->call->attributes)->thin;
}

static int64_t svd_room(const matrix_job *j) {
    int64_t room = lapack_svd_room(j->dtype, j->m, j->n, is_thin(j));
    int64_t u = is_thin(j) ? j->k : j->m, vt = is_thin(j) ? j->k : j->n;
    return room < 0 ? -1
                    : room + matrix_bytes(j, j->m, j->n) + matrix_bytes(j, j->m, u) + matrix_bytes(j, vt, j->n) +
                          aligned(j->k * 8);
}

/* What belongs to no singular value is any basis. */
static void set_unit(const matrix_job *j, char *a, int64_t n) {
    memset(a, 0, (size_t)(n * n * j->size));
    for (int64_t i = 0; i < n; i++)
        if (j->dtype == TARN_FLOAT64)
            ((double *)(void *)a)[i * n + i] = 1;
        else
            *(float *)(void *)(a + (i * n + i) * j->size) = 1;
}

static int run_svd(const matrix_job *j, int64_t index, char *room) {
    int64_t columns = is_thin(j) ? j->k : j->m, rows = is_thin(j) ? j->k : j->n;
    bool vectors = !only_values(j);
    void *a = take(&room, matrix_bytes(j, j->m, j->n)), *u = take(&room, matrix_bytes(j, j->m, columns)),
         *vt = take(&room, matrix_bytes(j, rows, j->n)), *s = take(&room, j->k * 8),
         *out = place(j, vectors ? 1 : 0, index);
    load(j, a, 0, index);
    if (!all_finite(j, a)) return NOT_FINITE;
    int info =
        lapack_svd(j->dtype, j->m, j->n, is_thin(j), a, out ? out : s, vectors ? u : NULL, vectors ? vt : NULL, room);
    if (!vectors) return info;
    if (j->k == 0) set_unit(j, u, columns), set_unit(j, vt, rows); /* LAPACK does nothing */
    store(j, 0, index, u, j->m, columns);
    store(j, 2, index, vt, rows, j->n);
    return info;
}

/* ---- cholesky */

static int64_t cholesky_room(const matrix_job *j) {
    return matrix_bytes(j, j->n, j->n);
}

static int run_cholesky(const matrix_job *j, int64_t index, char *room) {
    bool upper = ((const attributes_linalg_cholesky *)j->call->attributes)->upper;
    load(j, room, 0, index);
    int info = lapack_cholesky(j->dtype, upper, j->n, room);
    for (int64_t c = 0; c < j->n; c++) {
        int64_t begin = upper ? c + 1 : 0, end = upper ? j->n : c;
        memset(room + (c * j->n + begin) * j->size, 0, (size_t)((end - begin) * j->size));
    }
    store(j, 0, index, room, j->n, j->n);
    return info;
}

/* ---- eigenvalues */

static int64_t eigh_room(const matrix_job *j) {
    int64_t room = lapack_eigh_room(j->dtype, j->n);
    return room < 0 ? -1 : room + matrix_bytes(j, j->n, j->n) + aligned(j->n * 8);
}

static int run_eigh(const matrix_job *j, int64_t index, char *room) {
    bool upper = ((const attributes_linalg_eigh *)j->call->attributes)->upper, vectors = !only_values(j);
    void *a = take(&room, matrix_bytes(j, j->n, j->n)), *w = take(&room, j->n * 8), *out = place(j, 0, index);
    load(j, a, 0, index);
    if (!all_finite(j, a)) return NOT_FINITE;
    int info = lapack_eigh(j->dtype, upper, vectors, j->n, a, out ? out : w, room);
    if (vectors) store(j, 1, index, a, j->n, j->n);
    return info;
}

static int64_t eig_room(const matrix_job *j) {
    int64_t room = lapack_eig_room(j->dtype, j->n);
    return room < 0 ? -1 : room + matrix_bytes(j, j->n, j->n) + aligned(j->n * 16) + aligned((int64_t)j->n * j->n * 16);
}

/* complex64 of what has the precision of the dtype; columns become rows of the output's columns. */
static void store_complex(const matrix_job *j, int output, int64_t index, const void *from, int64_t rows,
                          int64_t columns) {
    float _Complex *to = place(j, output, index);
    for (int64_t r = 0; to && r < rows; r++)
        for (int64_t c = 0; c < columns; c++) {
            int64_t at = c * rows + r;
            to[r * columns + c] = j->dtype == TARN_FLOAT64 ? (float _Complex)((const double _Complex *)from)[at]
                                                           : ((const float _Complex *)from)[at];
        }
}

static int run_eig(const matrix_job *j, int64_t index, char *room) {
    void *a = take(&room, matrix_bytes(j, j->n, j->n)), *w = take(&room, (int64_t)j->n * 16),
         *v = take(&room, (int64_t)j->n * j->n * 16);
    bool vectors = !only_values(j);
    load(j, a, 0, index);
    if (!all_finite(j, a)) return NOT_FINITE;
    int info = lapack_eig(j->dtype, j->n, a, w, vectors ? v : NULL, room);
    store_complex(j, 0, index, w, j->n, 1);
    if (vectors) store_complex(j, 1, index, v, j->n, j->n);
    return info;
}

/* ---- equations */

static int64_t solve_room(const matrix_job *j) {
    return matrix_bytes(j, j->n, j->n) + matrix_bytes(j, j->n, j->k) + aligned(j->n * 4);
}

static int run_solve(const matrix_job *j, int64_t index, char *room) {
    void *a = take(&room, matrix_bytes(j, j->n, j->n)), *b = take(&room, matrix_bytes(j, j->n, j->k));
    load(j, a, 0, index);
    load(j, b, 1, index);
    int info = j->call->op == OP_linalg_solve
                   ? lapack_solve(j->dtype, j->n, j->k, a, b, (int *)(void *)room)
                   : lapack_solve_triangular(j->dtype,
                                             ((const attributes_linalg_solve_triangular *)j->call->attributes)->upper,
                                             j->n, j->k, a, b);
    store(j, 0, index, b, j->n, j->k);
    return info;
}

/* ---- the batch */

typedef struct {
    matrix_job job;
    matrix_body *body;
    int64_t room;
    _Atomic int64_t failed; /* the first matrix that failed, or INT64_MAX */
    atomic_int info;        /* of one that failed */
} batch_job;

static void note_failure(batch_job *b, int64_t index, int info) {
    int64_t first = atomic_load(&b->failed);
    while (index < first && !atomic_compare_exchange_weak(&b->failed, &first, index)) {
    }
    atomic_store(&b->info, info);
}

static void run_slots(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    batch_job *b = context;
    const matrix_job *j = &b->job;
    for (int64_t slot = begin; slot < end; slot++)
        for (int64_t i = j->batch * slot / j->slots; i < j->batch * (slot + 1) / j->slots; i++) {
            int info = b->body(j, i, (char *)j->call->workspace + slot * b->room);
            if (info) note_failure(b, i, info);
        }
}

static const char *reason_of(op_id op, int info) {
    if (info == NOT_FINITE) return "has values that are not finite";
    if (op == OP_linalg_cholesky) return "is not positive definite";
    return is_equation(op) ? "is singular" : "did not converge";
}

static bool run_batch(const call *c, matrix_body *body, matrix_room *room) {
    batch_job b = {.body = body, .failed = INT64_MAX};
    const char *name = op_name(c->op);
    b.room = describe(c, &b.job) ? room(&b.job) : -1;
    if (b.room < 0) return tarn_fail("%s: the matrix is too large", name);
    bool small = (int64_t)b.job.m * b.job.n * b.job.batch < SMALL_WORK;
    if (b.job.batch > 0) parallel_for(b.job.slots, small ? b.job.slots : 1, run_slots, &b);
    if (b.failed == INT64_MAX) return true;
    const char *reason = reason_of(c->op, b.info);
    if (b.job.batch == 1) return tarn_fail_kind(TARN_ERROR_RUNTIME, "%s: the matrix %s", name, reason);
    return tarn_fail_kind(TARN_ERROR_RUNTIME, "%s: matrix %lld of the batch %s", name, (long long)b.failed, reason);
}

static int64_t batch_workspace(const call *c, matrix_room *room) {
    matrix_job j;
    int64_t bytes = describe(c, &j) ? room(&j) : -1;
    return bytes < 0 ? 0 : bytes * j.slots;
}

/* ---- rows */

#define DTYPES_FACTORED (DTYPE_BIT(TARN_FLOAT32) | DTYPE_BIT(TARN_FLOAT64) | DTYPE_BIT(TARN_COMPLEX64))
/* EACH(X): X(op, body, room) */
#define EACH(X)                                                                                                        \
    X(linalg_lu_factor, run_lu, lu_room)                                                                               \
    X(linalg_qr, run_qr, qr_room)                                                                                      \
    X(linalg_svd, run_svd, svd_room)                                                                                   \
    X(linalg_cholesky, run_cholesky, cholesky_room)                                                                    \
    X(linalg_eigh, run_eigh, eigh_room)                                                                                \
    X(linalg_eig, run_eig, eig_room)                                                                                   \
    X(linalg_solve, run_solve, solve_room)                                                                             \
    X(linalg_solve_triangular, run_solve, solve_room)

#define FUNCTIONS(op, body, room)                                                                                      \
    static bool op##_run(const call *c) {                                                                              \
        return run_batch(c, body, room);                                                                               \
    }                                                                                                                  \
    static int64_t op##_workspace(const call *c) {                                                                     \
        return batch_workspace(c, room);                                                                               \
    }
EACH(FUNCTIONS)

#define ROW(op_, body, room)                                                                                           \
    {.op = OP_##op_,                                                                                                   \
     .name = #op_ "_lapack",                                                                                           \
     .dtypes = DTYPES_FACTORED,                                                                                        \
     .layout = LAYOUT_ANY,                                                                                             \
     .workspace = op_##_workspace,                                                                                     \
     .run = op_##_run},

int cpu_rows_linalg(op_id op, cpu_isa isa, const kernel_row *out[CPU_FAMILY_ROWS]) {
    static const kernel_row rows[] = {EACH(ROW)};
    return isa == ISA_BASELINE ? cpu_pick_rows(op, rows, sizeof rows / sizeof *rows, out, 0) : 0;
}
