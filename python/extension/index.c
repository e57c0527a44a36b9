/* a[...] and a[...] = v: integers, slices, None, Ellipsis, index arrays (lists count as such) and masks, by tarn_index.
 */
#include "extension.h"

enum { MOST = 2 * TARN_MAX_NDIM };
typedef struct {
    tarn_entry entries[MOST];
    int count;
} subscript;

/* ---- reading the index */

static bool refuse(const char *message) {
    return PyErr_SetString(PyExc_ValueError, message), false;
}

static bool bound(PyObject *slice, const char *name, int64_t absent, int64_t *result) {
    PyObject *value = PyObject_GetAttrString(slice, name);
    bool good = value != NULL;
    if (value == Py_None)
        *result = absent;
    else if (good && !PyIndex_Check(value))
        good = refuse("Slice indices must be integers or None.");
    else if (good)
        *result = PyNumber_AsSsize_t(value, NULL); /* clips what is too large, as slices do */
    Py_XDECREF(value);
    return good && !PyErr_Occurred();
}

static bool read_slice(PyObject *slice, tarn_entry *e) {
    e->kind = TARN_ENTRY_SLICE;
    if (!bound(slice, "step", 1, &e->step)) return false;
    if (e->step == 0) return refuse("The step of a slice must not be zero.");
    bool back = e->step < 0;
    return bound(slice, "start", back ? INT64_MAX : 0, &e->start) &&
           bound(slice, "stop", back ? INT64_MIN : INT64_MAX, &e->stop);
}

static bool read_integer(PyObject *value, tarn_entry *e) {
    e->kind = TARN_ENTRY_INTEGER;
    if (int_of_object(value, &e->start)) return true;
    return PyErr_ExceptionMatches(PyExc_OverflowError) ? refuse("An index is beyond 64 bits.") : false;
}

static bool read_array(PyObject *value, tarn_entry *e) {
    e->kind = TARN_ENTRY_ARRAY;
    e->array = is_array(value) ? ARRAY(value) : array_of_object(value, NULL);
    if (!e->array) return raise_error(), false;
    tarn_dtype dtype = tarn_dtype_of(e->array);
    if (PyList_Check(value) && tarn_size(e->array) == 0) /* an empty list is one of integers */
        e->array = tarn_astype(e->array, dtype = TARN_INT32);
    return is_integer(dtype) || dtype == TARN_BOOL || refuse("Indices must be integral, or bool as a mask.");
}

static bool read_entry(PyObject *value, subscript *s) {
    if (s->count == MOST) return refuse("Too many indices.");
    tarn_entry *e = &s->entries[s->count++];
    *e = (tarn_entry){0};
    if (value == Py_None) return e->kind = TARN_ENTRY_NEW_AXIS, true;
    if (value == Py_Ellipsis) return e->kind = TARN_ENTRY_ELLIPSIS, true;
    if (PySlice_Check(value)) return read_slice(value, e);
    if (PyLong_Check(value) && !PyBool_Check(value)) return read_integer(value, e);
    return is_array(value) || PyList_Check(value) ? read_array(value, e)
                                                  : refuse("Cannot index an array using the given type.");
}

static bool read_index(PyObject *index, subscript *s) {
    if (!PyTuple_Check(index)) return read_entry(index, s);
    for (Py_ssize_t i = 0; i < PyTuple_Size(index); i++)
        if (!read_entry(PyTuple_GetItem(index, i), s)) return false;
    return true;
}

/* ---- reads and updates */

static tarn_array *read_at(tarn_array *a, const subscript *s) {
    return tarn_index(a, ((tarn_entries){s->entries, s->count}));
}

tarn_array *index_read(tarn_array *a, PyObject *index) {
    subscript s = {.count = 0};
    return read_index(index, &s) ? read_at(a, &s) : NULL;
}

/* Axes of size 1 that value has in front of those of the result, which MLX lets go. */
static tarn_array *without_leading_ones(tarn_array *value, int ndim) {
    while (value && tarn_ndim(value) > ndim && tarn_dim(value, 0) == 1)
        value = tarn_squeeze(value, .axes = TARN_AXES(0));
    return value;
}

static bool is_mask_alone(const subscript *s) {
    return s->count == 1 && s->entries[0].kind == TARN_ENTRY_ARRAY && tarn_dtype_of(s->entries[0].array) == TARN_BOOL;
}

tarn_array *index_update(tarn_array *a, PyObject *index, tarn_array *value, tarn_scatter_mode mode) {
    subscript s = {.count = 0};
    if (!read_index(index, &s)) return NULL;
    if (!is_mask_alone(&s)) /* what is read has the shape to which value broadcasts; nothing is computed of it */
        value = without_leading_ones(value, tarn_ndim(read_at(a, &s)));
    return tarn_index_update(a, ((tarn_entries){s.entries, s.count}), value, .mode = mode);
}

/* ---- slots */

PyObject *array_subscript(PyObject *self, PyObject *index) {
    TARN_SCOPE;
    return new_array(index_read(ARRAY(self), index));
}

int array_assign(PyObject *self, PyObject *index, PyObject *value) {
    TARN_SCOPE;
    if (!value) return PyErr_SetString(PyExc_TypeError, "elements of an array cannot be deleted"), -1;
    tarn_array *a = NULL;
    if (!operand_like(value, ARRAY(self), &a)) return -1;
    tarn_array *made = index_update(ARRAY(self), index, a, TARN_SCATTER_SET);
    return made ? (replace_array(self, made), 0) : (raise_error(), -1);
}
