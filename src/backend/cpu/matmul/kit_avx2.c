/* The kit for this instruction set. */
#include "cpu/matmul/vector_avx2.h"

#define KIT matmul_kit_avx2
#include "cpu/matmul/kit.tpl.h"
