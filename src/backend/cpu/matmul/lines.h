/* What the products read: dense operands and packed affine weights, both seen as lines, and single values of them.
   Plain data; nothing here computes a product. */
#ifndef CPU_MATMUL_LINES_H
#define CPU_MATMUL_LINES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "table/convert.h"
#include "tarn/array.h"

/* Packed weights, few rows and convolutions know the first three. */
typedef enum { MATMUL_F32, MATMUL_BF16, MATMUL_F16, MATMUL_F64, MATMUL_C64 } matmul_dtype;

/* Of float32, bfloat16, float16, float64 or complex64. */
static inline matmul_dtype matmul_dtype_of(tarn_dtype dtype) {
    return dtype == TARN_FLOAT32    ? MATMUL_F32
           : dtype == TARN_BFLOAT16 ? MATMUL_BF16
           : dtype == TARN_FLOAT16  ? MATMUL_F16
           : dtype == TARN_FLOAT64  ? MATMUL_F64
                                    : MATMUL_C64;
}

static inline int64_t matmul_dtype_bytes(matmul_dtype dtype) {
    return dtype >= MATMUL_F64 ? 8 : dtype == MATMUL_F32 ? 4 : 2;
}

/* Lines of affine-quantized values: value j of a line is scale[j / group] * q + bias[j / group], q being bits [j *
   bits, (j + 1) * bits) of the line's little-endian bit stream (MLX's layout). Pointers need the alignment of a byte
   only. */
typedef struct {
    const uint8_t *packed;
    const void *scales, *biases;
    matmul_dtype scale_dtype;
    int bits, group;       /* 2 3 4 5 6 8; 32 64 128 */
    int64_t packed_stride; /* bytes from line to line */
    int64_t group_stride;  /* scales from line to line; biases alike */
} quantized_lines;

/* A factor whose elements stand in no regular order: they are read block by block. */
typedef struct {
    /* Lines [line, line + lines) and depths [k, k + depth), at most 32 by 512, in the operand's dtype: out[i * stride
       + k], or turned, out[k * stride + i]. */
    void (*read)(const void *context, int64_t line, int lines, int64_t k, int depth, void *out, int64_t stride);
    const void *context;
    bool turned;
} matmul_gather;

/* One factor of a product: element (i, k) is data[i * stride + k * depth_stride]; or, if quantized is set, value k of
   line i, or value i of line k when `by_depth`; or, if gather is set, what that reads. */
typedef struct {
    const void *data;
    matmul_dtype dtype;
    int64_t stride, depth_stride; /* elements */
    const quantized_lines *quantized;
    bool by_depth;
    const matmul_gather *gather;
} matmul_operand;

static inline float load_as_float(matmul_dtype dtype, const void *data, int64_t i) {
    if (dtype == MATMUL_F32) {
        float f;
        memcpy(&f, (const char *)data + 4 * i, 4);
        return f;
    }
    uint16_t h;
    memcpy(&h, (const char *)data + 2 * i, 2);
    return dtype == MATMUL_BF16 ? bfloat16_to_float(h) : float16_to_float(h);
}

static inline void store_from_float(matmul_dtype dtype, float value, void *data, int64_t i) {
    if (dtype == MATMUL_F32) {
        memcpy((char *)data + 4 * i, &value, 4);
        return;
    }
    uint16_t h = dtype == MATMUL_BF16 ? float_to_bfloat16(value) : float_to_float16(value);
    memcpy((char *)data + 2 * i, &h, 2);
}

#endif
