/* Quantized weights: dequantize and quantized_matmul. Each row of packed words is one little-endian stream of
   `bits` bits a number; what a number is made of them is said by a decoder for each mode of quant.def. */
#include <math.h>
#include <string.h>

#include "reference/fold.h"
#include "reference/product.h"
#include "reference/reference.h"
#include "table/convert.h"
#include "table/float8.h"

/* ---- reading packed rows */
typedef struct {
    const char *packed, *scales, *biases;          /* the first element of the matrix; NULL: the mode has none */
    int64_t packed_step, scales_step, biases_step; /* bytes from row to row */
    int64_t packed_entry, scale_step, bias_step;   /* bytes within a row */
    int64_t bits, group_size;
    float global;
    bool global_given;
    tarn_dtype dtype; /* of scales and biases */
    bool stepwise;    /* each step is rounded: what dequantize gives in MLX */
    tarn_dtype step;  /* to this dtype */
    value_class to;
} packed_matrix;

/* The bytes from row to row and within a row. */
static void steps_of(const operand *o, int64_t *row, int64_t *entry) {
    if (!o->data) return;
    *entry = o->strides[o->ndim - 1] * dtype_bytes(o->dtype);
    *row = o->ndim > 1 ? o->strides[o->ndim - 2] * dtype_bytes(o->dtype) : 0;
}

/* The packed weight o[0] and its parts. */
static packed_matrix packed_matrix_of(const operand *o, int count, int64_t bits, int64_t group_size, value_class to,
                                      bool stepwise) {
    static const operand absent = {0};
    const operand *scales = count > 1 ? &o[1] : &absent, *biases = count > 2 ? &o[2] : &absent,
                  *global = count > 3 ? &o[3] : &absent;
    packed_matrix p = {.packed = o[0].data,
                       .scales = scales->data,
                       .biases = biases->data,
                       .bits = bits,
                       .group_size = group_size,
                       .global = global->data ? *(const float *)global->data : 1,
                       .dtype = scales->dtype,
                       .stepwise = stepwise,
                       .step = scales->dtype,
                       .global_given = global->data != NULL,
                       .to = to};
    steps_of(&o[0], &p.packed_step, &p.packed_entry);
    steps_of(scales, &p.scales_step, &p.scale_step);
    steps_of(biases, &p.biases_step, &p.bias_step);
    return p;
}

static uint32_t word_at(const char *at) {
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

static uint32_t level_at(const packed_matrix *p, int64_t row, int64_t index) {
    int64_t word = index * p->bits / 32, shift = index * p->bits % 32;
    const char *at = p->packed + row * p->packed_step + word * p->packed_entry;
    uint32_t q = word_at(at) >> shift;
    if (shift + p->bits > 32) q |= word_at(at + p->packed_entry) << (32 - shift);
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

/* ---- decoders: the number at (row, index) */

static value round_step(const packed_matrix *p, value v) {
    return p->stepwise ? value_widen(value_convert(v, p->to, p->step), value_class_of(p->step), p->to) : v;
}

static value decode_affine(const packed_matrix *p, int64_t row, int64_t index) {
    value level = value_of_integer(level_at(p, row, index), p->to);
    value scaled = round_step(p, fold_of(REDUCE_PROD, p->to)(scale_at(p, row, index), level));
    return fold_of(REDUCE_SUM, p->to)(scaled, bias_at(p, row, index));
}

static value real_value(double x, value_class to) {
    return value_widen((value){.d = x}, CLASS_FLOAT, to);
}

static uint8_t scale_byte(const packed_matrix *p, int64_t row, int64_t index) {
    return *(const uint8_t *)(p->scales + row * p->scales_step + index / p->group_size * p->scale_step);
}

/* An element by its scale, each as the steps' dtype holds it. */
static value scaled(const packed_matrix *p, double element, double scale) {
    value rounded = round_step(p, real_value(scale, p->to));
    return round_step(p, fold_of(REDUCE_PROD, p->to)(real_value(element, p->to), rounded));
}

static value decode_mxfp4(const packed_matrix *p, int64_t row, int64_t index) {
    return scaled(p, float4_to_double(level_at(p, row, index)), power8_to_double(scale_byte(p, row, index)));
}

static value decode_mxfp8(const packed_matrix *p, int64_t row, int64_t index) {
    return scaled(p, float8_to_double((uint8_t)level_at(p, row, index)), power8_to_double(scale_byte(p, row, index)));
}

static value decode_nvfp4(const packed_matrix *p, int64_t row, int64_t index) {
    float scale = (float)float8_to_double(scale_byte(p, row, index));
    if (p->global_given) scale *= p->global / (448 * 6);
    return scaled(p, float4_to_double(level_at(p, row, index)), (double)scale);
}

#ifdef TARN_TEST_ROWS
static value decode_test_block(const packed_matrix *p, int64_t row, int64_t index) {
    const char *block = p->packed + row * p->packed_step + index / 32 * 34 * p->packed_entry;
    unsigned char scale[2] = {(unsigned char)block[0], (unsigned char)block[p->packed_entry]};
    int8_t q = (int8_t)block[(2 + index % 32) * p->packed_entry];
    return real_value((double)float16_to_float((uint16_t)(scale[0] | scale[1] << 8)) * q, p->to);
}

static value decode_test_power(const packed_matrix *p, int64_t row, int64_t index) {
    return real_value(ldexp((double)level_at(p, row, index) - 8, scale_byte(p, row, index) - 127), p->to);
}

static value decode_test_global(const packed_matrix *p, int64_t row, int64_t index) {
    return fold_of(REDUCE_PROD, p->to)(real_value((double)p->global, p->to), decode_affine(p, row, index));
}
#endif

static value (*const decoders[])(const packed_matrix *p, int64_t row, int64_t index) = {
#define QUANT_MODE(name, ...) [QUANT_##name] = decode_##name,
#define QUANT_WIDTH(...)
#include "table/quant.def"
};

/* ---- dequantize */
static cursor rows_of(const operand *o) {
    return cursor_of_axes(o, o->data, all_axes(o) & ~(1u << (o->ndim - 1)));
}

/* Where the rows of the weight and of the parts that have rows begin. */
typedef struct {
    cursor at[3];
    int count;
} row_cursors;

static void follow_rows(row_cursors *c, packed_matrix *p, bool next) {
    const char **starts[] = {&p->packed, &p->scales, &p->biases};
    for (int i = 0; i < c->count; i++) {
        if (!*starts[i]) continue;
        if (next) cursor_next(&c->at[i]);
        *starts[i] = c->at[i].at;
    }
}

static int with_rows(const call *c, int first) {
    return c->input_count - first < 3 ? c->input_count - first : 3;
}

static bool run_dequantize(const call *c) {
    const attributes_dequantize *a = c->attributes;
    const operand *out = &c->outputs[0];
    value_class class = value_class_of(out->dtype);
    packed_matrix p = packed_matrix_of(c->inputs, c->input_count, a->bits, a->group_size, class, true);
    if (a->mode != QUANT_affine) p.step = p.global_given ? TARN_FLOAT32 : out->dtype;
    row_cursors rows = {.count = with_rows(c, 0)};
    for (int i = 0; i < rows.count; i++)
        if (c->inputs[i].data) rows.at[i] = rows_of(&c->inputs[i]);
    for (cursor to = rows_of(out); to.left > 0; cursor_next(&to), follow_rows(&rows, &p, true)) {
        follow_rows(&rows, &p, false);
        cursor at = cursor_of_axes(out, to.at, 1u << (out->ndim - 1));
        for (int64_t i = 0; at.left > 0; cursor_next(&at), i++)
            value_storer_of(out->dtype)(at.at, value_convert(decoders[a->mode](&p, 0, i), class, out->dtype));
    }
    return true;
}

/* ---- quantized_matmul: nothing is rounded before the result */
typedef struct {
    packed_matrix packed;
    quant_mode mode;
} weight_matrix;

static value transposed_entry(const void *matrix, int64_t row, int64_t column) {
    const weight_matrix *w = matrix;
    return decoders[w->mode](&w->packed, column, row);
}
static value plain_entry(const void *matrix, int64_t row, int64_t column) {
    const weight_matrix *w = matrix;
    return decoders[w->mode](&w->packed, row, column);
}

static bool run_quantized_matmul(const call *c) {
    const attributes_quantized_matmul *a = c->attributes;
    const operand *x = &c->inputs[0], *out = &c->outputs[0];
    value_class class = value_class_of(out->dtype);
    dense_matrix left = dense_matrix_of(x, class);
    weight_matrix right = {packed_matrix_of(c->inputs + 1, c->input_count - 1, a->bits, a->group_size, class, false),
                           a->mode};
    product p = {out->shape[out->ndim - 2],
                 out->shape[out->ndim - 1],
                 x->shape[x->ndim - 1],
                 dense_entry,
                 a->transpose ? transposed_entry : plain_entry,
                 &left,
                 &right,
                 out->dtype,
                 out->data};
    cursor xs = leading_axes(x, out);
    row_cursors matrices = {.count = with_rows(c, 1)};
    for (int i = 0; i < matrices.count; i++)
        if (c->inputs[i + 1].data) matrices.at[i] = leading_axes(&c->inputs[i + 1], out);
    for (; xs.left > 0;
         p.out += p.m * p.n * dtype_bytes(out->dtype), cursor_next(&xs), follow_rows(&matrices, &right.packed, true)) {
        follow_rows(&matrices, &right.packed, false);
        left.data = xs.at;
        product_run(&p, c->workspace);
    }
    return true;
}

static bool supports_matrices(const call *c) {
    return c->inputs[0].ndim >= 2 && c->inputs[1].ndim >= 2;
}

static int64_t workspace(const call *c) {
    return product_workspace(c->inputs[0].shape[c->inputs[0].ndim - 1]);
}

const kernel_row reference_dequantize = {REFERENCE_ROW(dequantize), .run = run_dequantize};
const kernel_row reference_quantized_matmul = {REFERENCE_ROW(quantized_matmul), .supports = supports_matrices,
                                               .workspace = workspace, .run = run_quantized_matmul};
