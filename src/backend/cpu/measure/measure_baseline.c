/* The loops of measure.c for this instruction set. */
#include "cpu/matmul/vector_baseline.h"

enum { CHAINS = 8 };
#define READ measure_read_baseline
#define FMA  measure_fma_baseline
#include "cpu/measure/measure.tpl.h"
