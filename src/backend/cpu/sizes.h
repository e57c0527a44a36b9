/* Arithmetic of sizes and counts. */
#ifndef CPU_SIZES_H
#define CPU_SIZES_H

#include <stdint.h>

static inline int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static inline int64_t divide_up(int64_t n, int64_t unit) {
    return (n + unit - 1) / unit;
}

static inline int64_t round_up(int64_t n, int64_t unit) {
    return divide_up(n, unit) * unit;
}

static inline int64_t product_of_sizes(const int64_t *sizes, int count) {
    int64_t product = 1;
    for (int i = 0; i < count; i++) product *= sizes[i];
    return product;
}

/* index as places in sizes, the last fastest. */
static inline void split_index(int64_t index, const int64_t *sizes, int axes, int64_t *places) {
    for (int i = axes - 1; i >= 0; i--) {
        places[i] = index % sizes[i];
        index /= sizes[i];
    }
}

#endif
