/* An axis of a convolution whose input has zeros between its elements, in phases: the places of the result that meet
   the same places of the kernel, so that zeros are not multiplied. */
#ifndef CPU_CONV_PHASES_H
#define CPU_CONV_PHASES_H

#include "table/conv.h"

/* Place i of a phase is place begin + i * step of the result. Its tap j is place tap + j * kernel_step of the kernel
   (counted as it runs), and meets element first + i * place_step + j * tap_step of x. */
typedef struct {
    int64_t begin, step, places, tap, kernel_step, taps, first, place_step, tap_step;
} conv_phase;

/* How many there are: phases 0 and so on. */
int64_t conv_phases_of(const conv_axis *axis);
/* Of an axis with `kernel` places of the kernel and `places` of the result. */
conv_phase conv_phase_of(const conv_axis *axis, int64_t phase, int64_t kernel, int64_t places);

#endif
