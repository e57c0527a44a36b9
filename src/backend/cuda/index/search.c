/* Rows of searchsorted, to_fp8 and from_fp8. */
#include "cuda/cuda.h"
#include "cuda/kernels.h"

/* sorted [batch ..., n], values [batch ..., ...] */
static bool run_searchsorted(const call *c) {
    const operand *sorted = &c->inputs[0], *values = &c->inputs[1], *out = &c->outputs[0];
    int last = sorted->ndim - 1;
    search_kernel k = {.to = out->data,
                       .sorted = sorted->data,
                       .values = values->data,
                       .dtype = (int)sorted->dtype,
                       .right = ((const attributes_searchsorted *)c->attributes)->right,
                       .ndim = out->ndim,
                       .n = operand_size(out),
                       .length = sorted->shape[last],
                       .step = sorted->strides[last]};
    for (int i = 0; i < out->ndim; i++) {
        k.shape[i] = out->shape[i];
        k.row_strides[i] = i < last ? sorted->strides[i] : 0;
        k.value_strides[i] = values->strides[i];
        k.to_strides[i] = out->strides[i];
    }
    if (k.n > 0) launch_search(&k, cuda_stream_now);
    return true;
}

static float8_kernel numbers_of(const call *c, tarn_dtype dtype) {
    return (float8_kernel){
        .to = c->outputs[0].data, .from = c->inputs[0].data, .dtype = (int)dtype, .n = operand_size(&c->inputs[0])};
}

static bool run_to_fp8(const call *c) {
    float8_kernel k = numbers_of(c, c->inputs[0].dtype);
    if (k.n > 0) launch_to_float8(&k, cuda_stream_now);
    return true;
}

static bool run_from_fp8(const call *c) {
    float8_kernel k = numbers_of(c, c->outputs[0].dtype);
    if (k.n > 0) launch_from_float8(&k, cuda_stream_now);
    return true;
}

#define NUMBERS .dtypes = DTYPES_FLOAT, .layout = LAYOUT_DENSE
const kernel_row cuda_searchsorted = {CUDA_ROW(searchsorted), .dtypes = DTYPES_ALL, .selector = 0, .layout = LAYOUT_ANY,
                                      .run = run_searchsorted};
const kernel_row cuda_to_fp8 = {CUDA_ROW(to_fp8), NUMBERS, .selector = 0, .run = run_to_fp8};
const kernel_row cuda_from_fp8 = {CUDA_ROW(from_fp8), NUMBERS, .selector = -1, .run = run_from_fp8};
