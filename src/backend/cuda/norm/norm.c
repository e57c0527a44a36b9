/* Rows of softmax, rms_norm, layer_norm, their gradients, and rope. */
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

static norm_kernel norm_of(const call *c, double eps) {
    norm_kernel k = rows_of(c);
    k.weight = c->input_count > 1 ? c->inputs[1].data : NULL;
    k.bias = c->input_count > 2 ? c->inputs[2].data : NULL;
    k.eps_wide = eps;
    k.eps = (float)eps;
    return k;
}

norm_kernel rms_norm_of(const call *c) {
    return norm_of(c, ((const attributes_rms_norm *)c->attributes)->eps);
}

static bool run_rms_norm(const call *c) {
    norm_kernel k = rms_norm_of(c);
    if (k.rows > 0) launch_rms_norm(&k, cuda_stream_now);
    return true;
}

static bool run_layer_norm(const call *c) {
    norm_kernel k = norm_of(c, ((const attributes_layer_norm *)c->attributes)->eps);
    if (k.rows > 0) launch_layer_norm(&k, cuda_stream_now);
    return true;
}

/* Weight and bias have x's dtype. */
static bool supports_norm(const call *c) {
    bool same = true;
    for (int i = 1; i < c->input_count; i++)
        same = same && (c->inputs[i].ndim == 0 || c->inputs[i].dtype == c->inputs[0].dtype);
    return same;
}

/* ---- gradients: of the result's, then what the result was made of, or for softmax the result */
static row_gradient_kernel row_gradient_of(const call *c) {
    const operand *g = &c->inputs[0];
    row_gradient_kernel k = {.to = c->outputs[0].data,
                             .gradient = g->data,
                             .from = c->inputs[1].data,
                             .dtype = (int)g->dtype,
                             .n = g->shape[g->ndim - 1]};
    k.rows = k.n ? operand_size(g) / k.n : 0;
    k.of = c->op == OP_softmax_gradient ? SOFTMAX_ROW : c->op == OP_rms_norm_gradient ? RMS_NORM_ROW : LAYER_NORM_ROW;
    if (k.of == SOFTMAX_ROW) return k;
    k.eps = k.of == RMS_NORM_ROW ? ((const attributes_rms_norm_gradient *)c->attributes)->eps
                                 : ((const attributes_layer_norm_gradient *)c->attributes)->eps;
    k.weight = c->input_count > 2 ? c->inputs[2].data : NULL;
    k.weight_to = c->outputs[1].data;
    k.bias_to = k.of == LAYER_NORM_ROW ? c->outputs[2].data : NULL;
    k.partial = c->workspace;
    return k;
}

static int64_t row_gradient_workspace(const call *c) {
    row_gradient_kernel k = row_gradient_of(c);
    return row_gradient_bytes(&k);
}

static bool run_row_gradient(const call *c) {
    row_gradient_kernel k = row_gradient_of(c);
    launch_row_gradient(&k, cuda_stream_now);
    return true;
}

/* Longer rows, and none, by the formula. */
static bool supports_row_gradient(const call *c) {
    const operand *g = &c->inputs[0];
    int64_t n = g->shape[g->ndim - 1];
    bool last = c->op != OP_softmax_gradient ||
                axis_normal(((const attributes_softmax_gradient *)c->attributes)->axis, g->ndim) == g->ndim - 1;
    return last && n <= ROW_GRADIENT_MOST && operand_size(g) > 0 && supports_norm(c);
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
/* Not over its x, which the product behind it norms by itself, where it has one row. */
const kernel_row cuda_rms_norm = {CUDA_ROW(rms_norm), ROWS, .supports = supports_norm, .run = run_rms_norm};
const kernel_row cuda_layer_norm = {CUDA_ROW(layer_norm), ROWS, .may_overwrite = 1, .supports = supports_norm,
                                    .run = run_layer_norm};
#define GRADIENTS                                                                                                      \
    ROWS, .may_overwrite = 3, .supports = supports_row_gradient, .workspace = row_gradient_workspace,                  \
          .run = run_row_gradient
const kernel_row cuda_softmax_gradient = {CUDA_ROW(softmax_gradient), GRADIENTS};
const kernel_row cuda_rms_norm_gradient = {CUDA_ROW(rms_norm_gradient), GRADIENTS};
const kernel_row cuda_layer_norm_gradient = {CUDA_ROW(layer_norm_gradient), GRADIENTS};
const kernel_row cuda_rope = {CUDA_ROW(rope),        .dtypes = DTYPES_FLOAT,    .selector = 0,  .layout = LAYOUT_ROWS,
                              .any_layout = 1u << 1, .supports = supports_rope, .run = run_rope};
