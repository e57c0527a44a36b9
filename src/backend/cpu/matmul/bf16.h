/* Panels and stripes of the bf16 engines (AMX and vdpbf16ps share their layout). With two parts a value is the sum of a
   high and a low bf16, 16 bits or more together, and products are taken as high x high + high x low + low x high.

   Panel: parts x [panel_rows][panel_line] bf16. Stripe: parts x [depth / 32][width / 16][16 pairs][16 columns][2], the
   pairs being neighbours in depth: what TDPBF16PS reads as its second operand. If the rows are 4-bit weights, the depth
   of both is shuffled within each 32 (place p holds depth 4 * (p % 8) + p / 8), which lets weights be unpacked by one
   shift. */
#ifndef CPU_MATMUL_BF16_H
#define CPU_MATMUL_BF16_H

#include "cpu/matmul/engine.h"

void matmul_fill_bf16(const matmul_engine *engine, const matmul_operand *rows, int64_t row, int count, int64_t k,
                      int depth, void *panel);
/* The `height` rows of a panel from `high` on; the first `count` exist. */
void matmul_fill_bf16_part(const matmul_engine *engine, const matmul_operand *rows, int64_t row, int count, int height,
                           int64_t k, int depth, uint16_t *high);
void matmul_pack_bf16(const matmul_engine *engine, const matmul_operand *columns, int64_t column, int count, int width,
                      int64_t k, int depth, const quantized_lines *rows, void *stripe);

#endif
