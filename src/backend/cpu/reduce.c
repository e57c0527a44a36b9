/* reduce and arg_reduce, made of the loops of elementwise.tpl.h: many sums are kept side by side and folded into one at
   the end, which is fast and loses fewer digits than one running sum. Half types fold in float32.

   An axis gives the lanes: a reduced one (each output folds BLOCK partial results) or a kept one (BLOCK outputs fold
   side by side). What is reduced is cut into chunks that depend on the shape alone; their results are joined in order,
   whatever the number of threads. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/elementwise/elementwise.h"

enum {
    BLOCK = 256,
    COLUMNS = 16,       /* blocks of kept elements that fold together */
    LEAST_ROW = 32,     /* a reduced axis shorter than this gives no lanes if a kept one can */
    CHUNK_PIECES = 512, /* pieces of a row, or rows, that make a chunk */
    GRAIN = 1 << 15     /* elements worth a thread */
};

typedef union {
    int64_t align;
    char bytes[BLOCK * 8];
} register_block;

/* Some axes of the input, numbered in row-major order. */
typedef struct {
    int ndim;
    int64_t size, shape[TARN_MAX_NDIM], strides[TARN_MAX_NDIM];
} axis_list;

typedef struct {
    const elementwise_kernels *kernels;
    const char *data;
    tarn_dtype from, to;
    reduce_kind kind;
    int width;   /* bytes of a folded value */
    bool direct; /* the array's elements are such values */
    elementwise_load load;
    elementwise_convert truth; /* of all and any */
    elementwise_loop fold;
    register_block identity;  /* BLOCK times */
    axis_list outputs, inner; /* kept axes; reduced axes; the lanes' axis in neither */
    bool by_row;              /* lanes are a reduced axis */
    int64_t lanes, lane_stride, pieces, chunks, output_count;
    char *partials; /* [chunk][output], 64 bytes of room behind them */
    char *out;
} reduction;

static void add_axis(axis_list *list, int64_t size, int64_t stride) {
    if (list->ndim == 0) list->size = 1;
    list->size *= size;
    list->shape[list->ndim] = size;
    list->strides[list->ndim++] = stride;
}

static int64_t offset_in(const axis_list *list, int64_t index) {
    int64_t offset = 0;
    for (int i = list->ndim - 1; i >= 0; i--) {
        offset += index % list->shape[i] * list->strides[i];
        index /= list->shape[i];
    }
    return offset;
}

/* ---- what is folded, and how */

static op_id fold_op(reduce_kind kind) {
    static const op_id ops[] = {[REDUCE_SUM] = OP_add,
                                [REDUCE_PROD] = OP_multiply,
                                [REDUCE_MAX] = OP_maximum,
                                [REDUCE_MIN] = OP_minimum,
                                [REDUCE_ALL] = OP_minimum,
                                [REDUCE_ANY] = OP_maximum,
                                [REDUCE_LOGADDEXP] = OP_logaddexp};
    return ops[kind];
}

/* What folding nothing gives: 0, 1, or the end of the dtype's range. */
static void fill_identity(reduction *r) {
    double number = r->kind == REDUCE_PROD || r->kind == REDUCE_ALL ? 1 : 0;
    if (r->kind == REDUCE_MAX || r->kind == REDUCE_LOGADDEXP) number = -INFINITY;
    if (r->kind == REDUCE_MIN) number = INFINITY;
    register_block one = {0};
    for (int i = 0; i < ELEMENTWISE_STEP; i++) memcpy(one.bytes + i * 8, &number, sizeof number);
    r->kernels->converts[TYPE_F64][r->to](r->identity.bytes, one.bytes, ELEMENTWISE_STEP);
    if (r->to == TARN_BOOL && r->kind == REDUCE_MAX) memset(r->identity.bytes, 0, sizeof r->identity.bytes);
    for (int i = 1; i < BLOCK; i++) memcpy(r->identity.bytes + i * r->width, r->identity.bytes, (size_t)r->width);
}

static void choose_loops(reduction *r) {
    bool truth = r->kind == REDUCE_ALL || r->kind == REDUCE_ANY;
    compute_type type = compute_type_of(r->to);
    r->width = compute_type_bytes(type);
    r->direct = !truth && dtype_bytes(r->from) == r->width && compute_type_of(r->from) == type;
    r->load = r->kernels->loads[r->from];
    r->truth = truth ? r->kernels->converts[compute_type_of(r->from)][TARN_BOOL] : NULL;
    r->fold = r->kernels->ops[truth || r->to == TARN_BOOL ? PASS_I32 : (elementwise_pass)type][fold_op(r->kind)];
    fill_identity(r);
}

/* Elements as values to fold: `count` of them, `stride` apart. They are where they lie, if that will do, else in
   `piece`, whose last step is filled up with the identity. */
static const char *load_piece(const reduction *r, register_block *piece, int64_t offset, int64_t stride,
                              int64_t count) {
    register_block raw;
    const char *from = r->data + offset * dtype_bytes(r->from);
    int64_t rounded = (count + ELEMENTWISE_STEP - 1) & -ELEMENTWISE_STEP;
    if (stride == 1 && count == rounded && r->direct) return from;
    if (r->truth) {
        r->load(raw.bytes, from, stride, count);
        r->truth(piece->bytes, raw.bytes, rounded);
    } else {
        r->load(piece->bytes, from, stride, count);
    }
    memcpy(piece->bytes + count * r->width, r->identity.bytes, (size_t)((rounded - count) * r->width));
    return piece->bytes;
}

/* ---- lanes along a reduced axis */

/* Folds BLOCK values into the first, halves at a time. The last steps read beyond the half they need, into values no
 * longer wanted. */
static void fold_block(const reduction *r, register_block *total, int64_t count) {
    register_block other;
    for (int64_t half = count / 2; half > 0; half /= 2) {
        int64_t step = half < ELEMENTWISE_STEP ? ELEMENTWISE_STEP : half;
        memcpy(other.bytes, r->identity.bytes, (size_t)(step * r->width));
        memcpy(other.bytes, total->bytes + half * r->width, (size_t)(half * r->width));
        r->fold(total->bytes, total->bytes, other.bytes, NULL, step);
    }
}

static int64_t row_block(int64_t lanes) {
    int64_t block = ELEMENTWISE_STEP;
    while (block < BLOCK && block < lanes) block *= 2;
    return block;
}

static void reduce_row_chunk(const reduction *r, int64_t output, int64_t chunk) {
    register_block total = r->identity, piece;
    int64_t block = row_block(r->lanes), in_row = (r->lanes + BLOCK - 1) / BLOCK, base = offset_in(&r->outputs, output);
    int64_t begin = chunk * CHUNK_PIECES, end = begin + CHUNK_PIECES < r->pieces ? begin + CHUNK_PIECES : r->pieces;
    for (int64_t i = begin; i < end; i++) {
        int64_t at = i % in_row * BLOCK, count = r->lanes - at < BLOCK ? r->lanes - at : BLOCK;
        const char *x =
            load_piece(r, &piece, base + offset_in(&r->inner, i / in_row) + at * r->lane_stride, r->lane_stride, count);
        r->fold(total.bytes, total.bytes, x, NULL, (count + ELEMENTWISE_STEP - 1) & -ELEMENTWISE_STEP);
    }
    fold_block(r, &total, block);
    memcpy(r->partials + (chunk * r->output_count + output) * r->width, total.bytes, (size_t)r->width);
}

static void row_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const reduction *r = context;
    for (int64_t i = begin; i < end; i++) reduce_row_chunk(r, i / r->chunks, i % r->chunks);
}

/* ---- lanes along a kept axis */

/* COLUMNS blocks at a time: longer stretches of each row are kinder to the memory. */
static void reduce_column_chunk(const reduction *r, int64_t column_block, int64_t chunk) {
    register_block totals[COLUMNS], piece;
    int64_t wide = BLOCK * COLUMNS, blocks = (r->lanes + wide - 1) / wide, at = column_block % blocks * wide,
            outer = column_block / blocks;
    int64_t count = r->lanes - at < wide ? r->lanes - at : wide,
            base = offset_in(&r->outputs, outer) + at * r->lane_stride;
    int64_t begin = chunk * CHUNK_PIECES, end = begin + CHUNK_PIECES < r->pieces ? begin + CHUNK_PIECES : r->pieces;
    for (int64_t b = 0; b * BLOCK < count; b++) totals[b] = r->identity;
    for (int64_t i = begin; i < end; i++) {
        int64_t row = base + offset_in(&r->inner, i);
        for (int64_t b = 0; b * BLOCK < count; b++) {
            int64_t some = count - b * BLOCK < BLOCK ? count - b * BLOCK : BLOCK;
            const char *x = load_piece(r, &piece, row + b * BLOCK * r->lane_stride, r->lane_stride, some);
            r->fold(totals[b].bytes, totals[b].bytes, x, NULL, (some + ELEMENTWISE_STEP - 1) & -ELEMENTWISE_STEP);
        }
    }
    char *to = r->partials + (chunk * r->output_count + outer * r->lanes + at) * r->width;
    for (int64_t b = 0; b * BLOCK < count; b++) {
        int64_t some = count - b * BLOCK < BLOCK ? count - b * BLOCK : BLOCK;
        memcpy(to + b * BLOCK * r->width, totals[b].bytes, (size_t)(some * r->width));
    }
}

static void column_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const reduction *r = context;
    for (int64_t i = begin; i < end; i++) reduce_column_chunk(r, i / r->chunks, i % r->chunks);
}

/* ---- the chunks of each output joined in order */

static void join_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const reduction *r = context;
    for (int64_t at = begin; at < end; at += BLOCK) {
        register_block total = {0}, piece = r->identity;
        int64_t count = end - at < BLOCK ? end - at : BLOCK,
                rounded = (count + ELEMENTWISE_STEP - 1) & -ELEMENTWISE_STEP;
        memcpy(total.bytes, r->partials + at * r->width, (size_t)(count * r->width));
        for (int64_t chunk = 1; chunk < r->chunks; chunk++) {
            memcpy(piece.bytes, r->partials + (chunk * r->output_count + at) * r->width, (size_t)(count * r->width));
            r->fold(total.bytes, total.bytes, piece.bytes, NULL, rounded);
        }
        r->kernels->stores[r->to](r->out + at * dtype_bytes(r->to), total.bytes, count);
    }
}

/* ---- the reduction of a call */

static void mark_reduced(const call *c, bool *reduced) {
    tarn_ints axes = ((const attributes_reduce *)c->attributes)->axes;
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
    r->pieces = r->inner.size * (r->by_row ? (r->lanes + BLOCK - 1) / BLOCK : 1);
    r->chunks = r->pieces > CHUNK_PIECES ? (r->pieces + CHUNK_PIECES - 1) / CHUNK_PIECES : 1;
}

static bool run_reduce(const call *c, const elementwise_kernels *kernels) {
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    reduction r = {.kernels = kernels,
                   .data = x->data,
                   .from = x->dtype,
                   .to = out->dtype,
                   .kind = ((const attributes_reduce *)c->attributes)->kind,
                   .partials = c->workspace,
                   .out = out->data};
    plan_axes(&r, c);
    if (r.output_count == 0) return true;
    choose_loops(&r);
    int64_t columns =
        r.by_row ? r.output_count : r.outputs.size * ((r.lanes + BLOCK * COLUMNS - 1) / (BLOCK * COLUMNS));
    int64_t unit = operand_size(x) / (columns * r.chunks);
    parallel_for(columns * r.chunks, GRAIN / (unit + 1) + 1, r.by_row ? row_part : column_part, &r);
    parallel_for(r.output_count, GRAIN / r.chunks / BLOCK * BLOCK + BLOCK, join_part, &r);
    return true;
}

static int64_t reduce_workspace(const call *c) {
    reduction r = {0};
    plan_axes(&r, c);
    return r.output_count * r.chunks * 8 + 64;
}

/* ---- arg_reduce: the extreme value first, then where it is */

typedef struct {
    reduction values;
    axis_list lines;
    bool least;
    uint32_t *out;
} arg_reduction;

/* The first of `count` values that equals `wanted` (any NaN, if that is one), or -1. The loop without a branch runs
 * over vectors. */
#define FIND(type)                                                                                                     \
    static int64_t find_##type(const char *from, const char *wanted, int64_t count) {                                  \
        const type *x = (const type *)(const void *)from;                                                              \
        type w;                                                                                                        \
        memcpy(&w, wanted, sizeof w);                                                                                  \
        int found = 0;                                                                                                 \
        for (int64_t i = 0; i < count; i++) found |= (x[i] == w) | ((x[i] != x[i]) & (w != w));                        \
        for (int64_t i = 0; found && i < count; i++)                                                                   \
            if (x[i] == w || (x[i] != x[i] && w != w)) return i;                                                       \
        return -1;                                                                                                     \
    }
FIND(float)
FIND(double)
FIND(uint32_t)
FIND(uint64_t)

static int64_t find_value(compute_type type, const char *from, const char *wanted, int64_t count) {
    if (type == TYPE_F32) return find_float(from, wanted, count);
    if (type == TYPE_F64) return find_double(from, wanted, count);
    return compute_type_bytes(type) == 4 ? find_uint32_t(from, wanted, count) : find_uint64_t(from, wanted, count);
}

static uint32_t find_extreme(const arg_reduction *a, int64_t line) {
    const reduction *r = &a->values;
    int64_t base = offset_in(&a->lines, line), block = row_block(r->lanes);
    register_block total = r->identity, piece;
    for (int64_t at = 0; at < r->lanes; at += BLOCK) {
        int64_t count = r->lanes - at < BLOCK ? r->lanes - at : BLOCK;
        const char *x = load_piece(r, &piece, base + at * r->lane_stride, r->lane_stride, count);
        r->fold(total.bytes, total.bytes, x, NULL, (count + ELEMENTWISE_STEP - 1) & -ELEMENTWISE_STEP);
    }
    fold_block(r, &total, block);
    for (int64_t at = 0; at < r->lanes; at += BLOCK) {
        int64_t count = r->lanes - at < BLOCK ? r->lanes - at : BLOCK;
        const char *x = load_piece(r, &piece, base + at * r->lane_stride, r->lane_stride, count);
        int64_t found = find_value(compute_type_of(r->to), x, total.bytes, count);
        if (found >= 0) return (uint32_t)(at + found);
    }
    return 0;
}

static void arg_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const arg_reduction *a = context;
    for (int64_t i = begin; i < end; i++) a->out[i] = find_extreme(a, i);
}

static bool run_arg_reduce(const call *c, const elementwise_kernels *kernels) {
    const attributes_arg_reduce *attributes = c->attributes;
    const operand *x = &c->inputs[0];
    int axis = axis_normal(attributes->axis, x->ndim);
    arg_reduction a = {.values = {.kernels = kernels, .data = x->data, .from = x->dtype, .to = x->dtype},
                       .out = c->outputs[0].data};
    a.values.kind = attributes->least ? REDUCE_MIN : REDUCE_MAX;
    a.values.lanes = x->shape[axis];
    a.values.lane_stride = x->strides[axis];
    a.lines.size = 1;
    for (int i = 0; i < x->ndim; i++)
        if (i != axis) add_axis(&a.lines, x->shape[i], x->strides[i]);
    choose_loops(&a.values);
    parallel_for(operand_size(&c->outputs[0]), GRAIN / (a.values.lanes + 1) + 1, arg_part, &a);
    return true;
}

static bool supports_arg_reduce(const call *c) {
    const operand *x = &c->inputs[0];
    int64_t n = x->shape[axis_normal(((const attributes_arg_reduce *)c->attributes)->axis, x->ndim)];
    return x->dtype != TARN_COMPLEX64 && n > 0 && n <= UINT32_MAX;
}

static bool supports_reduce(const call *c) {
    reduce_kind kind = ((const attributes_reduce *)c->attributes)->kind;
    return c->inputs[0].dtype != TARN_COMPLEX64 || kind == REDUCE_SUM || kind == REDUCE_ALL || kind == REDUCE_ANY;
}

/* ---- rows */

#define REDUCE_ROWS(isa, isa_id)                                                                                       \
    static bool reduce_##isa(const call *c) {                                                                          \
        return run_reduce(c, &elementwise_kernels_##isa);                                                              \
    }                                                                                                                  \
    static bool arg_reduce_##isa(const call *c) {                                                                      \
        return run_arg_reduce(c, &elementwise_kernels_##isa);                                                          \
    }                                                                                                                  \
    static const kernel_row rows_##isa[] = {{.op = OP_reduce,                                                          \
                                             .name = "reduce_" #isa,                                                   \
                                             .dtypes = DTYPES_ALL,                                                     \
                                             .layout = LAYOUT_ANY,                                                     \
                                             .supports = supports_reduce,                                              \
                                             .workspace = reduce_workspace,                                            \
                                             .run = reduce_##isa},                                                     \
                                            {.op = OP_arg_reduce,                                                      \
                                             .name = "arg_reduce_" #isa,                                               \
                                             .dtypes = DTYPES_ALL,                                                     \
                                             .layout = LAYOUT_ANY,                                                     \
                                             .supports = supports_arg_reduce,                                          \
                                             .run = arg_reduce_##isa}};
CPU_EACH_ISA(REDUCE_ROWS)

int cpu_rows_reduce(op_id op, cpu_isa isa, const kernel_row *out[CPU_FAMILY_ROWS]) {
#define TABLE(isa, isa_id) [isa_id] = rows_##isa,
    static const kernel_row *const rows[ISA_COUNT] = {CPU_EACH_ISA(TABLE)};
#undef TABLE
    return cpu_pick_rows(op, rows[isa], 2, out, 0);
}
