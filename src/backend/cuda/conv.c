/* The row of conv: places unfolded into workspace, a piece of the rows at a time, then cuBLASLt; grouped ones by a
   plain kernel, and complex ones. */
#include "table/conv.h"

#include "cuda/cuda.h"
#include "cuda/kernels.h"
#include "cuda/matmul/lt.h"

enum { MOST_UNFOLDED = 256 << 20 };

static conv_kernel conv_of(const call *c) {
    const attributes_conv *a = c->attributes;
    const operand *x = &c->inputs[0], *w = &c->inputs[1], *out = &c->outputs[0];
    conv_kernel k = {.to = out->data,
                     .x = x->data,
                     .w = w->data,
                     .dtype = (int)x->dtype,
                     .bytes = (int)dtype_bytes(x->dtype),
                     .axes = x->ndim - 2,
                     .flip = a->flip,
                     .taps = 1,
                     .channels = w->shape[w->ndim - 1],
                     .outs = w->shape[0] / a->groups,
                     .groups = a->groups,
                     .rows = out->shape[0]};
    for (int i = 0; i < k.axes; i++) {
        conv_axis along = conv_axis_of(a, i, w->shape[i + 1]);
        k.size[i] = x->shape[i + 1], k.kernel[i] = w->shape[i + 1], k.places[i] = out->shape[i + 1];
        k.stride[i] = along.stride, k.low[i] = along.low;
        k.kernel_dilation[i] = along.kernel_dilation, k.input_dilation[i] = along.input_dilation;
        k.taps *= k.kernel[i];
        k.rows *= k.places[i];
    }
    return k;
}

static bool is_unfolded(const conv_kernel *k) {
    return k->groups == 1 && k->dtype != (int)TARN_COMPLEX64;
}

/* Rows that are unfolded at a time. */
static int64_t piece_rows(const conv_kernel *k) {
    int64_t row = k->taps * k->channels * k->bytes, most = row ? MOST_UNFOLDED / row : 0;
    return most < 1 ? 1 : most < k->rows ? most : k->rows;
}

static int64_t unfolded_bytes(const conv_kernel *k) {
    return (piece_rows(k) * k->taps * k->channels * k->bytes + 255) & ~(int64_t)255;
}

static int64_t workspace(const call *c) {
    conv_kernel k = conv_of(c);
    return is_unfolded(&k) ? unfolded_bytes(&k) + LT_WORKSPACE : 0;
}

/* Channels in pieces of up to 16 bytes. */
static void unfold(conv_kernel k, void *to, int64_t first, int64_t rows) {
    k.to = to;
    k.first_row = first;
    k.rows = rows;
    while (k.bytes < 16 && k.channels % 2 == 0 && (uintptr_t)k.x % (uintptr_t)(2 * k.bytes) == 0)
        k.bytes *= 2, k.channels /= 2;
    launch_unfold(&k, cuda_stream_now);
}

static bool multiply(const call *c, const conv_kernel *k) {
    int64_t step = piece_rows(k), depth = k->taps * k->channels;
    for (int64_t first = 0; first < k->rows; first += step) {
        int64_t rows = k->rows - first < step ? k->rows - first : step;
        unfold(*k, c->workspace, first, rows);
        lt_product p = {.dtype = c->outputs[0].dtype,
                        .m = rows,
                        .n = k->outs,
                        .k = depth,
                        .batch = 1,
                        .a_step = depth,
                        .b_step = depth,
                        .b_transposed = true};
        char *to = (char *)k->to + first * k->outs * k->bytes;
        if (!lt_multiply(&p, to, c->workspace, k->w, (char *)c->workspace + unfolded_bytes(k))) return false;
    }
    return true;
}

static bool run(const call *c) {
    conv_kernel k = conv_of(c);
    int64_t size = operand_size(&c->outputs[0]);
    if (size == 0) return true;
    if (k.taps * k.channels == 0)
        return cuda_ok(cudaMemsetAsync(k.to, 0, (size_t)(size * k.bytes), cuda_stream_now), "clearing");
    if (is_unfolded(&k)) return multiply(c, &k);
    launch_conv(&k, cuda_stream_now);
    return true;
}

static bool prepare(const call *c, void **prepared) {
    static char good;
    *prepared = &good;
    return cuda_report(((const attributes_conv *)c->attributes)->groups > 1 || lt_prepare());
}

const kernel_row cuda_conv = {CUDA_ROW(conv),
                              .dtypes = DTYPES_FLOAT | DTYPE_BIT(TARN_COMPLEX64),
                              .selector = 0,
                              .layout = LAYOUT_DENSE,
                              .workspace = workspace,
                              .prepare = prepare,
                              .run = run};
