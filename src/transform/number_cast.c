/* Gradients and tangents of integers: numbers in the dtype of what they belong to. A cast to an integer is a step,
   which has the gradient zero; this one is not, so that gradients of gradients are those of the numbers. */
#include "transform/differentiate.h"

static bool cast(void *context, tarn_array *const *in, int count, tarn_results *results) {
    (void)count;
    return tarn_result(results, tarn_astype(in[0], (tarn_dtype)(intptr_t)context));
}

/* The rule of gradients and of tangents: behind the argument stands what passes. */
static bool pass(void *context, tarn_array *const *in, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, in[1]);
}

tarn_array *number_cast(tarn_array *x, tarn_dtype dtype) {
    if (x->dtype == dtype) return x;
    if (is_inexact(dtype)) return tarn_astype(x, dtype);
    tarn_custom_function *c = tarn_custom_new(TARN_FUNCTION(cast, (void *)(intptr_t)dtype), .vjp = pass, .jvp = pass);
    tarn_array *made = tarn_results_at(tarn_custom_call(c, &x, 1), 0);
    tarn_custom_free(c);
    return made;
}
