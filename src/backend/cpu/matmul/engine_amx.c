/* bf16 products by AMX tiles: two tiles of 16 rows by two of 16 columns. The panel fills most of the first-level cache
   and stays there, because stripes and sums pass it by: they are loaded from the second level as streams. With two
   parts the same sums take three products. */
#include "cpu/matmul/bf16.h"

#include <immintrin.h>

#include "cpu/matmul/inline.h"
#include "cpu/tiles.h"

enum { TILE_ROWS = 16, STEP = 32, AWAKE_ROWS = 8 };

static void begin(void) {
    _tile_loadconfig(&tile_shapes);
}

static void end(void) {
    _tile_release();
}

/* The multiplier falls asleep within about 400 ns and takes 250 to wake up. A product that nobody reads now and then
   keeps it awake while a panel is filled. */
static void fill(const matmul_engine *e, const matmul_operand *rows, int64_t row, int count, int64_t k, int depth,
                 void *panel) {
    for (int i = 0; i < e->panel_rows; i += AWAKE_ROWS) {
        int rest = count - i < 0 ? 0 : count - i;
        _tile_dpbf16ps(0, 4, 6);
        matmul_fill_bf16_part(e, rows, row + i, rest < AWAKE_ROWS ? rest : AWAKE_ROWS, AWAKE_ROWS, k, depth,
                              (uint16_t *)panel + i * e->depth_block);
    }
}

/* A few lines at a time: the core waits when more are on the way than it has places for. */
INLINE void fetch_some(matmul_coming *coming) {
    for (int i = 0; i < coming->lines; i++, coming->next += 64) __builtin_prefetch(coming->next, 0, 2);
}

/* `line`: bytes from row to row of the panel. */
INLINE void add_products_wide(const char *panel, int64_t line, const char *stripe, int steps, matmul_coming *coming) {
    for (int s = 0; s < steps; s++) {
        const char *a = panel + s * STEP * 2, *b = stripe + s * 2048;
        fetch_some(coming);
        _tile_stream_loadd(6, b, 64);
        _tile_loadd(4, a, line);
        _tile_dpbf16ps(0, 4, 6);
        _tile_stream_loadd(7, b + 1024, 64);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, a + TILE_ROWS * line, line);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
}

INLINE void add_products_narrow(const char *panel, int64_t line, const char *stripe, int steps) {
    for (int s = 0; s < steps; s++) {
        const char *a = panel + s * STEP * 2, *b = stripe + s * 1024;
        _tile_stream_loadd(6, b, 64);
        _tile_loadd(4, a, line);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, a + TILE_ROWS * line, line);
        _tile_dpbf16ps(2, 5, 6);
    }
}

static void multiply(const matmul_engine *e, const quantized_lines *lines, const void *panel, int rows,
                     const void *stripe, int width, int depth, void *to, int64_t stride, bool first,
                     matmul_coming *coming) {
    float *sums = to;
    (void)rows, (void)lines;
    int steps = (depth + STEP - 1) / STEP;
    int64_t line = e->depth_block * 2;
    float *below = sums + TILE_ROWS * stride;
    bool wide = width > 16;
    matmul_coming moving = *coming; /* in registers */
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    if (!first) {
        _tile_stream_loadd(0, sums, stride * 4);
        _tile_stream_loadd(2, below, stride * 4);
        if (wide) _tile_stream_loadd(1, sums + 16, stride * 4);
        if (wide) _tile_stream_loadd(3, below + 16, stride * 4);
    }
    for (int part = 0; part < (e->parts == 2 ? 3 : 1); part++) { /* high x high, high x low, low x high */
        const char *a = (const char *)panel + (part == 2 ? e->panel_rows * line : 0);
        const char *b = (const char *)stripe + (part == 1 ? steps * STEP * width * 2 : 0);
        if (wide)
            add_products_wide(a, line, b, steps, &moving);
        else
            add_products_narrow(a, line, b, steps);
    }
    coming->next = moving.next;
    _tile_stored(0, sums, stride * 4);
    _tile_stored(2, below, stride * 4);
    if (wide) _tile_stored(1, sums + 16, stride * 4);
    if (wide) _tile_stored(3, below + 16, stride * 4);
}

#define TILE_ENGINE(identifier, title, part_count)                                                                     \
    const matmul_engine identifier = {.name = title,                                                                   \
                                      .kit = &matmul_kit_avx512,                                                       \
                                      .panel_rows = 32,                                                                \
                                      .narrow_stripe = 16,                                                             \
                                      .depth_block = 512 / part_count,                                                 \
                                      .depth_step = STEP,                                                              \
                                      .sum_bytes = sizeof(float),                                                      \
                                      .step_bytes = 64 * part_count,                                                   \
                                      .plain_panel = part_count == 1,                                                  \
                                      .panel_dtype = MATMUL_BF16,                                                      \
                                      .parts = part_count,                                                             \
                                      .fill = fill,                                                                    \
                                      .pack = matmul_pack_bf16,                                                        \
                                      .multiply = multiply,                                                            \
                                      .begin = begin,                                                                  \
                                      .end = end};
TILE_ENGINE(matmul_engine_tiles, "bf16 AMX", 1)
TILE_ENGINE(matmul_engine_split_tiles, "bf16 AMX, two parts", 2)
