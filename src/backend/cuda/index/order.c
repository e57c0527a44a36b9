/* Rows of sort, argsort and scan: an axis of every row of the others. */
#include "cuda/cuda.h"
#include "cuda/kernels.h"

typedef struct {
    int ndim;
    int64_t rows, n, from_step, to_step;
    int64_t shape[KERNEL_MOST_AXES], from_strides[KERNEL_MOST_AXES], to_strides[KERNEL_MOST_AXES];
} lines;

static lines lines_along(const call *c, int64_t axis) {
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    lines l = {.rows = 1, .n = 1};
    int along = axis_normal(axis, x->ndim);
    for (int i = 0; i < x->ndim; i++) {
        if (i == along) {
            l.n = x->shape[i], l.from_step = x->strides[i], l.to_step = out->strides[i];
            continue;
        }
        l.shape[l.ndim] = x->shape[i];
        l.from_strides[l.ndim] = x->strides[i];
        l.to_strides[l.ndim++] = out->strides[i];
        l.rows *= x->shape[i];
    }
    return l;
}

#define TAKE_LINES(k, l)                                                                                               \
    do {                                                                                                               \
        (k).ndim = (l).ndim, (k).rows = (l).rows, (k).n = (l).n;                                                       \
        (k).from_step = (l).from_step, (k).to_step = (l).to_step;                                                      \
        for (int i = 0; i < (l).ndim; i++)                                                                             \
            (k).shape[i] = (l).shape[i], (k).from_strides[i] = (l).from_strides[i],                                    \
            (k).to_strides[i] = (l).to_strides[i];                                                                     \
    } while (0)

/* ---- sort and argsort */
static sort_kernel sorting(const call *c) {
    bool places = c->op == OP_argsort;
    int64_t axis =
        places ? ((const attributes_argsort *)c->attributes)->axis : ((const attributes_sort *)c->attributes)->axis;
    lines l = lines_along(c, axis);
    sort_kernel k = {.to = c->outputs[0].data,
                     .from = c->inputs[0].data,
                     .workspace = c->workspace,
                     .dtype = (int)c->inputs[0].dtype,
                     .places = places};
    TAKE_LINES(k, l);
    return k;
}

/* Keys and places, twice. */
static int64_t sort_workspace(const call *c) {
    sort_kernel k = sorting(c);
    int64_t n = k.rows * k.n, wide = dtype_bytes(c->inputs[0].dtype) == 8 ? 8 : 4;
    return n ? 2 * n * (wide + 4) + 256 + sort_own_bytes(&k) : 0;
}

static bool run_sort(const call *c) {
    sort_kernel k = sorting(c);
    if (k.rows * k.n == 0) return true;
    k.own_bytes = sort_own_bytes(&k);
    launch_sort(&k, cuda_stream_now);
    return true;
}

static bool supports_sort(const call *c) {
    int64_t n = operand_size(&c->inputs[0]);
    return c->inputs[0].ndim > 0 && n <= INT32_MAX;
}

/* ---- scan: of few rows the parts keep the device busy. How many there are depends on the shape alone: so do sums. */
static int64_t scan_parts(const lines *l) {
    enum { LEAST = 4096, MOST = 512 };
    int64_t wanted = l->rows ? MOST / l->rows : 1, all = (l->n + LEAST - 1) / LEAST,
            parts = wanted < all ? wanted : all;
    return parts > 1 ? parts : 1;
}

static int64_t scan_workspace(const call *c) {
    lines l = lines_along(c, ((const attributes_scan *)c->attributes)->axis);
    int64_t parts = scan_parts(&l);
    return parts > 1 ? 16 * l.rows * parts : 0;
}

static bool run_scan(const call *c) {
    const attributes_scan *a = c->attributes;
    lines l = lines_along(c, a->axis);
    int64_t parts = scan_parts(&l);
    scan_kernel k = {.to = c->outputs[0].data,
                     .from = c->inputs[0].data,
                     .dtype = (int)c->inputs[0].dtype,
                     .partial = c->workspace,
                     .part = (l.n + parts - 1) / parts,
                     .parts = parts,
                     .kind = (int)a->kind,
                     .reverse = a->reverse,
                     .exclusive = a->exclusive};
    TAKE_LINES(k, l);
    if (k.rows * k.n > 0) launch_scan(&k, cuda_stream_now);
    return true;
}

static bool supports_scan(const call *c) {
    tarn_dtype from = c->inputs[0].dtype, to = c->outputs[0].dtype;
    return c->inputs[0].ndim > 0 && to == (from == TARN_BOOL ? TARN_INT32 : from);
}

#define ANY_STRIDES .dtypes = DTYPES_ALL, .selector = 0, .layout = LAYOUT_ANY
const kernel_row cuda_sort = {CUDA_ROW(sort), ANY_STRIDES, .supports = supports_sort, .workspace = sort_workspace,
                              .run = run_sort};
const kernel_row cuda_argsort = {CUDA_ROW(argsort), ANY_STRIDES, .supports = supports_sort, .workspace = sort_workspace,
                                 .run = run_sort};
const kernel_row cuda_scan = {CUDA_ROW(scan), ANY_STRIDES, .supports = supports_scan, .workspace = scan_workspace,
                              .run = run_scan};
