/* The plain gather, without a list of places: one index array, and one run of bytes at each place. */
#include <string.h>

#include "base/cpu.h"
#include "cpu/index/pick.h"

/* `bytes` from where each index points, or zeros where it points outside. */
#define DIRECT(name, index_type, bytes)                                                                                \
    static void name(const pick *p, const char *many, char *picked, int64_t step, const char *index,                   \
                     int64_t index_step, int64_t count) {                                                              \
        const int64_t size = p->indices[0].size, by = p->indices[0].step;                                              \
        for (int64_t i = 0; i < count; i++, picked += step, index += index_step) {                                     \
            index_type x;                                                                                              \
            memcpy(&x, index, sizeof x);                                                                               \
            int64_t at = (int64_t)x + (x < 0 ? size : 0);                                                              \
            if ((uint64_t)at < (uint64_t)size)                                                                         \
                memcpy(picked, many + at * by, (size_t)(bytes));                                                       \
            else                                                                                                       \
                memset(picked, 0, (size_t)(bytes));                                                                    \
        }                                                                                                              \
    }
#define DIRECT_SIZES(index_type)                                                                                       \
    DIRECT(direct_1_##index_type, index_type, 1)                                                                       \
    DIRECT(direct_2_##index_type, index_type, 2)                                                                       \
    DIRECT(direct_4_##index_type, index_type, 4)                                                                       \
    DIRECT(direct_8_##index_type, index_type, 8)                                                                       \
    DIRECT(direct_16_##index_type, index_type, 16)                                                                     \
    DIRECT(direct_32_##index_type, index_type, 32)                                                                     \
    DIRECT(direct_any_##index_type, index_type, p->bytes)                                                              \
    static pick_direct *const directs_##index_type[] = {                                                               \
        direct_1_##index_type,  direct_2_##index_type,  direct_4_##index_type,  direct_8_##index_type,                 \
        direct_16_##index_type, direct_32_##index_type, direct_any_##index_type};
typedef int32_t int32;
typedef int64_t int64;
DIRECT_SIZES(int32)
DIRECT_SIZES(int64)

/* Which of a list of functions for 1, 2, 4, ... bytes; the last one is for all others. */
static int place_of(int64_t bytes) {
    for (int i = 0; i < 6; i++)
        if (bytes == INT64_C(1) << i) return i;
    return 6;
}

pick_direct *pick_direct_baseline(const pick *p) {
    return (p->indices[0].dtype == TARN_INT32 ? directs_int32 : directs_int64)[place_of(p->bytes)];
}

pick_direct *pick_direct_of(const pick *p) {
    const move_plan *b = &p->block;
    bool run = b->ndim == 1 && (b->shape[0] == 1 || (b->to[0] == b->bytes && b->from[0] == b->bytes));
    bool plain = p->index_count == 1 && p->axes[p->ndim - 1].many == 0 &&
                 (p->indices[0].dtype == TARN_INT32 || p->indices[0].dtype == TARN_INT64);
    if (!run || !plain) return NULL;
    pick_direct *fast = cpu_has(CPU_AVX512) ? pick_direct_avx512(p) : NULL;
    return fast ? fast : pick_direct_baseline(p);
}
