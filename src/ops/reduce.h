#ifndef OPS_REDUCE_H
#define OPS_REDUCE_H

#include "ops/build.h"

/* reduced[i]: axis i is among axes (absent: all are). */
bool reduce_axes(const char *op, tarn_ints axes, int ndim, bool *reduced);

/* Sums and products of bool and small integers are 32 bits wide. */
tarn_dtype reduced_dtype(reduce_kind kind, tarn_dtype dtype);

/* Every axis in order, the reduced ones last; back[i] is where axis i went. Returns how many are reduced. */
int reduced_last(const bool *reduced, int ndim, int64_t *order, int64_t *back);

/* How many elements x has for each of `result`, less some, at least 0: a 0-d node in result's dtype. */
tarn_array *elements_each(tarn_array *x, tarn_array *result, int64_t less);

/* Adds the type that reducing input 0 over axes has. */
bool reduced_type(inference *i, tarn_dtype dtype, tarn_ints axes, bool keepdims);

#endif
