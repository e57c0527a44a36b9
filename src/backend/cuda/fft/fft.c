/* The row of fft: lines along an axis, in passes by factors up to 7, or as convolutions. */
#include "cuda/fft/fft.h"

#include <math.h>

#include "cuda/cuda.h"

/* Passes for n numbers; false: it has other factors. */
static bool factor(int64_t n, fft_kernel *k) {
    static const int radices[] = {4, 2, 3, 5, 7};
    k->passes = 0;
    for (int i = 0; i < 5; i++)
        for (; n % radices[i] == 0 && n > 1; n /= radices[i]) k->radices[k->passes++] = radices[i];
    return n == 1;
}

/* A convolution of n numbers with 2 n - 1 fits into a power of two. */
static void choose_size(fft_kernel *k) {
    k->size = k->n;
    k->chirped = !factor(k->n, k);
    if (!k->chirped) return;
    for (k->size = 1; k->size < 2 * k->n - 1;) k->size *= 2;
    factor(k->size, k);
}

static void take_lines(fft_kernel *k, const operand *x, const operand *out, int axis) {
    k->lines = 1;
    for (int i = 0; i < x->ndim; i++) {
        if (i == axis) continue;
        k->shape[k->ndim] = x->shape[i];
        k->from_strides[k->ndim] = x->strides[i];
        k->to_strides[k->ndim++] = out->strides[i];
        k->lines *= x->shape[i];
    }
}

static float scale_of(const attributes_fft *a, int64_t n) {
    bool divided = a->norm == TARN_FFT_FORWARD ? !a->inverse : a->norm == TARN_FFT_BACKWARD && a->inverse;
    return (float)(a->norm == TARN_FFT_ORTHO ? 1 / sqrt((double)n) : divided ? 1 / (double)n : 1);
}

static fft_kernel transform_of(const call *c) {
    const attributes_fft *a = c->attributes;
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    int axis = axis_normal(a->axis, x->ndim);
    int64_t n = a->kind != FFT_REAL ? out->shape[axis] : a->n ? a->n : x->shape[axis];
    fft_kernel k = {.to = out->data,
                    .from = x->data,
                    .kind = (int)a->kind,
                    .inverse = a->inverse,
                    .scale = scale_of(a, n),
                    .n = n,
                    .given = x->shape[axis],
                    .taken = out->shape[axis],
                    .from_step = x->strides[axis],
                    .to_step = out->strides[axis]};
    choose_size(&k);
    take_lines(&k, x, out, axis);
    return k;
}

static int64_t room_bytes(const fft_kernel *k) {
    return ((k->lines + k->chirped) * k->size * 8 + 255) / 256 * 256;
}

static int64_t workspace(const call *c) {
    fft_kernel k = transform_of(c);
    return (k.size <= FFT_HELD ? 1 : 2) * room_bytes(&k);
}

static bool run(const call *c) {
    fft_kernel k = transform_of(c);
    if (k.lines * k.taken == 0) return true;
    k.room[0] = c->workspace;
    k.room[1] = (float *)((char *)c->workspace + room_bytes(&k));
    launch_fft(&k, cuda_stream_now);
    return true;
}

static bool supports(const call *c) {
    return operand_size(&c->outputs[0]) < INT32_MAX * INT64_C(16);
}

const kernel_row cuda_fft = {CUDA_ROW(fft),
                             .dtypes = DTYPE_BIT(TARN_FLOAT32) | DTYPE_BIT(TARN_COMPLEX64),
                             .selector = 0,
                             .layout = LAYOUT_ANY,
                             .supports = supports,
                             .workspace = workspace,
                             .run = run};
