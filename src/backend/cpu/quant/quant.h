/* What one instruction set brings to quantize and dequantize: one row of MLX's affine format. A row of packed words is
   a little-endian stream of `bits` bits a number; group_size numbers share a scale and a bias. All rows are dense;
   dtypes float32, float16, bfloat16. */
#ifndef CPU_QUANT_H
#define CPU_QUANT_H

#include "table/table.h"

typedef struct {
    int64_t k, group_size, bits;
    tarn_dtype dtype;
} quant_row;

typedef struct {
    /* scale * q + bias, rounded after the product and after the sum */
    void (*dequantize)(const quant_row *r, void *to, const uint32_t *packed, const void *scales, const void *biases);
    /* Outputs that nobody reads are NULL. */
    void (*quantize)(const quant_row *r, const void *from, uint32_t *packed, void *scales, void *biases);
} quant_kernels;

extern const quant_kernels quant_kernels_baseline, quant_kernels_avx2, quant_kernels_avx512;

#endif
