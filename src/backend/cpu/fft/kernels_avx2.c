/* Fourier transforms for this instruction set. */
#include "cpu/fft/kernels.tpl.h"
