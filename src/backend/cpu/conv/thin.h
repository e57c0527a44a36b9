/* Convolutions whose product would be thin: few elements meet a place of the result (the first layer of a network), or
   there are few places (the gradient of its weight). The outputs are the lanes of vectors. */
#ifndef CPU_CONV_THIN_H
#define CPU_CONV_THIN_H

#include "cpu/cpu.h"

extern const kernel_row conv_thin_row;

enum { THIN_LINES = 9 }; /* lines that sums are made of at once */

/* out[place, o] = sum over d of x[offsets[d] + place * step] * w[d, o]; out [places, outs], w [depth, outs]. */
typedef void thin_places(const float *x, const int64_t *offsets, int depth, const float *w, int64_t outs,
                         int64_t places, int64_t step, float *out);
/* sums[l, o] += sum over t of x[offsets[l] + t * step] * w[t * w_step + o]; lines a multiple of THIN_LINES. */
typedef void thin_sums(const float *x, const int64_t *offsets, int lines, const float *w, int64_t w_step, int64_t outs,
                       int64_t taps, int64_t step, float *sums);
#define X(isa, ISA)                                                                                                    \
    thin_places thin_places_##isa;                                                                                     \
    thin_sums thin_sums_##isa;
CPU_EACH_ISA(X)
#undef X

#endif
