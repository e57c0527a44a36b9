/* Folding matters: activations [batch, time, k] against one weight are a single product of batch * time rows. */
#include "cpu/matmul/batch.h"

/* Stride of a factor along batch axis `axis` of the output, counted from the front. */
static int64_t stride_along(const operand *factor, int axis, int out_ndim) {
    int own = axis - (out_ndim - factor->ndim);
    return own < 0 || factor->shape[own] == 1 ? 0 : factor->strides[own];
}

static bool others_vary(const batch_axes *axes, int axis, int factor_count) {
    for (int f = 1; f < factor_count; f++)
        if (axes->strides[f][axis] != 0) return true;
    return false;
}

void batch_of(batch_axes *axes, const operand *out, const operand *factors, int factor_count) {
    int ndim = out->ndim - 2;
    axes->ndim = ndim;
    axes->folded = out->shape[ndim];
    for (int i = 0; i < ndim; i++) {
        axes->shape[i] = out->shape[i];
        for (int f = 0; f < factor_count; f++) axes->strides[f][i] = stride_along(&factors[f], i, out->ndim);
    }
    axes->row_stride = factors[0].strides[factors[0].ndim - 2];
    while (axes->ndim > 0) {
        int last = axes->ndim - 1;
        bool continues = axes->shape[last] == 1 || axes->strides[0][last] == axes->folded * axes->row_stride;
        if (!continues && axes->folded == 1) { /* a single row: the axis itself is the rows */
            axes->row_stride = axes->strides[0][last];
            continues = true;
        }
        if (!continues || others_vary(axes, last, factor_count)) break;
        axes->folded *= axes->shape[last];
        axes->ndim--;
    }
    axes->count = 1;
    for (int i = 0; i < axes->ndim; i++) axes->count *= axes->shape[i];
}

int64_t batch_offset(const batch_axes *axes, int f, int64_t i) {
    int64_t offset = 0;
    if (axes->ndim == 0) return 0;
    for (int d = axes->ndim - 1; d > 0; d--) {
        offset += i % axes->shape[d] * axes->strides[f][d];
        i /= axes->shape[d];
    }
    return offset + i * axes->strides[f][0];
}
