/* Rows of reduce and arg_reduce. */
#include "cuda/cuda.h"
#include "cuda/kernels.h"

static unsigned axes_bits(tarn_ints axes, const operand *x) {
    if (!axes.values) return (1u << x->ndim) - 1;
    unsigned bits = 0;
    for (int64_t i = 0; i < axes.count; i++) bits |= 1u << axis_normal(axes.values[i], x->ndim);
    return bits;
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
    return k;
}

static bool run_reduce(const call *c) {
    const attributes_reduce *a = c->attributes;
    reduce_kernel k = reduction(c, axes_bits(a->axes, &c->inputs[0]));
    k.kind = (int)a->kind;
    if (k.kept > 0) launch_reduce(&k, cuda_stream_now);
    return true;
}

static bool supports_reduce(const call *c) {
    tarn_dtype from = c->inputs[0].dtype, to = c->outputs[0].dtype;
    if (from == TARN_COMPLEX64 || to == TARN_COMPLEX64) return false;
    if (to == TARN_BOOL || (to == from && from != TARN_BOOL)) return true;
    return (to == TARN_INT32 && (from == TARN_BOOL || from == TARN_INT8 || from == TARN_INT16)) ||
           (to == TARN_UINT32 && (from == TARN_UINT8 || from == TARN_UINT16));
}

static bool run_arg_reduce(const call *c) {
    const attributes_arg_reduce *a = c->attributes;
    const operand *x = &c->inputs[0];
    int axis = axis_normal(a->axis, x->ndim);
    reduce_kernel k = reduction(c, 1u << axis);
    k.least = a->least;
    if (k.kept == 0) return true;
    if (k.reduced == 0) return tarn_fail("arg_reduce: axis %d is empty, so that nothing in it is largest", axis);
    launch_arg_reduce(&k, cuda_stream_now);
    return true;
}

static bool supports_arg_reduce(const call *c) {
    return c->outputs[0].dtype == TARN_UINT32;
}

const kernel_row cuda_reduce = {CUDA_ROW(reduce),     .dtypes = DTYPES_ALL,        .selector = -1,
                                .layout = LAYOUT_ANY, .supports = supports_reduce, .run = run_reduce};
const kernel_row cuda_arg_reduce = {CUDA_ROW(arg_reduce),
                                    .dtypes = DTYPES_ALL & ~DTYPE_BIT(TARN_COMPLEX64),
                                    .selector = 0,
                                    .layout = LAYOUT_ANY,
                                    .supports = supports_arg_reduce,
                                    .run = run_arg_reduce};
