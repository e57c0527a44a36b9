/* matmul for f64 and complex64 by the serial OpenBLAS. */
#ifndef CPU_MATMUL_BLAS_H
#define CPU_MATMUL_BLAS_H

#include "backend/call.h"

extern const kernel_row matmul_blas_row;

#endif
