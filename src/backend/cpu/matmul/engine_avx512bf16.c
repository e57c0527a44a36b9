/* bf16 products by vdpbf16ps, for processors where it is fast (AMD): 14 x 32 sums in registers. */
#include "cpu/matmul/bf16.h"
#include "cpu/matmul/vector_avx512.h"

enum { ROWS = 14, PAIRS = 16, DEPTH = 256 };

INLINE void micro(const uint16_t *panel, const uint16_t *stripe, int64_t width, int64_t depth, float *sums,
                  int64_t stride, bool first, int rows, int vectors) {
    vec total[ROWS][2];
    UNROLL(16)
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++) {
            total[i][v] = v_zero();
            PREFETCH(sums + i * stride + v * WIDTH); /* needed when the depth is done */
        }
    for (int64_t k = 0; k < depth; k += 32, stripe += 32 * width)
        for (int64_t p = 0; p < PAIRS; p++) {
            __m512bh b[2];
            for (int v = 0; v < vectors; v++) b[v] = (__m512bh)_mm512_loadu_si512(stripe + v * 512 + p * 32);
            PREFETCH(stripe + 32 * width + p * 32);
            if (vectors > 1) PREFETCH(stripe + 32 * width + 512 + p * 32);
            UNROLL(16)
            for (int i = 0; i < rows; i++) {
                int pair;
                memcpy(&pair, panel + k + 2 * p + i * DEPTH, sizeof pair);
                for (int v = 0; v < vectors; v++)
                    total[i][v] = _mm512_dpbf16_ps(total[i][v], b[v], (__m512bh)_mm512_set1_epi32(pair));
            }
        }
    UNROLL(16)
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vectors; v++) {
            float *s = sums + i * stride + v * WIDTH;
            v_store(s, first ? total[i][v] : v_add(v_load(s), total[i][v]));
        }
}

typedef void (*micro_kernel)(const uint16_t *panel, const uint16_t *stripe, int64_t width, int64_t depth, float *sums,
                             int64_t stride, bool first);
#define MICRO(rows, vectors)                                                                                           \
    static void micro_##rows##_##vectors(const uint16_t *panel, const uint16_t *stripe, int64_t width, int64_t depth,  \
                                         float *sums, int64_t stride, bool first) {                                    \
        micro(panel, stripe, width, depth, sums, stride, first, rows, vectors);                                        \
    }
#define ROW_OF_TABLE(rows, vectors) [rows / 2] = micro_##rows##_##vectors,
MICROS_TO_14(MICRO, 1)
MICROS_TO_14(MICRO, 2)
static const micro_kernel micros[2][ROWS / 2 + 1] = {{MICROS_TO_14(ROW_OF_TABLE, 1)}, {MICROS_TO_14(ROW_OF_TABLE, 2)}};

static void multiply(const matmul_engine *e, const quantized_lines *lines, const void *panel, int rows,
                     const void *stripe, int width, int depth, const matmul_target *to, matmul_coming *coming) {
    (void)coming;
    float *sums = to->sums;
    (void)e, (void)lines;
    depth = (depth + 31) / 32 * 32;
    for (int row = 0; row < rows; row += ROWS) {
        int some = rows - row < ROWS ? rows - row : ROWS;
        micros[width / WIDTH - 1][(some + 1) / 2]((const uint16_t *)panel + row * DEPTH, stripe, width, depth,
                                                  sums + row * to->stride, to->stride, to->first);
    }
}

const matmul_engine matmul_engine_dpbf16 = {.name = "bf16 vdpbf16ps",
                                            .kit = &matmul_kit_avx512,
                                            .panel_rows = 28,
                                            .narrow_stripe = 16,
                                            .depth_block = DEPTH,
                                            .panel_line = DEPTH,
                                            .depth_step = 32,
                                            .sum_bytes = sizeof(float),
                                            .step_bytes = 64,
                                            .plain_panel = true,
                                            .panel_dtype = MATMUL_BF16,
                                            .parts = 1,
                                            .block_bytes = 512 << 10,
                                            .fill = matmul_fill_bf16,
                                            .pack = matmul_pack_bf16,
                                            .multiply = multiply};
