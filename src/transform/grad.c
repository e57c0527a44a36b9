/* tarn_vjp and tarn_grad. */
#include "base/memory.h"
#include "core/scope.h"
#include "transform/differentiate.h"

static int output_count_of(tarn_function f) {
    return f.outputs ? f.outputs : 1;
}

static tarn_array *gradient_of(const differentiation *d, int i) {
    tarn_array *x = d->traced.inputs[i];
    return d->slots[i] ? d->slots[i] : tarn_zeros_like(x);
}

/* Integers have no gradient. */
static bool *inexact_inputs(tarn_array *const *inputs, int count) {
    bool *wanted = NEW_ARRAY(bool, count);
    for (int i = 0; i < count && wanted; i++) wanted[i] = inputs[i] && is_inexact(inputs[i]->dtype);
    return wanted;
}

static bool seed(differentiation *d, tarn_array *const *cotangents) {
    for (int k = 0; k < d->traced.output_count; k++) {
        if (!cotangents[k]) continue;
        tarn_array *out = d->traced.outputs[k], *g = incoming("vjp: cotangent", k, cotangents[k], out);
        int64_t slot = graph_slot(&d->graph, out);
        if (!g || (slot >= 0 && !gradient_add(&d->slots[slot], g))) return false;
    }
    return true;
}

/* Hands over what is to outlive the scope of the transform. */
static bool keep_all(tarn_array **to, tarn_array *const *from, int count) {
    for (int i = 0; i < count; i++) to[i] = tarn_keep(from[i]);
    return true;
}

static void none(tarn_array **arrays, int count) {
    for (int i = 0; i < count; i++) arrays[i] = NULL;
}

static bool vjp_in_scope(differentiation *d, tarn_array *const *cotangents, tarn_array **outputs, tarn_array **gradients) {
    if (!seed(d, cotangents) || !reverse_pass(&d->graph, d->slots)) return false;
    for (int i = 0; i < d->traced.input_count; i++) {
        tarn_array *g = gradient_of(d, i);
        if (!g) return false;
        gradients[i] = tarn_keep(g);
    }
    return keep_all(outputs, d->traced.outputs, d->traced.output_count);
}

bool tarn_vjp(tarn_function function, tarn_array *const *inputs, int input_count, tarn_array *const *cotangents, tarn_array **outputs,
              tarn_array **gradients) {
    if (!tarn_ok() || !scope_check_open("vjp")) return false;
    int scope = tarn_scope_begin();
    differentiation d = {0};
    none(outputs, output_count_of(function));
    none(gradients, input_count);
    bool *wanted = inexact_inputs(inputs, input_count);
    bool ok =
        wanted && differentiate_begin(&d, "vjp", function, inputs, input_count, wanted) && vjp_in_scope(&d, cotangents, outputs, gradients);
    memory_free(wanted);
    differentiate_end(&d);
    tarn_scope_end(&scope);
    bool held = kept_to_scope(outputs, output_count_of(function));
    return kept_to_scope(gradients, input_count) && held && ok;
}

/* ---- grad */

static bool *wanted_inputs(tarn_array *const *inputs, int count, tarn_ints argnums) {
    bool *wanted = NEW_ARRAY(bool, count);
    for (int64_t k = 0; k < argnums.count && wanted; k++) {
        int64_t i = argnums.values[k];
        bool fits = i >= 0 && i < count, again = fits && wanted[i];
        bool exact = fits && inputs[i] && !is_inexact(inputs[i]->dtype);
        if (!fits) tarn_fail("grad: argnums has %lld, there are %d inputs", (long long)i, count);
        if (again) tarn_fail("grad: argnums has %lld twice", (long long)i);
        if (exact)
            tarn_fail("grad: input %lld is %s; only floats and complex numbers have gradients", (long long)i,
                      tarn_dtype_name(inputs[i]->dtype));
        if (fits) wanted[i] = true;
    }
    if (tarn_ok()) return wanted;
    memory_free(wanted);
    return NULL;
}

static bool check_scalar(const tarn_array *out) {
    if (out->ndim == 0 && dtype_kind_of(out->dtype) == KIND_FLOAT) return true;
    return fail_shapes(out, NULL, NULL, "grad: the first output of the function must be a 0-d float");
}

static bool grad_in_scope(differentiation *d, tarn_ints argnums, tarn_array **gradients, tarn_grad_options o) {
    tarn_array *value = d->traced.outputs[0];
    if (!check_scalar(value)) return false;
    int64_t slot = graph_slot(&d->graph, value);
    if (slot >= 0) d->slots[slot] = tarn_scalar_like(1, value);
    if (!tarn_ok() || !reverse_pass(&d->graph, d->slots)) return false;
    for (int64_t k = 0; k < argnums.count; k++) {
        tarn_array *g = gradient_of(d, (int)argnums.values[k]);
        if (!g) return false;
        gradients[k] = tarn_keep(g);
    }
    if (o.value) *o.value = tarn_keep(value);
    return !o.aux || keep_all(o.aux, d->traced.outputs + 1, d->traced.output_count - 1);
}

bool tarn_grad_with(tarn_function function, tarn_array *const *inputs, int input_count, tarn_array **gradients, tarn_grad_options o) {
    if (!tarn_ok() || !scope_check_open("grad")) return false;
    tarn_ints argnums = o.argnums.values ? o.argnums : TARN_INTS(0);
    int further = output_count_of(function) - 1;
    int scope = tarn_scope_begin();
    differentiation d = {0};
    none(gradients, (int)argnums.count);
    if (o.value) *o.value = NULL;
    if (o.aux) none(o.aux, further);
    bool *wanted = wanted_inputs(inputs, input_count, argnums);
    bool ok = wanted && differentiate_begin(&d, "grad", function, inputs, input_count, wanted) && grad_in_scope(&d, argnums, gradients, o);
    memory_free(wanted);
    differentiate_end(&d);
    tarn_scope_end(&scope);
    bool held = kept_to_scope(gradients, (int)argnums.count);
    if (o.value) held = kept_to_scope(o.value, 1) && held;
    if (o.aux) held = kept_to_scope(o.aux, further) && held;
    return held && ok;
}
