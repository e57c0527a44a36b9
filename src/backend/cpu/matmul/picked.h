/* gather_mm and gather_qmm: products of matrices picked by index, of which each is read once. */
#ifndef CPU_MATMUL_PICKED_H
#define CPU_MATMUL_PICKED_H

#include "backend/call.h"

extern const kernel_row matmul_picked_row, matmul_picked_quantized_row;

#endif
