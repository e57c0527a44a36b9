/* Numbers of eight bits and of four, and the powers of two that scale them. */
#ifndef TABLE_FLOAT8_H
#define TABLE_FLOAT8_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* E4M3 as in the OCP's formats: sign, 4 bits of exponent, 3 of mantissa, no infinity; 127 and 255 are NaN. Rounded to
   even; what is larger than 448 becomes 448. */
static inline double float8_to_double(uint8_t f) {
    int exponent = f >> 3 & 15, mantissa = f & 7;
    double magnitude = exponent ? ldexp(8 + mantissa, exponent - 10) : ldexp(mantissa, -9);
    if ((f & 127) == 127) magnitude = NAN;
    return f & 128 ? -magnitude : magnitude;
}

static inline uint8_t double_to_float8(double x) {
    double magnitude = fabs(x);
    uint8_t sign = signbit(x) ? 128 : 0;
    if (isnan(x)) return sign | 127;
    if (magnitude >= 448) return sign | 126;
    int exponent = magnitude < 0x1p-6 ? -6 : ilogb(magnitude);
    int steps = (int)rint(ldexp(magnitude, 3 - exponent)); /* of the exponent's spacing: below 8 in the last one */
    return (uint8_t)(sign | (steps < 8 ? steps : ((exponent + 7) << 3) + steps - 8));
}

/* E8M0: a power of two. */
static inline double power8_to_double(uint8_t f) {
    return ldexp(1, f - 127);
}

/* E2M1: sign, 2 bits of exponent, 1 of mantissa. */
static inline double float4_to_double(unsigned code) {
    static const double magnitudes[8] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
    return code & 8 ? -magnitudes[code & 7] : magnitudes[code & 7];
}

/* The nearest E2M1; of two as near the one with the smaller magnitude. Zeros have no sign; NaN becomes 0, what is
   larger than 6 becomes 6. */
static inline unsigned double_to_float4(double x) {
    static const double middles[7] = {0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5};
    unsigned code = 0;
    while (code < 7 && fabs(x) > middles[code]) code++;
    return code && x < 0 ? code | 8 : code;
}

#endif
