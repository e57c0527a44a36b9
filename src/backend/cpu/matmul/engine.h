/* What the blocked product (gemm.c) asks of an engine: panels of rows in the first-level cache, packed stripes of
   columns in the second, and a micro-kernel that multiplies one by the other. */
#ifndef CPU_MATMUL_ENGINE_H
#define CPU_MATMUL_ENGINE_H

#include "cpu/matmul/ahead.h"
#include "cpu/matmul/kit.h"

enum { DEPTH_BLOCK_MAX = 512, STRIPE = 32, ROW_PANEL_MAX = 32 };

/* What comes next, to be fetched while products are computed: stripes of the next block, rows of the next panel. */
typedef struct {
    matmul_stream stripes, rows;
} matmul_coming;

/* Where products of a panel and a stripe are added up: sums[row * stride + column]; `first`: they are all there is yet.
   With `out` the last ones: the sums go there, out[row * out_stride + column], and not back; even numbers of rows are
   written. */
typedef struct {
    void *sums, *out;
    int64_t stride, out_stride;
    bool first;
} matmul_target;

/* Rows [row, row + rows) at depths [k, k + depth): what a panel holds. rows 0: nothing. */
typedef struct {
    int64_t row, k;
    int rows, depth;
} matmul_part;

/* The products of a panel with all stripes of a block, one after the other, and what is made ready meanwhile. */
typedef struct {
    const matmul_operand *rows;
    void *panel;
    matmul_part part, next; /* what the panel holds, and is to hold then */
    int filled;             /* pieces of `part` that it holds yet; ALL_FILLED: all of them */
    const char *stripes;
    int64_t columns; /* of all stripes */
    void *sums;
    int64_t stride; /* numbers from row to row of sums */
    bool first;     /* sums begin with these products */
    void *out;      /* for the sums of whole stripes, which end with these products; NULL: they stay */
    int64_t out_stride;
    matmul_coming *coming;
    matmul_ahead *ahead; /* for the part after this one */
} matmul_panel;

enum { ALL_FILLED = -1 };

/* A product of numbers of the engine's type, as gemm_problem has it, with columns side by side in memory and in the
   result. */
typedef struct {
    const void *rows, *columns;
    int64_t row_stride, row_step, column_step; /* numbers from row to row, and from one step of the depth to the next */
    void *out;
    int64_t out_stride;
    int64_t row_count, column_count, depth;
} direct_product;

/* Products that need no packing (direct.h). */
typedef struct {
    void (*multiply)(const direct_product *product);
    /* Adds sums [row_count][column_count] to the product's result. */
    void (*add)(const direct_product *product, const void *sums);
} direct_kernels;

typedef struct matmul_engine matmul_engine;
struct matmul_engine {
    const char *name;
    const matmul_kit *kit;
    int panel_rows;    /* rows of a panel, at most ROW_PANEL_MAX */
    int narrow_stripe; /* a last stripe of at most so many columns is packed this wide, the others STRIPE */
    int depth_block;   /* depth of a panel and a stripe, at most DEPTH_BLOCK_MAX */
    int panel_line;    /* values from row to row of a panel, at least depth_block */
    int depth_step;    /* the depth of a block is padded with zeros to a multiple of this */
    int step_bytes;    /* that so many values of a row or a column take when packed */
    int sum_bytes;     /* 4: sums are floats; 8: doubles */
    bool plain_panel;  /* a panel is [panel_rows][panel_line] of panel_dtype, padded with zeros */
    matmul_dtype panel_dtype;
    int parts;       /* 2: values are held as a high and a low bf16 part */
    bool stores_out; /* multiply takes a target's `out`, of panel_dtype */
    int block_bytes; /* of packed columns that meet one panel, and of a unit's sums: they stay in the second-level cache
                      */
    /* Panel, for depth_block depths: parts x [panel_rows][panel_line] of rows [row, row + rows) and depth [k, k +
     * depth); missing rows and depth are zeros. */
    void (*fill)(const matmul_engine *engine, const matmul_operand *rows, int64_t row, int count, int64_t k, int depth,
                 void *panel);
    /* One stripe of columns [column, column + count), `width` wide, in the engine's own order. `rows`: the packed
       weights that it will meet, whose width or groups matter to some engines; NULL if they are dense. */
    void (*pack)(const matmul_engine *engine, const matmul_operand *columns, int64_t column, int count, int width,
                 int64_t k, int depth, const quantized_lines *rows, void *stripe);
    /* The target's sums (+)= panel x stripe; all panel_rows may be written. `lines`: the rows, if they are packed. An
       engine whose stripes come faster than the hardware's prefetchers bring them fetches what is coming and moves it
       on; others leave it. */
    void (*multiply)(const matmul_engine *engine, const quantized_lines *lines, const void *panel, int rows,
                     const void *stripe, int width, int depth, const matmul_target *target, matmul_coming *coming);
    /* How often the products of so many rows, panel by panel, with stripes of so many columns in all move on what is
       coming; NULL: never. */
    int64_t (*fetches)(const matmul_engine *engine, int64_t rows, int64_t columns, int64_t depth);
    /* Instead of multiply, where not NULL: all stripes by a panel, in which the next part begins to replace this one.
       Returns how many pieces of the next part the panel holds then; 0 if it is to be filled at once. */
    int (*multiply_panel)(const matmul_engine *engine, const matmul_panel *panel);
    const direct_kernels *direct; /* NULL: none */
    /* Before and after a thread's calls of multiply; NULL if there is nothing to set up. */
    void (*begin)(void);
    void (*end)(void);
};

/* M(rows, vectors) for each height of a micro-kernel that has up to 14 rows. */
#define MICROS_TO_14(M, vectors)                                                                                       \
    M(2, vectors)                                                                                                      \
    M(4, vectors)                                                                                                      \
    M(6, vectors) M(8, vectors) M(10, vectors) M(12, vectors) M(14, vectors)

extern const matmul_engine matmul_engine_baseline, matmul_engine_avx2, matmul_engine_avx512; /* f32 */
extern const matmul_engine matmul_engine_f64_baseline, matmul_engine_f64_avx2, matmul_engine_f64_avx512;
extern const matmul_engine matmul_engine_words_avx2, matmul_engine_words_avxvnni; /* half tokens by packed weights */
extern const matmul_engine matmul_engine_dpbf16, matmul_engine_tiles, matmul_engine_split_tiles;

#endif
