/* tarn.core._engine.Model: a loaded model, with its tokenizer and its template of conversations. */
#include "engine.h"

#include <string.h>

PyTypeObject *model_type;

static const char *utf8_of(PyObject *text, Py_ssize_t *length) {
    return PyUnicode_Check(text) ? PyUnicode_AsUTF8AndSize(text, length)
                                 : (PyErr_Format(PyExc_TypeError, "a str is needed, not %s", type_name(text)), NULL);
}

static PyObject *model_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    static char *names[] = {"folder", "dtype", NULL};
    const char *folder;
    PyObject *dtype = Py_None;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "s|O:Model", names, &folder, &dtype)) return NULL;
    if (dtype != Py_None && !is_dtype(dtype)) return PyErr_SetString(PyExc_TypeError, "dtype is no Dtype"), NULL;
    tarn_model_options o = {.dtype = dtype == Py_None ? TARN_BOOL : dtype_of_object(dtype)};
    PyThreadState *state = start_work();
    tarn_model *model = tarn_model_load_with(folder, o);
    bool on = stop_waiting(state);
    model_object *self = on && model ? (model_object *)new_handle(type) : NULL;
    if (self) return self->model = model, (PyObject *)self;
    tarn_model_free(model);
    return raise_error();
}

static void model_free(PyObject *self) {
    tarn_model_free(model_of(self));
    free_handle(self);
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
HANDLE(model, model_new, model_free, model_methods, model_properties, "Model");

bool add_model(PyObject *module) {
    return (model_type = add_handle(module, "Model", &model_spec)) != NULL;
}
