/* Which engine serves which product on this machine, by the instruction set in use. */
#ifndef CPU_MATMUL_CHOOSE_H
#define CPU_MATMUL_CHOOSE_H

#include "cpu/matmul/engine.h"
#include "cpu/matmul/planes.h"

/* The engine for operands of this dtype. Quantized weights need a sum accurate to 1e-5 for f32 and f16 tokens; for bf16 tokens the weights
   are rounded once to bf16. */
const matmul_engine *matmul_engine_for(matmul_dtype dtype, bool quantized);

/* How few tokens of this dtype are split against weights of this width; NULL: not at all. */
const planes_format *matmul_planes_for(matmul_dtype dtype, int bits);
/* Up to so many tokens are multiplied by planes. */
int64_t matmul_plane_tokens(matmul_dtype dtype);

#endif
