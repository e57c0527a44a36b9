/* tarn.core._engine.Batch: several answers in the same steps. */
#include "engine.h"

/* Holds the model it stands on. */
typedef struct {
    PyObject_HEAD PyObject *model;
    tarn_batch *batch;
    int64_t rows;
} batch_object;

/* What one call is given, in C; prompts of each. */
typedef struct {
    int64_t prompts;
    int32_t **ids;
    size_t *counts;
    int64_t *most;
    tarn_session **sessions; /* NULL: none */
    tarn_generation *results;
} batch_call;

static PyObject *batch_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    static char *names[] = {"model", "rows", "context", "chunk", NULL};
    PyObject *model;
    long long rows = 1, context = 0, chunk = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "O!L|LL:Batch", names, model_type, &model, &rows, &context,
                                     &chunk))
        return NULL;
    tarn_batch *batch = tarn_batch_new(model_of(model), rows, .context = context, .chunk = chunk);
    if (!batch) return raise_error();
    batch_object *self = (batch_object *)new_handle(type);
    if (!self) return tarn_batch_free(batch), NULL;
    self->model = Py_NewRef(model), self->batch = batch, self->rows = rows;
    return (PyObject *)self;
}

static void batch_free(PyObject *self) {
    tarn_batch_free(((batch_object *)self)->batch);
    Py_XDECREF(((batch_object *)self)->model);
    free_handle(self);
}

/* ---- drawing by a Python function of (number, logits, ids) */

typedef struct {
    PyObject *function;
    PyThreadState *state; /* of the thread that waits */
} drawer;

static bool call_drawer(PyObject *function, int64_t number, tarn_array *logits, const int32_t *tokens, size_t count,
                        int32_t *token) {
    TARN_SCOPE;
    PyObject *ids = new_ids(tokens, count), *array = ids ? new_array(tarn_contiguous(logits)) : NULL;
    PyObject *drawn = array ? PyObject_CallFunction(function, "LOO", (long long)number, array, ids) : NULL;
    Py_XDECREF(ids);
    Py_XDECREF(array);
    long id = drawn ? PyLong_AsLong(drawn) : -1;
    Py_XDECREF(drawn);
    *token = id < INT32_MIN || id > INT32_MAX ? -1 : (int32_t)id;
    return !PyErr_Occurred();
}

static bool draw(void *context, int64_t number, tarn_array *logits, const int32_t *tokens, size_t count,
                 int32_t *token) {
    drawer *d = context;
    PyEval_RestoreThread(d->state);
    bool haste = set_haste(false); /* what the function evaluates may be a state of its own */
    bool ok = call_drawer(d->function, number, logits, tokens, count, token);
    set_haste(haste);
    d->state = PyEval_SaveThread();
    return ok || tarn_fail("a Python function failed");
}

/* ---- generating */

static void drop_call(batch_call *c) {
    for (int64_t i = 0; i < c->prompts; i++) {
        if (c->ids) PyMem_Free(c->ids[i]);
        if (c->results) tarn_generation_free(&c->results[i]);
    }
    PyMem_Free(c->ids);
    PyMem_Free(c->counts);
    PyMem_Free(c->most);
    PyMem_Free(c->sessions);
    PyMem_Free(c->results);
}

static bool open_call(batch_call *c, int64_t prompts, bool sessions) {
    size_t n = (size_t)prompts + 1;
    *c = (batch_call){.prompts = prompts};
    c->ids = PyMem_Calloc(n, sizeof *c->ids);
    c->counts = PyMem_Calloc(n, sizeof *c->counts);
    c->most = PyMem_Calloc(n, sizeof *c->most);
    c->results = PyMem_Calloc(n, sizeof *c->results);
    if (sessions) c->sessions = PyMem_Calloc(n, sizeof *c->sessions);
    return (c->ids && c->counts && c->most && c->results && (c->sessions || !sessions)) || PyErr_NoMemory();
}

static bool take_prompt(batch_call *c, int64_t i, PyObject *prompt, PyObject *most, PyObject *session) {
    c->ids[i] = ids_of(prompt, &c->counts[i]);
    c->most[i] = c->ids[i] ? PyLong_AsLongLong(most) : 0;
    if (session && !PyErr_Occurred()) c->sessions[i] = session_of_object(session);
    return !PyErr_Occurred();
}

/* Lists of as many items; sessions may be None. */
static bool take_call(batch_call *c, PyObject *prompts, PyObject *most, PyObject *sessions) {
    Py_ssize_t n = PyList_Size(prompts);
    bool with = sessions != Py_None;
    if (PyList_Size(most) != n || (with && (!PyList_Check(sessions) || PyList_Size(sessions) != n)))
        return PyErr_SetString(PyExc_ValueError, "as many limits and sessions as prompts are needed"), false;
    if (!open_call(c, n, with)) return false;
    for (Py_ssize_t i = 0; i < n; i++)
        if (!take_prompt(c, i, PyList_GetItem(prompts, i), PyList_GetItem(most, i),
                         with ? PyList_GetItem(sessions, i) : NULL))
            return false;
    return true;
}

static bool run_call(batch_object *self, batch_call *c, PyObject *function) {
    drawer d = {.function = function};
    tarn_generate_options o = {.most_tokens = c->most, .sessions = c->sessions, .context = &d};
    if (function != Py_None) o.draw = draw;
    d.state = start_work();
    bool ok =
        tarn_generate_batch_with(self->batch, (const int32_t *const *)c->ids, c->counts, c->prompts, c->results, o);
    return stop_waiting(d.state) && ok;
}

/* (ids of each answer, why each ended, seconds for the prompts, seconds for the rest) */
static PyObject *told(const batch_call *c) {
    PyObject *ids = PyList_New(c->prompts), *ends = PyList_New(c->prompts);
    for (int64_t i = 0; ids && ends && i < c->prompts; i++) {
        const tarn_generation *g = &c->results[i];
        PyObject *answer = new_ids(g->tokens, g->token_count);
        PyObject *end = answer ? PyUnicode_FromString(tarn_finish_name(g->finish)) : NULL;
        if (answer) PyList_SetItem(ids, i, answer);
        if (end) PyList_SetItem(ends, i, end);
    }
    if (ids && ends && !PyErr_Occurred())
        return Py_BuildValue("NNdd", ids, ends, c->results[0].prompt_seconds, c->results[0].generation_seconds);
    Py_XDECREF(ids);
    Py_XDECREF(ends);
    return NULL;
}

/* The lists of prompts, each of ids, of how many tokens each answer may have, and of sessions or None; a function that
   draws, or None. */
static PyObject *batch_generate(PyObject *self, PyObject *arguments) {
    PyObject *prompts, *most, *sessions, *function, *result = NULL;
    if (!PyArg_ParseTuple(arguments, "O!O!OO:generate", &PyList_Type, &prompts, &PyList_Type, &most, &sessions,
                          &function))
        return NULL;
    batch_call c = {0};
    if (take_call(&c, prompts, most, sessions))
        result = run_call((batch_object *)self, &c, function) ? told(&c) : raise_error();
    drop_call(&c);
    return result;
}

static PyObject *batch_rows(PyObject *self, void *unused) {
    return (void)unused, PyLong_FromLongLong(((batch_object *)self)->rows);
}

static PyMethodDef batch_methods[] = {{"generate", batch_generate, METH_VARARGS, NULL}, {0}};
static PyGetSetDef batch_properties[] = {{"rows", batch_rows, NULL, NULL, NULL}, {0}};
HANDLE(batch, batch_new, batch_free, batch_methods, batch_properties, "Batch");

bool add_batch(PyObject *module) {
    return add_handle(module, "Batch", &batch_spec) != NULL;
}
