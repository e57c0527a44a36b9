/* Running a function of arrays on fresh inputs and remembering what it built: the first half of every transform and of
 * compile. */
#ifndef OPS_TRACE_FUNCTION_H
#define OPS_TRACE_FUNCTION_H

#include "core/results.h"
#include "core/scope.h"
#include "tarn/transform.h"

/* Aliases of arrays that others hold, so that the function they are for may move them. They belong to the scope. */
bool function_inputs(const char *what, tarn_array *const *inputs, int count, tarn_array **own);
/* Calls a function in a scope of its own, so that what it leaves behind is released at once; what it hands out the list
   holds. On failure the list is empty. `what` begins the messages. */
bool function_call(const char *what, tarn_callback call, void *context, tarn_array *const *inputs, int count,
                   tarn_results *results);

/* What a function built. Inputs and outputs are held, and the nodes between them keep their inputs, until traced_end.
 */
typedef struct {
    trace *trace;
    int input_count, output_count;
    tarn_array **inputs, **outputs;
    tarn_results results; /* holds the outputs */
} traced_function;

/* Runs `function` on `inputs`, or aliases of them. Nodes built on those inputs for which fresh[i] are traced (fresh
   NULL: all of them): they must be leaves or aliases that nobody else uses. `what` names the transform in messages. On
   failure nothing is left to end. */
bool traced_begin(traced_function *t, const char *what, tarn_function function, tarn_array *const *inputs,
                  int input_count, const bool *fresh);
void traced_end(traced_function *t);

/* Another array with x's value, through which gradients pass. */
tarn_array *trace_alias(tarn_array *x);
/* A leaf of the same dtype and shape without a value: reading it is an error. */
tarn_array *trace_argument(int index, const tarn_array *like);

#endif
