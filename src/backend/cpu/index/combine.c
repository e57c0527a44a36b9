/* What scatter does with an update and the element in its place: sums, products, larger and smaller ones of every
 * number type. */
#include <string.h>

#include "cpu/index/pick.h"

/* A row where both are dense is a loop that the compiler makes vectors of. */
#define COMBINE(mode, name, type, expression)                                                                          \
    static void mode##_##name(char *to, int64_t to_step, const char *from, int64_t from_step, int64_t count) {         \
        bool dense = to_step == sizeof(type) && from_step == sizeof(type);                                             \
        for (int64_t i = 0; i < count && dense; i++) {                                                                 \
            type a, b;                                                                                                 \
            memcpy(&a, to + i * (int64_t)sizeof a, sizeof a);                                                          \
            memcpy(&b, from + i * (int64_t)sizeof b, sizeof b);                                                        \
            a = (type)(expression);                                                                                    \
            memcpy(to + i * (int64_t)sizeof a, &a, sizeof a);                                                          \
        }                                                                                                              \
        for (int64_t i = 0; i < count && !dense; i++) {                                                                \
            type a, b;                                                                                                 \
            memcpy(&a, to + i * to_step, sizeof a);                                                                    \
            memcpy(&b, from + i * from_step, sizeof b);                                                                \
            a = (type)(expression);                                                                                    \
            memcpy(to + i * to_step, &a, sizeof a);                                                                    \
        }                                                                                                              \
    }
/* A NaN wins: a comparison with it is false, and it differs from itself. */
#define COMBINES(name, type)                                                                                           \
    COMBINE(add, name, type, a + b)                                                                                    \
    COMBINE(multiply, name, type, a *b)                                                                                \
    COMBINE(max, name, type, b > a || b != b ? b : a)                                                                  \
    COMBINE(min, name, type, b < a || b != b ? b : a)
COMBINES(uint8, uint8_t)
COMBINES(uint16, uint16_t)
COMBINES(uint32, uint32_t)
COMBINES(uint64, uint64_t)
COMBINES(int8, int8_t)
COMBINES(int16, int16_t)
COMBINES(int32, int32_t)
COMBINES(int64, int64_t)
COMBINES(float32, float)
COMBINES(float64, double)

#define NUMBERS(mode)                                                                                                  \
    [TARN_UINT8] = mode##_uint8, [TARN_UINT16] = mode##_uint16, [TARN_UINT32] = mode##_uint32,                         \
    [TARN_UINT64] = mode##_uint64, [TARN_INT8] = mode##_int8, [TARN_INT16] = mode##_int16,                             \
    [TARN_INT32] = mode##_int32, [TARN_INT64] = mode##_int64, [TARN_FLOAT32] = mode##_float32,                         \
    [TARN_FLOAT64] = mode##_float64

/* Truths are or-ed by sums and and-ed by products. */
pick_combine *pick_combine_of(tarn_scatter_mode mode, tarn_dtype dtype) {
    static pick_combine *const table[][TARN_DTYPE_COUNT] = {
        [TARN_SCATTER_ADD] = {NUMBERS(add), [TARN_BOOL] = max_uint8},
        [TARN_SCATTER_MULTIPLY] = {NUMBERS(multiply), [TARN_BOOL] = min_uint8},
        [TARN_SCATTER_MAX] = {NUMBERS(max), [TARN_BOOL] = max_uint8},
        [TARN_SCATTER_MIN] = {NUMBERS(min), [TARN_BOOL] = min_uint8},
    };
    return mode > TARN_SCATTER_SET && mode <= TARN_SCATTER_MIN ? table[mode][dtype] : NULL;
}
