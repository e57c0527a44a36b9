/* The one file that calls KissFFT. Sizes with other factors than 2, 3 and 5 do not go to it: it would allocate, and
   take time by their squares. */
#include "cpu/fft/dft.h"

#include <complex.h>
#include <kissfft/kiss_fft.h>
#include <math.h>
#include <string.h>

typedef float _Complex c32;

struct dft {
    int64_t n, size;          /* size: of the transforms that KissFFT does; n, or of the convolution */
    kiss_fft_cfg forth, back; /* back: of the convolution */
    c32 *chirp, *spectrum;    /* [n] exp(-+ pi i k^2 / n); [size] the transform of its conjugate, over size */
};

static bool is_smooth(int64_t n) {
    for (int64_t p = 2; p <= 5; p += p == 2 ? 1 : 2)
        while (n % p == 0) n /= p;
    return n == 1;
}

static int64_t size_of(int64_t n) {
    if (is_smooth(n)) return n;
    int64_t size = 2 * n - 1;
    while (!is_smooth(size)) size++;
    return size;
}

static int64_t aligned(int64_t bytes) {
    return (bytes + 63) / 64 * 64;
}

static int64_t config_bytes(int64_t size) {
    size_t bytes = 0;
    kiss_fft_alloc((int)size, 0, NULL, &bytes);
    return aligned((int64_t)bytes);
}

int64_t dft_bytes(int64_t n) {
    int64_t size = size_of(n), numbers = size == n ? 0 : aligned(n * 8) + aligned(size * 8) + aligned(size * 8);
    return aligned((int64_t)sizeof(dft)) + (size == n ? 1 : 2) * config_bytes(size) + numbers;
}

int64_t dft_room(int64_t n) {
    int64_t size = size_of(n);
    return size == n ? 0 : 2 * size;
}

static void *take(char **memory, int64_t bytes) {
    void *part = *memory;
    *memory += aligned(bytes);
    return part;
}

static kiss_fft_cfg config(char **memory, int64_t size, bool inverse) {
    size_t bytes = (size_t)config_bytes(size);
    return kiss_fft_alloc((int)size, inverse, take(memory, (int64_t)bytes), &bytes);
}

/* k^2 modulo 2 n is exact, so that the angle is. */
static void fill_chirp(dft *d, bool inverse) {
    for (int64_t k = 0; k < d->n; k++) {
        double angle = (inverse ? 1 : -1) * acos(-1) * (double)(k * k % (2 * d->n)) / (double)d->n;
        d->chirp[k] = __builtin_complex((float)cos(angle), (float)sin(angle));
    }
}

static void fill_spectrum(dft *d, c32 *sequence) {
    memset(sequence, 0, (size_t)d->size * sizeof *sequence);
    for (int64_t k = 0; k < d->n; k++) {
        c32 value = conjf(d->chirp[k]) / (float)d->size;
        sequence[k] = value;
        if (k) sequence[d->size - k] = value;
    }
    kiss_fft(d->forth, (const kiss_fft_cpx *)(const void *)sequence, (kiss_fft_cpx *)(void *)d->spectrum);
}

dft *dft_plan(void *memory, int64_t n, bool inverse) {
    char *rest = memory;
    dft *d = take(&rest, (int64_t)sizeof *d);
    *d = (dft){.n = n, .size = size_of(n)};
    bool smooth = d->size == n;
    d->forth = config(&rest, d->size, smooth && inverse);
    if (smooth) return d;
    d->back = config(&rest, d->size, true);
    d->chirp = take(&rest, n * 8);
    d->spectrum = take(&rest, d->size * 8);
    fill_chirp(d, inverse);
    fill_spectrum(d, take(&rest, d->size * 8));
    return d;
}

static c32 product(c32 a, c32 b) { /* without the care for infinities that C asks for */
    float ar = __real__ a, ai = __imag__ a, br = __real__ b, bi = __imag__ b;
    return __builtin_complex(ar * br - ai * bi, ar * bi + ai * br);
}

static void convolve(const dft *d, const c32 *from, c32 *to, c32 *a, c32 *b) {
    for (int64_t k = 0; k < d->n; k++) a[k] = product(from[k], d->chirp[k]);
    memset(a + d->n, 0, (size_t)(d->size - d->n) * sizeof *a);
    kiss_fft(d->forth, (const kiss_fft_cpx *)(const void *)a, (kiss_fft_cpx *)(void *)b);
    for (int64_t k = 0; k < d->size; k++) b[k] = product(b[k], d->spectrum[k]);
    kiss_fft(d->back, (const kiss_fft_cpx *)(const void *)b, (kiss_fft_cpx *)(void *)a);
    for (int64_t k = 0; k < d->n; k++) to[k] = product(a[k], d->chirp[k]);
}

void dft_run(const dft *d, const float *from, float *to, float *room) {
    if (d->size == d->n)
        kiss_fft(d->forth, (const kiss_fft_cpx *)(const void *)from, (kiss_fft_cpx *)(void *)to);
    else
        convolve(d, (const c32 *)(const void *)from, (c32 *)(void *)to, (c32 *)(void *)room,
                 (c32 *)(void *)(room + 2 * d->size));
}
