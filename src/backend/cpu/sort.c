/* sort, argsort and scan, a line along the axis at a time.

   Numbers become unsigned keys in the same order (a NaN is the largest, both zeros are equal) and are sorted by a
   stable radix sort of bytes, which skips the bytes that all keys share; short lines by insertion. */
#include <string.h>

#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/elementwise/elementwise.h"

enum { SHORT_LINE = 48, GRAIN = 1 << 14, MOST_SLOTS = 32 };

typedef struct {
    uint64_t key;
    uint32_t index;
} item;

/* ---- keys */

/* The bits of a float of this many bits: negative numbers are turned over, so that integers compare as the numbers do.
 */
static uint64_t float_key(uint64_t bits, int width, uint64_t infinity) {
    uint64_t sign = UINT64_C(1) << (width - 1), magnitude = bits & (sign - 1);
    if (magnitude > infinity) return UINT64_MAX;
    if (magnitude == 0) return sign;
    return bits & sign ? sign - magnitude : sign + magnitude;
}

static uint64_t key_of(const char *from, tarn_dtype dtype) {
    uint64_t bits = 0;
    int width = (int)dtype_bytes(dtype) * 8;
    memcpy(&bits, from, (size_t)width / 8);
    switch (dtype) {
    case TARN_FLOAT16:
        return float_key(bits, width, 0x7C00);
    case TARN_BFLOAT16:
        return float_key(bits, width, 0x7F80);
    case TARN_FLOAT32:
        return float_key(bits, width, 0x7F800000);
    case TARN_FLOAT64:
        return float_key(bits, width, UINT64_C(0x7FF0000000000000));
    default:
        return dtype_kind_of(dtype) == KIND_INT && !dtype_is_unsigned(dtype) ? bits ^ UINT64_C(1) << (width - 1) : bits;
    }
}

/* ---- sorting */

static void sort_by_insertion(item *items, int64_t n) {
    for (int64_t i = 1; i < n; i++) {
        item x = items[i];
        int64_t j = i;
        for (; j > 0 && items[j - 1].key > x.key; j--) items[j] = items[j - 1];
        items[j] = x;
    }
}

/* One byte of the keys; returns false, having done nothing, if all are the same. */
static bool radix_pass(item *to, const item *from, int64_t n, int shift) {
    int64_t starts[256] = {0}, sum = 0;
    for (int64_t i = 0; i < n; i++) starts[from[i].key >> shift & 255]++;
    if (starts[from[0].key >> shift & 255] == n) return false;
    for (int b = 0; b < 256; b++) {
        int64_t count = starts[b];
        starts[b] = sum;
        sum += count;
    }
    for (int64_t i = 0; i < n; i++) to[starts[from[i].key >> shift & 255]++] = from[i];
    return true;
}

/* Sorts items[0 .. n) with as much room behind them; returns where the result is. */
static const item *sort_items(item *items, int64_t n) {
    if (n <= SHORT_LINE) {
        sort_by_insertion(items, n);
        return items;
    }
    item *from = items, *to = items + n;
    for (int shift = 0; shift < 64; shift += 8) {
        if (!radix_pass(to, from, n, shift)) continue;
        item *sorted = to;
        to = from;
        from = sorted;
    }
    return from;
}

/* ---- lines along an axis */

typedef struct {
    const call *call;
    int axis;
    int64_t lines, slots, n;
    bool indices; /* argsort */
} sort_job;

/* Byte offset of a line's first element. */
static int64_t line_offset(const operand *o, int axis, int64_t line) {
    int64_t offset = 0;
    for (int i = o->ndim - 1; i >= 0; i--) {
        if (i == axis) continue;
        offset += line % o->shape[i] * o->strides[i];
        line /= o->shape[i];
    }
    return offset * dtype_bytes(o->dtype);
}

static void sort_line(const sort_job *j, int64_t line, item *items) {
    const operand *x = &j->call->inputs[0], *out = &j->call->outputs[0];
    const char *from = (const char *)x->data + line_offset(x, j->axis, line);
    char *to = (char *)out->data + line_offset(out, j->axis, line);
    int64_t step = x->strides[j->axis] * dtype_bytes(x->dtype), bytes = dtype_bytes(out->dtype),
            out_step = out->strides[j->axis] * bytes;
    for (int64_t i = 0; i < j->n; i++) items[i] = (item){key_of(from + i * step, x->dtype), (uint32_t)i};
    const item *sorted = sort_items(items, j->n);
    for (int64_t i = 0; i < j->n; i++) {
        if (j->indices)
            memcpy(to + i * out_step, &sorted[i].index, sizeof sorted[i].index);
        else
            memcpy(to + i * out_step, from + sorted[i].index * step, (size_t)bytes);
    }
}

static void sort_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const sort_job *j = context;
    for (int64_t slot = begin; slot < end; slot++)
        for (int64_t line = j->lines * slot / j->slots; line < j->lines * (slot + 1) / j->slots; line++)
            sort_line(j, line, (item *)j->call->workspace + slot * 2 * j->n);
}

static sort_job job_of(const call *c) {
    const operand *x = &c->inputs[0];
    bool indices = c->op == OP_argsort;
    int64_t axis =
        indices ? ((const attributes_argsort *)c->attributes)->axis : ((const attributes_sort *)c->attributes)->axis;
    sort_job j = {.call = c, .axis = axis_normal(axis, x->ndim), .indices = indices};
    j.n = x->shape[j.axis];
    j.lines = j.n > 0 ? operand_size(x) / j.n : 0;
    j.slots = j.lines < MOST_SLOTS ? j.lines : MOST_SLOTS;
    return j;
}

static bool run_sort(const call *c) {
    sort_job j = job_of(c);
    parallel_for(j.slots, j.lines * j.n < GRAIN ? j.slots : 1, sort_part, &j);
    return true;
}

static int64_t sort_workspace(const call *c) {
    sort_job j = job_of(c);
    return j.slots * 2 * j.n * (int64_t)sizeof(item);
}

static bool supports_sort(const call *c) {
    return c->inputs[0].dtype != TARN_COMPLEX64 && job_of(c).n <= UINT32_MAX;
}

/* ---- scan: one running value a line, in the compute type of the output. Sums of floats run in double, so that a long
 * line keeps its digits. */

typedef struct {
    const call *call;
    const attributes_scan *attributes;
    int axis;
} scan_job;

enum { PIECE = 256 };

#define SCAN(name, type, running_type, expression, first)                                                              \
    static void name(void *values, int64_t count, void *state, bool start, bool exclusive) {                           \
        type *x = values;                                                                                              \
        running_type running = start ? (first) : *(running_type *)state;                                               \
        for (int64_t i = 0; i < count; i++) {                                                                          \
            running_type a = running, b = (running_type)x[i];                                                          \
            running = (running_type)(expression);                                                                      \
            x[i] = (type)(exclusive ? a : running);                                                                    \
        }                                                                                                              \
        *(running_type *)state = running;                                                                              \
    }
SCAN(sum_float, float, double, a + b, 0)
SCAN(sum_double, double, double, a + b, 0)
SCAN(sum_u32, uint32_t, uint32_t, a + b, 0)
SCAN(sum_u64, uint64_t, uint64_t, a + b, 0)
SCAN(prod_float, float, double, a *b, 1)
SCAN(prod_double, double, double, a *b, 1)
SCAN(prod_u32, uint32_t, uint32_t, a *b, 1)
SCAN(prod_u64, uint64_t, uint64_t, a *b, 1)

typedef void (*scan_loop)(void *values, int64_t count, void *state, bool start, bool exclusive);

static scan_loop scan_loop_of(reduce_kind kind, compute_type type) {
    static const scan_loop loops[2][TYPE_COUNT] = {
        [REDUCE_SUM] = {sum_u32, sum_u32, sum_u64, sum_u64, sum_float, sum_double, NULL},
        [REDUCE_PROD] = {prod_u32, prod_u32, prod_u64, prod_u64, prod_float, prod_double, NULL},
    };
    return kind <= REDUCE_PROD ? loops[kind][type] : NULL;
}

static void scan_line(const scan_job *j, int64_t line) {
    const operand *x = &j->call->inputs[0], *out = &j->call->outputs[0];
    const elementwise_kernels *kernels = &elementwise_kernels_baseline;
    int64_t n = x->shape[j->axis], from_step = x->strides[j->axis], to_step = out->strides[j->axis],
            bytes = dtype_bytes(out->dtype);
    const char *from = (const char *)x->data + line_offset(x, j->axis, line);
    char *to = (char *)out->data + line_offset(out, j->axis, line);
    scan_loop loop = scan_loop_of(j->attributes->kind, compute_type_of(out->dtype));
    double state = 0, values[PIECE], raw[PIECE];
    if (j->attributes->reverse) {
        from += (n - 1) * from_step * dtype_bytes(x->dtype), from_step = -from_step;
        to += (n - 1) * to_step * bytes, to_step = -to_step;
    }
    for (int64_t at = 0; at < n; at += PIECE) {
        int64_t count = n - at < PIECE ? n - at : PIECE;
        kernels->loads[x->dtype](values, from + at * from_step * dtype_bytes(x->dtype), from_step, count);
        loop(values, count, &state, at == 0, j->attributes->exclusive);
        kernels->stores[out->dtype](raw, values, count);
        for (int64_t i = 0; i < count; i++)
            memcpy(to + (at + i) * to_step * bytes, (char *)raw + i * bytes, (size_t)bytes);
    }
}

static void scan_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    for (int64_t line = begin; line < end; line++) scan_line(context, line);
}

static bool run_scan(const call *c) {
    const operand *x = &c->inputs[0];
    scan_job j = {c, c->attributes, 0};
    j.axis = axis_normal(j.attributes->axis, x->ndim);
    int64_t n = x->shape[j.axis], size = operand_size(x);
    if (size > 0) parallel_for(size / n, GRAIN / n + 1, scan_part, &j);
    return true;
}

/* Bool sums are or, and maxima need the rules of NaN: both are left to the reference. */
static bool supports_scan(const call *c) {
    compute_type to = compute_type_of(c->outputs[0].dtype), from = compute_type_of(c->inputs[0].dtype);
    bool same = from == to || (from <= TYPE_U32 && to <= TYPE_U32);
    return same && c->outputs[0].dtype != TARN_BOOL && scan_loop_of(((const attributes_scan *)c->attributes)->kind, to);
}

/* ---- rows */

#define SORT_ROW(name_, supports_, workspace_, run_)                                                                   \
    {                                                                                                                  \
        .op = OP_##name_, .name = #name_ "_cpu", .dtypes = DTYPES_ALL, .layout = LAYOUT_ANY, .supports = supports_,    \
        .workspace = workspace_, .run = run_                                                                           \
    }

int cpu_rows_sort(op_id op, cpu_isa isa, const kernel_row *out[CPU_FAMILY_ROWS]) {
    static const kernel_row rows[] = {SORT_ROW(sort, supports_sort, sort_workspace, run_sort),
                                      SORT_ROW(argsort, supports_sort, sort_workspace, run_sort),
                                      SORT_ROW(scan, supports_scan, NULL, run_scan)};
    return isa == ISA_BASELINE ? cpu_pick_rows(op, rows, 3, out, 0) : 0;
}
