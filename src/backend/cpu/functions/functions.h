/* Mathematical functions of vectors, <name>_f32 and <name>_f64, lane by lane: what an element gives does not depend on
   the others in its vector. float64 is SLEEF's everywhere, float32 where a set has no multiply-add in one rounding;
   elsewhere it is ours, without calls, several times as fast and within 2 units of the last place. Included by simd.h
   alone. */
#ifndef CPU_FUNCTIONS_H
#define CPU_FUNCTIONS_H

#include "cpu/functions/sleef.h"

#ifdef __FMA__
#include "cpu/functions/exponentials.h"
#include "cpu/functions/logarithms.h"
#include "cpu/functions/trigonometry.h"
#include "cpu/functions/power.h"
#else
#define SLEEF_UNARY(f)                                                                                                 \
    static inline __attribute__((unused)) vf32 f##_f32(vf32 x) {                                                       \
        return f##_sleef(x);                                                                                           \
    }
#define SLEEF_BINARY(f)                                                                                                \
    static inline __attribute__((unused)) vf32 f##_f32(vf32 x, vf32 y) {                                               \
        return f##_sleef(x, y);                                                                                        \
    }
SLEEF_UNARY(exp)
SLEEF_UNARY(expm1)
SLEEF_UNARY(sinh)
SLEEF_UNARY(cosh)
SLEEF_UNARY(tanh)
SLEEF_UNARY(erf)
SLEEF_UNARY(log)
SLEEF_UNARY(log1p)
SLEEF_UNARY(log2)
SLEEF_UNARY(log10)
SLEEF_UNARY(asinh)
SLEEF_UNARY(acosh)
SLEEF_UNARY(atanh)
SLEEF_UNARY(sin)
SLEEF_UNARY(cos)
SLEEF_UNARY(tan)
SLEEF_UNARY(asin)
SLEEF_UNARY(acos)
SLEEF_UNARY(atan)
SLEEF_BINARY(pow)
SLEEF_BINARY(atan2)
#undef SLEEF_UNARY
#undef SLEEF_BINARY
#endif

#endif
