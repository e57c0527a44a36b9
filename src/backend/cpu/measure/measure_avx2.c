/* The loops of measure.c for this instruction set. */
#include "cpu/matmul/vector_avx2.h"

enum { CHAINS = 12 };
#define READ measure_read_avx2
#define FMA  measure_fma_avx2
#include "cpu/measure/measure.tpl.h"
