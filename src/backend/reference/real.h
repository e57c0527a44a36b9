/* The real functions of the value language for the type T; MATH(name) is the C library's function for that type. */
#include <math.h>
#include <stdbool.h>

#include "reference/erfinv.h"

static inline bool lt(T a, T b) {
    return a < b;
}
static inline bool le(T a, T b) {
    return a <= b;
}
static inline T min(T a, T b) {
    return a < b || a != a ? a : b;
}
static inline T max(T a, T b) {
    return a > b || a != a ? a : b;
}

/* The remainder of x / y, rounded towards minus infinity: with the sign of y, a zero too. Exact but for one addition,
   however large the quotient is. */
static inline T floor_mod(T x, T y) {
    T rest = MATH(fmod)(x, y);
    if (rest == 0) return MATH(copysign)(rest, y);
    return (rest < 0) != (y < 0) ? rest + y : rest;
}
/* The quotient that goes with it; by zero that of the division. */
static inline T floor_div(T x, T y) {
    T rest = MATH(fmod)(x, y), quotient = MATH(rint)((x - rest) / y);
    if (y == 0) return x / y;
    if (rest != 0 && (rest < 0) != (y < 0)) quotient -= 1;
    return quotient == 0 ? MATH(copysign)(quotient, x / y) : quotient;
}

#define abs(x)      MATH(fabs)(x)
#define floor(x)    MATH(floor)(x)
#define ceil(x)     MATH(ceil)(x)
#define trunc(x)    MATH(trunc)(x)
#define rint(x)     MATH(rint)(x)
#define sqrt(x)     MATH(sqrt)(x)
#define exp(x)      MATH(exp)(x)
#define expm1(x)    MATH(expm1)(x)
#define log(x)      MATH(log)(x)
#define log1p(x)    MATH(log1p)(x)
#define log2(x)     MATH(log2)(x)
#define log10(x)    MATH(log10)(x)
#define sin(x)      MATH(sin)(x)
#define cos(x)      MATH(cos)(x)
#define tan(x)      MATH(tan)(x)
#define asin(x)     MATH(asin)(x)
#define acos(x)     MATH(acos)(x)
#define atan(x)     MATH(atan)(x)
#define sinh(x)     MATH(sinh)(x)
#define cosh(x)     MATH(cosh)(x)
#define tanh(x)     MATH(tanh)(x)
#define asinh(x)    MATH(asinh)(x)
#define acosh(x)    MATH(acosh)(x)
#define atanh(x)    MATH(atanh)(x)
#define erf(x)      MATH(erf)(x)
#define erfinv(x)   ((T)reference_erfinv((long double)(x)))
#define pow(x, y)   MATH(pow)(x, y)
#define atan2(x, y) MATH(atan2)(x, y)
