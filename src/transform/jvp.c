/* tarn_jvp. */
#include "base/memory.h"
#include "core/scope.h"
#include "transform/differentiate.h"

static bool *moving_inputs(tarn_array *const *tangents, int count) {
    if (count > 0 && !tangents) return tarn_fail("jvp: the list of tangents is NULL"), NULL;
    bool *wanted = NEW_ARRAY(bool, count);
    for (int i = 0; i < count && wanted; i++) wanted[i] = tangents[i] != NULL;
    return wanted;
}

/* The zero tangent of an output: of its own dtype, or for an integer of the dtype of the tangents that came in. */
static tarn_array *zero_tangent(tarn_array *out, tarn_array *const *tangents, int count) {
    tarn_dtype dtype = TARN_FLOAT32;
    for (int i = count - 1; i >= 0; i--)
        if (tangents[i] && dtype_kind_of(tangents[i]->dtype) == KIND_FLOAT) dtype = tangents[i]->dtype;
    return tarn_zeros(array_shape(out), is_inexact(out->dtype) ? out->dtype : dtype);
}

/* Whether all that came in are integers: then so is what comes out, of integers. */
static bool all_integers(tarn_array *const *tangents, int count) {
    bool any = false;
    for (int i = 0; i < count; i++) {
        if (tangents[i] && is_inexact(tangents[i]->dtype)) return false;
        any = any || tangents[i];
    }
    return any;
}

static bool jvp_in_scope(differentiation *d, tarn_array *const *tangents, bool numbers, tarn_results *results,
                         tarn_results *outputs) {
    int inputs = d->traced.input_count, count = d->traced.output_count;
    for (int i = 0; i < inputs; i++)
        if (tangents[i] && !(d->slots[i] = incoming("jvp: tangent", i, tangents[i], d->traced.inputs[i], false)))
            return false;
    if (!forward_pass(&d->graph, d->slots)) return false;
    numbers = numbers && all_integers(tangents, inputs);
    for (int k = 0; k < count; k++) {
        tarn_array *out = d->traced.outputs[k], *t = slot_value(d, out);
        if (!t) t = zero_tangent(out, tangents, inputs);
        if (t && numbers) t = number_cast(t, out->dtype);
        if (!tarn_result(results, t) || !tarn_result(outputs, out)) return false;
    }
    return true;
}

tarn_results *tarn_jvp_with(tarn_function function, tarn_array *const *inputs, int count, tarn_array *const *tangents,
                            tarn_jvp_options o) {
    transform_call call;
    if (!transform_begin(&call, "jvp", count, o.outputs)) return NULL;
    differentiation d = {0};
    bool *wanted = moving_inputs(tangents, count);
    bool ok = wanted && differentiate_begin(&d, "jvp", function, inputs, count, wanted) &&
              jvp_in_scope(&d, tangents, o.numbers, call.results, call.outputs);
    memory_free(wanted);
    differentiate_end(&d);
    return transform_end(&call, ok);
}
