/* Few tokens against a large dense operand: every value of it is read once, as it lies. */
#ifndef CPU_MATMUL_THIN_H
#define CPU_MATMUL_THIN_H

#include "cpu/matmul/gemm.h"

enum { THIN_TOKENS = 8, THIN_MOST = 16 };

/* Whether the product is better served here than by gemm.h: rows, the tokens, are at most THIN_TOKENS; or THIN_MOST if
   the columns lie side by side and fit no cache, so that packing them costs more than meeting them once more. */
bool thin_serves(const gemm_problem *problem);
/* The product of gemm.h for row_count <= THIN_MOST. */
int64_t thin_workspace(const gemm_problem *problem);
void thin_run(const matmul_kit *kit, const gemm_problem *problem, void *workspace);

#endif
