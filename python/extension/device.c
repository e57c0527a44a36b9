/* Devices and streams: DeviceType, Device, Stream, ThreadLocalStream, StreamContext, and what a `stream` argument may
 * be. */
#include "special.h"

#include <string.h>
#include <structmember.h>

typedef struct {
    PyObject_HEAD tarn_device device;
} device_object;
typedef struct {
    PyObject_HEAD tarn_stream *stream;
    unsigned long thread; /* that made the object; 0: of all threads */
} stream_object;
typedef struct {
    PyObject_HEAD tarn_device device;
    long number;
} local_stream_object;
typedef struct {
    PyObject_HEAD PyObject *where; /* what was given */
    tarn_stream *previous;
} context_object;

PyTypeObject *device_type, *stream_type;
static PyTypeObject *local_stream_type, *context_type;
static PyObject *kinds[TARN_DEVICE_TYPE_COUNT]; /* cpu and gpu, members of the enumeration DeviceType */

/* ---- what stands for a device or stream */

static const char *kind_name(tarn_device_type type) {
    return type == TARN_CUDA ? "gpu" : tarn_device_type_name(type);
}

static bool there_is(tarn_device device) {
    const char *why = tarn_device_absence(device);
    if (!why) return true;
    return tarn_fail("there is no device %s %d%s%s", kind_name(device.type), device.index, *why ? ": " : "", why);
}

static bool kind_of_object(PyObject *object, tarn_device_type *type) {
    if (object != kinds[TARN_CPU] && object != kinds[TARN_CUDA])
        return PyErr_Format(PyExc_TypeError, "a Device or DeviceType is needed, not %s", type_name(object)), false;
    *type = object == kinds[TARN_CPU] ? TARN_CPU : TARN_CUDA;
    return true;
}

bool device_of_object(PyObject *object, tarn_device *device) {
    *device = Py_IS_TYPE(object, device_type) ? ((device_object *)object)->device : (tarn_device){0};
    return Py_IS_TYPE(object, device_type) || kind_of_object(object, &device->type);
}

/* The stream of a device in this thread: its current one, if that is on the device. */
static tarn_stream *current_on(tarn_device device) {
    tarn_stream *current = tarn_use_stream(NULL);
    tarn_use_stream(current);
    tarn_device there = tarn_stream_device(current);
    return current && there.type == device.type && there.index == device.index ? current : tarn_default_stream(device);
}

static tarn_stream *of_this_thread(local_stream_object *local);

/* In MLX a stream belongs to the thread that made it. */
static tarn_stream *of_thread(const stream_object *object) {
    if (!like_mlx || !object->thread || object->thread == PyThread_get_thread_ident()) return object->stream;
    return PyErr_SetString(PyExc_RuntimeError, "There is no such stream in the current thread."), NULL;
}

bool stream_of_object(PyObject *object, tarn_stream **stream) {
    tarn_device device;
    if (Py_IS_TYPE(object, stream_type))
        *stream = of_thread((stream_object *)object);
    else if (Py_IS_TYPE(object, local_stream_type))
        *stream = of_this_thread((local_stream_object *)object);
    else if (!device_of_object(object, &device))
        return PyErr_Format(PyExc_TypeError, "stream must be a Stream or a Device, not %s", type_name(object)), false;
    else
        *stream = there_is(device) ? current_on(device) : NULL;
    return *stream || (raise_error(), false);
}

/* ---- objects */

PyObject *new_device(tarn_device device) {
    device_object *object = PyObject_New(device_object, device_type);
    if (object) object->device = device;
    return (PyObject *)object;
}

/* Streams are never freed: what was built on them may be computed at any time. */
PyObject *new_stream(tarn_stream *stream) {
    stream_object *object = stream ? PyObject_New(stream_object, stream_type) : (stream_object *)raise_error();
    if (object) object->stream = stream, object->thread = PyThread_get_thread_ident();
    return (PyObject *)object;
}

PyObject *new_stream_on(PyObject *where) {
    tarn_device device;
    if (!device_of_object(where, &device)) return NULL;
    return new_stream(there_is(device) ? tarn_stream_new(device) : NULL);
}

PyObject *new_shared_stream_on(PyObject *where) {
    PyObject *stream = new_stream_on(where);
    if (stream) ((stream_object *)stream)->thread = 0;
    return stream;
}

PyObject *new_local_stream_on(PyObject *where) {
    static long numbers;
    tarn_device device;
    if (!device_of_object(where, &device)) return NULL;
    if (!there_is(device)) return raise_error();
    local_stream_object *object = PyObject_New(local_stream_object, local_stream_type);
    if (object) object->device = device, object->number = numbers++;
    return (PyObject *)object;
}

/* Each thread makes its own when it first uses it; its dict keeps it. */
static tarn_stream *of_this_thread(local_stream_object *local) {
    PyObject *key = PyUnicode_FromFormat("tarn.core.stream.%ld", local->number), *streams = PyThreadState_GetDict();
    PyObject *found = key && streams ? PyDict_GetItem(streams, key) : NULL;
    if (!found && key && streams) {
        PyObject *made = new_stream(tarn_stream_new(local->device));
        if (made && PyDict_SetItem(streams, key, made) == 0) found = PyDict_GetItem(streams, key);
        Py_XDECREF(made);
    }
    Py_XDECREF(key);
    return found ? ((stream_object *)found)->stream : NULL;
}

static PyObject *device_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    static char *names[] = {"type", "index", NULL};
    PyObject *kind;
    tarn_device device = {0};
    (void)type;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "O|i:Device", names, &kind, &device.index)) return NULL;
    return kind_of_object(kind, &device.type) ? new_device(device) : NULL;
}

static PyObject *device_repr(PyObject *self) {
    tarn_device device = ((device_object *)self)->device;
    return PyUnicode_FromFormat("Device(%s, %d)", kind_name(device.type), device.index);
}

/* Streams are numbered as they are first shown. */
static long number_of(const tarn_stream *stream) {
    static const tarn_stream *seen[1024];
    static long count;
    for (long i = 0; i < count; i++)
        if (seen[i] == stream) return i;
    if (count < COUNT(seen)) seen[count] = stream;
    return count < COUNT(seen) ? count++ : count;
}

static PyObject *repr_of_stream(const char *name, tarn_device device, long number) {
    return PyUnicode_FromFormat("%s(Device(%s, %d), %ld)", name, kind_name(device.type), device.index, number);
}

static PyObject *stream_repr(PyObject *self) {
    const tarn_stream *stream = ((stream_object *)self)->stream;
    return repr_of_stream("Stream", tarn_stream_device(stream), number_of(stream));
}

static PyObject *local_stream_repr(PyObject *self) {
    const local_stream_object *local = (local_stream_object *)self;
    return repr_of_stream("ThreadLocalStream", local->device, local->number);
}

/* ---- comparing: a device and its kind are the same if its index is 0 */

static PyObject *same(bool equal, int how) {
    if (how != Py_EQ && how != Py_NE) Py_RETURN_NOTIMPLEMENTED;
    return PyBool_FromLong(equal == (how == Py_EQ));
}

static PyObject *device_compare(PyObject *a, PyObject *b, int how) {
    tarn_device left, right;
    if (!device_of_object(a, &left) || !device_of_object(b, &right)) return PyErr_Clear(), same(false, how);
    return same(left.type == right.type && left.index == right.index, how);
}

/* In MLX each thread has streams of its own. */
static PyObject *stream_compare(PyObject *a, PyObject *b, int how) {
    if (!Py_IS_TYPE(b, stream_type)) return same(false, how);
    const stream_object *left = (stream_object *)a, *right = (stream_object *)b;
    return same(left->stream == right->stream && (!like_mlx || left->thread == right->thread), how);
}

/* A device is equal to its kind if its index is 0. */
static Py_hash_t device_hash(PyObject *self) {
    tarn_device device = ((device_object *)self)->device;
    Py_hash_t hash = PyObject_Hash(kinds[device.type]);
    return hash == -1 || device.index == 0 ? hash : (Py_hash_t)((Py_uhash_t)hash ^ (Py_uhash_t)device.index << 1);
}

static Py_hash_t stream_hash(PyObject *self) {
    return (Py_hash_t)((uintptr_t)((stream_object *)self)->stream >> 4);
}

static PyObject *device_kind(PyObject *self, void *unused) {
    (void)unused;
    return Py_NewRef(kinds[((device_object *)self)->device.type]);
}
static PyObject *stream_device(PyObject *self, void *unused) {
    return (void)unused, new_device(tarn_stream_device(((stream_object *)self)->stream));
}
static PyObject *local_stream_device(PyObject *self, void *unused) {
    return (void)unused, new_device(((local_stream_object *)self)->device);
}

/* ---- with mx.stream(where): */

static PyObject *context_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
    static char *names[] = {"s", NULL};
    PyObject *where;
    (void)type;
    return PyArg_ParseTupleAndKeywords(arguments, named, "O:StreamContext", names, &where) ? stream_context(where)
                                                                                           : NULL;
}

PyObject *stream_context(PyObject *where) {
    tarn_stream *stream;
    if (!stream_of_object(where, &stream)) return NULL;
    context_object *context = PyObject_New(context_object, context_type);
    if (context) context->where = Py_NewRef(where), context->previous = NULL;
    return (PyObject *)context;
}

static PyObject *context_enter(PyObject *self, PyObject *unused) {
    (void)unused;
    context_object *context = (context_object *)self;
    tarn_stream *stream;
    if (!stream_of_object(context->where, &stream)) return NULL;
    context->previous = tarn_use_stream(stream);
    Py_RETURN_NONE;
}

static PyObject *context_exit(PyObject *self, PyObject *unused) {
    (void)unused;
    tarn_use_stream(((context_object *)self)->previous);
    Py_RETURN_NONE;
}

static void context_free(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    Py_DECREF(((context_object *)self)->where);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* ---- functions of the rows */

PyObject *default_device(void) {
    tarn_stream *current = tarn_use_stream(NULL);
    tarn_use_stream(current);
    return new_device(current ? tarn_stream_device(current) : tarn_default_device());
}

bool set_default_device(PyObject *where) {
    tarn_device device;
    if (!device_of_object(where, &device) || !there_is(device)) return false;
    tarn_use_stream(NULL);
    return tarn_set_default_device(device);
}

PyObject *default_stream(PyObject *where) {
    tarn_stream *stream;
    tarn_device device;
    return device_of_object(where, &device) && stream_of_object(where, &stream) ? new_stream(stream) : NULL;
}

bool set_default_stream(PyObject *stream) {
    if (!Py_IS_TYPE(stream, stream_type))
        return PyErr_Format(PyExc_TypeError, "set_default_stream(): a Stream is needed, not %s", type_name(stream)),
               false;
    tarn_use_stream(((stream_object *)stream)->stream);
    return true;
}

bool synchronize(PyObject *where) {
    tarn_stream *stream = like_mlx ? current_on(tarn_default_device()) : NULL; /* MLX waits for one stream */
    if (where && Py_IS_TYPE(where, stream_type)) /* waiting is allowed for that of any thread */
        stream = ((stream_object *)where)->stream;
    else if (where && where != Py_None && !stream_of_object(where, &stream))
        return false;
    PyThreadState *state = start_waiting();
    bool done = tarn_synchronize(stream);
    return stop_waiting(state) && done;
}

int64_t device_count(PyObject *where) {
    tarn_device device;
    return device_of_object(where, &device) ? tarn_device_count(device.type) : 0;
}

bool is_available(PyObject *where) {
    tarn_device device;
    return device_of_object(where, &device) && !tarn_device_absence(device);
}

/* ---- the types */

static PyGetSetDef device_properties[] = {{"type", device_kind, NULL, "cpu or gpu.", NULL}, {0}};
static PyGetSetDef stream_properties[] = {{"device", stream_device, NULL, "Where the stream computes.", NULL}, {0}};
static PyGetSetDef local_stream_properties[] = {
    {"device", local_stream_device, NULL, "Where the stream computes.", NULL}, {0}};
static PyMethodDef context_methods[] = {
    {"__enter__", context_enter, METH_NOARGS, NULL}, {"__exit__", context_exit, METH_VARARGS, NULL}, {0}};

static PyType_Slot device_slots[] = {{Py_tp_doc, "Device(type, index=0)\n--\n\nA device that computes."},
                                     {Py_tp_new, SLOT(device_new)},
                                     {Py_tp_repr, SLOT(device_repr)},
                                     {Py_tp_richcompare, SLOT(device_compare)},
                                     {Py_tp_hash, SLOT(device_hash)},
                                     {Py_tp_getset, device_properties},
                                     {0, NULL}};
static PyType_Slot stream_slots[] = {{Py_tp_doc, "A queue of work on a device."}, {Py_tp_repr, SLOT(stream_repr)},
                                     {Py_tp_richcompare, SLOT(stream_compare)},   {Py_tp_hash, SLOT(stream_hash)},
                                     {Py_tp_getset, stream_properties},           {0, NULL}};
static PyType_Slot local_stream_slots[] = {{Py_tp_doc, "A stream that each thread has for itself."},
                                           {Py_tp_repr, SLOT(local_stream_repr)},
                                           {Py_tp_getset, local_stream_properties},
                                           {0, NULL}};
static PyType_Slot context_slots[] = {
    {Py_tp_doc, "StreamContext(s)\n--\n\nA context in which operations go to a stream or device."},
    {Py_tp_new, SLOT(context_new)},
    {Py_tp_dealloc, SLOT(context_free)},
    {Py_tp_methods, context_methods},
    {0, NULL}};
#define SPEC(name, object, flags, slots)                                                                               \
    { "tarn.core." name, sizeof(object), 0, Py_TPFLAGS_DEFAULT | (flags), slots }
static PyType_Spec device_spec = SPEC("Device", device_object, 0, device_slots);
static PyType_Spec stream_spec = SPEC("Stream", stream_object, Py_TPFLAGS_DISALLOW_INSTANTIATION, stream_slots);
static PyType_Spec local_stream_spec =
    SPEC("ThreadLocalStream", local_stream_object, Py_TPFLAGS_DISALLOW_INSTANTIATION, local_stream_slots);
static PyType_Spec context_spec = SPEC("StreamContext", context_object, 0, context_slots);

static PyTypeObject *add_type(PyObject *module, const char *name, PyType_Spec *spec) {
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(spec);
    return type && PyModule_AddObjectRef(module, name, (PyObject *)type) == 0 ? type : NULL;
}

static bool add_kinds(PyObject *module) {
    static const char *const names[] = {"cpu", "gpu"};
    PyObject *members[COUNT(names)] = {NULL, NULL};
    bool added = add_enumeration(module, "DeviceType", names, members, COUNT(names));
    kinds[TARN_CPU] = members[0], kinds[TARN_CUDA] = members[1];
    return added;
}

bool add_devices(PyObject *module) {
    device_type = add_type(module, "Device", &device_spec);
    stream_type = add_type(module, "Stream", &stream_spec);
    local_stream_type = add_type(module, "ThreadLocalStream", &local_stream_spec);
    context_type = add_type(module, "StreamContext", &context_spec);
    return device_type && stream_type && local_stream_type && context_type && add_kinds(module);
}
