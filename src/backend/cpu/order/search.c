/* searchsorted: the values of each batch row are looked for in the keys (keys.h) of its line. */
#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/order/keys.h"

enum { GRAIN = 1 << 10 /* values worth a thread */ };

typedef struct {
    const call *call;
    const order_conversions *convert;
    int64_t n, each; /* elements of a line, values looked for in it */
    bool right;
} search_job;

static void search_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    const search_job *j = context;
    const operand *sorted = &j->call->inputs[0], *values = &j->call->inputs[1];
    int64_t bytes = dtype_bytes(sorted->dtype);
    (void)thread, (void)threads;
    for (int64_t at = begin, count; at < end; at += count) {
        int64_t line = at / j->each, rest = (line + 1) * j->each - at;
        count = end - at < rest ? end - at : rest;
        j->convert->search((uint32_t *)j->call->outputs[0].data + at, (const char *)sorted->data + line * j->n * bytes,
                           j->n, (const char *)values->data + at * bytes, count, j->right, sorted->dtype);
    }
}

static bool run_search(const call *c, const order_conversions *convert) {
    const operand *sorted = &c->inputs[0];
    int64_t n = sorted->shape[sorted->ndim - 1], values = operand_size(&c->outputs[0]), lines = 1;
    for (int i = 0; i < sorted->ndim - 1; i++) lines *= sorted->shape[i];
    if (values == 0) return true;
    bool right = ((const attributes_searchsorted *)c->attributes)->right;
    search_job j = {.call = c, .convert = convert, .n = n, .each = values / lines, .right = right};
    parallel_for(values, GRAIN, search_part, &j);
    return true;
}

#define SEARCH_ROWS(isa, isa_id)                                                                                       \
    static bool search_##isa(const call *c) {                                                                          \
        return run_search(c, &order_conversions_##isa);                                                                \
    }                                                                                                                  \
    static const kernel_row rows_##isa[] = {{.op = OP_searchsorted,                                                    \
                                             .name = "searchsorted_" #isa,                                             \
                                             .dtypes = DTYPES_ALL & ~DTYPE_BIT(TARN_COMPLEX64),                        \
                                             .layout = LAYOUT_DENSE,                                                   \
                                             .run = search_##isa}};
CPU_EACH_ISA(SEARCH_ROWS)
CPU_FAMILY(search)
