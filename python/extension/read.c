/* Values of arrays as Python has them: item, tolist, bool, int, float, complex. */
#include "extension.h"

#include <string.h>

/* f16 and bf16 as they are stored. */
static double of_half(uint16_t bits) {
    int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double size = exponent == 31 ? (fraction ? Py_NAN : Py_HUGE_VAL)
                  : exponent     ? (1024 + fraction) * 0x1p-25 * (double)(1u << exponent)
                                 : fraction * 0x1p-24;
    return bits >> 15 ? -size : size;
}

static double of_bfloat16(uint16_t bits) {
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return (double)value;
}

#define READ(type, make)                                                                                               \
    {                                                                                                                  \
        type value;                                                                                                    \
        memcpy(&value, at, sizeof value);                                                                              \
        return make;                                                                                                   \
    }
static PyObject *value_at(const void *at, tarn_dtype dtype) {
    switch (dtype) {
    case TARN_BOOL:
        READ(uint8_t, PyBool_FromLong(value))
    case TARN_UINT8:
        READ(uint8_t, PyLong_FromUnsignedLong(value))
    case TARN_UINT16:
        READ(uint16_t, PyLong_FromUnsignedLong(value))
    case TARN_UINT32:
        READ(uint32_t, PyLong_FromUnsignedLong(value))
    case TARN_UINT64:
        READ(uint64_t, PyLong_FromUnsignedLongLong(value))
    case TARN_INT8:
        READ(int8_t, PyLong_FromLong(value))
    case TARN_INT16:
        READ(int16_t, PyLong_FromLong(value))
    case TARN_INT32:
        READ(int32_t, PyLong_FromLong(value))
    case TARN_INT64:
        READ(int64_t, PyLong_FromLongLong(value))
    case TARN_FLOAT16:
        READ(uint16_t, PyFloat_FromDouble(of_half(value)))
    case TARN_BFLOAT16:
        READ(uint16_t, PyFloat_FromDouble(of_bfloat16(value)))
    case TARN_FLOAT32:
        READ(float, PyFloat_FromDouble((double)value))
    case TARN_FLOAT64:
        READ(double, PyFloat_FromDouble(value))
    default: {
        float parts[2];
        memcpy(parts, at, sizeof parts);
        return PyComplex_FromDoubles((double)parts[0], (double)parts[1]);
    }
    }
}

/* The values in host memory, dense; NULL with an exception. */
static const char *values_of(tarn_array *a) {
    PyThreadState *state = start_waiting();
    const void *values = tarn_data(a);
    if (stop_waiting(state) && values) return values;
    return raise_error(), NULL;
}

PyObject *array_item(PyObject *self, PyObject *unused) {
    (void)unused;
    TARN_SCOPE;
    tarn_array *a = held_array(self);
    if (!a) return raise_error();
    if (tarn_size(a) != 1)
        return PyErr_SetString(PyExc_ValueError, "[convert] Only length-1 arrays can be converted to Python scalars."),
               NULL;
    const char *values = values_of(a);
    return values ? value_at(values, tarn_dtype_of(a)) : NULL;
}

static PyObject *nested(const tarn_array *a, int axis, const char **values) {
    tarn_dtype dtype = tarn_dtype_of(a);
    if (axis == tarn_ndim(a)) {
        *values += tarn_dtype_bytes(dtype);
        return value_at(*values - tarn_dtype_bytes(dtype), dtype);
    }
    PyObject *list = PyList_New(tarn_dim(a, axis));
    for (int64_t i = 0; list && i < tarn_dim(a, axis); i++) {
        PyObject *one = nested(a, axis + 1, values);
        if (!one || PyList_SetItem(list, i, one) < 0) Py_CLEAR(list);
    }
    return list;
}

PyObject *array_tolist(PyObject *self, PyObject *unused) {
    (void)unused;
    TARN_SCOPE;
    tarn_array *a = held_array(self);
    const char *values = values_of(a);
    return values ? nested(a, 0, &values) : NULL;
}

int array_truth(PyObject *self) {
    PyObject *value = array_item(self, NULL);
    int truth = value ? PyObject_IsTrue(value) : -1;
    Py_XDECREF(value);
    return truth;
}

/* The item, handed to the constructor of a Python type, which decides what it takes. */
static PyObject *as_number(PyObject *self, PyObject *(*make)(PyObject *)) {
    PyObject *value = array_item(self, NULL);
    PyObject *number = value ? make(value) : NULL;
    Py_XDECREF(value);
    return number;
}

PyObject *array_int(PyObject *self) {
    return as_number(self, PyNumber_Long);
}
PyObject *array_float(PyObject *self) {
    return as_number(self, PyNumber_Float);
}

PyObject *array_index(PyObject *self) {
    if (tarn_ndim(ARRAY(self)) > 0 || !is_integer(tarn_dtype_of(ARRAY(self))))
        return PyErr_SetString(PyExc_TypeError, "Only 0-dimensional integer arrays can be converted to an index."),
               NULL;
    return array_item(self, NULL);
}

PyObject *array_complex(PyObject *self, PyObject *unused) {
    PyObject *value = array_item(self, unused);
    if (!value || PyComplex_Check(value)) return value;
    PyObject *number = PyComplex_FromDoubles(PyFloat_AsDouble(value), 0);
    Py_DECREF(value);
    return number;
}
