/* Arguments of fused operations that fit no annotation. */
#include "special.h"

#include <string.h>

tarn_array *rope_of(tarn_array *a, int64_t dims, bool traditional, tarn_value base, double scale, tarn_array *offset,
                    tarn_array *freqs) {
    if (!base.given == !freqs) return tarn_fail("rope: exactly one of base and freqs must be given"), NULL;
    if (dims <= 0) return tarn_fail("rope: dims must be positive, not %lld", (long long)dims), NULL;
    return tarn_rope(a, offset, .dims = dims, .traditional = traditional, .base = base, .scale = TARN_VALUE(scale),
                     .freqs = freqs);
}

/* MLX refuses a mask and sinks that are wider than the result. */
static bool narrow(tarn_array *part, tarn_dtype result, const char *what) {
    if (!like_mlx || !part || tarn_dtype_of(part) == TARN_BOOL || tarn_promote(tarn_dtype_of(part), result) == result)
        return true;
    return tarn_fail("scaled_dot_product_attention: %s must promote to output type %s.", what, tarn_dtype_name(result));
}

/* There is a kernel for every dtype but float64; MLX has none on the CPU, and programs may ask. */
static bool is_fused(const tarn_array *q) {
    if (!like_mlx && tarn_dtype_of(q) != TARN_FLOAT64) return true;
    return tarn_fail("scaled_dot_product_attention: force_fused=True but no fused kernel is available in CPU backend.");
}

tarn_array *attention_of(tarn_array *q, tarn_array *k, tarn_array *v, double scale, PyObject *mask, tarn_array *sinks,
                         bool fused) {
    bool causal = PyUnicode_Check(mask) && PyUnicode_CompareWithASCIIString(mask, "causal") == 0;
    if (mask != Py_None && !causal && !is_array(mask))
        return PyErr_Format(PyUnicode_Check(mask) ? PyExc_ValueError : PyExc_TypeError,
                            "scaled_dot_product_attention(): the mask must be \"causal\" or an array, not %R", mask),
               NULL;
    tarn_array *added = is_array(mask) ? held_array(mask) : NULL;
    tarn_dtype result = tarn_promote(tarn_promote(tarn_dtype_of(q), tarn_dtype_of(k)), tarn_dtype_of(v));
    if ((fused && !is_fused(q)) || !narrow(added, result, "Mask type") || !narrow(sinks, result, "Type of sinks"))
        return NULL;
    return tarn_attention(q, k, v, .scale = TARN_VALUE(scale), .causal = causal, .mask = added, .sinks = sinks);
}

/* ---- kernels of other machines: made, they may be; calling one fails */

PyObject *no_kernel(const char *function, const char *backend) {
    return PyErr_Format(PyExc_RuntimeError, "[%s] No %s back-end.", function, backend), NULL;
}

static PyObject *call_kernel(PyObject *self, PyObject *arguments, PyObject *named) {
    (void)self, (void)arguments;
    if (!named) return PyErr_SetString(PyExc_TypeError, "a kernel takes inputs, output_shapes, … by name"), NULL;
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
