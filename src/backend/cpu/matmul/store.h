/* From the sums of a block to the result. */
#ifndef CPU_MATMUL_STORE_H
#define CPU_MATMUL_STORE_H

#include "cpu/matmul/gemm.h"

/* sums[r * stride + c], of the row and column of the product at which the block begins: floats, or doubles if the
   engine's sum_bytes is 8. */
typedef struct {
    const void *sums;
    int64_t stride, row, rows, column, columns;
} sums_block;

void store_sums(const matmul_engine *engine, const gemm_problem *problem, const sums_block *block);

#endif
