/* Arrays for others: copies, pickles, bytes, NumPy arrays. DLPack: dlpack.c. */
#include "special.h"

/* ---- copies: arrays never change, so a copy shares the values until one of the two is assigned to */

PyObject *array_copy(PyObject *self, PyObject *unused) {
    (void)unused;
    TARN_SCOPE;
    return new_array(array_of_object(self, NULL));
}

/* ---- pickles: (bytes, shape, dtype) */

static PyObject *bytes_of(tarn_array *a) {
    if (!a) return raise_error();
    int64_t size = tarn_size(a) * tarn_dtype_bytes(tarn_dtype_of(a));
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, size);
    if (!bytes) return NULL;
    char *to = PyBytes_AsString(bytes);
    PyThreadState *state = start_waiting();
    bool read = tarn_read(a, to, (size_t)size);
    if (stop_waiting(state) && read) return bytes;
    Py_DECREF(bytes);
    return raise_error();
}

PyObject *array_bytes(PyObject *self, PyObject *unused) {
    (void)unused;
    TARN_SCOPE;
    return bytes_of(held_array(self));
}

PyObject *array_get_state(PyObject *self, PyObject *unused) {
    (void)unused;
    TARN_SCOPE;
    tarn_array *a = held_array(self); /* one array for all three, whatever the object gets meanwhile */
    PyObject *bytes = bytes_of(a), *shape = bytes ? new_shape(a) : NULL, *state = NULL;
    if (shape) state = PyTuple_Pack(3, bytes, shape, new_dtype(tarn_dtype_of(a)));
    Py_XDECREF(bytes);
    Py_XDECREF(shape);
    return state;
}

static tarn_array *of_state(PyObject *bytes, PyObject *shape, PyObject *dtype) {
    int_list sizes CLEANUP(drop_ints) = {0};
    char *values;
    Py_ssize_t length;
    int64_t size = 1;
    if (!is_dtype(dtype) || !ints_of_object(shape, &sizes) || PyBytes_AsStringAndSize(bytes, &values, &length) < 0)
        return NULL;
    for (int64_t i = 0; i < sizes.list.count; i++)
        if (sizes.list.values[i] < 0 || __builtin_mul_overflow(size, sizes.list.values[i], &size))
            return tarn_fail("array.__setstate__: a shape that cannot be"), NULL;
    if (__builtin_mul_overflow(size, tarn_dtype_bytes(dtype_of_object(dtype)), &size) || size != length)
        return tarn_fail("array.__setstate__: %lld bytes instead of %lld", (long long)length, (long long)size), NULL;
    return tarn_from_data(values, sizes.list, dtype_of_object(dtype));
}

PyObject *array_set_state(PyObject *self, PyObject *state) {
    TARN_SCOPE;
    if (!PyTuple_Check(state) || PyTuple_Size(state) != 3)
        return PyErr_SetString(PyExc_ValueError, "array.__setstate__: not what __getstate__ gave"), NULL;
    tarn_array *a = of_state(PyTuple_GetItem(state, 0), PyTuple_GetItem(state, 1), PyTuple_GetItem(state, 2));
    return a ? (replace_array(self, a), Py_NewRef(Py_None)) : raise_error();
}

/* ---- NumPy, when it is there: __array__(dtype=None, copy=None) */

PyObject *array_numpy(PyObject *self, PyObject *arguments, PyObject *named) {
    static char *names[] = {"dtype", "copy", NULL};
    PyObject *dtype = Py_None, *copy = Py_None;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "|OO:__array__", names, &dtype, &copy)) return NULL;
    PyObject *numpy = PyImport_ImportModule("numpy"), *view = numpy ? PyMemoryView_FromObject(self) : NULL;
    PyObject *made =
        view ? PyObject_CallMethod(numpy, copy == Py_False ? "asarray" : "array", "OO", view, dtype) : NULL;
    Py_XDECREF(view);
    Py_XDECREF(numpy);
    return made;
}

/* The module that follows the array API standard. */
PyObject *array_namespace(PyObject *self, PyObject *arguments, PyObject *named) {
    static char *names[] = {"api_version", NULL};
    PyObject *version = Py_None;
    (void)self;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "|O:__array_namespace__", names, &version)) return NULL;
    if (version == Py_None) return PyImport_ImportModule("tarn.core");
    return PyErr_SetString(PyExc_ValueError, "__array_namespace__(): a version of the API cannot be asked for"), NULL;
}

/* Under tarn.mlx what MLX says: no masks are read there, and arrays have ten axes at most. */
PyObject *namespace_info(void) {
    PyObject *module = PyImport_ImportModule("tarn._array_api");
    PyObject *info = module ? PyObject_CallMethod(module, "ArrayNamespaceInfo", "Oi", like_mlx ? Py_False : Py_True,
                                                  like_mlx ? 10 : TARN_MAX_NDIM)
                            : NULL;
    Py_XDECREF(module);
    return info;
}

tarn_array *as_array(PyObject *value, optional_dtype dtype, PyObject *copy) {
    if (copy == Py_False) /* an array never shares the memory of others */
        return tarn_fail("asarray: an array cannot be made without a copy"), NULL;
    if (value == Py_None) return PyErr_SetString(PyExc_TypeError, "asarray() makes no array of None"), NULL;
    return array_of_object(value, dtype.given ? &dtype.value : NULL);
}
