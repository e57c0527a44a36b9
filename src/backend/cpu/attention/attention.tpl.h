/* The two shapes of attention for one instruction set: many rows (wide.tpl.h) and few (thin.tpl.h). */
#include "cpu/attention/attention.h"

#include <float.h>

#include "cpu/matmul/inline.h"
#include "cpu/rows.h"

#include "cpu/attention/thin.tpl.h"
#include "cpu/attention/wide.tpl.h"

#include "cpu/attention/gradient.tpl.h"

static void wide(const attention_problem *p, int64_t batch, int64_t kv_head, int64_t row, char *scratch) {
    attend_wide(p, batch, kv_head, row, scratch);
}

const attention_kernels ISA(attention_kernels) = {ROWS * WIDE_BLOCKS, wide_scratch,     wide,     thin,
                                                  gradient_sums,      gradient_scratch, gradient, gradient_store};
