/* The rate of vdpbf16ps. */
#include <immintrin.h>

#include "cpu/matmul/inline.h"
#include "cpu/measure/loops.h"

double measure_dot_avx512bf16(const void *random, int64_t rounds, float *sink) {
    enum { CHAINS = 12, VALUES = 4096 };
    const uint16_t *x = random;
    __m512 sum[CHAINS];
    for (int i = 0; i < CHAINS; i++) sum[i] = _mm512_setzero_ps();
    for (int64_t r = 0; r < rounds; r++)
        for (int k = 0; k < VALUES; k += 32) {
            __m512bh v = (__m512bh)_mm512_loadu_si512(x + k), w = (__m512bh)_mm512_loadu_si512(x + VALUES + k);
            UNROLL(12)
            for (int i = 0; i < CHAINS; i++) sum[i] = _mm512_dpbf16_ps(sum[i], v, w);
        }
    for (int i = 0; i < CHAINS; i++) *sink += _mm512_reduce_add_ps(sum[i]);
    return (double)rounds * (VALUES / 32) * CHAINS * 64;
}
