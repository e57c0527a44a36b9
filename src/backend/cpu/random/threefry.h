/* What one instruction set brings to random bits. */
#ifndef CPU_THREEFRY_H
#define CPU_THREEFRY_H

#include <stdint.h>

/* threefry2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw, 2011) of the counters (first + i, second + i) for 0 <= i <
   count: the two words of each to a and b. key[2] is the one that follows from the others. */
typedef void threefry_words(const uint32_t key[3], uint32_t first, uint32_t second, int64_t count, uint32_t *a,
                            uint32_t *b);
threefry_words threefry_words_baseline, threefry_words_avx2, threefry_words_avx512;

#endif
