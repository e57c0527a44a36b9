/* Arithmetic of sizes and counts. */
#ifndef CPU_SIZES_H
#define CPU_SIZES_H

#include <stdint.h>

static inline int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t round_up(int64_t n, int64_t step) {
    return (n + step - 1) / step * step;
}

#endif
