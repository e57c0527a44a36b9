/* What one instruction set brings to running sums, products, extremes and logarithms of sums of exponentials. Elements
   are of the compute type (elementwise.h). */
#ifndef CPU_SCAN_H
#define CPU_SCAN_H

#include "cpu/elementwise/elementwise.h"

enum { SCAN_COLUMNS = 2048 };

/* What has run so far, by value or of the logarithms the sum of exp(x - most). Of floats in double, so that a long line
   keeps its digits. */
typedef union {
    double number;
    int64_t integer;
    struct {
        double sum, most;
    } logs;
    /* What elements alone come to, and how large it may have been on the way, whatever their order within a call of
       `total`; of products 1 / how small, too. */
    struct {
        double number, most, inverse;
    } total;
} scan_state;

/* The same of several columns: numbers, integers or sums side by side. */
typedef struct {
    char values[SCAN_COLUMNS * 8];
    char most[SCAN_COLUMNS * 8];
} scan_states;

typedef struct {
    bool exclusive, backwards; /* without the element itself; from the last element to the first */
    bool past;                 /* past the caches: the output is aligned to a vector */
    int64_t ahead; /* how many elements behind it that comes which is read next; of a line 0: what follows */
} scan_way;

typedef struct {
    void (*start)(scan_state *state);
    /* to may be from. Goes on from the state and leaves what has run behind the last element there. */
    void (*line)(void *to, const void *from, int64_t count, scan_state *state, scan_way way);
    /* The same without what comes between. */
    void (*total)(const void *from, int64_t count, scan_state *state, bool backwards);
    /* `line`, and `total` of as many elements from `next` on, by turns, so that one keeps the processor busy while the
       other waits for memory; `next` may be from. NULL: one after the other. */
    void (*line_and_total)(void *to, const void *from, int64_t count, scan_state *state, scan_way way, const void *next,
                           scan_state *total);
    /* state as if what comes to `more` alone had come behind it; false, and nothing done, where that may leave the
       range of numbers on the way: `line` tells. */
    bool (*join)(scan_state *state, const scan_state *more);
    void (*start_columns)(scan_states *states, int64_t count);
    /* One more element of each column; at most SCAN_COLUMNS. */
    void (*row)(void *to, const void *from, int64_t count, scan_states *states, scan_way way);
} scan_loops;

/* For elements of a compute type, and for halves as they are, with the same states as float32. NULL where a kind has no
   such loops. */
typedef struct {
    const scan_loops *loops[REDUCE_LOGADDEXP + 1][TYPE_COUNT];
    const scan_loops *bfloat16[REDUCE_LOGADDEXP + 1], *float16[REDUCE_LOGADDEXP + 1];
} scan_kernels;

extern const scan_kernels scan_kernels_baseline, scan_kernels_avx2, scan_kernels_avx512;

#endif
