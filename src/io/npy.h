/* The .npy format: a header, a literal of Python, and the values. No arrays here: that is npy_arrays.c. */
#ifndef IO_NPY_H
#define IO_NPY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "tarn/array.h"

typedef struct {
    tarn_dtype dtype;
    bool swapped; /* the bytes of each number are in the other order */
    bool columns; /* Fortran's order: the values are those of the transpose */
    int ndim;
    int64_t shape[TARN_MAX_NDIM];
    size_t offset; /* of the values */
    int64_t bytes; /* that they take; they are all there */
} npy_header;

/* Reads the beginning of a file of `length` bytes; errors name it. */
bool npy_parse(const char *bytes, size_t length, const char *name, npy_header *h);
/* The header of dense values. */
bool npy_write_header(text *t, tarn_dtype dtype, tarn_ints shape);

#endif
