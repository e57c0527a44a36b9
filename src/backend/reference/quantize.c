/* quantize: groups of a row become levels and what they are made numbers with again, mode by mode of quant.def. */
#include <math.h>
#include <string.h>

#include "reference/reference.h"
#include "reference/value.h"
#include "table/float8.h"

/* A group of elements of a row, and where it goes. */
typedef struct {
    const operand *x, *outputs;
    const char *from; /* its first element */
    int64_t step;     /* bytes to the next */
    int64_t size, bits;
    uint32_t *words;       /* of the row; NULL: nobody reads them */
    int64_t first, number; /* its first element counted from the row's, its place among all groups */
    const float *global;   /* NULL: none */
} group;

static double element(const group *g, int64_t i) {
    value_class class = value_class_of(g->x->dtype);
    return value_widen(value_loader_of(g->x->dtype)(g->from + i * g->step), class, CLASS_FLOAT).d;
}

/* x as the array's dtype holds it. */
static double rounded(const group *g, double x) {
    tarn_dtype dtype = g->x->dtype;
    return value_widen(value_convert((value){.d = x}, CLASS_FLOAT, dtype), value_class_of(dtype), CLASS_FLOAT).d;
}

/* Ors a number of at most 8 bits into the row's stream, which was zero. */
static void put_level(const group *g, int64_t i, uint32_t q) {
    int64_t index = g->first + i, word = index * g->bits / 32, shift = index * g->bits % 32;
    if (!g->words) return;
    g->words[word] |= q << shift;
    if (shift + g->bits > 32) g->words[word + 1] |= q >> (32 - shift);
}

static void put_byte(const group *g, uint8_t scale) {
    if (g->outputs[1].data) ((uint8_t *)g->outputs[1].data)[g->number] = scale;
}

static void put_float(const group *g, int output, float x) {
    const operand *o = &g->outputs[output];
    if (!o->data) return;
    value v = value_convert((value){.d = (double)x}, CLASS_FLOAT, o->dtype);
    value_storer_of(o->dtype)((char *)o->data + g->number * dtype_bytes(o->dtype), v);
}

/* ---- affine: in float32 whatever the dtype */
typedef struct {
    float scale, bias;
} affine;

/* The end of the range that is farther from zero becomes a multiple of the scale, so that zero is exact. Two levels are
   the ends themselves. */
static affine fit(float least, float most, int64_t levels) {
    bool negative = fabsf(least) > fabsf(most);
    float edge = negative ? least : most, scale = fmaxf((most - least) / (float)levels, 1e-7F);
    if (levels == 1) return (affine){scale, least};
    if (!negative) scale = -scale;
    float q = rintf(edge / scale);
    return q != 0 ? (affine){edge / q, edge} : (affine){scale, 0};
}

/* NaN becomes level 0. */
static uint32_t level(float x, affine a, int64_t levels) {
    float q = rintf((x - a.bias) / a.scale);
    return q > 0 ? (uint32_t)fminf(q, (float)levels) : 0;
}

static void quantize_affine(const group *g) {
    float least = INFINITY, most = -INFINITY;
    for (int64_t i = 0; i < g->size; i++) {
        float x = (float)element(g, i);
        if (x < least) least = x;
        if (x > most) most = x;
    }
    int64_t levels = (1 << g->bits) - 1;
    affine a = fit(least, most, levels);
    put_float(g, 1, a.scale);
    put_float(g, 2, a.bias);
    for (int64_t i = 0; i < g->size; i++) put_level(g, i, level((float)element(g, i), a, levels));
}

/* ---- floats of few bits: quotients are rounded to the array's dtype, as in MLX */

static double largest(const group *g) {
    double most = 0;
    for (int64_t i = 0; i < g->size; i++) most = fmax(most, fabs(element(g, i))); /* NaN is none */
    return most;
}

/* The power of two, as E8M0, that brings the largest down to at most `top`; of zeros 1. */
static uint8_t power_for(const group *g, double top) {
    int exponent;
    double ratio = rounded(g, largest(g) / top), mantissa = frexp(ratio, &exponent);
    if (ratio == 0) return 127;
    if (isinf(ratio)) return 254;
    int power = 127 + (mantissa == 0.5 ? exponent - 1 : exponent);
    return (uint8_t)(power < 0 ? 0 : power > 254 ? 254 : power);
}

static void quantize_mxfp4(const group *g) {
    uint8_t power = power_for(g, 6);
    put_byte(g, power);
    for (int64_t i = 0; i < g->size; i++)
        put_level(g, i, double_to_float4(rounded(g, element(g, i) / power8_to_double(power))));
}

static void quantize_mxfp8(const group *g) {
    uint8_t power = power_for(g, 448);
    put_byte(g, power);
    for (int64_t i = 0; i < g->size; i++)
        put_level(g, i, double_to_float8(rounded(g, element(g, i) / power8_to_double(power))));
}

static void quantize_nvfp4(const group *g) {
    float factor = g->global ? 448 * 6 / *g->global : 1;
    uint8_t code = double_to_float8((double)((float)rounded(g, largest(g) / 6) * factor));
    double scale = float8_to_double(code);
    put_byte(g, code);
    for (int64_t i = 0; i < g->size && scale > 0; i++)
        put_level(g, i, double_to_float4((double)((float)rounded(g, element(g, i) / scale) * factor)));
}

/* ---- rows */

typedef void (*quantizer)(const group *g);
static const quantizer quantizers[] = {
#define QUANTIZER_MADE(name)                                          quantize_##name
#define QUANTIZER_READ(name)                                          NULL
#define QUANT_MODE(name, size, bits, parts, dtypes, block, made, doc) [QUANT_##name] = QUANTIZER_##made(name),
#define QUANT_WIDTH(...)
#include "table/quant.def"
};

static void quantize_row(const call *c, const char *w, int64_t row) {
    const attributes_quantize *a = c->attributes;
    const operand *x = &c->inputs[0];
    int64_t k = x->shape[x->ndim - 1], words = k * a->bits / 32;
    group g = {.x = x,
               .outputs = c->outputs,
               .step = x->strides[x->ndim - 1] * dtype_bytes(x->dtype),
               .size = a->group_size,
               .bits = a->bits};
    if (c->outputs[0].data) {
        g.words = (uint32_t *)c->outputs[0].data + row * words;
        memset(g.words, 0, (size_t)words * sizeof *g.words);
    }
    if (c->input_count > 1) g.global = c->inputs[1].data;
    for (; g.first < k; g.first += g.size) {
        g.from = w + g.first * g.step;
        g.number = (row * k + g.first) / g.size;
        quantizers[a->mode](&g);
    }
}

static bool run(const call *c) {
    const operand *x = &c->inputs[0];
    cursor at = cursor_of_axes(x, x->data, all_axes(x) & ~(1u << (x->ndim - 1)));
    for (int64_t row = 0; at.left > 0; cursor_next(&at), row++) quantize_row(c, at.at, row);
    return true;
}

const kernel_row reference_quantize = {REFERENCE_ROW(quantize), .run = run};
