/* The f32 engine for this instruction set: 14 x 32 sums in registers. */
#include "cpu/matmul/vector_avx512.h"

enum { ROWS = 14, PANEL_ROWS = 28, DEPTH = 256 };
#define MICROS       MICROS_TO_14
#define NUMBER       float
#define NUMBER_DTYPE MATMUL_F32
#define FILL         matmul_fill_f32
#define PACK         matmul_pack_f32
#define ENGINE       matmul_engine_avx512
#define ENGINE_KIT   matmul_kit_avx512
#define ENGINE_NAME  "f32 AVX-512"
#include "cpu/matmul/engine_fma.tpl.h"
