/* quantize and dequantize: rows shared out among threads; what is done with one is in quant.tpl.h. */
#include "cpu/quant/quant.h"

#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/operand_rows.h"
#include "table/quant.h"

enum { GRAIN = 1 << 13 };

typedef struct {
    const call *call;
    const quant_kernels *kernels;
    quant_row row;
} quant_job;

/* The rows of an operand, NULL of one that is absent. */
static void *row_of(const operand *o, int64_t i) {
    return (void *)row_at(o, i);
}

static const float *global_of(const call *c, int input) {
    return c->input_count > input ? c->inputs[input].data : NULL;
}

static void dequantize_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const quant_job *j = context;
    const operand *in = j->call->inputs, *out = j->call->outputs;
    for (int64_t i = begin; i < end; i++)
        if (j->row.mode == QUANT_affine)
            j->kernels->dequantize(&j->row, row_of(&out[0], i), row_of(&in[0], i), row_of(&in[1], i),
                                   row_of(&in[2], i));
        else
            j->kernels->dequantize_floats(&j->row, row_of(&out[0], i), row_of(&in[0], i), row_of(&in[1], i),
                                          global_of(j->call, 3));
}

static void quantize_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const quant_job *j = context;
    const operand *in = j->call->inputs, *out = j->call->outputs;
    for (int64_t i = begin; i < end; i++)
        if (j->row.mode == QUANT_affine)
            j->kernels->quantize(&j->row, row_of(&in[0], i), row_of(&out[0], i), row_of(&out[1], i),
                                 row_of(&out[2], i));
        else
            j->kernels->quantize_floats(&j->row, row_of(&in[0], i), row_of(&out[0], i), row_of(&out[1], i),
                                        global_of(j->call, 1));
}

static bool run(const call *c, const operand *wide, quant_row row, const quant_kernels *kernels, parallel_body body) {
    quant_job job = {c, kernels, row};
    job.row.k = wide->shape[wide->ndim - 1];
    job.row.dtype = wide->dtype;
    int64_t size = operand_size(wide);
    if (size > 0) parallel_for(size / job.row.k, GRAIN / job.row.k + 1, body, &job);
    return true;
}

static bool run_dequantize(const call *c, const quant_kernels *kernels) {
    const attributes_dequantize *a = c->attributes;
    quant_row row = {.mode = a->mode, .group_size = a->group_size, .bits = a->bits};
    return run(c, &c->outputs[0], row, kernels, dequantize_part);
}

static bool run_quantize(const call *c, const quant_kernels *kernels) {
    const attributes_quantize *a = c->attributes;
    quant_row row = {.mode = a->mode, .group_size = a->group_size, .bits = a->bits};
    return run(c, &c->inputs[0], row, kernels, quantize_part);
}

static bool is_known(quant_mode mode, int64_t group_size, int64_t bits) {
    bool mode_is_known =
        mode == QUANT_affine ? bits > 1 : mode == QUANT_mxfp4 || mode == QUANT_mxfp8 || mode == QUANT_nvfp4;
    return mode_is_known && quant_exists(mode, group_size, bits);
}
static bool supports_dequantize(const call *c) {
    const attributes_dequantize *a = c->attributes;
    if (!is_known(a->mode, a->group_size, a->bits)) return false;
    return a->mode != QUANT_affine ||
           (c->inputs[2].dtype == c->inputs[1].dtype && c->outputs[0].dtype == c->inputs[1].dtype);
}
static bool supports_quantize(const call *c) {
    const attributes_quantize *a = c->attributes;
    tarn_dtype dtype = c->inputs[0].dtype;
    if (!is_known(a->mode, a->group_size, a->bits)) return false;
    return a->mode != QUANT_affine || (c->outputs[1].dtype == dtype && c->outputs[2].dtype == dtype);
}

/* ---- rows */

#define DTYPES_NARROW (DTYPE_BIT(TARN_FLOAT16) | DTYPE_BIT(TARN_BFLOAT16) | DTYPE_BIT(TARN_FLOAT32))
#define QUANT_ROW(name_, isa, selector_)                                                                               \
    {                                                                                                                  \
        .op = OP_##name_, .name = #name_ "_" #isa, .dtypes = DTYPES_NARROW, .selector = selector_,                     \
        .layout = LAYOUT_ROWS, .supports = supports_##name_, .run = name_##_##isa                                      \
    }
#define QUANT_ROWS(isa, isa_id)                                                                                        \
    static bool dequantize_##isa(const call *c) {                                                                      \
        return run_dequantize(c, &quant_kernels_##isa);                                                                \
    }                                                                                                                  \
    static bool quantize_##isa(const call *c) {                                                                        \
        return run_quantize(c, &quant_kernels_##isa);                                                                  \
    }                                                                                                                  \
    static const kernel_row rows_##isa[] = {QUANT_ROW(dequantize, isa, -1), QUANT_ROW(quantize, isa, 0)};
CPU_EACH_ISA(QUANT_ROWS)
CPU_FAMILY(quant)
