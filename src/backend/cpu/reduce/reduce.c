/* reduce, arg_reduce, mean and var of columns: many sums are kept side by side and folded into one at the end, which is
   fast and loses fewer digits than one running sum. Half types fold in float32. Dense elements of most dtypes have
   loops of their own (fold.tpl.h); others are loaded a piece at a time and folded by the loops of elementwise.tpl.h.

   An axis gives the lanes: a reduced one (each output folds BLOCK partial results) or a kept one (BLOCK outputs fold
   side by side). What is reduced is cut into chunks that depend on the shape alone; their results are joined in order,
   whatever the number of threads. */
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/reduce/arg_reduce.h"
#include "cpu/reduce/reduction.h"
#include "table/strides.h"

enum {
    COLUMNS = 16,       /* blocks of kept elements that fold together */
    LEAST_ROW = 32,     /* a reduced axis shorter than this gives no lanes if a kept one can */
    CHUNK_PIECES = 512, /* pieces of a row, or rows, that make a chunk */
    BESIDE = 512,       /* kept elements of short rows that fold side by side */
    GRAIN = 1 << 15     /* elements worth a thread */
};

/* ---- lanes along a reduced axis */

static void reduce_row_chunk(const reduction *r, int64_t output, int64_t chunk) {
    register_block total = r->identity;
    int64_t in_row = (r->lanes + FOLD_BLOCK - 1) / FOLD_BLOCK, base = offset_in(&r->outputs, output);
    int64_t begin = chunk * CHUNK_PIECES, end = begin + CHUNK_PIECES < r->pieces ? begin + CHUNK_PIECES : r->pieces;
    for (int64_t i = begin; i < end;) {
        int64_t first = i % in_row, last = first + end - i < in_row ? first + end - i : in_row, at = first * FOLD_BLOCK;
        int64_t count = (last * FOLD_BLOCK < r->lanes ? last * FOLD_BLOCK : r->lanes) - at;
        fold_lanes(r, &total, base + offset_in(&r->inner, i / in_row) + at * r->lane_stride, count);
        i += last - first;
    }
    fold_block(r, &total);
    memcpy(r->partials + (chunk * r->output_count + output) * r->width, total.bytes, (size_t)r->width);
}

static void row_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const reduction *r = context;
    for (int64_t i = begin; i < end; i++) reduce_row_chunk(r, i / r->chunks, i % r->chunks);
}

/* ---- lanes along a kept axis */

/* COLUMNS blocks at a time: longer stretches of each row are kinder to the memory. */
static void fold_columns(const reduction *r, char *totals, int64_t offset, int64_t ahead, int64_t count,
                         const char *centres) {
    register_block piece;
    const char *from = r->data + offset * dtype_bytes(r->from);
    if (centres) {
        r->loops->squares(totals, from, count, ahead, centres);
        return;
    }
    if (r->loops) {
        r->loops->columns(totals, from, count, ahead);
        return;
    }
    for (int64_t at = 0; at < count; at += FOLD_BLOCK) {
        int64_t some = count - at < FOLD_BLOCK ? count - at : FOLD_BLOCK;
        const char *x = load_piece(r, &piece, offset + at * r->lane_stride, r->lane_stride, some);
        char *to = totals + at * r->width;
        r->fold(to, to, x, NULL, (some + ELEMENTWISE_STEP - 1) & -ELEMENTWISE_STEP, 0, to);
    }
}

/* Rows [begin, end) from the offset of the first column on. */
static void fold_rows(const reduction *r, char *totals, int64_t base, int64_t begin, int64_t end, int64_t count,
                      const char *centres) {
    axis_walk walk = walk_from(&r->inner, begin);
    for (int64_t i = begin; i < end; i++) {
        int64_t row = walk.offset;
        walk_on(&walk);
        fold_columns(r, totals, base + row, i + 1 < end ? walk.offset - row : 0, count, centres);
    }
}

/* The same of rows that follow each other in memory: some side by side, then all into the first. */
static void fold_short_rows(const reduction *r, char *totals, int64_t base, int64_t begin, int64_t end,
                            const char *centres) {
    int64_t wide = r->beside * r->lanes;
    char repeated[(BESIDE + FOLD_ROOM) * 8];
    for (int64_t i = 0; centres && i < r->beside; i++)
        memcpy(repeated + i * r->lanes * r->width, centres, (size_t)(r->lanes * r->width));
    for (int64_t i = begin; i < end; i += r->beside) {
        int64_t rows = end - i < r->beside ? end - i : r->beside;
        fold_columns(r, totals, base + i * r->lanes, wide, rows * r->lanes, centres ? repeated : NULL);
    }
    for (int64_t half = wide / 2; half >= r->lanes; half /= 2)
        r->fold(totals, totals, totals + half * r->width, NULL, (half + ELEMENTWISE_STEP - 1) & -ELEMENTWISE_STEP, 0,
                totals);
}

static void reduce_column_chunk(const reduction *r, int64_t column_block, int64_t chunk) {
    char totals[FOLD_BLOCK * COLUMNS * 8 + FOLD_ROOM * 8];
    int64_t wide = FOLD_BLOCK * COLUMNS, blocks = (r->lanes + wide - 1) / wide, at = column_block % blocks * wide,
            outer = column_block / blocks, output = outer * r->lanes + at;
    int64_t count = r->lanes - at < wide ? r->lanes - at : wide,
            base = offset_in(&r->outputs, outer) + at * r->lane_stride;
    int64_t begin = chunk * CHUNK_PIECES, end = begin + CHUNK_PIECES < r->pieces ? begin + CHUNK_PIECES : r->pieces;
    const char *centres = r->centres ? r->centres + output * r->width : NULL;
    for (int64_t b = 0; b < count * r->beside; b += FOLD_BLOCK)
        memcpy(totals + b * r->width, r->identity.bytes, FOLD_BLOCK * (size_t)r->width);
    if (r->beside > 1)
        fold_short_rows(r, totals, base, begin, end, centres);
    else
        fold_rows(r, totals, base, begin, end, count, centres);
    memcpy(r->partials + (chunk * r->output_count + output) * r->width, totals, (size_t)(count * r->width));
}

static void column_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const reduction *r = context;
    for (int64_t i = begin; i < end; i++) reduce_column_chunk(r, i / r->chunks, i % r->chunks);
}

/* ---- the chunks of each output joined in order */

static void divide_all(const reduction *r, register_block *totals, int64_t count) {
    register_block divisor, one = {0};
    compute_type type = compute_type_of(r->to);
    for (int i = 0; i < ELEMENTWISE_STEP; i++) memcpy(one.bytes + i * 8, &r->count, sizeof r->count);
    r->kernels->converts[TYPE_F64][type == TYPE_F64 ? TARN_FLOAT64 : TARN_FLOAT32](divisor.bytes, one.bytes,
                                                                                   ELEMENTWISE_STEP);
    for (int64_t i = 0; i < count; i += ELEMENTWISE_STEP) {
        char *to = totals->bytes + i * r->width;
        r->kernels->ops[(elementwise_pass)type][OP_divide](to, to, divisor.bytes, NULL, ELEMENTWISE_STEP, 0, to);
    }
}

static void join_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const reduction *r = context;
    for (int64_t at = begin; at < end; at += FOLD_BLOCK) {
        register_block total = {0}, piece = r->identity;
        int64_t count = end - at < FOLD_BLOCK ? end - at : FOLD_BLOCK,
                rounded = (count + ELEMENTWISE_STEP - 1) & -ELEMENTWISE_STEP;
        memcpy(total.bytes, r->partials + at * r->width, (size_t)(count * r->width));
        for (int64_t chunk = 1; chunk < r->chunks; chunk++) {
            memcpy(piece.bytes, r->partials + (chunk * r->output_count + at) * r->width, (size_t)(count * r->width));
            r->fold(total.bytes, total.bytes, piece.bytes, NULL, rounded, 0, total.bytes);
        }
        if (r->mean) divide_all(r, &total, rounded);
        r->kernels->stores[r->to](r->out + at * dtype_bytes(r->to), total.bytes, count);
    }
}

/* ---- the reduction of a call */

static tarn_ints axes_of(const call *c) {
    return c->op == OP_mean  ? ((const attributes_mean *)c->attributes)->axes
           : c->op == OP_var ? ((const attributes_var *)c->attributes)->axes
                             : ((const attributes_reduce *)c->attributes)->axes;
}

static void mark_reduced(const call *c, bool *reduced) {
    tarn_ints axes = axes_of(c);
    const operand *x = &c->inputs[0];
    for (int i = 0; i < x->ndim; i++) reduced[i] = !axes.values;
    for (int64_t i = 0; axes.values && i < axes.count; i++) reduced[axis_normal(axes.values[i], x->ndim)] = true;
}

/* The axis along which elements lie closest together, among the reduced or the kept ones; -1 if there is none. */
static int closest_axis(const operand *x, const bool *reduced, bool wanted) {
    int best = -1;
    for (int i = 0; i < x->ndim; i++)
        if (reduced[i] == wanted && x->shape[i] != 1 && (best < 0 || llabs(x->strides[i]) <= llabs(x->strides[best])))
            best = i;
    return best;
}

/* A kept axis may only give lanes if it is the last kept one: outputs are stored in runs. */
static int lane_axis(const operand *x, const bool *reduced) {
    int row = closest_axis(x, reduced, true), column = -1;
    for (int i = 0; i < x->ndim; i++)
        if (!reduced[i] && x->shape[i] != 1) column = i;
    if (column < 0 || row < 0) return row >= 0 ? row : column;
    bool inner = llabs(x->strides[row]) < llabs(x->strides[column]);
    return inner && (x->shape[row] >= LEAST_ROW || x->shape[column] < ELEMENTWISE_STEP) ? row : column;
}

static void plan_axes(reduction *r, const call *c) {
    const operand *x = &c->inputs[0];
    bool reduced[TARN_MAX_NDIM];
    mark_reduced(c, reduced);
    int lane = lane_axis(x, reduced);
    r->outputs.size = r->inner.size = 1;
    for (int i = 0; i < x->ndim; i++)
        if (i != lane && x->shape[i] != 1) add_axis(reduced[i] ? &r->inner : &r->outputs, x->shape[i], x->strides[i]);
    r->by_row = lane >= 0 && reduced[lane];
    r->lanes = lane >= 0 ? x->shape[lane] : 1;
    r->lane_stride = lane >= 0 ? x->strides[lane] : 0;
    r->output_count = operand_size(&c->outputs[0]);
    r->pieces = r->inner.size * (r->by_row ? (r->lanes + FOLD_BLOCK - 1) / FOLD_BLOCK : 1);
    r->beside = 1;
    r->chunks = r->pieces > CHUNK_PIECES ? (r->pieces + CHUNK_PIECES - 1) / CHUNK_PIECES : 1;
}

/* Short rows that follow each other in memory fold side by side. */
static void plan_short_rows(reduction *r) {
    if (r->by_row || !r->loops || r->inner.ndim != 1 || r->inner.strides[0] != r->lanes) return;
    while (2 * r->beside * r->lanes <= BESIDE) r->beside *= 2;
}

static void fold_all(reduction *r, int64_t size) {
    int64_t columns = r->by_row ? r->output_count
                                : r->outputs.size * ((r->lanes + FOLD_BLOCK * COLUMNS - 1) / (FOLD_BLOCK * COLUMNS));
    int64_t unit = size / (columns * r->chunks);
    parallel_for(columns * r->chunks, GRAIN / (unit + 1) + 1, r->by_row ? row_part : column_part, r);
    parallel_for(r->output_count, GRAIN / r->chunks / FOLD_BLOCK * FOLD_BLOCK + FOLD_BLOCK, join_part, r);
}

static reduction reduction_of(const call *c, const elementwise_kernels *kernels, const fold_kernels *folds) {
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    reduction r = {.kernels = kernels,
                   .folds = folds,
                   .data = x->data,
                   .from = x->dtype,
                   .to = out->dtype,
                   .kind = c->op == OP_reduce ? ((const attributes_reduce *)c->attributes)->kind : REDUCE_SUM,
                   .mean = c->op != OP_reduce,
                   .partials = c->workspace,
                   .out = out->data};
    plan_axes(&r, c);
    if (r.output_count > 0) r.count = (double)operand_size(x) / (double)r.output_count;
    return r;
}

static bool run_reduce(const call *c, const elementwise_kernels *kernels, const fold_kernels *folds) {
    reduction r = reduction_of(c, kernels, folds);
    if (r.output_count == 0) return true;
    choose_loops(&r);
    plan_short_rows(&r);
    fold_all(&r, operand_size(&c->inputs[0]));
    return true;
}

/* ---- var over columns: their means, then the squares of the distances from them */

static int64_t partial_bytes(const reduction *r) {
    return r->output_count * r->chunks * 8 + 64;
}

static bool run_var(const call *c, const elementwise_kernels *kernels, const fold_kernels *folds) {
    reduction r = reduction_of(c, kernels, folds);
    int64_t ddof = ((const attributes_var *)c->attributes)->ddof;
    char *means = (char *)c->workspace + partial_bytes(&r);
    if (r.to != TARN_FLOAT64) r.to = TARN_FLOAT32;
    r.out = means;
    choose_loops(&r);
    plan_short_rows(&r);
    fold_all(&r, operand_size(&c->inputs[0]));
    r.to = c->outputs[0].dtype;
    r.out = c->outputs[0].data;
    r.centres = means;
    r.count = r.count > (double)ddof ? r.count - (double)ddof : 0;
    fold_all(&r, operand_size(&c->inputs[0]));
    return true;
}

static int64_t reduce_workspace(const call *c) {
    reduction r = {0};
    plan_axes(&r, c);
    return partial_bytes(&r);
}

static int64_t var_workspace(const call *c) {
    reduction r = {0};
    plan_axes(&r, c);
    return partial_bytes(&r) + r.output_count * 8 + 64;
}

static bool supports_reduce(const call *c) {
    reduce_kind kind = ((const attributes_reduce *)c->attributes)->kind;
    return c->inputs[0].dtype != TARN_COMPLEX64 || kind == REDUCE_SUM || kind == REDUCE_ALL || kind == REDUCE_ANY;
}

/* ---- rows */

/* A mean of integers would have to be one of floats before it is summed. */
static bool supports_mean(const call *c) {
    return dtype_kind_of(c->inputs[0].dtype) == KIND_FLOAT;
}

/* By the shape alone, of dense x: elements side by side are kept. Var of rows is a kernel of norm.c. */
static bool supports_var(const call *c) {
    operand x = c->inputs[0];
    int64_t strides[TARN_MAX_NDIM];
    if (dtype_kind_of(x.dtype) != KIND_FLOAT || operand_size(&x) == 0) return false;
    dense_strides(x.ndim, x.shape, strides);
    x.strides = strides;
    call dense = *c;
    dense.inputs = &x;
    reduction r = {0};
    plan_axes(&r, &dense);
    return !r.by_row && r.lane_stride == 1 && r.inner.ndim > 0;
}

#define REDUCE_ROW(op_, isa, layout_, ...)                                                                             \
    {                                                                                                                  \
        .op = OP_##op_, .name = #op_ "_" #isa, .dtypes = DTYPES_ALL, .layout = layout_, .supports = supports_##op_,    \
        .workspace = __VA_ARGS__                                                                                       \
    }
#define REDUCE_ROWS(isa, isa_id)                                                                                       \
    static bool reduce_##isa(const call *c) {                                                                          \
        return run_reduce(c, &elementwise_kernels_##isa, &fold_kernels_##isa);                                         \
    }                                                                                                                  \
    static bool arg_reduce_##isa(const call *c) {                                                                      \
        return run_arg_reduce(c, &elementwise_kernels_##isa, &fold_kernels_##isa);                                     \
    }                                                                                                                  \
    static bool var_##isa(const call *c) {                                                                             \
        return run_var(c, &elementwise_kernels_##isa, &fold_kernels_##isa);                                            \
    }                                                                                                                  \
    static const kernel_row rows_##isa[] = {                                                                           \
        REDUCE_ROW(var, isa, LAYOUT_DENSE, var_workspace, .run = var_##isa),                                           \
        REDUCE_ROW(reduce, isa, LAYOUT_ANY, reduce_workspace, .run = reduce_##isa),                                    \
        REDUCE_ROW(mean, isa, LAYOUT_ANY, reduce_workspace, .run = reduce_##isa),                                      \
        REDUCE_ROW(arg_reduce, isa, LAYOUT_ANY, arg_reduce_workspace, .run = arg_reduce_##isa)};
CPU_EACH_ISA(REDUCE_ROWS)
CPU_FAMILY(reduce)
