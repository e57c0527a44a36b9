/* Attention of many rows by tiles: bfloat16, heads of whole tiles. What it cannot serve goes to AVX-512's. */
#include <float.h>

#include "cpu/attention/attention.h"
#include "cpu/matmul/inline.h"
#include "cpu/rows.h"

#include "cpu/attention/wide.tpl.h"

#include "cpu/attention/gradient.tpl.h"

static void wide(const attention_problem *p, int64_t batch, int64_t kv_head, int64_t row, char *scratch) {
    _tile_loadconfig(&tile_shapes);
    bool served = attend_wide(p, batch, kv_head, row, scratch);
    _tile_release();
    if (!served) attention_kernels_avx512.wide(p, batch, kv_head, row, scratch);
}

static int64_t scratch_of(const attention_problem *p) {
    int64_t own = wide_scratch(p), other = attention_kernels_avx512.wide_scratch(p);
    return own > other ? own : other;
}

static void gradient_tiles(const attention_gradient *g, int64_t batch, int64_t kv_head, int64_t row, float *sums,
                           char *scratch) {
    _tile_loadconfig(&tile_shapes);
    gradient(g, batch, kv_head, row, sums, scratch);
    _tile_release();
}

const attention_kernels attention_kernels_amx = {ROWS * WIDE_BLOCKS, scratch_of,       wide,           NULL,
                                                 gradient_sums,      gradient_scratch, gradient_tiles, gradient_store};
