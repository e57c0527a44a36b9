/* The kernel rows, those of an op one after the other, best first. */
#ifndef CUDA_ROWS_H
#define CUDA_ROWS_H

#include "backend/call.h"

#define CUDA_ROWS(ROW) ROW(group)

#define DECLARE(name) extern const kernel_row cuda_##name;
CUDA_ROWS(DECLARE)
#undef DECLARE

#endif
