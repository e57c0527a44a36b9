/* What the products read: dense operands and packed affine weights, both seen as lines, and conversions of single halves.
   Plain data; nothing here computes a product. */
#ifndef CPU_MATMUL_LINES_H
#define CPU_MATMUL_LINES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef enum { MATMUL_F32, MATMUL_BF16, MATMUL_F16 } matmul_dtype;

static inline int64_t matmul_dtype_bytes(matmul_dtype dtype) {
    return dtype == MATMUL_F32 ? 4 : 2;
}

/* Lines of affine-quantized values: value j of a line is scale[j / group] * q + bias[j / group], q being bits [j * bits, (j + 1) * bits)
   of the line's little-endian bit stream (MLX's layout). Pointers need the alignment of a byte only. */
typedef struct {
    const uint8_t *packed;
    const void *scales, *biases;
    matmul_dtype scale_dtype;
    int bits, group;       /* 2 3 4 5 6 8; 32 64 128 */
    int64_t packed_stride; /* bytes from line to line */
    int64_t group_stride;  /* scales from line to line; biases alike */
} quantized_lines;

/* One factor of a product: element (i, k) is data[i * stride + k * depth_stride]; or, if quantized is set, value k of line i, or value i
   of line k when `by_depth`. */
typedef struct {
    const void *data;
    matmul_dtype dtype;
    int64_t stride, depth_stride; /* elements */
    const quantized_lines *quantized;
    bool by_depth;
} matmul_operand;

static inline float bits_to_float(uint32_t bits) {
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline uint32_t float_to_bits(float f) {
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline float bf16_to_float(uint16_t h) {
    return bits_to_float((uint32_t)h << 16);
}

/* To nearest, ties to even; NaN stays NaN. */
static inline uint16_t float_to_bf16(float f) {
    uint32_t u = float_to_bits(f);
    if ((u & 0x7fffffffu) > 0x7f800000u) return (uint16_t)(u >> 16 | 0x40);
    return (uint16_t)((u + 0x7fff + (u >> 16 & 1)) >> 16);
}

static inline float f16_to_float(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, magnitude = h & 0x7fff;
    if (magnitude >= 0x7c00) return bits_to_float(sign | 0x7f800000u | (magnitude & 0x3ff) << 13); /* infinity, NaN */
    if (magnitude >= 0x400) return bits_to_float(sign | ((magnitude << 13) + (112u << 23)));
    float f = (float)magnitude * 0x1p-24f; /* denormal */
    return sign ? -f : f;
}

static inline uint16_t float_to_f16(float f) {
    uint32_t u = float_to_bits(f), sign = u >> 16 & 0x8000, magnitude = u & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    if (magnitude >= 0x477ff000u) return (uint16_t)(sign | 0x7c00); /* 65520 and more round to infinity */
    if (magnitude < 0x38800000u) {                                  /* below 2^-14 */
        float shifted = bits_to_float(magnitude) + 0.5f;            /* its last place is 2^-24 */
        return (uint16_t)(sign | (float_to_bits(shifted) - 0x3f000000u));
    }
    return (uint16_t)(sign | ((magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13));
}

static inline float load_as_float(matmul_dtype dtype, const void *data, int64_t i) {
    if (dtype == MATMUL_F32) {
        float f;
        memcpy(&f, (const char *)data + 4 * i, 4);
        return f;
    }
    uint16_t h;
    memcpy(&h, (const char *)data + 2 * i, 2);
    return dtype == MATMUL_BF16 ? bf16_to_float(h) : f16_to_float(h);
}

static inline void store_from_float(matmul_dtype dtype, float value, void *data, int64_t i) {
    if (dtype == MATMUL_F32) {
        memcpy((char *)data + 4 * i, &value, 4);
        return;
    }
    uint16_t h = dtype == MATMUL_BF16 ? float_to_bf16(value) : float_to_f16(value);
    memcpy((char *)data + 2 * i, &h, 2);
}

#endif
