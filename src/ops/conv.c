/* Convolutions, channels last: the shape rule, and the C functions, which differ in their options alone. Gradients and
   batching are convolutions again: conv_rules.c. */
#include "table/conv.h"

#include <string.h>

#include "ops/front.h"
#include "ops/rules.h"

static const int64_t most_entry = INT32_MAX;

/* ---- the shape */

static bool check_list(const char *name, tarn_ints list, int axes, int64_t least) {
    if (list.count == 0) return true;
    if (list.count != axes && list.count != 1)
        return tarn_fail("conv: %s has %lld entries for %d spatial axes", name, (long long)list.count, axes);
    for (int64_t i = 0; i < list.count; i++)
        if (list.values[i] < least || list.values[i] > most_entry)
            return tarn_fail("conv: %s is %lld; it is from %lld to 2^31 - 1", name, (long long)list.values[i],
                             (long long)least);
    return true;
}

static bool check_lists(const attributes_conv *a, int axes) {
    return check_list("stride", a->stride, axes, 1) && check_list("padding", a->low, axes, -most_entry) &&
           check_list("padding", a->high, axes, -most_entry) &&
           check_list("kernel dilation", a->kernel_dilation, axes, 1) &&
           check_list("input dilation", a->input_dilation, axes, 1);
}

static bool check_channels(const tarn_array *x, const tarn_array *w, int64_t groups) {
    int64_t channels = x->shape[x->ndim - 1], outs = w->shape[0];
    if (groups < 1 || channels % groups || outs % groups)
        return tarn_fail("conv: %lld groups of %lld input and %lld output channels", (long long)groups,
                         (long long)channels, (long long)outs);
    if (channels / groups == w->shape[w->ndim - 1]) return true;
    return fail_shapes(x, " and ", w, "conv: the weight's last axis is not the %lld channels of a group",
                       (long long)(channels / groups));
}

static bool check_arrays(const tarn_array *x, const tarn_array *w) {
    if (x->ndim < 3 || w->ndim != x->ndim)
        return fail_shapes(x, " and ", w, "conv: the input is [n, spatial ..., c], the weight [o, kernel ..., c]");
    if (x->dtype != w->dtype || dtype_kind_of(x->dtype) < KIND_FLOAT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "conv: %s by %s is not supported", dtype_facts[x->dtype].name,
                              dtype_facts[w->dtype].name);
    return true;
}

/* How many places the kernel has along an axis. */
static bool places(const attributes_conv *a, int axis, int64_t size, int64_t kernel, int64_t *count) {
    if (kernel < 1) return tarn_fail("conv: the kernel is empty along spatial axis %d", axis);
    if (size > INT64_MAX / 4 / most_entry || kernel > INT64_MAX / 4 / most_entry)
        return tarn_fail("conv: spatial axis %d is too long", axis);
    conv_axis c = conv_axis_of(a, axis, kernel);
    int64_t padded = conv_widened(&c, size) + c.low + c.high, reach = conv_reach(&c, kernel);
    if (padded < reach)
        return tarn_fail("conv: the kernel reaches over %lld elements, of which spatial axis %d has %lld with padding",
                         (long long)reach, axis, (long long)padded);
    *count = (padded - reach) / c.stride + 1;
    return true;
}

static bool infer(inference *i) {
    const tarn_array *x = i->inputs[0], *w = i->inputs[1], *like = i->input_count > 2 ? i->inputs[2] : NULL;
    const attributes_conv *a = i->attributes;
    int64_t shape[TARN_MAX_NDIM];
    if (!check_arrays(x, w) || !check_lists(a, x->ndim - 2) || !check_channels(x, w, a->groups)) return false;
    if (like && like->ndim != x->ndim) return fail_shapes(like, NULL, NULL, "conv: the result has %d axes", x->ndim);
    shape[0] = x->shape[0];
    for (int k = 1; k < x->ndim - 1; k++)
        if (like)
            shape[k] = like->shape[k];
        else if (!places(a, k - 1, x->shape[k], w->shape[k], &shape[k]))
            return false;
    shape[x->ndim - 1] = w->shape[0];
    return types_add(i, x->dtype, x->ndim, shape);
}

/* The padding after x that gives so many places. */
bool formula_conv_like(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    const tarn_array *x = inputs[0], *w = inputs[1], *out = &n->outputs[0];
    attributes_conv a = *(const attributes_conv *)n->attributes;
    int64_t high[TARN_MAX_NDIM];
    a.high = (tarn_ints){NULL, 0};
    for (int k = 1; k < x->ndim - 1; k++) {
        conv_axis c = conv_axis_of(&a, k - 1, w->shape[k]);
        high[k - 1] = c.stride * (out->shape[k] - 1) + conv_reach(&c, w->shape[k]) - conv_widened(&c, x->shape[k]) -
                      c.low - c.high;
    }
    a.high = (tarn_ints){high, x->ndim - 2};
    outputs[0] = array_size(out) ? BUILD(conv, &a, inputs[0], inputs[1]) : tarn_zeros(array_shape(out), out->dtype);
    return outputs[0] != NULL;
}

/* ---- the functions */

static tarn_array *as(tarn_array *x, tarn_dtype dtype) {
    return x->dtype == dtype ? x : tarn_astype(x, dtype);
}

/* An input of integers is refused, a weight of them promoted, as MLX does. */
static tarn_array *conv_of(tarn_array *x, tarn_array *w, const attributes_conv *a) {
    if (!x || !w) return NULL;
    if (dtype_kind_of(x->dtype) < KIND_FLOAT)
        return tarn_fail_kind(TARN_ERROR_TYPE, "conv: %s by %s is not supported", dtype_facts[x->dtype].name,
                              dtype_facts[w->dtype].name),
               NULL;
    tarn_dtype dtype = dtype_promote(x->dtype, w->dtype);
    return BUILD(conv, a, as(x, dtype), as(w, dtype));
}

tarn_array *tarn_conv_general_with(tarn_array *x, tarn_array *weight, tarn_conv_general_options o) {
    FRONT("conv_general");
    REQUIRE(x, weight);
    attributes_conv a = {.stride = o.stride,
                         .low = o.padding,
                         .high = o.padding_after.values || o.padding_after.count ? o.padding_after : o.padding,
                         .kernel_dilation = o.kernel_dilation,
                         .input_dilation = o.input_dilation,
                         .groups = o.groups ? o.groups : 1,
                         .flip = o.flip};
    return conv_of(x, weight, &a);
}

static bool check_spatial(const char *name, const tarn_array *x, int axes) {
    if (x->ndim == axes + 2) return true;
    return fail_shapes(x, NULL, NULL, "%s: the input has %d axes: [n, spatial ..., c]", name, axes + 2);
}

#define CONV(name, axes)                                                                                               \
    tarn_array *tarn_##name##_with(tarn_array *x, tarn_array *weight, tarn_conv_options o) {                           \
        FRONT(#name);                                                                                                  \
        REQUIRE(x, weight);                                                                                            \
        if (!check_spatial(#name, x, axes)) return NULL;                                                               \
        return conv_of(x, weight,                                                                                      \
                       &(attributes_conv){.stride = o.stride,                                                          \
                                          .low = o.padding,                                                            \
                                          .high = o.padding,                                                           \
                                          .kernel_dilation = o.dilation,                                               \
                                          .groups = o.groups ? o.groups : 1});                                         \
    }
CONV(conv1d, 1)
CONV(conv2d, 2)
CONV(conv3d, 3)

/* What conv does to its input's gradient: x with stride - 1 zeros between elements, by the kernel backwards. Padding
   takes away from the full result. */
static tarn_array *transposed(const char *name, tarn_array *x, tarn_array *weight, int axes,
                              const tarn_conv_transpose_options *o) {
    int64_t low[TARN_MAX_NDIM], high[TARN_MAX_NDIM];
    if (!check_spatial(name, x, axes) || !check_list("padding", o->padding, axes, -most_entry) ||
        !check_list("output padding", o->output_padding, axes, -most_entry))
        return NULL;
    for (int i = 0; i < axes; i++) {
        low[i] = -conv_entry(o->padding, i, 0);
        high[i] = low[i] + conv_entry(o->output_padding, i, 0);
    }
    attributes_conv a = {.low = {low, axes},
                         .high = {high, axes},
                         .kernel_dilation = o->dilation,
                         .input_dilation = o->stride,
                         .groups = o->groups ? o->groups : 1,
                         .flip = true,
                         .full = true};
    return conv_of(x, weight, &a);
}

#define CONV_TRANSPOSE(name, axes)                                                                                     \
    tarn_array *tarn_##name##_with(tarn_array *x, tarn_array *weight, tarn_conv_transpose_options o) {                 \
        FRONT(#name);                                                                                                  \
        REQUIRE(x, weight);                                                                                            \
        return transposed(#name, x, weight, axes, &o);                                                                 \
    }
CONV_TRANSPOSE(conv_transpose1d, 1)
CONV_TRANSPOSE(conv_transpose2d, 2)
CONV_TRANSPOSE(conv_transpose3d, 3)

/* full: all places at which x and v meet; the same: as many as x has; valid: those at which all of v meets x. */
static bool convolve_mode(const char *mode, int64_t kernel, attributes_conv *a, int64_t *before, int64_t *after) {
    a->full = !mode || strcmp(mode, "full") == 0;
    bool same = mode && strcmp(mode, "same") == 0;
    if (!a->full && !same && strcmp(mode, "valid") != 0)
        return tarn_fail("convolve: there is no mode \"%.32s\": full, same or valid", mode);
    *after = same ? (kernel - 1) / 2 : 0;
    *before = same ? kernel - 1 - *after : 0;
    return true;
}

tarn_array *tarn_convolve_with(tarn_array *x, tarn_array *v, tarn_convolve_options o) {
    FRONT("convolve");
    REQUIRE(x, v);
    if (x->ndim != 1 || v->ndim != 1) return fail_shapes(x, " and ", v, "convolve: inputs have one axis"), NULL;
    if (x->shape[0] == 0 || v->shape[0] == 0) return tarn_fail("convolve: an input is empty"), NULL;
    if (tarn_dim(v, 0) > tarn_dim(x, 0)) { /* which depends on the sizes */
        tarn_array *longer = v;
        v = x;
        x = longer;
    }
    int64_t low, high;
    attributes_conv a = {.low = {&low, 1}, .high = {&high, 1}, .groups = 1, .flip = true};
    if (!convolve_mode(o.mode, v->shape[0], &a, &low, &high)) return NULL;
    tarn_array *out = conv_of(tarn_expand_dims(x, TARN_AXES(0, -1)), tarn_expand_dims(v, TARN_AXES(0, -1)), &a);
    return tarn_squeeze(out, .axes = TARN_AXES(0, -1));
}

const op_rules rules_conv = {.infer = infer, .vjp = vjp_conv, .jvp = jvp_conv, .vmap = vmap_conv};
const op_rules rules_conv_like = {
    .infer = infer, .vjp = vjp_conv_like, .jvp = jvp_conv_like, .vmap = vmap_conv_like, .formula = formula_conv_like};
