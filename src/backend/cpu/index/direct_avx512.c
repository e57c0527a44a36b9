/* The plain gather of elements of 4 and 8 bytes that lie side by side, by the processor's own gather. What is left over
   goes through direct.c. */
#include <immintrin.h>

#include "cpu/index/pick.h"

/* Eight indices of 64 bits, and where they point: from the end if they are negative; `inside` is where they may. */
static inline __m512i resolve(__m512i x, int64_t size, __mmask8 *inside) {
    const __m512i sizes = _mm512_set1_epi64(size);
    x = _mm512_mask_add_epi64(x, _mm512_movepi64_mask(x), x, sizes);
    *inside = _mm512_cmplt_epu64_mask(x, sizes);
    return x;
}

static inline __m512i load_int32(const char *index) {
    return _mm512_cvtepi32_epi64(_mm256_loadu_si256((const void *)index));
}
static inline __m512i load_int64(const char *index) {
    return _mm512_loadu_si512(index);
}

static inline void fetch_4(const char *many, __m512i at, __mmask8 inside, char *picked) {
    _mm256_storeu_si256((void *)picked, _mm512_mask_i64gather_epi32(_mm256_setzero_si256(), inside, at, many, 4));
}
static inline void fetch_8(const char *many, __m512i at, __mmask8 inside, char *picked) {
    _mm512_storeu_si512(picked, _mm512_mask_i64gather_epi64(_mm512_setzero_si512(), inside, at, many, 8));
}

#define GATHER(bytes, index_type, index_bytes)                                                                         \
    static void gather_##bytes##_##index_type(const pick *p, const char *many, char *picked, int64_t step,             \
                                              const char *index, int64_t index_step, int64_t count) {                  \
        int64_t i = 0;                                                                                                 \
        for (; i + 8 <= count; i += 8) {                                                                               \
            __mmask8 inside;                                                                                           \
            __m512i at = resolve(load_##index_type(index + i * (index_bytes)), p->indices[0].size, &inside);           \
            fetch_##bytes(many, at, inside, picked + i * (bytes));                                                     \
        }                                                                                                              \
        pick_direct_baseline(p)(p, many, picked + i * (bytes), step, index + i * (index_bytes), index_step,            \
                                count - i);                                                                            \
    }
GATHER(4, int32, 4)
GATHER(4, int64, 8)
GATHER(8, int32, 4)
GATHER(8, int64, 8)

pick_direct *pick_direct_avx512(const pick *p) {
    const pick_axis *last = &p->axes[p->ndim - 1];
    const pick_index *o = &p->indices[0];
    bool dense = o->step == p->bytes && last->picked == p->bytes && last->index[0] == dtype_bytes(o->dtype);
    if (!dense || (p->bytes != 4 && p->bytes != 8)) return NULL;
    if (o->dtype == TARN_INT32) return p->bytes == 4 ? gather_4_int32 : gather_8_int32;
    return p->bytes == 4 ? gather_4_int64 : gather_8_int64;
}
