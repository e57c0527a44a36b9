/* Rows of quantize, and of dequantize and quantized_matmul for what affine.c does not take: floats of few bits, one
   bit, weights that have a batch. */
#include "cuda/cuda.h"
#include "cuda/kernels.h"
#include "cuda/matmul/lt.h"
#include "table/absent.h"

enum { SCALES_AT = 1, BIASES_AT, GLOBAL_AT, FEW = 8 };
#define NUMBERS (DTYPE_BIT(TARN_FLOAT16) | DTYPE_BIT(TARN_BFLOAT16) | DTYPE_BIT(TARN_FLOAT32))

static bool is_known(quant_mode mode) {
    return mode == QUANT_affine || mode == QUANT_mxfp4 || mode == QUANT_mxfp8 || mode == QUANT_nvfp4;
}

static const void *part(const operand *o, int count, int i) {
    return i < count ? o[i].data : NULL;
}

/* The packed weight o[0] and its parts. */
static coded_kernel coded(const operand *o, int count, quant_mode mode, int64_t bits, int64_t group) {
    int64_t words = o[0].shape[o[0].ndim - 1];
    coded_kernel k = {.words = o[0].data,
                      .scales = o[SCALES_AT].data,
                      .biases = part(o, count, BIASES_AT),
                      .global = part(o, count, GLOBAL_AT),
                      .mode = (int)mode,
                      .scale_dtype = (int)o[SCALES_AT].dtype,
                      .step_dtype = (int)TARN_FLOAT32,
                      .bits = (int)bits,
                      .group = group,
                      .k = words * 32 / bits};
    k.rows = words ? operand_size(&o[0]) / words : 0;
    return k;
}

/* ---- dequantize */
static bool run_dequantize(const call *c) {
    const attributes_dequantize *a = c->attributes;
    coded_kernel k = coded(c->inputs, c->input_count, a->mode, a->bits, a->group_size);
    k.to = c->outputs[0].data;
    k.dtype = (int)c->outputs[0].dtype;
    k.step_dtype = a->mode == QUANT_affine ? k.scale_dtype : k.global ? (int)TARN_FLOAT32 : k.dtype;
    if (k.rows > 0) launch_unpack_coded(&k, cuda_stream_now);
    return true;
}

static bool supports_dequantize(const call *c) {
    return is_known(((const attributes_dequantize *)c->attributes)->mode);
}

/* ---- quantized_matmul */
static void take_batch(coded_kernel *k, const operand *x, const operand *w, const operand *out) {
    int64_t x_step = k->m * k->depth, row_step = w->shape[w->ndim - 2];
    k->ndim = out->ndim - 2;
    k->batch = 1;
    for (int i = k->ndim - 1; i >= 0; i--) {
        int at_x = i - k->ndim + x->ndim - 2, at_w = i - k->ndim + w->ndim - 2;
        k->shape[i] = out->shape[i];
        k->batch *= out->shape[i];
        k->x_strides[i] = at_x >= 0 && x->shape[at_x] > 1 ? x_step : 0;
        k->row_strides[i] = at_w >= 0 && w->shape[at_w] > 1 ? row_step : 0;
        x_step *= at_x >= 0 ? x->shape[at_x] : 1;
        row_step *= at_w >= 0 ? w->shape[at_w] : 1;
    }
}

static coded_kernel product_of(const call *c) {
    const attributes_quantized_matmul *a = c->attributes;
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    coded_kernel k = coded(c->inputs + 1, c->input_count - 1, a->mode, a->bits, a->group_size);
    k.x = x->data;
    k.to = out->data;
    k.dtype = (int)out->dtype;
    k.transposed = a->transpose;
    k.m = out->shape[out->ndim - 2];
    k.n = out->shape[out->ndim - 1];
    k.depth = x->shape[x->ndim - 1];
    take_batch(&k, x, &c->inputs[1], out);
    return k;
}

/* Many rows by a weight that all share: unpacked, then multiplied by the library. Halves of five bits of exponent do
   not hold every weight. */
static bool is_unpacked(const call *c) {
    const operand *x = &c->inputs[0];
    int64_t depth = x->shape[x->ndim - 1], rows = depth ? operand_size(x) / depth : 0;
    return c->inputs[1].ndim == 2 && rows > FEW && c->outputs[0].dtype != TARN_FLOAT16;
}

static int64_t unpacked_bytes(const call *c) {
    const attributes_quantized_matmul *a = c->attributes;
    int64_t bytes = operand_size(&c->inputs[1]) * 32 / a->bits * dtype_bytes(c->outputs[0].dtype);
    return (bytes + 255) & ~(int64_t)255;
}

static int64_t workspace(const call *c) {
    return is_unpacked(c) ? unpacked_bytes(c) + LT_WORKSPACE : 0;
}

static bool run_unpacked(const call *c, coded_kernel k) {
    const operand *out = &c->outputs[0];
    lt_product p = {.dtype = out->dtype,
                    .m = k.m * k.batch,
                    .n = k.n,
                    .k = k.depth,
                    .batch = 1,
                    .a_step = k.depth,
                    .b_step = k.k,
                    .b_transposed = k.transposed};
    k.to = c->workspace;
    launch_unpack_coded(&k, cuda_stream_now);
    return lt_multiply(&p, out->data, c->inputs[0].data, c->workspace, (char *)c->workspace + unpacked_bytes(c));
}

static bool run_product(const call *c) {
    if (operand_size(&c->outputs[0]) == 0) return true;
    coded_kernel k = product_of(c);
    if (is_unpacked(c)) return run_unpacked(c, k);
    launch_multiply_coded(&k, cuda_stream_now);
    return true;
}

static bool supports_product(const call *c) {
    return is_known(((const attributes_quantized_matmul *)c->attributes)->mode) && c->inputs[0].ndim >= 2 &&
           c->inputs[1].ndim >= 2 && c->outputs[0].dtype == c->inputs[0].dtype;
}

static bool prepare(const call *c, void **prepared) {
    static char good;
    *prepared = &good;
    return cuda_report(!is_unpacked(c) || lt_prepare());
}

/* ---- quantize */
static bool run_quantize(const call *c) {
    const attributes_quantize *a = c->attributes;
    const operand *x = &c->inputs[0];
    make_coded_kernel k = {.words = c->outputs[0].data,
                           .scales = c->outputs[SCALES_AT].data,
                           .biases = c->output_count > BIASES_AT ? c->outputs[BIASES_AT].data : NULL,
                           .from = x->data,
                           .global = part(c->inputs, c->input_count, 1),
                           .mode = (int)a->mode,
                           .dtype = (int)x->dtype,
                           .scale_dtype = (int)c->outputs[SCALES_AT].dtype,
                           .bits = (int)a->bits,
                           .group = a->group_size,
                           .groups = operand_size(x) / a->group_size};
    if (k.groups > 0) launch_make_coded(&k, cuda_stream_now);
    return true;
}

static bool supports_quantize(const call *c) {
    return is_known(((const attributes_quantize *)c->attributes)->mode);
}

#define DENSE_NUMBERS .dtypes = NUMBERS, .layout = LAYOUT_DENSE
const kernel_row cuda_dequantize_coded = {.op = OP_dequantize,
                                          .name = "dequantize_coded_cuda",
                                          DENSE_NUMBERS,
                                          .selector = -1,
                                          .supports = supports_dequantize,
                                          .run = run_dequantize};
const kernel_row cuda_quantized_matmul_coded = {.op = OP_quantized_matmul,
                                                .name = "quantized_matmul_coded_cuda",
                                                DENSE_NUMBERS,
                                                .selector = -1,
                                                .supports = supports_product,
                                                .workspace = workspace,
                                                .prepare = prepare,
                                                .run = run_product};
const kernel_row cuda_quantize = {CUDA_ROW(quantize),     .dtypes = DTYPES_FLOAT,        .selector = 0,
                                  .layout = LAYOUT_DENSE, .supports = supports_quantize, .run = run_quantize};
