/* How arrays are printed: array([1, 2], dtype=int32), with the middle of long axes left out. */
#include "extension.h"

#include <string.h>

enum { EDGE = 3 };

static bool say(PyObject *parts, const char *format, ...) {
    va_list list;
    va_start(list, format);
    PyObject *part = PyUnicode_FromFormatV(format, list);
    va_end(list);
    bool said = part && PyList_Append(parts, part) == 0;
    Py_XDECREF(part);
    return said;
}

static bool say_float(PyObject *parts, double value, bool sign) {
    char text[64];
    snprintf(text, sizeof text, sign ? "%+.6g" : "%.6g", value);
    return say(parts, "%s", text);
}

static bool say_value(PyObject *parts, PyObject *value) {
    if (PyFloat_Check(value)) return say_float(parts, PyFloat_AsDouble(value), false);
    if (!PyComplex_Check(value)) return say(parts, "%S", value);
    return say_float(parts, PyComplex_RealAsDouble(value), false) &&
           say_float(parts, PyComplex_ImagAsDouble(value), true) && say(parts, "j");
}

/* Between two items of an axis: items of the last one stand in a line, others below each other. */
static bool separate(PyObject *parts, const char *text, int depth, int ndim) {
    static const char blanks[] = "                        ";
    return depth + 1 == ndim ? say(parts, "%s ", text)
                             : say(parts, "%s\n%s", text, blanks + sizeof blanks - 1 - 7 - depth);
}

static bool say_list(PyObject *parts, PyObject *value, int depth, int ndim, const int64_t *shape) {
    if (depth == ndim) return say_value(parts, value);
    bool said = say(parts, "[");
    for (Py_ssize_t i = 0; said && i < PyObject_Size(value); i++) {
        said = i == 0 || separate(parts, ",", depth, ndim);
        if (said && shape[depth] > 2 * EDGE && i == EDGE) said = separate(parts, "...,", depth, ndim);
        said = said && say_list(parts, PyList_GetItem(value, i), depth + 1, ndim, shape);
    }
    return said && say(parts, "]");
}

/* a without the middle of its long axes. */
static tarn_array *edges(tarn_array *a) {
    for (int i = 0; i < tarn_ndim(a); i++) {
        int64_t size = tarn_dim(a, i);
        if (size > 2 * EDGE)
            a = tarn_concatenate(
                ((tarn_array *[]){tarn_slice_axis(a, i, 0, EDGE), tarn_slice_axis(a, i, size - EDGE, size)}), 2,
                .axis = TARN_AXIS(i));
    }
    return a;
}

static bool say_array(PyObject *parts, tarn_array *a) {
    PyObject *shown = new_array(edges(a));
    PyObject *values = shown ? array_tolist(shown, NULL) : NULL;
    bool said = values && say_list(parts, values, 0, tarn_ndim(a), tarn_shape_of(a).values);
    Py_XDECREF(values);
    Py_XDECREF(shown);
    return said;
}

PyObject *array_repr(PyObject *self) {
    TARN_SCOPE;
    PyObject *parts = PyList_New(0), *empty = PyUnicode_FromString(""), *text = NULL;
    bool said = parts && empty && say(parts, "array(") && say_array(parts, ARRAY(self)) &&
                say(parts, ", dtype=%s)", tarn_dtype_name(tarn_dtype_of(ARRAY(self))));
    if (said) text = PyUnicode_Join(empty, parts);
    Py_XDECREF(parts);
    Py_XDECREF(empty);
    return text;
}

/* A 0-d array is formatted as its value, others only without a format. */
PyObject *array_format(PyObject *self, PyObject *format) {
    if (PyUnicode_GetLength(format) == 0) return PyObject_Str(self);
    if (tarn_ndim(ARRAY(self)) > 0)
        return PyErr_Format(PyExc_TypeError, "unsupported format string passed to %s.array.__format__", package);
    PyObject *value = array_item(self, NULL);
    PyObject *text = value ? PyObject_Format(value, format) : NULL;
    Py_XDECREF(value);
    return text;
}
