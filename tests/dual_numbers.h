/* Numbers with several infinitesimals beside each other, on which functions are differentiated without any graph: the
   oracle for nested derivatives. at[i] is the coefficient of the product of the infinitesimals in the bits of i, and
   the square of each is zero. The highest bit belongs to the innermost derivative. Included by tests only. */
#ifndef TESTS_DUAL_NUMBERS_H
#define TESTS_DUAL_NUMBERS_H

#include <math.h>
#include <string.h>

enum { DUAL_LEVELS = 4, DUAL_SIZE = 1 << DUAL_LEVELS };

typedef struct {
    double at[DUAL_SIZE];
} dual;

typedef enum { DUAL_SIN, DUAL_COS, DUAL_EXP, DUAL_TANH, DUAL_RECIPROCAL, DUAL_RSQRT } dual_function;

static inline dual dual_of(double value) {
    return (dual){{value}};
}

static inline dual dual_add(dual a, double factor, dual b) { /* a + factor * b */
    for (int i = 0; i < DUAL_SIZE; i++) a.at[i] += factor * b.at[i];
    return a;
}

/* out[i] = the sum over parts of i of a[part] * b[rest] */
static inline dual dual_multiply(dual a, dual b) {
    dual out = {{0}};
    for (int i = 0; i < DUAL_SIZE; i++)
        for (int j = 0; j < DUAL_SIZE; j++)
            if (!(i & j)) out.at[i | j] += a.at[i] * b.at[j];
    return out;
}

/* x is low + high * (the infinitesimal of this level), both without it. */
static inline dual dual_low(dual x, int level) {
    for (int i = 0; i < DUAL_SIZE; i++)
        if (i >> level & 1) x.at[i] = 0;
    return x;
}
static inline dual dual_high(dual x, int level) {
    dual out = {{0}};
    for (int i = 0; i < DUAL_SIZE; i++)
        if (i >> level & 1) out.at[i ^ 1 << level] = x.at[i];
    return out;
}
static inline dual dual_join(dual low, dual high, int level) {
    for (int i = 0; i < DUAL_SIZE; i++)
        if (!(i >> level & 1)) low.at[i | 1 << level] += high.at[i];
    return low;
}

static inline dual dual_apply(dual_function f, dual x, int levels);

/* The derivative of f at x, which has no infinitesimals from `levels` up. */
static inline dual dual_slope(dual_function f, dual x, int levels) {
    dual y = dual_apply(f == DUAL_SIN   ? DUAL_COS
                        : f == DUAL_COS ? DUAL_SIN
                                        : f,
                        x, levels),
         square = dual_multiply(y, y);
    switch (f) {
    case DUAL_COS:
        return dual_add(dual_of(0), -1, y);
    case DUAL_TANH:
        return dual_add(dual_of(1), -1, square);
    case DUAL_RECIPROCAL:
        return dual_add(dual_of(0), -1, square);
    case DUAL_RSQRT:
        return dual_add(dual_of(0), -0.5, dual_multiply(square, y));
    case DUAL_SIN:
    case DUAL_EXP:
        break;
    }
    return y;
}

static inline double dual_plain(dual_function f, double x) {
    switch (f) {
    case DUAL_SIN:
        return sin(x);
    case DUAL_COS:
        return cos(x);
    case DUAL_EXP:
        return exp(x);
    case DUAL_TANH:
        return tanh(x);
    case DUAL_RECIPROCAL:
        return 1 / x;
    case DUAL_RSQRT:
        break;
    }
    return 1 / sqrt(x);
}

static inline dual dual_apply(dual_function f, dual x, int levels) {
    if (levels == 0) return dual_of(dual_plain(f, x.at[0]));
    dual low = dual_low(x, levels - 1), slope = dual_slope(f, low, levels - 1);
    return dual_join(dual_apply(f, low, levels - 1), dual_multiply(slope, dual_high(x, levels - 1)), levels - 1);
}

static inline dual dual_call(dual_function f, dual x) {
    return dual_apply(f, x, DUAL_LEVELS);
}

#endif
