/* Few tokens against a large dense operand: every value of it is read once, as it lies. */
#ifndef CPU_MATMUL_THIN_H
#define CPU_MATMUL_THIN_H

#include "cpu/matmul/gemm.h"

enum { THIN_TOKENS = 8 };

/* The product of gemm.h for row_count <= THIN_TOKENS, where rows are the tokens. */
int64_t thin_workspace(const gemm_problem *problem);
void thin_run(const matmul_kit *kit, const gemm_problem *problem, void *workspace);

#endif
