/* tarn_vjp and tarn_grad. */
#include "base/list.h"
#include "base/memory.h"
#include "core/scope.h"
#include "transform/differentiate.h"

/* Of an integer: that of the number it is, cast. */
static tarn_array *gradient_of(const differentiation *d, int i) {
    tarn_array *x = d->traced.inputs[i], *g = d->slots[i];
    return g ? number_cast(g, x->dtype) : tarn_zeros_like(x);
}

/* Integers have no gradient, unless they are to count as the numbers they are. */
static bool *inputs_of_vjp(tarn_array *const *inputs, int count, bool numbers) {
    bool *wanted = NEW_ARRAY(bool, count);
    for (int i = 0; i < count && wanted; i++)
        wanted[i] = inputs && inputs[i] && (numbers || is_inexact(inputs[i]->dtype));
    return wanted;
}

static bool seed(differentiation *d, tarn_array *const *cotangents, int count, bool numbers) {
    if (count != d->traced.output_count)
        return tarn_fail("vjp: %d cotangents for the %d results of the function", count, d->traced.output_count);
    if (count && !cotangents) return tarn_fail("vjp: the list of cotangents is NULL");
    for (int k = 0; k < d->traced.output_count; k++) {
        if (!cotangents[k]) continue;
        tarn_array *out = d->traced.outputs[k], *g = incoming("vjp: cotangent", k, cotangents[k], out, numbers);
        int64_t slot = graph_slot(&d->graph, out);
        if (!g || (slot >= 0 && !gradient_add(&d->slots[slot], g))) return false;
    }
    return true;
}

static bool all_results(tarn_results *results, const differentiation *d) {
    bool ok = true;
    for (int k = 0; k < d->traced.output_count && ok; k++) ok = tarn_result(results, d->traced.outputs[k]);
    return ok;
}

static bool vjp_in_scope(differentiation *d, tarn_array *const *cotangents, int count, bool numbers,
                         tarn_results *gradients, tarn_results *outputs) {
    if (!seed(d, cotangents, count, numbers) || !reverse_pass(&d->graph, d->slots)) return false;
    for (int i = 0; i < d->traced.input_count; i++)
        if (!tarn_result(gradients, gradient_of(d, i))) return false;
    return all_results(outputs, d);
}

tarn_results *tarn_vjp_with(tarn_function function, tarn_array *const *inputs, int count, tarn_array *const *cotangents,
                            int cotangent_count, tarn_vjp_options o) {
    transform_call call;
    if (!transform_begin(&call, "vjp", count, o.outputs)) return NULL;
    differentiation d = {0};
    bool *wanted = inputs_of_vjp(inputs, count, o.numbers);
    bool ok = wanted && differentiate_begin(&d, "vjp", function, inputs, count, wanted) &&
              vjp_in_scope(&d, cotangents, cotangent_count, o.numbers, call.results, call.outputs);
    memory_free(wanted);
    differentiate_end(&d);
    return transform_end(&call, ok);
}

/* ---- grad */

static bool *wanted_inputs(tarn_array *const *inputs, int count, tarn_ints argnums) {
    if (!list_check("grad", "argnums", argnums)) return NULL;
    bool *wanted = NEW_ARRAY(bool, count);
    for (int64_t k = 0; k < argnums.count && wanted; k++) {
        int64_t i = argnums.values[k];
        bool fits = inputs && i >= 0 && i < count, again = fits && wanted[i];
        if (!fits) tarn_fail_kind(TARN_ERROR_INDEX, "grad: argnums has %lld, there are %d inputs", (long long)i, count);
        if (again) tarn_fail("grad: argnums has %lld twice", (long long)i);
        if (fits) wanted[i] = true;
    }
    if (tarn_ok()) return wanted;
    memory_free(wanted);
    return NULL;
}

static bool check_scalar(const traced_function *f, bool numbers) {
    if (f->output_count == 0)
        return tarn_fail("grad: the function handed out no result; the first must be a 0-d float");
    const tarn_array *out = f->outputs[0];
    if (out->ndim == 0 && (numbers || dtype_kind_of(out->dtype) == KIND_FLOAT)) return true;
    return fail_shapes(out, NULL, NULL, "grad: the first output of the function must be a 0-d %s",
                       numbers ? "number" : "float");
}

static bool grad_in_scope(differentiation *d, tarn_ints argnums, bool numbers, tarn_results *gradients,
                          tarn_results *outputs) {
    if (!check_scalar(&d->traced, numbers)) return false;
    tarn_array *value = d->traced.outputs[0];
    int64_t slot = graph_slot(&d->graph, value);
    if (slot >= 0) d->slots[slot] = tarn_scalar(1, is_inexact(value->dtype) ? value->dtype : TARN_FLOAT32);
    if (!tarn_ok() || !reverse_pass(&d->graph, d->slots)) return false;
    for (int64_t k = 0; k < argnums.count; k++)
        if (!tarn_result(gradients, gradient_of(d, (int)argnums.values[k]))) return false;
    return all_results(outputs, d);
}

tarn_results *tarn_grad_with(tarn_function function, tarn_array *const *inputs, int count, tarn_grad_options o) {
    transform_call call;
    if (!transform_begin(&call, "grad", count, o.outputs)) return NULL;
    tarn_ints argnums = o.argnums.values || o.argnums.count ? o.argnums : TARN_INTS(0);
    differentiation d = {0};
    bool *wanted = wanted_inputs(inputs, count, argnums);
    bool ok = wanted && differentiate_begin(&d, "grad", function, inputs, count, wanted) &&
              grad_in_scope(&d, argnums, o.numbers, call.results, call.outputs);
    memory_free(wanted);
    differentiate_end(&d);
    return transform_end(&call, ok);
}
