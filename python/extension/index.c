/* a[...] and a[...] = v: Python's index as a list of entries, which tarn_index takes. Lists count as index arrays,
   lists of bools as masks. */
#include "extension.h"

typedef struct {
    tarn_entry list[2 * TARN_MAX_NDIM + 1];
    int64_t count;
} subscript;

static bool refuse(const char *message) {
    return PyErr_SetString(PyExc_ValueError, message), false;
}

/* Indices have 32 bits in MLX, whose programs ask whether others are refused. */
static bool narrow(PyObject *value) {
    int overflow;
    if (!like_mlx || !PyIndex_Check(value)) return true;
    PyObject *index = PyNumber_Index(value);
    if (!index) return PyErr_Clear(), true;
    long long number = PyLong_AsLongLongAndOverflow(index, &overflow);
    Py_DECREF(index);
    return (!overflow && number == (int32_t)number) || refuse("Slice indices must be 32-bit integers.");
}

static bool narrow_bound(PyObject *slice, const char *name) {
    PyObject *bound = PyObject_GetAttrString(slice, name);
    bool good = bound && narrow(bound);
    Py_XDECREF(bound);
    return good;
}

static bool read_slice(PyObject *slice, tarn_entry *e) {
    Py_ssize_t start, stop, step;
    if (!narrow_bound(slice, "start") || !narrow_bound(slice, "stop") || !narrow_bound(slice, "step")) return false;
    if (PySlice_Unpack(slice, &start, &stop, &step) == 0) return *e = TARN_STEPS(start, stop, step), true;
    return PyErr_ExceptionMatches(PyExc_TypeError) ? refuse("Slice indices must be integers or None.") : false;
}

static bool read_number(PyObject *value, tarn_entry *e) {
    int64_t i;
    if (!narrow(value)) return false;
    if (int_of_object(value, &i)) return *e = TARN_AT(i), true;
    return PyErr_ExceptionMatches(PyExc_OverflowError) ? refuse("An index is beyond 64 bits.") : false;
}

/* An empty list is one of integers. */
static bool read_array(PyObject *value, tarn_entry *e) {
    tarn_dtype integers = TARN_INT32;
    bool empty = PyList_Check(value) && PyList_Size(value) == 0;
    tarn_array *a = is_array(value) ? held_array(value) : array_of_object(value, empty ? &integers : NULL);
    if (!a) return raise_error(), false;
    *e = TARN_PICK(a);
    return true;
}

static bool read_entry(PyObject *value, tarn_entry *e) {
    if (value == Py_None) return *e = TARN_NEW_AXIS, true;
    if (value == Py_Ellipsis) return *e = TARN_ELLIPSIS, true;
    if (PyBool_Check(value)) return *e = TARN_PICK(tarn_scalar_int(value == Py_True, TARN_BOOL)), true;
    if (PySlice_Check(value)) return read_slice(value, e);
    if (is_array(value) || PyList_Check(value)) return read_array(value, e);
    if (PyLong_Check(value)) return read_number(value, e);
    if (PyObject_HasAttrString(value, "__mlx_array__") || PyObject_HasAttrString(value, "__dlpack__"))
        return read_array(value, e);
    return PyIndex_Check(value) ? read_number(value, e) : refuse("Cannot index an array using the given type.");
}

static bool read_list(PyObject *list, subscript *s) {
    s->count = PyTuple_Size(list);
    if (s->count > COUNT(s->list)) return refuse("Too many indices.");
    for (Py_ssize_t i = 0; i < s->count; i++)
        if (!read_entry(PyTuple_GetItem(list, i), &s->list[i])) return false;
    return true;
}

static bool read_index(PyObject *index, subscript *s) {
    if (PyTuple_Check(index)) return read_list(index, s);
    s->count = 1;
    return read_entry(index, s->list);
}

/* MLX has no masks in what is read; programs ask whether it refuses them. */
static bool no_masks(const subscript *s) {
    for (int64_t i = 0; i < s->count; i++)
        if (s->list[i].kind == TARN_ENTRY_ARRAY && tarn_dtype_of(s->list[i].array) == TARN_BOOL)
            return refuse("boolean indices are not yet supported");
    return true;
}

/* Masks are counted when the array is read: computed here, others may use the interpreter meanwhile. */
static bool compute_masks(const subscript *s) {
    for (int64_t i = 0; i < s->count; i++) {
        tarn_array *a = s->list[i].kind == TARN_ENTRY_ARRAY ? s->list[i].array : NULL;
        if (a && tarn_dtype_of(a) == TARN_BOOL && !tarn_is_computed(a) && !evaluate(&a, 1)) return false;
    }
    return true;
}

tarn_array *index_read(tarn_array *a, PyObject *index) {
    subscript s;
    bool good = read_index(index, &s) && (like_mlx ? no_masks(&s) : compute_masks(&s));
    return good ? tarn_index(a, ((tarn_entries){s.list, s.count})) : NULL;
}

tarn_array *index_update(tarn_array *a, PyObject *index, tarn_array *value, tarn_scatter_mode mode) {
    subscript s;
    if (!read_index(index, &s)) return NULL;
    return tarn_index_update(a, ((tarn_entries){s.list, s.count}), value, .mode = mode);
}

/* ---- slots */

PyObject *array_subscript(PyObject *self, PyObject *index) {
    TARN_SCOPE;
    tarn_array *a = held_array(self);
    return new_array(a ? index_read(a, index) : NULL);
}

int array_assign(PyObject *self, PyObject *index, PyObject *value) {
    TARN_SCOPE;
    if (!value) return PyErr_SetString(PyExc_TypeError, "elements of an array cannot be deleted"), -1;
    tarn_array *a = held_array(self), *by = NULL;
    if (!a) return raise_error(), -1;
    if (!operand_like(value, a, &by)) return -1;
    tarn_array *made = index_update(a, index, by, TARN_SCATTER_SET);
    return made ? (replace_array(self, made), 0) : (raise_error(), -1);
}
