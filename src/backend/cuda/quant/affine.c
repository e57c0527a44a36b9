/* Rows of dequantize and quantized_matmul for affine weights: few rows of x by a kernel of their own, more by unpacking
 * and a dense product. */
#include "cuda/cuda.h"
#include "cuda/fuse/fuse.h"
#include "cuda/kernels.h"
#include "cuda/matmul/lt.h"

enum {
    FEW = 8,
    MOST_BATCH = 32,
    MOST_K = 24576 /* of which shared memory holds a row of floats */,
    MOST_WEIGHT_ROWS = 4 << 20,
    ALIGNMENT = 256
};
#define SCALES (DTYPE_BIT(TARN_FLOAT16) | DTYPE_BIT(TARN_BFLOAT16) | DTYPE_BIT(TARN_FLOAT32))

static affine_kernel packed(const operand *o, int64_t bits, int64_t group) {
    int64_t words = o[0].shape[o[0].ndim - 1];
    affine_kernel k = {.words = o[0].data,
                       .scales = o[1].data,
                       .biases = o[2].data,
                       .scale_dtype = (int)o[1].dtype,
                       .bits = (int)bits,
                       .group = group,
                       .k = words * 32 / bits};
    k.rows = words ? operand_size(&o[0]) / words : 0;
    return k;
}

affine_kernel dequantize_of(const call *c) {
    const attributes_dequantize *a = c->attributes;
    affine_kernel k = packed(c->inputs, a->bits, a->group_size);
    k.to = c->outputs[0].data;
    k.dtype = (int)c->outputs[0].dtype;
    k.stepwise = true;
    return k;
}

static bool run_dequantize(const call *c) {
    affine_kernel k = dequantize_of(c);
    if (k.rows > 0) launch_dequantize(&k, cuda_stream_now);
    return true;
}

static bool supports_dequantize(const call *c) {
    const attributes_dequantize *a = c->attributes;
    return a->mode == QUANT_affine && a->bits > 1 && (SCALES & DTYPE_BIT(c->inputs[1].dtype));
}

/* ---- quantized_matmul */
static int64_t rows_of_x(const call *c) {
    const operand *x = &c->inputs[0];
    int64_t k = x->shape[x->ndim - 1];
    return k ? operand_size(x) / k : 0;
}

/* Shared memory holds a row, of float32 with weights of 8 bits in 9 bytes for two numbers, and sums (launch_normed in
   vector.cu has as many as there is room for). */
static bool is_few(const call *c) {
    enum { SUMS_BYTES = 20 << 10 };
    int64_t k = c->inputs[0].shape[c->inputs[0].ndim - 1];
    return ((const attributes_quantized_matmul *)c->attributes)->transpose && rows_of_x(c) <= FEW && k <= MOST_K &&
           k * 9 / 2 <= cuda_shared_bytes() - SUMS_BYTES;
}

static bool supports_product(const call *c) {
    const attributes_quantized_matmul *a = c->attributes;
    return a->mode == QUANT_affine && a->bits > 1 && c->inputs[1].ndim == 2 &&
           c->outputs[0].dtype == c->inputs[0].dtype && (SCALES & DTYPE_BIT(c->inputs[2].dtype));
}

/* One row of x, which the integer matrix units take. */
static bool is_vector(const affine_kernel *k) {
    bool fits = (k->bits == 4 && k->k % 256 == 0 && k->group >= 64) || (k->bits == 8 && k->k % 128 == 0);
    return k->m == 1 && fits && ((uintptr_t)k->x | (uintptr_t)k->words) % 16 == 0;
}

/* Words, scales and biases: bits of inputs. */
static bool weights_are_constant(unsigned constant) {
    return (constant & 14) == 14;
}

static packed_vector_kernel vector_of(const affine_kernel *k, unsigned constant) {
    return (packed_vector_kernel){.x = k->x,
                                  .dtype = k->dtype,
                                  .scale_dtype = k->scale_dtype,
                                  .bits = k->bits,
                                  .early = weights_are_constant(constant),
                                  .k = k->k,
                                  .group = k->group,
                                  .part = {k->words, k->scales, k->biases, k->to, k->rows}};
}

static affine_kernel product_of(const call *c) {
    const attributes_quantized_matmul *a = c->attributes;
    affine_kernel k = packed(c->inputs + 1, a->bits, a->group_size);
    k.x = c->inputs[0].data;
    k.to = c->outputs[0].data;
    k.dtype = (int)c->outputs[0].dtype;
    k.m = rows_of_x(c);
    return k;
}

bool packed_vector_of(const call *c, unsigned constant, packed_vector_kernel *v) {
    affine_kernel k = product_of(c);
    *v = vector_of(&k, constant);
    return is_few(c) && operand_size(&c->outputs[0]) > 0 && is_vector(&k);
}

static int64_t aligned(int64_t bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static int64_t unpacked_bytes(const call *c) {
    const attributes_quantized_matmul *a = c->attributes;
    return aligned(operand_size(&c->inputs[1]) * 32 / a->bits * dtype_bytes(c->outputs[0].dtype));
}

/* Places within the words have 32 bits. */
static bool has_short_places(const call *c) {
    return operand_size(&c->inputs[1]) <= UINT32_MAX / 4;
}

/* Some rows of x, which the matrix units take as the weights are read. */
static bool is_batch(const call *c) {
    const attributes_quantized_matmul *a = c->attributes;
    const operand *x = &c->inputs[0];
    int64_t rows = rows_of_x(c), k = x->shape[x->ndim - 1];
    bool fits = x->dtype == TARN_FLOAT32 ? a->group_size >= 64 : a->group_size >= 32 && c->inputs[2].dtype == x->dtype;
    return a->transpose && a->bits == 4 && fits && rows > 1 && rows <= MOST_BATCH && k % 128 == 0 && k <= MOST_K &&
           has_short_places(c);
}

/* Many, which warpgroups take. */
static bool is_prompt(const call *c) {
    const attributes_quantized_matmul *a = c->attributes;
    const operand *x = &c->inputs[0];
    int64_t k = x->shape[x->ndim - 1], rows = c->outputs[0].shape[c->outputs[0].ndim - 1];
    return a->transpose && a->bits == 4 && a->group_size >= 32 && rows_of_x(c) > MOST_BATCH && k % 128 == 0 &&
           rows % 16 == 0 && rows_of_x(c) < INT32_MAX / 2 && rows < MOST_WEIGHT_ROWS && x->dtype != TARN_FLOAT32 &&
           c->inputs[2].dtype == x->dtype && has_short_places(c) && cuda_is_hopper();
}

/* Of float32, three halves a number, sums of 64, and a number for each 128. */
static int64_t spread_bytes(const call *c) {
    const operand *x = &c->inputs[0];
    int64_t numbers = (rows_of_x(c) + 7) / 8 * 8 * x->shape[x->ndim - 1];
    return aligned(numbers * (x->dtype == TARN_FLOAT32 ? 8 : 2));
}

bool packed_rows_of(const call *c, unsigned constant, packed_rows_kernel *p) {
    bool few = is_batch(c);
    if (operand_size(&c->outputs[0]) == 0 || (!few && !is_prompt(c))) return false;
    affine_kernel k = product_of(c);
    *p = (packed_rows_kernel){.to = k.to,
                              .x = k.x,
                              .spread = few ? c->workspace : (void *)aligned((int64_t)(intptr_t)c->workspace),
                              .words = k.words,
                              .scales = k.scales,
                              .biases = k.biases,
                              .dtype = k.dtype,
                              .scale_dtype = k.scale_dtype,
                              .early = weights_are_constant(constant),
                              .eights = few ? (int)(k.m + 7) / 8 : 0,
                              .m = k.m,
                              .k = k.k,
                              .rows = k.rows,
                              .group = k.group};
    return ((uintptr_t)k.words | (uintptr_t)(few ? c->workspace : k.to)) % 16 == 0;
}

bool launch_packed_rows(const packed_rows_kernel *k, kernel_stream stream) {
    if (!k->eights) return launch_prompt(k, stream);
    launch_batch(k, stream);
    return true;
}

static int64_t workspace(const call *c) {
    if (is_batch(c)) return spread_bytes(c);
    if (is_prompt(c)) return spread_bytes(c) + ALIGNMENT;
    return is_few(c) ? 0 : unpacked_bytes(c) + LT_WORKSPACE;
}

/* A block takes a row of x, and a grid has no more of them. */
static void launch_rows(affine_kernel k) {
    enum { MOST = 65535 };
    int64_t row = k.k * dtype_bytes((tarn_dtype)k.dtype), made = k.rows * dtype_bytes((tarn_dtype)k.dtype);
    for (int64_t left = k.m; left > 0; left -= k.m) {
        k.m = left < MOST ? left : MOST;
        launch_affine_matvec(&k, cuda_stream_now);
        k.x = (const char *)k.x + k.m * row;
        k.to = (char *)k.to + k.m * made;
    }
}

static bool run_product(const call *c) {
    const attributes_quantized_matmul *a = c->attributes;
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    affine_kernel k = product_of(c);
    packed_vector_kernel v;
    packed_rows_kernel r;
    if (operand_size(out) == 0) return true;
    if (packed_vector_of(c, cuda_constant_inputs, &v)) return launch_packed_vector(&v, cuda_stream_now), true;
    if (packed_rows_of(c, cuda_constant_inputs, &r) && launch_packed_rows(&r, cuda_stream_now)) return true;
    if (is_few(c) || is_batch(c) || is_prompt(c)) return launch_rows(k), true;
    k.to = c->workspace;
    launch_dequantize(&k, cuda_stream_now);
    lt_product dense = {.dtype = out->dtype,
                        .m = k.m,
                        .n = out->shape[out->ndim - 1],
                        .k = x->shape[x->ndim - 1],
                        .batch = 1,
                        .a_step = x->shape[x->ndim - 1],
                        .b_step = k.k,
                        .b_transposed = a->transpose};
    return lt_multiply(&dense, out->data, x->data, c->workspace, (char *)c->workspace + unpacked_bytes(c));
}

static bool prepare(const call *c, void **prepared) {
    static char good;
    *prepared = &good;
    return cuda_report(is_few(c) || is_batch(c) || is_prompt(c) || lt_prepare());
}

const kernel_row cuda_dequantize = {
    CUDA_ROW(dequantize), .dtypes = SCALES, .selector = -1, .layout = LAYOUT_DENSE, .supports = supports_dequantize,
    .run = run_dequantize};
const kernel_row cuda_quantized_matmul = {
    CUDA_ROW(quantized_matmul),   .dtypes = SCALES,       .selector = -1,     .layout = LAYOUT_DENSE,
    .supports = supports_product, .workspace = workspace, .prepare = prepare, .run = run_product};
