/* The state of a compiled function as it was before the function was traced, which a call that fails leaves: pairs of
   an object and a copy of what it held. */
#include "special.h"

static bool add_pair(PyObject *object, PyObject *copy, PyObject *list) {
    PyObject *pair = copy ? PyTuple_Pack(2, object, copy) : NULL;
    bool added = pair && PyList_Append(list, pair) == 0;
    Py_XDECREF(pair);
    return added;
}

/* The copies are the list's alone, so nobody changes them on the way. */
static bool remember_dict(PyObject *dict, bool values, PyObject *list) {
    PyObject *copy = PyDict_Copy(dict), *name, *value;
    Py_ssize_t place = 0;
    bool good = add_pair(dict, copy, list);
    while (good && PyDict_Next(copy, &place, &name, &value)) good = tree_remember(value, values, list);
    Py_XDECREF(copy);
    return good;
}

static bool remember_list(PyObject *items, bool values, PyObject *list) {
    PyObject *copy = PyList_GetSlice(items, 0, PyList_Size(items));
    bool good = add_pair(items, copy, list);
    for (Py_ssize_t i = 0; good && i < PyList_Size(copy); i++)
        good = tree_remember(PyList_GetItem(copy, i), values, list);
    Py_XDECREF(copy);
    return good;
}

static bool remember_tuple(PyObject *tuple, bool values, PyObject *list) {
    bool good = true;
    for (Py_ssize_t i = 0; good && i < PyTuple_Size(tuple); i++)
        good = tree_remember(PyTuple_GetItem(tuple, i), values, list);
    return good;
}

static bool remember_value(PyObject *array, PyObject *list) {
    PyObject *copy = new_array(ARRAY(array));
    bool added = add_pair(array, copy, list);
    Py_XDECREF(copy);
    return added;
}

static bool remember_within(PyObject *tree, bool values, PyObject *list) {
    if (PyDict_Check(tree)) return remember_dict(tree, values, list);
    if (PyList_Check(tree)) return remember_list(tree, values, list);
    return !PyTuple_Check(tree) || remember_tuple(tree, values, list);
}

bool tree_remember(PyObject *tree, bool values, PyObject *list) {
    if (is_array(tree)) return !values || remember_value(tree, list);
    if (Py_IS_TYPE(tree, random_state_type)) return add_pair(tree, random_state_key(), list);
    if (Py_EnterRecursiveCall(" in the state of a compiled function")) return false;
    bool good = remember_within(tree, values, list);
    Py_LeaveRecursiveCall();
    return good;
}

/* By the methods of the dict's type. From a name on that is gone all are put in again, for the order. */
static void restore_named(PyObject *dict, PyObject *copy) {
    PyObject *name, *value;
    Py_ssize_t place = 0;
    bool gone = false;
    while (PyDict_Next(copy, &place, &name, &value)) {
        PyObject *now = PyDict_GetItemWithError(dict, name);
        gone = gone || !now;
        if (gone && now) PyObject_DelItem(dict, name);
        if (gone || now != value) PyObject_SetItem(dict, name, value);
        PyErr_Clear();
    }
}

static void restore_dict(PyObject *dict, PyObject *copy) {
    PyObject *now = PyDict_Copy(dict), *name, *value;
    Py_ssize_t place = 0;
    while (now && PyDict_Next(now, &place, &name, &value)) {
        if (PyDict_Contains(copy, name) == 0) PyObject_DelItem(dict, name);
        PyErr_Clear();
    }
    Py_XDECREF(now);
    restore_named(dict, copy);
}

static void restore(PyObject *object, PyObject *copy) {
    if (is_array(object)) {
        replace_array(object, ARRAY(copy));
    } else if (PyList_Check(object)) {
        PyList_SetSlice(object, 0, PyList_Size(object), copy);
    } else if (PyDict_Check(object)) {
        restore_dict(object, copy);
    } else {
        random_put_state(copy);
    }
}

void tree_restore(PyObject *list) {
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    for (Py_ssize_t i = 0; i < PyList_Size(list); i++) {
        PyObject *pair = PyList_GetItem(list, i);
        restore(PyTuple_GetItem(pair, 0), PyTuple_GetItem(pair, 1));
    }
    PyErr_Restore(type, value, trace);
}
