/* A wish, from a signal handler or another thread, that what is being computed be given up. */
#ifndef CORE_INTERRUPT_H
#define CORE_INTERRUPT_H

#include <stdbool.h>

/* Read between kernels: whether tarn_interrupt() was called and not yet taken back. */
bool interrupt_is_set(void);

#endif
