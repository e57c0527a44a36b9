/* The two shapes of attention for one instruction set: many rows (wide.tpl.h) and few (thin.tpl.h). */
#include "cpu/attention/attention.h"

#include <float.h>

#include "cpu/exp.h"
#include "cpu/matmul/inline.h"
#include "cpu/rows.h"

static const char *query_row(const attention_problem *p, int64_t batch, int64_t kv_head, int64_t row) {
    int64_t head = kv_head * p->group + row / p->length;
    return p->q.data + batch * p->q.batch + head * p->q.head + row % p->length * p->q.row;
}

#include "cpu/attention/thin.tpl.h"
#include "cpu/attention/wide.tpl.h"

const attention_kernels ISA(attention_kernels) = {ROWS * WIDE_BLOCKS, wide_scratch, wide, thin};
