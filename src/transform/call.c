/* The beginning and the end of every transform, and the plain call of a function. */
#include "base/memory.h"
#include "core/scope.h"
#include "transform/transform.h"

bool transform_begin(transform_call *call, const char *what, int count, tarn_results **wanted) {
    *call = (transform_call){.wanted = wanted};
    if (wanted) *wanted = NULL;
    if (!tarn_ok() || !scope_check_open(what)) return false;
    if (count < 0) return tarn_fail("%s: %d inputs", what, count);
    call->results = results_new();
    call->outputs = results_new();
    if (!call->results || !call->outputs) return false;
    call->scope = tarn_scope_begin();
    return call->scope > 0;
}

tarn_results *transform_end(transform_call *call, bool ok) {
    ok = ok && tarn_ok();
    tarn_scope_end(&call->scope);
    tarn_results *outputs = results_close(call->outputs, ok && call->wanted);
    tarn_results *results = results_close(call->results, ok);
    if (call->wanted) *call->wanted = results ? outputs : NULL;
    return outputs || !call->wanted ? results : NULL;
}

tarn_results *tarn_call(tarn_function function, tarn_array *const *inputs, int count) {
    if (!function.call) return tarn_fail("call: the function is NULL"), NULL;
    transform_call call;
    if (!transform_begin(&call, "call", count, NULL)) return NULL;
    tarn_array **own = NEW_ARRAY(tarn_array *, count);
    bool ok = own && function_inputs("call", inputs, count, own) &&
              function_call("call", function.call, function.context, own, count, call.results);
    memory_free(own);
    return transform_end(&call, ok);
}
