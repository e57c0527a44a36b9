/* The CPU backend's row for dense products, for benchmarks that call it by itself. */
#ifndef BENCH_PRODUCT_ROW_H
#define BENCH_PRODUCT_ROW_H

#include <stdlib.h>

#include "cpu/cpu.h"

static inline const kernel_row *product_row(tarn_dtype dtype) {
    const kernel_row *rows[CPU_FAMILY_ROWS];
    int n = cpu_rows_matmul(OP_matmul, ISA_BASELINE, rows);
    for (int i = 0; i < n; i++)
        if (rows[i]->dtypes & DTYPE_BIT(dtype)) return rows[i];
    exit(1);
}

#endif
