/* The buffer protocol, both ways: arrays of what has a buffer (NumPy, bytes, array.array, memoryview), and the buffer
   of an array. */
#include "extension.h"

#include <string.h>

typedef struct {
    const char *format;
    tarn_dtype dtype;
} format_row;

/* PEP 3118, native sizes. The first row of a dtype is what its own buffers say. */
static const format_row formats[] = {
    {"?", TARN_BOOL},       {"B", TARN_UINT8},   {"H", TARN_UINT16},  {"I", TARN_UINT32},
    {"Q", TARN_UINT64},     {"b", TARN_INT8},    {"h", TARN_INT16},   {"i", TARN_INT32},
    {"q", TARN_INT64},      {"e", TARN_FLOAT16}, {"f", TARN_FLOAT32}, {"d", TARN_FLOAT64},
    {"Zf", TARN_COMPLEX64}, {"L", TARN_UINT64},  {"l", TARN_INT64},   {"bfloat16", TARN_BFLOAT16},
    {"c", TARN_UINT8},
};

static const char *format_of(tarn_dtype dtype) {
    for (int i = 0; i < COUNT(formats); i++)
        if (formats[i].dtype == dtype) return formats[i].format;
    return NULL;
}

static bool dtype_of_format(const char *format, tarn_dtype *dtype) {
    if (!format) /* bytes without a format */
        return *dtype = TARN_UINT8, true;
    format += *format == '@' || *format == '=' || *format == '<';
    for (int i = 0; i < COUNT(formats); i++)
        if (strcmp(formats[i].format, format) == 0) return *dtype = formats[i].dtype, true;
    return false;
}

/* ---- arrays of buffers */

static tarn_ints shape_of_buffer(const Py_buffer *view, int64_t *room) {
    for (int i = 0; i < view->ndim; i++) room[i] = view->shape[i];
    return (tarn_ints){room, view->ndim};
}

/* The values, dense: where the buffer is, or in *copy. */
static const void *dense_values(const Py_buffer *view, void **copy) {
    if (PyBuffer_IsContiguous(view, 'C')) return view->buf;
    *copy = PyMem_Malloc((size_t)view->len);
    if (!*copy) return PyErr_NoMemory(), NULL;
    return PyBuffer_ToContiguous(*copy, view, view->len, 'C') < 0 ? NULL : *copy;
}

tarn_array *array_of_complex128(const double *values, tarn_ints shape, int64_t bytes) {
    float *narrow = PyMem_Malloc((size_t)bytes / 2 + 1);
    if (!narrow) return PyErr_NoMemory(), NULL;
    for (int64_t i = 0; i < bytes / 8; i++) narrow[i] = (float)values[i];
    tarn_array *a = tarn_from_data(narrow, shape, TARN_COMPLEX64);
    PyMem_Free(narrow);
    return a;
}

static tarn_array *of_view(const Py_buffer *view) {
    int64_t room[TARN_MAX_NDIM];
    tarn_dtype stored;
    for (int i = 0; i < view->ndim; i++)
        if (!size_in_range(view->shape[i])) return NULL;
    if (view->ndim > TARN_MAX_NDIM)
        return tarn_fail("array(): a buffer of %d axes; an array has at most %d", view->ndim, TARN_MAX_NDIM), NULL;
    bool is_complex128 = view->format && strcmp(view->format, "Zd") == 0;
    if (!is_complex128 && (!dtype_of_format(view->format, &stored) || tarn_dtype_bytes(stored) != view->itemsize))
        return tarn_fail_kind(TARN_ERROR_RUNTIME, "array(): no dtype for a buffer of format '%s'", view->format), NULL;
    void *copy = NULL;
    const void *values = dense_values(view, &copy);
    tarn_ints shape = shape_of_buffer(view, room);
    tarn_array *a = !values         ? NULL
                    : is_complex128 ? array_of_complex128(values, shape, view->len)
                                    : tarn_from_data(values, shape, stored);
    PyMem_Free(copy);
    return a;
}

tarn_array *array_of_buffer(PyObject *value, const tarn_dtype *dtype) {
    Py_buffer view;
    if (PyObject_GetBuffer(value, &view, PyBUF_FULL_RO) < 0) return NULL;
    tarn_array *a = of_view(&view);
    PyBuffer_Release(&view);
    /* float64 becomes float32 unless it is asked for, as in MLX. */
    tarn_dtype wanted = dtype ? *dtype : a && tarn_dtype_of(a) == TARN_FLOAT64 ? TARN_FLOAT32 : tarn_dtype_of(a);
    return a && wanted != tarn_dtype_of(a) ? tarn_astype(a, wanted) : a;
}

/* ---- the buffer of an array: pinned while it is exported */

typedef struct {
    tarn_pinned *pin;
    Py_ssize_t shape[TARN_MAX_NDIM], strides[TARN_MAX_NDIM];
} export;

static bool is_dense(const tarn_array *a, const Py_ssize_t *strides) {
    Py_ssize_t dense = tarn_dtype_bytes(tarn_dtype_of(a));
    for (int i = tarn_ndim(a); i-- > 0; dense *= tarn_dim(a, i))
        if (tarn_dim(a, i) > 1 && strides[i] != dense) return tarn_size(a) == 0;
    return true;
}

static void describe(const tarn_array *a, const tarn_layout *layout, export *made) {
    for (int i = 0; i < tarn_ndim(a); i++) {
        made->shape[i] = tarn_dim(a, i);
        made->strides[i] = layout->strides[i] * tarn_dtype_bytes(tarn_dtype_of(a));
    }
}

int array_get_buffer(PyObject *self, Py_buffer *view, int flags) {
    TARN_SCOPE;
    tarn_array *a = held_array(self);
    tarn_layout layout;
    *view = (Py_buffer){.obj = NULL};
    if (!a || !evaluate(&a, 1)) return raise_error(), -1;
    export *made = PyMem_Calloc(1, sizeof *made);
    if (!made || !(made->pin = tarn_pin(a, &layout))) return PyMem_Free(made), raise_error(), -1;
    describe(a, &layout, made);
    if ((flags & PyBUF_STRIDES) != PyBUF_STRIDES && !is_dense(a, made->strides)) {
        tarn_unpin(made->pin), PyMem_Free(made);
        return PyErr_SetString(PyExc_BufferError, "the array's elements are not dense"), -1;
    }
    Py_ssize_t bytes = tarn_dtype_bytes(tarn_dtype_of(a));
    *view = (Py_buffer){.buf = (void *)(uintptr_t)layout.data,
                        .obj = Py_NewRef(self),
                        .len = tarn_size(a) * bytes,
                        .itemsize = bytes,
                        .readonly = 0,
                        .ndim = tarn_ndim(a),
                        .internal = made};
    view->format = flags & PyBUF_FORMAT ? (char *)(uintptr_t)format_of(tarn_dtype_of(a)) : NULL;
    view->shape = flags & PyBUF_ND ? made->shape : NULL;
    view->strides = (flags & PyBUF_STRIDES) == PyBUF_STRIDES ? made->strides : NULL;
    return 0;
}

void array_release_buffer(PyObject *self, Py_buffer *view) {
    (void)self;
    export *made = view->internal;
    tarn_unpin(made->pin);
    PyMem_Free(made);
}
