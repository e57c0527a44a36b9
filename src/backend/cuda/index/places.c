/* Rows of nonzero and checked_indices, whose errors depend on data. */
#include "cuda/cuda.h"
#include "cuda/kernels.h"

/* ---- checked_indices: the second input is there for its shape */
static int checked_axis(const call *c) {
    return axis_normal(((const attributes_checked_indices *)c->attributes)->axis, c->inputs[1].ndim);
}

static void say_index(const call *c, const uint64_t *words) {
    int axis = checked_axis(c);
    tarn_fail_kind(TARN_ERROR_INDEX, "gather: index %lld on axis %d, which has %lld elements", (long long)words[1],
                   axis, (long long)c->inputs[1].shape[axis]);
}

static bool run_checked_indices(const call *c) {
    const operand *indices = &c->inputs[0];
    check_kernel k = {.to = c->outputs[0].data,
                      .from = indices->data,
                      .dtype = (int)indices->dtype,
                      .ndim = indices->ndim,
                      .n = operand_size(indices),
                      .size = c->inputs[1].shape[checked_axis(c)]};
    for (int i = 0; i < k.ndim; i++) k.shape[i] = indices->shape[i], k.strides[i] = indices->strides[i];
    if (k.n == 0) return true;
    cuda_status *status = cuda_status_new(c, say_index);
    if (!status) return false;
    k.status = cuda_status_words(status);
    launch_check(&k, cuda_stream_now);
    return cuda_status_send(status);
}

/* ---- nonzero */
static nonzero_kernel truths_of(const call *c) {
    const attributes_nonzero *a = c->attributes;
    const operand *x = &c->inputs[0];
    nonzero_kernel k = {.from = x->data, .counts = c->workspace, .rows = 1, .n = 1, .size = a->size, .fill = a->fill};
    for (int i = 0; i < x->ndim; i++) {
        bool row = i < a->batch;
        int at = row ? k.row_ndim++ : k.ndim++;
        (row ? k.row_shape : k.shape)[at] = x->shape[i];
        (row ? k.row_strides : k.strides)[at] = x->strides[i];
        *(row ? &k.rows : &k.n) *= x->shape[i];
    }
    for (int i = 0; i < k.ndim; i++) k.to[i] = c->outputs[i].data;
    k.parts = (k.n + NONZERO_PART - 1) / NONZERO_PART;
    return k;
}

static int64_t nonzero_workspace(const call *c) {
    nonzero_kernel k = truths_of(c);
    return k.rows * (k.parts + 1) * (int64_t)sizeof(uint32_t);
}

static void say_found(const call *c, const uint64_t *words) {
    tarn_fail("nonzero: %lld elements of a mask are true, there are values for %lld", (long long)words[1],
              (long long)((const attributes_nonzero *)c->attributes)->size);
}

static bool run_nonzero(const call *c) {
    nonzero_kernel k = truths_of(c);
    cuda_status *status = NULL;
    if (k.rows == 0) return true;
    if (((const attributes_nonzero *)c->attributes)->check) {
        if (!(status = cuda_status_new(c, say_found))) return false;
        k.found = cuda_status_words(status);
    }
    launch_nonzero(&k, cuda_stream_now);
    return !status || cuda_status_send(status);
}

static bool supports_nonzero(const call *c) {
    return operand_size(&c->inputs[0]) < UINT32_MAX;
}

#define INTEGERS (DTYPES_ALL & ~DTYPES_FLOAT & ~DTYPE_BIT(TARN_BOOL) & ~DTYPE_BIT(TARN_COMPLEX64))
const kernel_row cuda_checked_indices = {CUDA_ROW(checked_indices), .dtypes = INTEGERS,    .selector = 0,
                                         .layout = LAYOUT_ANY,      .any_address = 1 << 1, .run = run_checked_indices};
const kernel_row cuda_nonzero = {CUDA_ROW(nonzero),    .dtypes = DTYPE_BIT(TARN_BOOL), .selector = 0,
                                 .layout = LAYOUT_ANY, .supports = supports_nonzero,   .workspace = nonzero_workspace,
                                 .run = run_nonzero};
