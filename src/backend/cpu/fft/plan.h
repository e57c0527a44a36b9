/* How a transform of n complex numbers is done. Small sizes go through passes, one for each factor; larger ones are
   transforms of columns and then of rows of a matrix (W. M. Gentleman, G. Sande, 1966). Sizes with a prime factor above
   FFT_PRIME are a convolution of a size without (L. Bluestein, 1970). A plan depends on n alone, so that a line's
   result does not depend on where it lies and on what lies beside it. Its memory is the caller's. */
#ifndef CPU_FFT_PLAN_H
#define CPU_FFT_PLAN_H

#include <stdbool.h>
#include <stdint.h>

enum {
    FFT_PRIME = 61,
    FFT_SMALL = 128, /* the largest transform in passes */
    FFT_PASSES = 8,  /* the most of them */
    FFT_SPAN = 16    /* columns that share a coarse factor: a multiple of the lanes of every vector */
};

/* Memory is given out from base on; if that is NULL, only measured. */
typedef struct {
    char *base;
    int64_t used;
} fft_memory;

void *fft_take(fft_memory *m, int64_t bytes);

/* exp(-2 pi i k / n) for 0 <= k < n, as the product of two of a table in double. */
typedef struct {
    int64_t n, low;
    double *table; /* [low][2], then [n / low + 1][2] of every low-th */
} fft_roots;

fft_roots fft_roots_of(fft_memory *m, int64_t n);
void fft_root(const fft_roots *r, int64_t k, double scale, float to[2]);

typedef struct fft_plan fft_plan;
struct fft_plan {
    int64_t n;
    int64_t room; /* numbers of every lane that a transform of lines side by side takes */
    int passes, radices[FFT_PASSES];
    const float *circle; /* [n][2]: of a small one, the roots of unity */
    /* Of a large one: its matrix, the larger room of the plans of a column and of a row, and these. Between both steps
       the number in row k and column c is multiplied by exp(-2 pi i k c / n), the product of coarse[k][c / FFT_SPAN][2]
       and fine[k][2][c % FFT_SPAN]. */
    int64_t height, width, parts_room;
    const fft_plan *columns, *rows;
    const float *coarse, *fine;
};

/* Whether n is a product of primes up to `most`. */
bool fft_is_smooth(int64_t n, int64_t most);
/* How many columns the matrix of a large n has. */
int64_t fft_columns_of(int64_t n);
/* The plan of n, smooth up to FFT_PRIME. roots are those of a multiple of n. Without memory it has sizes alone. */
fft_plan fft_plan_make(fft_memory *m, int64_t n, const fft_roots *roots);
/* How many spans so many numbers are. */
int64_t fft_spans(int64_t count);

#endif
