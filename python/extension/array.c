/* The array type: how an object is made and given up, and its properties. Each object keeps one tarn_array, which
   assignment replaces. */
#include "extension.h"

#include <structmember.h>

PyTypeObject *array_type;

bool is_array(PyObject *object) {
    return Py_IS_TYPE(object, array_type) || PyType_IsSubtype(Py_TYPE(object), array_type);
}

/* Only what a function of Python may hang on is worth the collector's time: arrays made while no graph keeps one cannot
   be part of a cycle. */
static void watch(PyObject *self) {
    if (live_closures > 0 && !PyObject_GC_IsTracked(self)) PyObject_GC_Track(self);
}

tarn_array *held_array(PyObject *object) {
    if (!ARRAY(object)) tarn_fail("an array that was never given a value");
    return tarn_hold(ARRAY(object));
}

static PyObject *new_object(PyTypeObject *type, tarn_array *a) {
    array_object *object =
        type == array_type ? PyObject_GC_New(array_object, type) : (array_object *)PyType_GenericAlloc(type, 0);
    if (!object) return NULL;
    object->weak_references = NULL;
    object->value = a ? tarn_own(a) : NULL;
    watch((PyObject *)object);
    return (PyObject *)object;
}

PyObject *new_array(tarn_array *a) {
    return a ? new_object(array_type, a) : raise_error();
}

static PyObject *filled(PyObject *sequence, int (*set)(PyObject *, Py_ssize_t, PyObject *), tarn_array *const *arrays,
                        Py_ssize_t count) {
    for (Py_ssize_t i = 0; sequence && i < count; i++) {
        PyObject *item = new_array(arrays[i]);
        if (!item || set(sequence, i, item) < 0) Py_CLEAR(sequence);
    }
    return sequence;
}

PyObject *new_tuple(tarn_array *const *arrays, Py_ssize_t count) {
    return filled(PyTuple_New(count), PyTuple_SetItem, arrays, count);
}

PyObject *new_list(tarn_array *const *arrays, Py_ssize_t count) {
    return filled(PyList_New(count), PyList_SetItem, arrays, count);
}

PyObject *new_shape(const tarn_array *a) {
    PyObject *shape = PyTuple_New(tarn_ndim(a));
    for (int i = 0; shape && i < tarn_ndim(a); i++) PyTuple_SetItem(shape, i, PyLong_FromLongLong(tarn_dim(a, i)));
    return shape;
}

static bool good(void) {
    return tarn_ok() && !PyErr_Occurred();
}
PyObject *new_bool(bool value) {
    return good() ? PyBool_FromLong(value) : raise_error();
}
PyObject *new_int(int64_t value) {
    return good() ? PyLong_FromLongLong(value) : raise_error();
}
PyObject *new_none(void) {
    return tarn_ok() ? Py_NewRef(Py_None) : raise_error();
}

bool evaluate(tarn_array *const *list, int count) {
    return wait_for(tarn_eval_all, list, count) || raise_error();
}

bool wait_for(bool (*how)(tarn_array *const *, int), tarn_array *const *list, int count) {
    PyThreadState *state = start_waiting();
    bool done = how(list, count);
    bool quiet = stop_waiting(state);
    return done && quiet;
}

void replace_array(PyObject *self, tarn_array *a) {
    tarn_array *old = ARRAY(self);
    ((array_object *)self)->value = tarn_own(a);
    watch(self);
    tarn_drop(old);
}

/* Without a value until __init__ or __setstate__ gives one. */
static PyObject *array_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    (void)arguments, (void)named;
    return new_object(type, NULL);
}

static int array_init(PyObject *self, PyObject *arguments, PyObject *named) {
    static char *names[] = {"val", "dtype", NULL};
    PyObject *value, *given = Py_None;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "O|O:array", names, &value, &given)) return -1;
    if (value == Py_None || (given != Py_None && !is_dtype(given))) {
        PyErr_Format(PyExc_TypeError,
                     "array(): val must be a number, list, tuple or array and dtype a Dtype, not %s and %s",
                     type_name(value), type_name(given));
        return -1;
    }
    TARN_SCOPE;
    tarn_dtype dtype = given == Py_None ? TARN_FLOAT32 : dtype_of_object(given);
    tarn_array *a = array_of_object(value, given == Py_None ? NULL : &dtype);
    return a ? (replace_array(self, a), 0) : (raise_error(), -1);
}

static int array_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    return visit_closures_of(ARRAY(self), visit, arg);
}

static int array_clear(PyObject *self) {
    tarn_array *a = ARRAY(self);
    ((array_object *)self)->value = NULL;
    tarn_drop(a);
    return 0;
}

static void array_free(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (((array_object *)self)->weak_references) PyObject_ClearWeakRefs(self);
    array_clear(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* Arrays are told apart by who they are, although == compares their elements. */
static Py_hash_t array_hash(PyObject *self) {
    return (Py_hash_t)((uintptr_t)self >> 4);
}

/* ---- properties */

static PyObject *array_shape(PyObject *self, void *unused) {
    return (void)unused, new_shape(ARRAY(self));
}
static PyObject *array_dtype(PyObject *self, void *unused) {
    return (void)unused, new_dtype(tarn_dtype_of(ARRAY(self)));
}
static PyObject *array_ndim(PyObject *self, void *unused) {
    return (void)unused, PyLong_FromLong(tarn_ndim(ARRAY(self)));
}
static PyObject *array_size(PyObject *self, void *unused) {
    return (void)unused, new_int(tarn_size(ARRAY(self)));
}

static PyObject *array_itemsize(PyObject *self, void *unused) {
    return (void)unused, new_int(tarn_dtype_bytes(tarn_dtype_of(ARRAY(self))));
}

static PyObject *array_nbytes(PyObject *self, void *unused) {
    return (void)unused, new_int(tarn_size(ARRAY(self)) * tarn_dtype_bytes(tarn_dtype_of(ARRAY(self))));
}

static PyObject *array_transposed(PyObject *self, void *unused) {
    (void)unused;
    TARN_SCOPE;
    return new_array(tarn_transpose(ARRAY(self)));
}

tarn_array *matrix_transposed(tarn_array *a) {
    if (tarn_ndim(a) >= 2) return tarn_swapaxes(a, -1, -2);
    return tarn_fail("matrix_transpose: the array must have at least 2 axes, not %d", tarn_ndim(a)), NULL;
}

static PyObject *array_matrix_transposed(PyObject *self, void *unused) {
    (void)unused;
    TARN_SCOPE;
    return new_array(matrix_transposed(ARRAY(self)));
}

static PyObject *array_real(PyObject *self, void *unused) {
    (void)unused;
    TARN_SCOPE;
    return new_array(tarn_real(ARRAY(self)));
}

static PyObject *array_imag(PyObject *self, void *unused) {
    (void)unused;
    TARN_SCOPE;
    return new_array(tarn_imag(ARRAY(self)));
}

static PyGetSetDef properties[] = {
    {"shape", array_shape, NULL, "The size of each axis, a tuple.", NULL},
    {"dtype", array_dtype, NULL, "The type of the elements.", NULL},
    {"ndim", array_ndim, NULL, "How many axes there are.", NULL},
    {"size", array_size, NULL, "How many elements there are.", NULL},
    {"itemsize", array_itemsize, NULL, "Bytes of an element.", NULL},
    {"nbytes", array_nbytes, NULL, "Bytes of all elements.", NULL},
    {"T", array_transposed, NULL, "The array with its axes reversed.", NULL},
    {"mT", array_matrix_transposed, NULL, "The array with its last two axes exchanged.", NULL},
    {"real", array_real, NULL, "The real part.", NULL},
    {"imag", array_imag, NULL, "The imaginary part.", NULL},
    {"at", array_at, NULL, "a.at[index].add(value): a with all updates applied, also those of the same element.", NULL},
    {0}};

static PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(array_object, weak_references), READONLY, NULL}, {0}};

static const PyType_Slot own_slots[] = {
    {Py_tp_doc, "array(val, dtype=None)\n--\n\nAn array of numbers, computed when it is needed.\n\n"
                "val is a number, a list or tuple (nested), another array, or an object with a buffer (NumPy).\n\n"
                ">>> mx.array([1.0, 2.0]) + 1\narray([2, 3], dtype=float32)"},
    {Py_tp_new, SLOT(array_new)},
    {Py_tp_init, SLOT(array_init)},
    {Py_tp_traverse, SLOT(array_traverse)},
    {Py_tp_clear, SLOT(array_clear)},
    {Py_tp_dealloc, SLOT(array_free)},
    {Py_tp_getset, properties},
    {Py_tp_members, members},
    {Py_tp_repr, SLOT(array_repr)},
    {Py_tp_iter, SLOT(array_iterate)},
    {Py_tp_richcompare, SLOT(array_compare)},
    {Py_tp_hash, SLOT(array_hash)},
    {Py_mp_length, SLOT(array_length)},
    {Py_sq_length, SLOT(array_length)},
    {Py_sq_item, SLOT(array_element)},
    {Py_mp_subscript, SLOT(array_subscript)},
    {Py_mp_ass_subscript, SLOT(array_assign)},
    {Py_bf_getbuffer, SLOT(array_get_buffer)},
    {Py_bf_releasebuffer, SLOT(array_release_buffer)},
};

static const PyMethodDef own_methods[] = {
    {"item", array_item, METH_NOARGS, "item()\n--\n\nThe value of an array of one element, a Python number."},
    {"tolist", array_tolist, METH_NOARGS, "tolist()\n--\n\nThe values as nested lists of Python numbers."},
    {"__complex__", array_complex, METH_NOARGS, NULL},
    {"__format__", array_format, METH_O, NULL},
    {"__copy__", array_copy, METH_NOARGS, NULL},
    {"__deepcopy__", array_copy, METH_O, NULL},
    {"__getstate__", array_get_state, METH_NOARGS, NULL},
    {"__setstate__", array_set_state, METH_O, NULL},
    {"__bytes__", array_bytes, METH_NOARGS, NULL},
    {"__array__", METHOD(array_numpy), METH_VARARGS | METH_KEYWORDS, NULL},
    {"__array_namespace__", METHOD(array_namespace), METH_VARARGS | METH_KEYWORDS, NULL},
    {"__dlpack__", METHOD(array_dlpack), METH_VARARGS | METH_KEYWORDS, NULL},
    {"__dlpack_device__", array_dlpack_device, METH_NOARGS, NULL},
    {"__div__", array_divide, METH_O, NULL},
    {"__rdiv__", array_divide_into, METH_O, NULL},
};

/* Own methods and those of the rows: a type has one table. */
static PyMethodDef *all_methods(void) {
    static PyMethodDef methods[128];
    int count = 0;
    for (int i = 0; i < COUNT(own_methods); i++) methods[count++] = own_methods[i];
    for (const PyMethodDef *row = methods_of_rows; row->ml_name && count < COUNT(methods) - 1; row++)
        methods[count++] = *row;
    return methods;
}

bool add_types(PyObject *module) {
    PyType_Slot slots[64] = {{Py_tp_methods, all_methods()}};
    int count = 1;
    for (int i = 0; i < COUNT(own_slots); i++) slots[count++] = own_slots[i];
    for (int i = 0; i < operator_slot_count; i++) slots[count++] = operator_slots[i];
    PyType_Spec spec = {"tarn.core.array", sizeof(array_object), 0,
                        Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
    array_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return array_type && PyModule_AddObjectRef(module, "array", (PyObject *)array_type) == 0;
}
