/* Devices and streams: Device, DeviceType, Stream, and what a `stream` argument may be. */
#include "extension.h"

#include <structmember.h>

typedef struct {
    PyObject_HEAD tarn_device device;
} device_object;
typedef struct {
    PyObject_HEAD tarn_device_type type;
} kind_object;
typedef struct {
    PyObject_HEAD tarn_stream *stream;
    long number;
} stream_object;

PyTypeObject *device_type, *stream_type, *device_kind_type;

static const char *kind_name(tarn_device_type type) {
    return type == TARN_CUDA ? "gpu" : tarn_device_type_name(type);
}

static bool there_is(tarn_device device) {
    return device.index < tarn_device_count(device.type) ||
           tarn_fail("there is no device %s %d here", kind_name(device.type), device.index);
}

bool device_of_object(PyObject *object, tarn_device *device) {
    if (Py_IS_TYPE(object, device_type))
        *device = ((device_object *)object)->device;
    else if (Py_IS_TYPE(object, device_kind_type))
        *device = (tarn_device){((kind_object *)object)->type, 0};
    else
        return PyErr_Format(PyExc_TypeError, "a Device is needed, not %R", (PyObject *)Py_TYPE(object)), false;
    return true;
}

bool stream_of_object(PyObject *object, tarn_stream **stream) {
    tarn_device device;
    if (Py_IS_TYPE(object, stream_type)) return *stream = ((stream_object *)object)->stream, true;
    if (!device_of_object(object, &device))
        return PyErr_Format(PyExc_TypeError, "stream must be a Stream or a Device, not %R",
                            (PyObject *)Py_TYPE(object)),
               false;
    *stream = there_is(device) ? tarn_default_stream(device) : NULL;
    return *stream || (raise_error(), false);
}

PyObject *new_device(tarn_device device) {
    device_object *object = PyObject_New(device_object, device_type);
    if (object) object->device = device;
    return (PyObject *)object;
}

PyObject *new_stream(tarn_stream *stream) {
    static long numbers;
    stream_object *object = stream ? PyObject_New(stream_object, stream_type) : (stream_object *)raise_error();
    if (object) object->stream = stream, object->number = numbers++;
    return (PyObject *)object;
}

static PyObject *device_repr(PyObject *self) {
    tarn_device device = ((device_object *)self)->device;
    return PyUnicode_FromFormat("Device(%s, %d)", kind_name(device.type), device.index);
}

static PyObject *kind_repr(PyObject *self) {
    return PyUnicode_FromFormat("DeviceType.%s", kind_name(((kind_object *)self)->type));
}

static PyObject *stream_repr(PyObject *self) {
    tarn_device device = tarn_stream_device(((stream_object *)self)->stream);
    return PyUnicode_FromFormat("Stream(Device(%s, %d), %ld)", kind_name(device.type), device.index,
                                ((stream_object *)self)->number);
}

static PyType_Slot device_slots[] = {
    {Py_tp_doc, "A device that computes."}, {Py_tp_repr, SLOT(device_repr)}, {0, NULL}};
static PyType_Slot kind_slots[] = {
    {Py_tp_doc, "A kind of device: cpu or gpu."}, {Py_tp_repr, SLOT(kind_repr)}, {0, NULL}};
static PyType_Slot stream_slots[] = {
    {Py_tp_doc, "A queue of work on a device."}, {Py_tp_repr, SLOT(stream_repr)}, {0, NULL}};
#define SPEC(name, object, slots)                                                                                      \
    { "tarn.core." name, sizeof(object), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots }
static PyType_Spec device_spec = SPEC("Device", device_object, device_slots);
static PyType_Spec kind_spec = SPEC("DeviceType", kind_object, kind_slots);
static PyType_Spec stream_spec = SPEC("Stream", stream_object, stream_slots);

static PyTypeObject *add_type(PyObject *module, const char *name, PyType_Spec *spec) {
    PyTypeObject *type = (PyTypeObject *)PyType_FromSpec(spec);
    return type && PyModule_AddObjectRef(module, name, (PyObject *)type) == 0 ? type : NULL;
}

static bool add_kind(PyObject *module, const char *name, tarn_device_type type) {
    kind_object *object = PyObject_New(kind_object, device_kind_type);
    if (object) object->type = type;
    return object && PyModule_AddObjectRef(module, name, (PyObject *)object) == 0;
}

bool add_devices(PyObject *module) {
    return (device_type = add_type(module, "Device", &device_spec)) &&
           (device_kind_type = add_type(module, "DeviceType", &kind_spec)) &&
           (stream_type = add_type(module, "Stream", &stream_spec)) && add_kind(module, "cpu", TARN_CPU) &&
           add_kind(module, "gpu", TARN_CUDA);
}
