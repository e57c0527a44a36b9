/* DLPack, the protocol by which array libraries hand each other memory (https://dmlc.github.io/dlpack). Exported memory
   is pinned until the other side gives it back, on the device that has it or that is asked for. What is imported is
   copied, but what from_dlpack gets of a CUDA device is shared. */
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
enum { DL_CPU = 1, DL_CUDA = 2, DL_INT = 0, DL_UINT = 1, DL_FLOAT = 2, DL_BFLOAT = 4, DL_COMPLEX = 5, DL_BOOL = 6 };

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

static dl_device device_of(const tarn_array *a) {
    tarn_device there = tarn_resident_device(a);
    return there.type == TARN_CUDA ? (dl_device){DL_CUDA, there.index} : (dl_device){DL_CPU, 0};
}

/* The stream that stands for the device; *stream NULL for the host. False with an exception. */
static bool stream_of_device(dl_device device, tarn_stream **stream) {
    *stream = NULL;
    if (device.type == DL_CPU) return true;
    if (device.type != DL_CUDA)
        return PyErr_Format(PyExc_BufferError, "there is no device of DLPack's type %d here", device.type), false;
    if (device.index < 0 || device.index >= tarn_device_count(TARN_CUDA))
        return PyErr_Format(PyExc_BufferError, "there is no CUDA device %d here", device.index), false;
    return (*stream = tarn_default_stream((tarn_device){TARN_CUDA, device.index})) != NULL;
}

/* The same values in memory of their own. */
static tarn_array *copied(tarn_array *a) {
    return tarn_where(tarn_scalar(1, TARN_BOOL), a, a);
}

static export *new_export(tarn_array *a, dl_device device) {
    tarn_layout layout;
    tarn_stream *stream;
    if (!stream_of_device(device, &stream) || !evaluate(&a, 1)) return raise_error(), NULL;
    export *made = calloc(1, sizeof *made);
    if (!made) return PyErr_NoMemory(), NULL;
    if (!(made->pin = tarn_pin(a, &layout, .stream = stream))) return free(made), raise_error(), NULL;
    for (int i = 0; i < tarn_ndim(a); i++) made->shape[i] = tarn_dim(a, i), made->strides[i] = layout.strides[i];
    dl_tensor tensor = {
        (void *)(uintptr_t)layout.data, device, tarn_ndim(a), dtypes[tarn_dtype_of(a)], made->shape, made->strides, 0};
    made->plain = (dl_managed){tensor, made, release_plain};
    made->versioned = (dl_versioned){1, 0, made, release_versioned, 0, tensor};
    return made;
}

/* An argument that is a pair of int; of None both stay as they are. */
static bool read_pair(PyObject *pair, const char *name, int *first, int *second) {
    if (pair == Py_None) return true;
    if (PyTuple_Check(pair)) return PyArg_ParseTuple(pair, "ii:__dlpack__", first, second);
    return PyErr_Format(PyExc_TypeError, "__dlpack__(): %s is a %s, not a tuple", name, type_name(pair)), false;
}

/* What lies elsewhere would have to be copied. False with an exception. */
static bool lies_there(dl_device own, dl_device there) {
    bool same = own.type == there.type && (own.type == DL_CPU || own.index == there.index);
    return same ||
           (PyErr_SetString(PyExc_BufferError, "__dlpack__(): the array is on another device, and copy is False"),
            false);
}

PyObject *array_dlpack(PyObject *self, PyObject *arguments, PyObject *named) {
    static char *names[] = {"stream", "max_version", "dl_device", "copy", NULL};
    PyObject *stream = Py_None, *version = Py_None, *device = Py_None, *copy = Py_None;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "|$OOOO:__dlpack__", names, &stream, &version, &device, &copy))
        return NULL;
    TARN_SCOPE;
    tarn_array *held = held_array(self);
    if (!held) return raise_error();
    const dl_device own = device_of(held);
    dl_device there = own;
    int major = 0, minor = 0;
    if (!read_pair(device, "dl_device", &there.type, &there.index) ||
        !read_pair(version, "max_version", &major, &minor))
        return NULL;
    if (copy == Py_False && !lies_there(own, there)) return NULL;
    export *made = new_export(copy == Py_True ? copied(held) : held, there);
    if (!made) return NULL;
    PyObject *capsule = major >= 1 ? PyCapsule_New(&made->versioned, "dltensor_versioned", drop_versioned)
                                   : PyCapsule_New(&made->plain, "dltensor", drop_plain);
    return capsule ? capsule : (give_back(made), NULL);
}

PyObject *array_dlpack_device(PyObject *self, PyObject *unused) {
    dl_device device = device_of(ARRAY(self));
    return (void)unused, Py_BuildValue("ii", device.type, device.index);
}

/* ---- import: a dense copy of what the host has, the memory itself of what a CUDA device has */

/* Which the copy rounds to complex64. */
static bool is_complex128(const dl_tensor *t) {
    return t->device.type == DL_CPU && memcmp(&t->dtype, &(dl_dtype){DL_COMPLEX, 128, 1}, sizeof t->dtype) == 0;
}

static bool known_dtype(const dl_tensor *t, tarn_dtype *found) {
    for (int i = 0; i < TARN_DTYPE_COUNT; i++)
        if (memcmp(&dtypes[i], &t->dtype, sizeof t->dtype) == 0) return *found = (tarn_dtype)i, true;
    if (is_complex128(t)) return *found = TARN_COMPLEX64, true;
    return tarn_fail("no dtype for DLPack's type %d with %d bits", t->dtype.code, t->dtype.bits);
}

static char *copy_rows(const dl_tensor *t, int axis, const char *from, char *to, int64_t bytes) {
    if (axis == t->ndim) return memcpy(to, from, (size_t)bytes), to + bytes;
    for (int64_t i = 0; i < t->shape[axis]; i++)
        to = copy_rows(t, axis + 1, from + i * t->strides[axis] * bytes, to, bytes);
    return to;
}

static bool takes(const dl_tensor *t, tarn_dtype *dtype) {
    if (t->device.type != DL_CPU && t->device.type != DL_CUDA)
        return tarn_fail("from_dlpack: the array is not in host memory, but on a device of DLPack's type %d",
                         t->device.type);
    if (t->ndim < 0 || t->ndim > TARN_MAX_NDIM)
        return tarn_fail("from_dlpack: an array of %d axes; there are at most %d", t->ndim, TARN_MAX_NDIM);
    return known_dtype(t, dtype);
}

/* The bytes of a dense copy; -1 for a negative shape, and for too many. */
static int64_t dense_bytes(const dl_tensor *t) {
    int64_t bytes = t->dtype.bits / 8;
    for (int i = 0; i < t->ndim; i++)
        if (t->shape[i] < 0 || __builtin_mul_overflow(bytes, t->shape[i], &bytes)) return -1;
    return bytes;
}

static tarn_array *of_dense(const dl_tensor *t, const void *values, tarn_dtype dtype, int64_t bytes) {
    tarn_ints shape = {t->shape, t->ndim};
    return is_complex128(t) ? array_of_complex128(values, shape, bytes) : tarn_from_data(values, shape, dtype);
}

static tarn_array *of_host(const dl_tensor *t, tarn_dtype dtype) {
    int64_t bytes = dense_bytes(t);
    const char *from = (const char *)t->data + t->byte_offset;
    if (bytes < 0) return tarn_fail("from_dlpack: the shape is negative or too large"), NULL;
    if (!t->strides) return of_dense(t, from, dtype, bytes);
    char *dense = PyMem_Malloc((size_t)bytes + 1);
    if (!dense) return PyErr_NoMemory(), NULL;
    if (bytes > 0) copy_rows(t, 0, from, dense, t->dtype.bits / 8);
    tarn_array *a = of_dense(t, dense, dtype, bytes);
    PyMem_Free(dense);
    return a;
}

/* What a capsule holds, and how it is given back: any thread may do so, and the other side may be Python, which wants
   no exception to be set. */
typedef struct {
    const dl_tensor *tensor;
    dl_managed *plain;
    dl_versioned *versioned;
} held_tensor;

static void give_tensor_back(void *context) {
    held_tensor *held = context;
    PyObject *type, *value, *trace;
    PyGILState_STATE lock = PyGILState_Ensure();
    PyErr_Fetch(&type, &value, &trace);
    if (held->plain && held->plain->release) held->plain->release(held->plain);
    if (held->versioned && held->versioned->release) held->versioned->release(held->versioned);
    PyErr_Restore(type, value, trace);
    PyGILState_Release(lock);
    free(held);
}

/* How many elements of memory a tensor spans from its first one on; -1 for strides that go back, and for too many. */
static int64_t span_of(const dl_tensor *t, int64_t strides[]) {
    int64_t span = 1, dense = 1, last;
    for (int i = t->ndim - 1; i >= 0; i--) {
        strides[i] = t->strides ? t->strides[i] : dense;
        if (strides[i] < 0 || __builtin_mul_overflow(t->shape[i] - 1, strides[i], &last) ||
            __builtin_add_overflow(span, last, &span) || __builtin_mul_overflow(dense, t->shape[i], &dense))
            return -1;
    }
    return dense ? span : 0;
}

/* An array over the memory, which holds `held` from then on; NULL: the caller still does. */
static tarn_array *over_device(held_tensor *held, tarn_dtype dtype) {
    const dl_tensor *t = held->tensor;
    int64_t strides[TARN_MAX_NDIM + 1], span = span_of(t, strides);
    tarn_stream *stream;
    if (!stream_of_device(t->device, &stream)) return NULL;
    if (span < 0) return tarn_fail("from_dlpack: strides of a tensor on a CUDA device go back or too far"), NULL;
    return tarn_from_foreign((const char *)t->data + t->byte_offset, TARN_SHAPE(span), dtype, .stream = stream,
                             .release = give_tensor_back, .context = held);
}

static tarn_array *as_tensor(tarn_array *memory, const dl_tensor *t) {
    int64_t strides[TARN_MAX_NDIM + 1];
    tarn_ints shape = {t->shape, t->ndim}, steps = {strides, t->ndim};
    span_of(t, strides);
    return t->strides ? tarn_as_strided(memory, shape, steps) : tarn_reshape(memory, shape);
}

/* A copy lies on the device that computes now. Without one the view is evaluated, for then it lies where its memory
   does, whatever that device is. */
static tarn_array *copied_if(bool copy, tarn_array *a) {
    tarn_array *result = a && copy ? copied(a) : a;
    return result && evaluate(&result, 1) ? result : NULL;
}

static tarn_array *of_held(held_tensor *held, PyObject *copy) {
    tarn_dtype dtype = TARN_FLOAT32;
    bool taken = takes(held->tensor, &dtype), on_host = taken && held->tensor->device.type == DL_CPU;
    if (on_host && copy == Py_False) tarn_fail("from_dlpack: an array cannot be made without a copy"), taken = false;
    tarn_array *a = !taken ? NULL : on_host ? of_host(held->tensor, dtype) : over_device(held, dtype);
    if (a && !on_host) return copied_if(copy == Py_True, as_tensor(a, held->tensor));
    give_tensor_back(held);
    return a;
}

/* Takes what a capsule holds, which is then marked as used, and gives it back when nobody reads it any more. */
static tarn_array *of_capsule(PyObject *capsule, PyObject *copy) {
    bool versioned = PyCapsule_IsValid(capsule, "dltensor_versioned");
    void *managed = PyCapsule_GetPointer(capsule, versioned ? "dltensor_versioned" : "dltensor");
    held_tensor *held = managed ? calloc(1, sizeof *held) : NULL;
    if (!held) return managed ? PyErr_NoMemory() : NULL, NULL;
    PyCapsule_SetName(capsule, versioned ? "used_dltensor_versioned" : "used_dltensor");
    if (versioned) {
        held->versioned = managed;
        held->tensor = &held->versioned->tensor;
        if (held->versioned->major == 1) return of_held(held, copy);
        tarn_fail("from_dlpack: version %u of DLPack", held->versioned->major);
        return give_tensor_back(held), NULL;
    }
    held->plain = managed;
    held->tensor = &held->plain->tensor;
    return of_held(held, copy);
}

static int device_type_of(PyObject *value) {
    PyObject *device = PyObject_CallMethod(value, "__dlpack_device__", NULL);
    int type = DL_CPU, index;
    if (!device || !PyTuple_Check(device) || !PyArg_ParseTuple(device, "ii", &type, &index)) PyErr_Clear();
    Py_XDECREF(device);
    return type;
}

/* Takes over the arguments. */
static PyObject *capsule_with(PyObject *value, PyObject *named) {
    PyObject *export_method = PyObject_GetAttrString(value, "__dlpack__"), *none = PyTuple_New(0);
    PyObject *capsule = export_method && none && named ? PyObject_Call(export_method, none, named) : NULL;
    Py_XDECREF(export_method);
    Py_XDECREF(none);
    Py_XDECREF(named);
    return capsule;
}

/* On a CUDA device the other side is asked that its default stream (1) shall be behind what it computes, for that is
   waited for. Older exporters know no max_version. */
static PyObject *capsule_of(PyObject *value) {
    bool cuda = device_type_of(value) == DL_CUDA;
    PyObject *capsule =
        capsule_with(value, Py_BuildValue(cuda ? "{s(ii)si}" : "{s(ii)}", "max_version", 1, 0, "stream", 1));
    if (capsule || !PyErr_ExceptionMatches(PyExc_TypeError)) return capsule;
    PyErr_Clear();
    return capsule_with(value, Py_BuildValue(cuda ? "{si}" : "{}", "stream", 1));
}

tarn_array *array_of_dlpack(PyObject *value, PyObject *copy) {
    if (!PyCapsule_CheckExact(value) && !PyObject_HasAttrString(value, "__dlpack__"))
        return PyErr_Format(PyExc_TypeError, "from_dlpack(): a %s has no __dlpack__", type_name(value)), NULL;
    PyObject *capsule = PyCapsule_CheckExact(value) ? Py_NewRef(value) : capsule_of(value);
    tarn_array *a = capsule ? of_capsule(capsule, copy) : NULL;
    Py_XDECREF(capsule);
    return a;
}
