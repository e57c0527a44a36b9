/* The conversions of one number that every backend must agree on: half types from and to wider ones, and floats to
   integers. Rounding is to nearest, ties to even, done once: a double goes to a half type directly, never by way of a
   float.

   A float becomes an integer by dropping its fraction; beyond the integer's range it becomes the nearest limit, NaN
   becomes 0 (what CUDA and Arm do in hardware and XLA defines; C leaves it undefined). Integers become narrower ones
   modulo 2^bits. To bool: x != 0, so NaN is true. */
#ifndef TABLE_CONVERT_H
#define TABLE_CONVERT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static inline uint32_t bits_of_float(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline float float_of_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline float bfloat16_to_float(uint16_t h) {
    return float_of_bits((uint32_t)h << 16);
}

/* Subnormals are h * 2^-24; the others get float's exponent bias by a multiplication that is exact. */
static inline float float16_to_float(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, magnitude = h & 0x7FFF;
    if (magnitude >= 0x7C00) return float_of_bits(sign | 0x7F800000 | (magnitude & 0x3FF) << 13);
    return float_of_bits(sign | bits_of_float(float_of_bits(magnitude << 13) * 0x1p112F));
}

/* x in a 16-bit format with this many mantissa bits and this exponent bias. */
static inline uint16_t half_from_double_(double x, int mantissa, int bias) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint16_t sign = (uint16_t)(bits >> 48 & 0x8000), infinity = (uint16_t)(0x7FFF >> mantissa << mantissa);
    bits &= INT64_MAX;
    int exponent = (int)(bits >> 52) - 1023, least = 1 - bias;
    uint64_t significand = bits & ((UINT64_C(1) << 52) - 1);
    if (exponent == 1024 && significand) /* a quiet NaN with the first bits of the payload */
        return (uint16_t)(sign | infinity | 1 << (mantissa - 1) | (int)(significand >> (52 - mantissa)));
    if (exponent > bias) return sign | infinity;
    if (exponent < least - mantissa - 1) return sign;
    significand |= UINT64_C(1) << 52;
    int dropped = 52 - mantissa + (exponent < least ? least - exponent : 0);
    uint64_t kept = significand >> dropped, rest = significand & ((UINT64_C(1) << dropped) - 1),
             half = UINT64_C(1) << (dropped - 1);
    kept += rest > half || (rest == half && (kept & 1));
    if (exponent >= least)
        kept += (uint64_t)(exponent - least) << mantissa; /* a carry out of the significand raises the exponent */
    return (uint16_t)(sign | kept);
}
static inline uint16_t double_to_float16(double x) {
    return half_from_double_(x, 10, 15);
}
static inline uint16_t double_to_bfloat16(double x) {
    return half_from_double_(x, 7, 127);
}
static inline uint16_t float_to_float16(float x) {
    uint32_t bits = bits_of_float(x), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000) return (uint16_t)(sign | 0x7E00 | (magnitude >> 13 & 0x3FF));
    if (magnitude >= 0x477FF000) return (uint16_t)(sign | 0x7C00); /* 65520 and more round to infinity */
    if (magnitude < 0x38800000) {                                  /* below 2^-14 */
        float shifted = float_of_bits(magnitude) + 0.5F;           /* its last place is 2^-24 */
        return (uint16_t)(sign | (bits_of_float(shifted) - 0x3F000000));
    }
    return (uint16_t)(sign | ((magnitude - (112U << 23) + 0xFFF + (magnitude >> 13 & 1)) >> 13));
}
static inline uint16_t float_to_bfloat16(float x) {
    uint32_t bits = bits_of_float(x);
    if ((bits & 0x7FFFFFFF) > 0x7F800000) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

/* A double that rounds to any narrower float as the integer itself would: bits beyond 52 are gathered in the last one.
 */
static inline double uint64_to_double_sticky(uint64_t u) {
    if (u >> 53) u = (u & ~UINT64_C(0xFFF)) | (u & 0xFFF ? 0x1000 : 0);
    return (double)u;
}
static inline double int64_to_double_sticky(int64_t i) {
    return i < 0 ? -uint64_to_double_sticky(0 - (uint64_t)i) : uint64_to_double_sticky((uint64_t)i);
}

/* To an integer of this many bits (8, 16, 32, 64). */
static inline int64_t double_to_signed(double x, int bits) {
    double limit = (double)(UINT64_C(1) << (bits - 1));
    int64_t most = INT64_MAX >> (64 - bits);
    if (x >= limit) return most;
    if (x < -limit) return -most - 1;
    return x == x ? (int64_t)x : 0;
}
static inline uint64_t double_to_unsigned(double x, int bits) {
    if (!(x > 0)) return 0;
    if (x >= 2 * (double)(UINT64_C(1) << (bits - 1))) return UINT64_MAX >> (64 - bits);
    return (uint64_t)x;
}

/* Integers modulo 2^bits. */
static inline int64_t wrap_signed(int64_t i, int bits) {
    return (int64_t)((uint64_t)i << (64 - bits)) >> (64 - bits);
}
static inline uint64_t wrap_unsigned(uint64_t u, int bits) {
    return u & (UINT64_MAX >> (64 - bits));
}

#endif
