/* mx.fast.cuda_kernel and precompiled_cuda_kernel: descriptions of kernels out of Python's values. */
#include "special.h"

#include <string.h>

#include "tarn/device_kernel.h"

enum { MOST = 32 };
typedef struct {
    tarn_device_kernel_options options;
    const char *input_names[MOST], *output_names[MOST];
    tarn_kernel_output outputs[MOST];
    int_list shapes[MOST];
    tarn_kernel_constant constants[MOST];
    tarn_kernel_scalar scalars[MOST];
    array_list inputs;
    PyObject *taken[8]; /* tuples of what was given in lists: their names are read until the kernel runs */
    int taken_count;
} description;

static void drop_description(description *d) {
    for (int i = 0; i < MOST; i++) drop_ints(&d->shapes[i]);
    drop_arrays(&d->inputs);
    for (int i = 0; i < d->taken_count; i++) Py_DECREF(d->taken[i]);
}

/* ---- lists: as tuples, which the description owns; how many items there are, -1 with an exception */
static int take(description *d, PyObject **list, const char *what) {
    if (!is_sequence(*list))
        return PyErr_Format(PyExc_TypeError, "cuda_kernel(): %s must be a list or tuple", what), -1;
    if (!(*list = items_of(*list))) return -1;
    d->taken[d->taken_count++] = *list;
    Py_ssize_t count = PyTuple_Size(*list);
    if (count > MOST) return PyErr_Format(PyExc_ValueError, "cuda_kernel(): at most %d %s", MOST, what), -1;
    return (int)count;
}

static bool take_names(description *d, const char **to, PyObject *list, const char *what) {
    int count = take(d, &list, what);
    for (int i = 0; i < count; i++)
        if (!(to[i] = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(list, i), NULL))) return false;
    return count >= 0;
}

static bool take_inputs(description *d, PyObject *list) {
    int count = take(d, &list, "inputs");
    if (count < 0 || !arrays_reserve(&d->inputs, count)) return false;
    for (int i = 0; i < count; i++) {
        PyObject *value = PyTuple_GetItem(list, i);
        tarn_array *a = is_array(value) ? held_array(value) : is_scalar(value) ? weak_scalar(value, NULL) : NULL;
        if (!a && !PyErr_Occurred() && tarn_ok())
            PyErr_Format(PyExc_TypeError, "cuda_kernel(): an input is a %s", type_name(value));
        if (!a) return false;
        d->inputs.list[i] = a;
    }
    return true;
}

static bool take_outputs(description *d, PyObject *shapes, PyObject *dtypes) {
    int count = take(d, &shapes, "output_shapes"), others = count < 0 ? -1 : take(d, &dtypes, "output_dtypes");
    if (others < 0) return false;
    if (count != others) return tarn_fail("cuda_kernel: %d output shapes and %d dtypes", count, others);
    for (int i = 0; i < count; i++) {
        PyObject *dtype = PyTuple_GetItem(dtypes, i);
        if (!is_dtype(dtype)) return PyErr_SetString(PyExc_TypeError, "cuda_kernel(): output_dtypes are dtypes"), false;
        if (!ints_of_object(PyTuple_GetItem(shapes, i), &d->shapes[i])) return false;
        d->outputs[i] = (tarn_kernel_output){dtype_of_object(dtype), d->shapes[i].list};
    }
    d->options.outputs = d->outputs;
    d->options.output_count = count;
    return true;
}

static bool take_three(description *d, int64_t to[3], PyObject *list, const char *what) {
    int count = take(d, &list, what);
    if (count >= 0 && count != 3) return tarn_fail("cuda_kernel: %s has three sizes, not %d", what, count);
    for (int i = 0; i < count; i++)
        if (!int_of_object(PyTuple_GetItem(list, i), &to[i])) return false;
    return count == 3;
}

/* A constant: (name, bool, int or Dtype). */
static bool take_constant(tarn_kernel_constant *to, PyObject *pair) {
    if (!PyTuple_Check(pair) || PyTuple_Size(pair) != 2)
        return PyErr_SetString(PyExc_TypeError, "cuda_kernel(): template has pairs of a name and a value"), false;
    PyObject *value = PyTuple_GetItem(pair, 1);
    to->kind = is_dtype(value) ? TARN_KERNEL_TYPE : PyBool_Check(value) ? TARN_KERNEL_TRUTH : TARN_KERNEL_INTEGER;
    to->name = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(pair, 0), NULL);
    if (!to->name) return false;
    if (is_dtype(value)) return to->value = dtype_of_object(value), true;
    if (PyBool_Check(value)) return to->value = value == Py_True, true;
    return int_of_object(value, &to->value);
}

static bool take_constants(description *d, PyObject *list) {
    int count = list == Py_None ? 0 : take(d, &list, "template");
    for (int i = 0; i < count; i++)
        if (!take_constant(&d->constants[i], PyTuple_GetItem(list, i))) return false;
    d->options.constants = d->constants;
    d->options.constant_count = count;
    return count >= 0;
}

static bool take_scalars(description *d, PyObject *list) {
    int count = take(d, &list, "scalars");
    for (int i = 0; i < count; i++) {
        PyObject *value = PyTuple_GetItem(list, i);
        d->scalars[i].kind = PyBool_Check(value)   ? TARN_KERNEL_BOOL
                             : PyLong_Check(value) ? TARN_KERNEL_INT
                                                   : TARN_KERNEL_FLOAT;
        d->scalars[i].value = PyFloat_AsDouble(value);
        if (PyErr_Occurred()) return false;
    }
    d->options.scalars = d->scalars;
    d->options.scalar_count = count;
    return count >= 0;
}

static bool take_fill(description *d, PyObject *value) {
    d->options.is_filled = value != Py_None;
    if (value != Py_None) d->options.fill = PyFloat_AsDouble(value);
    return !PyErr_Occurred();
}

/* ---- what cuda_kernel returns: a function over (name, input names, output names, source, header, row contiguous,
   shared memory) */
enum { NAME, INPUTS, OUTPUTS, SOURCE, HEADER, CONTIGUOUS, SHARED };

static bool take_kernel(description *d, PyObject *kernel) {
    d->options = (tarn_device_kernel_options){.name = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(kernel, NAME), NULL),
                                              .source = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(kernel, SOURCE), NULL),
                                              .header = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(kernel, HEADER), NULL),
                                              .input_names = d->input_names,
                                              .output_names = d->output_names,
                                              .any_strides = PyTuple_GetItem(kernel, CONTIGUOUS) != Py_True,
                                              .shared_bytes = PyLong_AsLongLong(PyTuple_GetItem(kernel, SHARED))};
    return take_names(d, d->input_names, PyTuple_GetItem(kernel, INPUTS), "input_names") &&
           take_names(d, d->output_names, PyTuple_GetItem(kernel, OUTPUTS), "output_names");
}

static bool check_counts(const description *d, PyObject *kernel) {
    Py_ssize_t inputs = PySequence_Size(PyTuple_GetItem(kernel, INPUTS)),
               outputs = PySequence_Size(PyTuple_GetItem(kernel, OUTPUTS));
    return (inputs == d->inputs.count && outputs == d->options.output_count) ||
           tarn_fail("cuda_kernel: %s takes %zd inputs and makes %zd outputs, not %d and %d", d->options.name, inputs,
                     outputs, d->inputs.count, d->options.output_count);
}

static bool print_source(const description *d) {
    char *source = tarn_device_kernel_source(&d->options, d->inputs.list, d->inputs.count);
    if (!source) return false;
    PySys_FormatStdout("Generated source code for `%s`:\n```\n%s```\n", d->options.name, source);
    tarn_free(source);
    return true;
}

static bool run_description(const description *d, array_list *out) {
    return arrays_reserve(out, d->options.output_count) &&
           tarn_device_kernel(&d->options, d->inputs.list, d->inputs.count, out->list);
}

/* Without a stream, that of the call, if it is on a CUDA device, else the first such device's. */
static bool choose_cuda(PyObject *stream, stream_choice *choice) {
    if (!choose_stream(stream, choice)) return false;
    tarn_stream *current = tarn_use_stream(NULL);
    tarn_use_stream(current);
    if (stream != Py_None || tarn_stream_device(current).type == TARN_CUDA) return true;
    *choice = (stream_choice){true, tarn_use_stream(tarn_default_stream((tarn_device){TARN_CUDA, 0}))};
    return true;
}

static PyObject *call_cuda_kernel(PyObject *self, PyObject *arguments, PyObject *named) {
    static char *names[] = {"inputs",   "output_shapes", "output_dtypes", "grid",   "threadgroup",
                            "template", "init_value",    "verbose",       "stream", NULL};
    PyObject *inputs, *shapes, *dtypes, *grid, *block, *constants = Py_None, *fill = Py_None, *stream = Py_None;
    int verbose = 0;
    if (!PyArg_ParseTupleAndKeywords(arguments, named, "OOOOO|OOpO:cuda_kernel", names, &inputs, &shapes, &dtypes,
                                     &grid, &block, &constants, &fill, &verbose, &stream))
        return NULL;
    TARN_SCOPE;
    stream_choice choice CLEANUP(restore_stream) = {0};
    description d CLEANUP(drop_description) = {0};
    array_list out CLEANUP(drop_arrays) = {0};
    bool ok = choose_cuda(stream, &choice) && take_kernel(&d, self) && take_inputs(&d, inputs) &&
              take_outputs(&d, shapes, dtypes) && take_three(&d, d.options.grid, grid, "grid") &&
              take_three(&d, d.options.block, block, "threadgroup") && take_constants(&d, constants) &&
              take_fill(&d, fill) && check_counts(&d, self) && (!verbose || print_source(&d)) &&
              run_description(&d, &out);
    return ok ? new_list(out.list, out.count) : raise_error();
}

static bool has_cuda(void) {
    return tarn_device_count(TARN_CUDA) > 0;
}

PyObject *cuda_kernel_of(const char *name, PyObject *input_names, PyObject *output_names, const char *source,
                         const char *header, bool contiguous, int64_t shared) {
    static PyMethodDef definition = {"cuda_kernel", METHOD(call_cuda_kernel), METH_VARARGS | METH_KEYWORDS,
                                     "cuda_kernel(inputs, output_shapes, output_dtypes, grid, threadgroup, "
                                     "template=None, init_value=None, verbose=False, stream=None)"};
    description d CLEANUP(drop_description) = {0};
    if (!has_cuda()) return no_kernel("cuda_kernel", "CUDA");
    if (!take_names(&d, d.input_names, input_names, "input_names") ||
        !take_names(&d, d.output_names, output_names, "output_names"))
        return NULL;
    PyObject *inputs = d.taken[0], *outputs = d.taken[1];
    PyObject *kernel = Py_BuildValue("(sOOssOL)", name, inputs, outputs, source, header,
                                     contiguous ? Py_True : Py_False, (long long)shared);
    PyObject *function = kernel ? PyCFunction_NewEx(&definition, kernel, NULL) : NULL;
    Py_XDECREF(kernel);
    return function;
}

/* ---- compiled kernels */
static bool take_code(description *d, PyObject *code) {
    char *bytes = NULL;
    Py_ssize_t count = 0;
    if (PyBytes_AsStringAndSize(code, &bytes, &count) != 0) return false;
    d->options.code = bytes;
    d->options.code_bytes = (size_t)count;
    return true;
}

bool compiled_kernel(array_list *out, const char *name, PyObject *code, PyObject *const lists[6], int64_t shared,
                     tarn_value fill, bool contiguous, PyObject *stream) {
    if (!has_cuda()) return no_kernel("cuda_kernel", "CUDA") != NULL;
    stream_choice choice CLEANUP(restore_stream) = {0};
    description d CLEANUP(drop_description) = {0};
    d.options = (tarn_device_kernel_options){
        .name = name, .shared_bytes = shared, .any_strides = !contiguous, .is_filled = fill.given, .fill = fill.value};
    return choose_cuda(stream, &choice) && take_code(&d, code) && take_inputs(&d, lists[0]) &&
           take_outputs(&d, lists[1], lists[2]) && take_scalars(&d, lists[3]) &&
           take_three(&d, d.options.grid, lists[4], "grid") &&
           take_three(&d, d.options.block, lists[5], "threadgroup") && run_description(&d, out);
}
