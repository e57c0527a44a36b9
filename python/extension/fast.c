/* Arguments of fused operations that fit no annotation. */
#include "special.h"

#include <string.h>

tarn_array *rope_of(tarn_array *a, int64_t dims, bool traditional, tarn_value base, double scale, tarn_array *offset,
                    tarn_array *freqs) {
    if (!base.given == !freqs) return tarn_fail("rope: exactly one of base and freqs must be given"), NULL;
    return tarn_rope(a, offset, .dims = dims, .traditional = traditional, .base = base, .scale = TARN_VALUE(scale),
                     .freqs = freqs);
}

tarn_array *attention_of(tarn_array *q, tarn_array *k, tarn_array *v, double scale, PyObject *mask, tarn_array *sinks) {
    bool causal = PyUnicode_Check(mask) && PyUnicode_CompareWithASCIIString(mask, "causal") == 0;
    if (mask != Py_None && !causal && !is_array(mask))
        return tarn_fail("scaled_dot_product_attention: the mask must be \"causal\" or an array"), NULL;
    return tarn_attention(q, k, v, .scale = TARN_VALUE(scale), .causal = causal,
                          .mask = is_array(mask) ? ARRAY(mask) : NULL, .sinks = sinks);
}
