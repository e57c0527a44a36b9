/* The kit for this instruction set. */
#include "cpu/matmul/vector_avx512.h"

#define KIT matmul_kit_avx512
#include "cpu/matmul/kit.tpl.h"
