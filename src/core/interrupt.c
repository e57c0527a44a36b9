#include "core/interrupt.h"

#include <stdatomic.h>

#include "tarn/device.h"

/* Lock-free, so that a signal handler may write it. */
static atomic_bool interrupted;

bool interrupt_is_set(void) {
    return atomic_load_explicit(&interrupted, memory_order_relaxed);
}

void tarn_interrupt(void) {
    atomic_store(&interrupted, true);
}

bool tarn_interrupted(void) {
    return atomic_load(&interrupted);
}

void tarn_clear_interrupt(void) {
    atomic_store(&interrupted, false);
}
