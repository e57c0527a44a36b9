/* What one instruction set brings to Fourier transforms. Numbers are float32, real and imaginary part one after the
   other. */
#ifndef CPU_FFT_KERNELS_H
#define CPU_FFT_KERNELS_H

#include "cpu/fft/plan.h"

enum { FFT_MOST_LANES = 16 };

/* Lines that are transformed side by side, each in a lane. */
typedef struct {
    int count;
    const float *from[FFT_MOST_LANES];
    float *to[FFT_MOST_LANES];
    /* 0: the numbers of each line lie side by side. Else the numbers of all lines with one index do, and so many
       numbers behind them those with the next index. */
    int64_t from_step, to_step;
} fft_lines;

/* Backwards real and imaginary parts change places when they are loaded, and again when they are stored. */
typedef struct {
    const fft_plan *plan;
    bool backwards;
    float scale;
} fft_step;

typedef struct {
    int lanes;
    /* room: plan->room + 2 n numbers for every lane. */
    void (*lines)(const fft_step *s, const fft_lines *l, float *room);
    /* One line of a large plan: groups [begin, end) of `lanes` columns to the table, then groups of rows from
       there. room: 2 (height or width, the larger, in whole groups) + plan->parts_room numbers for every lane. */
    void (*columns)(const fft_step *s, const float *from, float *table, int64_t begin, int64_t end, float *room);
    void (*rows)(const fft_step *s, const float *table, float *to, int64_t begin, int64_t end, float *room);
    /* to[i] = a[i] b[i] of complex numbers. */
    void (*multiply)(float *to, const float *a, const float *b, int64_t count);
    /* Between the transform of a real line as n / 2 complex numbers and its own, in place: x has m = n / 2 numbers and
       one more. For k in [begin, end) up to m / 2 the numbers a at k and b at m - k become half (a + b') + t (a - b')
       and the conjugate of half (a + b') - t (a - b'), b' the conjugate of b, t = coarse[k / FFT_SPAN][2] times
       fine[2][k % FFT_SPAN]. */
    void (*untangle)(float *x, int64_t m, const float *coarse, const float *fine, float half, int64_t begin,
                     int64_t end);
} fft_kernels;

extern const fft_kernels fft_kernels_baseline, fft_kernels_avx2, fft_kernels_avx512;

#endif
