/* The op matmul: a [..., m, k] @ b [..., k, n] for f32, bf16, f16, f64, complex64. Leading axes are folded or looped
   over; many small products are spread over the threads, a large one is split by itself. */
#include "cpu/cpu.h"

#include "base/checked.h"
#include "base/threads.h"
#include "cpu/matmul/batch.h"
#include "cpu/matmul/choose.h"
#include "cpu/matmul/complex.h"
#include "cpu/matmul/direct.h"
#include "cpu/matmul/floats.h"
#include "cpu/matmul/picked.h"
#include "cpu/matmul/quantized.h"
#include "cpu/matmul/thin.h"

enum {
    SMALL_PRODUCT = 1 << 22, /* multiplications below which a product of a batch runs in one thread */
    SHALLOW = 64             /* depth up to which the result is stored as it lies rather than turned */
};

/* The product of one pair of matrices, and how it is computed. */
typedef struct {
    batch_axes axes;
    gemm_problem problem; /* data pointers of the first product */
    bool direct, thin;    /* how: else by blocks */
    bool turned;          /* rows are the columns of b */
    const matmul_engine *engine;
    int64_t each_bytes; /* workspace of one product */
    char *workspace;
} matmul_job;

static gemm_problem turned_problem(const gemm_problem *p) {
    gemm_problem t = *p;
    t.rows = p->columns, t.columns = p->rows;
    t.row_count = p->column_count, t.column_count = p->row_count;
    t.out_row_stride = p->out_column_stride, t.out_column_stride = p->out_row_stride;
    return t;
}

static gemm_problem blocked_problem(const gemm_problem *p, bool turned, complex_factors *factors) {
    return p->out_dtype == MATMUL_C64 ? complex_as_floats(p, turned, factors) : *p;
}

static bool larger_columns(const gemm_problem *p, const matmul_engine *e) {
    return p->column_count > p->row_count && !(e->stores_out && p->depth <= SHALLOW);
}

static int64_t product_workspace(const matmul_job *j) {
    if (j->direct) return direct_workspace(&j->problem);
    if (j->thin) return thin_workspace(&j->problem);
    complex_factors factors;
    gemm_problem blocked = blocked_problem(&j->problem, j->turned, &factors);
    return gemm_workspace(j->engine, &blocked);
}

/* Few columns of f32 and f64 are multiplied where they lie; few rows or columns stream the other factor; otherwise the
 * larger side is taken panel by panel, the smaller is packed. */
static void choose(matmul_job *j) {
    gemm_problem *p = &j->problem;
    const gemm_problem turned = turned_problem(p);
    bool thin = thin_serves(p);
    j->engine = matmul_engine_for(p->rows.dtype, WEIGHTS_DENSE);
    j->direct = direct_serves(p);
    j->thin = !j->direct && (thin || thin_serves(&turned));
    j->turned = !j->direct && (j->thin ? !thin : larger_columns(p, j->engine));
    if (j->turned) *p = turned;
    j->each_bytes = product_workspace(j);
}

static void describe(matmul_job *j, const call *c) {
    const operand *a = &c->inputs[0], *b = &c->inputs[1], *out = &c->outputs[0];
    *j = (matmul_job){0};
    batch_of(&j->axes, out, c->inputs, 2);
    matmul_operand rows = {.data = a->data, .dtype = matmul_dtype_of(a->dtype)},
                   columns = {.data = b->data, .dtype = matmul_dtype_of(b->dtype)};
    rows.stride = j->axes.row_stride, rows.depth_stride = a->strides[a->ndim - 1];
    columns.stride = b->strides[b->ndim - 1], columns.depth_stride = b->strides[b->ndim - 2];
    int64_t n = out->shape[out->ndim - 1];
    j->problem = (gemm_problem){.rows = rows,
                                .columns = columns,
                                .row_count = j->axes.folded,
                                .column_count = n,
                                .depth = a->shape[a->ndim - 1],
                                .out = out->data,
                                .out_row_stride = n,
                                .out_column_stride = 1,
                                .out_dtype = matmul_dtype_of(out->dtype)};
    double work = (double)j->problem.row_count * (double)n * (double)j->problem.depth;
    j->problem.serial = j->axes.count > 1 && work < SMALL_PRODUCT;
    choose(j);
}

static int64_t workspace(const call *c) {
    matmul_job j;
    int64_t bytes;
    describe(&j, c);
    int64_t rounded = j.each_bytes > INT64_MAX - 64 ? INT64_MAX : (j.each_bytes + 63) / 64 * 64;
    return checked_mul(rounded, j.problem.serial ? parallel_threads() : 1, &bytes) ? bytes : INT64_MAX;
}

static void run_product(const matmul_job *j, int64_t i, void *memory) {
    gemm_problem p = j->problem;
    matmul_operand *a = j->turned ? &p.columns : &p.rows, *b = j->turned ? &p.rows : &p.columns;
    a->data = (const char *)a->data + batch_offset(&j->axes, 0, i) * matmul_dtype_bytes(a->dtype);
    b->data = (const char *)b->data + batch_offset(&j->axes, 1, i) * matmul_dtype_bytes(b->dtype);
    p.out = (char *)p.out + i * p.row_count * p.column_count * matmul_dtype_bytes(p.out_dtype);
    if (j->direct) {
        direct_run(j->engine, &p, memory);
    } else if (j->thin) {
        thin_run(matmul_kit_in_use(), &p, memory);
    } else {
        complex_factors factors;
        gemm_problem blocked = blocked_problem(&p, j->turned, &factors);
        gemm_run(j->engine, &blocked, memory);
    }
}

static void run_products(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)threads;
    const matmul_job *j = context;
    for (int64_t i = begin; i < end; i++) run_product(j, i, j->workspace + (j->each_bytes + 63) / 64 * 64 * thread);
}

static bool run(const call *c) {
    matmul_job j;
    describe(&j, c);
    j.workspace = c->workspace;
    if (!j.problem.serial) {
        for (int64_t i = 0; i < j.axes.count; i++) run_product(&j, i, j.workspace);
        return true;
    }
    int64_t work = j.problem.row_count * j.problem.column_count * j.problem.depth;
    parallel_for(j.axes.count, (1 << 16) / (work + 1) + 1, run_products, &j);
    return true;
}

static bool same_dtypes(const call *c) {
    return c->inputs[0].dtype == c->inputs[1].dtype && c->inputs[0].dtype == c->outputs[0].dtype;
}

static const kernel_row rows[] = {
    {.op = OP_matmul,
     .name = "matmul_cpu",
     .dtypes = DTYPE_BIT(TARN_FLOAT32) | DTYPE_BIT(TARN_BFLOAT16) | DTYPE_BIT(TARN_FLOAT16) | DTYPE_BIT(TARN_FLOAT64) |
               DTYPE_BIT(TARN_COMPLEX64),
     .layout = LAYOUT_MATRIX,
     .any_address = 1 | 2,
     .supports = same_dtypes,
     .workspace = workspace,
     .run = run},
};

int cpu_rows_matmul(op_id op, cpu_isa isa, const kernel_row *out[CPU_FAMILY_ROWS]) {
    if (isa != ISA_BASELINE) return 0; /* kernels choose their instruction set themselves */
    int found = cpu_pick_rows(op, rows, (int)(sizeof rows / sizeof *rows), out, 0);
    if (op == matmul_quantized_row.op) out[found++] = &matmul_quantized_row;
    if (op == matmul_floats_row.op) out[found++] = &matmul_floats_row;
    if (op == matmul_picked_row.op) out[found++] = &matmul_picked_row;
    if (op == matmul_picked_quantized_row.op) out[found++] = &matmul_picked_quantized_row;
    return found;
}
