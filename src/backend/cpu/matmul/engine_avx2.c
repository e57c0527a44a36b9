/* The f32 engine for this instruction set: 6 x 16 sums in registers. */
#include "cpu/matmul/vector_avx2.h"

enum { ROWS = 6, PANEL_ROWS = 24, DEPTH = 256 };
#define MICROS(M, vectors) M(2, vectors) M(4, vectors) M(6, vectors)
#define NUMBER             float
#define NUMBER_DTYPE       MATMUL_F32
#define FILL               matmul_fill_f32
#define PACK               matmul_pack_f32
#define ENGINE             matmul_engine_avx2
#define ENGINE_KIT         matmul_kit_avx2
#define ENGINE_NAME        "f32 AVX2"
#include "cpu/matmul/engine_fma.tpl.h"
