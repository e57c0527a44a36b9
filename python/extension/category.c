/* Categories of dtypes, and what is asked of dtypes: issubdtype, isdtype, can_cast, result_type. */
#include "special.h"

enum { CATEGORY_COUNT = TARN_CATEGORY_COUNT };
/* In the order of MLX's enum, whose values they are, and of tarn_dtype_category. */
static const char *const names[CATEGORY_COUNT] = {"complexfloating", "floating", "inexact", "signedinteger",
                                                  "unsignedinteger", "integer",  "number",  "generic"};
static PyObject *categories[CATEGORY_COUNT];

static int category_of_object(PyObject *object) {
    for (int i = 0; i < CATEGORY_COUNT; i++)
        if (categories[i] == object) return i;
    return -1;
}

static bool refuse(PyObject *exception, const char *message) {
    return PyErr_SetString(exception, message), false;
}

bool is_subdtype(PyObject *a, PyObject *b) {
    if (a == Py_None || b == Py_None) return refuse(PyExc_TypeError, "issubdtype() takes dtypes and their categories");
    int left = category_of_object(a), right = category_of_object(b);
    if (left < 0 && !is_dtype(a))
        return refuse(PyExc_ValueError, "[issubdtype] Received invalid type for first input.");
    if (is_dtype(b)) return a == b;
    if (right < 0) return refuse(PyExc_ValueError, "[issubdtype] Received invalid type for second input.");
    return is_dtype(a) ? tarn_dtype_is(dtype_of_object(a), (tarn_dtype_category)right)
                       : tarn_category_is((tarn_dtype_category)left, (tarn_dtype_category)right);
}

/* ---- kinds as the array API names them */

static bool is_kind(tarn_dtype dtype, PyObject *kind) {
    static const struct {
        const char *name;
        tarn_dtype_category category;
    } kinds[] = {{"signed integer", TARN_CATEGORY_SIGNED_INTEGER},
                 {"unsigned integer", TARN_CATEGORY_UNSIGNED_INTEGER},
                 {"integral", TARN_CATEGORY_INTEGER},
                 {"real floating", TARN_CATEGORY_FLOATING},
                 {"complex floating", TARN_CATEGORY_COMPLEX_FLOATING},
                 {"numeric", TARN_CATEGORY_NUMBER}};
    if (is_dtype(kind)) return dtype_of_object(kind) == dtype;
    if (!PyUnicode_Check(kind))
        return refuse(PyExc_ValueError,
                      "[isdtype] `kind` must be a dtype, a string, or a tuple of dtypes and strings.");
    if (PyUnicode_CompareWithASCIIString(kind, "bool") == 0) return dtype == TARN_BOOL;
    for (int i = 0; i < COUNT(kinds); i++)
        if (PyUnicode_CompareWithASCIIString(kind, kinds[i].name) == 0) return tarn_dtype_is(dtype, kinds[i].category);
    return PyErr_Format(PyExc_ValueError, "[isdtype] Unknown data type kind: %R.", kind), false;
}

bool is_dtype_of_kind(tarn_dtype dtype, PyObject *kind) {
    if (!PyTuple_Check(kind)) return is_kind(dtype, kind);
    for (Py_ssize_t i = 0; i < PyTuple_Size(kind); i++)
        if (is_kind(dtype, PyTuple_GetItem(kind, i)) || PyErr_Occurred()) return !PyErr_Occurred();
    return false;
}

/* ---- promotion */

static bool dtype_among(PyObject *object, tarn_dtype *dtype) {
    if (is_dtype(object))
        *dtype = dtype_of_object(object);
    else if (is_array(object))
        *dtype = tarn_dtype_of(ARRAY(object));
    return is_dtype(object) || is_array(object);
}

bool can_cast(PyObject *from, tarn_dtype to) {
    tarn_dtype dtype = to;
    if (!dtype_among(from, &dtype))
        return refuse(from == Py_None ? PyExc_TypeError : PyExc_ValueError,
                      "[can_cast] `from_` must be an array or a dtype.");
    return tarn_can_cast(dtype, to);
}

tarn_dtype result_dtype(PyObject *list) {
    tarn_dtype result = TARN_BOOL, dtype = TARN_BOOL;
    if (PyTuple_Size(list) == 0) refuse(PyExc_ValueError, "[result_type] At least one array or dtype is required.");
    for (Py_ssize_t i = 0; i < PyTuple_Size(list); i++) {
        if (!dtype_among(PyTuple_GetItem(list, i), &dtype))
            refuse(PyExc_ValueError, "[result_type] Inputs must be arrays or dtypes.");
        result = tarn_promote(result, dtype);
    }
    return result;
}

/* ---- the enumeration */

/* {name: its place} */
static PyObject *numbered(const char *const *list, int count) {
    PyObject *members = PyDict_New();
    for (int i = 0; members && i < count; i++) {
        PyObject *value = PyLong_FromLong(i);
        if (!value || PyDict_SetItemString(members, list[i], value) < 0) replace(&members, NULL);
        Py_XDECREF(value);
    }
    return members;
}

/* class.attribute = value, which is let go of */
static bool set_attribute(PyObject *class, const char *attribute, PyObject *value) {
    bool set = value && PyObject_SetAttrString(class, attribute, value) == 0;
    Py_XDECREF(value);
    return set;
}

static PyObject *new_enumeration(const char *name, PyObject *members) {
    PyObject *library = PyImport_ImportModule("enum");
    PyObject *made = library && members ? PyObject_CallMethod(library, "Enum", "sO", name, members) : NULL;
    Py_XDECREF(library);
    bool named = made && set_attribute(made, "__module__", PyUnicode_FromString("tarn.core")) &&
                 set_attribute(made, "__repr__", PyObject_GetAttrString(made, "__str__")); /* without its value */
    if (!named) replace(&made, NULL);
    return made;
}

bool add_enumeration(PyObject *module, const char *name, const char *const *list, PyObject **members, int count) {
    PyObject *values = numbered(list, count), *made = new_enumeration(name, values);
    bool added = made && PyModule_AddObjectRef(module, name, made) == 0;
    for (int i = 0; added && i < count; i++)
        added = (members[i] = PyObject_GetAttrString(made, list[i])) != NULL &&
                PyModule_AddObjectRef(module, list[i], members[i]) == 0;
    Py_XDECREF(made);
    Py_XDECREF(values);
    return added;
}

bool add_categories(PyObject *core) {
    return add_enumeration(core, "DtypeCategory", names, categories, CATEGORY_COUNT);
}
