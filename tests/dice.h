/* Random choices that a seed repeats; each thread has dice of its own. */
#ifndef TESTS_DICE_H
#define TESTS_DICE_H

#include <stdint.h>

static _Thread_local uint64_t dice_state;
static inline uint64_t dice_bits(void) {
    uint64_t z = dice_state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}
static inline int dice(int n) {
    return (int)(dice_bits() % (uint64_t)n);
}

#endif
