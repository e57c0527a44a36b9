/* What one instruction set brings to reductions of dense elements: loops that fold them into values of the compute type
   (elementwise.h) of their dtype. */
#ifndef CPU_FOLD_H
#define CPU_FOLD_H

#include "cpu/elementwise/elementwise.h"

enum { FOLD_ROOM = 16 /* values that may be read and written behind the last one */ };

typedef struct {
    /* Into several values, side by side, at most 128: any of them may take an element. */
    void (*run)(void *totals, const void *from, int64_t count);
    /* What `run` left in the values into the first. */
    void (*join)(void *totals);
    /* totals[i] takes from[i]; what is `ahead` elements behind is fetched. */
    void (*columns)(void *totals, const void *from, int64_t count, int64_t ahead);
    /* totals[i] takes the square of from[i] - centres[i]. NULL but of sums. */
    void (*squares)(void *totals, const void *from, int64_t count, int64_t ahead, const void *centres);
    /* Where from[i] is better than best[i] (a NaN is better than all but another), it takes its place and `place` that
       of places[i], an integer as wide as a value. NULL of sums and products. */
    void (*places)(void *best, void *places, const void *from, int64_t count, int64_t ahead, int64_t place);
    /* The best of from[count], a NaN before all, goes to *best; where the first of it is. NULL of sums and products. */
    int64_t (*place)(void *best, const void *from, int64_t count);
} fold_loops;

typedef struct {
    const fold_loops *loops[REDUCE_MIN + 1][TARN_DTYPE_COUNT]; /* NULL: none */
} fold_kernels;

extern const fold_kernels fold_kernels_baseline, fold_kernels_avx2, fold_kernels_avx512;

#endif
