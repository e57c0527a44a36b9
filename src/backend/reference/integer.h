/* The integer functions of the value language, for the type T (int64_t or uint64_t). None of them traps: each has a
   result for every input. Narrower dtypes use them too and wrap the result, which comes to the same as computing in
   their width. */
#include <stdbool.h>
#include <stdint.h>

#define IS_SIGNED ((T)-1 < (T)1)

static inline bool lt(T a, T b) {
    return a < b;
}
static inline bool le(T a, T b) {
    return a <= b;
}
static inline T min(T a, T b) {
    return a < b ? a : b;
}
static inline T max(T a, T b) {
    return a < b ? b : a;
}

/* The quotient rounded towards minus infinity; 0 for y = 0. The lowest number by -1 wraps to itself. */
static inline T idiv(T x, T y) {
    if (y == 0) return 0;
    if (IS_SIGNED && y == (T)-1) return (T)(0 - x);
    T quotient = x / y;
    return x % y != 0 && lt(x, 0) != lt(y, 0) ? quotient - 1 : quotient;
}

/* x - y * idiv(x, y), with the sign of y; 0 for y = 0. */
static inline T imod(T x, T y) {
    if (y == 0 || (IS_SIGNED && y == (T)-1)) return 0;
    T rest = x % y;
    return rest != 0 && lt(rest, 0) != lt(y, 0) ? rest + y : rest;
}

/* A negative count is beyond every width. */
static inline T shl(T x, T y) {
    return (uint64_t)y < 64 ? (T)((uint64_t)x << y) : 0;
}
static inline T shr(T x, T y) {
    return (uint64_t)y < 64 ? x >> y : (T)(lt(x, 0) ? -1 : 0);
}

/* x to the power y modulo 2^64; with a negative y the quotient 1 / x^-y without its fraction, and 0 for x = 0. */
static inline T ipow(T x, T y) {
    if (lt(y, 0)) {
        if (x == (T)-1) return y & 1 ? x : 1;
        return x == 1;
    }
    T result = 1;
    for (uint64_t n = (uint64_t)y; n; n >>= 1, x *= x)
        if (n & 1) result *= x;
    return result;
}
