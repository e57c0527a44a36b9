/* Work is split over blocks of rows and over parts of the depth, whose sums are added up in their order. Columns that
   do not lie side by side are turned first, if they are few numbers. */
#include "cpu/matmul/direct.h"

#include "base/checked.h"
#include "base/threads.h"
#include "cpu/matmul/engine_f32.h"
#include "cpu/matmul/thin.h"
#include "cpu/sizes.h"

enum {
    MOST_COLUMNS = 64,
    FEW_ROWS = 16, /* that lie side by side meet more columns */
    MOST_OF_FEW = 512,
    LEAST_DOT = 64,        /* depth of dot products that are better taken along it */
    MOST_TURNED = 64 * 64, /* numbers of columns that are turned */
    BLOCK_ROWS = 64,       /* of a unit of work */
    PART_DEPTH = 8192,     /* of one, too */
    SMALL_WORK = 1 << 17   /* multiplications worth waking a thread for */
};

typedef struct {
    const direct_kernels *kernels;
    const gemm_problem *p;
    direct_product product; /* the whole */
    int64_t parts;
    char *sums; /* [parts][rows][columns], if there are several parts */
} direct_job;

/* Dot products along lines of memory: thin.h has as many lanes for them as a vector, broadcasts have one a column. */
static bool are_dots(const gemm_problem *p) {
    bool few_columns = p->column_count <= THIN_TOKENS && p->rows.depth_stride == 1;
    bool few_rows = p->row_count <= THIN_TOKENS && p->columns.depth_stride == 1 && p->columns.stride != 1;
    return p->depth >= LEAST_DOT && (few_columns || few_rows);
}

bool direct_serves(const gemm_problem *p) {
    if (p->rows.dtype != MATMUL_F32 && p->rows.dtype != MATMUL_F64) return false;
    if (p->out_dtype != p->rows.dtype || p->out_column_stride != 1) return false;
    if (p->rows.dtype == MATMUL_F32 && are_dots(p)) return false;
    bool few = p->rows.stride == 1 && p->row_count > 1 && p->row_count <= FEW_ROWS;
    if (p->column_count > (few ? MOST_OF_FEW : MOST_COLUMNS)) return false;
    return p->columns.stride == 1 || p->depth * p->column_count <= MOST_TURNED;
}

static int64_t parts_of(const gemm_problem *p) {
    bool splits = p->row_count <= BLOCK_ROWS && p->depth > PART_DEPTH;
    return splits ? (p->depth + PART_DEPTH - 1) / PART_DEPTH : 1;
}

int64_t direct_workspace(const gemm_problem *p) {
    int64_t parts = parts_of(p), bytes = matmul_dtype_bytes(p->out_dtype);
    int64_t turned = p->columns.stride == 1 ? 0 : p->depth * p->column_count * bytes;
    return round_up(turned, 64) + (parts > 1 ? parts * p->row_count * p->column_count * bytes : 0);
}

static void run_units(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const direct_job *j = context;
    int64_t bytes = matmul_dtype_bytes(j->p->out_dtype);
    for (int64_t u = begin; u < end; u++) {
        int64_t row = u / j->parts * BLOCK_ROWS, k = u % j->parts * PART_DEPTH;
        direct_product d = j->product;
        d.rows = (const char *)d.rows + (row * d.row_stride + k * d.row_step) * bytes;
        d.columns = (const char *)d.columns + k * d.column_step * bytes;
        d.row_count = smaller(d.row_count - row, BLOCK_ROWS);
        if (j->parts > 1) {
            d.depth = smaller(d.depth - k, PART_DEPTH);
            d.out = j->sums + (u % j->parts * j->product.row_count + row) * d.column_count * bytes;
            d.out_stride = d.column_count;
        } else {
            d.out = (char *)d.out + row * d.out_stride * bytes;
        }
        j->kernels->multiply(&d);
    }
}

static void turn_columns(const matmul_engine *e, const gemm_problem *p, void *turned) {
    e->pack(e, &p->columns, 0, (int)p->column_count, (int)p->column_count, 0, (int)p->depth, NULL, turned);
}

void direct_run(const matmul_engine *engine, const gemm_problem *p, void *workspace) {
    if (p->row_count == 0 || p->column_count == 0) return;
    direct_job j = {.kernels = engine->direct, .p = p, .parts = parts_of(p), .sums = workspace};
    j.product = (direct_product){.rows = p->rows.data,
                                 .row_stride = p->rows.stride,
                                 .row_step = p->rows.depth_stride,
                                 .columns = p->columns.data,
                                 .column_step = p->columns.depth_stride,
                                 .out = p->out,
                                 .out_stride = p->out_row_stride,
                                 .row_count = p->row_count,
                                 .column_count = p->column_count,
                                 .depth = p->depth};
    if (p->columns.stride != 1) {
        turn_columns(engine, p, workspace);
        j.product.columns = workspace, j.product.column_step = p->column_count;
        j.sums += round_up(p->depth * p->column_count * matmul_dtype_bytes(p->out_dtype), 64);
    }
    int64_t units = (p->row_count + BLOCK_ROWS - 1) / BLOCK_ROWS * j.parts;
    int64_t work = smaller(p->row_count, BLOCK_ROWS) * p->column_count * (smaller(p->depth, PART_DEPTH) + 1);
    if (p->serial)
        run_units(&j, 0, units, 0, 1);
    else
        parallel_for(units, SMALL_WORK / work + 1, run_units, &j);
    if (j.parts > 1) j.kernels->add_parts(j.sums, j.parts, &j.product);
}
