/* What expressions of the rows call beside the library's functions. */
#ifndef SPECIAL_H
#define SPECIAL_H

#include "extension.h"

static inline tarn_dtype dtype_or(optional_dtype dtype, tarn_dtype absent) {
    return dtype.given ? dtype.value : absent;
}
static inline int64_t int_or(tarn_axis value, int64_t absent) {
    return value.given ? value.axis : absent;
}

/* a.reshape(2, 3) and a.reshape((2, 3)): the arguments as a tuple. */
tarn_array *reshape_to(tarn_array *a, PyObject *shape);

/* Halves to even, at the given decimal place. */
tarn_array *round_to(tarn_array *a, int64_t decimals);

/* ---- tree.c */
bool eval_trees(PyObject *trees);
bool async_eval_trees(PyObject *trees);

#endif
