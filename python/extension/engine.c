/* The language-model engine for tarn.lm: what its handles share, and tarn.core._engine, which holds them. What
   surrounds them is Python (python/tarn/lm). */
#include "engine.h"

PyObject *new_ids(const int32_t *ids, size_t count) {
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list && i < count; i++) {
        PyObject *id = PyLong_FromLong(ids[i]);
        if (!id) Py_CLEAR(list);
        if (id) PyList_SetItem(list, (Py_ssize_t)i, id);
    }
    return list;
}

PyObject *take_ids(bool ok, int32_t *ids, size_t count) {
    PyObject *list = ok ? new_ids(ids, count) : raise_error();
    tarn_free(ids);
    return list;
}

int32_t *ids_of(PyObject *sequence, size_t *count) {
    PyObject *fast = PySequence_List(sequence);
    if (!fast) return NULL;
    *count = (size_t)PyList_Size(fast);
    int32_t *ids = PyMem_Malloc((*count + 1) * sizeof *ids);
    if (!ids) PyErr_NoMemory();
    for (size_t i = 0; ids && i < *count && !PyErr_Occurred(); i++) {
        long id = PyLong_AsLong(PyList_GetItem(fast, (Py_ssize_t)i));
        if (id < INT32_MIN || id > INT32_MAX) PyErr_SetString(PyExc_OverflowError, "a token id is beyond 32 bits");
        ids[i] = (int32_t)id;
    }
    Py_DECREF(fast);
    if (!PyErr_Occurred()) return ids;
    PyMem_Free(ids);
    return NULL;
}

const tarn_tokenizer *tokenizer_of(PyObject *model) {
    const tarn_tokenizer *tokenizer = tarn_model_tokenizer(model_of(model));
    if (!tokenizer) PyErr_SetString(PyExc_ValueError, "the model has no tokenizer");
    return tokenizer;
}

PyObject *new_handle(PyTypeObject *type) {
    return ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
}

void free_handle(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

PyTypeObject *add_handle(PyObject *module, const char *name, PyType_Spec *spec) {
    PyObject *type = PyType_FromSpec(spec);
    return type && PyModule_AddObjectRef(module, name, type) == 0 ? (PyTypeObject *)type : NULL;
}

bool add_engine(PyObject *core) {
    PyObject *module = PyImport_AddModule("tarn.core._engine"); /* borrowed */
    return module && add_model(module) && add_session(module) && add_batch(module) && add_token_stream(module) &&
           PyModule_AddObjectRef(core, "_engine", module) == 0;
}
