/* DLPack, the protocol by which array libraries hand each other memory (https://dmlc.github.io/dlpack). Exported memory
   is pinned until the other side gives it back; what is imported is copied. */
#include "special.h"

#include <stdlib.h>
#include <string.h>

/* ---- the protocol's structs */

typedef struct {
    int32_t type, index;
} dl_device;
typedef struct {
    uint8_t code, bits;
    uint16_t lanes;
} dl_dtype;
typedef struct {
    void *data;
    dl_device device;
    int32_t ndim;
    dl_dtype dtype;
    int64_t *shape, *strides;
    uint64_t byte_offset;
} dl_tensor;
typedef struct dl_managed {
    dl_tensor tensor;
    void *context;
    void (*release)(struct dl_managed *self);
} dl_managed;
typedef struct dl_versioned {
    uint32_t major, minor;
    void *context;
    void (*release)(struct dl_versioned *self);
    uint64_t flags;
    dl_tensor tensor;
} dl_versioned;
enum { DL_CPU = 1, DL_INT = 0, DL_UINT = 1, DL_FLOAT = 2, DL_BFLOAT = 4, DL_COMPLEX = 5, DL_BOOL = 6 };

static const dl_dtype dtypes[TARN_DTYPE_COUNT] = {
    [TARN_BOOL] = {DL_BOOL, 8, 1},      [TARN_UINT8] = {DL_UINT, 8, 1},        [TARN_UINT16] = {DL_UINT, 16, 1},
    [TARN_UINT32] = {DL_UINT, 32, 1},   [TARN_UINT64] = {DL_UINT, 64, 1},      [TARN_INT8] = {DL_INT, 8, 1},
    [TARN_INT16] = {DL_INT, 16, 1},     [TARN_INT32] = {DL_INT, 32, 1},        [TARN_INT64] = {DL_INT, 64, 1},
    [TARN_FLOAT16] = {DL_FLOAT, 16, 1}, [TARN_BFLOAT16] = {DL_BFLOAT, 16, 1},  [TARN_FLOAT32] = {DL_FLOAT, 32, 1},
    [TARN_FLOAT64] = {DL_FLOAT, 64, 1}, [TARN_COMPLEX64] = {DL_COMPLEX, 64, 1}};

/* ---- export */

typedef struct {
    tarn_pinned *pin;
    int64_t shape[TARN_MAX_NDIM], strides[TARN_MAX_NDIM];
    dl_managed plain;
    dl_versioned versioned;
} export;

static void give_back(export *made) {
    tarn_unpin(made->pin);
    free(made);
}
static void release_plain(dl_managed *self) {
    give_back(self->context);
}
static void release_versioned(dl_versioned *self) {
    give_back(self->context);
}

/* A capsule that nobody took gives the memory back. */
static void drop_plain(PyObject *capsule) {
    if (PyCapsule_IsValid(capsule, "dltensor")) release_plain(PyCapsule_GetPointer(capsule, "dltensor"));
}
static void drop_versioned(PyObject *capsule) {
    if (PyCapsule_IsValid(capsule, "dltensor_versioned"))
        release_versioned(PyCapsule_GetPointer(capsule, "dltensor_versioned"));
}

static export *new_export(tarn_array *a) {
    tarn_layout layout;
    export *made = evaluate(&a, 1) ? calloc(1, sizeof *made) : NULL;
    if (!made || !(made->pin = tarn_pin(a, &layout))) return free(made), raise_error(), NULL;
    for (int i = 0; i < tarn_ndim(a); i++) made->shape[i] = tarn_dim(a, i), made->strides[i] = layout.strides[i];
    dl_tensor tensor = {(void *)(uintptr_t)layout.data,
                        {DL_CPU, 0},
                        tarn_ndim(a),
                        dtypes[tarn_dtype_of(a)],
                        made->shape,
                        made->strides,
                        0};
    made->plain = (dl_managed){tensor, made, release_plain};
    made->versioned = (dl_versioned){1, 0, made, release_versioned, 0, tensor};
    return made;
}

/* Whether the other side asked for capsules of version 1 or later: max_version = (major, minor). */
static bool takes_versions(PyObject *version) {
    return version != Py_None && PyTuple_Check(version) && PyTuple_Size(version) > 0 &&
           PyLong_AsLong(PyTuple_GetItem(version, 0)) >= 1;
}

PyObject *array_dlpack(PyObject *self, PyObject *arguments, PyObject *named) {
    static char *names[] = {"stream", "max_version", "dl_device", "copy", NULL};
    PyObject *stream = Py_None, *version = Py_None, *device = Py_None, *copy = Py_None;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "|$OOOO:__dlpack__", names, &stream, &version, &device, &copy))
        return NULL;
    TARN_SCOPE;
    tarn_array *held CLEANUP(drop_array) = tarn_keep(ARRAY(self)), *a = copy == Py_True ? tarn_contiguous(held) : held;
    export *made = new_export(a);
    if (!made) return NULL;
    PyObject *capsule = takes_versions(version) ? PyCapsule_New(&made->versioned, "dltensor_versioned", drop_versioned)
                                                : PyCapsule_New(&made->plain, "dltensor", drop_plain);
    return capsule ? capsule : (give_back(made), NULL);
}

PyObject *array_dlpack_device(PyObject *self, PyObject *unused) {
    return (void)self, (void)unused, Py_BuildValue("ii", DL_CPU, 0);
}

/* ---- import: a dense copy */

static bool known_dtype(dl_dtype dtype, tarn_dtype *found) {
    for (int i = 0; i < TARN_DTYPE_COUNT; i++)
        if (memcmp(&dtypes[i], &dtype, sizeof dtype) == 0) return *found = (tarn_dtype)i, true;
    return tarn_fail("no dtype for DLPack's type %d with %d bits", dtype.code, dtype.bits);
}

static char *copy_rows(const dl_tensor *t, int axis, const char *from, char *to, int64_t bytes) {
    if (axis == t->ndim) return memcpy(to, from, (size_t)bytes), to + bytes;
    for (int64_t i = 0; i < t->shape[axis]; i++)
        to = copy_rows(t, axis + 1, from + i * t->strides[axis] * bytes, to, bytes);
    return to;
}

static tarn_array *of_tensor(const dl_tensor *t) {
    tarn_dtype dtype = TARN_FLOAT32;
    int64_t size = 1;
    if (t->device.type != DL_CPU)
        return tarn_fail("from_dlpack: the array is not in host memory, but on a device of DLPack's type %d",
                         t->device.type),
               NULL;
    if (!known_dtype(t->dtype, &dtype)) return NULL;
    if (t->ndim > TARN_MAX_NDIM)
        return tarn_fail("from_dlpack: an array of %d axes; there are at most %d", t->ndim, TARN_MAX_NDIM), NULL;
    tarn_ints shape = {t->shape, t->ndim};
    const char *from = (const char *)t->data + t->byte_offset;
    if (!t->strides) return tarn_from_data(from, shape, dtype);
    for (int i = 0; i < t->ndim; i++) size *= t->shape[i];
    char *dense = PyMem_Malloc((size_t)(size * tarn_dtype_bytes(dtype)) + 1);
    if (!dense) return PyErr_NoMemory(), NULL;
    if (size > 0) copy_rows(t, 0, from, dense, tarn_dtype_bytes(dtype));
    tarn_array *a = tarn_from_data(dense, shape, dtype);
    PyMem_Free(dense);
    return a;
}

/* Takes what a capsule holds, which is then marked as used, and gives it back. */
static tarn_array *of_capsule(PyObject *capsule) {
    if (PyCapsule_IsValid(capsule, "dltensor_versioned")) {
        dl_versioned *managed = PyCapsule_GetPointer(capsule, "dltensor_versioned");
        tarn_array *a = managed->major == 1 ? of_tensor(&managed->tensor)
                                            : (tarn_fail("from_dlpack: version %u of DLPack", managed->major), NULL);
        PyCapsule_SetName(capsule, "used_dltensor_versioned");
        return managed->release ? managed->release(managed) : (void)0, a;
    }
    dl_managed *managed = PyCapsule_GetPointer(capsule, "dltensor");
    if (!managed) return NULL;
    tarn_array *a = of_tensor(&managed->tensor);
    PyCapsule_SetName(capsule, "used_dltensor");
    return managed->release ? managed->release(managed) : (void)0, a;
}

/* Python functions have no positional form of max_version; older exporters know no such argument. */
static PyObject *capsule_of(PyObject *value) {
    PyObject *export_method = PyObject_GetAttrString(value, "__dlpack__"), *none = PyTuple_New(0);
    PyObject *named = Py_BuildValue("{s(ii)}", "max_version", 1, 0), *capsule = NULL;
    if (export_method && none && named) {
        capsule = PyObject_Call(export_method, none, named);
        if (!capsule && PyErr_ExceptionMatches(PyExc_TypeError))
            PyErr_Clear(), capsule = PyObject_Call(export_method, none, NULL);
    }
    Py_XDECREF(export_method);
    Py_XDECREF(none);
    Py_XDECREF(named);
    return capsule;
}

tarn_array *array_of_dlpack(PyObject *value, PyObject *copy) {
    if (copy == Py_False) return tarn_fail("from_dlpack: an array cannot be made without a copy"), NULL;
    if (!PyCapsule_CheckExact(value) && !PyObject_HasAttrString(value, "__dlpack__"))
        return PyErr_Format(PyExc_TypeError, "from_dlpack(): a %s has no __dlpack__", type_name(value)), NULL;
    PyObject *capsule = PyCapsule_CheckExact(value) ? Py_NewRef(value) : capsule_of(value);
    tarn_array *a = capsule ? of_capsule(capsule) : NULL;
    Py_XDECREF(capsule);
    return a;
}
