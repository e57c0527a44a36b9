/* Arrays as sequences of their first axis: len and iteration. */
#include "extension.h"

typedef struct {
    PyObject_HEAD PyObject *array;
    int64_t next;
} iterator_object;

static PyTypeObject *iterator_type;

Py_ssize_t array_length(PyObject *self) {
    if (tarn_ndim(ARRAY(self)) == 0) return PyErr_SetString(PyExc_TypeError, "len() 0-dimensional array."), -1;
    return tarn_dim(ARRAY(self), 0);
}

/* What makes an array a sequence: reversed(a), and lists of arrays that are one array. */
PyObject *array_element(PyObject *self, Py_ssize_t i) {
    TARN_SCOPE;
    return new_array(tarn_index(ARRAY(self), TARN_INDEX(TARN_AT(i))));
}

PyObject *array_iterate(PyObject *self) {
    if (tarn_ndim(ARRAY(self)) == 0) return PyErr_SetString(PyExc_TypeError, "iter() 0-dimensional array."), NULL;
    iterator_object *iterator = PyObject_New(iterator_object, iterator_type);
    if (iterator) iterator->array = Py_NewRef(self), iterator->next = 0;
    return (PyObject *)iterator;
}

static PyObject *iterator_next(PyObject *self) {
    iterator_object *iterator = (iterator_object *)self;
    tarn_array *a = ARRAY(iterator->array);
    int64_t i = iterator->next++;
    if (i >= tarn_dim(a, 0)) return NULL;
    TARN_SCOPE;
    return new_array(tarn_squeeze(tarn_slice_axis(a, 0, i, i + 1), .axes = TARN_AXES(0)));
}

static void iterator_free(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_DECREF(((iterator_object *)self)->array);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyType_Slot slots[] = {{Py_tp_doc, "Goes through the first axis of an array."},
                              {Py_tp_dealloc, SLOT(iterator_free)},
                              {Py_tp_iter, SLOT(PyObject_SelfIter)},
                              {Py_tp_iternext, SLOT(iterator_next)},
                              {0, NULL}};
static PyType_Spec spec = {"tarn.core.ArrayIterator", sizeof(iterator_object), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

bool add_iterator(PyObject *module) {
    iterator_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return iterator_type && PyModule_AddObjectRef(module, "ArrayIterator", (PyObject *)iterator_type) == 0;
}
