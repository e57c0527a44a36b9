/* Results of transforms in arrays of the test's own: CHECK(into(&y, tarn_vmap(f, &x, 1)) && …). */
#ifndef TESTS_INTO_H
#define TESTS_INTO_H

#include "tarn/tarn.h"

static inline bool into(tarn_array **to, const tarn_results *results) {
    for (int i = 0; i < tarn_results_count(results); i++) to[i] = tarn_results_at(results, i);
    return results != NULL;
}

static inline bool vjp_into(tarn_function f, tarn_array *const *inputs, int count, tarn_array *const *cotangents,
                            int cotangent_count, tarn_array **outputs, tarn_array **gradients) {
    tarn_results *values;
    return into(gradients, tarn_vjp(f, inputs, count, cotangents, cotangent_count, .outputs = &values)) &&
           into(outputs, values);
}

static inline bool jvp_into(tarn_function f, tarn_array *const *inputs, int count, tarn_array *const *tangents,
                            tarn_array **outputs, tarn_array **output_tangents) {
    tarn_results *values;
    return into(output_tangents, tarn_jvp(f, inputs, count, tangents, .outputs = &values)) && into(outputs, values);
}

#endif
