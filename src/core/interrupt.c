#include "core/interrupt.h"

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

#include "tarn/device.h"

/* From when on, in nanoseconds of the monotonic clock; lock-free, so that a signal handler may write it. */
#define NEVER INT64_MAX
static atomic_int_least64_t since = NEVER;

static int64_t nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The clock costs something: it is asked only if somebody wishes to stop. */
bool interrupt_is_set(void) {
    int64_t from = atomic_load_explicit(&since, memory_order_relaxed);
    return from != NEVER && (from == 0 || nanoseconds() >= from);
}

static void interrupt_from(int64_t from) {
    int64_t before = atomic_load(&since);
    while (from < before && !atomic_compare_exchange_weak(&since, &before, from)) continue;
}

void tarn_interrupt(void) {
    interrupt_from(0);
}

void tarn_interrupt_after(double seconds) {
    const double most = 1e9; /* more than who waits has */
    interrupt_from(seconds > 0 ? nanoseconds() + (int64_t)((seconds < most ? seconds : most) * 1e9) : 0);
}

bool tarn_interrupted(void) {
    return interrupt_is_set();
}

void tarn_clear_interrupt(void) {
    atomic_store(&since, NEVER);
}
