/* Running values for one instruction set: the loops of running.tpl.h for each type, and those of logarithms. */
#include <math.h>

#include "cpu/lanes.h"
#include "cpu/matmul/inline.h"
#include "cpu/scan/scan.h"
#include "cpu/simd.h"

enum {
    AHEAD = 1024, /* bytes that are fetched before their turn */
    CACHE_LINE = 64,
    GROUP = 4 /* vectors that share a test */
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

/* How far from 1, as a power of two, each of so many factors may be that are multiplied with what runs before that is
   out of the range of double, at most `most`; zero, infinity and NaN stay what they are. */
INLINE double nearness(double running, int factors, int most) {
    enum { MANTISSA = 52, BIAS = 1023, ENDS = 1000 /* the powers of two between which nothing is lost */ };
    int64_t bits;
    memcpy(&bits, &running, sizeof bits);
    int64_t exponent = (bits >> MANTISSA & (2 * BIAS + 1)) - BIAS, left = ENDS - (exponent < 0 ? -exponent : exponent);
    int64_t near = left < 0 ? -1 : left / factors;
    if (near > most || running == 0 || exponent > BIAS) near = most;
    bits = (BIAS + near) << MANTISSA;
    memcpy(&running, &bits, sizeof bits);
    return running;
}

/* All ones in lanes that are larger than `most` or smaller than its inverse. A zero stays one, and a NaN. */
INLINE vi64 far_lanes(vf64 came, double most) {
    vf64 size = abs_f64(came);
    return (vi64)(size > most) | ((vi64)(size < 1 / most) & (vi64)(came != 0)) | -(int64_t)(most < 1);
}

/* Of a group of vectors. */
typedef struct {
    vf64 most, least;
} group_range;

INLINE void range_of_sizes(group_range *range, vf64 came) {
    range->most = at_least_f64(abs_f64(came), range->most), range->least = at_most_f64(abs_f64(came), range->least);
}
/* Whether no factor of a group is far from 1. Behind a zero all is zero, unless something is infinite or NaN. */
INLINE bool are_near(const group_range *range, double running) {
    double most = nearness(running, GROUP * WIDE_LANES, 16);
    return !any_f64((vi64)(range->most > most) | ((vi64)(range->least < 1 / most) & -(int64_t)(running != 0)));
}

/* The product of what runs and an element. A processor takes its time for subnormal numbers: they are multiplied as
   whole numbers of the smallest. */
INLINE double product_of(double running, double x) {
#ifdef __FMA__
    const int64_t normal = (int64_t)1 << 52; /* the bits of the smallest number that is not subnormal */
    const double most = 0x1p52;              /* the same of the smallest */
    int64_t bits, other, none;
    memcpy(&bits, &running, sizeof bits), memcpy(&other, &x, sizeof other), memcpy(&none, &most, sizeof none);
    double size = (double)(bits & INT64_MAX), factor = fabs(x), rounded = __builtin_fma(size, factor, most);
    if ((bits & INT64_MAX) < normal && size * factor < most) {
        int64_t sign = (bits ^ other) & INT64_MIN;
        memcpy(&bits, &rounded, sizeof bits);
        bits = (bits - none) | sign;
        memcpy(&running, &bits, sizeof bits);
        return running;
    }
#endif
    return running * x;
}

/* A few hundred roundings do not reach across these from the ends of the range. */
static bool is_product_in_doubt(double running, const scan_state *total) {
    double number = total->total.number, size = fabs(running);
    if (isnan(running) || isnan(number)) return !isnan(running);
    if (size == 0) return isinf(number);
    if (isinf(size)) return number == 0;
    return !(size * total->total.most < 0x1p1023 && total->total.inverse / size < 0x1p1021);
}
/* own: the product of the elements alone. Where that, or a part of it, is subnormal, digits were lost that a large
 * `before` does not bring back. */
static void bound_product(double before, double own, scan_state *total, double size) {
    double most = fabs(before) * size, inverse = size / fabs(total->total.number);
    if (!(size / fabs(own) < 0x1p1021)) inverse = INFINITY;
    total->total.most = most > total->total.most ? most : total->total.most;
    total->total.inverse = inverse > total->total.inverse ? inverse : total->total.inverse;
}
/* Once what runs is infinite, only what is another infinity or NaN matters. */
static bool is_sum_in_doubt(double running, const scan_state *total) {
    if (isinf(running)) return running + total->total.number != running;
    return !isnan(running) && !(fabs(running) + total->total.most < 0x1p1023);
}

/* Where the next ones of a line of `count` begin, of which so many are done. */
INLINE int64_t next_place(int64_t count, int64_t done, int64_t some, bool backwards) {
    return backwards ? count - some - done : done;
}

/* Compilers widen halves of the half. */
INLINE vf64 widen_half_f32(hf32 x) {
#if SIMD_BYTES == 64
    return (vf64)_mm512_cvtps_pd((__m256)x);
#elif SIMD_BYTES == 32
    return (vf64)_mm256_cvtps_pd((__m128)x);
#else
    return __builtin_convertvector(x, vf64);
#endif
}

/* Asks for so many bytes. */
INLINE void fetch(const void *from, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += CACHE_LINE) PREFETCH((const char *)from + i);
}

#include "cpu/scan/logs.tpl.h"

/* ---- floats: sums and products in double, half a vector at a time; of halves products alone */
#define VALUE  double
#define VALUES vf64
#define COUNT  WIDE_LANES_
#define IN_DOUBLE

#define TYPE(f)       f##_f32
#define ELEMENT       float
#define ELEMENTS      hf32
#define WIDEN(e)      widen_half_f32(e)
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

/* Halves of two such vectors: even and odd ones. */
INLINE vf64 bfloat16_in_wide_twos(const uint16_t *x, int j) {
    hu32 both;
    memcpy(&both, x, sizeof both);
    return widen_half_f32((hf32)(j ? both & 0xFFFF0000 : both << 16));
}
INLINE hu32 join_wide_bfloat16(vf64 even, vf64 odd) {
    hu32 a = (hu32) __builtin_convertvector(even, hf32), b = (hu32) __builtin_convertvector(odd, hf32);
    a += 0x7FFF + (a >> 16 & 1), b += 0x7FFF + (b >> 16 & 1); /* no NaN has lower bits */
    return (a >> 16) | (b & 0xFFFF0000);
}

#define ELEMENT           uint16_t
#define ELEMENTS          qu16
#define STREAM(to, e)     memcpy(to, &(e), sizeof(e)) /* too little for a line of its own */
#define TWO               hu32
#define STREAM_TWO(to, e) stream_half(to, (hf32)(e))
#define TYPE(f)           f##_bf16
#define WIDEN(e)          widen_half_f32(widen_quarter_bfloat16(e))
#define NARROW(v)         narrow_quarter_bfloat16(__builtin_convertvector(v, hf32))
#define IN_TWOS           bfloat16_in_wide_twos
#define JOIN_TWOS         join_wide_bfloat16
#include "cpu/scan/products.tpl.h"
#undef TYPE
#undef WIDEN
#undef NARROW
#undef IN_TWOS
#undef JOIN_TWOS
#undef TWO
#undef STREAM_TWO

#define TYPE(f)   f##_f16
#define WIDEN(e)  widen_half_f32(widen_quarter_float16(e))
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

/* ---- halves: sums and extremes in float32; a sum goes from vector to vector in double. Extremes are halves as they
   came */
#define VALUE             float
#define VALUES            vf32
#define COUNT             NARROW_LANES
#define MASK              vi32
#define ANY_NAN           any_nan_f32
#define AT_LEAST          at_least_f32
#define AT_MOST           at_most_f32
#define LEAST             -INFINITY
#define MOST              INFINITY
#define ELEMENTS          hu16
#define STREAM(to, e)     stream_half(to, (hf32)(e))
#define TYPE(f)           f##_bf16
#define WIDEN(e)          widen_bfloat16(e)
#define NARROW(v)         narrow_number_bfloat16(v)
#define IN_TWOS           bfloat16_in_twos
#define TWO               vu32
#define STREAM_TWO(to, e) stream_f32(to, (vf32)(e))
#define JOIN_TWOS(a, b)   join_upper_halves(round_number_bfloat16(a), round_number_bfloat16(b))
#define CARRIED           double
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
#undef TWO
#undef STREAM_TWO
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
#include "cpu/scan/products.tpl.h"
#undef IN_DOUBLE
#define LEAVES_RANGE(s, came, v, all)    (NOT_FINITE(all) && (isfinite(s) || NOT_FINITE(v)))
#define IN_GROUPS(s)                     isfinite(s)
#define TAKE(range, came, all)           ((void)(came), (range)->most += 0 * (all))
#define HOLDS(range, s)                  !not_finite_f64((range)->most)
#define SIZE(x)                          abs_f64(x)
#define BOUND(before, own, total_, size) ((void)(before), (void)(own), (total_)->total.most += (size))
#define IN_DOUBT(s, own, total)          is_sum_in_doubt(s, total)
#include "cpu/scan/sums.tpl.h"

/* Sums and products of signed integers are those of unsigned ones. */
#define SUMS(kind)                                                                                                     \
    { &kind##_loops_u32, &kind##_loops_u32, &kind##_loops_u64, &kind##_loops_u64, &kind##_loops_f32, &kind##_loops_f64 }
#define EXTREMES(kind)                                                                                                 \
    { &kind##_loops_i32, &kind##_loops_u32, &kind##_loops_i64, &kind##_loops_u64, &kind##_loops_f32, &kind##_loops_f64 }
#define HALVES(type)                                                                                                   \
    {                                                                                                                  \
        [REDUCE_SUM] = &sum_loops_##type, [REDUCE_PROD] = &prod_loops_##type, [REDUCE_MAX] = &max_loops_##type,        \
        [REDUCE_MIN] = &min_loops_##type, [REDUCE_LOGADDEXP] = &logs_loops_##type                                      \
    }
const scan_kernels ISA(scan_kernels) = {
    .loops = {[REDUCE_SUM] = SUMS(sum),
              [REDUCE_PROD] = SUMS(prod),
              [REDUCE_MAX] = EXTREMES(max),
              [REDUCE_MIN] = EXTREMES(min),
              [REDUCE_LOGADDEXP] = {[TYPE_F32] = &logs_loops_f32, [TYPE_F64] = &logs_loops_f64}},
    .bfloat16 = HALVES(bf16),
    .float16 = HALVES(f16)};
