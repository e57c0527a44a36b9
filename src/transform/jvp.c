/* tarn_jvp. */
#include "base/memory.h"
#include "core/scope.h"
#include "transform/differentiate.h"

static bool *moving_inputs(tarn_array *const *tangents, int count) {
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

static bool jvp_in_scope(differentiation *d, tarn_array *const *tangents, tarn_array **outputs, tarn_array **output_tangents) {
    int inputs = d->traced.input_count, count = d->traced.output_count;
    for (int i = 0; i < inputs; i++)
        if (tangents[i] && !(d->slots[i] = incoming("jvp: tangent", i, tangents[i], d->traced.inputs[i]))) return false;
    if (!forward_pass(&d->graph, d->slots)) return false;
    for (int k = 0; k < count; k++) {
        tarn_array *out = d->traced.outputs[k], *t = slot_value(d, out);
        if (!t) t = zero_tangent(out, tangents, inputs);
        if (!t) return false;
        output_tangents[k] = tarn_keep(t);
        outputs[k] = tarn_keep(out);
    }
    return true;
}

bool tarn_jvp(tarn_function function, tarn_array *const *inputs, int input_count, tarn_array *const *tangents, tarn_array **outputs,
              tarn_array **output_tangents) {
    if (!tarn_ok() || !scope_check_open("jvp")) return false;
    int scope = tarn_scope_begin(), count = function.outputs ? function.outputs : 1;
    differentiation d = {0};
    for (int k = 0; k < count; k++) outputs[k] = output_tangents[k] = NULL;
    bool *wanted = moving_inputs(tangents, input_count);
    bool ok = wanted && differentiate_begin(&d, "jvp", function, inputs, input_count, wanted) &&
              jvp_in_scope(&d, tangents, outputs, output_tangents);
    memory_free(wanted);
    differentiate_end(&d);
    tarn_scope_end(&scope);
    bool held = kept_to_scope(outputs, count);
    return kept_to_scope(output_tangents, count) && held && ok;
}
