/* Arithmetic on sizes from outside: each function returns false instead of wrapping. */
#ifndef BASE_CHECKED_H
#define BASE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

static inline bool checked_add(int64_t a, int64_t b, int64_t *sum) {
    return !__builtin_add_overflow(a, b, sum);
}
static inline bool checked_mul(int64_t a, int64_t b, int64_t *product) {
    return !__builtin_mul_overflow(a, b, product);
}

/* The product of count sizes; false for a negative size or a product beyond INT64_MAX. A zero anywhere gives 0. */
static inline bool checked_product(const int64_t *sizes, int64_t count, int64_t *product) {
    int64_t p = 1;
    bool zero = false, fits = true;
    for (int64_t i = 0; i < count; i++) {
        if (sizes[i] < 0) return false;
        if (sizes[i] == 0)
            zero = true;
        else
            fits = fits && checked_mul(p, sizes[i], &p);
    }
    *product = zero ? 0 : p;
    return zero || fits;
}

/* The bytes of an array of these sizes with elements of `item` bytes. False for a negative size, and where strides or
   bytes exceed half of INT64_MAX: sums and roundings of sizes that passed cannot wrap. A size of zero does not hide the
   others. */
static inline bool checked_bytes(const int64_t *sizes, int64_t count, int64_t item, int64_t *bytes) {
    int64_t reach = item;
    bool zero = false;
    for (int64_t i = 0; i < count; i++) {
        if (sizes[i] < 0 || (sizes[i] && !checked_mul(reach, sizes[i], &reach))) return false;
        zero = zero || sizes[i] == 0;
    }
    *bytes = zero ? 0 : reach;
    return reach <= INT64_MAX / 2;
}

#endif
