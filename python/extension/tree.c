/* Trees: arrays in nested lists, tuples and dicts. */
#include "special.h"

typedef struct {
    tarn_array **leaves;
    int count, room;
} leaves;

static bool add_leaf(leaves *found, tarn_array *a) {
    if (found->count == found->room) {
        found->room = 2 * found->room + 16;
        tarn_array **more = PyMem_Realloc(found->leaves, (size_t)found->room * sizeof *more);
        if (!more) return PyErr_NoMemory(), false;
        found->leaves = more;
    }
    found->leaves[found->count++] = a;
    return true;
}

static bool find_leaves(PyObject *tree, leaves *found);

static bool find_in_dict(PyObject *dict, leaves *found) {
    PyObject *key, *value;
    Py_ssize_t place = 0;
    while (PyDict_Next(dict, &place, &key, &value))
        if (!find_leaves(value, found)) return false;
    return true;
}

static bool find_in_list(PyObject *list, leaves *found) {
    for (Py_ssize_t i = 0; i < PyObject_Size(list); i++)
        if (!find_leaves(PyList_Check(list) ? PyList_GetItem(list, i) : PyTuple_GetItem(list, i), found)) return false;
    return true;
}

static bool find_leaves(PyObject *tree, leaves *found) {
    if (is_array(tree)) return add_leaf(found, ARRAY(tree));
    if (PyDict_Check(tree)) return find_in_dict(tree, found);
    return PyList_Check(tree) || PyTuple_Check(tree) ? find_in_list(tree, found) : true;
}

static bool compute(PyObject *trees, bool (*how)(tarn_array *const *, int)) {
    leaves found = {0};
    bool done = find_leaves(trees, &found);
    if (done) {
        Py_BEGIN_ALLOW_THREADS;
        done = how(found.leaves, found.count);
        Py_END_ALLOW_THREADS;
    }
    PyMem_Free(found.leaves);
    return done;
}

bool eval_trees(PyObject *trees) {
    return compute(trees, tarn_eval_all);
}
bool async_eval_trees(PyObject *trees) {
    return compute(trees, tarn_async_eval_all);
}
