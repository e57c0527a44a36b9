/* Waiting awake, for a time that the clock measures: how long a processor's pause is differs by model, from 15 to 50
 * ns. */
#ifndef BASE_SPIN_H
#define BASE_SPIN_H

#include <stdbool.h>
#include <stdint.h>

/* Tells the processor that this thread waits in a loop. */
static inline void cpu_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield" ::: "memory");
#else
    __asm__ volatile("" ::: "memory");
#endif
}

/* One wait; starts as {0}. */
typedef struct {
    int turns;
    bool yields;
    int64_t began; /* ns; 0: the clock was not read yet */
} spin;

/* Pauses once; false when about `nanoseconds` have passed since the first call. Where only two threads compute it soon
   leaves the core to others that can use it: who waits there takes the time of who is waited for. */
bool spin_once(spin *s, int64_t nanoseconds);

#endif
