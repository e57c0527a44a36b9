/* Transforms of n complex numbers of float32, of any n: in factors of 2, 3 and 5 by KissFFT, of others as a convolution
   of such a size (L. Bluestein, 1970). A plan lies in memory of the caller's. */
#ifndef CPU_DFT_H
#define CPU_DFT_H

#include <stdbool.h>
#include <stdint.h>

enum { DFT_MOST = 1 << 29 }; /* the largest n */

typedef struct dft dft;

int64_t dft_bytes(int64_t n);
dft *dft_plan(void *memory, int64_t n, bool inverse);
/* Complex numbers of room that a transform takes beside input and output. */
int64_t dft_room(int64_t n);
/* from and to are 2 n floats each and apart. No factor is applied. */
void dft_run(const dft *d, const float *from, float *to, float *room);

#endif
