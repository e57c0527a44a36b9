/* Kernels over rows: softmax, norms, var and rope; and softmax down columns. Rows, and strips of columns, are shared
   out among threads; what is done with them is in norm.tpl.h. */
#include "cpu/norm/norm.h"

#include <math.h>

#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/integers.h"
#include "cpu/operand_rows.h"

enum {
    GRAIN = 1 << 14,        /* elements worth a thread */
    STREAM_BYTES = 16 << 20 /* an output of so many bytes goes past the caches */
};

static int64_t row_grain(int64_t n) {
    return GRAIN / (n > 0 ? n : 1) + 1;
}

typedef struct {
    operand x; /* its last axis is a row */
    char *out;
    int64_t out_bytes; /* of a row's result */
    const norm_kernels *kernels;
    norm_kernel *kernel; /* one of them */
    norm_row row;
} row_job;

static void row_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const row_job *j = context;
    j->kernel(&j->row, &(norm_rows){&j->x, j->out, j->out_bytes, begin, end});
    j->kernels->fence();
}

static bool run_job(row_job *j) {
    int64_t size = operand_size(&j->x);
    j->row.n = j->x.shape[j->x.ndim - 1];
    j->row.dtype = j->x.dtype;
    if (size > 0) parallel_for(size / j->row.n, row_grain(j->row.n), row_part, j);
    return true;
}

/* Optional input i, or NULL. */
static const void *data_of(const call *c, int i) {
    return c->input_count > i ? c->inputs[i].data : NULL;
}

static bool run_rows(const call *c, const norm_kernels *kernels, norm_kernel *kernel, norm_row row) {
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    int64_t bytes = x->shape[x->ndim - 1] * dtype_bytes(x->dtype);
    row.past = operand_size(x) * dtype_bytes(x->dtype) >= STREAM_BYTES && bytes % 64 == 0 &&
               (uintptr_t)out->data % 64 == 0 && x->data != out->data;
    return run_job(&(row_job){*x, out->data, bytes, kernels, kernel, row});
}

/* ---- softmax down columns, along an axis behind which elements lie side by side */

enum { LEAST_COLUMNS = 16, STRIP_LEAST = 64 };

static int64_t softmax_axis(const call *c) {
    return axis_normal(((const attributes_softmax *)c->attributes)->axis, c->inputs[0].ndim);
}

static bool supports_softmax(const call *c) {
    return softmax_axis(c) == c->inputs[0].ndim - 1;
}

static norm_columns columns_of(const call *c) {
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    int64_t axis = softmax_axis(c), bytes = dtype_bytes(x->dtype);
    norm_columns j = {.from = x->data, .to = out->data, .n = x->shape[axis], .columns = 1, .dtype = x->dtype};
    for (int64_t i = axis + 1; i < x->ndim; i++) j.columns *= x->shape[i];
    j.past = operand_size(x) * bytes >= STREAM_BYTES && j.columns * bytes % 64 == 0 && (uintptr_t)out->data % 64 == 0 &&
             x->data != out->data;
    int64_t all = operand_size(x) / (j.n > 0 ? j.n : 1), share = (all + parallel_threads() - 1) / parallel_threads();
    if (share > j.columns) share = j.columns;
    j.width = (share + STRIP_LEAST - 1) / STRIP_LEAST * STRIP_LEAST;
    if (j.width > COLUMNS_STRIP) j.width = COLUMNS_STRIP;
    return j;
}

static bool supports_softmax_columns(const call *c) {
    return columns_of(c).columns >= LEAST_COLUMNS;
}

typedef struct {
    norm_columns columns;
    const norm_kernels *kernels;
} column_job;

static void column_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const column_job *j = context;
    j->kernels->softmax_columns(&j->columns, begin, end);
    j->kernels->fence();
}

static bool run_softmax_columns(const call *c, const norm_kernels *kernels) {
    column_job j = {columns_of(c), kernels};
    int64_t size = operand_size(&c->inputs[0]);
    if (size == 0) return true;
    int64_t outer = size / j.columns.n / j.columns.columns,
            strips = outer * ((j.columns.columns + j.columns.width - 1) / j.columns.width);
    parallel_for(strips, row_grain(j.columns.n * j.columns.width), column_part, &j);
    return true;
}

/* ---- var: one number of a row, which is all of the last axes that are reduced. Sums of longer rows would lose digits:
   they go through the formula. */

enum { LONGEST = 1 << 17 };

/* How many of the last axes are the reduced ones; 0: they are others. */
static int last_axes(const call *c) {
    int ndim = c->inputs[0].ndim, count = 0, last = 0;
    tarn_ints axes = ((const attributes_var *)c->attributes)->axes;
    bool reduced[TARN_MAX_NDIM] = {false};
    for (int i = 0; i < ndim; i++) reduced[i] = !axes.values;
    for (int64_t i = 0; axes.values && i < axes.count; i++) reduced[axis_normal(axes.values[i], ndim)] = true;
    for (int i = 0; i < ndim; i++) count += reduced[i];
    while (last < ndim && reduced[ndim - 1 - last]) last++;
    return last == count ? count : 0;
}

static int64_t row_length(const operand *x, int axes) {
    int64_t n = 1;
    for (int i = x->ndim - axes; i < x->ndim; i++) n *= x->shape[i];
    return n;
}

static bool supports_var(const call *c) {
    int axes = last_axes(c);
    int64_t n = row_length(&c->inputs[0], axes);
    return axes > 0 && n > 0 && n <= LONGEST;
}

static bool run_var(const call *c, const norm_kernels *kernels) {
    operand x = c->inputs[0];
    int axes = last_axes(c);
    int64_t n = row_length(&x, axes), rows = operand_size(&x) / n, ddof = ((const attributes_var *)c->attributes)->ddof;
    x.ndim = 2, x.shape = (int64_t[]){rows, n}, x.strides = (int64_t[]){n, 1};
    norm_row row = {.count = n > ddof ? (float)((double)n - (double)ddof) : 0};
    return run_job(&(row_job){x, c->outputs[0].data, dtype_bytes(x.dtype), kernels, kernels->var, row});
}

/* ---- rope: x [batch, ..., length, dim]. A unit of work is one position of one batch row: its angles serve all heads.
 */

typedef struct {
    const call *call;
    const norm_kernels *kernels;
    float turns[ROPE_MOST_DIMS / 2];
    int64_t half;
} rope_job;

static void rope_unit(const rope_job *j, int64_t batch, int64_t at, const float *cosines, const float *sines) {
    const operand *x = &j->call->inputs[0], *out = &j->call->outputs[0];
    int64_t length = x->shape[x->ndim - 2], dim = x->shape[x->ndim - 1], heads = 1, bytes = dtype_bytes(x->dtype);
    for (int i = 1; i < x->ndim - 2; i++) heads *= x->shape[i];
    bool traditional = ((const attributes_rope *)j->call->attributes)->traditional;
    for (int64_t head = 0; head < heads; head++) {
        int64_t row = (batch * heads + head) * length + at;
        j->kernels->rope_row((char *)out->data + row * dim * bytes, row_at(x, row), cosines, sines, j->half, dim,
                             traditional, x->dtype);
    }
}

static void rope_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const rope_job *j = context;
    const operand *x = &j->call->inputs[0], *offset = &j->call->inputs[1];
    float scale = (float)((const attributes_rope *)j->call->attributes)->scale, cosines[ROPE_MOST_DIMS / 2],
          sines[ROPE_MOST_DIMS / 2];
    int64_t length = x->shape[x->ndim - 2];
    bool shared = offset->ndim == 0 || offset->shape[0] == 1;
    for (int64_t i = begin; i < end; i++) {
        float position = ((float)(i % length) + (float)integer_of(offset, shared ? 0 : i / length)) * scale;
        j->kernels->rope_angles(cosines, sines, j->turns, j->half, position);
        rope_unit(j, i / length, i % length, cosines, sines);
    }
}

static int64_t rotated(const call *c) {
    const operand *x = &c->inputs[0];
    int64_t dims = ((const attributes_rope *)c->attributes)->dims;
    return dims ? dims : x->shape[x->ndim - 1];
}

static bool run_rope(const call *c, const norm_kernels *kernels) {
    const operand *x = &c->inputs[0], *freqs = c->input_count > 2 && c->inputs[2].data ? &c->inputs[2] : NULL;
    rope_job job = {.call = c, .kernels = kernels, .half = rotated(c) / 2};
    double base = ((const attributes_rope *)c->attributes)->base;
    if (operand_size(x) == 0) return true;
    for (int64_t i = 0; freqs && i < job.half; i++) job.turns[i] = ((const float *)freqs->data)[i * freqs->strides[0]];
    kernels->rope_turns(job.turns, freqs ? job.turns : NULL, job.half, (float)(-log(base) / (double)job.half));
    int64_t units = x->shape[0] * x->shape[x->ndim - 2];
    parallel_for(units, row_grain(operand_size(x) / units), rope_part, &job);
    return true;
}

/* Whether the parts are absent or of x's dtype. */
static bool parts_are_alike(const call *c) {
    for (int i = 1; i < c->input_count; i++)
        if (c->inputs[i].ndim > 0 && c->inputs[i].dtype != c->inputs[0].dtype) return false;
    return true;
}

static bool supports_rope(const call *c) {
    bool freqs = c->input_count > 2 && c->inputs[2].ndim > 0;
    return rotated(c) <= ROPE_MOST_DIMS && (!freqs || c->inputs[2].dtype == TARN_FLOAT32);
}

/* ---- rows */

#define DTYPES_NARROW (DTYPE_BIT(TARN_FLOAT16) | DTYPE_BIT(TARN_BFLOAT16) | DTYPE_BIT(TARN_FLOAT32))
#define NORM_ROW(name_, isa, supports_)                                                                                \
    {                                                                                                                  \
        .op = OP_##name_, .name = #name_ "_" #isa, .dtypes = DTYPES_NARROW, .layout = LAYOUT_ROWS, .may_overwrite = 1, \
        .supports = supports_, .run = name_##_##isa                                                                    \
    }
#define COLUMNS_ROW(isa)                                                                                               \
    {                                                                                                                  \
        .op = OP_softmax, .name = "softmax_columns_" #isa, .dtypes = DTYPES_NARROW, .layout = LAYOUT_DENSE,            \
        .may_overwrite = 1, .supports = supports_softmax_columns, .run = softmax_columns_##isa                         \
    }
#define VAR_ROW(isa)                                                                                                   \
    {                                                                                                                  \
        .op = OP_var, .name = "var_" #isa, .dtypes = DTYPES_NARROW, .layout = LAYOUT_DENSE, .supports = supports_var,  \
        .run = var_##isa                                                                                               \
    }
#define NORM_ROWS(isa, isa_id)                                                                                         \
    static bool softmax_##isa(const call *c) {                                                                         \
        return run_rows(c, &norm_kernels_##isa, norm_kernels_##isa.softmax, (norm_row){0});                            \
    }                                                                                                                  \
    static bool softmax_columns_##isa(const call *c) {                                                                 \
        return run_softmax_columns(c, &norm_kernels_##isa);                                                            \
    }                                                                                                                  \
    static bool rms_norm_##isa(const call *c) {                                                                        \
        float eps = (float)((const attributes_rms_norm *)c->attributes)->eps;                                          \
        return run_rows(c, &norm_kernels_##isa, norm_kernels_##isa.rms_norm,                                           \
                        (norm_row){.eps = eps, .weight = data_of(c, 1)});                                              \
    }                                                                                                                  \
    static bool layer_norm_##isa(const call *c) {                                                                      \
        float eps = (float)((const attributes_layer_norm *)c->attributes)->eps;                                        \
        return run_rows(c, &norm_kernels_##isa, norm_kernels_##isa.layer_norm,                                         \
                        (norm_row){.eps = eps, .weight = data_of(c, 1), .bias = data_of(c, 2)});                       \
    }                                                                                                                  \
    static bool rope_##isa(const call *c) {                                                                            \
        return run_rope(c, &norm_kernels_##isa);                                                                       \
    }                                                                                                                  \
    static bool var_##isa(const call *c) {                                                                             \
        return run_var(c, &norm_kernels_##isa);                                                                        \
    }                                                                                                                  \
    static const kernel_row rows_##isa[] = {                                                                           \
        NORM_ROW(softmax, isa, supports_softmax),   COLUMNS_ROW(isa), NORM_ROW(rms_norm, isa, parts_are_alike),        \
        NORM_ROW(layer_norm, isa, parts_are_alike), VAR_ROW(isa),     NORM_ROW(rope, isa, supports_rope)};
CPU_EACH_ISA(NORM_ROWS)
CPU_FAMILY(norm)
