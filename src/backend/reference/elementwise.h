/* Elementwise ops over blocks of values, a table for each class of numbers. The classes see the same rows of
   src/table/elementwise.def; what differs is the functions of the value language. */
#ifndef REFERENCE_ELEMENTWISE_H
#define REFERENCE_ELEMENTWISE_H

#include "reference/value.h"

/* out[i] = op(x[i], y[i], z[i]) in the slot of the class, not rounded; what the op has no use for may be NULL. */
typedef void (*elementwise_function)(const value *x, const value *y, const value *z, value *out, int count);

/* NULL if the op takes no such numbers. */
elementwise_function elementwise_function_of(op_id op, value_class class);

extern const elementwise_function elementwise_bool[OP_COUNT], elementwise_unsigned[OP_COUNT],
    elementwise_signed[OP_COUNT], elementwise_float[OP_COUNT], elementwise_double[OP_COUNT],
    elementwise_complex[OP_COUNT];

#endif
