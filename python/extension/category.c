/* Categories of dtypes, and what is asked of dtypes: issubdtype, isdtype, can_cast, result_type. */
#include "special.h"

/* In the order of MLX's enum, whose values they are. */
enum {
    COMPLEX_FLOATING,
    FLOATING,
    INEXACT,
    SIGNED_INTEGER,
    UNSIGNED_INTEGER,
    INTEGER,
    NUMBER,
    GENERIC,
    CATEGORY_COUNT
};
static const char *const names[CATEGORY_COUNT] = {"complexfloating", "floating", "inexact", "signedinteger",
                                                  "unsignedinteger", "integer",  "number",  "generic"};
static const int above[CATEGORY_COUNT] = {INEXACT, INEXACT, NUMBER, INTEGER, INTEGER, NUMBER, GENERIC, -1};
static PyObject *categories[CATEGORY_COUNT];

static int category_of(tarn_dtype dtype) {
    if (dtype == TARN_BOOL) return GENERIC;
    if (dtype == TARN_COMPLEX64) return COMPLEX_FLOATING;
    return is_floating(dtype) ? FLOATING : dtype >= TARN_INT8 ? SIGNED_INTEGER : UNSIGNED_INTEGER;
}

static int category_of_object(PyObject *object) {
    for (int i = 0; i < CATEGORY_COUNT; i++)
        if (categories[i] == object) return i;
    return -1;
}

static bool lies_in(int category, int other) {
    while (category >= 0 && category != other) category = above[category];
    return category >= 0;
}

static bool refuse(PyObject *exception, const char *message) {
    return PyErr_SetString(exception, message), false;
}

bool is_subdtype(PyObject *a, PyObject *b) {
    int left = is_dtype(a) ? category_of(dtype_of_object(a)) : category_of_object(a), right = category_of_object(b);
    if (left < 0) return refuse(PyExc_ValueError, "[issubdtype] Received invalid type for first input.");
    if (is_dtype(b)) return a == b;
    return right < 0 ? refuse(PyExc_ValueError, "[issubdtype] Received invalid type for second input.")
                     : lies_in(left, right);
}

/* ---- kinds as the array API names them */

static bool is_kind(tarn_dtype dtype, PyObject *kind) {
    static const struct {
        const char *name;
        int category;
    } kinds[] = {{"signed integer", SIGNED_INTEGER}, {"unsigned integer", UNSIGNED_INTEGER}, {"integral", INTEGER},
                 {"real floating", FLOATING},        {"complex floating", COMPLEX_FLOATING}, {"numeric", NUMBER}};
    if (is_dtype(kind)) return dtype_of_object(kind) == dtype;
    if (!PyUnicode_Check(kind))
        return refuse(PyExc_ValueError,
                      "[isdtype] `kind` must be a dtype, a string, or a tuple of dtypes and strings.");
    if (PyUnicode_CompareWithASCIIString(kind, "bool") == 0) return dtype == TARN_BOOL;
    for (int i = 0; i < COUNT(kinds); i++)
        if (PyUnicode_CompareWithASCIIString(kind, kinds[i].name) == 0)
            return lies_in(category_of(dtype), kinds[i].category);
    return PyErr_Format(PyExc_ValueError, "[isdtype] Unknown data type kind: %R.", kind), false;
}

bool is_dtype_of_kind(tarn_dtype dtype, PyObject *kind) {
    if (!PyTuple_Check(kind)) return is_kind(dtype, kind);
    for (Py_ssize_t i = 0; i < PyTuple_Size(kind); i++)
        if (is_kind(dtype, PyTuple_GetItem(kind, i)) || PyErr_Occurred()) return !PyErr_Occurred();
    return false;
}

/* ---- promotion, by asking an operation */

static tarn_dtype promoted(tarn_dtype a, tarn_dtype b) {
    return a == b ? a : tarn_dtype_of(tarn_maximum(tarn_zeros(TARN_0D, a), tarn_zeros(TARN_0D, b)));
}

static bool dtype_among(PyObject *object, tarn_dtype *dtype) {
    if (is_dtype(object))
        *dtype = dtype_of_object(object);
    else if (is_array(object))
        *dtype = tarn_dtype_of(ARRAY(object));
    return is_dtype(object) || is_array(object);
}

bool can_cast(PyObject *from, tarn_dtype to) {
    tarn_dtype dtype = to;
    if (!dtype_among(from, &dtype)) return refuse(PyExc_ValueError, "[can_cast] `from_` must be an array or a dtype.");
    return promoted(dtype, to) == to;
}

tarn_dtype result_dtype(PyObject *list) {
    tarn_dtype result = TARN_BOOL, dtype = TARN_BOOL;
    if (PyTuple_Size(list) == 0) refuse(PyExc_ValueError, "[result_type] At least one array or dtype is required.");
    for (Py_ssize_t i = 0; i < PyTuple_Size(list); i++) {
        if (!dtype_among(PyTuple_GetItem(list, i), &dtype))
            refuse(PyExc_ValueError, "[result_type] Inputs must be arrays or dtypes.");
        result = promoted(result, dtype);
    }
    return result;
}

/* ---- the enum */

static PyObject *new_enum(void) {
    PyObject *module = PyImport_ImportModule("enum"),
             *enumeration = module ? PyObject_GetAttrString(module, "Enum") : NULL;
    PyObject *members = PyDict_New(), *made = NULL;
    for (int i = 0; members && i < CATEGORY_COUNT; i++) {
        PyObject *value = PyLong_FromLong(i);
        PyDict_SetItemString(members, names[i], value);
        Py_XDECREF(value);
    }
    if (enumeration && members) made = PyObject_CallFunction(enumeration, "sO", "DtypeCategory", members);
    PyObject *text = made ? PyObject_GetAttrString(enumeration, "__str__") : NULL;
    if (text) PyObject_SetAttrString(made, "__repr__", text); /* DtypeCategory.floating, without its value */
    Py_XDECREF(text);
    Py_XDECREF(members);
    Py_XDECREF(enumeration);
    Py_XDECREF(module);
    return made;
}

bool add_categories(PyObject *core) {
    PyObject *made = new_enum(), *name = PyUnicode_FromString("tarn.core");
    bool added = made && name && PyObject_SetAttrString(made, "__module__", name) == 0 &&
                 PyModule_AddObjectRef(core, "DtypeCategory", made) == 0;
    for (int i = 0; added && i < CATEGORY_COUNT; i++) {
        categories[i] = PyObject_GetAttrString(made, names[i]);
        added = categories[i] && PyModule_AddObjectRef(core, names[i], categories[i]) == 0;
    }
    Py_XDECREF(name);
    Py_XDECREF(made);
    return added;
}
