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

tarn_array *as_array(PyObject *value, optional_dtype dtype, PyObject *copy);

/* ---- print.c */
bool set_printing(int64_t precision);
PyObject *get_printing(void);
PyObject *printing_context(int64_t precision);

/* ---- random.c: the given key, or without one the next of the thread's state. NULL with an exception. */
tarn_array *random_key(tarn_array *key);
bool random_seed(uint64_t seed);
extern PyTypeObject *random_state_type;
PyObject *random_state_key(void); /* borrowed: the array that the state holds now */
bool add_random_state(PyObject *core);

/* ---- tree.c */
bool eval_trees(PyObject *trees);
bool async_eval_trees(PyObject *trees);

#endif
