/* Two values made one: the steps of reductions, scans and scatter-adds. */
#ifndef REFERENCE_FOLD_H
#define REFERENCE_FOLD_H

#include "reference/value.h"

typedef value (*fold_function)(value a, value b);

/* Sums and products of truths are or and and; a NaN wins max and min; integers are taken modulo 2^64. */
fold_function fold_of(reduce_kind kind, value_class class);

/* What folding nothing gives: 0, 1, the lowest or highest number of the dtype (-inf or inf), true for all, false for
 * any. */
value fold_identity(reduce_kind kind, tarn_dtype dtype);

#endif
