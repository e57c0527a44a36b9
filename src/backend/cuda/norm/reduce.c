/* Rows of reduce, arg_reduce and logsumexp. */
#include <stdlib.h>
#include <string.h>

#include "cuda/axes.h"
#include "cuda/cuda.h"
#include "cuda/fuse/fuse.h"
#include "cuda/kernels.h"

static unsigned axes_bits(tarn_ints chosen, const operand *x) {
    if (!chosen.values) return (1u << x->ndim) - 1;
    unsigned bits = 0;
    for (int64_t i = 0; i < chosen.count; i++) bits |= 1u << axis_normal(chosen.values[i], x->ndim);
    return bits;
}

/* Axes that are walked as one go together. */
static void join_axes(int *ndim, int64_t *shape, int64_t *strides) {
    axes a = axes_joined(*ndim, shape, 1, (const int64_t *const[]){strides});
    *ndim = a.ndim;
    memcpy(shape, a.shape, (size_t)a.ndim * sizeof *shape);
    memcpy(strides, a.strides[0], (size_t)a.ndim * sizeof *strides);
}

static reduce_kernel reduction(const call *c, unsigned reduced) {
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    reduce_kernel k = {.to = out->data,
                       .from = x->data,
                       .from_dtype = (int)x->dtype,
                       .to_dtype = (int)out->dtype,
                       .kept = 1,
                       .reduced = 1};
    for (int i = 0; i < x->ndim; i++) {
        bool goes = reduced >> i & 1;
        int *ndim = goes ? &k.reduced_ndim : &k.kept_ndim;
        (goes ? k.reduced_shape : k.kept_shape)[*ndim] = x->shape[i];
        (goes ? k.reduced_strides : k.kept_strides)[*ndim] = x->strides[i];
        *(goes ? &k.reduced : &k.kept) *= x->shape[i];
        ++*ndim;
    }
    join_axes(&k.kept_ndim, k.kept_shape, k.kept_strides);
    join_axes(&k.reduced_ndim, k.reduced_shape, k.reduced_strides);
    return k;
}

/* Neighbouring results go together where their elements lie nearer to each other than those of one result. What is left
   of the chip is filled with parts: how many depends on the shape alone. */
static void cut(reduce_kernel *k) {
    enum { BLOCKS = 1024, LEAST = 2048, MOST = 1024 };
    int64_t near_kept = k->kept_ndim ? llabs(k->kept_strides[k->kept_ndim - 1]) : INT64_MAX,
            near_reduced = k->reduced_ndim ? llabs(k->reduced_strides[k->reduced_ndim - 1]) : 0;
    k->across = near_kept < near_reduced && k->kept_shape[k->kept_ndim - 1] >= 16 ? 32 : 1;
    int64_t blocks = (k->kept + k->across - 1) / k->across, most = k->reduced * k->across / LEAST,
            parts = blocks > 0 ? BLOCKS / blocks : 1;
    parts = parts < most ? parts : most;
    k->parts = (unsigned)(parts < 1 ? 1 : parts > MOST ? MOST : parts);
}

static int64_t parts_bytes(reduce_kernel k) {
    return k.parts > 1 ? k.kept * k.parts * 16 : 0;
}

static reduce_kernel cut_over(const call *c, unsigned reduced) {
    reduce_kernel k = reduction(c, reduced);
    cut(&k);
    return k;
}

static reduce_kernel cut_reduction(const call *c) {
    const attributes_reduce *a = c->attributes;
    reduce_kernel k = cut_over(c, axes_bits(a->axes, &c->inputs[0]));
    k.kind = (int)a->kind;
    return k;
}

/* Without what it is to make. */
static bool find_long_rows(const reduce_kernel *r, long_rows_kernel *k) {
    bool lie_so = r->reduced_ndim == 1 && r->reduced_strides[0] == 1 && r->kept_ndim <= 1;
    *k = (long_rows_kernel){.from = r->from,
                            .dtype = r->from_dtype,
                            .rows = r->kept,
                            .n = r->reduced,
                            .step = r->kept_ndim ? r->kept_strides[0] : 0};
    return lie_so && rows_are_long(k);
}

static int64_t reduce_workspace(const call *c) {
    return parts_bytes(cut_reduction(c));
}

static bool run_reduce(const call *c) {
    reduce_kernel k = cut_reduction(c);
    k.partial = c->workspace;
    if (k.kept > 0) launch_reduce(&k, cuda_stream_now);
    return true;
}

static bool supports_reduce(const call *c) {
    tarn_dtype from = c->inputs[0].dtype, to = c->outputs[0].dtype;
    if (to == TARN_BOOL || (to == from && from != TARN_BOOL)) return true;
    return (to == TARN_INT32 && (from == TARN_BOOL || from == TARN_INT8 || from == TARN_INT16)) ||
           (to == TARN_UINT32 && (from == TARN_UINT8 || from == TARN_UINT16));
}

static reduce_kernel cut_arg_reduction(const call *c) {
    const attributes_arg_reduce *a = c->attributes;
    return cut_over(c, 1u << axis_normal(a->axis, c->inputs[0].ndim));
}

static int64_t arg_reduce_workspace(const call *c) {
    return parts_bytes(cut_arg_reduction(c));
}

bool best_of_long_rows(const call *c, long_rows_kernel *k) {
    reduce_kernel r = cut_arg_reduction(c);
    bool found = find_long_rows(&r, k);
    k->best = r.to;
    k->least = ((const attributes_arg_reduce *)c->attributes)->least;
    return found;
}

static bool run_arg_reduce(const call *c) {
    const attributes_arg_reduce *a = c->attributes;
    const operand *x = &c->inputs[0];
    int axis = axis_normal(a->axis, x->ndim);
    reduce_kernel k = cut_arg_reduction(c);
    k.least = a->least;
    k.partial = c->workspace;
    long_rows_kernel rows;
    if (k.kept == 0) return true;
    if (k.reduced == 0) return tarn_fail("arg_reduce: axis %d is empty, so that nothing in it is largest", axis);
    if (best_of_long_rows(c, &rows))
        launch_long_rows(&rows, cuda_stream_now);
    else
        launch_arg_reduce(&k, cuda_stream_now);
    return true;
}

static bool supports_arg_reduce(const call *c) {
    return c->outputs[0].dtype == TARN_UINT32;
}

/* ---- logsumexp */
static reduce_kernel cut_logsumexp(const call *c) {
    const attributes_logsumexp *a = c->attributes;
    return cut_over(c, axes_bits(a->axes, &c->inputs[0]));
}

static int64_t logsumexp_workspace(const call *c) {
    return parts_bytes(cut_logsumexp(c));
}

bool total_of_long_rows(const call *c, long_rows_kernel *k) {
    reduce_kernel r = cut_logsumexp(c);
    bool found = find_long_rows(&r, k);
    k->total = r.to;
    return found;
}

static bool run_logsumexp(const call *c) {
    reduce_kernel k = cut_logsumexp(c);
    long_rows_kernel rows;
    k.partial = c->workspace;
    if (total_of_long_rows(c, &rows))
        launch_long_rows(&rows, cuda_stream_now);
    else if (k.kept > 0)
        launch_logsumexp(&k, cuda_stream_now);
    return true;
}

const kernel_row cuda_reduce = {CUDA_ROW(reduce),     .dtypes = DTYPES_ALL,        .selector = -1,
                                .layout = LAYOUT_ANY, .supports = supports_reduce, .workspace = reduce_workspace,
                                .run = run_reduce};
const kernel_row cuda_arg_reduce = {CUDA_ROW(arg_reduce),
                                    .dtypes = DTYPES_ALL,
                                    .selector = 0,
                                    .layout = LAYOUT_ANY,
                                    .supports = supports_arg_reduce,
                                    .workspace = arg_reduce_workspace,
                                    .run = run_arg_reduce};
const kernel_row cuda_logsumexp = {CUDA_ROW(logsumexp),  .dtypes = DTYPES_FLOAT,           .selector = 0,
                                   .layout = LAYOUT_ANY, .workspace = logsumexp_workspace, .run = run_logsumexp};
