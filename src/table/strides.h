/* Row-major order, as everybody understands it. */
#ifndef TABLE_STRIDES_H
#define TABLE_STRIDES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Strides, in elements, of a row-major array without gaps. */
static inline void dense_strides(int ndim, const int64_t *shape, int64_t *strides) {
    int64_t stride = 1;
    for (int i = ndim - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= shape[i] > 0 ? shape[i] : 1;
    }
}

/* Whether strides are those; of axes of size 1 and of arrays without elements any are. */
static inline bool strides_are_dense(int ndim, const int64_t *shape, const int64_t *strides) {
    int64_t expected = 1;
    for (int i = 0; i < ndim; i++)
        if (shape[i] == 0) return true;
    for (int i = ndim - 1; i >= 0; i--) {
        if (shape[i] != 1 && strides[i] != expected) return false;
        expected *= shape[i];
    }
    return true;
}

static inline bool shapes_equal(int ndim, const int64_t *a, const int64_t *b) {
    return memcmp(a, b, (size_t)ndim * sizeof *a) == 0;
}

#endif
