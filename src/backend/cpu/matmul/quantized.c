/* The op quantized_matmul: x [..., m, k] by packed affine weights, which may have leading axes of their own. */
#include "cpu/matmul/quantized.h"

#include "cpu/matmul/affine.h"
#include "table/quant.h"

enum { X, W, SCALES, BIASES };

static bool is_short(tarn_dtype dtype) {
    return dtype == TARN_FLOAT32 || dtype == TARN_BFLOAT16 || dtype == TARN_FLOAT16;
}

static int64_t row_stride(const operand *o) {
    return o->strides[o->ndim - 2];
}

quantized_lines affine_lines_of(const operand *packed, const operand *scales, const operand *biases, int bits,
                                int group) {
    return (quantized_lines){.packed = packed->data,
                             .scales = scales->data,
                             .biases = biases->data,
                             .scale_dtype = matmul_dtype_of(scales->dtype),
                             .bits = bits,
                             .group = group,
                             .packed_stride = row_stride(packed) * 4,
                             .group_stride = row_stride(scales)};
}

/* The first product; its pointers move with the batch. */
static affine_problem describe(const call *c, batch_axes *axes) {
    const attributes_quantized_matmul *a = c->attributes;
    const operand *in = c->inputs;
    batch_of(axes, &c->outputs[0], in, 4);
    return (affine_problem){.base = token_product_of(&in[X], &c->outputs[0], axes, !a->transpose),
                            .weights =
                                affine_lines_of(&in[W], &in[SCALES], &in[BIASES], (int)a->bits, (int)a->group_size)};
}

static bool known_format(const attributes_quantized_matmul *a) {
    return a->mode == QUANT_affine && a->bits > 1 && quant_exists(a->mode, a->group_size, a->bits);
}

static bool supports(const call *c) {
    const operand *in = c->inputs;
    if (c->input_count < 4 || !known_format(c->attributes) || in[W].dtype != TARN_UINT32) return false;
    bool dtypes = is_short(in[SCALES].dtype) && in[BIASES].dtype == in[SCALES].dtype && is_short(c->outputs[0].dtype);
    int64_t lines = in[SCALES].shape[in[SCALES].ndim - 2];
    return dtypes && (lines <= 1 || row_stride(&in[SCALES]) == row_stride(&in[BIASES]));
}

static int64_t workspace(const call *c) {
    batch_axes axes;
    affine_problem p = describe(c, &axes);
    return affine_workspace(&p);
}

static bool run(const call *c) {
    batch_axes axes;
    affine_problem first = describe(c, &axes);
    for (int64_t i = 0; i < axes.count; i++) {
        affine_problem p = first;
        int64_t scale_bytes = matmul_dtype_bytes(p.weights.scale_dtype);
        token_product_move(&p.base, &axes, i);
        p.weights.packed += batch_offset(&axes, W, i) * 4;
        p.weights.scales = (const char *)p.weights.scales + batch_offset(&axes, SCALES, i) * scale_bytes;
        p.weights.biases = (const char *)p.weights.biases + batch_offset(&axes, BIASES, i) * scale_bytes;
        affine_run(&p, c->workspace);
    }
    return true;
}

const kernel_row matmul_quantized_row = {.op = OP_quantized_matmul,
                                         .name = "quantized_matmul_cpu",
                                         .dtypes = DTYPE_BIT(TARN_FLOAT32) | DTYPE_BIT(TARN_BFLOAT16) |
                                                   DTYPE_BIT(TARN_FLOAT16),
                                         .layout = LAYOUT_ROWS,
                                         .any_address = 2 | 4 | 8,
                                         .supports = supports,
                                         .workspace = workspace,
                                         .run = run};
