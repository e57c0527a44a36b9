/* The micro-kernels of f32 and f64, for the vector words included before it: ROWS x (2 vectors) of sums in registers,
   the panel read by broadcast, the stripe by vectors. ENGINE and ENGINE_KIT are the names of the tables, NUMBER is the
   type, NUMBER_DTYPE its dtype, FILL and PACK bring its panels and stripes. A micro-kernel exists for each even number
   of rows up to ROWS.
 */
#include "cpu/matmul/engine_f32.h"

enum { LINE_NUMBERS = 64 / sizeof(NUMBER) }; /* of the cache */
/* From row to row of a panel: they share no sets of the first-level cache, and come to the end of a line of it each at
   another step, so that what they ask of the second level is spread over the steps. */
enum { LINE = DEPTH + LINE_NUMBERS + 1 };

#include "cpu/matmul/direct.tpl.h"

/* Each so many steps of the depth, about two hundred cycles, lines of what comes next are fetched, and those of so many
   rows of sums. */
enum { FETCH_STEPS = ROWS > 8 ? 16 : 32, EXPECTED_ROWS = 2 };

/* Steps between two jumps. Few rows take as many instructions as the core begins in the time of their products:
   counting and jumping come on top. */
enum { STEPS_TOGETHER = ROWS > 8 ? 1 : 4 };

INLINE void expect_row(const matmul_target *t, int64_t row, int vectors) {
    for (int v = 0; v < vectors; v++) {
        if (!t->first || !t->out) PREFETCH((NUMBER *)t->sums + row * t->stride + v * WIDTH);
        if (t->out) PREFETCH((NUMBER *)t->out + row * t->out_stride + v * WIDTH);
    }
}

/* Lines that a micro-kernel's end reads and writes, of the rows from this one on that there are. */
INLINE void expect_rows(const matmul_target *t, int64_t row, int rows, int vectors) {
    for (int i = 0; i < EXPECTED_ROWS; i++, row++)
        if (row >= 0 && row < rows) expect_row(t, row, vectors);
}

INLINE void add_step(vec total[ROWS][2], const NUMBER *panel, const NUMBER *stripe, int64_t step, int rows,
                     int vectors) {
    vec b[2];
    for (int v = 0; v < vectors; v++) b[v] = v_load(stripe + v * WIDTH);
    PREFETCH(stripe + 16 * step);
    if (vectors * WIDTH > LINE_NUMBERS) PREFETCH(stripe + 16 * step + LINE_NUMBERS);
    UNROLL(16)
    for (int i = 0; i < rows; i++) {
        vec a = v_set1(panel[i * LINE]);
        for (int v = 0; v < vectors; v++) total[i][v] = v_fma(a, b[v], total[i][v]);
    }
}

INLINE void store_total(vec total[ROWS][2], const matmul_target *t, int rows, int vectors) {
    NUMBER *sums = t->sums, *to = t->out ? t->out : t->sums;
    int64_t to_stride = t->out ? t->out_stride : t->stride;
    UNROLL(16)
    for (int i = 0; i < rows; i++, sums += t->stride, to += to_stride) {
        ONE_BY_ONE(sums);
        ONE_BY_ONE(to);
        for (int v = 0; v < vectors; v++)
            v_store(to + v * WIDTH, t->first ? total[i][v] : v_add(v_load(sums + v * WIDTH), total[i][v]));
    }
}

/* panel [rows][LINE], stripe [depth][STRIPE], or [depth][WIDTH] for one vector. */
INLINE void micro(const NUMBER *panel, const NUMBER *stripe, int64_t depth, const matmul_target *t,
                  matmul_coming *coming, int rows, int vectors) {
    const int64_t step = vectors == 1 ? WIDTH : STRIPE;
    vec total[ROWS][2];
    UNROLL(16)
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++) total[i][v] = v_zero();
    matmul_stream stripes = coming->stripes, coming_rows = coming->rows;
    const NUMBER *end = panel + depth, *whole = end - depth % FETCH_STEPS;
    int64_t expected = rows - depth / FETCH_STEPS * EXPECTED_ROWS;
    for (; panel < whole; expected += EXPECTED_ROWS) {
        matmul_stream_on(&stripes), matmul_stream_on(&coming_rows);
        expect_rows(t, expected, rows, vectors);
        UNROLL_BY(STEPS_TOGETHER)
        for (const NUMBER *some = panel + FETCH_STEPS; panel < some; panel++, stripe += step)
            add_step(total, panel, stripe, step, rows, vectors);
    }
    for (; panel < end; panel++, stripe += step) add_step(total, panel, stripe, step, rows, vectors);
    *coming = (matmul_coming){stripes, coming_rows};
    store_total(total, t, rows, vectors);
}

typedef void (*micro_kernel)(const NUMBER *panel, const NUMBER *stripe, int64_t depth, const matmul_target *t,
                             matmul_coming *coming);
#define MICRO(rows, vectors)                                                                                           \
    static void micro_##rows##_##vectors(const NUMBER *panel, const NUMBER *stripe, int64_t depth,                     \
                                         const matmul_target *t, matmul_coming *coming) {                              \
        micro(panel, stripe, depth, t, coming, rows, vectors);                                                         \
    }
#define ROW_OF_TABLE(rows, vectors) [rows / 2] = micro_##rows##_##vectors,
MICROS(MICRO, 1)
MICROS(MICRO, 2)
static const micro_kernel micros[2][ROWS / 2 + 1] = {{MICROS(ROW_OF_TABLE, 1)}, {MICROS(ROW_OF_TABLE, 2)}};

static matmul_target target_at(const matmul_target *t, int64_t row, int64_t column) {
    matmul_target at = *t;
    at.sums = (NUMBER *)t->sums + row * t->stride + column;
    if (t->out) at.out = (NUMBER *)t->out + row * t->out_stride + column;
    return at;
}

static void multiply(const matmul_engine *engine, const quantized_lines *lines, const void *panel, int rows,
                     const void *stripe, int width, int depth, const matmul_target *target, matmul_coming *coming) {
    (void)engine, (void)lines;
    for (int column = 0; column < width; column += 2 * WIDTH) {
        int vectors = width - column >= 2 * WIDTH ? 2 : 1;
        for (int row = 0; row < rows; row += ROWS) {
            int some = rows - row < ROWS ? rows - row : ROWS;
            matmul_target at = target_at(target, row, column);
            micros[vectors - 1][(some + 1) / 2]((const NUMBER *)panel + (int64_t)row * LINE,
                                                (const NUMBER *)stripe + column, depth, &at, coming);
        }
    }
}

static int64_t fetches(const matmul_engine *engine, int64_t rows, int64_t columns, int64_t depth) {
    (void)engine;
    return (rows + ROWS - 1) / ROWS * ((columns + 2 * WIDTH - 1) / (2 * WIDTH)) * (depth / FETCH_STEPS);
}

const matmul_engine ENGINE = {.name = ENGINE_NAME,
                              .kit = &ENGINE_KIT,
                              .panel_rows = PANEL_ROWS,
                              .narrow_stripe = WIDTH,
                              .depth_block = DEPTH,
                              .panel_line = LINE,
                              .depth_step = 1,
                              .step_bytes = sizeof(NUMBER),
                              .sum_bytes = sizeof(NUMBER),
                              .plain_panel = true,
                              .panel_dtype = NUMBER_DTYPE,
                              .parts = 1,
                              .stores_out = true,
                              .block_bytes = 256 << 10,
                              .fetches = fetches,
                              .fill = FILL,
                              .pack = PACK,
                              .multiply = multiply,
                              .direct = &direct_of_engine};
