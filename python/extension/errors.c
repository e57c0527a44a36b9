/* Tarn's errors as Python exceptions, of the types that MLX raises. */
#include "extension.h"

static PyObject *exception_of(tarn_error_class kind) {
    switch (kind) {
    case TARN_ERROR_INDEX:
        return PyExc_IndexError;
    case TARN_ERROR_MEMORY:
        return PyExc_MemoryError;
    case TARN_ERROR_RUNTIME:
    case TARN_ERROR_IO:
        return PyExc_RuntimeError;
    case TARN_ERROR_INTERRUPT:
        return PyExc_KeyboardInterrupt;
    default:
        return PyExc_ValueError; /* dtypes that do not fit, too */
    }
}

PyObject *raise_error(void) {
    /* A callback may have failed in Python; its exception says more than what Tarn made of it. */
    if (!PyErr_Occurred())
        PyErr_SetString(exception_of(tarn_error_kind()), tarn_ok() ? "unknown failure" : tarn_error());
    tarn_clear_error();
    return NULL;
}

const char *type_name(PyObject *value) {
    static char names[4][64]; /* the interpreter's lock is held */
    static int last;
    char *to = names[last = (last + 1) % 4];
    PyObject *name = PyType_GetName(Py_TYPE(value));
    const char *text = name ? PyUnicode_AsUTF8AndSize(name, NULL) : NULL;
    snprintf(to, sizeof names[0], "%s", text ? text : "?");
    Py_XDECREF(name);
    return to;
}
