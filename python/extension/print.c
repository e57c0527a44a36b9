/* How arrays are printed, and with how many digits: PrintOptions, and the context that changes them for a while. */
#include "special.h"

#include <structmember.h>

static int current = -1; /* digits after the point; -1: six significant ones */

PyObject *array_repr(PyObject *self) {
    TARN_SCOPE;
    tarn_array *a = held_array(self);
    if (!a || !evaluate(&a, 1)) return raise_error();
    char *text = current < 0 ? tarn_format(a) : tarn_format(a, .precision = TARN_INTEGER(current));
    PyObject *made = text ? PyUnicode_FromString(text) : raise_error();
    tarn_free(text);
    return made;
}

/* A 0-d array is formatted as its value, others only without a format. */
PyObject *array_format(PyObject *self, PyObject *format) {
    if (!PyUnicode_Check(format))
        return PyErr_Format(PyExc_TypeError, "__format__() needs a str, not %s", type_name(format));
    bool plain = PyUnicode_GetLength(format) == 0;
    if (tarn_ndim(ARRAY(self)) > 0 && plain) return PyObject_Str(self);
    if (tarn_ndim(ARRAY(self)) > 0)
        return PyErr_Format(PyExc_TypeError, "unsupported format string passed to %s.array.__format__", package);
    PyObject *value = array_item(self, NULL);
    PyObject *text = value ? PyObject_Format(value, format) : NULL;
    Py_XDECREF(value);
    return text;
}

/* ---- options */

typedef struct {
    PyObject_HEAD int precision, before; /* before: what a context found */
} options_object;

static PyTypeObject *options_type, *context_type;

static PyObject *options_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    static char *names[] = {"precision", NULL};
    int precision = -1;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "|i:PrintOptions", names, &precision)) return NULL;
    options_object *options = PyObject_New(options_object, type);
    if (options) options->precision = precision, options->before = current;
    return (PyObject *)options;
}

bool set_printing(int64_t precision) {
    return current = (int)precision, true;
}
PyObject *get_printing(void) {
    return PyObject_CallFunction((PyObject *)options_type, "i", current);
}

PyObject *printing_context(int64_t precision) {
    options_object *context = PyObject_New(options_object, context_type);
    if (context) context->precision = (int)precision, context->before = current;
    return (PyObject *)context;
}

static PyObject *context_enter(PyObject *self, PyObject *unused) {
    (void)unused;
    options_object *context = (options_object *)self;
    context->before = current, current = context->precision;
    return Py_NewRef(self);
}

static PyObject *context_exit(PyObject *self, PyObject *unused) {
    (void)unused;
    current = ((options_object *)self)->before;
    Py_RETURN_NONE;
}

static PyMemberDef members[] = {{"precision", T_INT, offsetof(options_object, precision), 0, "Digits after the point."},
                                {0}};
static PyMethodDef context_methods[] = {
    {"__enter__", context_enter, METH_NOARGS, NULL}, {"__exit__", context_exit, METH_VARARGS, NULL}, {0}};
static PyType_Slot options_slots[] = {{Py_tp_doc, "PrintOptions(precision=-1)\n--\n\nHow arrays are printed."},
                                      {Py_tp_new, SLOT(options_new)},
                                      {Py_tp_members, members},
                                      {0, NULL}};
static PyType_Slot context_slots[] = {
    {Py_tp_doc, "A context in which arrays are printed otherwise."}, {Py_tp_methods, context_methods}, {0, NULL}};
static PyType_Spec options_spec = {"tarn.core.PrintOptions", sizeof(options_object), 0, Py_TPFLAGS_DEFAULT,
                                   options_slots};
static PyType_Spec context_spec = {"tarn.core._PrintOptionsContext", sizeof(options_object), 0,
                                   Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, context_slots};

bool add_printing(PyObject *module) {
    options_type = (PyTypeObject *)PyType_FromSpec(&options_spec);
    context_type = (PyTypeObject *)PyType_FromSpec(&context_spec);
    return options_type && context_type &&
           PyModule_AddObjectRef(module, "PrintOptions", (PyObject *)options_type) == 0 &&
           PyModule_AddObjectRef(module, "_PrintOptionsContext", (PyObject *)context_type) == 0;
}
