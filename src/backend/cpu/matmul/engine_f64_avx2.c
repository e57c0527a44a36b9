/* The f64 engine for this instruction set: 6 x 8 sums in registers. */
#include <immintrin.h>

#include "cpu/matmul/inline.h"

enum { WIDTH = 4, ROWS = 6, PANEL_ROWS = 24, DEPTH = 256 };
typedef __m256d vec;

INLINE vec v_zero(void) {
    return _mm256_setzero_pd();
}
INLINE vec v_set1(double x) {
    return _mm256_set1_pd(x);
}
INLINE vec v_load(const double *p) {
    return _mm256_loadu_pd(p);
}
INLINE void v_store(double *p, vec v) {
    _mm256_storeu_pd(p, v);
}
INLINE __m256i v_first(int count) {
    return _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), _mm256_setr_epi64x(0, 1, 2, 3));
}
INLINE vec v_load_first(const double *p, int count) {
    return _mm256_maskload_pd(p, v_first(count));
}
INLINE void v_store_first(double *p, vec v, int count) {
    _mm256_maskstore_pd(p, v_first(count), v);
}
INLINE vec v_add(vec a, vec b) {
    return _mm256_add_pd(a, b);
}
INLINE vec v_fma(vec a, vec b, vec c) {
    return _mm256_fmadd_pd(a, b, c);
}

#define NUMBER             double
#define NUMBER_DTYPE       MATMUL_F64
#define FILL               matmul_fill_f64
#define PACK               matmul_pack_f64
#define MICROS(M, vectors) M(2, vectors) M(4, vectors) M(6, vectors)
#define ENGINE             matmul_engine_f64_avx2
#define ENGINE_KIT         matmul_kit_avx2
#define ENGINE_NAME        "f64 AVX2"
#include "cpu/matmul/engine_fma.tpl.h"
