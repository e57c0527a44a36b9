/* What tarn_grad, tarn_vjp and tarn_jvp have in common: the function run on aliases of its inputs, and the graph
 * between them and the outputs. */
#ifndef TRANSFORM_DIFFERENTIATE_H
#define TRANSFORM_DIFFERENTIATE_H

#include "transform/transform.h"

typedef struct {
    traced_function traced;
    graph graph;
    tarn_array **slots; /* cotangents or tangents */
} differentiation;

/* wanted[i]: the graph begins at input i. `what` begins the messages. End it also after a failure. */
bool differentiate_begin(differentiation *d, const char *what, tarn_function function, tarn_array *const *inputs,
                         int input_count, const bool *wanted);
void differentiate_end(differentiation *d);

/* What came in for an array, in its dtype if that is inexact; NULL with the error set if the shape differs, or if it is
   complex for a real array and not `numbers`, which takes the real part. */
tarn_array *incoming(const char *what, int index, tarn_array *given, const tarn_array *of, bool numbers);
/* x as a number of this dtype; gradients pass as if the dtype were a float's. */
tarn_array *number_cast(tarn_array *x, tarn_dtype dtype);
/* The slot's value of an output or source, or NULL. */
tarn_array *slot_value(const differentiation *d, const tarn_array *a);

#endif
