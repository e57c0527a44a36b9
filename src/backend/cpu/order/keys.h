/* Numbers as unsigned keys in the same order, and back. A NaN is the largest, whatever its bits; both zeros are equal.
 */
#ifndef CPU_ORDER_KEYS_H
#define CPU_ORDER_KEYS_H

#include "table/table.h"

/* A place in the order of a line: elements of equal keys are in the order of their places. */
typedef struct {
    uint64_t key;
    uint32_t place;
} order_bound;

/* What lies on either side of two bounds. */
typedef struct {
    order_bound first, last;
    char *below, *above; /* where they are written, `bytes` apart */
    int64_t bytes;
} order_sides;

typedef struct {
    /* Keys of `count` elements, `step` bytes apart, as uint32_t or, of 64-bit dtypes and complex numbers, uint64_t. */
    void (*keys)(void *keys, const char *from, int64_t step, int64_t count, tarn_dtype dtype);
    /* The elements again: of zeros 0, of NaNs one of them. Not of complex numbers. to may be keys,
     * where elements are dense and as wide. */
    void (*elements)(char *to, int64_t step, const void *keys, int64_t count, tarn_dtype dtype);
    /* Whether the bits of some element are lost in its key: -0 and NaNs. */
    bool (*loses)(const char *from, int64_t step, int64_t count, tarn_dtype dtype);
    /* How many of line[n], which is dense and in order, are below each of values[count], or with `right` not above it.
       Not of complex numbers. */
    void (*search)(uint32_t *places, const char *line, int64_t n, const char *values, int64_t count, bool right,
                   tarn_dtype dtype);
    /* The keys from low to high of `count` elements, the first of which has this place, each with its place: in one
       number, or of 64-bit keys in `places`. Returns how many there are and adds to *below how many keys are lower. */
    int64_t (*collect)(uint64_t *keys, uint32_t *places, const char *from, int64_t step, int64_t count, uint32_t place,
                       uint64_t low, uint64_t high, int64_t *below, tarn_dtype dtype);
    /* Writes the elements before and behind the bounds (with `indices` their places), and moves both ends on. */
    void (*part)(order_sides *sides, const char *from, int64_t step, int64_t count, uint32_t place, bool indices,
                 tarn_dtype dtype);
} order_conversions;

extern const order_conversions order_conversions_baseline, order_conversions_avx2, order_conversions_avx512;

static inline int order_key_bytes(tarn_dtype dtype) {
    return dtype_bytes(dtype) == 8 ? 8 : 4;
}

#endif
