/* mx.distributed in one process: the group of one, whose collectives are the identity. */
#include "special.h"

#include <string.h>

static PyTypeObject *group_type;

static PyObject *group_rank(PyObject *self, PyObject *unused) {
    return (void)self, (void)unused, PyLong_FromLong(0);
}
static PyObject *group_size(PyObject *self, PyObject *unused) {
    return (void)self, (void)unused, PyLong_FromLong(1);
}
static PyObject *group_split(PyObject *self, PyObject *arguments, PyObject *named) {
    (void)self, (void)arguments, (void)named;
    return PyErr_SetString(PyExc_RuntimeError, "Cannot split the distributed group further."), NULL;
}

static PyMethodDef methods[] = {{"rank", group_rank, METH_NOARGS, "rank()\n--\n\nThe number of this process."},
                                {"size", group_size, METH_NOARGS, "size()\n--\n\nHow many processes there are."},
                                {"split", METHOD(group_split), METH_VARARGS | METH_KEYWORDS,
                                 "split(color, key=-1)\n--\n\nA group of those with the same color."},
                                {0}};
static PyType_Slot slots[] = {{Py_tp_doc, "Processes that compute together."}, {Py_tp_methods, methods}, {0, NULL}};
static PyType_Spec spec = {"tarn.core.distributed.Group", sizeof(PyObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

static bool is_backend(const char *name) {
    static const char *const names[] = {"any", "mpi", "nccl", "jaccl", "ring"};
    for (int i = 0; i < COUNT(names); i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

PyObject *distributed_init(bool strict, const char *backend) {
    if (!is_backend(backend))
        return PyErr_Format(PyExc_ValueError,
                            "[distributed] The only valid values for backend are 'any', 'mpi', 'nccl', 'jaccl' and "
                            "'ring' but '%s' was provided.",
                            backend),
               NULL;
    if (strict) return PyErr_SetString(PyExc_RuntimeError, "[distributed] Couldn't initialize any backend"), NULL;
    return (PyObject *)PyObject_New(PyObject, group_type);
}

static bool is_group(PyObject *group) {
    return !group || group == Py_None || Py_IS_TYPE(group, group_type) ||
           (PyErr_Format(PyExc_TypeError, "group must be a Group or None, not %s", type_name(group)), false);
}

/* A new array of the same values: what every collective gives in a group of one. */
tarn_array *collective(tarn_array *x, PyObject *group) {
    return is_group(group) ? tarn_reshape_like(x, x) : NULL;
}

tarn_array *no_partner(const char *what, PyObject *group) {
    if (is_group(group)) PyErr_Format(PyExc_ValueError, "Cannot %s a singleton group", what);
    return NULL;
}

bool add_group(PyObject *core) {
    PyObject *module = PyObject_GetAttrString(core, "distributed");
    group_type = (PyTypeObject *)PyType_FromSpec(&spec);
    bool added = module && group_type && PyModule_AddObjectRef(module, "Group", (PyObject *)group_type) == 0;
    Py_XDECREF(module);
    return added;
}
