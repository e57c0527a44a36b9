/* a.at[index].add(value) and the like: a with every update applied, also those of the same element. */
#include "extension.h"

typedef struct {
    PyObject_HEAD PyObject *array, *index; /* index NULL before one is given */
} at_object;

static PyTypeObject *at_type;

static PyObject *new_at(PyObject *array, PyObject *index) {
    at_object *at = PyObject_New(at_object, at_type);
    if (at) at->array = Py_NewRef(array), at->index = Py_XNewRef(index);
    return (PyObject *)at;
}

PyObject *array_at(PyObject *self, void *unused) {
    return (void)unused, new_at(self, NULL);
}

static PyObject *at_subscript(PyObject *self, PyObject *index) {
    return new_at(((at_object *)self)->array, index);
}

static void at_free(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_DECREF(((at_object *)self)->array);
    Py_XDECREF(((at_object *)self)->index);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

typedef tarn_array *(*change)(tarn_array *);

/* The update of the array by value, or by what `first` makes of it. */
static PyObject *updated(PyObject *self, PyObject *value, change first, tarn_scatter_mode mode) {
    at_object *at = (at_object *)self;
    if (!at->index)
        return PyErr_SetString(PyExc_ValueError, "Must give indices to array.at (e.g. `x.at[0].add(4)`)."), NULL;
    TARN_SCOPE;
    tarn_array *a = held_array(at->array), *by = NULL;
    if (!a) return raise_error();
    if (!operand_like(value, a, &by)) return NULL;
    return new_array(index_update(a, at->index, first ? first(by) : by, mode));
}

static PyObject *at_add(PyObject *self, PyObject *value) {
    return updated(self, value, NULL, TARN_SCATTER_ADD);
}
static PyObject *at_subtract(PyObject *self, PyObject *value) {
    return updated(self, value, tarn_negative, TARN_SCATTER_ADD);
}
static PyObject *at_multiply(PyObject *self, PyObject *value) {
    return updated(self, value, NULL, TARN_SCATTER_MULTIPLY);
}
static PyObject *at_divide(PyObject *self, PyObject *value) {
    return updated(self, value, tarn_reciprocal, TARN_SCATTER_MULTIPLY);
}
static PyObject *at_maximum(PyObject *self, PyObject *value) {
    return updated(self, value, NULL, TARN_SCATTER_MAX);
}
static PyObject *at_minimum(PyObject *self, PyObject *value) {
    return updated(self, value, NULL, TARN_SCATTER_MIN);
}

static PyMethodDef methods[] = {
    {"add", at_add, METH_O, "add(value)\n--\n\nThe array with value added at the index."},
    {"subtract", at_subtract, METH_O, "subtract(value)\n--\n\nThe array with value taken away at the index."},
    {"multiply", at_multiply, METH_O, "multiply(value)\n--\n\nThe array multiplied by value at the index."},
    {"divide", at_divide, METH_O, "divide(value)\n--\n\nThe array divided by value at the index."},
    {"maximum", at_maximum, METH_O, "maximum(value)\n--\n\nThe larger of the array and value at the index."},
    {"minimum", at_minimum, METH_O, "minimum(value)\n--\n\nThe smaller of the array and value at the index."},
    {0}};
static PyType_Slot slots[] = {{Py_tp_doc, "Applies updates at an index of an array."},
                              {Py_tp_dealloc, SLOT(at_free)},
                              {Py_mp_subscript, SLOT(at_subscript)},
                              {Py_tp_methods, methods},
                              {0, NULL}};
static PyType_Spec spec = {"tarn.core.ArrayAt", sizeof(at_object), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

bool add_at(PyObject *module) {
    at_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return at_type && PyModule_AddObjectRef(module, "ArrayAt", (PyObject *)at_type) == 0;
}
