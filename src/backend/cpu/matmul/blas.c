/* f64 and complex64. One thread works, because the library is not made for several (base/blas.h). The output is cut
   into blocks of a fixed size, one call each; sizes and strides are checked before a call, because the library answers
   bad ones on stderr. */
#include "cpu/matmul/blas.h"

#include <cblas.h>
#include <limits.h>
#include <string.h>

#include "base/blas.h"
#include "cpu/matmul/batch.h"

enum { BLOCK = 256 };

/* A matrix whose rows or columns are dense, as BLAS wants it. */
typedef struct {
    const char *data;
    int64_t row_stride, column_stride, leading;
    CBLAS_TRANSPOSE turned;
} blas_matrix;

typedef struct {
    batch_axes axes;
    tarn_dtype dtype;
    int64_t n, k;
    blas_matrix a, b;
    char *out;
} blas_job;

/* False if neither axis is dense with the other at least as far apart as the dense one is long. */
static bool describe_matrix(blas_matrix *m, const void *data, int64_t rows, int64_t columns, int64_t row_stride,
                            int64_t column_stride) {
    *m = (blas_matrix){.data = data, .row_stride = row_stride, .column_stride = column_stride};
    if (column_stride == 1 || columns <= 1) {
        m->turned = CblasNoTrans;
        m->leading = rows <= 1 ? columns : row_stride;
        if (m->leading >= columns && m->leading <= INT_MAX) return true;
    }
    if (row_stride == 1 || rows <= 1) {
        m->turned = CblasTrans;
        m->leading = columns <= 1 ? rows : column_stride;
        if (m->leading >= rows && m->leading <= INT_MAX) return true;
    }
    return false;
}

static bool describe(blas_job *j, const call *c) {
    const operand *a = &c->inputs[0], *b = &c->inputs[1], *out = &c->outputs[0];
    *j = (blas_job){.dtype = a->dtype, .n = out->shape[out->ndim - 1], .k = a->shape[a->ndim - 1], .out = out->data};
    batch_of(&j->axes, out, c->inputs, 2);
    return j->k <= INT_MAX &&
           describe_matrix(&j->a, a->data, j->axes.folded, j->k, j->axes.row_stride, a->strides[a->ndim - 1]) &&
           describe_matrix(&j->b, b->data, j->k, j->n, b->strides[b->ndim - 2], b->strides[b->ndim - 1]);
}

static int leading(const blas_matrix *m) {
    return m->leading > 0 ? (int)m->leading : 1;
}

static void multiply_block(const blas_job *j, const char *a, const char *b, char *out, int64_t m, int64_t n) {
    const double one[2] = {1, 0}, zero[2] = {0, 0};
    const float complex_one[2] = {1, 0}, complex_zero[2] = {0, 0};
    int64_t size = dtype_bytes(j->dtype);
    if (j->k == 0) {
        for (int64_t r = 0; r < m; r++) memset(out + r * j->n * size, 0, (size_t)(n * size));
    } else if (j->dtype == TARN_FLOAT64) {
        cblas_dgemm(CblasRowMajor, j->a.turned, j->b.turned, (int)m, (int)n, (int)j->k, one[0],
                    (const double *)(const void *)a, leading(&j->a), (const double *)(const void *)b, leading(&j->b),
                    zero[0], (double *)(void *)out, (int)j->n);
    } else {
        cblas_cgemm(CblasRowMajor, j->a.turned, j->b.turned, (int)m, (int)n, (int)j->k, complex_one, a, leading(&j->a),
                    b, leading(&j->b), complex_zero, out, (int)j->n);
    }
}

/* The block at a row and column of one product of the batch. */
static void multiply_at(const blas_job *j, int64_t product, int64_t row, int64_t column) {
    int64_t size = dtype_bytes(j->dtype);
    int64_t m = j->axes.folded - row < BLOCK ? j->axes.folded - row : BLOCK,
            n = j->n - column < BLOCK ? j->n - column : BLOCK;
    const char *a = j->a.data + (batch_offset(&j->axes, 0, product) + row * j->a.row_stride) * size;
    const char *b = j->b.data + (batch_offset(&j->axes, 1, product) + column * j->b.column_stride) * size;
    multiply_block(j, a, b, j->out + ((product * j->axes.folded + row) * j->n + column) * size, m, n);
}

static bool run(const call *c) {
    blas_job j;
    describe(&j, c); /* supports() has seen that it fits */
    blas_begin();
    for (int64_t product = 0; product < j.axes.count; product++)
        for (int64_t row = 0; row < j.axes.folded; row += BLOCK)
            for (int64_t column = 0; column < j.n; column += BLOCK) multiply_at(&j, product, row, column);
    blas_end();
    return true;
}

static bool supports(const call *c) {
    blas_job j;
    return c->inputs[1].dtype == c->inputs[0].dtype && c->outputs[0].dtype == c->inputs[0].dtype && describe(&j, c) &&
           j.n <= INT_MAX;
}

const kernel_row matmul_blas_row = {.op = OP_matmul,
                                    .name = "matmul_openblas",
                                    .dtypes = DTYPE_BIT(TARN_FLOAT64) | DTYPE_BIT(TARN_COMPLEX64),
                                    .layout = LAYOUT_MATRIX,
                                    .supports = supports,
                                    .run = run};
