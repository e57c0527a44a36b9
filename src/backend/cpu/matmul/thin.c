/* Where the depth is dense, sums of products along it, two columns in flight. Where the columns are, lines are added up
   in a block of sums that stays in the first-level cache. Otherwise values are gathered. Work is split over the
   columns. */
#include "cpu/matmul/thin.h"

#include "base/threads.h"
#include "cpu/matmul/engine_f32.h"

enum {
    SMALL_WORK = 1 << 16,
    COLUMNS = 1024,    /* of a block of sums, at most */
    SUMS = 6144,       /* of a block: they stay in the first-level cache beside four lines */
    SUMS_PADDING = 16, /* floats after those of a token: a store delays loads whose address ends in the same 12 bits */
    LARGE_BYTES = 1 << 20,
    PASS = 4,  /* tokens at a time */
    PAIRS = 16 /* of columns that stay in the second-level cache from pass to pass */
};

typedef struct {
    const matmul_kit *kit;
    const gemm_problem *p;
    const float *x[THIN_MOST];
} thin_job;

bool thin_serves(const gemm_problem *p) {
    if (p->columns.dtype > MATMUL_F16) return false;
    double bytes = (double)p->column_count * (double)p->depth * (double)matmul_dtype_bytes(p->columns.dtype);
    bool side_by_side = p->columns.stride == 1 && p->columns.depth_stride != 1;
    return p->row_count <= (side_by_side && bytes >= LARGE_BYTES ? THIN_MOST : THIN_TOKENS);
}

int64_t thin_workspace(const gemm_problem *p) {
    return p->depth > INT64_MAX / 32 ? INT64_MAX : p->row_count * (p->depth + 16) * 4;
}

static const char *column_at(const gemm_problem *p, int64_t column) {
    return (const char *)p->columns.data + column * p->columns.stride * matmul_dtype_bytes(p->columns.dtype);
}

static void store(const gemm_problem *p, int64_t token, int64_t column, float value) {
    store_from_float(p->out_dtype, value, p->out, token * p->out_row_stride + column * p->out_column_stride);
}

static int pass_of(const gemm_problem *p, int64_t token) {
    return p->row_count - token < PASS ? (int)(p->row_count - token) : PASS;
}

/* Columns [begin, end), each with the one `apart` further on. */
static void dot_pairs(const thin_job *j, int64_t begin, int64_t end, int64_t apart) {
    const gemm_problem *p = j->p;
    float sums[2 * PASS];
    for (int64_t token = 0; token < p->row_count; token += PASS)
        for (int64_t c = begin; c < end; c++) {
            int tokens = pass_of(p, token);
            j->kit->dot_pair(p->columns.dtype, column_at(p, c), column_at(p, c + apart), p->depth, tokens, j->x + token,
                             sums);
            for (int t = 0; t < tokens; t++) {
                store(p, token + t, c, sums[t]);
                store(p, token + t, c + apart, sums[PASS + t]);
            }
        }
}

static void dot_last(const thin_job *j, int64_t column) {
    const gemm_problem *p = j->p;
    float sums[PASS];
    for (int64_t token = 0; token < p->row_count; token += PASS) {
        j->kit->dot(p->columns.dtype, column_at(p, column), p->depth, pass_of(p, token), j->x + token, sums);
        for (int t = 0; t < pass_of(p, token); t++) store(p, token + t, column, sums[t]);
    }
}

static void dot_columns(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const thin_job *j = context;
    int64_t half = (end - begin) / 2;
    for (int64_t c = begin; c < begin + half; c += PAIRS)
        dot_pairs(j, c, c + PAIRS < begin + half ? c + PAIRS : begin + half, half);
    if ((end - begin) & 1) dot_last(j, end - 1);
}

static void store_block(const thin_job *j, const float *sums, int token, int64_t begin, int64_t count) {
    const gemm_problem *p = j->p;
    if (p->out_column_stride == 1) {
        char *out = (char *)p->out + (token * p->out_row_stride + begin) * matmul_dtype_bytes(p->out_dtype);
        j->kit->narrow(p->out_dtype, sums, count, out);
        return;
    }
    for (int64_t c = 0; c < count; c++) store(p, token, begin + c, sums[c]);
}

static int64_t block_columns(const gemm_problem *p) {
    int64_t columns = SUMS / p->row_count / 64 * 64;
    return columns < COLUMNS ? columns : COLUMNS;
}

static void add_block(const thin_job *j, int64_t begin, int64_t count) {
    const gemm_problem *p = j->p;
    float sums[SUMS + THIN_MOST * SUMS_PADDING];
    int tokens = (int)p->row_count;
    float *to[THIN_MOST];
    for (int t = 0; t < tokens; t++)
        to[t] = memset(sums + t * (count + SUMS_PADDING), 0, (size_t)count * sizeof(float));
    for (int64_t k = 0; k < p->depth; k += 4) {
        const float *x[THIN_MOST] = {0};
        for (int t = 0; t < tokens; t++) x[t] = j->x[t] + k;
        const char *lines = column_at(p, begin) + k * p->columns.depth_stride * matmul_dtype_bytes(p->columns.dtype);
        int some = p->depth - k < 4 ? (int)(p->depth - k) : 4;
        for (int t = 0; t < tokens; t += PASS)
            j->kit->add_lines(p->columns.dtype, lines, p->columns.depth_stride, some, count, pass_of(p, t), x + t,
                              to + t);
    }
    for (int t = 0; t < tokens; t++) store_block(j, to[t], t, begin, count);
}

static void add_columns(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    int64_t columns = block_columns(((const thin_job *)context)->p);
    for (int64_t c = begin; c < end; c += columns) add_block(context, c, end - c < columns ? end - c : columns);
}

static void gather_columns(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const thin_job *j = context;
    const matmul_operand *o = &j->p->columns;
    for (int64_t c = begin; c < end; c++)
        for (int64_t t = 0; t < j->p->row_count; t++) {
            float sum = 0;
            for (int64_t k = 0; k < j->p->depth; k++)
                sum += j->x[t][k] * load_as_float(o->dtype, o->data, c * o->stride + k * o->depth_stride);
            store(j->p, t, c, sum);
        }
}

static bool are_lines(const matmul_operand *o) {
    return o->dtype == MATMUL_F32 && o->depth_stride == 1 && (uintptr_t)o->data % sizeof(float) == 0;
}

/* Tokens as f32 lines: where they lie if they are, else copies. */
static void read_tokens(thin_job *j, float *copies) {
    const gemm_problem *p = j->p;
    for (int64_t t = 0; t < p->row_count; t++) {
        if (are_lines(&p->rows)) {
            j->x[t] = (const float *)p->rows.data + t * p->rows.stride;
            continue;
        }
        float *copy = copies + t * (p->depth + 16);
        matmul_region line = {t, 1, 0, p->depth, 0, false};
        matmul_read_dense(j->kit, &p->rows, false, &line, copy);
        j->x[t] = copy;
    }
}

void thin_run(const matmul_kit *kit, const gemm_problem *p, void *workspace) {
    thin_job j = {.kit = kit, .p = p};
    if (p->row_count == 0 || p->column_count == 0) return;
    read_tokens(&j, workspace);
    bool dots = p->columns.depth_stride == 1 || p->depth <= 1, adds = p->columns.stride == 1 || p->column_count == 1;
    int64_t grain = SMALL_WORK / (p->depth + 1) / p->row_count + 1;
    if (p->serial) grain = p->column_count;
    if (adds && !dots) grain = (grain + 63) / 64 * 64; /* whole lines of the cache */
    parallel_for(p->column_count, grain, dots ? dot_columns : adds ? add_columns : gather_columns, &j);
}
