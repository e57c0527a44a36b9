/* Convolutions and pooling over 1, 2 or 3 spatial axes. */
#include <math.h>

#include "base/require.h"
#include "nn/nn.h"

static const tarn_field conv_fields[] = {TARN_FIELD_ARRAY(tarn_conv, weight), TARN_FIELD_ARRAY(tarn_conv, bias)};
const tarn_fields tarn_conv_fields = {"conv", conv_fields, 2, sizeof(tarn_conv), NULL};

/* A number for each spatial axis: of one number, that for all of them. */
static bool per_axis(const char *what, tarn_ints list, int64_t axes, int64_t otherwise, int64_t *out) {
    if (list.count < 0 || (list.count && !list.values))
        return tarn_fail("%s: a list of %lld numbers%s", what, (long long)list.count, list.values ? "" : " at NULL");
    if (list.values && list.count != 1 && list.count != axes)
        return tarn_fail("%s: %lld numbers for %lld axes", what, (long long)list.count, (long long)axes);
    for (int64_t i = 0; i < axes; i++) out[i] = !list.values ? otherwise : list.values[list.count == 1 ? 0 : i];
    return true;
}

static bool take_options(tarn_conv *m, int64_t axes, const tarn_conv_layer_options *o) {
    m->groups = o->groups ? o->groups : 1;
    m->transposed = o->transposed;
    return per_axis("conv: stride", o->stride, axes, 1, m->stride) &&
           per_axis("conv: padding", o->padding, axes, 0, m->padding) &&
           per_axis("conv: dilation", o->dilation, axes, 1, m->dilation) &&
           per_axis("conv: output_padding", o->output_padding, axes, 0, m->output_padding);
}

bool tarn_conv_init_with(tarn_conv *m, int64_t inputs, int64_t outputs, tarn_ints kernel, tarn_array **key,
                         tarn_conv_layer_options o) {
    if (!REQUIRE_AS(m, "layer")) return false;
    *m = (tarn_conv){0};
    if (kernel.count < 1 || kernel.count > 3)
        return tarn_fail("conv: a kernel of %lld axes; 1, 2 or 3", (long long)kernel.count);
    if (!take_options(m, kernel.count, &o)) return false;
    if (m->groups < 1 || inputs % m->groups || outputs % m->groups)
        return tarn_fail("conv: %lld inputs and %lld outputs in %lld groups", (long long)inputs, (long long)outputs,
                         (long long)m->groups);
    int64_t shape[5] = {outputs}, places = 1;
    for (int64_t i = 0; i < kernel.count; i++) places *= shape[i + 1] = kernel.values[i];
    shape[kernel.count + 1] = inputs / m->groups;
    tarn_ints weight = {shape, kernel.count + 2};
    return tarn_assign(&m->weight, init_uniform(key, weight, o.dtype, 1 / sqrt((double)(inputs * places)))) &&
           (o.no_bias || tarn_assign(&m->bias, tarn_zeros(TARN_SHAPE(outputs), dtype_or_float32(o.dtype))));
}

static tarn_array *transposed(const tarn_conv *m, tarn_array *x) {
    typedef tarn_array *(*transpose)(tarn_array *, tarn_array *, tarn_conv_transpose_options);
    static const transpose by_axes[] = {tarn_conv_transpose1d_with, tarn_conv_transpose2d_with,
                                        tarn_conv_transpose3d_with};
    int64_t axes = tarn_ndim(m->weight) - 2;
    tarn_conv_transpose_options o = {.stride = {m->stride, axes},
                                     .padding = {m->padding, axes},
                                     .dilation = {m->dilation, axes},
                                     .output_padding = {m->output_padding, axes},
                                     .groups = m->groups};
    return axes < 1 || axes > 3 ? (tarn_fail("conv: the layer was not made"), NULL)
                                : by_axes[axes - 1](x, m->weight, o);
}

tarn_array *tarn_conv_forward(const tarn_conv *m, tarn_array *x) {
    if (!REQUIRE_AS(m, "layer")) return NULL;
    int64_t axes = tarn_ndim(m->weight) - 2;
    tarn_array *y = m->transposed
                        ? transposed(m, x)
                        : tarn_conv_general(x, m->weight, .stride = {m->stride, axes}, .padding = {m->padding, axes},
                                            .kernel_dilation = {m->dilation, axes}, .groups = m->groups);
    return m->bias ? tarn_add(y, m->bias) : y;
}

/* ---- pooling: windows as axes of their own, over which the reduction goes */

typedef struct {
    int64_t axes, kernel[3], stride[3], padding[3];
} windows;

static bool windows_of(const char *what, tarn_array *x, tarn_ints kernel, tarn_pool_options o, windows *w) {
    w->axes = tarn_ndim(x) - 2;
    if (w->axes < 1 || w->axes > 3)
        return !x ? false : tarn_fail("%s: x has %d axes; [batch, 1 to 3 axes, channels]", what, tarn_ndim(x));
    if (!kernel.values) return tarn_fail("%s: the kernel is absent", what);
    if (!per_axis(what, kernel, w->axes, 0, w->kernel) || !per_axis(what, o.padding, w->axes, 0, w->padding) ||
        !per_axis(what, o.stride.values || o.stride.count ? o.stride : kernel, w->axes, 0, w->stride))
        return false;
    for (int64_t i = 0; i < w->axes; i++) {
        int64_t size = tarn_dim(x, (int)i + 1), most = INT32_MAX;
        bool fits = w->kernel[i] > 0 && w->stride[i] > 0 && w->padding[i] >= 0 && w->padding[i] < most &&
                    w->kernel[i] <= size + 2 * w->padding[i];
        if (!fits)
            return tarn_fail("%s: kernel %lld, stride %lld and padding %lld over %lld elements", what,
                             (long long)w->kernel[i], (long long)w->stride[i], (long long)w->padding[i],
                             (long long)size);
    }
    return true;
}

static tarn_array *padded(tarn_array *x, const windows *w, double value) {
    int64_t pads[5] = {0};
    bool any = false;
    for (int64_t i = 0; i < w->axes; i++) any |= (pads[i + 1] = w->padding[i]) > 0;
    tarn_ints list = {pads, w->axes + 2};
    return any ? tarn_pad(x, list, list, .value = tarn_scalar_like(value, x)) : x;
}

/* [batch, places ..., kernel ..., channels] */
static tarn_array *window_view(tarn_array *x, const windows *w) {
    int64_t n = w->axes, shape[8], strides[8], step = 1, dense[5];
    for (int64_t i = n + 1; i >= 0; i--) dense[i] = step, step *= tarn_dim(x, (int)i);
    shape[0] = tarn_dim(x, 0), strides[0] = dense[0];
    for (int64_t i = 0; i < n; i++) {
        shape[1 + i] = (tarn_dim(x, (int)i + 1) - w->kernel[i]) / w->stride[i] + 1;
        strides[1 + i] = dense[1 + i] * w->stride[i];
        shape[1 + n + i] = w->kernel[i], strides[1 + n + i] = dense[1 + i];
    }
    shape[1 + 2 * n] = tarn_dim(x, -1), strides[1 + 2 * n] = 1;
    return tarn_as_strided(x, ((tarn_ints){shape, 2 * n + 2}), ((tarn_ints){strides, 2 * n + 2}), .offset = 0);
}

static tarn_ints kernel_axes(const windows *w, int64_t *axes) {
    for (int64_t i = 0; i < w->axes; i++) axes[i] = 1 + w->axes + i;
    return (tarn_ints){axes, w->axes};
}

tarn_array *tarn_max_pool_with(tarn_array *x, tarn_ints kernel, tarn_pool_options o) {
    windows w;
    int64_t axes[3];
    if (!REQUIRE(x) || !windows_of("max_pool", x, kernel, o, &w)) return NULL;
    return tarn_max(window_view(padded(x, &w, -INFINITY), &w), .axes = kernel_axes(&w, axes));
}

tarn_array *tarn_avg_pool_with(tarn_array *x, tarn_ints kernel, tarn_pool_options o) {
    windows w;
    int64_t axes[3];
    if (!REQUIRE(x) || !windows_of("avg_pool", x, kernel, o, &w)) return NULL;
    return tarn_mean(window_view(padded(x, &w, 0), &w), .axes = kernel_axes(&w, axes));
}
