/* Rows of matmul: cuBLASLt for floats and complex numbers whose matrices it can walk, else a plain kernel. */
#include <string.h>

#include "cuda/axes.h"
#include "cuda/cuda.h"
#include "cuda/fuse/fuse.h"
#include "cuda/kernels.h"
#include "cuda/matmul/lt.h"
#include "cuda/matmul/rows.h"
#include "cuda/rows.h"

/* The last two axes of an operand as the library wants them. */
typedef struct {
    bool transposed;
    int64_t step;
} matrix;

/* False: neither axis is dense, or lines overlap. An axis of one element may be stepped along in any way. */
static bool matrix_of(const operand *o, matrix *m) {
    int64_t rows = o->shape[o->ndim - 2], columns = o->shape[o->ndim - 1], down = o->strides[o->ndim - 2],
            across = o->strides[o->ndim - 1];
    if (columns == 1 || across == 1) {
        *m = (matrix){false, rows == 1 ? (columns > 1 ? columns : 1) : down};
        if (m->step >= columns) return true;
    }
    if (rows == 1 || down == 1) {
        *m = (matrix){true, columns == 1 ? (rows > 1 ? rows : 1) : across};
        if (m->step >= rows) return true;
    }
    return false;
}

static axes leading_axes(const call *c) {
    const operand *out = &c->outputs[0];
    int64_t strides[2][TARN_MAX_NDIM];
    for (int i = 0; i < 2; i++) axes_broadcast(&c->inputs[i], 2, out->ndim - 2, out->shape, strides[i]);
    return axes_joined(out->ndim - 2, out->shape, 3, (const int64_t *const[]){strides[0], strides[1], out->strides});
}

static bool supports_lt(const call *c) {
    matrix m;
    return c->inputs[0].ndim >= 2 && c->inputs[1].ndim >= 2 && matrix_of(&c->inputs[0], &m) &&
           matrix_of(&c->inputs[1], &m);
}

/* An axis of rows that b does not have goes to those of a where it continues them. */
static void join_rows(lt_product *p, axes *a) {
    int last = a->ndim - 1;
    if (a->ndim != 1 || a->strides[1][last] != 0 || p->a_transposed || a->strides[0][last] != p->m * p->a_step) return;
    p->m *= a->shape[last];
    a->ndim = 0;
}

/* The call as one product, and the axes that are left for others; false: its matrices cannot be walked. */
static bool product_of(const call *c, lt_product *p, axes *leading) {
    const operand *a = &c->inputs[0], *b = &c->inputs[1], *out = &c->outputs[0];
    matrix left, right;
    if (!matrix_of(a, &left) || !matrix_of(b, &right)) return false;
    *p = (lt_product){.dtype = out->dtype,
                      .m = out->shape[out->ndim - 2],
                      .n = out->shape[out->ndim - 1],
                      .k = a->shape[a->ndim - 1],
                      .batch = 1,
                      .a_step = left.step,
                      .b_step = right.step,
                      .a_transposed = left.transposed,
                      .b_transposed = right.transposed};
    *leading = leading_axes(c);
    join_rows(p, leading);
    return true;
}

/* The last leading axis is the library's batch, those before it are walked. */
static bool run_products(const call *c, lt_product p, const axes *leading) {
    const operand *a = &c->inputs[0], *b = &c->inputs[1], *out = &c->outputs[0];
    int64_t bytes = dtype_bytes(out->dtype), count = 1;
    int outer = leading->ndim > 0 ? leading->ndim - 1 : 0;
    if (leading->ndim > 0) {
        p.batch = leading->shape[outer];
        p.a_batch = leading->strides[0][outer], p.b_batch = leading->strides[1][outer],
        p.c_batch = leading->strides[2][outer];
    }
    for (int i = 0; i < outer; i++) count *= leading->shape[i];
    for (int64_t i = 0; i < count; i++) {
        int64_t at[3] = {0}, rest = i;
        for (int d = outer - 1; d >= 0; rest /= leading->shape[d], d--)
            for (int o = 0; o < 3; o++) at[o] += rest % leading->shape[d] * leading->strides[o][d];
        if (!lt_multiply(&p, (char *)out->data + at[2] * bytes, (const char *)a->data + at[0] * bytes,
                         (const char *)b->data + at[1] * bytes, c->workspace))
            return false;
    }
    return true;
}

/* ---- many rows of x with weights that lie transposed, by warpgroups */
static bool takes_rows(const call *c, const lt_product *p, const axes *leading, unsigned constant,
                       dense_rows_kernel *k) {
    const operand *out = &c->outputs[0];
    bool half = out->dtype == TARN_FLOAT16 || out->dtype == TARN_BFLOAT16;
    if (c->row != &cuda_matmul || !half || operand_size(out) == 0) return false;
    *k = (dense_rows_kernel){.to = out->data,
                             .x = c->inputs[0].data,
                             .weight = c->inputs[1].data,
                             .dtype = (int)out->dtype,
                             .early = constant >> 1 & 1,
                             .m = p->m,
                             .n = p->n,
                             .k = p->k,
                             .x_step = p->a_step,
                             .weight_step = p->b_step};
    bool even = ((p->n | p->k | p->a_step | p->b_step) & 7) == 0 &&
                (((uintptr_t)k->to | (uintptr_t)k->x | (uintptr_t)k->weight) & 15) == 0;
    return leading->ndim == 0 && !p->a_transposed && p->b_transposed && even && dense_rows_pay(k);
}

bool dense_rows_of(const call *c, unsigned constant, dense_rows_kernel *k) {
    lt_product p;
    axes leading;
    return c->row == &cuda_matmul && product_of(c, &p, &leading) && takes_rows(c, &p, &leading, constant, k);
}

static bool run_lt(const call *c) {
    const operand *out = &c->outputs[0];
    lt_product p;
    axes leading;
    dense_rows_kernel k;
    if (!product_of(c, &p, &leading)) return tarn_fail("matmul: matrices of these strides cannot be multiplied");
    int64_t bytes = operand_size(out) * dtype_bytes(out->dtype);
    if (bytes == 0) return true;
    if (p.k == 0) return cuda_ok(cudaMemsetAsync(out->data, 0, (size_t)bytes, cuda_stream_now), "clearing");
    if (takes_rows(c, &p, &leading, cuda_constant_inputs, &k) && launch_dense_rows(&k, cuda_stream_now)) return true;
    return run_products(c, p, &leading);
}

static bool prepare_lt(const call *c, void **prepared) {
    static char good;
    (void)c;
    *prepared = &good;
    return cuda_report(lt_prepare());
}

static int64_t workspace(const call *c) {
    (void)c;
    return LT_WORKSPACE;
}

/* ---- one row of x with weights that lie transposed */
static int64_t rows_of(const operand *o) {
    int64_t rows = 1;
    for (int i = 0; i < o->ndim - 1; i++) rows *= o->shape[i];
    return rows;
}

static bool supports_vector(const call *c) {
    enum { SUMS_BYTES = 27 << 10 /* of shared memory, of which a row takes the rest */ };
    const operand *a = &c->inputs[0], *b = &c->inputs[1];
    if (a->ndim < 1 || b->ndim < 2 || rows_of(a) != 1) return false;
    int64_t k = a->shape[a->ndim - 1], rows = b->shape[b->ndim - 1], step = b->strides[b->ndim - 1],
            each = 16 / dtype_bytes(a->dtype);
    bool dense = k <= 1 || (a->strides[a->ndim - 1] == 1 && b->strides[b->ndim - 2] == 1);
    for (int i = 0; i < b->ndim - 2; i++) dense = dense && b->shape[i] == 1;
    return dense && k > 0 && k % each == 0 && step % each == 0 && step >= k && rows > 1 &&
           k * dtype_bytes(a->dtype) <= cuda_shared_bytes() - SUMS_BYTES;
}

static bool run_any(const call *c);

bool dense_vector_of(const call *c, unsigned constant, vector_kernel *k) {
    const operand *a = &c->inputs[0], *b = &c->inputs[1];
    if (!supports_vector(c) || ((uintptr_t)a->data | (uintptr_t)b->data) % 16) return false;
    *k = (vector_kernel){.x = a->data,
                         .dtype = (int)a->dtype,
                         .early = constant >> 1 & 1,
                         .k = a->shape[a->ndim - 1],
                         .part = {b->data, c->outputs[0].data, b->shape[b->ndim - 1], b->strides[b->ndim - 1]}};
    return true;
}

static bool run_vector(const call *c) {
    vector_kernel k;
    if (!dense_vector_of(c, cuda_constant_inputs, &k))
        return run_any(c); /* a copy that was made of b lies the other way round */
    launch_vector(&k, cuda_stream_now);
    return true;
}

static bool supports_any(const call *c) {
    return c->inputs[0].ndim >= 2 && c->inputs[1].ndim >= 2;
}

static bool run_any(const call *c) {
    const operand *a = &c->inputs[0], *b = &c->inputs[1], *out = &c->outputs[0];
    product_kernel k = {.dtype = (int)out->dtype,
                        .m = out->shape[out->ndim - 2],
                        .n = out->shape[out->ndim - 1],
                        .k = a->shape[a->ndim - 1],
                        .a_row = a->strides[a->ndim - 2],
                        .a_column = a->strides[a->ndim - 1],
                        .b_row = b->strides[b->ndim - 2],
                        .b_column = b->strides[b->ndim - 1]};
    int64_t bytes = dtype_bytes(out->dtype);
    if (operand_size(out) == 0) return true;
    axes leading = leading_axes(c);
    for (int64_t i = 0; i < leading.n; i++) {
        int64_t at[3] = {0}, rest = i;
        for (int d = leading.ndim - 1; d >= 0; rest /= leading.shape[d], d--)
            for (int o = 0; o < 3; o++) at[o] += rest % leading.shape[d] * leading.strides[o][d];
        k.c = (char *)out->data + at[2] * bytes;
        k.a = (const char *)a->data + at[0] * bytes;
        k.b = (const char *)b->data + at[1] * bytes;
        launch_product(&k, cuda_stream_now);
    }
    return true;
}

#define SINGLE (DTYPE_BIT(TARN_FLOAT16) | DTYPE_BIT(TARN_BFLOAT16) | DTYPE_BIT(TARN_FLOAT32))
const kernel_row cuda_matmul_vector = {.op = OP_matmul,
                                       .name = "matmul_vector_cuda",
                                       .dtypes = SINGLE,
                                       .selector = -1,
                                       .layout = LAYOUT_MATRIX,
                                       .supports = supports_vector,
                                       .run = run_vector};
const kernel_row cuda_matmul = {CUDA_ROW(matmul),        .dtypes = DTYPES_FLOAT | DTYPE_BIT(TARN_COMPLEX64),
                                .selector = -1,          .layout = LAYOUT_MATRIX,
                                .supports = supports_lt, .workspace = workspace,
                                .prepare = prepare_lt,   .run = run_lt};
const kernel_row cuda_matmul_any = {.op = OP_matmul,
                                    .name = "matmul_any_cuda",
                                    .dtypes = DTYPES_ALL,
                                    .selector = -1,
                                    .layout = LAYOUT_ANY,
                                    .supports = supports_any,
                                    .run = run_any};
