/* What is known of dtypes: finfo and iinfo. */
#include "extension.h"

#include <float.h>
#include <structmember.h>

typedef struct {
    PyObject_HEAD PyObject *dtype, *least, *most;
    double eps, smallest;
    int bits;
} info_object;

typedef struct {
    double max, eps, smallest;
} range_of_floats;

static const range_of_floats float_ranges[TARN_DTYPE_COUNT] = {
    [TARN_FLOAT16] = {65504, 0x1p-10, 0x1p-14},
    [TARN_BFLOAT16] = {0x1.fep127, 0x1p-7, 0x1p-126},
    [TARN_FLOAT32] = {(double)FLT_MAX, (double)FLT_EPSILON, (double)FLT_MIN},
    [TARN_FLOAT64] = {DBL_MAX, DBL_EPSILON, DBL_MIN},
};

static bool dtype_argument(PyObject *arguments, PyObject *named, const char *function, tarn_dtype *dtype) {
    bool alone = PyTuple_Size(arguments) == 1 && !(named && PyDict_Size(named));
    PyObject *given = alone ? PyTuple_GetItem(arguments, 0) : NULL;
    if (!given || !is_dtype(given)) return PyErr_Format(PyExc_TypeError, "%s() takes a Dtype", function), false;
    return *dtype = dtype_of_object(given), true;
}

static info_object *new_info(PyTypeObject *type, tarn_dtype dtype) {
    info_object *info = PyObject_New(info_object, type);
    if (info) *info = (info_object){.ob_base = info->ob_base, .dtype = new_dtype(dtype)};
    return info;
}

static PyObject *finfo_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    tarn_dtype dtype;
    if (!dtype_argument(arguments, named, "finfo", &dtype)) return NULL;
    if (dtype == TARN_COMPLEX64) dtype = TARN_FLOAT32; /* of its parts */
    const range_of_floats *range = &float_ranges[dtype];
    if (range->max == 0)
        return PyErr_Format(PyExc_ValueError, "[finfo] dtype %s is not inexact.", tarn_dtype_name(dtype)), NULL;
    info_object *info = new_info(type, dtype);
    if (info) {
        info->least = PyFloat_FromDouble(-range->max), info->most = PyFloat_FromDouble(range->max);
        info->eps = range->eps, info->smallest = range->smallest;
        info->bits = (int)tarn_dtype_bytes(dtype) * 8;
    }
    return (PyObject *)info;
}

static PyObject *iinfo_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    tarn_dtype dtype;
    if (!dtype_argument(arguments, named, "iinfo", &dtype)) return NULL;
    if (!is_integer(dtype))
        return PyErr_Format(PyExc_ValueError, "[iinfo] Only integer types supported but %s was provided",
                            tarn_dtype_name(dtype)),
               NULL;
    info_object *info = new_info(type, dtype);
    if (info) {
        bool is_signed = dtype >= TARN_INT8;
        info->bits = (int)tarn_dtype_bytes(dtype) * 8;
        uint64_t most = UINT64_MAX >> (64 - info->bits + is_signed);
        info->most = PyLong_FromUnsignedLongLong(most);
        info->least = PyLong_FromLongLong(is_signed ? -(int64_t)most - 1 : 0);
    }
    return (PyObject *)info;
}

static void info_free(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(((info_object *)self)->dtype);
    Py_XDECREF(((info_object *)self)->least);
    Py_XDECREF(((info_object *)self)->most);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyObject *info_repr(PyObject *self) {
    info_object *info = (info_object *)self;
    const char *dtype = tarn_dtype_name(dtype_of_object(info->dtype));
    if (!PyFloat_Check(info->most))
        return PyUnicode_FromFormat("iinfo(min=%S, max=%S, dtype=%s)", info->least, info->most, dtype);
    char most[32];
    snprintf(most, sizeof most, "%g", PyFloat_AsDouble(info->most));
    return PyUnicode_FromFormat("finfo(min=-%s, max=%s, dtype=%s)", most, most, dtype);
}

#define MEMBER(name, type, field, doc)                                                                                 \
    { name, type, offsetof(info_object, field), READONLY, doc }
static PyMemberDef finfo_members[] = {
    MEMBER("min", T_OBJECT, least, "The smallest number."),
    MEMBER("max", T_OBJECT, most, "The largest number."),
    MEMBER("eps", T_DOUBLE, eps, "From 1 to the next number."),
    MEMBER("dtype", T_OBJECT, dtype, "The dtype."),
    MEMBER("smallest_normal", T_DOUBLE, smallest, "The smallest number above 0 that has all its digits."),
    MEMBER("bits", T_INT, bits, "Bits of a number."),
    {0}};
static PyMemberDef iinfo_members[] = {MEMBER("min", T_OBJECT, least, "The smallest number."),
                                      MEMBER("max", T_OBJECT, most, "The largest number."),
                                      MEMBER("dtype", T_OBJECT, dtype, "The dtype."),
                                      MEMBER("bits", T_INT, bits, "Bits of a number."),
                                      {0}};
#define INFO(name, doc)                                                                                                \
    static PyType_Slot name##_slots[] = {{Py_tp_doc, doc},                                                             \
                                         {Py_tp_new, SLOT(name##_new)},                                                \
                                         {Py_tp_dealloc, SLOT(info_free)},                                             \
                                         {Py_tp_repr, SLOT(info_repr)},                                                \
                                         {Py_tp_members, name##_members},                                              \
                                         {0, NULL}};                                                                   \
    static PyType_Spec name##_spec = {"tarn.core." #name, sizeof(info_object), 0, Py_TPFLAGS_DEFAULT, name##_slots};
INFO(finfo, "finfo(dtype)\n--\n\nThe limits of a dtype of floats.")
INFO(iinfo, "iinfo(dtype)\n--\n\nThe limits of a dtype of integers.")

static bool add_info(PyObject *module, const char *name, PyType_Spec *spec) {
    PyObject *type = PyType_FromSpec(spec);
    bool added = type && PyModule_AddObjectRef(module, name, type) == 0;
    Py_XDECREF(type);
    return added;
}

bool add_infos(PyObject *module) {
    return add_info(module, "finfo", &finfo_spec) && add_info(module, "iinfo", &iinfo_spec);
}
