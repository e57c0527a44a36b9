/* Filling and packing of f32 and f64 engines, whatever their vectors; used by engine_fma.tpl.h. */
#ifndef CPU_MATMUL_ENGINE_F32_H
#define CPU_MATMUL_ENGINE_F32_H

#include "cpu/matmul/engine.h"

void matmul_fill_f32(const matmul_engine *engine, const matmul_operand *rows, int64_t row, int count, int64_t k,
                     int depth, void *panel);
/* A stripe is [depth][width]. */
void matmul_pack_f32(const matmul_engine *engine, const matmul_operand *columns, int64_t column, int count, int width,
                     int64_t k, int depth, const quantized_lines *rows, void *stripe);

/* The same for f64. */
void matmul_fill_f64(const matmul_engine *engine, const matmul_operand *rows, int64_t row, int count, int64_t k,
                     int depth, void *panel);
void matmul_pack_f64(const matmul_engine *engine, const matmul_operand *columns, int64_t column, int count, int width,
                     int64_t k, int depth, const quantized_lines *rows, void *stripe);

/* Element (i, k) of the operand's lines as f32: out[a * out_stride + b] for a < lines, b < count, line a being index
   first + a of the axis that is not dense; values [begin, begin + count) along the dense one. `turned` swaps a and b in
   out. */
typedef struct {
    int64_t first, lines, begin, count, out_stride;
    bool turned;
} matmul_region;
void matmul_read_dense(const matmul_kit *kit, const matmul_operand *operand, bool lines_are_depth,
                       const matmul_region *region, float *out);

#endif
