/* Curves as a picture, for tarn.training: tarn.core._engine.save_curves. */
#include "special.h"

#include "tarn/train.h"

typedef struct {
    tarn_curve *curves;
    int count, filled;
} curve_list;

static void free_curves(curve_list *list) {
    for (int i = 0; i < list->filled; i++) {
        PyMem_Free((double *)list->curves[i].x);
        PyMem_Free((double *)list->curves[i].y);
    }
    PyMem_Free(list->curves);
}

/* The numbers of a list, for PyMem_Free. NULL with an exception. */
static double *numbers_of(PyObject *list, Py_ssize_t *count) {
    *count = PyList_Size(list);
    double *numbers = *count < 0 ? NULL : PyMem_Calloc((size_t)*count + 1, sizeof *numbers);
    if (*count >= 0 && !numbers) PyErr_NoMemory();
    for (Py_ssize_t i = 0; numbers && i < *count && !PyErr_Occurred(); i++)
        numbers[i] = PyFloat_AsDouble(PyList_GetItem(list, i));
    if (!PyErr_Occurred()) return numbers;
    PyMem_Free(numbers);
    return NULL;
}

/* A pair of lists of as many numbers. */
static bool add_curve(curve_list *list, PyObject *pair) {
    PyObject *x_list, *y_list;
    Py_ssize_t count = 0, others = 0;
    if (!PyArg_ParseTuple(pair, "O!O!:curve", &PyList_Type, &x_list, &PyList_Type, &y_list)) return false;
    double *x = numbers_of(x_list, &count), *y = x ? numbers_of(y_list, &others) : NULL;
    list->curves[list->filled++] = (tarn_curve){x, y, count};
    if (y && count != others) PyErr_SetString(PyExc_ValueError, "save_curves: a curve has as many x as y");
    return y && count == others;
}

static bool fill(curve_list *list, PyObject *pairs) {
    list->count = (int)PyList_Size(pairs);
    list->curves = PyMem_Calloc((size_t)list->count + 1, sizeof *list->curves);
    bool ok = list->curves || (PyErr_NoMemory(), false);
    for (int i = 0; ok && i < list->count; i++) ok = add_curve(list, PyList_GetItem(pairs, i));
    return ok;
}

/* A picture that cannot be written is an OSError, as of Python's own files. */
static PyObject *raise_file_error(void) {
    if (tarn_error_kind() == TARN_ERROR_IO) PyErr_SetString(PyExc_OSError, tarn_error());
    return raise_error();
}

static PyObject *save_curves(PyObject *self, PyObject *arguments) {
    const char *path;
    PyObject *pairs;
    int width, height, logarithmic;
    curve_list list = {0};
    (void)self;
    if (!PyArg_ParseTuple(arguments, "sO!iip:save_curves", &path, &PyList_Type, &pairs, &width, &height, &logarithmic))
        return NULL;
    bool filled = fill(&list, pairs);
    bool saved = filled && tarn_save_curves(path, list.curves, list.count, .width = width, .height = height,
                                            .logarithmic = logarithmic != 0);
    free_curves(&list);
    if (saved) Py_RETURN_NONE;
    return filled ? raise_file_error() : NULL;
}

static PyMethodDef functions[] = {{"save_curves", save_curves, METH_VARARGS, NULL}, {0}};

bool add_curves(PyObject *core) {
    (void)core;
    PyObject *module = PyImport_AddModule("tarn.core._engine"); /* borrowed */
    return module && PyModule_AddFunctions(module, functions) == 0;
}
