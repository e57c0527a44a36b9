/* Elementwise ops on complex64, in double. Multiplication and division are the C language's: infinities survive them.
 */
#include <math.h>
#include <stdbool.h>

#include "reference/elementwise.h"

#define TABLE elementwise_complex
#define T     double _Complex
#define SLOT  c

#define BOOL(v)
#define INT(v)
#define FLOAT(v)
#define COMPLEX(v) STATEMENT(v)

/* Real parts first, then imaginary ones. */
static inline bool lt(T a, T b) {
    return creal(a) < creal(b) || (creal(a) == creal(b) && cimag(a) < cimag(b));
}
static inline bool le(T a, T b) {
    return creal(a) < creal(b) || (creal(a) == creal(b) && cimag(a) <= cimag(b));
}
static inline T min(T a, T b) {
    return lt(a, b) || a != a ? a : b;
}
static inline T max(T a, T b) {
    return lt(b, a) || a != a ? a : b;
}

static inline bool is_infinite(T a) {
    return isinf(creal(a)) || isinf(cimag(a));
}

#undef isinf
#define isinf(x)  is_infinite(x)
#define rint(x)   __builtin_complex(rint(creal(x)), rint(cimag(x)))
#define abs(x)    cabs(x)
#define real(x)   creal(x)
#define imag(x)   cimag(x)
#define exp(x)    cexp(x)
#define log(x)    clog(x)
#define sqrt(x)   csqrt(x)
#define sin(x)    csin(x)
#define cos(x)    ccos(x)
#define tan(x)    ctan(x)
#define asin(x)   casin(x)
#define acos(x)   cacos(x)
#define atan(x)   catan(x)
#define asinh(x)  casinh(x)
#define acosh(x)  cacosh(x)
#define atanh(x)  catanh(x)
#define sinh(x)   csinh(x)
#define cosh(x)   ccosh(x)
#define tanh(x)   ctanh(x)
#define pow(x, y) cpow(x, y)

#include "reference/elementwise.tpl.h"
