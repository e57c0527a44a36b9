/* Ops that make values from attributes: arange. */
#include "cpu/cpu.h"
#include "table/convert.h"

/* Whole numbers: the first two elements without their fractions, and on in equal steps, as NumPy; floats
 * are rounded once. */

static bool run_arange(const call *c) {
    const attributes_arange *a = c->attributes;
    const operand *out = &c->outputs[0];
    int64_t n = operand_size(out), first = double_to_signed(a->start, 64),
            second = double_to_signed(a->start + a->step, 64);
    int64_t step = second - first, value = first;
    for (int64_t i = 0; i < n; i++, value += step) {
        if (out->dtype == TARN_INT32 || out->dtype == TARN_UINT32)
            ((uint32_t *)out->data)[i] = (uint32_t)value;
        else if (out->dtype == TARN_FLOAT32)
            ((float *)out->data)[i] = (float)(a->start + (double)i * a->step);
        else
            ((int64_t *)out->data)[i] = value;
    }
    return true;
}

/* start + i * step must be exact in double for float32 to be rounded once: whole numbers are. */
static bool supports_arange(const call *c) {
    const attributes_arange *a = c->attributes;
    return c->outputs[0].dtype != TARN_FLOAT32 || (a->start == (double)(int32_t)double_to_signed(a->start, 32) &&
                                                   a->step == (double)(int32_t)double_to_signed(a->step, 32));
}

int cpu_rows_make(op_id op, cpu_isa isa, const kernel_row *out[CPU_FAMILY_ROWS]) {
    static const kernel_row rows[] = {{.op = OP_arange,
                                       .name = "arange_cpu",
                                       .dtypes = DTYPE_BIT(TARN_INT32) | DTYPE_BIT(TARN_UINT32) |
                                                 DTYPE_BIT(TARN_INT64) | DTYPE_BIT(TARN_UINT64) |
                                                 DTYPE_BIT(TARN_FLOAT32),
                                       .selector = -1,
                                       .supports = supports_arange,
                                       .run = run_arange}};
    return isa == ISA_BASELINE ? cpu_pick_rows(op, rows, 1, out, 0) : 0;
}
