/* tarn.core._engine.TokenStream: tokens in, text of whole characters out. */
#include "engine.h"

/* Holds the model whose tokenizer it stands on. */
typedef struct {
    PyObject_HEAD PyObject *model;
    tarn_token_stream *stream;
} stream_object;

static PyObject *token_stream_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    static char *names[] = {"model", "skip_special_tokens", NULL};
    PyObject *model;
    int skip = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "O!|p:TokenStream", names, model_type, &model, &skip))
        return NULL;
    const tarn_tokenizer *t = tokenizer_of(model);
    tarn_token_stream *stream = t ? tarn_token_stream_new(t, .skip_special_tokens = skip != 0) : NULL;
    if (!stream) return PyErr_Occurred() ? NULL : raise_error();
    stream_object *self = (stream_object *)new_handle(type);
    if (!self) return tarn_token_stream_free(stream), NULL;
    self->model = Py_NewRef(model), self->stream = stream;
    return (PyObject *)self;
}

static void token_stream_free(PyObject *self) {
    tarn_token_stream_free(((stream_object *)self)->stream);
    Py_XDECREF(((stream_object *)self)->model);
    free_handle(self);
}

static PyObject *token_stream_push(PyObject *self, PyObject *id) {
    int overflow = 0;
    long token = PyLong_AsLongAndOverflow(id, &overflow);
    size_t length = 0;
    if (token == -1 && PyErr_Occurred()) return NULL;
    if (overflow || token < INT32_MIN || token > INT32_MAX)
        return PyErr_Format(PyExc_ValueError, "push: %R is no id of a token", id);
    const char *text = tarn_token_stream_push(((stream_object *)self)->stream, (int32_t)token, &length);
    return text ? PyUnicode_FromStringAndSize(text, (Py_ssize_t)length) : raise_error();
}

static PyObject *token_stream_finish(PyObject *self, PyObject *unused) {
    size_t length = 0;
    (void)unused;
    const char *text = tarn_token_stream_finish(((stream_object *)self)->stream, &length);
    return text ? PyUnicode_FromStringAndSize(text, (Py_ssize_t)length) : raise_error();
}

static PyMethodDef stream_methods[] = {
    {"push", token_stream_push, METH_O, NULL}, {"finish", token_stream_finish, METH_NOARGS, NULL}, {0}};

static PyGetSetDef no_properties[] = {{0}};
HANDLE(stream, token_stream_new, token_stream_free, stream_methods, no_properties, "TokenStream");

bool add_token_stream(PyObject *module) {
    return add_handle(module, "TokenStream", &stream_spec) != NULL;
}
