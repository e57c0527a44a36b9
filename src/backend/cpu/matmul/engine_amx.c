/* bf16 products by AMX tiles: two tiles of 16 rows by two of 16 columns. The panel fills most of the first-level cache
   and stays there, because stripes and sums pass it by: they are loaded from the second level as streams. With two
   parts the same sums take three products.

   Vectors work beside the tiles: sums are stored within the first products of the stripe after them, the sums that come
   next are fetched, and while the last stripe meets the panel, the next one replaces what is not read any more, which
   ends within its first stripe. */
#include "cpu/matmul/pieces_avx512bf16.h"

#include <immintrin.h>

#include "cpu/tiles.h"

enum { TILE = 16, STEP = 32, AWAKE_ROWS = 8, ROW_STRIDE = 512 /* of panels with one part */ };

static void begin(void) {
    _tile_loadconfig(&tile_shapes);
}

static void end(void) {
    _tile_release();
}

static int smaller(int a, int b) {
    return a < b ? a : b;
}

/* The multiplier falls asleep within about 400 ns and takes 250 to wake up. A product that nobody reads now and then
   keeps it awake while a panel is filled. */
static void fill(const matmul_engine *e, const matmul_operand *rows, int64_t row, int count, int64_t k, int depth,
                 void *panel) {
    for (int i = 0; i < e->panel_rows; i += AWAKE_ROWS) {
        int rest = count - i < 0 ? 0 : count - i;
        _tile_dpbf16ps(0, 4, 6);
        matmul_fill_bf16_part(e, rows, row + i, rest < AWAKE_ROWS ? rest : AWAKE_ROWS, AWAKE_ROWS, k, depth,
                              (uint16_t *)panel + i * e->panel_line);
    }
}

typedef struct {
    const matmul_panel *panel;
    int64_t line;          /* bytes from row to row of the panel */
    int steps;             /* of the depth */
    int fetched_rows;      /* of sums, with each of them */
    bf16_pieces now, next; /* of the panel */
    int filled, replaced;  /* pieces of them that are there */
    float *unstored;       /* where the sums belong that are still in tiles; NULL: none are */
} job;

static int steps_of(int64_t depth) {
    return (int)((depth + STEP - 1) / STEP);
}

/* ---- what is done between products */

/* The lines of some rows of sums, to be written. */
INLINE void fetch_sums(const float *sums, int64_t stride, int rows) {
    for (int i = 0; i < rows; i++, sums += stride) {
        __builtin_prefetch(sums, 1, 3);
        __builtin_prefetch(sums + TILE, 1, 3);
    }
}

INLINE void fill_until(job *j, int target) {
    for (; j->filled < smaller(target, j->now.count); j->filled++)
        fill_piece(&j->now, j->filled, j->panel->panel, ROW_STRIDE);
}

/* Before a step of the panel's first stripe: what the step reads. */
INLINE void fill_needed(job *j, int step) {
    fill_until(j, (step * STEP / PIECE_DEPTH + 1) * PIECES_OF_DEPTH);
}

/* Within a step of its last stripe, twice: five pieces in two steps, where nobody reads any more. */
INLINE void replace_some(job *j, int step, int turn) {
    int unread = step * STEP / PIECE_DEPTH * PIECES_OF_DEPTH, turns = 2 * step + turn;
    int target = smaller(smaller(turns + turns / 4, unread), j->next.count);
    for (; j->replaced < target; j->replaced++) fill_piece(&j->next, j->replaced, j->panel->panel, ROW_STRIDE);
}

/* ---- sums */

#define STORE(number, sums, stride, row, column)                                                                       \
    _tile_stored(number, (sums) + (row) * (stride) + (column), (size_t)(stride) * sizeof(float))
#define LOAD(number, sums, stride, row, column)                                                                        \
    do {                                                                                                               \
        if (j->panel->first)                                                                                           \
            _tile_zero(number);                                                                                        \
        else                                                                                                           \
            _tile_stream_loadd(number, (sums) + (row) * (stride) + (column), (size_t)(stride) * sizeof(float));        \
    } while (0)
#define EXCHANGE(number, row, column)                                                                                  \
    do {                                                                                                               \
        if (j->unstored) STORE(number, j->unstored, stride, row, column);                                              \
        LOAD(number, sums, stride, row, column);                                                                       \
    } while (0)

static void store_wide(float *sums, int64_t stride) {
    STORE(0, sums, stride, 0, 0);
    STORE(1, sums, stride, 0, TILE);
    STORE(2, sums, stride, TILE, 0);
    STORE(3, sums, stride, TILE, TILE);
}

static void store_narrow(float *sums, int64_t stride) {
    STORE(0, sums, stride, 0, 0);
    STORE(2, sums, stride, TILE, 0);
}

/* ---- products */

typedef enum { MIDDLE, FIRST, LAST } place; /* of a stripe, if the panel changes within it */

/* Between two products of a step. */
INLINE void change_panel(job *j, place where, int step, int turn) {
    if (where == FIRST) fill_until(j, j->filled + 1);
    if (where == LAST) replace_some(j, step, turn);
}

/* A step of the depth. The first one takes the sums before out of each tile just before it is needed. */
INLINE void add_product(job *j, const char *a, const char *b, float *sums, int step, place where, bool exchange) {
    const int64_t stride = j->panel->stride;
    _tile_stream_loadd(6, b, 64);
    _tile_loadd(4, a, j->line);
    if (exchange) EXCHANGE(0, 0, 0);
    _tile_dpbf16ps(0, 4, 6);
    change_panel(j, where, step, 0);
    _tile_stream_loadd(7, b + 1024, 64);
    if (exchange) EXCHANGE(1, 0, TILE);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, a + TILE * j->line, j->line);
    if (exchange) EXCHANGE(2, TILE, 0);
    _tile_dpbf16ps(2, 5, 6);
    change_panel(j, where, step, 1);
    if (exchange) EXCHANGE(3, TILE, TILE);
    _tile_dpbf16ps(3, 5, 7);
}

INLINE void wide_step(job *j, const char *a, const char *stripe, float *sums, const float *next, int s, place where,
                      matmul_coming *coming, bool exchange) {
    if (where == FIRST) fill_needed(j, s);
    matmul_stream_on(&coming->stripes);
    fetch_sums(next + s * j->fetched_rows * j->panel->stride, j->panel->stride, j->fetched_rows);
    add_product(j, a + s * STEP * 2, stripe + s * 2048, sums, s, where, exchange);
}

/* 32 columns; the sums stay in tiles. `next`: the sums after these. */
INLINE void multiply_wide(job *j, const char *a, const char *stripe, float *sums, const float *next, place where,
                          bool exchange) {
    matmul_coming coming = *j->panel->coming; /* in registers */
    wide_step(j, a, stripe, sums, next, 0, where, &coming, exchange);
    for (int s = 1; s < j->steps; s++) wide_step(j, a, stripe, sums, next, s, where, &coming, false);
    *j->panel->coming = coming;
    j->unstored = sums;
}

/* Up to 16 columns, the last ones. */
static void multiply_narrow(job *j, const char *a, const char *stripe) {
    for (int s = 0; s < j->steps; s++) {
        const char *at = a + s * STEP * 2;
        _tile_stream_loadd(6, stripe + s * 1024, 64);
        _tile_loadd(4, at, j->line);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, at + TILE * j->line, j->line);
        _tile_dpbf16ps(2, 5, 6);
    }
}

/* high x high, high x low, low x high */
static void multiply_parts(job *j, int parts, int width, const char *stripe, float *sums, const float *next) {
    const int64_t low_rows = ROW_PANEL_MAX * j->line, low_columns = (int64_t)j->steps * STEP * width * 2;
    for (int product = 0; product < (parts == 2 ? 3 : 1); product++) {
        const char *a = (const char *)j->panel->panel + (product == 2 ? low_rows : 0),
                   *b = stripe + (product == 1 ? low_columns : 0);
        if (width == TILE)
            multiply_narrow(j, a, b);
        else
            multiply_wide(j, a, b, sums, next, MIDDLE, product == 0);
    }
}

static void last_narrow(job *j, int parts, const char *stripe, float *sums) {
    const int64_t stride = j->panel->stride;
    if (j->unstored) store_wide(j->unstored, stride);
    j->unstored = NULL;
    LOAD(0, sums, stride, 0, 0);
    LOAD(2, sums, stride, TILE, 0);
    multiply_parts(j, parts, TILE, stripe, sums, sums);
    store_narrow(sums, stride);
}

static void multiply_stripe(job *j, int parts, int64_t column, const char *stripe) {
    const matmul_panel *p = j->panel;
    float *sums = (float *)p->sums + column;
    const bool last = column + STRIPE >= p->columns;
    const float *next = last ? (float *)p->sums + ROW_PANEL_MAX * p->stride : sums + STRIPE;
    if (p->columns - column <= TILE)
        last_narrow(j, parts, stripe, sums);
    else if (column == 0 && j->filled < j->now.count)
        multiply_wide(j, p->panel, stripe, sums, next, FIRST, true);
    else if (last && j->next.count > 0)
        multiply_wide(j, p->panel, stripe, sums, next, LAST, true);
    else
        multiply_parts(j, parts, STRIPE, stripe, sums, next);
}

static int multiply_panel(const matmul_engine *e, const matmul_panel *p) {
    job j = {.panel = p, .line = e->panel_line * 2, .steps = steps_of(p->part.depth)};
    j.fetched_rows = (ROW_PANEL_MAX + j.steps - 1) / j.steps;
    if (p->filled != ALL_FILLED) j.now = pieces_of(e, p->rows, &p->part), j.filled = p->filled;
    int64_t stripes = (p->columns + STRIPE - 1) / STRIPE, rest = p->columns % STRIPE;
    bool two = stripes > 1 && (rest == 0 || rest > TILE); /* a first and a last one */
    if (two && p->next.rows > 0) j.next = pieces_of(e, p->rows, &p->next);
    int64_t bytes = (int64_t)j.steps * e->step_bytes;
    for (int64_t column = 0; column < p->columns; column += STRIPE) {
        matmul_ahead_some(p->ahead, stripes > 1 ? stripes - 1 : 1);
        multiply_stripe(&j, e->parts, column, p->stripes + column * bytes);
    }
    if (j.unstored) store_wide(j.unstored, p->stride);
    return j.replaced;
}

/* A narrow stripe fetches nothing. */
static int64_t fetches(const matmul_engine *e, int64_t rows, int64_t columns, int64_t depth) {
    return (rows + ROW_PANEL_MAX - 1) / ROW_PANEL_MAX * (columns / STRIPE) * (2 * e->parts - 1) * steps_of(depth);
}

#define TILE_ENGINE(identifier, title, part_count)                                                                     \
    const matmul_engine identifier = {.name = title,                                                                   \
                                      .kit = &matmul_kit_avx512,                                                       \
                                      .panel_rows = ROW_PANEL_MAX,                                                     \
                                      .narrow_stripe = TILE,                                                           \
                                      .depth_block = 512 / part_count,                                                 \
                                      .panel_line = 512 / part_count,                                                  \
                                      .depth_step = STEP,                                                              \
                                      .sum_bytes = sizeof(float),                                                      \
                                      .step_bytes = 64 * part_count,                                                   \
                                      .plain_panel = part_count == 1,                                                  \
                                      .panel_dtype = MATMUL_BF16,                                                      \
                                      .parts = part_count,                                                             \
                                      .block_bytes = 512 << 10,                                                        \
                                      .fetches = fetches,                                                              \
                                      .fill = fill,                                                                    \
                                      .pack = matmul_pack_bf16,                                                        \
                                      .multiply_panel = multiply_panel,                                                \
                                      .begin = begin,                                                                  \
                                      .end = end};
TILE_ENGINE(matmul_engine_tiles, "bf16 AMX", 1)
TILE_ENGINE(matmul_engine_split_tiles, "bf16 AMX, two parts", 2)
