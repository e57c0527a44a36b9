/* Products with few columns, which are read where they lie: small matrices in batches, and tall ones whose depth or
   whose rows are long. Packing them costs more than multiplying. */
#ifndef CPU_MATMUL_DIRECT_H
#define CPU_MATMUL_DIRECT_H

#include "cpu/matmul/gemm.h"

/* Whether the product is better served here than by gemm.h or thin.h: few columns, side by side in the result, of f32
   or f64. */
bool direct_serves(const gemm_problem *problem);
/* The product of gemm.h; a sum is taken in the same order whatever the number of threads and of rows. */
int64_t direct_workspace(const gemm_problem *problem);
void direct_run(const matmul_engine *engine, const gemm_problem *problem, void *workspace);

#endif
