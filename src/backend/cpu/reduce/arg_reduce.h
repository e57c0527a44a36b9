/* arg_reduce: where the largest or the smallest element of a line is, the first of equal ones, a NaN before all. */
#ifndef CPU_ARG_REDUCE_H
#define CPU_ARG_REDUCE_H

#include "backend/call.h"
#include "cpu/elementwise/elementwise.h"
#include "cpu/reduce/fold.h"

bool supports_arg_reduce(const call *c);
int64_t arg_reduce_workspace(const call *c);
bool run_arg_reduce(const call *c, const elementwise_kernels *kernels, const fold_kernels *folds);

#endif
