/* Vectors of SIMD_BYTES: types, loads and stores, masks. Included by the file of an instruction set, which names
 * SIMD_BYTES first. */
#ifndef CPU_SIMD_TYPES_H
#define CPU_SIMD_TYPES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* ---- types: v<kind><bits> fills a register, h<kind><bits> half of one, q<kind><bits> a quarter */
#define SIMD_TYPE(name, type, bytes) typedef type name __attribute__((vector_size(bytes)));
SIMD_TYPE(vf32, float, SIMD_BYTES)
SIMD_TYPE(vi32, int32_t, SIMD_BYTES)
SIMD_TYPE(vu32, uint32_t, SIMD_BYTES)
SIMD_TYPE(vf64, double, SIMD_BYTES)
SIMD_TYPE(vi64, int64_t, SIMD_BYTES)
SIMD_TYPE(vu64, uint64_t, SIMD_BYTES)
SIMD_TYPE(vi16, int16_t, SIMD_BYTES)
SIMD_TYPE(vu16, uint16_t, SIMD_BYTES)
SIMD_TYPE(hu16, uint16_t, SIMD_BYTES / 2)
SIMD_TYPE(hf32, float, SIMD_BYTES / 2)
SIMD_TYPE(hi32, int32_t, SIMD_BYTES / 2)
SIMD_TYPE(hu32, uint32_t, SIMD_BYTES / 2)
SIMD_TYPE(qu16, uint16_t, SIMD_BYTES / 4)
SIMD_TYPE(quad_f32, float, 16)
SIMD_TYPE(pair_f32, float, 8)

enum { LANES = SIMD_BYTES / 4, WIDE_LANES = SIMD_BYTES / 8 };

/* Memory need only be aligned to its elements. */
#define SIMD_ACCESS(name, type)                                                                                        \
    static inline __attribute__((unused)) type load_##name(const void *from) {                                         \
        type v;                                                                                                        \
        memcpy(&v, from, sizeof v);                                                                                    \
        return v;                                                                                                      \
    }                                                                                                                  \
    static inline __attribute__((unused)) void store_##name(void *to, type v) {                                        \
        memcpy(to, &v, sizeof v);                                                                                      \
    }
SIMD_ACCESS(f32, vf32)
SIMD_ACCESS(i32, vi32)
SIMD_ACCESS(u32, vu32)
SIMD_ACCESS(f64, vf64)
SIMD_ACCESS(i64, vi64)
SIMD_ACCESS(u64, vu64)
SIMD_ACCESS(u16, vu16)
SIMD_ACCESS(hu16, hu16)
SIMD_ACCESS(hi32, hi32)
SIMD_ACCESS(hf32, hf32)

static inline vf32 splat_f32(float x) {
    return x - (vf32){0};
}
static inline vf64 splat_f64(double x) {
    return x - (vf64){0};
}

/* Lanes of a where the mask is set, else of b. Masks are all ones or all zeros in each lane. */
static inline vf32 blend_f32(vi32 mask, vf32 a, vf32 b) {
    return (vf32)((mask & (vi32)a) | (~mask & (vi32)b));
}
static inline vf64 blend_f64(vi64 mask, vf64 a, vf64 b) {
    return (vf64)((mask & (vi64)a) | (~mask & (vi64)b));
}

#endif
