/* sort and argsort, a line along the axis at a time: numbers become unsigned keys, the keys are put in order, and
   become numbers again (sort) or give the places from which they came (argsort).

   Keys alone forget which zero and which NaN they were: those are written again from the line, in the order they have
   there, so that sorting is stable to the bit. With places, keys of 32 bits are the upper half of a key of 64, and
   longer ones have them beside them: in either case no two are equal. */
#include <string.h>

#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/order/keys.h"
#include "cpu/order/lines.h"
#include "cpu/order/order.h"
#include "cpu/order/select.h"

enum { GRAIN = 1 << 15, COUNTED = 1 << 16, PIECE = 256 };

typedef enum { KEYS_NARROW, KEYS_COUNTED, KEYS_WIDE, KEYS_PLACED, KEYS_PAIRS } key_kind;

typedef struct {
    line_set lines;
    const order_kernels *kernels;
    const order_conversions *convert;
    key_kind kind;
} sort_job;

/* One line: elements `step` bytes apart. */
typedef struct {
    const sort_job *job;
    const char *from;
    char *to;
    int64_t step, out_step;
    void *keys;
    uint32_t *places;
} sort_line;

/* ---- keys in order */

static void order_line(const sort_line *line) {
    const order_kernels *k = line->job->kernels;
    int64_t n = line->job->lines.n;
    if (line->job->kind == KEYS_NARROW)
        order_in_parts(&k->narrow, 4, line->keys, NULL, n);
    else
        order_in_parts(line->places ? &k->pairs : &k->wide, 8, line->keys, line->places, n);
}

/* ---- to keys and back, in pieces that threads share */

static void read_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    const sort_line *line = context;
    tarn_dtype dtype = line->job->lines.call->inputs[0].dtype;
    (void)thread, (void)threads;
    uint32_t narrow[PIECE];
    uint64_t *wide = line->keys;
    if (line->job->kind != KEYS_PLACED)
        line->job->convert->keys((char *)line->keys + begin * order_key_bytes(dtype), line->from + begin * line->step,
                                 line->step, end - begin, dtype);
    for (int64_t at = begin; line->job->kind == KEYS_PLACED && at < end; at += PIECE) {
        int64_t count = end - at < PIECE ? end - at : PIECE;
        line->job->convert->keys(narrow, line->from + at * line->step, line->step, count, dtype);
        for (int64_t i = 0; i < count; i++) wide[at + i] = (uint64_t)narrow[i] << 32 | (uint64_t)(at + i);
    }
    for (int64_t i = begin; line->places && i < end; i++) line->places[i] = (uint32_t)i;
}

static void write_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    const sort_line *line = context;
    const operand *x = &line->job->lines.call->inputs[0];
    const uint64_t *wide = line->keys;
    (void)thread, (void)threads;
    if (line->job->lines.call->op == OP_argsort) {
        for (int64_t i = begin; i < end; i++) {
            uint32_t place = line->places ? line->places[i] : (uint32_t)wide[i];
            memcpy(line->to + i * line->out_step, &place, sizeof place);
        }
    } else if (line->places) { /* complex numbers */
        for (int64_t i = begin; i < end; i++)
            memcpy(line->to + i * line->out_step, line->from + line->places[i] * line->step, 8);
    } else {
        line->job->convert->elements(line->to + begin * line->out_step, line->out_step,
                                     (const char *)line->keys + begin * order_key_bytes(x->dtype), end - begin,
                                     x->dtype);
    }
}

static uint64_t key_at(const void *keys, int64_t i, int bytes) {
    uint64_t key = 0;
    memcpy(&key, (const char *)keys + i * bytes, (size_t)bytes);
    return key;
}

static uint64_t key_of(const sort_line *line, const char *element) {
    tarn_dtype dtype = line->job->lines.call->inputs[0].dtype;
    char key[8];
    line->job->convert->keys(key, element, 8, 1, dtype);
    return key_at(key, 0, order_key_bytes(dtype));
}

/* The place of the first element of the result whose key is not below this one. */
static int64_t first_with(const sort_line *line, uint64_t key) {
    int64_t low = 0, high = line->job->lines.n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (key_of(line, line->to + middle * line->out_step) < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The elements with this key get the bits and the order that they have in the line. */
static void restore(const sort_line *line, uint64_t key) {
    tarn_dtype dtype = line->job->lines.call->inputs[0].dtype;
    int64_t n = line->job->lines.n, place = first_with(line, key);
    char keys[PIECE * 8];
    bool some = place < n && key_of(line, line->to + place * line->out_step) == key;
    for (int64_t at = 0; some && at < n; at += PIECE) {
        int64_t count = n - at < PIECE ? n - at : PIECE;
        line->job->convert->keys(keys, line->from + at * line->step, line->step, count, dtype);
        for (int64_t i = 0; i < count; i++)
            if (key_at(keys, i, order_key_bytes(dtype)) == key)
                memcpy(line->to + place++ * line->out_step, line->from + (at + i) * line->step,
                       (size_t)dtype_bytes(dtype));
    }
}

static void restore_lost(const sort_line *line) {
    const char zero[8] = {0};
    restore(line, key_of(line, zero));
    restore(line, order_key_bytes(line->job->lines.call->inputs[0].dtype) == 8 ? UINT64_MAX : UINT32_MAX);
}

/* ---- many elements of 16 bits or less, by how many there are of each: no keys are kept */

static void count_keys(const sort_line *line, uint32_t *counts) {
    tarn_dtype dtype = line->job->lines.call->inputs[0].dtype;
    uint32_t keys[PIECE];
    memset(counts, 0, COUNTED * sizeof *counts);
    for (int64_t at = 0, n = line->job->lines.n; at < n; at += PIECE) {
        int64_t count = n - at < PIECE ? n - at : PIECE;
        line->job->convert->keys(keys, line->from + at * line->step, line->step, count, dtype);
        for (int64_t i = 0; i < count; i++) counts[keys[i] & (COUNTED - 1)]++;
    }
}

static void sort_by_counting(const sort_line *line) {
    const order_conversions *convert = line->job->convert;
    tarn_dtype dtype = line->job->lines.call->inputs[0].dtype;
    uint32_t *counts = line->keys, keys[PIECE];
    int64_t at = 0, filled = 0;
    count_keys(line, counts);
    for (uint32_t key = 0; key < COUNTED; key++)
        for (uint32_t i = 0; i < counts[key]; i++) {
            keys[filled++] = key;
            if (filled < PIECE) continue;
            convert->elements(line->to + at * line->out_step, line->out_step, keys, filled, dtype);
            at += filled;
            filled = 0;
        }
    convert->elements(line->to + at * line->out_step, line->out_step, keys, filled, dtype);
}

/* ---- lines along an axis */

static void sort_one(const void *job, int64_t number, char *workspace) {
    const sort_job *j = job;
    const operand *x = &j->lines.call->inputs[0], *out = &j->lines.call->outputs[0];
    sort_line line = {.job = j,
                      .from = line_at(x, j->lines.axis, number),
                      .to = line_at(out, j->lines.axis, number),
                      .step = x->strides[j->lines.axis] * dtype_bytes(x->dtype),
                      .out_step = out->strides[j->lines.axis] * dtype_bytes(out->dtype),
                      .keys = j->lines.bytes ? workspace : line_at(out, j->lines.axis, number),
                      .places = j->kind == KEYS_PAIRS ? (uint32_t *)(void *)(workspace + 8 * j->lines.n) : NULL};
    if (j->kind == KEYS_COUNTED) {
        sort_by_counting(&line);
    } else {
        parallel_for(j->lines.n, GRAIN, read_part, &line);
        order_line(&line);
        parallel_for(j->lines.n, GRAIN, write_part, &line);
    }
    if (j->lines.call->op == OP_sort && j->convert->loses(line.from, line.step, j->lines.n, x->dtype))
        restore_lost(&line);
}

static key_kind kind_of(op_id op, tarn_dtype dtype, int64_t n) {
    bool wide = order_key_bytes(dtype) == 8, counted = dtype_bytes(dtype) <= 2 && n >= COUNTED / 4;
    if (dtype == TARN_COMPLEX64 || (op == OP_argsort && wide)) return KEYS_PAIRS;
    if (op == OP_argsort) return KEYS_PLACED;
    return wide ? KEYS_WIDE : counted ? KEYS_COUNTED : KEYS_NARROW;
}

/* Keys that are as wide as the elements are put in order in the output, if that is dense. */
static int64_t line_bytes(key_kind kind, const operand *out, int axis, int64_t n) {
    static const int per_key[] = {
        [KEYS_NARROW] = 4, [KEYS_COUNTED] = 0, [KEYS_WIDE] = 8, [KEYS_PLACED] = 8, [KEYS_PAIRS] = 12};
    if (kind != KEYS_PAIRS && kind != KEYS_PLACED && per_key[kind] == dtype_bytes(out->dtype) &&
        out->strides[axis] == 1)
        return 0;
    int64_t bytes = per_key[kind] * n + (kind == KEYS_COUNTED ? 4 * COUNTED : 0);
    return (bytes + 63) & -64;
}

static sort_job job_of(const call *c) {
    const operand *x = &c->inputs[0];
    sort_job j = {.lines = lines_of(c, axis_normal(((const attributes_sort *)c->attributes)->axis, x->ndim))};
    j.kind = kind_of(c->op, x->dtype, j.lines.n);
    j.lines.bytes = line_bytes(j.kind, &c->outputs[0], j.lines.axis, j.lines.n);
    return j;
}

static bool is_part(const call *c) {
    return ((const attributes_sort *)c->attributes)->part;
}

static bool run_sort(const call *c, const order_kernels *kernels, const order_conversions *convert) {
    if (is_part(c)) return run_select(c, kernels, convert);
    sort_job j = job_of(c);
    j.kernels = kernels;
    j.convert = convert;
    lines_each(&j.lines, GRAIN, sort_one, &j);
    return true;
}

static int64_t sort_workspace(const call *c) {
    if (is_part(c)) return select_workspace(c);
    sort_job j = job_of(c);
    return lines_workspace(&j.lines);
}

static bool supports_sort(const call *c) {
    return c->inputs[0].shape[job_of(c).lines.axis] < UINT32_MAX;
}

/* ---- rows, one of each op for an instruction set */

#define SORT_ROW(op_, isa)                                                                                             \
    {                                                                                                                  \
        .op = OP_##op_, .name = #op_ "_" #isa, .dtypes = DTYPES_ALL, .layout = LAYOUT_ANY, .supports = supports_sort,  \
        .workspace = sort_workspace, .run = sort_##isa                                                                 \
    }
#define SORT_ROWS(isa, isa_id)                                                                                         \
    static bool sort_##isa(const call *c) {                                                                            \
        return run_sort(c, &order_kernels_##isa, &order_conversions_##isa);                                            \
    }                                                                                                                  \
    static const kernel_row rows_##isa[] = {SORT_ROW(sort, isa), SORT_ROW(argsort, isa)};
CPU_EACH_ISA(SORT_ROWS)
CPU_FAMILY(sort)
