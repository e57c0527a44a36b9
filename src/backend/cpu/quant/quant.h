/* What one instruction set brings to quantize and dequantize: one row of MLX's formats. A row of packed words is a
   little-endian stream of `bits` bits a number; group_size numbers share a scale, and of the affine format a bias. All
   rows are dense; dtypes float32, float16, bfloat16. */
#ifndef CPU_QUANT_H
#define CPU_QUANT_H

#include "table/table.h"

typedef struct {
    quant_mode mode;
    int64_t k, group_size, bits;
    tarn_dtype dtype;
} quant_row;

typedef struct {
    /* scale * q + bias, rounded after the product and after the sum */
    void (*dequantize)(const quant_row *r, void *to, const uint32_t *packed, const void *scales, const void *biases);
    /* Outputs that nobody reads are NULL. */
    void (*quantize)(const quant_row *r, const void *from, uint32_t *packed, void *scales, void *biases);
    /* mxfp4, mxfp8, nvfp4; global may be NULL */
    void (*dequantize_floats)(const quant_row *r, void *to, const uint32_t *packed, const uint8_t *scales,
                              const float *global);
    void (*quantize_floats)(const quant_row *r, const void *from, uint32_t *packed, uint8_t *scales,
                            const float *global);
} quant_kernels;

extern const quant_kernels quant_kernels_baseline, quant_kernels_avx2, quant_kernels_avx512;

#endif
