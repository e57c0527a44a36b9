/* The loops of the block interpreter for one instruction set: the rows of the table for every pass, loads, stores and
 * conversions. */
#include "cpu/elementwise/elementwise.h"
#include "cpu/elementwise/memory.h"
#include "cpu/elementwise/narrow.h"
#include "cpu/elementwise/values.h"

/* ---- the rows. The functions of the value language are those of the pass. */
#define FN_(name, pass)  name##_##pass
#define FN2(name, pass)  FN_(name, pass)
#define FN(name)         FN2(name, PASS)
#define lt(a, b)         FN(lt)(a, b)
#define le(a, b)         FN(le)(a, b)
#define eq(a, b)         FN(eq)(a, b)
#define not_(a)          FN(not_)(a)
#define and_(a, b)       ((a) & (b))
#define or_(a, b)        ((a) | (b))
#define truth(a)         ((M)((a) != (__typeof__(a)){0}))
#define multiplied(a, b) ((a) * (b))
#define divided(a, b)    ((a) / (b))
#define select(m, a, b)  FN(select)(m, a, b)
#define min(a, b)        FN(min)(a, b)
#define max(a, b)        FN(max)(a, b)
#define idiv(a, b)       FN(idiv)(a, b)
#define imod(a, b)       FN(imod)(a, b)
#define ipow(a, b)       FN(ipow)(a, b)
#define floor_div(a, b)  FN(floor_div)(a, b)
#define floor_mod(a, b)  FN(floor_mod)(a, b)
#define shl(a, b)        FN(shl)(a, b)
#define shr(a, b)        FN(shr)(a, b)
#define isnan(a)         FN(isnan)(a)
#define isinf(a)         FN(isinf)(a)
#define abs(a)           FN(abs)(a)
#define floor(a)         FN(floor)(a)
#define ceil(a)          FN(ceil)(a)
#define trunc(a)         FN(trunc)(a)
#define rint(a)          FN(rint)(a)
#define sqrt(a)          FN(sqrt)(a)
#define exp(a)           FN(exp)(a)
#define expm1(a)         FN(expm1)(a)
#define log(a)           FN(log)(a)
#define log1p(a)         FN(log1p)(a)
#define log2(a)          FN(log2)(a)
#define log10(a)         FN(log10)(a)
#define sin(a)           FN(sin)(a)
#define cos(a)           FN(cos)(a)
#define tan(a)           FN(tan)(a)
#define asin(a)          FN(asin)(a)
#define acos(a)          FN(acos)(a)
#define atan(a)          FN(atan)(a)
#define sinh(a)          FN(sinh)(a)
#define cosh(a)          FN(cosh)(a)
#define tanh(a)          FN(tanh)(a)
#define asinh(a)         FN(asinh)(a)
#define acosh(a)         FN(acosh)(a)
#define atanh(a)         FN(atanh)(a)
#define erf(a)           FN(erf)(a)
#define erfinv(a)        FN(erfinv)(a)
#define pow(a, b)        FN(pow)(a, b)
#define atan2(a, b)      FN(atan2)(a, b)
#define conj(a)          FN(conj)(a)
#define real(a)          FN(real)(a)
#define imag(a)          FN(imag)(a)

#define K(v) FN(splat_number)((FN(E))(v))

#define IGNORE(v)
#define BOOL(v)    IGNORE(v)
#define INT(v)     IGNORE(v)
#define COMPLEX(v) IGNORE(v)
#define FLOAT(v)   VALUE(v)
#define PAIRS
#define PASS f32
#include "cpu/elementwise/rows.tpl.h"
#undef PAIRS
#define PASS f64
#include "cpu/elementwise/rows.tpl.h"
#undef FLOAT
#undef INT
#define FLOAT(v) IGNORE(v)
#define INT(v)   VALUE(v)
#define PASS     i32
#include "cpu/elementwise/rows.tpl.h"
#define PASS u32
#include "cpu/elementwise/rows.tpl.h"
#define PASS i64
#include "cpu/elementwise/rows.tpl.h"
#define PASS u64
#include "cpu/elementwise/rows.tpl.h"
#undef INT
#undef BOOL
#define INT(v)  IGNORE(v)
#define BOOL(v) VALUE(v)
#define PASS    bit
#include "cpu/elementwise/rows.tpl.h"
#undef BOOL
#undef COMPLEX
#define BOOL(v)    IGNORE(v)
#define COMPLEX(v) VALUE(v)
#undef truth
#undef multiplied
#undef divided
#define truth(a)         either_c64((vi64)((a) != (__typeof__(a)){0}))
#define multiplied(a, b) product_c64(a, b)
#define divided(a, b)    quotient_c64(a, b)
#define PASS             c64
#include "cpu/elementwise/rows.tpl.h"

static void stream(void *to, const void *from, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += SIMD_BYTES) stream_f32((char *)to + i, load_f32((const char *)from + i));
}

#define CONVERTS(type)                                                                                                 \
    [TARN_BOOL] = convert_##type##_bool, [TARN_UINT8] = convert_##type##_uint8,                                        \
    [TARN_UINT16] = convert_##type##_uint16, [TARN_UINT32] = convert_##type##_uint32,                                  \
    [TARN_UINT64] = convert_##type##_uint64, [TARN_INT8] = convert_##type##_int8,                                      \
    [TARN_INT16] = convert_##type##_int16, [TARN_INT32] = convert_##type##_int32,                                      \
    [TARN_INT64] = convert_##type##_int64, [TARN_FLOAT16] = convert_##type##_float16,                                  \
    [TARN_BFLOAT16] = convert_##type##_bfloat16, [TARN_FLOAT32] = convert_##type##_float32,                            \
    [TARN_FLOAT64] = convert_##type##_float64, [TARN_COMPLEX64] = convert_##type##_complex64
const elementwise_kernels ISA(elementwise_kernels) = {
    .ops = {[PASS_I32] = ops_i32,
            [PASS_U32] = ops_u32,
            [PASS_I64] = ops_i64,
            [PASS_U64] = ops_u64,
            [PASS_F32] = ops_f32,
            [PASS_F64] = ops_f64,
            [PASS_C64] = ops_c64,
            [PASS_BOOL] = ops_bit},
    .pairs = {[PASS_F32] = pairs_f32},
    .narrow = {[TARN_UINT8] = narrow_uint8,
               [TARN_INT8] = narrow_int8,
               [TARN_UINT16] = narrow_uint16,
               [TARN_INT16] = narrow_int16},
    .loads =
        {
#define DTYPE(name, ENUM, ...) [TARN_##ENUM] = load_##name,
#include "table/dtype.def"
#undef DTYPE
        },
    .stores =
        {
#define DTYPE(name, ENUM, ...) [TARN_##ENUM] = store_##name,
#include "table/dtype.def"
#undef DTYPE
        },
    .converts =
        {
            [TYPE_I32] = {CONVERTS(i32)},
            [TYPE_U32] = {CONVERTS(u32)},
            [TYPE_I64] = {CONVERTS(i64)},
            [TYPE_U64] = {CONVERTS(u64)},
            [TYPE_F32] = {CONVERTS(f32)},
            [TYPE_F64] = {CONVERTS(f64)},
            [TYPE_C64] = {CONVERTS(c64)},
        },
    .stream = stream,
    .fence = stream_fence,
};
