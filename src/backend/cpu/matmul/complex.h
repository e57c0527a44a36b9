/* A product of complex numbers as one of floats: a number of the first factor is two neighbours in depth (re, im), one
   of the second a column of (re, -im) and one of (im, re), so that results lie as complex numbers do. */
#ifndef CPU_MATMUL_COMPLEX_H
#define CPU_MATMUL_COMPLEX_H

#include "cpu/matmul/gemm.h"

/* What the floats are read from; lives as long as the product that refers to it. */
typedef struct {
    matmul_operand rows, columns; /* of complex numbers */
    matmul_gather pairs, crossed;
} complex_factors;

/* Of a problem whose dtypes are MATMUL_C64. `turned`: its rows are the second factor. */
gemm_problem complex_as_floats(const gemm_problem *problem, bool turned, complex_factors *factors);

#endif
