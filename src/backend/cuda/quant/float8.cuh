/* Numbers of eight bits and of four, as table/float8.h has them. */
#ifndef CUDA_QUANT_FLOAT8_CUH
#define CUDA_QUANT_FLOAT8_CUH

#include "cuda/device.cuh"

/* E4M3: rounded to even, at most 448. sign: 128 or 0. */
DEVICE unsigned char float8_of(double x, unsigned char sign) {
    double magnitude = ::fabs(x);
    if (x != x) return sign | 127;
    if (magnitude >= 448) return sign | 126;
    int exponent = magnitude < 0.015625 ? -6 : ::ilogb(magnitude);
    int steps = (int)::rint(::ldexp(magnitude, 3 - exponent));
    return (unsigned char)(sign | (steps < 8 ? steps : ((exponent + 7) << 3) + steps - 8));
}

DEVICE double number_of(unsigned char f) {
    int exponent = f >> 3 & 15, mantissa = f & 7;
    double magnitude = exponent ? ::ldexp((double)(8 + mantissa), exponent - 10) : ::ldexp((double)mantissa, -9);
    if ((f & 127) == 127) magnitude = __longlong_as_double(0x7FF8000000000000ll);
    return f & 128 ? -magnitude : magnitude;
}

/* E2M1: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and a sign. */
DEVICE float number_of_4(u32 code) {
    u32 low = code & 7;
    float magnitude = low < 4 ? 0.5f * low : low < 6 ? (float)(low - 2) : 2.0f * (low - 4);
    return code & 8 ? -magnitude : magnitude;
}
/* The nearest; of two as near the smaller one. Zeros have no sign; NaN becomes 0. */
DEVICE u32 float4_of(double x) {
    double magnitude = ::fabs(x);
    u32 code = (magnitude > 0.25) + (magnitude > 0.75) + (magnitude > 1.25) + (magnitude > 1.75) + (magnitude > 2.5) +
               (magnitude > 3.5) + (magnitude > 5);
    return code && x < 0 ? code | 8 : code;
}

#endif
