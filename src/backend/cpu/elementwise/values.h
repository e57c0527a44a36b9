/* The value language of src/table/elementwise.def on vectors, one set of functions for each pass: what simd.h does not
   have already. Names end in the pass: lt_f32, idiv_i64. Included by elementwise.tpl.h alone. */
#ifndef CPU_ELEMENTWISE_VALUES_H
#define CPU_ELEMENTWISE_VALUES_H

#include "cpu/elementwise/erfinv.h"
#include "cpu/lanes.h"
#include "cpu/simd.h"

#define FUNCTION static inline __attribute__((unused))

#if SIMD_BYTES == 64
#define LANE_COUNT 16
#define WIDE_COUNT 8
#define HALF_COUNT 4
#elif SIMD_BYTES == 32
#define LANE_COUNT 8
#define WIDE_COUNT 4
#define HALF_COUNT 2
#else
#define LANE_COUNT 4
#define WIDE_COUNT 2
#define HALF_COUNT 1
#endif
#define LANE_SAME(i, n, d)  (i)
#define LANE_AHEAD(i, n, d) ((i) + (d))
#define LOWER_HALF(v)       __builtin_shufflevector(v, v, LANE_LIST(WIDE_COUNT, LANE_SAME, 0))
#define UPPER_HALF(v)       __builtin_shufflevector(v, v, LANE_LIST(WIDE_COUNT, LANE_AHEAD, WIDE_COUNT))
#define JOINED(low, high)   __builtin_shufflevector(low, high, LANE_LIST(LANE_COUNT, LANE_SAME, 0))

/* What a pass calls its types: E one number, V a vector of them, M the mask that comparing them gives, R the result of
   a REAL row. A truth in a register is 0 or 1 in 32 bits. */
#define PASS_TYPES(pass, V, E, M, R, lanes, bytes, real_bytes)                                                         \
    typedef V V_##pass;                                                                                                \
    typedef E E_##pass;                                                                                                \
    typedef M M_##pass;                                                                                                \
    typedef R R_##pass;                                                                                                \
    enum { COUNT_##pass = lanes, BYTES_##pass = bytes, REAL_BYTES_##pass = real_bytes };

#define NARROW(pass, V, E)                                                                                             \
    PASS_TYPES(pass, V, E, vi32, V, LANES, 4, 4)                                                                       \
    FUNCTION V splat_number_##pass(E x) {                                                                              \
        return x - (V){0};                                                                                             \
    }                                                                                                                  \
    FUNCTION vi32 load_truths_##pass(const void *from) {                                                               \
        return load_i32(from);                                                                                         \
    }                                                                                                                  \
    FUNCTION void store_truths_##pass(void *to, vi32 mask) {                                                           \
        store_i32(to, mask & 1);                                                                                       \
    }

#define WIDE(pass, V, E)                                                                                               \
    PASS_TYPES(pass, V, E, vi64, V, WIDE_LANES, 8, 8)                                                                  \
    FUNCTION V splat_number_##pass(E x) {                                                                              \
        return x - (V){0};                                                                                             \
    }                                                                                                                  \
    FUNCTION vi64 load_truths_##pass(const void *from) {                                                               \
        return __builtin_convertvector(load_hi32(from), vi64);                                                         \
    }                                                                                                                  \
    FUNCTION void store_truths_##pass(void *to, vi64 mask) {                                                           \
        store_hi32(to, __builtin_convertvector(mask & 1, hi32));                                                       \
    }
NARROW(f32, vf32, float)
NARROW(i32, vi32, int32_t)
NARROW(u32, vu32, uint32_t)
NARROW(bit, vi32, int32_t)
WIDE(f64, vf64, double)
WIDE(i64, vi64, int64_t)
WIDE(u64, vu64, uint64_t)
#define load_bit  load_i32
#define store_bit store_i32

/* Masks are vectors of signed integers: all ones where true. */
#define COMPARISONS(pass, V, M)                                                                                        \
    FUNCTION M lt_##pass(V a, V b) {                                                                                   \
        return (M)(a < b);                                                                                             \
    }                                                                                                                  \
    FUNCTION M le_##pass(V a, V b) {                                                                                   \
        return (M)(a <= b);                                                                                            \
    }                                                                                                                  \
    FUNCTION M eq_##pass(V a, V b) {                                                                                   \
        return (M)(a == b);                                                                                            \
    }                                                                                                                  \
    FUNCTION M not__##pass(M a) {                                                                                      \
        return ~a;                                                                                                     \
    }                                                                                                                  \
    FUNCTION V select_##pass(M mask, V a, V b) {                                                                       \
        return (V)((mask & (M)a) | (~mask & (M)b));                                                                    \
    }

#define FLOATS(pass, V, M)                                                                                             \
    COMPARISONS(pass, V, M)                                                                                            \
    FUNCTION V max_##pass(V a, V b) {                                                                                  \
        return select_##pass((M)(a > b) | (M)(a != a), a, b);                                                          \
    }                                                                                                                  \
    FUNCTION V min_##pass(V a, V b) {                                                                                  \
        return select_##pass((M)(a < b) | (M)(a != a), a, b);                                                          \
    }                                                                                                                  \
    FUNCTION M isnan_##pass(V a) {                                                                                     \
        return (M)(a != a);                                                                                            \
    }                                                                                                                  \
    FUNCTION M isinf_##pass(V a) {                                                                                     \
        return (M)(abs_##pass(a) == (V){0} + __builtin_inff());                                                        \
    }
FLOATS(f32, vf32, vi32)
FLOATS(f64, vf64, vi64)

/* x - q * y for the whole number q nearest to x / y, or one beside it: nothing is rounded away. Without fma the product
   is taken as the sum of four exact ones, of halves of the digits (Dekker, 1971). */
#ifdef __FMA__
#define REST(pass, V, split)                                                                                           \
    FUNCTION V rest_##pass(V x, V q, V y) {                                                                            \
        return fma_##pass(-q, y, x);                                                                                   \
    }
#else
#define REST(pass, V, split)                                                                                           \
    FUNCTION V rest_##pass(V x, V q, V y) {                                                                            \
        V q_high = q * split - (q * split - q), q_low = q - q_high, y_high = y * split - (y * split - y),              \
          y_low = y - y_high;                                                                                          \
        V product = q * y, lost = ((q_high * y_high - product) + q_high * y_low + q_low * y_high) + q_low * y_low;     \
        return (x - product) - lost;                                                                                   \
    }
#endif
REST(f32, vf32, 4097.0F)
REST(f64, vf64, 134217729.0)

/* Quotient and remainder as C has them, and from those the ones that are rounded towards minus infinity. Quotients
   below `most` of numbers below `large` come from a division, which may be one too far from zero; what else there is
   (larger quotients, zeros, infinities, NaN) goes lane by lane. */
#define REMAINDERS(pass, V, M, least, most, large, fmod_one, rint_one)                                                 \
    FUNCTION V with_sign_##pass(V x, V sign) {                                                                         \
        return (V)(((M)x & ~least) | ((M)sign & least));                                                               \
    }                                                                                                                  \
    FUNCTION V fmod_##pass(V x, V y, V *quotient) {                                                                    \
        V whole = trunc_##pass(x / y), rest = rest_##pass(x, whole, y), zero = {0};                                    \
        M far = (((M)rest ^ (M)x) < 0) & (M)(rest != 0);                                                               \
        M plain = (M)(abs_##pass(whole) < most) & (M)(abs_##pass(x) < large) & (M)(abs_##pass(y) < large);             \
        rest = select_##pass(far, rest + with_sign_##pass(y, x), rest);                                                \
        *quotient = select_##pass(far, whole - with_sign_##pass(zero + 1, whole), whole);                              \
        if (!any_##pass(~plain)) return rest;                                                                          \
        for (int i = 0; i < COUNT_##pass; i++) {                                                                       \
            if (plain[i]) continue;                                                                                    \
            rest[i] = fmod_one(x[i], y[i]);                                                                            \
            (*quotient)[i] = y[i] == 0 ? x[i] / y[i] : rint_one((x[i] - rest[i]) / y[i]);                              \
        }                                                                                                              \
        return rest;                                                                                                   \
    }                                                                                                                  \
    FUNCTION V floor_mod_##pass(V x, V y) {                                                                            \
        V quotient, rest = fmod_##pass(x, y, &quotient);                                                               \
        M apart = (M)(rest < 0) ^ (M)(y < 0);                                                                          \
        return select_##pass((M)(rest == 0), with_sign_##pass(rest, y), select_##pass(apart, rest + y, rest));         \
    }                                                                                                                  \
    FUNCTION V floor_div_##pass(V x, V y) {                                                                            \
        V quotient, rest = fmod_##pass(x, y, &quotient), sign = (V)((M)x ^ (M)y);                                      \
        M apart = (M)(rest != 0) & ((M)(rest < 0) ^ (M)(y < 0));                                                       \
        return with_sign_##pass(select_##pass(apart, quotient - 1, quotient), sign);                                   \
    }
REMAINDERS(f32, vf32, vi32, INT32_MIN, 0x1p23F, 0x1p110F, __builtin_fmodf, __builtin_rintf)
REMAINDERS(f64, vf64, vi64, INT64_MIN, 0x1p52, 0x1p990, __builtin_fmod, __builtin_rint)

/* Integers never trap: a quotient by zero is 0, the lowest number by -1 wraps to itself, counts beyond the width
   (negative ones too) shift everything out, and a negative power is the quotient 1 / x^-y without its fraction. T is
   one number, U an unsigned one; V a vector of T, W of U. Powers go lane by lane. */
#define INTEGERS(pass, T, U, V, W, M)                                                                                  \
    COMPARISONS(pass, V, M)                                                                                            \
    FUNCTION V max_##pass(V a, V b) {                                                                                  \
        return select_##pass((M)(a < b), b, a);                                                                        \
    }                                                                                                                  \
    FUNCTION V min_##pass(V a, V b) {                                                                                  \
        return select_##pass((M)(a < b), a, b);                                                                        \
    }                                                                                                                  \
    FUNCTION V shl_##pass(V a, V count) {                                                                              \
        const T bits = sizeof(T) * 8;                                                                                  \
        return (V)((M)(a << (count & (bits - 1))) & (M)((W)count < (U)bits));                                          \
    }                                                                                                                  \
    FUNCTION V shr_##pass(V a, V count) {                                                                              \
        const T bits = sizeof(T) * 8;                                                                                  \
        V sign = (V)(a < (V){0});                                                                                      \
        return select_##pass((M)((W)count < (U)bits), a >> (count & (bits - 1)), sign);                                \
    }                                                                                                                  \
    FUNCTION T ipow_one_##pass(T x, T y) {                                                                             \
        const T minus_one = (T)-1;                                                                                     \
        if (minus_one < 1 && y <= minus_one) return x == minus_one ? (y & 1 ? x : 1) : x == 1;                         \
        U result = 1, factor = (U)x;                                                                                   \
        for (U n = (U)y; n; n >>= 1, factor *= factor)                                                                 \
            if (n & 1) result *= factor;                                                                               \
        return (T)result;                                                                                              \
    }                                                                                                                  \
    FUNCTION V ipow_##pass(V x, V y) {                                                                                 \
        for (unsigned i = 0; i < sizeof x / sizeof(T); i++) x[i] = ipow_one_##pass(x[i], y[i]);                        \
        return x;                                                                                                      \
    }
INTEGERS(i32, int32_t, uint32_t, vi32, vu32, vi32)
INTEGERS(u32, uint32_t, uint32_t, vu32, vu32, vi32)
INTEGERS(i64, int64_t, uint64_t, vi64, vu64, vi64)
INTEGERS(u64, uint64_t, uint64_t, vu64, vu64, vi64)

/* x / y rounded towards minus infinity, of whole numbers from -2^51 to 2^51, anything for y = 0. Added to 1.5 2^52 a
   whole number is the lower bits of the sum. Their quotient is further from a whole number it is not than a double's
   rounding goes. */
FUNCTION vi64 idiv_near(vi64 x, vi64 y) {
    const vf64 high = splat_f64(0x1.8p52);
    vf64 quotient = ((vf64)(x + (vi64)high) - high) / ((vf64)(y + (vi64)high) - high), sum = quotient + high;
    return (vi64)sum - (vi64)high + (vi64)(sum - high > quotient);
}
#define DIVISION(pass, V, W)                                                                                           \
    FUNCTION V imod_##pass(V x, V y) {                                                                                 \
        return (V)((W)x - (W)y * (W)idiv_##pass(x, y)) & (V)(y != 0);                                                  \
    }
/* H is half of a V. */
#define NARROW_DIVISION(pass, V, W, H)                                                                                 \
    FUNCTION V idiv_##pass(V x, V y) {                                                                                 \
        vi64 low = idiv_near(__builtin_convertvector((H)LOWER_HALF(x), vi64),                                          \
                             __builtin_convertvector((H)LOWER_HALF(y), vi64));                                         \
        vi64 high = idiv_near(__builtin_convertvector((H)UPPER_HALF(x), vi64),                                         \
                              __builtin_convertvector((H)UPPER_HALF(y), vi64));                                        \
        return JOINED(__builtin_convertvector(low, H), __builtin_convertvector(high, H)) & (V)(y != 0);                \
    }                                                                                                                  \
    DIVISION(pass, V, W)
/* What a double does not hold goes lane by lane. */
#define WIDE_DIVISION(pass, T, V, least)                                                                               \
    FUNCTION T idiv_one_##pass(T x, T y) {                                                                             \
        const T minus_one = (T)-1;                                                                                     \
        if (y == 0) return 0;                                                                                          \
        if (minus_one < 1 && y == minus_one) return (T)(0 - (uint64_t)x);                                              \
        return x / y - (x % y != 0 && (x < 1) != (y < 1) && minus_one < 1);                                            \
    }                                                                                                                  \
    FUNCTION V idiv_##pass(V x, V y) {                                                                                 \
        const uint64_t most = INT64_C(1) << 51;                                                                        \
        vi64 near = (vi64)((vu64)x - (uint64_t)(least) < most - (uint64_t)(least)) &                                   \
                    (vi64)((vu64)y - (uint64_t)(least) < most - (uint64_t)(least));                                    \
        if (!any_f64(~near)) return (V)idiv_near((vi64)x, (vi64)y) & (V)(y != 0);                                      \
        for (int i = 0; i < WIDE_LANES; i++) x[i] = idiv_one_##pass(x[i], y[i]);                                       \
        return x;                                                                                                      \
    }                                                                                                                  \
    DIVISION(pass, V, vu64)
NARROW_DIVISION(i32, vi32, vu32, hi32)
NARROW_DIVISION(u32, vu32, vu32, hu32)
WIDE_DIVISION(i64, int64_t, vi64, -(INT64_C(1) << 51))
WIDE_DIVISION(u64, uint64_t, vu64, 0)
COMPARISONS(bit, vi32, vi32)

#define store_real_f32 store_f32
#define store_real_i32 store_i32
#define store_real_u32 store_u32
#define store_real_f64 store_f64
#define store_real_i64 store_i64
#define store_real_u64 store_u64
#define store_real_bit store_i32

#include "cpu/elementwise/complex.h"

#endif
