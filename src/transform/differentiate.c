/* What gradients and tangents of functions have in common. */
#include "transform/differentiate.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static bool trace_aliases(differentiation *d, const char *what, tarn_function function, tarn_array *const *inputs,
                          int count, const bool *wanted, tarn_array **aliases) {
    for (int i = 0; i < count; i++) {
        if (!inputs || !inputs[i]) return tarn_fail("%s: input %d is NULL", what, i);
        aliases[i] = wanted[i] ? trace_alias(inputs[i]) : inputs[i];
        if (!aliases[i]) return false;
    }
    if (!traced_begin(&d->traced, what, function, aliases, count, wanted)) return false;
    for (int i = 0; i < count; i++)
        if (!wanted[i]) aliases[i] = NULL;
    return graph_make(&d->graph, aliases, count, d->traced.outputs, d->traced.output_count, gradient_passes);
}

bool differentiate_begin(differentiation *d, const char *what, tarn_function function, tarn_array *const *inputs,
                         int input_count, const bool *wanted) {
    *d = (differentiation){0};
    tarn_array **aliases = NEW_ARRAY(tarn_array *, input_count);
    bool ok = aliases && trace_aliases(d, what, function, inputs, input_count, wanted, aliases);
    memory_free(aliases);
    d->slots = ok ? NEW_ARRAY(tarn_array *, d->graph.slot_count) : NULL;
    return d->slots != NULL;
}

void differentiate_end(differentiation *d) {
    memory_free(d->slots);
    graph_free(&d->graph);
    traced_end(&d->traced);
}

tarn_array *incoming(const char *what, int index, tarn_array *given, const tarn_array *of, bool numbers) {
    bool complex_for_real = given->dtype == TARN_COMPLEX64 && of->dtype != TARN_COMPLEX64;
    if (!array_same_shape(given, of) || (complex_for_real && !numbers))
        return fail_shapes(given, " for ", of, "%s %d does not fit", what, index), NULL;
    if (complex_for_real && !(given = tarn_real(given))) return NULL;
    tarn_dtype dtype = is_inexact(of->dtype) ? of->dtype : is_inexact(given->dtype) ? given->dtype : TARN_FLOAT32;
    return given->dtype == dtype ? given : tarn_astype(given, dtype);
}

tarn_array *slot_value(const differentiation *d, const tarn_array *a) {
    int64_t slot = graph_slot(&d->graph, a);
    return slot >= 0 ? d->slots[slot] : NULL;
}
