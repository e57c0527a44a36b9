/* Python values as arrays: numbers, nested lists and tuples, and what hands out an array of its own. Buffers: buffer.c.
 */
#include "extension.h"

#include <string.h>

/* ---- nested lists: first their shape and the widest kind of number, then the values */

typedef enum { OF_BOOL, OF_INT, OF_LONG, OF_FLOAT, OF_COMPLEX, OF_ARRAYS } kind_of_values;

typedef struct {
    int64_t shape[TARN_MAX_NDIM];
    int ndim;
    bool settled;        /* a value was met: lists go no deeper than ndim */
    kind_of_values kind; /* of the values so far */
} contents;

static Py_ssize_t length(PyObject *list) {
    return PyList_Check(list) ? PyList_Size(list) : PyTuple_Size(list);
}
static PyObject *item(PyObject *list, Py_ssize_t i) {
    return PyList_Check(list) ? PyList_GetItem(list, i) : PyTuple_GetItem(list, i);
}

static int kind_of(PyObject *value) {
    if (PyBool_Check(value)) return OF_BOOL;
    if (PyLong_Check(value)) {
        int overflow;
        int64_t number = PyLong_AsLongLongAndOverflow(value, &overflow);
        return number == (int32_t)number && !overflow ? OF_INT : OF_LONG;
    }
    if (PyFloat_Check(value)) return OF_FLOAT;
    if (PyComplex_Check(value)) return OF_COMPLEX;
    return is_array(value) ? OF_ARRAYS : -1;
}

static bool look_at(PyObject *value, int depth, contents *found);

static bool look_at_list(PyObject *list, int depth, contents *found) {
    Py_ssize_t count = length(list);
    if (depth == TARN_MAX_NDIM) return tarn_fail("array(): lists more than %d deep", TARN_MAX_NDIM);
    if (depth == found->ndim) found->shape[found->ndim++] = count;
    if (found->shape[depth] != count) return tarn_fail("Initialization encountered non-uniform length.");
    found->settled |= count == 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *one = item(list, i);
        if (found->kind == OF_ARRAYS) return true; /* the items' shapes are compared when they are stacked */
        if (found->settled && !is_array(one) && is_sequence(one) != (depth + 1 < found->ndim))
            return tarn_fail("Initialization encountered non-uniform length.");
        if (!look_at(one, depth + 1, found)) return false;
    }
    return true;
}

static bool look_at(PyObject *value, int depth, contents *found) {
    if (is_sequence(value)) return look_at_list(value, depth, found);
    int kind = kind_of(value);
    if (kind < 0) {
        PyErr_Format(PyExc_ValueError, "Invalid type %s received in array initialization.", type_name(value));
        return false;
    }
    found->settled = true;
    if ((int)found->kind < kind) found->kind = (kind_of_values)kind;
    return true;
}

static bool put(PyObject *value, tarn_dtype dtype, void *to) {
    switch (dtype) {
    case TARN_BOOL:
        *(uint8_t *)to = value == Py_True;
        break;
    case TARN_INT32:
        *(int32_t *)to = (int32_t)PyLong_AsLong(value);
        break;
    case TARN_INT64:
        *(int64_t *)to = PyLong_AsLongLong(value);
        break;
    case TARN_FLOAT32:
        *(float *)to = (float)PyFloat_AsDouble(value);
        break;
    case TARN_FLOAT64:
        *(double *)to = PyFloat_AsDouble(value);
        break;
    default:
        ((float *)to)[0] = (float)PyComplex_RealAsDouble(value);
        ((float *)to)[1] = (float)PyComplex_ImagAsDouble(value);
    }
    return !PyErr_Occurred();
}

static char *put_all(PyObject *value, tarn_dtype dtype, const contents *found, int depth, char *to);

/* Numbers of a type of their own say in Python what they are, and may change the lists on the way. */
static char *put_list(PyObject *list, tarn_dtype dtype, const contents *found, int depth, char *to) {
    for (Py_ssize_t i = 0; to && i < found->shape[depth]; i++) {
        PyObject *one = length(list) == found->shape[depth] ? Py_NewRef(item(list, i)) : NULL;
        to = one ? put_all(one, dtype, found, depth + 1, to) : NULL;
        Py_XDECREF(one);
    }
    return to;
}

static char *put_all(PyObject *value, tarn_dtype dtype, const contents *found, int depth, char *to) {
    bool is_list = depth < found->ndim;
    if (is_sequence(value) != is_list) return NULL;
    if (is_list) return put_list(value, dtype, found, depth, to);
    return put(value, dtype, to) ? to + tarn_dtype_bytes(dtype) : NULL;
}

/* How values of this kind are written down; another dtype that is asked for is a cast of that. */
static tarn_dtype stored_as(kind_of_values kind, const tarn_dtype *dtype) {
    static const tarn_dtype usual[] = {TARN_BOOL, TARN_INT32, TARN_INT64, TARN_FLOAT32, TARN_COMPLEX64};
    return kind == OF_FLOAT && dtype && *dtype == TARN_FLOAT64 ? TARN_FLOAT64 : usual[kind];
}

static tarn_array *cast(tarn_array *a, const tarn_dtype *dtype) {
    return dtype && a && *dtype != tarn_dtype_of(a) ? tarn_astype(a, *dtype) : a;
}

static tarn_array *of_values(PyObject *value, const contents *found, const tarn_dtype *dtype) {
    int64_t size = 1;
    for (int i = 0; i < found->ndim; i++) size *= found->shape[i];
    tarn_dtype stored = size ? stored_as(found->kind, dtype) : dtype ? *dtype : TARN_FLOAT32;
    char *values = PyMem_Malloc((size_t)(size * tarn_dtype_bytes(stored)) + 1);
    if (!values) return PyErr_NoMemory(), NULL;
    bool done = !size || put_all(value, stored, found, 0, values);
    if (!done && !PyErr_Occurred()) tarn_fail("array(): a list changed while it was read");
    tarn_array *a = done ? tarn_from_data(values, (tarn_ints){found->shape, found->ndim}, stored) : NULL;
    PyMem_Free(values);
    return cast(a, dtype);
}

/* A list with arrays in it: its items as arrays, stacked. */
static tarn_array *of_arrays(PyObject *list) {
    array_list arrays CLEANUP(drop_arrays) = {0};
    PyObject *items = items_of(list);
    bool good = items && arrays_reserve(&arrays, PyTuple_Size(items));
    for (int i = 0; good && i < arrays.count; i++)
        good = (arrays.list[i] = array_of_object(PyTuple_GetItem(items, i), NULL));
    Py_XDECREF(items);
    return good ? tarn_stack(arrays.list, arrays.count) : NULL;
}

static tarn_array *array_of_list(PyObject *list, const tarn_dtype *dtype) {
    contents found = {.ndim = 0};
    if (!look_at(list, 0, &found)) return NULL;
    return found.kind == OF_ARRAYS ? cast(of_arrays(list), dtype) : of_values(list, &found, dtype);
}

/* ---- one number: of the dtype asked for, whatever its kind */

static tarn_array *array_of_number(PyObject *value, const tarn_dtype *dtype) {
    contents found = {.ndim = 0};
    return look_at(value, 0, &found) ? of_values(value, &found, dtype) : NULL;
}

/* ---- what makes an array of itself */

static tarn_array *array_of_method(PyObject *value, const char *method, const tarn_dtype *dtype) {
    PyObject *made = PyObject_CallMethod(value, method, NULL);
    if (!made) return NULL;
    tarn_array *a = NULL;
    if (is_array(made))
        a = cast(tarn_stop_gradient(ARRAY(made)), dtype);
    else
        PyErr_Format(PyExc_TypeError, "%s() returned %R, not an array", method, (PyObject *)Py_TYPE(made));
    Py_DECREF(made);
    return a;
}

/* As of other packages' arrays by their buffer: float64 only where it is asked for. */
static tarn_array *array_of_export(PyObject *value, const tarn_dtype *dtype) {
    tarn_dtype usual = TARN_FLOAT32;
    tarn_array *a = array_of_dlpack(value, Py_True);
    return cast(a, dtype || !a || tarn_dtype_of(a) != TARN_FLOAT64 ? dtype : &usual);
}

tarn_array *array_of_object(PyObject *value, const tarn_dtype *dtype) {
    if (is_array(value)) return cast(tarn_reshape_like(ARRAY(value), ARRAY(value)), dtype);
    if (is_scalar(value)) return array_of_number(value, dtype);
    if (is_sequence(value)) return array_of_list(value, dtype);
    if (PyObject_HasAttrString(value, "__mlx_array__")) return array_of_method(value, "__mlx_array__", dtype);
    if (PyObject_CheckBuffer(value)) return array_of_buffer(value, dtype);
    if (PyObject_HasAttrString(value, "__dlpack__")) return array_of_export(value, dtype);
    PyErr_Format(PyExc_ValueError, "Invalid type %s received in array initialization.", type_name(value));
    return NULL;
}

/* A name for annotations: objects with __mlx_array__, of whatever type. */
bool add_array_like(PyObject *module) {
    static PyType_Slot slots[] = {{Py_tp_doc, "Any object whose method __mlx_array__ returns an array."}, {0, NULL}};
    static PyType_Spec spec = {"tarn.core.ArrayLike", sizeof(PyObject), 0,
                               Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    PyObject *type = PyType_FromSpec(&spec);
    bool added = type && PyModule_AddObjectRef(module, "ArrayLike", type) == 0;
    Py_XDECREF(type);
    return added;
}
