/* The depth is summed in parts, whose sums are added up in their order, whether or not work is split over them: it is
   where there is one block of rows. Columns that do not lie side by side are turned first, if they are few numbers. */
#include "cpu/matmul/direct.h"

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
    direct_product product; /* the whole */
    int64_t bytes;          /* of a number */
    int64_t parts;          /* of the depth */
    bool splits;            /* each is a unit of work; else a unit takes one after the other */
    char *sums;             /* of all parts but the first [parts - 1][rows][columns], or of a part, for each thread */
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
    return p->depth <= PART_DEPTH ? 1 : divide_up(p->depth, PART_DEPTH);
}

static bool splits(const gemm_problem *p) {
    return p->row_count <= BLOCK_ROWS;
}

static int64_t sums_count(const gemm_problem *p) {
    if (parts_of(p) == 1) return 0;
    if (splits(p)) return (parts_of(p) - 1) * p->row_count * p->column_count;
    return BLOCK_ROWS * p->column_count * (p->serial ? 1 : parallel_threads());
}

int64_t direct_workspace(const gemm_problem *p) {
    int64_t turned = p->columns.stride == 1 ? 0 : p->depth * p->column_count, bytes = matmul_dtype_bytes(p->out_dtype);
    return round_up(turned * bytes, 64) + sums_count(p) * bytes;
}

/* A block of rows and a part of the depth. */
static direct_product piece_of(const direct_job *j, int64_t block, int64_t part) {
    direct_product d = j->product;
    int64_t row = block * BLOCK_ROWS, k = part * PART_DEPTH;
    d.rows = (const char *)d.rows + (row * d.row_stride + k * d.row_step) * j->bytes;
    d.columns = (const char *)d.columns + k * d.column_step * j->bytes;
    d.out = (char *)d.out + row * d.out_stride * j->bytes;
    d.row_count = smaller(d.row_count - row, BLOCK_ROWS);
    d.depth = smaller(d.depth - k, PART_DEPTH);
    return d;
}

/* Where a thread sums a part: the first one's sums are the result. */
static char *sums_of(const direct_job *j, int64_t part, int thread) {
    int64_t row = j->splits ? (part - 1) * j->product.row_count : thread * (int64_t)BLOCK_ROWS;
    return part == 0 ? NULL : j->sums + row * j->product.column_count * j->bytes;
}

static void run_part(const direct_job *j, direct_product d, char *sums) {
    if (sums) d.out = sums, d.out_stride = d.column_count;
    j->kernels->multiply(&d);
}

static void run_parts(const direct_job *j, int64_t block, int thread) {
    direct_product whole = piece_of(j, block, 0);
    for (int64_t part = 0; part < j->parts; part++) {
        char *sums = sums_of(j, part, thread);
        run_part(j, piece_of(j, block, part), sums);
        if (sums) j->kernels->add(&whole, sums);
    }
}

static void run_units(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)threads;
    const direct_job *j = context;
    for (int64_t u = begin; u < end; u++) {
        if (j->splits)
            run_part(j, piece_of(j, 0, u), sums_of(j, u, thread));
        else
            run_parts(j, u, thread);
    }
}

static void turn_columns(const matmul_engine *e, const gemm_problem *p, void *turned) {
    e->pack(e, &p->columns, 0, (int)p->column_count, (int)p->column_count, 0, (int)p->depth, NULL, turned);
}

static direct_product product_of(const gemm_problem *p) {
    return (direct_product){.rows = p->rows.data,
                            .row_stride = p->rows.stride,
                            .row_step = p->rows.depth_stride,
                            .columns = p->columns.data,
                            .column_step = p->columns.depth_stride,
                            .out = p->out,
                            .out_stride = p->out_row_stride,
                            .row_count = p->row_count,
                            .column_count = p->column_count,
                            .depth = p->depth};
}

static void run_all(direct_job *j, bool serial) {
    const direct_product *d = &j->product;
    int64_t units = j->splits ? j->parts : divide_up(d->row_count, BLOCK_ROWS);
    int64_t depth = j->splits ? smaller(d->depth, PART_DEPTH) : d->depth;
    if (serial)
        run_units(j, 0, units, 0, 1);
    else
        parallel_for(units, SMALL_WORK / (smaller(d->row_count, BLOCK_ROWS) * d->column_count * (depth + 1)) + 1,
                     run_units, j);
    for (int64_t part = 1; j->splits && part < j->parts; part++) j->kernels->add(d, sums_of(j, part, 0));
}

void direct_run(const matmul_engine *engine, const gemm_problem *p, void *workspace) {
    if (p->row_count == 0 || p->column_count == 0) return;
    direct_job j = {.kernels = engine->direct,
                    .product = product_of(p),
                    .bytes = matmul_dtype_bytes(p->out_dtype),
                    .parts = parts_of(p),
                    .splits = splits(p),
                    .sums = workspace};
    if (p->columns.stride != 1) {
        turn_columns(engine, p, workspace);
        j.product.columns = workspace, j.product.column_step = p->column_count;
        j.sums = (char *)workspace + round_up(p->depth * p->column_count * j.bytes, 64);
    }
    run_all(&j, p->serial);
}
