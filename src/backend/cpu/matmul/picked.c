/* Rows that meet the same matrix on the right are brought together, multiplied by it in one product, and put where they
   belong. A matrix that is picked for a single product is multiplied where its rows lie. */
#include "cpu/matmul/picked.h"

#include "base/checked.h"
#include "cpu/integers.h"
#include "cpu/matmul/affine.h"
#include "cpu/matmul/choose.h"
#include "cpu/matmul/floats.h"
#include "cpu/matmul/thin.h"
#include "table/quant.h"

/* ---- which matrices meet */

/* Absent inputs have no dtype of indices. */
static bool is_given(const operand *o) {
    return dtype_kind_of(o->dtype) == KIND_INT;
}

static const operand *input(const call *c, int i) {
    static const operand absent;
    return i < c->input_count ? &c->inputs[i] : &absent;
}

static int64_t matrices_of(const operand *x) {
    int64_t count = 1;
    for (int i = 0; i < x->ndim - 2; i++) count *= x->shape[i];
    return count;
}

/* Element i of the leading axes of out, in o's last `ndim` axes before `skipped` ones: broadcast axes stay at 0. The
   sum of places by these strides (NULL: those of a dense array). */
static int64_t place_in(const operand *o, int skipped, const int64_t *strides, const operand *out, int64_t i) {
    int64_t place = 0, dense = 1;
    for (int axis = o->ndim - skipped - 1, from = out->ndim - 3; from >= 0; axis--, from--) {
        int64_t index = i % out->shape[from];
        i /= out->shape[from];
        if (axis < 0) continue;
        if (o->shape[axis] != 1) place += index * (strides ? strides[axis] : dense);
        dense *= o->shape[axis];
    }
    return place;
}

/* The number of the matrix of x that product i takes; -1: one that there is not. */
static int64_t matrix_number(const operand *x, const operand *indices, const operand *out, int64_t i) {
    if (!is_given(indices)) return place_in(x, 2, NULL, out, i);
    int64_t at = place_in(indices, 0, indices->strides, out, i), count = matrices_of(x);
    int64_t number = integer_at((const char *)indices->data + at * dtype_bytes(indices->dtype), indices->dtype);
    if (number < 0) number += count;
    return number >= 0 && number < count ? number : -1;
}

/* Elements from the first matrix of x to this one. */
static int64_t matrix_offset(const operand *x, int64_t number) {
    int64_t offset = 0;
    for (int i = x->ndim - 3; i >= 0; i--) {
        offset += number % x->shape[i] * x->strides[i];
        number /= x->shape[i];
    }
    return offset;
}

/* ---- the job */

enum { A, B, SCALES, BIASES, GLOBALS };

typedef struct {
    const call *c;
    const operand *a, *left, *right, *out;
    int64_t products, matrices, m, n, k, a_bytes, out_bytes;
    int64_t *start, *order, *lefts; /* products by the matrix on the right; the one on the left, -1: zeros */
    char *rows, *results, *workspace;
} picked_job;

typedef void (*picked_product)(const picked_job *j, const void *rows, int64_t row_stride, int64_t step, int64_t count,
                               int64_t matrix, void *out);

static picked_job job_of(const call *c, int first_index) {
    const operand *out = &c->outputs[0], *a = &c->inputs[A];
    picked_job j = {.c = c, .a = a, .out = out, .left = input(c, first_index), .right = input(c, first_index + 1)};
    j.products = matrices_of(out);
    j.matrices = matrices_of(&c->inputs[B]);
    j.m = out->shape[out->ndim - 2], j.n = out->shape[out->ndim - 1], j.k = a->shape[a->ndim - 1];
    j.a_bytes = dtype_bytes(a->dtype), j.out_bytes = dtype_bytes(out->dtype);
    return j;
}

static int64_t rounded(int64_t bytes) {
    return bytes > INT64_MAX - 64 ? INT64_MAX : (bytes + 63) / 64 * 64;
}

static int64_t lists_bytes(const picked_job *j) {
    return rounded((j->matrices + 1 + 2 * j->products) * (int64_t)sizeof(int64_t));
}

/* Lists, rows and results, and the largest product. */
static int64_t job_bytes(const picked_job *j, int64_t product) {
    int64_t rows, results, total;
    if (!checked_mul(j->products * j->m, j->k * j->a_bytes, &rows) ||
        !checked_mul(j->products * j->m, j->n * j->out_bytes, &results) ||
        !checked_add(rounded(rows), rounded(results), &total) || !checked_add(total, lists_bytes(j), &total) ||
        !checked_add(total, product, &total))
        return INT64_MAX;
    return total;
}

static void lay_out(picked_job *j) {
    j->start = j->c->workspace;
    j->order = j->start + j->matrices + 1;
    j->lefts = j->order + j->products;
    j->rows = (char *)j->start + lists_bytes(j);
    j->results = j->rows + rounded(j->products * j->m * j->k * j->a_bytes);
    j->workspace = j->results + rounded(j->products * j->m * j->n * j->out_bytes);
}

/* Counts, then places: products that meet the same matrix in the order of their numbers. */
static void sort_products(picked_job *j) {
    const operand *b = &j->c->inputs[B];
    memset(j->start, 0, (size_t)(j->matrices + 1) * sizeof *j->start);
    for (int pass = 0; pass < 2; pass++) {
        for (int64_t i = 0; i < j->products; i++) {
            int64_t matrix = matrix_number(b, j->right, j->out, i);
            j->lefts[i] = matrix < 0 ? -1 : matrix_number(j->a, j->left, j->out, i);
            if (j->lefts[i] < 0) continue;
            if (pass == 0)
                j->start[matrix + 1]++;
            else
                j->order[j->start[matrix]++] = i;
        }
        for (int64_t e = 0; pass == 0 && e < j->matrices; e++) j->start[e + 1] += j->start[e];
    }
    memmove(j->start + 1, j->start, (size_t)j->matrices * sizeof *j->start); /* places were moved to the ends */
    j->start[0] = 0;
}

static char *result_of(const picked_job *j, int64_t product) {
    return (char *)j->out->data + product * j->m * j->n * j->out_bytes;
}

static const char *left_of(const picked_job *j, int64_t product) {
    return (const char *)j->a->data + matrix_offset(j->a, j->lefts[product]) * j->a_bytes;
}

static void bring_rows(const picked_job *j, int64_t product, char *to) {
    const char *from = left_of(j, product);
    int64_t row_step = j->a->strides[j->a->ndim - 2], step = j->a->strides[j->a->ndim - 1];
    for (int64_t r = 0; r < j->m; r++, to += j->k * j->a_bytes) {
        const char *row = from + r * row_step * j->a_bytes;
        if (step == 1) {
            memcpy(to, row, (size_t)(j->k * j->a_bytes));
            continue;
        }
        for (int64_t l = 0; l < j->k; l++) memcpy(to + l * j->a_bytes, row + l * step * j->a_bytes, (size_t)j->a_bytes);
    }
}

/* All products with one matrix. */
static void run_matrix(const picked_job *j, int64_t matrix, picked_product multiply) {
    int64_t first = j->start[matrix], count = j->start[matrix + 1] - first;
    size_t rows = (size_t)(j->m * j->k * j->a_bytes), results = (size_t)(j->m * j->n * j->out_bytes);
    if (count == 1) {
        int64_t i = j->order[first];
        multiply(j, left_of(j, i), j->a->strides[j->a->ndim - 2], j->a->strides[j->a->ndim - 1], j->m, matrix,
                 result_of(j, i));
        return;
    }
    if (count == 0) return;
    for (int64_t i = 0; i < count; i++) bring_rows(j, j->order[first + i], j->rows + (size_t)i * rows);
    multiply(j, j->rows, j->k, 1, count * j->m, matrix, j->results);
    for (int64_t i = 0; i < count; i++)
        memcpy(result_of(j, j->order[first + i]), j->results + (size_t)i * results, results);
}

static bool run_job(picked_job *j, picked_product multiply) {
    if (j->m == 0 || j->n == 0) return true;
    lay_out(j);
    sort_products(j);
    for (int64_t i = 0; i < j->products; i++)
        if (j->lefts[i] < 0) memset(result_of(j, i), 0, (size_t)(j->m * j->n * j->out_bytes));
    for (int64_t e = 0; e < j->matrices; e++) run_matrix(j, e, multiply);
    return true;
}

/* ---- dense matrices */

static gemm_problem dense_problem(const picked_job *j, const void *rows, int64_t row_stride, int64_t step,
                                  int64_t count, int64_t matrix, void *out) {
    const operand *b = &j->c->inputs[B];
    matmul_dtype dtype = matmul_dtype_of(j->out->dtype);
    const char *data = (const char *)b->data + matrix_offset(b, matrix) * j->a_bytes;
    return (gemm_problem){.rows = {.data = rows, .dtype = dtype, .stride = row_stride, .depth_stride = step},
                          .columns = {.data = data,
                                      .dtype = dtype,
                                      .stride = b->strides[b->ndim - 1],
                                      .depth_stride = b->strides[b->ndim - 2]},
                          .row_count = count,
                          .column_count = j->n,
                          .depth = j->k,
                          .out = out,
                          .out_row_stride = j->n,
                          .out_column_stride = 1,
                          .out_dtype = dtype};
}

static void multiply_dense(const picked_job *j, const void *rows, int64_t row_stride, int64_t step, int64_t count,
                           int64_t matrix, void *out) {
    gemm_problem p = dense_problem(j, rows, row_stride, step, count, matrix, out);
    if (count <= THIN_TOKENS)
        thin_run(matmul_kit_in_use(), &p, j->workspace);
    else
        gemm_run(matmul_engine_for(p.rows.dtype, WEIGHTS_DENSE), &p, j->workspace);
}

enum { DENSE_INDICES = 2, QUANTIZED_INDICES = 5 }; /* the first input of indices */

static int64_t workspace_dense(const call *c) {
    picked_job j = job_of(c, DENSE_INDICES);
    int64_t rows = j.products * j.m;
    gemm_problem few = dense_problem(&j, NULL, j.k, 1, rows < THIN_TOKENS ? rows : THIN_TOKENS, 0, NULL),
                 all = dense_problem(&j, NULL, j.k, 1, rows, 0, NULL);
    int64_t thin = thin_workspace(&few), wide = gemm_workspace(matmul_engine_for(all.rows.dtype, WEIGHTS_DENSE), &all);
    return job_bytes(&j, thin > wide ? thin : wide);
}

static bool run_dense(const call *c) {
    picked_job j = job_of(c, DENSE_INDICES);
    return run_job(&j, multiply_dense);
}

/* ---- packed matrices */

static token_product picked_tokens(const picked_job *j, const void *rows, int64_t row_stride, int64_t step,
                                   int64_t count, void *out) {
    matmul_dtype dtype = matmul_dtype_of(j->out->dtype);
    return (token_product){.x = {.data = rows, .dtype = dtype, .stride = row_stride, .depth_stride = step},
                           .turned = !((const attributes_gather_qmm *)j->c->attributes)->transpose,
                           .tokens = count,
                           .columns = j->n,
                           .depth = j->k,
                           .out = out,
                           .out_dtype = dtype,
                           .out_stride = j->n};
}

static affine_problem packed_problem(const picked_job *j, const void *rows, int64_t row_stride, int64_t step,
                                     int64_t count, int64_t matrix, void *out) {
    const attributes_gather_qmm *a = j->c->attributes;
    const operand *w = &j->c->inputs[B], *scales = &j->c->inputs[SCALES], *biases = &j->c->inputs[BIASES];
    affine_problem p = {.base = picked_tokens(j, rows, row_stride, step, count, out),
                        .weights = affine_lines_of(w, scales, biases, (int)a->bits, (int)a->group_size)};
    int64_t scale_bytes = matmul_dtype_bytes(p.weights.scale_dtype);
    p.weights.packed += matrix_offset(w, matrix) * 4;
    p.weights.scales = (const char *)p.weights.scales + matrix_offset(scales, matrix) * scale_bytes;
    p.weights.biases = (const char *)p.weights.biases + matrix_offset(biases, matrix) * scale_bytes;
    return p;
}

static void multiply_packed(const picked_job *j, const void *rows, int64_t row_stride, int64_t step, int64_t count,
                            int64_t matrix, void *out) {
    affine_problem p = packed_problem(j, rows, row_stride, step, count, matrix, out);
    affine_run(&p, j->workspace);
}

static float_problem floats_problem(const picked_job *j, const void *rows, int64_t row_stride, int64_t step,
                                    int64_t count, int64_t matrix, void *out) {
    const attributes_gather_qmm *a = j->c->attributes;
    const operand *w = &j->c->inputs[B], *scales = &j->c->inputs[SCALES];
    float_problem p = {.base = picked_tokens(j, rows, row_stride, step, count, out),
                       .weights = float_lines_of(w, scales, a->mode, (int)a->bits, (int)a->group_size)};
    p.weights.packed += matrix_offset(w, matrix) * 4;
    p.weights.scales += matrix_offset(scales, matrix);
    return p;
}

static void multiply_floats(const picked_job *j, const void *rows, int64_t row_stride, int64_t step, int64_t count,
                            int64_t matrix, void *out) {
    float_problem p = floats_problem(j, rows, row_stride, step, count, matrix, out);
    float_run(&p, j->workspace);
}

static bool is_affine(const call *c) {
    return ((const attributes_gather_qmm *)c->attributes)->mode == QUANT_affine;
}

enum { MOST_FEW = 64 }; /* more tokens than kernels for few take */

/* Few tokens may need more than many. */
static int64_t workspace_packed(const call *c) {
    picked_job j = job_of(c, QUANTIZED_INDICES);
    int64_t most = 0, rows = j.products * j.m;
    for (int64_t few = 1; few <= MOST_FEW && few <= rows; few++) {
        int64_t tokens = few < MOST_FEW ? few : rows, bytes;
        if (is_affine(c)) {
            affine_problem p = packed_problem(&j, NULL, j.k, 1, tokens, 0, NULL);
            bytes = affine_workspace(&p);
        } else {
            float_problem p = floats_problem(&j, NULL, j.k, 1, tokens, 0, NULL);
            bytes = float_workspace(&p);
        }
        if (bytes > most) most = bytes;
    }
    return job_bytes(&j, most);
}

static bool run_packed(const call *c) {
    picked_job j = job_of(c, QUANTIZED_INDICES);
    return run_job(&j, is_affine(c) ? multiply_packed : multiply_floats);
}

static bool is_short(tarn_dtype dtype) {
    return dtype == TARN_FLOAT32 || dtype == TARN_BFLOAT16 || dtype == TARN_FLOAT16;
}

/* Global scales, which have no dtype where they are absent, are left to the formula. */
static bool supports_packed(const call *c) {
    const attributes_gather_qmm *a = c->attributes;
    const operand *scales = input(c, SCALES), *biases = input(c, BIASES);
    if (a->mode == QUANT_mxfp4 || a->mode == QUANT_mxfp8 || a->mode == QUANT_nvfp4)
        return input(c, GLOBALS)->dtype != TARN_FLOAT32;
    if (a->mode != QUANT_affine || a->bits < 2 || !is_short(scales->dtype) || biases->dtype != scales->dtype)
        return false;
    return scales->strides[scales->ndim - 2] == biases->strides[biases->ndim - 2];
}

#define SHORT (DTYPE_BIT(TARN_FLOAT32) | DTYPE_BIT(TARN_BFLOAT16) | DTYPE_BIT(TARN_FLOAT16))
const kernel_row matmul_picked_row = {.op = OP_gather_mm,
                                      .name = "gather_mm_cpu",
                                      .dtypes = SHORT,
                                      .layout = LAYOUT_MATRIX,
                                      .any_layout = 1 | 4 | 8,
                                      .any_address = 1 | 2,
                                      .workspace = workspace_dense,
                                      .run = run_dense};
const kernel_row matmul_picked_quantized_row = {.op = OP_gather_qmm,
                                                .name = "gather_qmm_cpu",
                                                .dtypes = SHORT,
                                                .layout = LAYOUT_ROWS,
                                                .any_layout = 1 | 1 << 5 | 1 << 6,
                                                .any_address = 1 | 2 | 4 | 8,
                                                .supports = supports_packed,
                                                .workspace = workspace_packed,
                                                .run = run_packed};
