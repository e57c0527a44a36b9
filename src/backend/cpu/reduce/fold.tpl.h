/* Folds for one instruction set: the loops of dtype.tpl.h for each dtype. */
#include "cpu/reduce/fold.h"

#include <math.h>

#include "cpu/matmul/inline.h"
#include "cpu/simd.h"

enum {
    AHEAD = 2048,   /* bytes that are fetched before their turn */
    SIDE = 8,       /* vectors that fold side by side */
    ORDERED = 4096, /* elements, in the first-level cache, that are tried without a thought for NaN */
    PLACED = 2048   /* elements of a block, of which the best is compared with what came before */
};

/* ---- 32 bits */
#define COUNT       LANES
#define PLACES      vi32
#define VALUE_PLACE int32_t
#define ANY         any_f32

#define AT_LEAST at_least_f32
#define AT_MOST  at_most_f32
#define VALUE    float
#define VALUES   vf32
#define ELEMENTS vf32
#define TYPE(f)  f##_float32
#define ELEMENT  float
#define WIDEN(e) (e)
#define LEAST    -INFINITY
#define MOST     INFINITY
#include "cpu/reduce/dtype.tpl.h"
#undef ELEMENTS

#define ELEMENTS hu16
#define TYPE(f)  f##_bfloat16
#define ELEMENT  uint16_t
#define WIDEN(e) widen_bfloat16(e)
#define IN_TWOS  bfloat16_in_twos
#define LEAST    -INFINITY
#define MOST     INFINITY
#include "cpu/reduce/dtype.tpl.h"
#undef IN_TWOS

#define TYPE(f)  f##_float16
#define ELEMENT  uint16_t
#define WIDEN(e) widen_float16(e)
#define LEAST    -INFINITY
#define MOST     INFINITY
#include "cpu/reduce/dtype.tpl.h"
#undef VALUE
#undef VALUES
#undef ELEMENTS
#undef AT_LEAST
#undef AT_MOST

#define VALUE    int32_t
#define VALUES   vi32
#define ELEMENTS vi32
#define TYPE(f)  f##_int32
#define ELEMENT  int32_t
#define WIDEN(e) (e)
#define LEAST    INT32_MIN
#define MOST     INT32_MAX
#include "cpu/reduce/dtype.tpl.h"
#undef VALUE
#undef VALUES
#undef ELEMENTS

#define VALUE    uint32_t
#define VALUES   vu32
#define ELEMENTS vu32
#define TYPE(f)  f##_uint32
#define ELEMENT  uint32_t
#define WIDEN(e) (e)
#define LEAST    0
#define MOST     UINT32_MAX
#include "cpu/reduce/dtype.tpl.h"
#undef VALUE
#undef VALUES
#undef ELEMENTS
#undef COUNT
#undef PLACES
#undef VALUE_PLACE
#undef ANY

/* ---- 64 bits */
#define COUNT       WIDE_LANES
#define PLACES      vi64
#define VALUE_PLACE int64_t
#define ANY         any_f64

#define AT_LEAST at_least_f64
#define AT_MOST  at_most_f64
#define VALUE    double
#define VALUES   vf64
#define ELEMENTS vf64
#define TYPE(f)  f##_float64
#define ELEMENT  double
#define WIDEN(e) (e)
#define LEAST    -(double)INFINITY
#define MOST     (double)INFINITY
#include "cpu/reduce/dtype.tpl.h"
#undef VALUE
#undef VALUES
#undef ELEMENTS
#undef AT_LEAST
#undef AT_MOST

#define VALUE    int64_t
#define VALUES   vi64
#define ELEMENTS vi64
#define TYPE(f)  f##_int64
#define ELEMENT  int64_t
#define WIDEN(e) (e)
#define LEAST    INT64_MIN
#define MOST     INT64_MAX
#include "cpu/reduce/dtype.tpl.h"
#undef VALUE
#undef VALUES
#undef ELEMENTS

#define VALUE    uint64_t
#define VALUES   vu64
#define ELEMENTS vu64
#define TYPE(f)  f##_uint64
#define ELEMENT  uint64_t
#define WIDEN(e) (e)
#define LEAST    0
#define MOST     UINT64_MAX
#include "cpu/reduce/dtype.tpl.h"

#define FOLDS(kind)                                                                                                    \
    {                                                                                                                  \
        [TARN_FLOAT32] = &kind##_loops_float32, [TARN_BFLOAT16] = &kind##_loops_bfloat16,                              \
        [TARN_FLOAT16] = &kind##_loops_float16, [TARN_INT32] = &kind##_loops_int32,                                    \
        [TARN_UINT32] = &kind##_loops_uint32, [TARN_FLOAT64] = &kind##_loops_float64,                                  \
        [TARN_INT64] = &kind##_loops_int64, [TARN_UINT64] = &kind##_loops_uint64                                       \
    }
const fold_kernels ISA(fold_kernels) = {
    {[REDUCE_SUM] = FOLDS(sum), [REDUCE_PROD] = FOLDS(prod), [REDUCE_MAX] = FOLDS(max), [REDUCE_MIN] = FOLDS(min)}};
