/* Functions whose gradient computes them again: what lies between their inputs and outputs is not kept for it. */
#include "base/error.h"
#include "base/memory.h"
#include "transform/custom.h"

/* Whether an integer is among those whose gradient is asked for: they are taken for numbers then, as by who asks. */
static bool wants_integers(const bool *wanted, tarn_array *const *in, int count) {
    for (int i = 0; i < count && wanted; i++)
        if (wanted[i] && !is_inexact(in[i]->dtype)) return true;
    return false;
}

/* The gradient's rule. The function runs again on inputs that are there only once the cotangents are: else it would be
   evaluated when it was, and its values kept. */
static bool recompute(void *context, tarn_array *const *in, int count, tarn_results *results) {
    const tarn_custom_function *c = context;
    int arguments = c->arguments, outputs = (count - arguments) / 2;
    tarn_array *const *cotangents = in + arguments;
    tarn_array **again = NEW_ARRAY(tarn_array *, arguments);
    for (int i = 0; i < arguments && again; i++) again[i] = tarn_depends(in[i], cotangents, outputs);
    bool ok = again && tarn_result_all(results, tarn_vjp(c->function, again, arguments, cotangents, outputs,
                                                         .numbers = wants_integers(results->wanted, in, arguments)));
    memory_free(again);
    return ok;
}

static tarn_custom_function *checkpoint_of(tarn_function function, int count, tarn_checkpoint_options o) {
    if (!tarn_ok()) return NULL;
    if (!function.call) return tarn_fail("checkpoint: the function is NULL"), NULL;
    tarn_custom_function *c = custom_new(function, o.release);
    if (!c) return NULL;
    c->constants = o.constants;
    c->context = c;
    c->vjp = recompute;
    c->arguments = count;
    return c;
}

tarn_results *tarn_checkpoint_with(tarn_function function, tarn_array *const *inputs, int count,
                                   tarn_checkpoint_options o) {
    tarn_custom_function *c = checkpoint_of(function, count, o);
    if (!c && o.release) {
        error_set_aside();
        o.release(function.context);
        error_put_back();
    }
    tarn_results *results = c ? custom_call("checkpoint", c, inputs, count) : NULL;
    tarn_custom_free(c);
    return results;
}
