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

static void dequantize_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const quant_job *j = context;
    const operand *in = j->call->inputs;
    for (int64_t i = begin; i < end; i++) {
        const uint32_t *packed = (const uint32_t *)(const void *)row_at(&in[0], i);
        j->kernels->dequantize(&j->row, row_at(&j->call->outputs[0], i), packed, row_at(&in[1], i), row_at(&in[2], i));
    }
}

static void quantize_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const quant_job *j = context;
    const operand *out = j->call->outputs;
    for (int64_t i = begin; i < end; i++)
        j->kernels->quantize(&j->row, row_at(&j->call->inputs[0], i), (uint32_t *)(void *)row_at(&out[0], i),
                             row_at(&out[1], i), row_at(&out[2], i));
}

static bool run(const call *c, const operand *wide, quant_job job, parallel_body body) {
    job.call = c;
    job.row.k = wide->shape[wide->ndim - 1];
    job.row.dtype = wide->dtype;
    int64_t size = operand_size(wide);
    if (size > 0) parallel_for(size / job.row.k, GRAIN / job.row.k + 1, body, &job);
    return true;
}

static bool run_dequantize(const call *c, const quant_kernels *kernels) {
    const attributes_dequantize *a = c->attributes;
    return run(c, &c->outputs[0],
               (quant_job){.kernels = kernels, .row = {.group_size = a->group_size, .bits = a->bits}}, dequantize_part);
}

static bool run_quantize(const call *c, const quant_kernels *kernels) {
    const attributes_quantize *a = c->attributes;
    return run(c, &c->inputs[0], (quant_job){.kernels = kernels, .row = {.group_size = a->group_size, .bits = a->bits}},
               quantize_part);
}

static bool is_known(quant_mode mode, int64_t group_size, int64_t bits) {
    return mode == QUANT_affine && bits > 1 && quant_exists(mode, group_size, bits);
}
static bool supports_dequantize(const call *c) {
    const attributes_dequantize *a = c->attributes;
    return is_known(a->mode, a->group_size, a->bits) && c->inputs[2].dtype == c->inputs[1].dtype &&
           c->outputs[0].dtype == c->inputs[1].dtype;
}
static bool supports_quantize(const call *c) {
    const attributes_quantize *a = c->attributes;
    tarn_dtype dtype = c->inputs[0].dtype;
    return is_known(a->mode, a->group_size, a->bits) && c->outputs[1].dtype == dtype && c->outputs[2].dtype == dtype;
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
