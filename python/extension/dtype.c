/* Dtype and DtypeCategory: one object for each dtype, and what there is to ask of them. */
#include "extension.h"

#include <structmember.h>

typedef struct {
    PyObject_HEAD tarn_dtype dtype;
} dtype_object;

PyTypeObject *dtype_type;
static PyObject *objects[TARN_DTYPE_COUNT];
const char *package = "tarn.core";
bool like_mlx;

bool behave_as_mlx(void) {
    package = "mlx.core";
    return like_mlx = true;
}

PyObject *new_dtype(tarn_dtype dtype) {
    return PyErr_Occurred() ? NULL : Py_NewRef(objects[dtype]);
}
bool is_dtype(PyObject *object) {
    return Py_IS_TYPE(object, dtype_type);
}
tarn_dtype dtype_of_object(PyObject *object) {
    return ((dtype_object *)object)->dtype;
}
bool is_floating(tarn_dtype dtype) {
    return dtype >= TARN_FLOAT16 && dtype <= TARN_FLOAT64;
}
bool is_integer(tarn_dtype dtype) {
    return dtype >= TARN_UINT8 && dtype <= TARN_INT64;
}

static PyObject *dtype_repr(PyObject *self) {
    return PyUnicode_FromFormat("%s.%s", package, tarn_dtype_name(dtype_of_object(self)));
}

static PyObject *dtype_size(PyObject *self, void *unused) {
    (void)unused;
    return PyLong_FromLongLong(tarn_dtype_bytes(dtype_of_object(self)));
}

static Py_hash_t dtype_hash(PyObject *self) {
    return (Py_hash_t)dtype_of_object(self);
}

/* Pickled and copied by name: there is one object for each dtype. */
static PyObject *dtype_reduce(PyObject *self, PyObject *unused) {
    (void)unused;
    const char *name = tarn_dtype_name(dtype_of_object(self));
    return PyUnicode_FromString(dtype_of_object(self) == TARN_BOOL ? "bool_" : name);
}

static PyGetSetDef properties[] = {{"size", dtype_size, NULL, "Bytes of an element.", NULL}, {0}};
static PyMethodDef methods[] = {{"__reduce__", dtype_reduce, METH_NOARGS, NULL}, {0}};
static PyType_Slot slots[] = {{Py_tp_doc, "The type of an array's elements: float32, int8 and so on."},
                              {Py_tp_repr, SLOT(dtype_repr)},
                              {Py_tp_hash, SLOT(dtype_hash)},
                              {Py_tp_getset, properties},
                              {Py_tp_methods, methods},
                              {0, NULL}};
static PyType_Spec spec = {"tarn.core.Dtype", sizeof(dtype_object), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

static bool add_dtype(PyObject *module, tarn_dtype dtype) {
    dtype_object *object = PyObject_New(dtype_object, dtype_type);
    if (!object) return false;
    object->dtype = dtype;
    objects[dtype] = (PyObject *)object;
    const char *name = dtype == TARN_BOOL ? "bool_" : tarn_dtype_name(dtype);
    return PyModule_AddObjectRef(module, name, (PyObject *)object) == 0;
}

bool add_dtypes(PyObject *module) {
    dtype_type = (PyTypeObject *)PyType_FromSpec(&spec);
    if (!dtype_type || PyModule_AddObjectRef(module, "Dtype", (PyObject *)dtype_type) < 0) return false;
    for (int i = 0; i < TARN_DTYPE_COUNT; i++)
        if (!add_dtype(module, (tarn_dtype)i)) return false;
    return true;
}
