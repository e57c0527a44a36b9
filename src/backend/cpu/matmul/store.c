/* Rounds floats to the result's dtype; doubles are copied. Whichever axis of the result is dense is written along. */
#include "cpu/matmul/store.h"

#include "cpu/sizes.h"

/* Lines of the cache that will be written soon. */
static void expect_stores(char *to, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += 64) __builtin_prefetch(to + i, 1, 3);
}

enum { COLUMNS = MATMUL_TURNED, ROWS = 256 }; /* that are turned at a time */

static void turn(const matmul_kit *kit, const gemm_problem *p, const float *sums, int64_t stride, int64_t rows,
                 int64_t columns, char *to) {
    float turned[COLUMNS * ROWS];
    int64_t step = p->out_column_stride * matmul_dtype_bytes(p->out_dtype);
    kit->transpose(sums, stride, rows, columns, turned, ROWS);
    for (int64_t i = 0; i < columns; i++) kit->narrow(p->out_dtype, turned + i * ROWS, rows, to + i * step);
}

/* Rows are dense in out: they are turned. */
static void store_turned(const matmul_kit *kit, const gemm_problem *p, const sums_block *b, char *out) {
    const float *sums = b->sums;
    int64_t size = matmul_dtype_bytes(p->out_dtype), step = p->out_column_stride * size;
    for (int64_t r = 0; r < b->rows; r += ROWS)
        for (int64_t c = 0; c < b->columns; c += COLUMNS) {
            int64_t columns = smaller(b->columns - c, COLUMNS), rows = smaller(b->rows - r, ROWS), done = 0;
            const float *from = sums + r * b->stride + c;
            char *to = out + c * step + r * size;
            for (int64_t i = c + COLUMNS; i < smaller(b->columns, c + 2 * COLUMNS); i++)
                expect_stores(to + (i - c) * step, rows * size);
            if (columns == COLUMNS)
                done = kit->narrow_turned(p->out_dtype, from, b->stride, rows, (uint16_t *)(void *)to,
                                          p->out_column_stride);
            if (done < rows) turn(kit, p, from + done * b->stride, b->stride, rows - done, columns, to + done * size);
        }
}

/* Rows begin where the problem says; columns are dense. */
static void store_placed(const matmul_kit *kit, const gemm_problem *p, const sums_block *b) {
    int64_t size = matmul_dtype_bytes(p->out_dtype), places[ROWS];
    char *out = (char *)p->out + b->column * size;
    for (int64_t first = 0; first < b->rows; first += ROWS) {
        int64_t rows = smaller(b->rows - first, ROWS);
        p->out_rows(p->out_context, b->row + first, rows, places);
        for (int64_t r = 0; r < rows; r++) {
            if (r + 1 < rows) expect_stores(out + places[r + 1] * size, b->columns * size);
            kit->narrow(p->out_dtype, (const float *)b->sums + (first + r) * b->stride, b->columns,
                        out + places[r] * size);
        }
    }
}

static void store_floats(const matmul_kit *kit, const gemm_problem *p, const sums_block *b, char *out) {
    const float *sums = b->sums;
    int64_t size = matmul_dtype_bytes(p->out_dtype), row_step = p->out_row_stride, column_step = p->out_column_stride;
    if (column_step == 1) {
        for (int64_t r = 0; r < b->rows; r++)
            kit->narrow(p->out_dtype, sums + r * b->stride, b->columns, out + r * row_step * size);
    } else if (row_step == 1) {
        store_turned(kit, p, b, out);
    } else {
        for (int64_t r = 0; r < b->rows; r++)
            for (int64_t c = 0; c < b->columns; c++)
                store_from_float(p->out_dtype, sums[r * b->stride + c], out, r * row_step + c * column_step);
    }
}

/* Rows of a line of the cache at a time, which serves both axes. */
static void store_doubles(const gemm_problem *p, const sums_block *b, double *out) {
    enum { LINES = 8 };
    const double *sums = b->sums;
    for (int64_t first = 0; first < b->rows; first += LINES) {
        int64_t end = smaller(first + LINES, b->rows);
        for (int64_t r = first; p->out_column_stride == 1 && r < end; r++)
            memcpy(out + r * p->out_row_stride, sums + r * b->stride, (size_t)b->columns * sizeof *out);
        for (int64_t c = 0; p->out_column_stride != 1 && c < b->columns; c++)
            for (int64_t r = first; r < end; r++)
                out[r * p->out_row_stride + c * p->out_column_stride] = sums[r * b->stride + c];
    }
}

void store_sums(const matmul_engine *engine, const gemm_problem *p, const sums_block *b) {
    if (p->out_rows) {
        store_placed(engine->kit, p, b);
        return;
    }
    int64_t place = b->row * p->out_row_stride + b->column * p->out_column_stride;
    char *out = (char *)p->out + place * matmul_dtype_bytes(p->out_dtype);
    if (engine->sum_bytes == sizeof(double))
        store_doubles(p, b, (double *)(void *)out);
    else
        store_floats(engine->kit, p, b, out);
}
