/* scan, a line along the axis at a time. */
#include <math.h>
#include <string.h>

#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/elementwise/elementwise.h"
#include "cpu/order/lines.h"

/* ---- scan: one running value a line, in the compute type of the output. Sums of floats run in double, so that a long
 * line keeps its digits. */

typedef struct {
    const call *call;
    const attributes_scan *attributes;
    int axis;
} scan_job;

enum { PIECE = 256, GRAIN = 1 << 14 };

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

/* A NaN stays. */
#define EXTREMES(suffix, type, least, most)                                                                            \
    SCAN(max_##suffix, type, type, a != a || !(b != b || a < b) ? a : b, least)                                        \
    SCAN(min_##suffix, type, type, a != a || !(b != b || b < a) ? a : b, most)
EXTREMES(float, float, -INFINITY, INFINITY)
EXTREMES(double, double, -(double)INFINITY, (double)INFINITY)
EXTREMES(i32, int32_t, INT32_MIN, INT32_MAX)
EXTREMES(u32, uint32_t, 0, UINT32_MAX)
EXTREMES(i64, int64_t, INT64_MIN, INT64_MAX)
EXTREMES(u64, uint64_t, 0, UINT64_MAX)

static double logaddexp(double a, double b) {
    double most = a > b ? a : b, least = a > b ? b : a;
    if (isnan(a) || isnan(b)) return a + b;
    return isinf(most) ? most : most + log1p(exp(least - most));
}
SCAN(logaddexp_float, float, double, logaddexp(a, b), -(double)INFINITY)
SCAN(logaddexp_double, double, double, logaddexp(a, b), -(double)INFINITY)

typedef void (*scan_loop)(void *values, int64_t count, void *state, bool start, bool exclusive);

static scan_loop scan_loop_of(reduce_kind kind, compute_type type) {
    static const scan_loop loops[][TYPE_COUNT] = {
        [REDUCE_SUM] = {sum_u32, sum_u32, sum_u64, sum_u64, sum_float, sum_double, NULL},
        [REDUCE_PROD] = {prod_u32, prod_u32, prod_u64, prod_u64, prod_float, prod_double, NULL},
        [REDUCE_MAX] = {max_i32, max_u32, max_i64, max_u64, max_float, max_double, NULL},
        [REDUCE_MIN] = {min_i32, min_u32, min_i64, min_u64, min_float, min_double, NULL},
        [REDUCE_LOGADDEXP] = {NULL, NULL, NULL, NULL, logaddexp_float, logaddexp_double, NULL},
    };
    return loops[kind][type];
}

static void scan_line(const scan_job *j, int64_t line) {
    const operand *x = &j->call->inputs[0], *out = &j->call->outputs[0];
    const elementwise_kernels *kernels = &elementwise_kernels_baseline;
    int64_t n = x->shape[j->axis], from_step = x->strides[j->axis], to_step = out->strides[j->axis],
            bytes = dtype_bytes(out->dtype);
    const char *from = line_at(x, j->axis, line);
    char *to = line_at(out, j->axis, line);
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

/* Truths, and the ends of the range of small integers, are left to the reference. */
static bool supports_scan(const call *c) {
    const attributes_scan *a = c->attributes;
    tarn_dtype dtype = c->outputs[0].dtype;
    compute_type to = compute_type_of(dtype), from = compute_type_of(c->inputs[0].dtype);
    bool same = from == to || (from <= TYPE_U32 && to <= TYPE_U32);
    bool ends = a->exclusive && (a->kind == REDUCE_MAX || a->kind == REDUCE_MIN);
    if (ends && dtype_kind_of(dtype) == KIND_INT && dtype_bytes(dtype) < 4) return false;
    return same && dtype != TARN_BOOL && scan_loop_of((reduce_kind)a->kind, to);
}

int cpu_rows_scan(op_id op, cpu_isa isa, const kernel_row *out[CPU_FAMILY_ROWS]) {
    static const kernel_row rows[] = {{.op = OP_scan,
                                       .name = "scan_cpu",
                                       .dtypes = DTYPES_ALL,
                                       .layout = LAYOUT_ANY,
                                       .supports = supports_scan,
                                       .run = run_scan}};
    return isa == ISA_BASELINE ? cpu_pick_rows(op, rows, 1, out, 0) : 0;
}
