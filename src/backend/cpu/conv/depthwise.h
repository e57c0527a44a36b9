/* Convolutions of every channel by itself: groups as many as channels and outputs. */
#ifndef CPU_CONV_DEPTHWISE_H
#define CPU_CONV_DEPTHWISE_H

#include "cpu/cpu.h"

extern const kernel_row conv_depthwise_row;

/* sums[i] += x[i] * w[i] */
typedef void depthwise_add(float *sums, const float *x, const float *w, int64_t count);
#define X(isa, ISA) depthwise_add depthwise_add_##isa;
CPU_EACH_ISA(X)
#undef X

#endif
