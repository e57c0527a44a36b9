/* The kernels of direct.h for the vector words and the NUMBER of an engine (engine_fma.tpl.h includes this): rows by
   broadcast, columns by vectors, both where they lie; rows that do not lie side by side are copied to a panel first.
   Sums of a block of the depth are taken in registers and added to those before, as the blocked product does. */

/* The rows of a block: `apart` numbers from each other, `step` from one step of the depth to the next. */
typedef struct {
    const NUMBER *at;
    int64_t step;
} direct_rows;

/* Sums over the depth of d: `vectors` vectors of columns, the last of which has `last`. */
INLINE void direct_micro(const direct_rows *a, const direct_product *d, int last, bool first, int64_t apart, int rows,
                         int vectors) {
    const NUMBER *at = a->at, *b = d->columns;
    NUMBER *out = d->out;
    vec total[ROWS][2];
    UNROLL(16)
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++) total[i][v] = v_zero();
    for (int64_t k = 0; k < d->depth; k++, at += a->step, b += d->column_step) {
        vec column[2];
        for (int v = 0; v < vectors; v++)
            column[v] = v + 1 < vectors ? v_load(b + v * WIDTH) : v_load_first(b + v * WIDTH, last);
        UNROLL(16)
        for (int i = 0; i < rows; i++) {
            NUMBER number;
            memcpy(&number, at + i * apart, sizeof number); /* its address need not be a number's */
            vec x = v_set1(number);
            for (int v = 0; v < vectors; v++) total[i][v] = v_fma(x, column[v], total[i][v]);
        }
    }
    UNROLL(16)
    for (int i = 0; i < rows; i++, out += d->out_stride) {
        ONE_BY_ONE(out);
        for (int v = 0; v < vectors; v++) {
            int count = v + 1 < vectors ? WIDTH : last;
            vec sum = first ? total[i][v] : v_add(v_load_first(out + v * WIDTH, count), total[i][v]);
            v_store_first(out + v * WIDTH, sum, count);
        }
    }
}

typedef void (*direct_kernel)(const direct_rows *a, const direct_product *d, int last, bool first);
#define DIRECT(kind, apart, rows, vectors)                                                                             \
    static void direct_##kind##_##rows##_##vectors(const direct_rows *a, const direct_product *d, int last,            \
                                                   bool first) {                                                       \
        direct_micro(a, d, last, first, apart, rows, vectors);                                                         \
    }
#define DIRECT_BESIDE(rows, vectors)       DIRECT(beside, 1, rows, vectors)
#define DIRECT_COPIED(rows, vectors)       DIRECT(copied, LINE, rows, vectors)
#define DIRECT_BESIDE_ENTRY(rows, vectors) [rows] = direct_beside_##rows##_##vectors,
#define DIRECT_COPIED_ENTRY(rows, vectors) [rows] = direct_copied_##rows##_##vectors,
#define DIRECT_EACH(M, vectors)            M(1, vectors) MICROS(M, vectors)
DIRECT_EACH(DIRECT_BESIDE, 1)
DIRECT_EACH(DIRECT_BESIDE, 2)
DIRECT_EACH(DIRECT_COPIED, 1)
DIRECT_EACH(DIRECT_COPIED, 2)
/* [whether rows are copied][vectors - 1][rows] */
static const direct_kernel direct_table[2][2][ROWS + 1] = {
    {{DIRECT_EACH(DIRECT_BESIDE_ENTRY, 1)}, {DIRECT_EACH(DIRECT_BESIDE_ENTRY, 2)}},
    {{DIRECT_EACH(DIRECT_COPIED_ENTRY, 1)}, {DIRECT_EACH(DIRECT_COPIED_ENTRY, 2)}}};

static void copy_rows(const direct_product *d, int rows, NUMBER *panel) {
    for (int i = 0; i < rows; i++, panel += LINE) {
        const char *from = (const char *)d->rows + i * d->row_stride * (int64_t)sizeof(NUMBER);
        if (d->row_step == 1 && d->depth >= WIDTH) {
            memcpy(panel, from, (size_t)d->depth * sizeof(NUMBER));
            continue;
        }
        for (int64_t k = 0; k < d->depth; k++)
            memcpy(panel + k, from + k * d->row_step * (int64_t)sizeof(NUMBER), sizeof(NUMBER));
    }
}

/* Rows that one kernel takes: all that are left if it can, else half of two kernels' or as many as it can. */
static int rows_taken(int64_t left) {
    if (left > 2 * ROWS) return ROWS;
    int64_t some = left > ROWS ? (left + 1) / 2 : left;
    return (int)(some > 1 ? some & ~1 : some);
}

/* The columns of a few rows and of a block of the depth. */
static void direct_columns(const direct_product *block, int rows, bool first) {
    NUMBER panel[ROWS * LINE];
    bool copied = block->row_stride != 1 && rows > 1;
    direct_rows a = {block->rows, block->row_step};
    if (copied) {
        copy_rows(block, rows, panel);
        a = (direct_rows){panel, 1};
    }
    direct_product d = *block;
    for (int64_t column = 0; column < block->column_count; column += 2 * WIDTH) {
        int64_t left = block->column_count - column;
        int vectors = left > WIDTH ? 2 : 1;
        int last = (int)(left >= vectors * WIDTH ? WIDTH : left - (vectors - 1) * WIDTH);
        d.columns = (const NUMBER *)block->columns + column;
        d.out = (NUMBER *)block->out + column;
        direct_table[copied][vectors - 1][rows](&a, &d, last, first);
    }
}

static void direct_multiply(const direct_product *whole) {
    int64_t k = 0;
    do { /* once even if the depth is 0 */
        direct_product d = *whole;
        d.depth = whole->depth - k < DEPTH ? whole->depth - k : DEPTH;
        d.columns = (const NUMBER *)whole->columns + k * d.column_step;
        for (int64_t row = 0; row < whole->row_count;) {
            int rows = rows_taken(whole->row_count - row);
            d.rows = (const NUMBER *)whole->rows + row * d.row_stride + k * d.row_step;
            d.out = (NUMBER *)whole->out + row * d.out_stride;
            direct_columns(&d, rows, k == 0);
            row += rows;
        }
        k += DEPTH;
    } while (k < whole->depth);
}

static void direct_add(const direct_product *d, const void *sums) {
    const NUMBER *from = sums;
    for (int64_t row = 0; row < d->row_count; row++, from += d->column_count) {
        NUMBER *out = (NUMBER *)d->out + row * d->out_stride;
        for (int64_t c = 0; c < d->column_count; c++) out[c] += from[c];
    }
}

static const direct_kernels direct_of_engine = {.multiply = direct_multiply, .add = direct_add};
