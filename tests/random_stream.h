/* The random numbers of tests. Each thing that is tested begins a stream of its own, named after it, so that a new row
   of a table or a new case leaves the inputs of the others alone. TARN_SEED=n draws other numbers everywhere. */
#ifndef TESTS_RANDOM_STREAM_H
#define TESTS_RANDOM_STREAM_H

#include <stdint.h>
#include <stdlib.h>

static uint64_t random_state = UINT64_C(88172645463325252);
static inline uint64_t random_bits(void) {
    random_state ^= random_state << 13, random_state ^= random_state >> 7, random_state ^= random_state << 17;
    return random_state;
}
static inline double random_unit(void) {
    return (double)(random_bits() >> 11) * 0x1p-53;
}

static inline void random_begin(const char *name) {
    const char *seed = getenv("TARN_SEED");
    random_state = UINT64_C(88172645463325252) ^ (seed ? strtoull(seed, NULL, 10) : 0) * UINT64_C(0x9E3779B97F4A7C15);
    for (; *name; name++) random_state = (random_state ^ (unsigned char)*name) * UINT64_C(0x100000001B3);
    random_state |= 1; /* zero would stay zero */
    for (int i = 0; i < 8; i++) random_bits();
}

#endif
