/* The f64 engine for this instruction set: 14 x 16 sums in registers. */
#include <immintrin.h>

#include "cpu/matmul/inline.h"

enum { WIDTH = 8, ROWS = 14, PANEL_ROWS = 28, DEPTH = 128 };
typedef __m512d vec;

INLINE vec v_zero(void) {
    return _mm512_setzero_pd();
}
INLINE vec v_set1(double x) {
    return _mm512_set1_pd(x);
}
INLINE vec v_load(const double *p) {
    return _mm512_loadu_pd(p);
}
INLINE void v_store(double *p, vec v) {
    _mm512_storeu_pd(p, v);
}
INLINE __mmask8 v_first(int count) {
    return (__mmask8)((1u << count) - 1);
}
INLINE vec v_load_first(const double *p, int count) {
    return _mm512_maskz_loadu_pd(v_first(count), p);
}
INLINE void v_store_first(double *p, vec v, int count) {
    _mm512_mask_storeu_pd(p, v_first(count), v);
}
INLINE vec v_add(vec a, vec b) {
    return _mm512_add_pd(a, b);
}
INLINE vec v_fma(vec a, vec b, vec c) {
    return _mm512_fmadd_pd(a, b, c);
}

#define NUMBER       double
#define NUMBER_DTYPE MATMUL_F64
#define FILL         matmul_fill_f64
#define PACK         matmul_pack_f64
#define MICROS       MICROS_TO_14
#define ENGINE       matmul_engine_f64_avx512
#define ENGINE_KIT   matmul_kit_avx512
#define ENGINE_NAME  "f64 AVX-512"
#include "cpu/matmul/engine_fma.tpl.h"
