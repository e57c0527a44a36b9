/* The language-model engine for tarn.lm: Model, Session and TokenStream in tarn.core._engine, each a handle of the
   object of tarn/lm.h of that name. What surrounds them is Python (python/tarn/lm). */
#define PY_SSIZE_T_CLEAN /* lengths of "s#" */
#include "special.h"

#include <string.h>

typedef struct {
    PyObject_HEAD tarn_model *model;
} model_object;
/* Both hold the model they stand on. */
typedef struct {
    PyObject_HEAD PyObject *model;
    tarn_session *session;
} session_object;
typedef struct {
    PyObject_HEAD PyObject *model;
    tarn_token_stream *stream;
} stream_object;

static PyTypeObject *model_type, *session_type, *token_stream_type;

static tarn_model *model_of(PyObject *self) {
    return ((model_object *)self)->model;
}
static tarn_session *session_of(PyObject *self) {
    return ((session_object *)self)->session;
}

/* ---- values */

static PyObject *new_ids(const int32_t *ids, size_t count) {
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t i = 0; list && i < count; i++) {
        PyObject *id = PyLong_FromLong(ids[i]);
        if (!id) Py_CLEAR(list);
        if (id) PyList_SetItem(list, (Py_ssize_t)i, id);
    }
    return list;
}

/* Frees ids. ok: what made them. */
static PyObject *take_ids(bool ok, int32_t *ids, size_t count) {
    PyObject *list = ok ? new_ids(ids, count) : raise_error();
    tarn_free(ids);
    return list;
}

/* Ids of a sequence of ints, for PyMem_Free. */
static int32_t *ids_of(PyObject *sequence, size_t *count) {
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

static const char *utf8_of(PyObject *text, Py_ssize_t *length) {
    return PyUnicode_Check(text) ? PyUnicode_AsUTF8AndSize(text, length)
                                 : (PyErr_Format(PyExc_TypeError, "a str is needed, not %s", type_name(text)), NULL);
}

static const tarn_tokenizer *tokenizer_of(PyObject *model) {
    const tarn_tokenizer *tokenizer = tarn_model_tokenizer(model_of(model));
    if (!tokenizer) PyErr_SetString(PyExc_ValueError, "the model has no tokenizer");
    return tokenizer;
}

/* ---- Model */

static PyObject *model_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    static char *names[] = {"folder", "dtype", NULL};
    const char *folder;
    PyObject *dtype = Py_None;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "s|O:Model", names, &folder, &dtype)) return NULL;
    if (dtype != Py_None && !is_dtype(dtype)) return PyErr_SetString(PyExc_TypeError, "dtype is no Dtype"), NULL;
    tarn_model_options o = {.dtype = dtype == Py_None ? TARN_BOOL : dtype_of_object(dtype)};
    PyThreadState *state = start_waiting();
    tarn_model *model = tarn_model_load_with(folder, o);
    bool on = stop_waiting(state);
    model_object *self = on && model ? (model_object *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0) : NULL;
    if (self) return self->model = model, (PyObject *)self;
    tarn_model_free(model);
    return on && !PyErr_Occurred() ? raise_error() : NULL;
}

static void free_object(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static void model_free(PyObject *self) {
    tarn_model_free(model_of(self));
    free_object(self);
}

static PyObject *model_facts(PyObject *self, void *unused) {
    tarn_model_facts f;
    (void)unused;
    if (!tarn_model_info(model_of(self), &f)) return raise_error();
    return Py_BuildValue("{s:s,s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:L,s:i,s:i,s:N}", "model_type", f.model_type,
                         "vocab_size", (long long)f.vocab_size, "hidden_size", (long long)f.hidden_size, "layers",
                         (long long)f.layers, "heads", (long long)f.heads, "kv_heads", (long long)f.kv_heads,
                         "head_dim", (long long)f.head_dim, "context", (long long)f.context, "parameters",
                         (long long)f.parameters, "weight_bytes", (long long)f.weight_bytes, "cache_bytes_per_token",
                         (long long)f.cache_bytes_per_token, "bits", f.bits, "group_size", f.group_size, "dtype",
                         new_dtype(f.dtype));
}

static PyObject *model_end_tokens(PyObject *self, void *unused) {
    int count = 0;
    (void)unused;
    const int32_t *ids = tarn_model_end_tokens(model_of(self), &count);
    return new_ids(ids, (size_t)count);
}

static PyObject *model_encode_text(PyObject *self, PyObject *text) {
    Py_ssize_t length;
    const char *utf8 = utf8_of(text, &length);
    int32_t *ids = NULL;
    size_t count = 0;
    if (!utf8) return NULL;
    bool ok = tarn_model_encode_text(model_of(self), utf8, (size_t)length, &ids, &count);
    return take_ids(ok, ids, count);
}

static PyObject *model_encode(PyObject *self, PyObject *arguments, PyObject *named) {
    static char *names[] = {"text", "add_special_tokens", NULL};
    const char *utf8;
    Py_ssize_t length;
    int special = 1;
    int32_t *ids = NULL;
    size_t count = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "s#|p:encode", names, &utf8, &length, &special)) return NULL;
    const tarn_tokenizer *t = tokenizer_of(self);
    if (!t) return NULL;
    bool ok = tarn_tokenizer_encode(t, utf8, (size_t)length, &ids, &count, .add_special_tokens = special != 0);
    return take_ids(ok, ids, count);
}

static PyObject *model_decode(PyObject *self, PyObject *arguments, PyObject *named) {
    static char *names[] = {"ids", "skip_special_tokens", NULL};
    PyObject *sequence;
    int skip = 0;
    size_t count = 0, length = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "O|p:decode", names, &sequence, &skip)) return NULL;
    const tarn_tokenizer *t = tokenizer_of(self);
    int32_t *ids = t ? ids_of(sequence, &count) : NULL;
    if (!ids) return NULL;
    char *text = tarn_tokenizer_decode(t, ids, count, &length, .skip_special_tokens = skip != 0);
    PyObject *result = text ? PyUnicode_FromStringAndSize(text, (Py_ssize_t)length) : raise_error();
    tarn_free(text);
    PyMem_Free(ids);
    return result;
}

/* The messages, and further variables, as JSON. */
static PyObject *model_encode_messages(PyObject *self, PyObject *arguments, PyObject *named) {
    static char *names[] = {"messages", "add_generation_prompt", "variables", NULL};
    const char *messages, *variables = NULL;
    int prompt = 1;
    int32_t *ids = NULL;
    size_t count = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "s|pz:encode_messages", names, &messages, &prompt, &variables))
        return NULL;
    bool ok = tarn_model_encode_messages(model_of(self), messages, &ids, &count, .add_generation_prompt = prompt != 0,
                                         .variables_json = variables);
    return take_ids(ok, ids, count);
}

static PyObject *model_render(PyObject *self, PyObject *arguments, PyObject *named) {
    static char *names[] = {"messages", "add_generation_prompt", "variables", NULL};
    const char *messages, *more = NULL;
    int prompt = 1;
    size_t length = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "s|pz:render_messages", names, &messages, &prompt, &more))
        return NULL;
    const tarn_template *t = tarn_model_template(model_of(self));
    if (!t) return PyErr_SetString(PyExc_ValueError, "the model has no chat template"), NULL;
    char *variables = tarn_template_variables(tarn_model_tokenizer(model_of(self)), messages,
                                              .add_generation_prompt = prompt != 0, .variables_json = more);
    char *text = variables ? tarn_template_render(t, variables, strlen(variables), &length) : NULL;
    PyObject *result = text ? PyUnicode_FromStringAndSize(text, (Py_ssize_t)length) : raise_error();
    tarn_free(variables);
    tarn_free(text);
    return result;
}

static PyObject *model_has_template(PyObject *self, void *unused) {
    return (void)unused, PyBool_FromLong(tarn_model_template(model_of(self)) != NULL);
}

static PyObject *model_named_id(PyObject *self, PyObject *role) {
    Py_ssize_t length;
    const char *name = utf8_of(role, &length);
    const tarn_tokenizer *t = name ? tokenizer_of(self) : NULL;
    if (!t) return NULL;
    int32_t id = tarn_tokenizer_named_id(t, name);
    return id < 0 ? Py_NewRef(Py_None) : PyLong_FromLong(id);
}

static PyObject *model_token_id(PyObject *self, PyObject *token) {
    Py_ssize_t length;
    const char *name = utf8_of(token, &length);
    const tarn_tokenizer *t = name ? tokenizer_of(self) : NULL;
    if (!t) return NULL;
    int32_t id = tarn_tokenizer_token_id(t, name, (size_t)length);
    return id < 0 ? Py_NewRef(Py_None) : PyLong_FromLong(id);
}

static PyObject *model_vocab_size(PyObject *self, void *unused) {
    const tarn_tokenizer *t = tokenizer_of(self);
    return (void)unused, t ? PyLong_FromSize_t(tarn_tokenizer_vocab_size(t)) : NULL;
}

/* ---- Session */

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
    session_object *self = (session_object *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (!self) return tarn_session_free(session), NULL;
    self->model = Py_NewRef(model), self->session = session;
    return (PyObject *)self;
}

static void session_free(PyObject *self) {
    tarn_session_free(session_of(self));
    Py_XDECREF(((session_object *)self)->model);
    free_object(self);
}

static PyObject *session_sync(PyObject *self, PyObject *sequence) {
    size_t count = 0;
    int32_t *ids = ids_of(sequence, &count);
    if (!ids) return NULL;
    PyThreadState *state = start_waiting();
    bool ok = tarn_session_sync(session_of(self), ids, count);
    bool on = stop_waiting(state);
    PyMem_Free(ids);
    if (ok && on) Py_RETURN_NONE;
    return on ? raise_error() : (tarn_clear_error(), NULL);
}

static PyObject *session_step(PyObject *self, PyObject *id) {
    long token = PyLong_AsLong(id);
    if (token == -1 && PyErr_Occurred()) return NULL;
    if (token < 0 || token > INT32_MAX) return PyErr_SetString(PyExc_ValueError, "a token id is out of range"), NULL;
    PyThreadState *state = start_waiting();
    bool ok = tarn_session_step(session_of(self), (int32_t)token);
    bool on = stop_waiting(state);
    if (ok && on) Py_RETURN_NONE;
    return on ? raise_error() : (tarn_clear_error(), NULL);
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

/* Arrays of a list, for PyMem_Free. NULL with an exception. */
static tarn_array **arrays_of(PyObject *list, Py_ssize_t *count) {
    *count = PyList_Size(list);
    tarn_array **arrays = *count < 0 ? NULL : PyMem_Calloc((size_t)*count + 1, sizeof *arrays);
    if (*count >= 0 && !arrays) PyErr_NoMemory();
    for (Py_ssize_t i = 0; arrays && i < *count; i++) {
        PyObject *one = PyList_GetItem(list, i);
        if (!is_array(one)) return PyMem_Free(arrays), PyErr_SetString(PyExc_TypeError, "arrays are needed"), NULL;
        arrays[i] = ARRAY(one);
    }
    return arrays;
}

/* Two lists of an array a layer, and the ids or None. */
static PyObject *session_restore(PyObject *self, PyObject *arguments) {
    PyObject *key_list, *value_list, *id_list;
    if (!PyArg_ParseTuple(arguments, "O!O!O:restore", &PyList_Type, &key_list, &PyList_Type, &value_list, &id_list))
        return NULL;
    Py_ssize_t layers = 0, others = 0;
    size_t count = 0;
    tarn_array **keys = arrays_of(key_list, &layers), **values = keys ? arrays_of(value_list, &others) : NULL;
    int32_t *ids = values && id_list != Py_None ? ids_of(id_list, &count) : NULL;
    bool ok = values && layers == others && (ids || id_list == Py_None);
    if (values && layers != others) PyErr_SetString(PyExc_ValueError, "as many keys as values are needed");
    if (ok && ids && layers && tarn_ndim(keys[0]) == 4 && (size_t)tarn_dim(keys[0], 2) != count)
        ok = (PyErr_SetString(PyExc_ValueError, "as many ids as keys are needed"), false);
    ok = ok && (tarn_session_restore(session_of(self), keys, values, layers, ids) || raise_error());
    PyMem_Free(ids);
    PyMem_Free(values);
    PyMem_Free(keys);
    return ok ? Py_NewRef(Py_None) : NULL;
}

/* An array of its own, for the session's changes. */
static PyObject *session_logits(PyObject *self, void *unused) {
    (void)unused;
    tarn_array *logits = tarn_session_logits(session_of(self));
    if (!logits) return PyErr_SetString(PyExc_ValueError, "the session holds no tokens"), NULL;
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

/* ---- TokenStream */

static PyObject *token_stream_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    static char *names[] = {"model", "skip_special_tokens", NULL};
    PyObject *model;
    int skip = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "O!|p:TokenStream", names, model_type, &model, &skip))
        return NULL;
    const tarn_tokenizer *t = tokenizer_of(model);
    tarn_token_stream *stream = t ? tarn_token_stream_new(t, .skip_special_tokens = skip != 0) : NULL;
    if (!stream) return PyErr_Occurred() ? NULL : raise_error();
    stream_object *self = (stream_object *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (!self) return tarn_token_stream_free(stream), NULL;
    self->model = Py_NewRef(model), self->stream = stream;
    return (PyObject *)self;
}

static void token_stream_free(PyObject *self) {
    tarn_token_stream_free(((stream_object *)self)->stream);
    Py_XDECREF(((stream_object *)self)->model);
    free_object(self);
}

static PyObject *token_stream_push(PyObject *self, PyObject *id) {
    long token = PyLong_AsLong(id);
    size_t length = 0;
    if (token == -1 && PyErr_Occurred()) return NULL;
    const char *text = tarn_token_stream_push(((stream_object *)self)->stream, (int32_t)token, &length);
    return text ? PyUnicode_FromStringAndSize(text, (Py_ssize_t)length) : raise_error();
}

static PyObject *token_stream_finish(PyObject *self, PyObject *unused) {
    size_t length = 0;
    (void)unused;
    const char *text = tarn_token_stream_finish(((stream_object *)self)->stream, &length);
    return text ? PyUnicode_FromStringAndSize(text, (Py_ssize_t)length) : raise_error();
}

/* ---- the types */

#define NAMED(name, function)                                                                                          \
    { name, METHOD(function), METH_VARARGS | METH_KEYWORDS, NULL }
static PyMethodDef model_methods[] = {{"encode_text", model_encode_text, METH_O, NULL},
                                      {"named_id", model_named_id, METH_O, NULL},
                                      {"token_id", model_token_id, METH_O, NULL},
                                      NAMED("encode", model_encode),
                                      NAMED("decode", model_decode),
                                      NAMED("encode_messages", model_encode_messages),
                                      NAMED("render_messages", model_render),
                                      {0}};
static PyGetSetDef model_properties[] = {{"facts", model_facts, NULL, NULL, NULL},
                                         {"end_tokens", model_end_tokens, NULL, NULL, NULL},
                                         {"has_template", model_has_template, NULL, NULL, NULL},
                                         {"vocab_size", model_vocab_size, NULL, NULL, NULL},
                                         {0}};
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
static PyMethodDef stream_methods[] = {
    {"push", token_stream_push, METH_O, NULL}, {"finish", token_stream_finish, METH_NOARGS, NULL}, {0}};

#define TYPE(kind, make, free_it, methods, properties, name)                                                           \
    static PyType_Slot kind##_slots[] = {{Py_tp_new, SLOT(make)},                                                      \
                                         {Py_tp_dealloc, SLOT(free_it)},                                               \
                                         {Py_tp_methods, methods},                                                     \
                                         {Py_tp_getset, properties},                                                   \
                                         {0, NULL}};                                                                   \
    static PyType_Spec kind##_spec = {"tarn.core._engine." name, sizeof(kind##_object), 0, Py_TPFLAGS_DEFAULT,         \
                                      kind##_slots}
static PyGetSetDef no_properties[] = {{0}};
TYPE(model, model_new, model_free, model_methods, model_properties, "Model");
TYPE(session, session_new, session_free, session_methods, session_properties, "Session");
TYPE(stream, token_stream_new, token_stream_free, stream_methods, no_properties, "TokenStream");

bool add_engine(PyObject *core) {
    PyObject *module = PyImport_AddModule("tarn.core._engine"); /* borrowed */
    model_type = (PyTypeObject *)PyType_FromSpec(&model_spec);
    session_type = (PyTypeObject *)PyType_FromSpec(&session_spec);
    token_stream_type = (PyTypeObject *)PyType_FromSpec(&stream_spec);
    return module && model_type && session_type && token_stream_type &&
           PyModule_AddObjectRef(module, "Model", (PyObject *)model_type) == 0 &&
           PyModule_AddObjectRef(module, "Session", (PyObject *)session_type) == 0 &&
           PyModule_AddObjectRef(module, "TokenStream", (PyObject *)token_stream_type) == 0 &&
           PyModule_AddObjectRef(core, "_engine", module) == 0;
}
