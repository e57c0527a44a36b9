/* The op quantized_matmul. */
#ifndef CPU_MATMUL_QUANTIZED_H
#define CPU_MATMUL_QUANTIZED_H

#include "backend/call.h"

extern const kernel_row matmul_quantized_row;

#endif
