/* The kit for this instruction set. */
#include "cpu/matmul/vector_baseline.h"

#define KIT matmul_kit_baseline
#include "cpu/matmul/kit.tpl.h"
