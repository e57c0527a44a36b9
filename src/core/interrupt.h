/* A wish, from a signal handler or another thread, that what is being computed be given up. */
#ifndef CORE_INTERRUPT_H
#define CORE_INTERRUPT_H

#include <stdbool.h>

/* Read between kernels: whether what tarn_interrupt() or tarn_interrupt_after() asked for is due and not taken back. */
bool interrupt_is_set(void);

#endif
