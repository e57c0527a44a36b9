/* The loops of measure.c for this instruction set. */
#include "cpu/matmul/vector_avx512.h"

enum { CHAINS = 12 };
#define READ measure_read_avx512
#define FMA  measure_fma_avx512
#include "cpu/measure/measure.tpl.h"
