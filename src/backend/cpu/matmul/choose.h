/* Which engine serves which product on this machine, by the instruction set in use. */
#ifndef CPU_MATMUL_CHOOSE_H
#define CPU_MATMUL_CHOOSE_H

#include "cpu/matmul/engine.h"
#include "cpu/matmul/planes.h"

/* The weights that tokens meet: dense, packed lines of outputs, packed lines of inputs. */
typedef enum { WEIGHTS_DENSE, WEIGHTS_PACKED, WEIGHTS_TURNED } matmul_weights;

/* The engine for tokens of this dtype. Packed weights need a sum accurate to 1e-5 for f32 tokens, 1e-4 for f16; bf16
   tokens may meet weights rounded once to bf16. */
const matmul_engine *matmul_engine_for(matmul_dtype dtype, matmul_weights weights);

/* How few tokens of this dtype are split against weights of this width; NULL: not at all. */
const planes_format *matmul_planes_for(matmul_dtype dtype, int bits);
/* Up to so many tokens are multiplied by planes. */
int64_t matmul_plane_tokens(matmul_dtype dtype);

#endif
