/* Running a function of arrays on fresh inputs. What is done with the graph is the business of the transforms and of
 * compile. */
#include "ops/trace_function.h"

#include <string.h>

#include "base/memory.h"
#include "ops/build.h"

tarn_array *trace_alias(tarn_array *x) {
    /* A view that adds no axes: it has a node of its own and shares the memory. */
    attributes_expand_dims attributes = {.axes = TARN_NO_AXES};
    return BUILD(expand_dims, &attributes, x);
}

tarn_array *trace_argument(int index, const tarn_array *like) {
    return array_argument(index, array_shape(like), like->dtype, like->node->stream);
}

/* The function may move what it is given. What is others' is therefore given as an alias, and the holds are those of a
   reader, which a move does not give up. */
static bool hold_inputs(traced_function *t, const char *what, tarn_array *const *inputs, const bool *fresh) {
    for (int i = 0; i < t->input_count; i++) {
        if (!inputs[i]) return tarn_fail("%s: input %d is NULL", what, i);
        bool marked = !fresh || fresh[i];
        tarn_array *own = marked ? inputs[i] : trace_alias(inputs[i]);
        if (!own) return false;
        array_begin_reading(own);
        t->inputs[i] = own;
        if (marked && !trace_mark(t->trace, own)) return false;
    }
    return true;
}

bool function_inputs(const char *what, tarn_array *const *inputs, int count, tarn_array **own) {
    for (int i = 0; i < count; i++) {
        if (!inputs || !inputs[i]) return tarn_fail("%s: input %d is NULL", what, i);
        if (!(own[i] = trace_alias(inputs[i]))) return false;
    }
    return true;
}

bool function_call(const char *what, tarn_callback call, void *context, tarn_array *const *inputs, int count,
                   tarn_results *results) {
    int scope = tarn_scope_begin();
    bool ok = tarn_ok() && call(context, inputs, count, results);
    if (!ok && tarn_ok()) tarn_fail("%s: the function failed without an error", what);
    ok = ok && tarn_ok();
    tarn_scope_end(&scope);
    if (!ok) results_clear(results);
    return ok;
}

bool traced_begin(traced_function *t, const char *what, tarn_function function, tarn_array *const *inputs,
                  int input_count, const bool *fresh) {
    *t = (traced_function){0};
    if (!tarn_ok() || !scope_check_open(what)) return false;
    if (!function.call) return tarn_fail("%s: the function is NULL", what);
    if (input_count < 0 || (input_count && !inputs))
        return tarn_fail("%s: %d inputs%s", what, input_count, inputs ? "" : " at NULL");
    t->input_count = input_count;
    t->results.open = true;
    t->inputs = NEW_ARRAY(tarn_array *, input_count);
    t->trace = t->inputs ? trace_begin() : NULL;
    bool ok = t->trace && hold_inputs(t, what, inputs, fresh) &&
              function_call(what, function.call, function.context, t->inputs, input_count, &t->results);
    t->outputs = t->results.arrays.items;
    t->output_count = (int)t->results.arrays.count;
    if (!ok) traced_end(t);
    return ok;
}

void traced_end(traced_function *t) {
    if (t->trace) trace_end(t->trace);
    results_clear(&t->results);
    for (int i = 0; t->inputs && i < t->input_count; i++) array_end_reading(t->inputs[i]);
    memory_free(t->inputs);
    *t = (traced_function){0};
}
