/* Rows of softmax, rms_norm and rope. */
#include <math.h>

#include "cuda/cuda.h"
#include "cuda/fuse/fuse.h"
#include "cuda/kernels.h"

static norm_kernel rows_of(const call *c) {
    const operand *x = &c->inputs[0];
    int64_t n = x->shape[x->ndim - 1];
    return (norm_kernel){
        .to = c->outputs[0].data, .from = x->data, .dtype = (int)x->dtype, .n = n, .rows = n ? operand_size(x) / n : 0};
}

static bool run_softmax(const call *c) {
    norm_kernel k = rows_of(c);
    if (k.rows > 0) launch_softmax(&k, cuda_stream_now);
    return true;
}

/* Along other axes by the formula. */
static bool supports_softmax(const call *c) {
    int ndim = c->inputs[0].ndim;
    return axis_normal(((const attributes_softmax *)c->attributes)->axis, ndim) == ndim - 1;
}

norm_kernel rms_norm_of(const call *c) {
    norm_kernel k = rows_of(c);
    k.weight = c->input_count > 1 ? c->inputs[1].data : NULL;
    k.eps_wide = ((const attributes_rms_norm *)c->attributes)->eps;
    k.eps = (float)k.eps_wide;
    return k;
}

static bool run_rms_norm(const call *c) {
    norm_kernel k = rms_norm_of(c);
    if (k.rows > 0) launch_rms_norm(&k, cuda_stream_now);
    return true;
}

static bool supports_rms_norm(const call *c) {
    return c->input_count < 2 || c->inputs[1].ndim == 0 || c->inputs[1].dtype == c->inputs[0].dtype;
}

/* x with its axes between batch and length as one: they must step as one. */
static bool heads_join(const operand *x) {
    for (int i = 1; i < x->ndim - 3; i++)
        if (x->shape[i] != 1 && x->strides[i] != x->strides[i + 1] * x->shape[i + 1]) return false;
    return true;
}

rope_kernel rope_of(const call *c) {
    const attributes_rope *a = c->attributes;
    const operand *x = &c->inputs[0], *offset = &c->inputs[1],
                  *freqs = c->input_count > 2 && c->inputs[2].data ? &c->inputs[2] : NULL;
    rope_kernel k = {.to = c->outputs[0].data,
                     .from = x->data,
                     .offset = offset->data,
                     .freqs = freqs ? freqs->data : NULL,
                     .dtype = (int)x->dtype,
                     .offset_dtype = (int)offset->dtype,
                     .traditional = a->traditional,
                     .batch = x->shape[0],
                     .heads = 1,
                     .length = x->shape[x->ndim - 2],
                     .dim = x->shape[x->ndim - 1],
                     .dims = a->dims ? a->dims : x->shape[x->ndim - 1],
                     .offset_step = offset->ndim == 0 || offset->shape[0] == 1 ? 0 : offset->strides[0],
                     .strides = {x->strides[0], x->ndim > 3 ? x->strides[x->ndim - 3] : 0, x->strides[x->ndim - 2]},
                     .scale = a->scale};
    k.slope = -log(a->base) / (double)(k.dims / 2);
    for (int i = 1; i < x->ndim - 2; i++) k.heads *= x->shape[i];
    return k;
}

static bool run_rope(const call *c) {
    rope_kernel k = rope_of(c);
    if (operand_size(&c->inputs[0]) > 0) launch_rope(&k, cuda_stream_now);
    return true;
}

static bool supports_rope(const call *c) {
    bool freqs = c->input_count > 2 && c->inputs[2].ndim > 0;
    return heads_join(&c->inputs[0]) && (!freqs || c->inputs[2].dtype == TARN_FLOAT32);
}

#define ROWS .dtypes = DTYPES_FLOAT, .selector = 0, .layout = LAYOUT_DENSE
const kernel_row cuda_softmax = {CUDA_ROW(softmax), ROWS, .may_overwrite = 1, .supports = supports_softmax,
                                 .run = run_softmax};
const kernel_row cuda_rms_norm = {CUDA_ROW(rms_norm), ROWS, .may_overwrite = 1, .supports = supports_rms_norm,
                                  .run = run_rms_norm};
const kernel_row cuda_rope = {CUDA_ROW(rope),        .dtypes = DTYPES_FLOAT,    .selector = 0,  .layout = LAYOUT_ROWS,
                              .any_layout = 1u << 1, .supports = supports_rope, .run = run_rope};
