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
    bool places = c->op == OP_argsort, fetched = !places && c->inputs[0].dtype == TARN_COMPLEX64;
    int64_t axis =
        places ? ((const attributes_argsort *)c->attributes)->axis : ((const attributes_sort *)c->attributes)->axis;
    lines l = lines_along(c, axis);
    sort_kernel k = {.to = c->outputs[0].data,
                     .from = c->inputs[0].data,
                     .workspace = c->workspace,
                     .dtype = (int)c->inputs[0].dtype,
                     .places = places || fetched,
                     .fetched = fetched};
    TAKE_LINES(k, l);
    return k;
}

/* Keys and places, twice. */
static int64_t sort_workspace(const call *c) {
    sort_kernel k = sorting(c);
    int64_t n = k.rows * k.n, each = dtype_bytes(c->inputs[0].dtype) + (k.places ? 4 : 0);
    return n == 0 || k.n <= SORT_HELD ? 0 : 2 * (n + 4) * each + 264 + sort_own_bytes(&k);
}

static bool run_sort(const call *c) {
    sort_kernel k = sorting(c);
    if (k.rows * k.n == 0) return true;
    if (k.n <= SORT_HELD) {
        launch_sort_rows(&k, cuda_stream_now);
    } else {
        k.own_bytes = sort_own_bytes(&k);
        launch_sort(&k, cuda_stream_now);
    }
    return true;
}

static bool supports_sort(const call *c) {
    int64_t n = operand_size(&c->inputs[0]);
    return c->inputs[0].ndim > 0 && n <= INT32_MAX;
}

/* ---- scan. What is cut how depends on the shape and the layout alone: so do sums. */
static bool goes_by_columns(const lines *l) {
    int last = l->ndim - 1;
    return last >= 0 && l->shape[last] >= 16 && l->from_strides[last] == 1 && l->to_strides[last] == 1 && l->n > 1;
}

/* Where there are few columns, parts keep the device busy. */
static void cut_columns(scan_kernel *k) {
    enum { BLOCKS = 128, LEAST = 1024 };
    int64_t last = k->shape[k->ndim - 1], blocks = k->rows / last * ((last + 31) / 32), most = k->n / LEAST,
            parts = blocks ? BLOCKS / blocks : 1;
    parts = parts < most ? parts : most;
    k->part = parts > 1 ? (k->n + parts - 1) / parts : k->n;
    k->parts = parts > 1 ? (k->n + k->part - 1) / k->part : 1;
}

static void cut_rows(scan_kernel *k) {
    k->part = SCAN_WARPS * SCAN_WARP_TILE(dtype_bytes((tarn_dtype)k->dtype));
    k->parts = (k->n + k->part - 1) / k->part;
}

static scan_kernel scanning(const call *c, bool *columns) {
    const attributes_scan *a = c->attributes;
    lines l = lines_along(c, a->axis);
    scan_kernel k = {.to = c->outputs[0].data,
                     .from = c->inputs[0].data,
                     .dtype = (int)c->inputs[0].dtype,
                     .partial = c->workspace,
                     .kind = (int)a->kind,
                     .reverse = a->reverse,
                     .exclusive = a->exclusive};
    TAKE_LINES(k, l);
    *columns = goes_by_columns(&l);
    *columns ? cut_columns(&k) : cut_rows(&k);
    return k;
}

static int64_t scan_workspace(const call *c) {
    bool columns;
    scan_kernel k = scanning(c, &columns);
    return k.parts <= 1 ? 0 : columns ? 16 * k.rows * k.parts : (int64_t)scan_own_bytes(&k);
}

static bool run_scan(const call *c) {
    bool columns;
    scan_kernel k = scanning(c, &columns);
    if (k.rows * k.n == 0) return true;
    columns ? launch_scan_columns(&k, cuda_stream_now) : launch_scan(&k, cuda_stream_now);
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
