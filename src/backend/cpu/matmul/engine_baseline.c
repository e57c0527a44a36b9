/* The f32 engine for this instruction set: 4 x 8 sums in registers. */
#include "cpu/matmul/vector_baseline.h"

enum { ROWS = 4, PANEL_ROWS = 16, DEPTH = 256 };
#define MICROS(M, vectors) M(2, vectors) M(4, vectors)
#define NUMBER             float
#define NUMBER_DTYPE       MATMUL_F32
#define FILL               matmul_fill_f32
#define PACK               matmul_pack_f32
#define ENGINE             matmul_engine_baseline
#define ENGINE_KIT         matmul_kit_baseline
#define ENGINE_NAME        "f32 SSE2"
#include "cpu/matmul/engine_fma.tpl.h"
