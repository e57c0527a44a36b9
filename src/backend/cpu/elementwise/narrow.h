/* Loops over elements of one byte or two as they are, a vector at a time, of operations whose results of 32 bits wrap
   to those of the elements' own width. Included by elementwise.tpl.h alone. */
#ifndef CPU_ELEMENTWISE_NARROW_H
#define CPU_ELEMENTWISE_NARROW_H

#include "cpu/matmul/inline.h"
#include "cpu/simd.h"

enum { NARROW_AHEAD = 2048 }; /* bytes */

/* x and y are vectors V; a mask is M, of signed numbers as wide; a truth is a byte. */
#define NARROW_ROWS(SAME, TRUTH, type)                                                                                 \
    SAME(add, type, x + y)                                                                                             \
    SAME(subtract, type, x - y)                                                                                        \
    SAME(multiply, type, x *y)                                                                                         \
    SAME(maximum, type, NARROW_SELECT(x < y, y, x))                                                                    \
    SAME(minimum, type, NARROW_SELECT(x < y, x, y))                                                                    \
    SAME(bitwise_and, type, x &y)                                                                                      \
    SAME(bitwise_or, type, x | y)                                                                                      \
    SAME(bitwise_xor, type, x ^ y)                                                                                     \
    TRUTH(equal, type, x == y)                                                                                         \
    TRUTH(not_equal, type, x != y)                                                                                     \
    TRUTH(less, type, x < y)                                                                                           \
    TRUTH(less_equal, type, x <= y)                                                                                    \
    TRUTH(greater, type, x > y)                                                                                        \
    TRUTH(greater_equal, type, x >= y)

#define NARROW_SELECT(mask, a, b) (V)(((M)(mask) & (M)(a)) | (~(M)(mask) & (M)(b)))
#define NARROW_LOOP(op, type, R, value)                                                                                \
    INLINE R##_##type made_##op##_##type(V_##type x, V_##type y) {                                                     \
        typedef V_##type V;                                                                                            \
        typedef M_##type M;                                                                                            \
        (void)(M){0}, (void)(V){0};                                                                                    \
        return value;                                                                                                  \
    }                                                                                                                  \
    static void narrow_##op##_##type(void *to, const void *vx, const void *vy, int64_t count) {                        \
        enum { LANES_OF = sizeof(V_##type) / sizeof(E_##type), OUT = sizeof(R##_##type) / LANES_OF };                  \
        const char *from_x = vx, *from_y = vy;                                                                         \
        char *out = to;                                                                                                \
        V_##type x = {0}, y = {0};                                                                                     \
        for (; count >= LANES_OF; count -= LANES_OF) {                                                                 \
            PREFETCH(from_x + NARROW_AHEAD);                                                                           \
            PREFETCH(from_y + NARROW_AHEAD);                                                                           \
            memcpy(&x, from_x, sizeof x);                                                                              \
            memcpy(&y, from_y, sizeof y);                                                                              \
            R##_##type result = made_##op##_##type(x, y);                                                              \
            memcpy(out, &result, sizeof result);                                                                       \
            from_x += sizeof x, from_y += sizeof y, out += sizeof result;                                              \
        }                                                                                                              \
        memcpy(&x, from_x, (size_t)count * sizeof(E_##type));                                                          \
        memcpy(&y, from_y, (size_t)count * sizeof(E_##type));                                                          \
        R##_##type last = made_##op##_##type(x, y);                                                                    \
        memcpy(out, &last, (size_t)count *OUT);                                                                        \
    }
#define NARROW_SAME(op, type, value)  NARROW_LOOP(op, type, V, value)
#define NARROW_TRUTH(op, type, value) NARROW_LOOP(op, type, T, __builtin_convertvector((M)(value), T_##type) & 1)
#define NARROW_ENTRY(op, type, value) [OP_##op] = narrow_##op##_##type,
#define NARROW_LOOPS(type, E, S)                                                                                       \
    typedef E E_##type;                                                                                                \
    typedef E V_##type __attribute__((vector_size(SIMD_BYTES)));                                                       \
    typedef S M_##type __attribute__((vector_size(SIMD_BYTES)));                                                       \
    typedef int8_t T_##type __attribute__((vector_size(SIMD_BYTES / sizeof(E))));                                      \
    NARROW_ROWS(NARROW_SAME, NARROW_TRUTH, type)                                                                       \
    static const elementwise_narrow_loop narrow_##type[OP_COUNT] = {NARROW_ROWS(NARROW_ENTRY, NARROW_ENTRY, type)};
NARROW_LOOPS(uint8, uint8_t, int8_t)
NARROW_LOOPS(int8, int8_t, int8_t)
NARROW_LOOPS(uint16, uint16_t, int16_t)
NARROW_LOOPS(int16, int16_t, int16_t)

#endif
