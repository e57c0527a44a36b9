/* The inverse of the error function: a guess of four digits, then Halley's steps, each of which triples the digits. */
#include "reference/erfinv.h"

#include <math.h>

/* S. Winitzki, "A handy approximation for the error function and its inverse" (2008). */
static long double first_guess(long double x, long double complement) {
    long double a = 0.147L, l = logl(complement * (1 + x)), t = 2 / (a * acosl(-1)) + l / 2;
    return sqrtl(sqrtl(t * t - l / a) - t);
}

/* Near 1 the residual is taken from erfc, which keeps its digits there as erf does near 0. */
static long double refine(long double y, long double x, long double complement) {
    long double residual = x < 0.5L ? erfl(y) - x : complement - erfcl(y);
    long double step = residual * sqrtl(acosl(-1)) / 2 * expl(y * y);
    return y - step / (1 + y * step);
}

long double reference_erfinv(long double x) {
    long double magnitude = fabsl(x), complement = 1 - magnitude;
    if (!(magnitude <= 1)) return NAN;
    if (magnitude == 1) return copysignl(INFINITY, x);
    if (magnitude < 1e-10L) return x * sqrtl(acosl(-1)) / 2;
    long double y = first_guess(magnitude, complement);
    for (int i = 0; i < 4; i++) y = refine(y, magnitude, complement);
    return copysignl(y, x);
}
