/* Blocking. Columns are packed, a chunk at a time, into stripes of 32 per block of 256 depths; rows are brought, panel
   by panel, into a scratch that stays in the first-level cache while it meets all stripes of a block. Sums of a block
   of rows and columns live in f32 in the second-level cache until the depth is exhausted, then are rounded and stored.
   Work is split over rows and columns, never over the depth.
 */
#include "cpu/matmul/gemm.h"

#include "base/checked.h"
#include "base/threads.h"
#include "cpu/matmul/ahead.h"
#include "cpu/matmul/store.h"
#include "cpu/sizes.h"

enum {
    MOST_COLUMNS = 512,   /* of a unit */
    MOST_ROWS = 1024,     /* enough units for threads to even out */
    KEPT_BYTES = 8 << 20, /* of rows that a thread keeps as panels for the blocks of columns that they meet */
    SUMS_PADDING = 16,    /* numbers after each row of sums, so that rows do not share a set of the first-level cache */
    CHUNK_BYTES = 48 << 20,        /* of packed columns at a time */
    LARGE_CHUNK_BYTES = 192 << 20, /* where rows are kept as panels, which are filled once for each chunk */
    SMALL_WORK = 1 << 18           /* multiplications worth waking a thread for */
};

typedef struct {
    const matmul_engine *engine;
    const gemm_problem *p;
    int64_t chunk_columns;             /* packed at a time */
    int64_t block_rows, block_columns; /* of one unit of work */
    int64_t chunk_bytes, panel_bytes, panels_bytes, thread_bytes;
    bool keeps; /* a unit's panels, all of them, for the units of the same rows behind it */
    char *packed, *scratch;
    int64_t first_column, columns; /* the chunk at hand */
} gemm_plan;

static int stripe_width(const matmul_engine *e, int64_t columns) {
    return columns <= e->narrow_stripe ? e->narrow_stripe : STRIPE;
}

/* Width of the packed columns [0, count). */
static int64_t padded_columns(const matmul_engine *e, int64_t count) {
    int64_t rest = count % STRIPE;
    return count - rest + (rest ? stripe_width(e, rest) : 0);
}

/* Bytes of a row or a column packed to this depth. */
static int64_t packed_bytes(const matmul_engine *e, int64_t depth) {
    return divide_up(depth, e->depth_step) * e->step_bytes;
}

static int64_t unit_columns(const matmul_engine *e) {
    return e->block_bytes / packed_bytes(e, e->depth_block) / STRIPE * STRIPE;
}

/* Rows and columns of a unit: the sums fit the cache, and threads get equal numbers of units as far as panels allow. */
static void choose_units(gemm_plan *plan, int threads) {
    const matmul_engine *e = plan->engine;
    int64_t most_columns = smaller(unit_columns(e), MOST_COLUMNS);
    plan->block_columns = smaller(round_up(plan->chunk_columns, STRIPE), most_columns);
    int64_t most_rows =
        smaller(e->block_bytes / e->sum_bytes / plan->block_columns, MOST_ROWS) / e->panel_rows * e->panel_rows;
    int64_t turns = divide_up(plan->p->row_count, most_rows * threads);
    plan->block_rows = round_up(divide_up(plan->p->row_count, turns * threads), e->panel_rows);
    int64_t row_blocks = divide_up(plan->p->row_count, plan->block_rows);
    while (row_blocks * divide_up(plan->chunk_columns, plan->block_columns) < threads && plan->block_columns > STRIPE)
        plan->block_columns = round_up(plan->block_columns / 2, STRIPE); /* few rows: split the columns too */
}

static int threads_of(const gemm_problem *p) {
    return p->serial ? 1 : parallel_threads();
}

/* If rows meet several blocks of columns and their panels are not too many. */
static void keep_panels(gemm_plan *plan) {
    const matmul_engine *e = plan->engine;
    int64_t blocks = divide_up(plan->p->depth, e->depth_block), panels = divide_up(plan->block_rows, e->panel_rows);
    plan->keeps = !e->multiply_panel && plan->chunk_columns > plan->block_columns &&
                  blocks <= KEPT_BYTES / plan->panel_bytes / panels;
    if (plan->keeps) plan->panels_bytes = blocks * panels * plan->panel_bytes;
}

/* False if the workspace has no representable size. */
static bool make_plan(gemm_plan *plan, const matmul_engine *e, const gemm_problem *p) {
    *plan = (gemm_plan){.engine = e, .p = p};
    int threads = threads_of(p);
    int64_t column_bytes, unit = unit_columns(e);
    if (p->depth > INT64_MAX / 64 || !checked_mul(divide_up(p->depth, e->depth_step), e->step_bytes, &column_bytes))
        return false;
    int64_t chunk = e->multiply_panel ? CHUNK_BYTES : LARGE_CHUNK_BYTES;
    plan->chunk_columns = column_bytes > 0 ? chunk / column_bytes / unit * unit : p->column_count;
    if (plan->chunk_columns < unit) plan->chunk_columns = unit;
    plan->chunk_columns = smaller(plan->chunk_columns, p->column_count);
    choose_units(plan, threads);
    if (!checked_mul(padded_columns(e, plan->chunk_columns), column_bytes, &plan->chunk_bytes)) return false;
    plan->chunk_bytes = round_up(plan->chunk_bytes, 64);
    plan->panel_bytes = round_up(e->panel_rows * packed_bytes(e, e->panel_line), 64);
    plan->panels_bytes = plan->panel_bytes;
    keep_panels(plan);
    plan->thread_bytes = plan->panels_bytes +
                         round_up(plan->block_rows * (plan->block_columns + SUMS_PADDING) * e->sum_bytes, 4096) + 64;
    int64_t scratch;
    return checked_mul(plan->thread_bytes, threads, &scratch) && checked_add(scratch, plan->chunk_bytes, &scratch);
}

int64_t gemm_workspace(const matmul_engine *engine, const gemm_problem *problem) {
    gemm_plan plan;
    if (problem->row_count == 0 || problem->column_count == 0) return 0;
    if (!make_plan(&plan, engine, problem)) return INT64_MAX;
    return plan.chunk_bytes + plan.thread_bytes * threads_of(problem);
}

/* Where the stripe that begins at `column` of the chunk lies for the depth block at k. */
static char *stripe_at(const gemm_plan *plan, int64_t k, int64_t depth, int64_t column) {
    const matmul_engine *e = plan->engine;
    return plan->packed + packed_bytes(e, k) * padded_columns(e, plan->columns) + column * packed_bytes(e, depth);
}

/* The block of lines that is read now: of an operand that is gathered a dense copy in `block`, which begins at line and
   depth 0. */
static const matmul_operand *read_block(const matmul_operand *o, int64_t *line, int lines, int64_t *k, int depth,
                                        float *block, matmul_operand *dense) {
    if (!o->gather) return o;
    bool turned = o->gather->turned;
    int64_t stride = turned ? ROW_PANEL_MAX : DEPTH_BLOCK_MAX;
    o->gather->read(o->gather->context, *line, lines, *k, depth, block, stride);
    *dense = (matmul_operand){
        .data = block, .dtype = o->dtype, .stride = turned ? 1 : stride, .depth_stride = turned ? stride : 1};
    *line = *k = 0;
    return dense;
}

/* Lines that are gathered as the panel has them need no copy. */
static bool fill_directly(const gemm_plan *plan, int64_t row, int rows, int64_t k, int depth, char *panel) {
    const matmul_engine *e = plan->engine;
    const matmul_operand *o = &plan->p->rows;
    if (!o->gather || o->gather->turned || !e->plain_panel || e->panel_dtype != o->dtype) return false;
    int64_t bytes = matmul_dtype_bytes(o->dtype), line = e->panel_line * bytes;
    int64_t padding = (round_up(depth, e->depth_step) - depth) * bytes;
    o->gather->read(o->gather->context, row, rows, k, depth, panel, e->panel_line);
    for (int i = 0; padding && i < rows; i++) memset(panel + i * line + depth * bytes, 0, (size_t)padding);
    memset(panel + rows * line, 0, (size_t)((e->panel_rows - rows) * line));
    return true;
}

static void fill_panel(const gemm_plan *plan, int64_t row, int rows, int64_t k, int depth, void *panel) {
    float block[ROW_PANEL_MAX * DEPTH_BLOCK_MAX];
    matmul_operand dense;
    if (fill_directly(plan, row, rows, k, depth, panel)) return;
    const matmul_operand *o = read_block(&plan->p->rows, &row, rows, &k, depth, block, &dense);
    plan->engine->fill(plan->engine, o, row, rows, k, depth, panel);
}

static void pack_stripe(const gemm_plan *plan, int64_t column, int count, int64_t k, int depth, void *stripe) {
    float block[STRIPE * DEPTH_BLOCK_MAX];
    matmul_operand dense;
    int width = stripe_width(plan->engine, count);
    const matmul_operand *o = read_block(&plan->p->columns, &column, count, &k, depth, block, &dense);
    plan->engine->pack(plan->engine, o, column, count, width, k, depth, plan->p->rows.quantized, stripe);
}

/* Unit u packs one stripe of one block of the depth. */
static void pack_units(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const gemm_plan *plan = context;
    int64_t stripes = divide_up(plan->columns, STRIPE);
    for (int64_t u = begin; u < end; u++) {
        int64_t k = u / stripes * plan->engine->depth_block, column = u % stripes * STRIPE,
                depth = smaller(plan->p->depth - k, plan->engine->depth_block);
        int64_t count = smaller(plan->columns - column, STRIPE);
        if (column + STRIPE < plan->columns && u + 1 < end) {
            matmul_ahead ahead;
            matmul_ahead_begin(&ahead, &plan->p->columns, plan->first_column + column + STRIPE,
                               smaller(plan->columns - column - STRIPE, STRIPE), k, depth);
            matmul_ahead_some(&ahead, 1);
        }
        pack_stripe(plan, plan->first_column + column, (int)count, k, (int)depth, stripe_at(plan, k, depth, column));
    }
}

typedef struct {
    int64_t row, rows, column, columns; /* column counts from the chunk's first */
    int64_t stride;                     /* numbers from row to row of sums */
    char *sums, *panels;
    bool filled; /* the panels, by a unit before */
} unit;

static void *panel_at(const gemm_plan *plan, const unit *u, int64_t row, int64_t k) {
    const matmul_engine *e = plan->engine;
    int64_t panels = divide_up(plan->block_rows, e->panel_rows);
    return u->panels + (plan->keeps ? (k / e->depth_block * panels + row / e->panel_rows) * plan->panel_bytes : 0);
}

/* The part whose rows begin at `row` of the unit; behind its last row the first ones of the next block of the depth;
   none behind the last block. */
static matmul_part part_at(const gemm_plan *plan, const unit *u, int64_t row, int64_t k) {
    const matmul_engine *e = plan->engine;
    if (row >= u->rows) {
        row = 0;
        k += e->depth_block;
    }
    if (k >= plan->p->depth) return (matmul_part){0};
    return (matmul_part){.row = u->row + row,
                         .k = k,
                         .rows = (int)smaller(u->rows - row, e->panel_rows),
                         .depth = (int)smaller(plan->p->depth - k, e->depth_block)};
}

/* How often the products of so many rows of a unit move on what is coming. */
static int64_t fetches(const gemm_plan *plan, const unit *u, int64_t rows, int64_t depth) {
    const matmul_engine *e = plan->engine;
    return e->fetches ? e->fetches(e, rows, padded_columns(e, u->columns), depth) : 0;
}

/* The stripes of the block of the depth at k, during the products with the block before, which is whole. */
static matmul_stream expect_stripes(const gemm_plan *plan, const unit *u, int64_t k) {
    const matmul_engine *e = plan->engine;
    int64_t depth = smaller(plan->p->depth - k, e->depth_block), times = fetches(plan, u, u->rows, e->depth_block);
    if (depth <= 0 || times == 0) return (matmul_stream){0};
    int64_t lines = padded_columns(e, u->columns) * packed_bytes(e, depth) / 64;
    return (matmul_stream){
        .at = stripe_at(plan, k, depth, u->column), .left = INT64_MAX, .lines = (int)divide_up(lines, times)};
}

static void multiply_stripes(const gemm_plan *plan, const matmul_panel *m) {
    const matmul_engine *e = plan->engine;
    int64_t stripes = divide_up(m->columns, STRIPE), bytes = packed_bytes(e, m->part.depth);
    for (int64_t column = 0; column < m->columns; column += STRIPE) {
        if (m->coming->rows.lines == 0) matmul_ahead_some(m->ahead, stripes);
        int width = stripe_width(e, m->columns - column);
        matmul_target target = {.sums = (char *)m->sums + column * e->sum_bytes,
                                .stride = m->stride,
                                .first = m->first,
                                .out_stride = m->out_stride};
        if (m->out && column + width <= m->columns) target.out = (char *)m->out + column * e->sum_bytes;
        e->multiply(e, m->rows->quantized, m->panel, m->part.rows, m->stripes + column * bytes, width, m->part.depth,
                    &target, m->coming);
    }
}

/* What the next panel is made of, or that panel if it is there. */
static void expect_rows(const gemm_plan *plan, const unit *u, const matmul_part *next, matmul_ahead *ahead) {
    if (u->filled && next->rows > 0)
        matmul_ahead_bytes(ahead, panel_at(plan, u, next->row - u->row, next->k), plan->panel_bytes);
    else
        matmul_ahead_begin(ahead, &plan->p->rows, next->row, next->rows, next->k, next->depth);
}

/* Returns what the panel holds of the next part. */
static int multiply_panel(const gemm_plan *plan, const unit *u, matmul_panel *m) {
    const matmul_engine *e = plan->engine;
    if (m->filled == 0) {
        fill_panel(plan, m->part.row, m->part.rows, m->part.k, m->part.depth, m->panel);
        m->filled = ALL_FILLED;
    }
    matmul_ahead ahead;
    expect_rows(plan, u, &m->next, &ahead);
    m->ahead = &ahead;
    m->coming->rows = matmul_ahead_stream(&ahead, fetches(plan, u, m->part.rows, m->part.depth));
    if (e->multiply_panel) return e->multiply_panel(e, m);
    multiply_stripes(plan, m);
    return 0;
}

/* Whether the sums of whole stripes may go to the result at once, for these rows of a unit: as they are, all written.
 */
static bool stored_at_once(const gemm_plan *plan, int64_t rows) {
    const gemm_problem *p = plan->p;
    return plan->engine->stores_out && p->out_dtype == plan->engine->panel_dtype && p->out_column_stride == 1 &&
           !p->out_rows && rows % 2 == 0;
}

static void *out_of_rows(const gemm_plan *plan, const unit *u, int64_t row) {
    const gemm_problem *p = plan->p;
    if (!stored_at_once(plan, smaller(u->rows - row, plan->engine->panel_rows))) return NULL;
    int64_t place = (u->row + row) * p->out_row_stride + plan->first_column + u->column;
    return (char *)p->out + place * plan->engine->sum_bytes;
}

/* All panels of a unit, whose rows at one depth come after each other; `filled` pieces of the first are there. */
static int multiply_depth_block(const gemm_plan *plan, const unit *u, int64_t k, int filled) {
    const matmul_engine *e = plan->engine;
    int64_t depth = smaller(plan->p->depth - k, e->depth_block);
    matmul_coming coming = {.stripes = expect_stripes(plan, u, k + e->depth_block)};
    for (int64_t row = 0; row < u->rows; row += e->panel_rows) {
        matmul_panel m = {.rows = &plan->p->rows,
                          .panel = panel_at(plan, u, row, k),
                          .part = part_at(plan, u, row, k),
                          .next = part_at(plan, u, row + e->panel_rows, k),
                          .filled = u->filled ? ALL_FILLED : filled,
                          .stripes = stripe_at(plan, k, depth, u->column),
                          .columns = u->columns,
                          .sums = u->sums + row * u->stride * e->sum_bytes,
                          .stride = u->stride,
                          .first = k == 0,
                          .out = k + depth == plan->p->depth ? out_of_rows(plan, u, row) : NULL,
                          .out_stride = plan->p->out_row_stride,
                          .coming = &coming};
        filled = multiply_panel(plan, u, &m);
    }
    return filled;
}

static void store_part(const gemm_plan *plan, const unit *u, int64_t row, int64_t rows, int64_t column,
                       int64_t columns) {
    const matmul_engine *e = plan->engine;
    sums_block block = {.sums = u->sums + (row * u->stride + column) * e->sum_bytes,
                        .stride = u->stride,
                        .row = u->row + row,
                        .rows = rows,
                        .column = plan->first_column + u->column + column,
                        .columns = columns};
    if (rows > 0 && columns > 0) store_sums(e, plan->p, &block);
}

/* What multiply_depth_block has not stored: all, or the last stripe if it is not whole, and the last panel if its rows
   are odd in number. */
static void store(const gemm_plan *plan, const unit *u) {
    const matmul_engine *e = plan->engine;
    int64_t last = (u->rows - 1) / e->panel_rows * e->panel_rows, rest = u->columns % STRIPE;
    int64_t whole = rest == stripe_width(e, rest) ? u->columns : u->columns - rest;
    if (plan->p->depth == 0 || !stored_at_once(plan, 0)) {
        store_part(plan, u, 0, u->rows, 0, u->columns);
        return;
    }
    bool odd = !stored_at_once(plan, u->rows - last);
    store_part(plan, u, 0, odd ? last : u->rows, whole, u->columns - whole);
    if (odd) store_part(plan, u, last, u->rows - last, 0, u->columns);
}

static void multiply_units(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)threads;
    const gemm_plan *plan = context;
    char *scratch = plan->scratch + plan->thread_bytes * thread;
    int64_t column_blocks = divide_up(plan->columns, plan->block_columns);
    if (plan->engine->begin) plan->engine->begin();
    for (int64_t i = begin; i < end; i++) {
        unit u = {.row = i / column_blocks * plan->block_rows, .column = i % column_blocks * plan->block_columns};
        u.rows = smaller(plan->p->row_count - u.row, plan->block_rows);
        u.columns = smaller(plan->columns - u.column, plan->block_columns);
        u.stride = plan->block_columns + SUMS_PADDING;
        u.panels = scratch;
        u.sums = scratch + plan->panels_bytes;
        u.filled = plan->keeps && i > begin && u.column > 0;
        if (plan->p->depth == 0) memset(u.sums, 0, (size_t)(u.rows * u.stride * plan->engine->sum_bytes));
        int filled = 0;
        for (int64_t k = 0; k < plan->p->depth; k += plan->engine->depth_block)
            filled = multiply_depth_block(plan, &u, k, filled);
        store(plan, &u);
    }
    if (plan->engine->end) plan->engine->end();
}

void gemm_run(const matmul_engine *engine, const gemm_problem *p, void *workspace) {
    gemm_plan plan;
    if (p->row_count == 0 || p->column_count == 0 || !make_plan(&plan, engine, p)) return;
    plan.packed = workspace;
    plan.scratch = plan.packed + plan.chunk_bytes;
    bool small = p->serial || (double)p->row_count * (double)p->column_count * (double)p->depth < SMALL_WORK;
    for (plan.first_column = 0; plan.first_column < p->column_count; plan.first_column += plan.chunk_columns) {
        plan.columns = smaller(p->column_count - plan.first_column, plan.chunk_columns);
        int64_t packs = divide_up(p->depth, engine->depth_block) * divide_up(plan.columns, STRIPE);
        int64_t units = divide_up(p->row_count, plan.block_rows) * divide_up(plan.columns, plan.block_columns);
        parallel_for(packs, small ? packs : 1, pack_units, &plan);
        parallel_for(units, small ? units : 1, multiply_units, &plan);
    }
}
