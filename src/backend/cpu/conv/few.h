/* Convolutions with few outputs, of which a vector would hold too few: gradients of pictures. Places of the result are
   the lanes of vectors. */
#ifndef CPU_CONV_FEW_H
#define CPU_CONV_FEW_H

#include "cpu/cpu.h"

extern const kernel_row conv_few_row;

enum { FEW_LANES = 16 }; /* of the widest vectors: places come in multiples of it */

/* What some places meet in one line of x, and where it is added. */
typedef struct {
    const float *x; /* channel c of what lane l meets at tap t: x[c * channel_step + offsets[t] + l] */
    const float *w; /* [channels, taps, outs] */
    const int64_t *offsets;
    int64_t channels, channel_step, taps, outs;
    float *sums; /* [outs, sums_step] */
    int64_t sums_step;
} few_line;

/* Adds to the sums of `places` lanes, a multiple of FEW_LANES. */
typedef void few_add(const few_line *line, int64_t places);
#define X(isa, ISA) few_add few_add_##isa;
CPU_EACH_ISA(X)
#undef X

#endif
