/* The f64 engine for this instruction set: 4 x 4 sums in registers. */
#include <string.h>

#include "cpu/matmul/inline.h"

enum { WIDTH = 2, ROWS = 4, PANEL_ROWS = 16, DEPTH = 128 };
typedef double vec __attribute__((vector_size(16)));

INLINE vec v_zero(void) {
    return (vec){0};
}
INLINE vec v_set1(double x) {
    return (vec){x, x};
}
INLINE vec v_load(const double *p) {
    vec v;
    memcpy(&v, p, sizeof v);
    return v;
}
INLINE void v_store(double *p, vec v) {
    memcpy(p, &v, sizeof v);
}
INLINE vec v_load_first(const double *p, int count) {
    vec v = {0};
    for (int i = 0; i < count; i++) memcpy((char *)&v + i * (int)sizeof *p, p + i, sizeof *p);
    return v;
}
INLINE void v_store_first(double *p, vec v, int count) {
    for (int i = 0; i < count; i++) memcpy(p + i, (char *)&v + i * (int)sizeof *p, sizeof *p);
}
INLINE vec v_add(vec a, vec b) {
    return a + b;
}
INLINE vec v_fma(vec a, vec b, vec c) {
    return a * b + c;
}

#define NUMBER             double
#define NUMBER_DTYPE       MATMUL_F64
#define FILL               matmul_fill_f64
#define PACK               matmul_pack_f64
#define MICROS(M, vectors) M(2, vectors) M(4, vectors)
#define ENGINE             matmul_engine_f64_baseline
#define ENGINE_KIT         matmul_kit_baseline
#define ENGINE_NAME        "f64 SSE2"
#include "cpu/matmul/engine_fma.tpl.h"
