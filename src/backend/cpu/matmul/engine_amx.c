/* bf16 products by AMX tiles: two tiles of 16 rows by two of 16 columns, the panel from the first-level cache, the
   stripe streamed from the second by prefetches two steps ahead. With two parts the same sums take three products. */
#include "cpu/matmul/bf16.h"

#include <immintrin.h>

#include "cpu/matmul/inline.h"
#include "cpu/tiles.h"

enum { TILE_ROWS = 16, STEP = 32, LINE_BYTES = DEPTH_BLOCK * 2 };

static void begin(void) {
    _tile_loadconfig(&tile_shapes);
}

static void end(void) {
    _tile_release();
}

/* A quarter of the two tiles that follow in two steps. */
INLINE void prefetch_tiles(const char *p) {
    UNROLL(8)
    for (int i = 0; i < 8; i++) PREFETCH(p + 64 * i);
}

INLINE void add_products_wide(const char *panel, const char *stripe, int steps) {
    for (int s = 0; s < steps; s++) {
        const char *a = panel + s * STEP * 2, *b = stripe + s * 2048, *next = b + 4096;
        _tile_loadd(4, a, LINE_BYTES);
        _tile_loadd(6, b, 64);
        prefetch_tiles(next);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(7, b + 1024, 64);
        prefetch_tiles(next + 512);
        _tile_dpbf16ps(1, 4, 7);
        _tile_loadd(5, a + TILE_ROWS * LINE_BYTES, LINE_BYTES);
        prefetch_tiles(next + 1024);
        _tile_dpbf16ps(2, 5, 6);
        prefetch_tiles(next + 1536);
        _tile_dpbf16ps(3, 5, 7);
    }
}

INLINE void add_products_narrow(const char *panel, const char *stripe, int steps) {
    for (int s = 0; s < steps; s++) {
        const char *a = panel + s * STEP * 2, *b = stripe + s * 1024;
        _tile_loadd(6, b, 64);
        _tile_loadd(4, a, LINE_BYTES);
        _tile_dpbf16ps(0, 4, 6);
        _tile_loadd(5, a + TILE_ROWS * LINE_BYTES, LINE_BYTES);
        _tile_dpbf16ps(2, 5, 6);
    }
}

static void multiply(const matmul_engine *e, const quantized_lines *lines, const void *panel, int rows,
                     const void *stripe, int width, int depth, float *sums, int64_t stride, bool first) {
    (void)rows, (void)lines;
    int steps = (depth + STEP - 1) / STEP;
    float *below = sums + TILE_ROWS * stride;
    bool wide = width > 16;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    if (!first) {
        _tile_loadd(0, sums, stride * 4);
        _tile_loadd(2, below, stride * 4);
        if (wide) _tile_loadd(1, sums + 16, stride * 4);
        if (wide) _tile_loadd(3, below + 16, stride * 4);
    }
    for (int part = 0; part < (e->parts == 2 ? 3 : 1); part++) { /* high x high, high x low, low x high */
        const char *a = (const char *)panel + (part == 2 ? e->panel_rows * LINE_BYTES : 0);
        const char *b = (const char *)stripe + (part == 1 ? steps * STEP * width * 2 : 0);
        if (wide)
            add_products_wide(a, b, steps);
        else
            add_products_narrow(a, b, steps);
    }
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
                                      .depth_block = DEPTH_BLOCK,                                                      \
                                      .depth_step = STEP,                                                              \
                                      .step_bytes = 64 * part_count,                                                   \
                                      .plain_panel = part_count == 1,                                                  \
                                      .panel_dtype = MATMUL_BF16,                                                      \
                                      .parts = part_count,                                                             \
                                      .fill = matmul_fill_bf16,                                                        \
                                      .pack = matmul_pack_bf16,                                                        \
                                      .multiply = multiply,                                                            \
                                      .begin = begin,                                                                  \
                                      .end = end};
TILE_ENGINE(matmul_engine_tiles, "bf16 AMX", 1)
TILE_ENGINE(matmul_engine_split_tiles, "bf16 AMX, two parts", 2)
