/* tarn.core._engine.Session: a timeline of tokens with its cache. */
#include "engine.h"

/* Holds the model it stands on. */
typedef struct {
    PyObject_HEAD PyObject *model;
    tarn_session *session;
} session_object;

static PyTypeObject *session_type;

static tarn_session *session_of(PyObject *self) {
    return ((session_object *)self)->session;
}

tarn_session *session_of_object(PyObject *value) {
    if (Py_TYPE(value) == session_type) return session_of(value);
    return PyErr_Format(PyExc_TypeError, "a Session is needed, not %s", type_name(value)), NULL;
}

static PyObject *session_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    static char *names[] = {"model", "context", "chunk", "fast_cache", NULL};
    PyObject *model;
    long long context = 0, chunk = 0;
    int fast = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "O!|LLp:Session", names, model_type, &model, &context, &chunk,
                                     &fast))
        return NULL;
    tarn_session *session =
        tarn_session_new(model_of(model), .context = context, .chunk = chunk, .fast_cache = fast != 0);
    if (!session) return raise_error();
    session_object *self = (session_object *)new_handle(type);
    if (!self) return tarn_session_free(session), NULL;
    self->model = Py_NewRef(model), self->session = session;
    return (PyObject *)self;
}

static void session_free(PyObject *self) {
    tarn_session_free(session_of(self));
    Py_XDECREF(((session_object *)self)->model);
    free_handle(self);
}

static PyObject *session_sync(PyObject *self, PyObject *sequence) {
    size_t count = 0;
    int32_t *ids = ids_of(sequence, &count);
    if (!ids) return NULL;
    PyThreadState *state = start_work();
    bool ok = tarn_session_sync(session_of(self), ids, count);
    bool on = stop_waiting(state);
    PyMem_Free(ids);
    if (ok && on) Py_RETURN_NONE;
    return raise_error();
}

static PyObject *session_step(PyObject *self, PyObject *id) {
    long token = PyLong_AsLong(id);
    if (token == -1 && PyErr_Occurred()) return NULL;
    if (token < 0 || token > INT32_MAX) return PyErr_SetString(PyExc_ValueError, "a token id is out of range"), NULL;
    PyThreadState *state = start_work();
    bool ok = tarn_session_step(session_of(self), (int32_t)token);
    bool on = stop_waiting(state);
    if (ok && on) Py_RETURN_NONE;
    return raise_error();
}

/* of: the function that gives the rows of a layer. */
static PyObject *session_rows(PyObject *self, PyObject *layer, tarn_array *(*of)(const tarn_session *, int64_t)) {
    long long number = PyLong_AsLongLong(layer);
    if (number == -1 && PyErr_Occurred()) return NULL;
    TARN_SCOPE;
    tarn_array *rows = of(session_of(self), number);
    return rows ? new_array(rows) : raise_error();
}
static PyObject *session_keys(PyObject *self, PyObject *layer) {
    return session_rows(self, layer, tarn_session_keys);
}
static PyObject *session_values(PyObject *self, PyObject *layer) {
    return session_rows(self, layer, tarn_session_values);
}

static bool take_arrays(PyObject *list, array_list *arrays) {
    PyObject *wrong = NULL;
    if (arrays_of_items(list, arrays, &wrong)) return true;
    if (wrong) PyErr_SetString(PyExc_TypeError, "arrays are needed");
    return false;
}

/* Two lists of an array a layer, and the ids or None. */
static PyObject *session_restore(PyObject *self, PyObject *arguments) {
    PyObject *key_list, *value_list, *id_list;
    if (!PyArg_ParseTuple(arguments, "O!O!O:restore", &PyList_Type, &key_list, &PyList_Type, &value_list, &id_list))
        return NULL;
    TARN_SCOPE;
    array_list keys CLEANUP(drop_arrays) = {0}, values CLEANUP(drop_arrays) = {0};
    size_t count = 0;
    int32_t *ids = id_list != Py_None ? ids_of(id_list, &count) : NULL;
    bool taken = (ids || id_list == Py_None) && take_arrays(key_list, &keys) && take_arrays(value_list, &values);
    bool ok = taken && keys.count == values.count;
    if (taken && !ok) PyErr_SetString(PyExc_ValueError, "as many keys as values are needed");
    if (ok && ids && keys.count && tarn_ndim(keys.list[0]) == 4 && (size_t)tarn_dim(keys.list[0], 2) != count)
        ok = (PyErr_SetString(PyExc_ValueError, "as many ids as keys are needed"), false);
    ok = ok && (tarn_session_restore(session_of(self), keys.list, values.list, keys.count, ids) || raise_error());
    PyMem_Free(ids);
    return ok ? Py_NewRef(Py_None) : NULL;
}

/* An array of its own, for the session's changes. */
static PyObject *session_logits(PyObject *self, void *unused) {
    (void)unused;
    tarn_array *logits = tarn_session_logits(session_of(self));
    const char *why = "the session has no logits: it holds no tokens, or they came from a batch or a file";
    if (!logits) return PyErr_SetString(PyExc_ValueError, why), NULL;
    TARN_SCOPE;
    return new_array(tarn_contiguous(logits));
}

static PyObject *session_tokens(PyObject *self, void *unused) {
    size_t count = 0;
    (void)unused;
    const int32_t *ids = tarn_session_tokens(session_of(self), &count);
    return new_ids(ids, count);
}

static PyObject *session_reused(PyObject *self, void *unused) {
    return (void)unused, PyLong_FromLongLong(tarn_session_reused(session_of(self)));
}

static PyObject *session_model(PyObject *self, void *unused) {
    return (void)unused, Py_NewRef(((session_object *)self)->model);
}

static PyMethodDef session_methods[] = {{"sync", session_sync, METH_O, NULL},
                                        {"step", session_step, METH_O, NULL},
                                        {"keys", session_keys, METH_O, NULL},
                                        {"values", session_values, METH_O, NULL},
                                        {"restore", session_restore, METH_VARARGS, NULL},
                                        {0}};
static PyGetSetDef session_properties[] = {{"logits", session_logits, NULL, NULL, NULL},
                                           {"tokens", session_tokens, NULL, NULL, NULL},
                                           {"reused", session_reused, NULL, NULL, NULL},
                                           {"model", session_model, NULL, NULL, NULL},
                                           {0}};
HANDLE(session, session_new, session_free, session_methods, session_properties, "Session");

bool add_session(PyObject *module) {
    return (session_type = add_handle(module, "Session", &session_spec)) != NULL;
}
