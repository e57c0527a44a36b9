/* Elementwise ops on complex64, in double. Multiplication and division are the C language's: infinities survive them.
 */
#include "reference/elementwise.h"

#define TABLE elementwise_complex
#define T     double _Complex
#define SLOT  c

#define BOOL(v)
#define INT(v)
#define FLOAT(v)
#define COMPLEX(v) STATEMENT(v)

#define abs(x)    cabs(x)
#define real(x)   creal(x)
#define imag(x)   cimag(x)
#define exp(x)    cexp(x)
#define log(x)    clog(x)
#define sqrt(x)   csqrt(x)
#define sin(x)    csin(x)
#define cos(x)    ccos(x)
#define tan(x)    ctan(x)
#define sinh(x)   csinh(x)
#define cosh(x)   ccosh(x)
#define tanh(x)   ctanh(x)
#define pow(x, y) cpow(x, y)

#include "reference/elementwise.tpl.h"
