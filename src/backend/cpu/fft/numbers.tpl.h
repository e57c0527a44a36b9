/* Complex numbers of lanes, how they are loaded and stored, and the transforms of a few of them that passes are made
   of. Included once for each instruction set. */
#include "cpu/matmul/inline.h"
#include "cpu/simd.h"

typedef struct {
    vf32 re, im;
} number;

#if SIMD_BYTES == 64
#define LOW      0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH     8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#define EVEN     0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD      1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define REVERSED 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0
#elif SIMD_BYTES == 32
#define LOW      0, 8, 1, 9, 2, 10, 3, 11
#define HIGH     4, 12, 5, 13, 6, 14, 7, 15
#define EVEN     0, 2, 4, 6, 8, 10, 12, 14
#define ODD      1, 3, 5, 7, 9, 11, 13, 15
#define REVERSED 7, 6, 5, 4, 3, 2, 1, 0
#else
#define LOW      0, 4, 1, 5
#define HIGH     2, 6, 3, 7
#define EVEN     0, 2, 4, 6
#define ODD      1, 3, 5, 7
#define REVERSED 3, 2, 1, 0
#endif

/* ---- memory */

INLINE number load_numbers(const float *from) {
    vf32 a = load_f32(from), b = load_f32(from + LANES);
    return (number){__builtin_shufflevector(a, b, EVEN), __builtin_shufflevector(a, b, ODD)};
}

INLINE void store_numbers(float *to, number x) {
    store_f32(to, __builtin_shufflevector(x.re, x.im, LOW));
    store_f32(to + LANES, __builtin_shufflevector(x.re, x.im, HIGH));
}

/* The first `count` of a vector of numbers; the others are 0. */
INLINE number load_some(const float *from, int64_t count) {
    if (count >= LANES) return load_numbers(from);
    float part[2 * LANES] = {0};
    memcpy(part, from, (size_t)count * 8);
    return load_numbers(part);
}

INLINE void store_some(float *to, number x, int64_t count) {
    float part[2 * LANES];
    if (count >= LANES) {
        store_numbers(to, x);
        return;
    }
    store_numbers(part, x);
    memcpy(to, part, (size_t)count * 8);
}

/* Lane i of vector k becomes lane k of vector i: each round moves one bit of the one number to the other. */
INLINE void transpose(vf32 *v) {
    for (int round = 1; round < LANES; round *= 2) {
        vf32 w[LANES];
        UNROLL(16)
        for (int i = 0; i < LANES / 2; i++) {
            w[2 * i] = __builtin_shufflevector(v[i], v[i + LANES / 2], LOW);
            w[2 * i + 1] = __builtin_shufflevector(v[i], v[i + LANES / 2], HIGH);
        }
        UNROLL(16)
        for (int i = 0; i < LANES; i++) v[i] = w[i];
    }
}

/* ---- arithmetic */

INLINE number add(number a, number b) {
    return (number){a.re + b.re, a.im + b.im};
}
INLINE number subtract(number a, number b) {
    return (number){a.re - b.re, a.im - b.im};
}
INLINE number times(number a, vf32 re, vf32 im) {
    return (number){fma_f32(a.re, re, -(a.im * im)), fma_f32(a.re, im, a.im * re)};
}
INLINE number scaled(number a, float by) {
    return (number){a.re * by, a.im * by};
}
/* a + b c, of a real c. */
INLINE number plus_scaled(number a, number b, float c) {
    return (number){fma_f32(b.re, splat_f32(c), a.re), fma_f32(b.im, splat_f32(c), a.im)};
}
/* By -i. */
INLINE number turned(number a) {
    return (number){a.im, -a.re};
}
INLINE number swapped(number a, bool swap) {
    return swap ? (number){a.im, a.re} : a;
}

/* ---- transforms of 2, 3, 4, 5 and 8 numbers, in place */

INLINE void transform_2(number *x) {
    number a = x[0];
    x[0] = add(a, x[1]);
    x[1] = subtract(a, x[1]);
}

INLINE void transform_3(number *x) {
    number sum = add(x[1], x[2]), turn = turned(scaled(subtract(x[1], x[2]), 0.86602540378443864676F));
    number middle = plus_scaled(x[0], sum, -0.5F);
    x[0] = add(x[0], sum);
    x[1] = add(middle, turn);
    x[2] = subtract(middle, turn);
}

INLINE void transform_4(number *x) {
    number a = add(x[0], x[2]), b = subtract(x[0], x[2]), c = add(x[1], x[3]), d = turned(subtract(x[1], x[3]));
    x[0] = add(a, c);
    x[1] = add(b, d);
    x[2] = subtract(a, c);
    x[3] = subtract(b, d);
}

INLINE void transform_5(number *x) {
    const float c1 = 0.30901699437494742410F, c2 = -0.80901699437494742410F, s1 = 0.95105651629515357212F,
                s2 = 0.58778525229247312917F;
    number a = add(x[1], x[4]), b = add(x[2], x[3]), c = subtract(x[1], x[4]), d = subtract(x[2], x[3]);
    number near = plus_scaled(plus_scaled(x[0], a, c1), b, c2), far = plus_scaled(plus_scaled(x[0], a, c2), b, c1);
    number turn = turned(plus_scaled(scaled(c, s1), d, s2)), other = turned(plus_scaled(scaled(c, s2), d, -s1));
    x[0] = add(x[0], add(a, b));
    x[1] = add(near, turn);
    x[2] = add(far, other);
    x[3] = subtract(far, other);
    x[4] = subtract(near, turn);
}

INLINE void transform_8(number *x) {
    const float half = 0.70710678118654752440F;
    number even[4] = {x[0], x[2], x[4], x[6]}, odd[4] = {x[1], x[3], x[5], x[7]};
    transform_4(even);
    transform_4(odd);
    odd[1] = scaled(add(odd[1], turned(odd[1])), half);
    odd[2] = turned(odd[2]);
    odd[3] = scaled(subtract(turned(odd[3]), odd[3]), half);
    UNROLL(4)
    for (int k = 0; k < 4; k++) {
        x[k] = add(even[k], odd[k]);
        x[k + 4] = subtract(even[k], odd[k]);
    }
}
