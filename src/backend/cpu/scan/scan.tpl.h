/* Running values for one instruction set: the loops of running.tpl.h for each type, and those of logarithms. */
#include <math.h>

#include "cpu/lanes.h"
#include "cpu/matmul/inline.h"
#include "cpu/scan/scan.h"
#include "cpu/simd.h"

enum {
    AHEAD = 1024, /* bytes that are fetched before their turn */
    GROUP = 4     /* vectors that share a test */
};

/* How many lanes, as words that can be part of a name. */
#if SIMD_BYTES == 64
#define NARROW_LANES 16
#define WIDE_LANES_  8
#elif SIMD_BYTES == 32
#define NARROW_LANES 8
#define WIDE_LANES_  4
#else
#define NARROW_LANES 4
#define WIDE_LANES_  2
#endif

INLINE bool not_finite_f64(vf64 v) {
    return any_f64((vi64)(v - v != 0));
}
#define NOT_FINITE(v) _Generic((v), vf32 : any_not_finite_f32, vf64 : not_finite_f64)(v)

/* ---- what the order of operations in double may make infinite, zero or no number, though one by one it is not, or not
   the same */

/* Whether one of a vector may leave the range with the others, or behind a number that is not extreme: 2^50 to the
   power of eight lanes, times 2^600, is below 2^1024. A zero stays one, and a NaN. */
INLINE bool are_far(vf64 came) {
    vf64 size = abs_f64(came);
    return any_f64((vi64)(size > 0x1p50) | ((vi64)(size < 0x1p-50) & (vi64)(came != 0)));
}
/* Zero, infinity and NaN stay what they are, too. */
static bool is_extreme(double running) {
    double size = fabs(running);
    return (size < 0x1p-600 && size > 0) || (size > 0x1p600 && size < (double)INFINITY);
}

static bool is_product_in_doubt(double running, double total) {
    if (isnan(running) || isnan(total)) return !isnan(running);
    if (running == 0) return isinf(total);
    if (isinf(running)) return total == 0;
    return !isnormal(total) || !isnormal(running * total);
}
static bool is_sum_in_doubt(double running, double total) {
    if (isfinite(total)) return isfinite(running) && !isfinite(running + total);
    return !isnan(running);
}

/* ---- floats: sums and products in double, half a vector at a time; of halves products alone */
#define VALUE  double
#define VALUES vf64
#define COUNT  WIDE_LANES_
#define IN_DOUBLE
#define TOO_SMALL(v) 0 /* of float32, of which 2^-1022 is none */

#define TYPE(f)       f##_f32
#define ELEMENT       float
#define ELEMENTS      hf32
#define WIDEN(e)      __builtin_convertvector(e, vf64)
#define NARROW(v)     __builtin_convertvector(v, hf32)
#define STREAM(to, e) stream_half(to, e)
#include "cpu/scan/products.tpl.h"
#include "cpu/scan/sums.tpl.h"
#undef TYPE
#undef ELEMENT
#undef ELEMENTS
#undef WIDEN
#undef NARROW
#undef STREAM

#define ELEMENT       uint16_t
#define ELEMENTS      qu16
#define STREAM(to, e) memcpy(to, &(e), sizeof(e)) /* too little for a line of its own */
#define TYPE(f)       f##_bf16
#define WIDEN(e)      __builtin_convertvector(widen_quarter_bfloat16(e), vf64)
#define NARROW(v)     narrow_quarter_bfloat16(__builtin_convertvector(v, hf32))
#include "cpu/scan/products.tpl.h"
#undef TYPE
#undef WIDEN
#undef NARROW

#define TYPE(f)   f##_f16
#define WIDEN(e)  __builtin_convertvector(widen_quarter_float16(e), vf64)
#define NARROW(v) narrow_quarter_float16(__builtin_convertvector(v, hf32))
#include "cpu/scan/products.tpl.h"
#undef TYPE
#undef WIDEN
#undef NARROW
#undef ELEMENTS
#undef STREAM
#undef VALUE
#undef VALUES
#undef COUNT
#undef IN_DOUBLE
#undef TOO_SMALL

/* ---- halves: sums and extremes in float32; a sum goes from vector to vector in double. Extremes are halves as they
   came */
#define VALUE           float
#define VALUES          vf32
#define COUNT           NARROW_LANES
#define MASK            vi32
#define ANY_NAN         any_nan_f32
#define AT_LEAST        at_least_f32
#define AT_MOST         at_most_f32
#define LEAST           -INFINITY
#define MOST            INFINITY
#define ELEMENTS        hu16
#define STREAM(to, e)   stream_half(to, (hf32)(e))
#define TYPE(f)         f##_bf16
#define WIDEN(e)        widen_bfloat16(e)
#define NARROW(v)       narrow_number_bfloat16(v)
#define IN_TWOS         bfloat16_in_twos
#define JOIN_TWOS(a, b) join_upper_halves(round_number_bfloat16(a), round_number_bfloat16(b))
#define CARRIED         double
/* Of float32, which sums in double do not. Behind a state that is not finite only the vector's own sums tell. */
#define LEAVES_RANGE(s, came, v, all) (NOT_FINITE(all) && (isfinite(s) || NOT_FINITE(v)))
#define TOTAL_LEAVES(came, all)       NOT_FINITE(all)
#include "cpu/scan/sums.tpl.h"
#undef CARRIED
#undef NARROW
#undef JOIN_TWOS
#define NARROW(v)       upper_halves((vu32)(v))
#define JOIN_TWOS(a, b) join_upper_halves((vu32)(a), (vu32)(b))
#include "cpu/scan/extremes.tpl.h"
#undef IN_TWOS
#undef JOIN_TWOS
#undef TYPE
#undef WIDEN
#undef NARROW

#define TYPE(f)   f##_f16
#define WIDEN(e)  widen_float16(e)
#define NARROW(v) narrow_float16(v)
#define CARRIED   double
#include "cpu/scan/sums.tpl.h"
#undef CARRIED
#include "cpu/scan/extremes.tpl.h"
#undef TYPE
#undef WIDEN
#undef NARROW
#undef VALUE
#undef ELEMENT
#undef ELEMENTS
#undef STREAM

/* ---- values of one type, as they lie */
#define VALUE         ELEMENT
#define ELEMENTS      VALUES
#define WIDEN(e)      (e)
#define NARROW(v)     (v)
#define STREAM(to, e) stream_f32(to, (vf32)(e))
#define TYPE(f)       f##_f32
#define ELEMENT       float
#include "cpu/scan/extremes.tpl.h"
#undef TYPE
#undef ELEMENT
#undef VALUES
#undef LEAST
#undef MOST
#undef ANY_NAN
#undef AT_LEAST
#undef AT_MOST

#define TYPE(f) f##_i32
#define ELEMENT int32_t
#define VALUES  vi32
#define LEAST   INT32_MIN
#define MOST    INT32_MAX
#include "cpu/scan/extremes.tpl.h"
#undef TYPE
#undef ELEMENT
#undef VALUES
#undef LEAST
#undef MOST

#define TYPE(f) f##_u32
#define ELEMENT uint32_t
#define VALUES  vu32
#define LEAST   0
#define MOST    UINT32_MAX
#include "cpu/scan/extremes.tpl.h"
#include "cpu/scan/products.tpl.h"
#include "cpu/scan/sums.tpl.h"
#undef TYPE
#undef ELEMENT
#undef VALUES
#undef MASK
#undef COUNT
#undef LEAST
#undef MOST

#define MASK    vi64
#define COUNT   WIDE_LANES_
#define TYPE(f) f##_u64
#define ELEMENT uint64_t
#define VALUES  vu64
#define LEAST   0
#define MOST    UINT64_MAX
#include "cpu/scan/extremes.tpl.h"
#include "cpu/scan/products.tpl.h"
#include "cpu/scan/sums.tpl.h"
#undef TYPE
#undef ELEMENT
#undef VALUES
#undef LEAST
#undef MOST

#define TYPE(f) f##_i64
#define ELEMENT int64_t
#define VALUES  vi64
#define LEAST   INT64_MIN
#define MOST    INT64_MAX
#include "cpu/scan/extremes.tpl.h"
#undef TYPE
#undef ELEMENT
#undef VALUES
#undef LEAST
#undef MOST

#define TYPE(f)  f##_f64
#define ELEMENT  double
#define VALUES   vf64
#define ANY_NAN  any_nan_f64
#define AT_LEAST at_least_f64
#define AT_MOST  at_most_f64
#define LEAST    -(double)INFINITY
#define MOST     (double)INFINITY
#include "cpu/scan/extremes.tpl.h"
#define IN_DOUBLE
#define TOO_SMALL(v) (vi64)(abs_f64(v) < 0x1p-1022)
#include "cpu/scan/products.tpl.h"
#define LEAVES_RANGE(s, came, v, all) (NOT_FINITE(all) && (isfinite(s) || NOT_FINITE(v)))
#define SPOIL(sound, v, all)          ((sound) + 0 * (all))
#define IN_DOUBT(s, t)                is_sum_in_doubt(s, t)
#include "cpu/scan/sums.tpl.h"

#include "cpu/scan/logs.tpl.h"

/* Sums and products of signed integers are those of unsigned ones. */
#define SUMS(kind)                                                                                                     \
    { &kind##_loops_u32, &kind##_loops_u32, &kind##_loops_u64, &kind##_loops_u64, &kind##_loops_f32, &kind##_loops_f64 }
#define EXTREMES(kind)                                                                                                 \
    { &kind##_loops_i32, &kind##_loops_u32, &kind##_loops_i64, &kind##_loops_u64, &kind##_loops_f32, &kind##_loops_f64 }
#define HALVES(type)                                                                                                   \
    {                                                                                                                  \
        [REDUCE_SUM] = &sum_loops_##type, [REDUCE_PROD] = &prod_loops_##type, [REDUCE_MAX] = &max_loops_##type,        \
        [REDUCE_MIN] = &min_loops_##type                                                                               \
    }
const scan_kernels ISA(scan_kernels) = {
    .loops = {[REDUCE_SUM] = SUMS(sum),
              [REDUCE_PROD] = SUMS(prod),
              [REDUCE_MAX] = EXTREMES(max),
              [REDUCE_MIN] = EXTREMES(min),
              [REDUCE_LOGADDEXP] = {[TYPE_F32] = &logs_loops_f32, [TYPE_F64] = &logs_loops_f64}},
    .bfloat16 = HALVES(bf16),
    .float16 = HALVES(f16)};
