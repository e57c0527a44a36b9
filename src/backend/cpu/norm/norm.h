/* What one instruction set brings to the kernels over rows: softmax, rms_norm, rope. Rows are dense; dtypes float32,
 * float16, bfloat16. */
#ifndef CPU_NORM_H
#define CPU_NORM_H

#include "table/table.h"

enum { ROPE_MOST_DIMS = 1024 };

typedef struct {
    void (*softmax)(void *to, const void *from, int64_t n, tarn_dtype dtype);
    /* weight has x's dtype, or is NULL */
    void (*rms_norm)(void *to, const void *from, const void *weight, int64_t n, float eps, tarn_dtype dtype);
    /* turns[i] = exp(i * step), or 1 / freqs[i] where freqs (dense float32) is given */
    void (*rope_turns)(float *turns, const float *freqs, int64_t half, float step);
    /* cosines and sines of position * turns[i] */
    void (*rope_angles)(float *cosines, float *sines, const float *turns, int64_t half, float position);
    /* dim elements, the first 2 * half of which turn */
    void (*rope_row)(void *to, const void *from, const float *cosines, const float *sines, int64_t half, int64_t dim,
                     bool traditional, tarn_dtype dtype);
} norm_kernels;

extern const norm_kernels norm_kernels_baseline, norm_kernels_avx2, norm_kernels_avx512;

#endif
