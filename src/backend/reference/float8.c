/* to_fp8 and from_fp8: numbers of eight bits. */
#include "table/float8.h"

#include "reference/reference.h"
#include "reference/value.h"

static bool run_to(const call *c) {
    const operand *x = &c->inputs[0];
    uint8_t *out = c->outputs[0].data;
    value_loader load = value_loader_of(x->dtype);
    for (cursor at = cursor_of(x); at.left > 0; cursor_next(&at))
        *out++ = double_to_float8(x->dtype == TARN_FLOAT64 ? (double)load(at.at).l : load(at.at).d);
    return true;
}

static bool run_from(const call *c) {
    tarn_dtype dtype = c->outputs[0].dtype;
    char *out = c->outputs[0].data;
    for (cursor at = cursor_of(&c->inputs[0]); at.left > 0; cursor_next(&at), out += dtype_bytes(dtype)) {
        value v = {.d = float8_to_double(*(const uint8_t *)at.at)};
        value_storer_of(dtype)(out, value_convert(v, CLASS_FLOAT, dtype));
    }
    return true;
}

const kernel_row reference_to_fp8 = {REFERENCE_ROW(to_fp8), .run = run_to};
const kernel_row reference_from_fp8 = {REFERENCE_ROW(from_fp8), .run = run_from};
