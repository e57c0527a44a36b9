/* Discrete Fourier transforms, of any size up to 2^29 along any axes. Numbers of any dtype are taken as float32, or
   complex64: what comes out is complex64, or float32 from irfft. */
#ifndef TARN_FFT_H
#define TARN_FFT_H

#include "tarn/ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a transform of n numbers is divided by n: coming back; by the square root of n both ways; going forth. */
typedef enum { TARN_FFT_BACKWARD, TARN_FFT_ORTHO, TARN_FFT_FORWARD } tarn_fft_norm;

typedef struct {
    int begin_;
    int64_t n;          /* numbers that are transformed: x is cut off or followed by zeros. 0: as many as there are */
    tarn_axis axis;     /* absent: the last */
    tarn_fft_norm norm; /* TARN_FFT_BACKWARD */
    int end_;
} tarn_fft_options;
#define tarn_fft(...)  TARN_CALL(1, tarn_fft_with, tarn_fft_options, __VA_ARGS__)
#define tarn_ifft(...) TARN_CALL(1, tarn_ifft_with, tarn_fft_options, __VA_ARGS__)
TARN_API tarn_array *tarn_fft_with(tarn_array *x, tarn_fft_options options TARN_ABSENT);
TARN_API tarn_array *tarn_ifft_with(tarn_array *x, tarn_fft_options options TARN_ABSENT);
/* Of n real numbers the first n / 2 + 1 results, of which the others are conjugates; and back: n real numbers from
   those, n being 2 (size - 1) if it is not given. */
#define tarn_rfft(...)  TARN_CALL(1, tarn_rfft_with, tarn_fft_options, __VA_ARGS__)
#define tarn_irfft(...) TARN_CALL(1, tarn_irfft_with, tarn_fft_options, __VA_ARGS__)
TARN_API tarn_array *tarn_rfft_with(tarn_array *x, tarn_fft_options options TARN_ABSENT);
TARN_API tarn_array *tarn_irfft_with(tarn_array *x, tarn_fft_options options TARN_ABSENT);

/* Along several axes; rfftn and irfftn have the last of them halved. */
typedef struct {
    int begin_;
    tarn_ints sizes; /* one for each of axes, which must be given */
    tarn_ints axes;  /* absent: all; of the functions with a 2: the last two */
    tarn_fft_norm norm;
    int end_;
} tarn_fftn_options;
#define tarn_fft2(...)   TARN_CALL(1, tarn_fft2_with, tarn_fftn_options, __VA_ARGS__)
#define tarn_ifft2(...)  TARN_CALL(1, tarn_ifft2_with, tarn_fftn_options, __VA_ARGS__)
#define tarn_rfft2(...)  TARN_CALL(1, tarn_rfft2_with, tarn_fftn_options, __VA_ARGS__)
#define tarn_irfft2(...) TARN_CALL(1, tarn_irfft2_with, tarn_fftn_options, __VA_ARGS__)
#define tarn_fftn(...)   TARN_CALL(1, tarn_fftn_with, tarn_fftn_options, __VA_ARGS__)
#define tarn_ifftn(...)  TARN_CALL(1, tarn_ifftn_with, tarn_fftn_options, __VA_ARGS__)
#define tarn_rfftn(...)  TARN_CALL(1, tarn_rfftn_with, tarn_fftn_options, __VA_ARGS__)
#define tarn_irfftn(...) TARN_CALL(1, tarn_irfftn_with, tarn_fftn_options, __VA_ARGS__)
TARN_API tarn_array *tarn_fft2_with(tarn_array *x, tarn_fftn_options options TARN_ABSENT);
TARN_API tarn_array *tarn_ifft2_with(tarn_array *x, tarn_fftn_options options TARN_ABSENT);
TARN_API tarn_array *tarn_rfft2_with(tarn_array *x, tarn_fftn_options options TARN_ABSENT);
TARN_API tarn_array *tarn_irfft2_with(tarn_array *x, tarn_fftn_options options TARN_ABSENT);
TARN_API tarn_array *tarn_fftn_with(tarn_array *x, tarn_fftn_options options TARN_ABSENT);
TARN_API tarn_array *tarn_ifftn_with(tarn_array *x, tarn_fftn_options options TARN_ABSENT);
TARN_API tarn_array *tarn_rfftn_with(tarn_array *x, tarn_fftn_options options TARN_ABSENT);
TARN_API tarn_array *tarn_irfftn_with(tarn_array *x, tarn_fftn_options options TARN_ABSENT);

/* The frequencies that the results of fft, or rfft, of n > 0 samples at this distance stand for: float32 [n], [n / 2 +
 * 1].
 */
TARN_API tarn_array *tarn_fftfreq(int64_t n, double distance);
TARN_API tarn_array *tarn_rfftfreq(int64_t n, double distance);
/* Turns axes (absent: all; one that is given twice, twice) so that frequency 0 comes to the middle, and back. Any
 * dtype. */
#define tarn_fftshift(...)  TARN_CALL(1, tarn_fftshift_with, tarn_axes_options, __VA_ARGS__)
#define tarn_ifftshift(...) TARN_CALL(1, tarn_ifftshift_with, tarn_axes_options, __VA_ARGS__)
TARN_API tarn_array *tarn_fftshift_with(tarn_array *x, tarn_axes_options options TARN_ABSENT);
TARN_API tarn_array *tarn_ifftshift_with(tarn_array *x, tarn_axes_options options TARN_ABSENT);

/* Which results there are of a real signal's frames: the first half, or all. */
typedef enum { TARN_SIDES_DEFAULT, TARN_SIDES_ONE, TARN_SIDES_BOTH } tarn_fft_sides;
typedef struct {
    int begin_;
    int64_t n;              /* numbers of a frame: 2048; coming back as many as x has results of */
    int64_t hop_length;     /* from one frame to the next: n / 4 */
    int64_t window_length;  /* n */
    tarn_array *window;     /* [window_length], in the middle of the frame; absent: ones */
    bool not_centered;      /* frames begin at 0 instead of having their middle there */
    tarn_pad_mode pad_mode; /* of what stands before and behind a centered signal */
    tarn_fft_norm norm;
    tarn_fft_sides sides; /* absent: both of a complex signal; coming back one */
    tarn_axis length;     /* coming back: of the result */
    int end_;
} tarn_stft_options;
/* The short-time transform of x [..., length]: complex64 [..., frequencies, frames]; and the real signal that it came
   from, where the windows' squares do not sum up to zero. */
#define tarn_stft(...)  TARN_CALL(1, tarn_stft_with, tarn_stft_options, __VA_ARGS__)
#define tarn_istft(...) TARN_CALL(1, tarn_istft_with, tarn_stft_options, __VA_ARGS__)
TARN_API tarn_array *tarn_stft_with(tarn_array *x, tarn_stft_options options TARN_ABSENT);
TARN_API tarn_array *tarn_istft_with(tarn_array *x, tarn_stft_options options TARN_ABSENT);

#ifdef __cplusplus
}
#endif
#endif
