/* What the row of fft gives to its kernels. */
#ifndef CUDA_FFT_FFT_H
#define CUDA_FFT_FFT_H

#include "cuda/kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { FFT_MOST_PASSES = 40, FFT_HELD = 4096 };

/* Lines [shape] of n numbers each: `given` of them are read, from_step apart, `taken` are written, to_step apart; kind
   is a number of fft_kind. Transforms of `size` numbers serve: n itself, whose passes are by these radices, or,
   chirped, a convolution of so many. room: two times (lines + chirped) * size complex numbers. */
typedef struct {
    void *to;
    const void *from;
    float *room[2];
    int kind, inverse, chirped, passes, radices[FFT_MOST_PASSES], ndim;
    float scale;
    int64_t lines, n, size, given, taken, from_step, to_step;
    int64_t shape[KERNEL_MOST_AXES], from_strides[KERNEL_MOST_AXES], to_strides[KERNEL_MOST_AXES];
} fft_kernel;
void launch_fft(const fft_kernel *k, kernel_stream stream);

#ifdef __cplusplus
}
#endif
#endif
