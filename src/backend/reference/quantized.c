/* MLX's affine quantization: quantize, dequantize and quantized_matmul. Each row of packed words is one little-endian stream of `bits` bits
   a number; group_size numbers share a scale and a bias: w = scale * q + bias. */
#include <math.h>
#include <string.h>

#include "reference/fold.h"
#include "reference/product.h"
#include "reference/reference.h"
#include "table/convert.h"

/* ---- quantize: in float32 whatever the dtype */
typedef struct {
    float scale, bias;
} affine;

/* The end of the range that is farther from zero becomes a multiple of the scale, so that zero is exact. */
static affine fit(float least, float most, int64_t levels) {
    bool negative = fabsf(least) > fabsf(most);
    float edge = negative ? least : most, scale = fmaxf((most - least) / (float)levels, 1e-7F);
    if (!negative) scale = -scale;
    float q = rintf(edge / scale);
    return q != 0 ? (affine){edge / q, edge} : (affine){scale, 0};
}

static float float_at(const char *at, tarn_dtype dtype) {
    value v = value_convert(value_loader_of(dtype)(at), value_class_of(dtype), TARN_FLOAT32);
    return (float)v.d;
}

static affine fit_group(const char *w, int64_t step, int64_t count, tarn_dtype dtype, int64_t levels) {
    float least = INFINITY, most = -INFINITY;
    for (int64_t i = 0; i < count; i++) {
        float x = float_at(w + i * step, dtype);
        if (x < least) least = x;
        if (x > most) most = x;
    }
    return fit(least, most, levels);
}

/* NaN becomes level 0. */
static uint32_t level(float x, affine a, int64_t levels) {
    float q = rintf((x - a.bias) / a.scale);
    return q > 0 ? (uint32_t)fminf(q, (float)levels) : 0;
}

/* Ors a number of at most 8 bits into a stream that was zero. */
static void put_bits(uint32_t *words, int64_t index, int64_t bits, uint32_t q) {
    int64_t word = index * bits / 32, shift = index * bits % 32;
    words[word] |= q << shift;
    if (shift + bits > 32) words[word + 1] |= q >> (32 - shift);
}

static void store_float(const operand *o, int64_t index, float x) {
    if (!o->data) return;
    value v = value_convert((value){.d = (double)x}, CLASS_FLOAT, o->dtype);
    value_storer_of(o->dtype)((char *)o->data + index * dtype_bytes(o->dtype), v);
}

static void quantize_row(const call *c, const char *w, int64_t row) {
    const attributes_quantize *attributes = c->attributes;
    const operand *x = &c->inputs[0];
    int64_t k = x->shape[x->ndim - 1], group = attributes->group_size, levels = (1 << attributes->bits) - 1;
    int64_t step = x->strides[x->ndim - 1] * dtype_bytes(x->dtype), words = k * attributes->bits / 32;
    uint32_t *packed = c->outputs[0].data ? (uint32_t *)c->outputs[0].data + row * words : NULL;
    if (packed) memset(packed, 0, (size_t)words * sizeof *packed);
    for (int64_t first = 0; first < k; first += group) {
        affine a = fit_group(w + first * step, step, group, x->dtype, levels);
        store_float(&c->outputs[1], (row * k + first) / group, a.scale);
        store_float(&c->outputs[2], (row * k + first) / group, a.bias);
        for (int64_t i = first; packed && i < first + group; i++)
            put_bits(packed, i, attributes->bits, level(float_at(w + i * step, x->dtype), a, levels));
    }
}

static bool run_quantize(const call *c) {
    const operand *x = &c->inputs[0];
    cursor at = cursor_of_axes(x, x->data, all_axes(x) & ~(1u << (x->ndim - 1)));
    for (int64_t row = 0; at.left > 0; cursor_next(&at), row++) quantize_row(c, at.at, row);
    return true;
}

/* ---- reading packed rows */
typedef struct {
    const char *packed, *scales, *biases;          /* the first element of the matrix */
    int64_t packed_step, scales_step, biases_step; /* bytes from row to row */
    int64_t word_step, scale_step, bias_step;      /* bytes within a row */
    int64_t bits, group_size;
    tarn_dtype dtype; /* of scales and biases */
    value_class to;
} packed_matrix;

static packed_matrix packed_matrix_of(const operand *o, int64_t bits, int64_t group_size, value_class to) {
    packed_matrix p = {o[0].data, o[1].data, o[2].data, 0, 0, 0, 0, 0, 0, bits, group_size, o[1].dtype, to};
    const operand *packed = &o[0], *scales = &o[1], *biases = &o[2];
    int64_t bytes = dtype_bytes(p.dtype);
    p.word_step = packed->strides[packed->ndim - 1] * 4;
    p.scale_step = scales->strides[scales->ndim - 1] * bytes;
    p.bias_step = biases->strides[biases->ndim - 1] * bytes;
    if (packed->ndim < 2) return p;
    p.packed_step = packed->strides[packed->ndim - 2] * 4;
    p.scales_step = scales->strides[scales->ndim - 2] * bytes;
    p.biases_step = biases->strides[biases->ndim - 2] * bytes;
    return p;
}

static uint32_t word_at(const char *at) {
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static uint32_t level_at(const packed_matrix *p, int64_t row, int64_t index) {
    int64_t word = index * p->bits / 32, shift = index * p->bits % 32;
    const char *at = p->packed + row * p->packed_step + word * p->word_step;
    uint32_t q = word_at(at) >> shift;
    if (shift + p->bits > 32) q |= word_at(at + p->word_step) << (32 - shift);
    return q & ((1u << p->bits) - 1);
}

static value scale_at(const packed_matrix *p, int64_t row, int64_t index) {
    const char *at = p->scales + row * p->scales_step + index / p->group_size * p->scale_step;
    return value_widen(value_loader_of(p->dtype)(at), value_class_of(p->dtype), p->to);
}

static value bias_at(const packed_matrix *p, int64_t row, int64_t index) {
    const char *at = p->biases + row * p->biases_step + index / p->group_size * p->bias_step;
    return value_widen(value_loader_of(p->dtype)(at), value_class_of(p->dtype), p->to);
}

/* ---- dequantize: rounded to the dtype of the scales after the product and after the sum */
static value rounded_weight(const packed_matrix *p, int64_t index) {
    value level = value_of_integer(level_at(p, 0, index), p->to);
    value w = fold_of(REDUCE_PROD, p->to)(scale_at(p, 0, index), level);
    w = value_convert(w, p->to, p->dtype);
    return value_convert(fold_of(REDUCE_SUM, p->to)(w, bias_at(p, 0, index)), p->to, p->dtype);
}

static cursor rows_of(const operand *o) {
    return cursor_of_axes(o, o->data, all_axes(o) & ~(1u << (o->ndim - 1)));
}

static bool run_dequantize(const call *c) {
    const attributes_dequantize *attributes = c->attributes;
    const operand *out = &c->outputs[0];
    value_class class = value_class_of(c->inputs[1].dtype);
    packed_matrix p = packed_matrix_of(c->inputs, attributes->bits, attributes->group_size, class);
    cursor packed = rows_of(&c->inputs[0]), scales = rows_of(&c->inputs[1]), biases = rows_of(&c->inputs[2]), to = rows_of(out);
    for (; to.left > 0; cursor_next(&to), cursor_next(&packed), cursor_next(&scales), cursor_next(&biases)) {
        p.packed = packed.at, p.scales = scales.at, p.biases = biases.at;
        cursor at = cursor_of_axes(out, to.at, 1u << (out->ndim - 1));
        for (int64_t i = 0; at.left > 0; cursor_next(&at), i++)
            value_storer_of(out->dtype)(at.at, value_convert(rounded_weight(&p, i), class, out->dtype));
    }
    return true;
}

/* ---- quantized_matmul: nothing is rounded before the result */
static value weight(const packed_matrix *p, int64_t row, int64_t index) {
    value level = value_of_integer(level_at(p, row, index), p->to);
    value scaled = fold_of(REDUCE_PROD, p->to)(scale_at(p, row, index), level);
    return fold_of(REDUCE_SUM, p->to)(scaled, bias_at(p, row, index));
}

static value transposed_entry(const void *matrix, int64_t row, int64_t column) {
    return weight(matrix, column, row);
}
static value plain_entry(const void *matrix, int64_t row, int64_t column) {
    return weight(matrix, row, column);
}

static bool run_quantized_matmul(const call *c) {
    const attributes_quantized_matmul *attributes = c->attributes;
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    value_class class = value_class_of(out->dtype);
    dense_matrix left = dense_matrix_of(x, class);
    packed_matrix right = packed_matrix_of(c->inputs + 1, attributes->bits, attributes->group_size, class);
    product p = {out->shape[out->ndim - 2],
                 out->shape[out->ndim - 1],
                 x->shape[x->ndim - 1],
                 dense_entry,
                 attributes->transpose ? transposed_entry : plain_entry,
                 &left,
                 &right,
                 out->dtype,
                 out->data};
    cursor at[4];
    for (int i = 0; i < 4; i++) at[i] = leading_axes(&c->inputs[i], out);
    for (; at[0].left > 0; p.out += p.m * p.n * dtype_bytes(out->dtype)) {
        left.data = at[0].at, right.packed = at[1].at, right.scales = at[2].at, right.biases = at[3].at;
        product_run(&p, c->workspace);
        for (int i = 0; i < 4; i++) cursor_next(&at[i]);
    }
    return true;
}

static bool supports_matrices(const call *c) {
    return c->inputs[0].ndim >= 2 && c->inputs[1].ndim >= 2;
}

static int64_t workspace(const call *c) {
    return product_workspace(c->inputs[0].shape[c->inputs[0].ndim - 1]);
}

const kernel_row reference_quantize = {REFERENCE_ROW(quantize), .run = run_quantize};
const kernel_row reference_dequantize = {REFERENCE_ROW(dequantize), .run = run_dequantize};
const kernel_row reference_quantized_matmul = {REFERENCE_ROW(quantized_matmul), .supports = supports_matrices, .workspace = workspace,
                                               .run = run_quantized_matmul};
