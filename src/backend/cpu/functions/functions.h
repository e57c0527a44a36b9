/* Mathematical functions of vectors, <name>_f32 and <name>_f64, lane by lane: what an element gives does not depend on
   the others in its vector. float64 is SLEEF's everywhere, float32 where a set has no multiply-add in one rounding;
   elsewhere it is ours, without calls, several times as fast and within 2 units of the last place. Included by simd.h
   alone. */
#ifndef CPU_FUNCTIONS_H
#define CPU_FUNCTIONS_H

#define FUNCTION static inline __attribute__((unused))
#include "cpu/functions/exp.h"

#ifdef __FMA__
#define SLEEF_F32(f) f##_sleef
#include "cpu/functions/sleef.h"

#include "cpu/functions/exponentials.h"
#include "cpu/functions/logarithms.h"
#include "cpu/functions/trigonometry.h"
#include "cpu/functions/power.h"
#else
#define SLEEF_F32(f) f##_f32
#include "cpu/functions/sleef.h"

FUNCTION vf32 library_log(vf32 x) {
    for (int i = 0; i < LANES; i++) x[i] = __builtin_logf(x[i]);
    return x;
}
FUNCTION vf32 quick_log(vf32 x) {
    return log_f32(x);
}
#endif
#undef SLEEF_F32
#undef FUNCTION

#endif
