/* Lists of numbers and of arrays out of Python's lists and tuples. Functions of Python that are called on the way may
   change a list, so it is read as it is when it is met. */
#include "extension.h"

/* ---- sequences */

bool is_sequence(PyObject *value) {
    return PyList_Check(value) || PyTuple_Check(value);
}

bool has_items(PyObject *value) {
    if (is_sequence(value)) return true;
    if (!PySequence_Check(value) || PyUnicode_Check(value) || PyBytes_Check(value)) return false;
    if (PyObject_Size(value) >= 0) return true;
    return PyErr_Clear(), false;
}

PyObject *items_of(PyObject *sequence) {
    if (PyTuple_Check(sequence)) return Py_NewRef(sequence);
    return PyList_Check(sequence) ? PyList_AsTuple(sequence) : PySequence_Tuple(sequence);
}

/* ---- integers */

void drop_ints(int_list *list) {
    PyMem_Free(list->many);
}

static int64_t *room_for(int_list *list, Py_ssize_t count) {
    if (count <= FEW) return list->few;
    list->many = PyMem_Calloc((size_t)count, sizeof(int64_t));
    return list->many ? list->many : (PyErr_NoMemory(), NULL);
}

bool ints_reserve(int_list *list, Py_ssize_t count) {
    int64_t *room = room_for(list, count);
    list->list = (tarn_ints){room, count};
    return room;
}

bool ints_of_object(PyObject *value, int_list *result) {
    if (!has_items(value))
        return PyErr_Format(PyExc_TypeError, "a list or tuple of int is needed, not %R", (PyObject *)Py_TYPE(value)),
               false;
    PyObject *items = items_of(value);
    Py_ssize_t count = items ? PyTuple_Size(items) : 0;
    int64_t *room = items ? room_for(result, count) : NULL;
    bool good = room;
    for (Py_ssize_t i = 0; good && i < count; i++)
        good = int_of_object(PyTuple_GetItem(items, i), &room[i]) && size_in_range(room[i]);
    result->list = (tarn_ints){room, count};
    Py_XDECREF(items);
    return good;
}

/* ---- arrays */

void drop_arrays(array_list *list) {
    PyMem_Free(list->many);
}

bool arrays_reserve(array_list *list, Py_ssize_t count) {
    list->many = count > FEW ? PyMem_Calloc((size_t)count, sizeof(tarn_array *)) : NULL;
    list->list = count > FEW ? list->many : list->few;
    list->count = (int)count;
    return list->list || (PyErr_NoMemory(), false);
}

bool arrays_of_items(PyObject *sequence, array_list *result, PyObject **wrong) {
    bool is_list = PyList_Check(sequence);
    if (!arrays_reserve(result, is_list ? PyList_Size(sequence) : PyTuple_Size(sequence))) return false;
    for (int i = 0; i < result->count; i++) {
        PyObject *item = is_list ? PyList_GetItem(sequence, i) : PyTuple_GetItem(sequence, i);
        if (!is_array(item)) return *wrong = item, false;
        if (!(result->list[i] = held_array(item))) return raise_error(), false;
    }
    return true;
}
