/* Of a line the block whose extreme value is best, then where in it that is; long lines in chunks that threads share.
   Along an axis behind which elements lie side by side, places go along with the values of many columns. */
#include "cpu/reduce/arg_reduce.h"

#include <string.h>

#include "base/threads.h"
#include "cpu/reduce/reduction.h"

enum { GRAIN = 1 << 15, CHUNK = 1 << 17, COLUMNS = 1024, LEAST_COLUMNS = 16 };

/* Of a chunk of a line: a value, and where in the line it is. */
typedef struct {
    char value[8];
    int64_t place;
} arg_extreme;

typedef struct {
    reduction values;
    axis_list lines;
    int64_t chunks;
    arg_extreme *extremes;   /* [line][chunk] */
    int64_t columns, blocks; /* of elements side by side behind the axis; 0: lines are walked one by one */
    uint32_t *out;
} arg_reduction;

/* ---- lines */

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

static int64_t chunk_size(const reduction *r, int64_t chunk) {
    return r->lanes - chunk * CHUNK < CHUNK ? r->lanes - chunk * CHUNK : CHUNK;
}

static int64_t chunk_offset(const arg_reduction *a, int64_t line, int64_t chunk) {
    return offset_in(&a->lines, line) + chunk * CHUNK * a->values.lane_stride;
}

/* Of elements that have no loops, a piece at a time. */
static int64_t place_in_pieces(const arg_reduction *a, int64_t base, int64_t size, const char *extreme) {
    const reduction *r = &a->values;
    register_block piece;
    for (int64_t at = 0; at < size; at += FOLD_BLOCK) {
        int64_t count = size - at < FOLD_BLOCK ? size - at : FOLD_BLOCK;
        const char *x = load_piece(r, &piece, base + at * r->lane_stride, r->lane_stride, count);
        int64_t found = find_value(compute_type_of(r->to), x, extreme, count);
        if (found >= 0) return at + found;
    }
    return 0;
}

static arg_extreme extreme_of(const arg_reduction *a, int64_t line, int64_t chunk) {
    const reduction *r = &a->values;
    arg_extreme extreme = {.place = chunk * CHUNK};
    int64_t base = chunk_offset(a, line, chunk), size = chunk_size(r, chunk);
    if (r->loops) {
        extreme.place += r->loops->place(extreme.value, r->data + base * dtype_bytes(r->from), size);
        return extreme;
    }
    register_block total = r->identity;
    fold_lanes(r, &total, base, size);
    fold_block(r, &total);
    memcpy(extreme.value, total.bytes, sizeof extreme.value);
    extreme.place += place_in_pieces(a, base, size, extreme.value);
    return extreme;
}

static void line_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const arg_reduction *a = context;
    for (int64_t line = begin; line < end; line++) a->out[line] = (uint32_t)extreme_of(a, line, 0).place;
}

static void chunk_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const arg_reduction *a = context;
    for (int64_t i = begin; i < end; i++) a->extremes[i] = extreme_of(a, i / a->chunks, i % a->chunks);
}

/* Of the first chunk whose extreme is that of all. */
static uint32_t place_in_chunks(const arg_reduction *a, int64_t line) {
    const reduction *r = &a->values;
    const arg_extreme *extremes = a->extremes + line * a->chunks;
    register_block total = r->identity;
    for (int64_t i = 0; i < a->chunks; i++) {
        register_block piece = r->identity;
        memcpy(piece.bytes, extremes[i].value, (size_t)r->width);
        r->fold(total.bytes, total.bytes, piece.bytes, NULL, ELEMENTWISE_STEP, 0, total.bytes);
    }
    for (int64_t i = 0; i < a->chunks; i++)
        if (find_value(compute_type_of(r->to), extremes[i].value, total.bytes, 1) == 0)
            return (uint32_t)extremes[i].place;
    return 0;
}

/* ---- columns */

static void store_places(uint32_t *out, const char *places, int width, int64_t count) {
    for (int64_t i = 0; i < count; i++) memcpy(&out[i], places + i * width, sizeof *out); /* their lower halves */
}

static void column_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const arg_reduction *a = context;
    const reduction *r = &a->values;
    char best[(COLUMNS + FOLD_ROOM) * 8], places[(COLUMNS + FOLD_ROOM) * 8];
    for (int64_t i = begin; i < end; i++) {
        int64_t at = i % a->blocks * COLUMNS, line = i / a->blocks * a->columns + at;
        int64_t count = a->columns - at < COLUMNS ? a->columns - at : COLUMNS;
        const char *from = r->data + offset_in(&a->lines, line) * dtype_bytes(r->from);
        for (int64_t k = 0; k < count; k += FOLD_BLOCK)
            memcpy(best + k * r->width, r->identity.bytes, (size_t)(FOLD_BLOCK * r->width));
        memset(places, 0, sizeof places);
        for (int64_t row = 0; row < r->lanes; row++, from += r->lane_stride * dtype_bytes(r->from))
            r->loops->places(best, places, from, count, r->lane_stride, row);
        store_places(a->out + line, places, r->width, count);
    }
}

/* How many elements lie side by side behind the axis; 0: too few, or they have no loops. */
static int64_t columns_of(const arg_reduction *a, const operand *x, int axis) {
    int64_t columns = 1;
    for (int i = x->ndim - 1; i > axis && x->strides[i] == columns; i--) columns *= x->shape[i];
    const fold_loops *loops = a->values.folds->loops[a->values.kind][x->dtype];
    return columns >= LEAST_COLUMNS && loops && x->shape[axis] <= INT32_MAX ? columns : 0;
}

/* ---- the op */

static int axis_of(const call *c) {
    return axis_normal(((const attributes_arg_reduce *)c->attributes)->axis, c->inputs[0].ndim);
}

static int64_t chunks_of(const call *c) {
    return (c->inputs[0].shape[axis_of(c)] + CHUNK - 1) / CHUNK;
}

int64_t arg_reduce_workspace(const call *c) {
    return chunks_of(c) > 1 ? operand_size(&c->outputs[0]) * chunks_of(c) * (int64_t)sizeof(arg_extreme) : 0;
}

static void run_lines(arg_reduction *a, int64_t lines) {
    if (a->chunks == 1) {
        parallel_for(lines, GRAIN / (a->values.lanes + 1) + 1, line_part, a);
        return;
    }
    parallel_for(lines * a->chunks, 1, chunk_part, a);
    for (int64_t line = 0; line < lines; line++) a->out[line] = place_in_chunks(a, line);
}

bool run_arg_reduce(const call *c, const elementwise_kernels *kernels, const fold_kernels *folds) {
    const operand *x = &c->inputs[0];
    int axis = axis_of(c);
    arg_reduction a = {
        .values = {.kernels = kernels, .folds = folds, .data = x->data, .from = x->dtype, .to = x->dtype},
        .chunks = chunks_of(c),
        .extremes = c->workspace,
        .out = c->outputs[0].data};
    a.values.kind = ((const attributes_arg_reduce *)c->attributes)->least ? REDUCE_MIN : REDUCE_MAX;
    a.values.lanes = x->shape[axis];
    a.values.lane_stride = x->strides[axis];
    a.lines.size = 1;
    for (int i = 0; i < x->ndim; i++)
        if (i != axis) add_axis(&a.lines, x->shape[i], x->strides[i]);
    choose_loops(&a.values);
    a.columns = columns_of(&a, x, axis);
    a.blocks = (a.columns + COLUMNS - 1) / COLUMNS;
    int64_t lines = operand_size(&c->outputs[0]);
    if (a.columns == 0) {
        run_lines(&a, lines);
        return true;
    }
    a.values.loops = folds->loops[a.values.kind][x->dtype];
    parallel_for(lines / a.columns * a.blocks, GRAIN / (a.values.lanes * COLUMNS) + 1, column_part, &a);
    return true;
}

bool supports_arg_reduce(const call *c) {
    const operand *x = &c->inputs[0];
    int64_t n = x->shape[axis_of(c)];
    return x->dtype != TARN_COMPLEX64 && n > 0 && n <= UINT32_MAX;
}
