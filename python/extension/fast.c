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

/* ---- kernels of other machines: made, they may be; calling one fails */

PyObject *no_kernel(const char *function, const char *backend) {
    return PyErr_Format(PyExc_RuntimeError, "[%s] No %s back-end.", function, backend), NULL;
}

static PyObject *call_kernel(PyObject *self, PyObject *arguments, PyObject *named) {
    (void)self, (void)arguments, (void)named;
    return no_kernel("metal_kernel", "Metal");
}

PyObject *kernel_of(const char *name, PyObject *input_names, PyObject *output_names) {
    static PyMethodDef definition = {"metal_kernel", METHOD(call_kernel), METH_VARARGS | METH_KEYWORDS,
                                     "A kernel for Metal, which there is not."};
    (void)name;
    if (!PySequence_Check(input_names) || !PySequence_Check(output_names))
        return PyErr_SetString(PyExc_TypeError, "metal_kernel(): the names must be sequences of str"), NULL;
    return PyCFunction_NewEx(&definition, NULL, NULL);
}
