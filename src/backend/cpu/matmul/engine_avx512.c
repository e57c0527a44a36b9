/* The f32 engine for this instruction set: 14 x 32 sums in registers. */
#include "cpu/matmul/vector_avx512.h"

enum { ROWS = 14, PANEL_ROWS = 28, DEPTH = 256 };
#define MICROS      MICROS_TO_14
#define ENGINE      matmul_engine_avx512
#define ENGINE_KIT  matmul_kit_avx512
#define ENGINE_NAME "f32 AVX-512"
#include "cpu/matmul/engine_f32.tpl.h"
