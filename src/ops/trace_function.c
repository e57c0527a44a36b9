/* Running a function of arrays on fresh inputs. What is done with the graph is the business of the transforms and of compile. */
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

static void drop_all(tarn_array **arrays, int count) {
    for (int i = 0; i < count; i++) {
        tarn_drop(arrays[i]);
        arrays[i] = NULL;
    }
}

/* The function may move what it is given. What is others' is therefore given as an alias, and the holds are those of a reader, which a move
   does not give up. */
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
        if (!inputs[i]) return tarn_fail("%s: input %d is NULL", what, i);
        if (!(own[i] = trace_alias(inputs[i]))) return false;
    }
    return true;
}

/* The outputs are kept before the scope closes and releases everything else that the function made. */
bool function_call(const char *what, tarn_callback call, void *context, tarn_array *const *inputs, int input_count, tarn_array **outputs,
                   int output_count, bool optional) {
    for (int i = 0; i < output_count; i++) outputs[i] = NULL;
    int scope = tarn_scope_begin();
    bool ok = tarn_ok() && call(context, inputs, input_count, outputs, output_count);
    if (!ok && tarn_ok()) tarn_fail("%s: the function failed without an error", what);
    ok = ok && tarn_ok();
    for (int i = 0; i < output_count; i++) {
        if (ok && !outputs[i] && !optional) ok = tarn_fail("%s: the function left output %d NULL", what, i);
        outputs[i] = ok ? tarn_keep(outputs[i]) : NULL;
    }
    tarn_scope_end(&scope);
    if (!ok) drop_all(outputs, output_count);
    return ok;
}

bool kept_to_scope(tarn_array **arrays, int count) {
    bool ok = true;
    for (int i = 0; i < count; i++) {
        if (!arrays[i]) continue;
        ok = scope_hold(arrays[i]) && ok;
        tarn_drop(arrays[i]);
    }
    return ok;
}

bool traced_begin(traced_function *t, const char *what, tarn_function function, tarn_array *const *inputs, int input_count,
                  const bool *fresh) {
    *t = (traced_function){0};
    if (!tarn_ok() || !scope_check_open(what)) return false;
    if (!function.call) return tarn_fail("%s: the function is NULL", what);
    if (function.outputs < 0 || input_count < 0) return tarn_fail("%s: a negative number of arrays", what);
    t->input_count = input_count;
    t->output_count = function.outputs ? function.outputs : 1;
    t->inputs = NEW_ARRAY(tarn_array *, input_count);
    t->outputs = NEW_ARRAY(tarn_array *, t->output_count);
    t->trace = t->inputs && t->outputs ? trace_begin() : NULL;
    bool ok = t->trace && hold_inputs(t, what, inputs, fresh) &&
              function_call(what, function.call, function.context, t->inputs, input_count, t->outputs, t->output_count, false);
    if (!ok) traced_end(t);
    return ok;
}

void traced_end(traced_function *t) {
    if (t->trace) trace_end(t->trace);
    if (t->outputs) drop_all(t->outputs, t->output_count);
    for (int i = 0; t->inputs && i < t->input_count; i++) array_end_reading(t->inputs[i]);
    memory_free(t->outputs);
    memory_free(t->inputs);
    *t = (traced_function){0};
}
