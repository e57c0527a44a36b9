/* Functions in files: export_function, exporter and import_function. */
#include "export.h"

#include "closure.h"

#include <string.h>

/* ---- the arrays of a call */

void drop_given(given_arrays *given) {
    drop_leaves(&given->arrays);
    Py_XDECREF(given->names);
    PyMem_Free(given->words);
}

static bool refuse_arguments(const char *what) {
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_ValueError,
                     "[%s] The inputs are arrays, by place and by keyword, or else one tuple or list of arrays, one "
                     "dict of them, or both.",
                     what);
    return false;
}

static bool add_positional(PyObject *sequence, given_arrays *given) {
    if (!PyTuple_Check(sequence) && !PyList_Check(sequence)) return false;
    for (Py_ssize_t i = 0; i < PySequence_Size(sequence); i++) {
        PyObject *item = PySequence_GetItem(sequence, i);
        bool added = item && is_array(item) && add_leaf(&given->arrays, item);
        Py_XDECREF(item);
        if (!added) return false;
    }
    return true;
}

/* Sorted by name, as MLX has them: names may be compared by functions of Python, which may change the dict. */
static bool add_copied(PyObject *dict, given_arrays *given) {
    given->names = PyDict_Keys(dict);
    given->name_count = given->names ? (int)PyList_Size(given->names) : 0;
    given->words = PyMem_Calloc((size_t)given->name_count + 1, sizeof *given->words);
    for (int i = 0; given->names && i < given->name_count; i++)
        if (!PyUnicode_Check(PyList_GetItem(given->names, i))) return false;
    if (!given->words || !given->names || PyList_Sort(given->names) < 0) return false;
    for (int i = 0; i < given->name_count; i++) {
        PyObject *name = PyList_GetItem(given->names, i), *value = PyDict_GetItemWithError(dict, name);
        given->words[i] = PyUnicode_AsUTF8AndSize(name, NULL);
        if (!given->words[i] || !value || !is_array(value) || !add_leaf(&given->arrays, value)) return false;
    }
    return true;
}

static bool add_named(PyObject *dict, given_arrays *given) {
    PyObject *copy = PyDict_Check(dict) ? PyDict_Copy(dict) : NULL;
    bool added = copy && add_copied(copy, given);
    Py_XDECREF(copy);
    return added;
}

static bool add_all(PyObject *sequence, PyObject *dict, given_arrays *given) {
    return (!sequence || add_positional(sequence, given)) && (!dict || add_named(dict, given));
}

static bool add_arguments(PyObject *arguments, PyObject *named, given_arrays *given) {
    Py_ssize_t count = PyTuple_Size(arguments);
    PyObject *first = count ? PyTuple_GetItem(arguments, 0) : NULL;
    if (!first || is_array(first)) return add_all(arguments, named, given);
    if (named && PyDict_Size(named)) return false;
    if (count == 1) return PyDict_Check(first) ? add_all(NULL, first, given) : add_all(first, NULL, given);
    return count == 2 && add_all(first, PyTuple_GetItem(arguments, 1), given);
}

bool given_of(const char *what, PyObject *arguments, PyObject *named, given_arrays *given) {
    return add_arguments(arguments, named, given) || refuse_arguments(what);
}

/* ---- calling the function */

static PyObject *positional_of(const given_arrays *given, tarn_array *const *inputs) {
    return new_tuple(inputs, given->arrays.count - given->name_count);
}

static PyObject *named_of(const given_arrays *given, tarn_array *const *inputs) {
    PyObject *dict = PyDict_New();
    for (int i = 0; dict && i < given->name_count; i++) {
        PyObject *a = new_array(inputs[given->arrays.count - given->name_count + i]);
        if (!a || PyDict_SetItem(dict, PyList_GetItem(given->names, i), a) < 0) Py_CLEAR(dict);
        Py_XDECREF(a);
    }
    return dict;
}

static bool hand_out_arrays(PyObject *returned, tarn_results *results) {
    given_arrays outputs CLEANUP(drop_given) = {0};
    bool good = is_array(returned) ? add_leaf(&outputs.arrays, returned) : add_positional(returned, &outputs);
    if (!good && !PyErr_Occurred())
        PyErr_Format(PyExc_ValueError,
                     "[export_function] The function returns an array, or a tuple or list of arrays; not %s of others.",
                     type_name(returned));
    for (int i = 0; good && i < outputs.arrays.count; i++) good = tarn_result(results, outputs.arrays.list[i]);
    return good;
}

/* An interrupt, unlike other exceptions, is not an answer to whether the function takes arrays of these sizes. */
static bool exported_failed(void) {
    if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_Exception))
        tarn_fail_kind(TARN_ERROR_INTERRUPT, "a Python function was interrupted");
    return python_failed();
}

/* For a function without fixed sizes it is called for several, of which it may refuse some. */
bool run_exported(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const exported_call *c = context;
    (void)count;
    PyErr_Clear();
    PyObject *positional = positional_of(c->given, inputs), *named = positional ? named_of(c->given, inputs) : NULL;
    PyObject *returned = named ? PyObject_Call(c->function, positional, named) : NULL;
    bool good = returned && hand_out_arrays(returned, results);
    Py_XDECREF(positional);
    Py_XDECREF(named);
    Py_XDECREF(returned);
    return good || exported_failed();
}

/* ---- FunctionExporter */

typedef struct {
    PyObject_HEAD exported_call call; /* its context; `given` is set while a trace lasts */
    tarn_exporter *exporter;
} exporter_object;

static PyTypeObject *exporter_type, *imported_type;

static PyObject *exporter_trace(PyObject *self, PyObject *arguments, PyObject *named) {
    given_arrays given CLEANUP(drop_given) = {0};
    exporter_object *e = (exporter_object *)self;
    TARN_SCOPE;
    if (!given_of("export_function", arguments, named, &given)) return NULL;
    const given_arrays *before = e->call.given;
    e->call.given = &given;
    bool ok = tarn_exporter_trace(e->exporter, given.arrays.list, given.arrays.count, .names = given.words,
                                  .name_count = given.name_count);
    e->call.given = before;
    if (!ok) return raise_error();
    return PyErr_Clear(), new_none();
}

static PyObject *exporter_close(PyObject *self, PyObject *unused) {
    (void)unused;
    Py_INCREF(self);
    PyThreadState *state = start_waiting(); /* captured arrays are computed, and the file is written */
    bool closed = tarn_exporter_close(((exporter_object *)self)->exporter);
    bool undisturbed = stop_waiting(state);
    Py_DECREF(self);
    if (!closed) return raise_error();
    return undisturbed ? new_none() : NULL;
}

static PyObject *exporter_enter(PyObject *self, PyObject *unused) {
    return (void)unused, Py_NewRef(self);
}

static int exporter_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((exporter_object *)self)->call.function);
    return 0;
}

static int exporter_clear(PyObject *self) {
    Py_CLEAR(((exporter_object *)self)->call.function);
    return 0;
}

static void exporter_free(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    tarn_exporter_free(((exporter_object *)self)->exporter);
    exporter_clear(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMethodDef exporter_methods[] = {
    {"close", exporter_close, METH_NOARGS, "close()\n--\n\nWrites the file. Further calls are errors."},
    {"__enter__", exporter_enter, METH_NOARGS, NULL},
    {"__exit__", exporter_close, METH_VARARGS, NULL},
    {0}};
static PyType_Slot exporter_slots[] = {
    {Py_tp_doc, "A function that is traced again at each call, with other arrays, for one file (mx.exporter)."},
    {Py_tp_call, SLOT(exporter_trace)},
    {Py_tp_methods, exporter_methods},
    {Py_tp_traverse, SLOT(exporter_traverse)},
    {Py_tp_clear, SLOT(exporter_clear)},
    {Py_tp_dealloc, SLOT(exporter_free)},
    {0, NULL}};
static PyType_Spec exporter_spec = {"tarn.core.FunctionExporter", sizeof(exporter_object), 0,
                                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                    exporter_slots};

PyObject *exporter_of(const char *path, PyObject *function, bool shapeless, const char *metadata) {
    if (!PyCallable_Check(function))
        return PyErr_Format(PyExc_TypeError, "exporter(): fun must be a function, not %s", type_name(function)), NULL;
    exporter_object *e = (exporter_object *)PyType_GenericAlloc(exporter_type, 0);
    if (!e) return NULL;
    e->call.function = Py_NewRef(function);
    e->exporter = tarn_exporter_new(path, ((tarn_function){run_exported, &e->call}), .shapeless = shapeless,
                                    .metadata = metadata);
    return e->exporter ? (PyObject *)e : (Py_DECREF(e), raise_error());
}

/* ---- export_function */

PyObject *path_of_object(PyObject *file) {
    PyObject *path = PyOS_FSPath(file);
    if (path && PyUnicode_Check(path)) return path;
    if (!path && PyErr_ExceptionMatches(PyExc_TypeError)) PyErr_Clear();
    Py_XDECREF(path);
    return NULL;
}

/* Takes a keyword of export_function's own out of those of the function. */
static PyObject *take_keyword(PyObject *named, const char *name) {
    PyObject *value = named ? PyDict_GetItemString(named, name) : NULL;
    Py_XINCREF(value);
    if (value && PyDict_DelItemString(named, name) < 0) Py_CLEAR(value);
    return value;
}

/* A text that C can read to its end. */
static const char *text_of_object(PyObject *object) {
    Py_ssize_t size;
    const char *text = PyUnicode_AsUTF8AndSize(object, &size);
    if (!text || (Py_ssize_t)strlen(text) == size) return text;
    return PyErr_SetString(PyExc_ValueError, "[export_function] metadata must not have null characters"), NULL;
}

static PyObject *to_file(PyObject *path, PyObject *function, bool shapeless, const char *metadata, PyObject *arguments,
                         PyObject *named) {
    const char *words = PyUnicode_AsUTF8AndSize(path, NULL);
    PyObject *e = words ? exporter_of(words, function, shapeless, metadata) : NULL;
    PyObject *traced = e ? exporter_trace(e, arguments, named) : NULL,
             *closed = traced ? exporter_close(e, NULL) : NULL;
    Py_XDECREF(e);
    Py_XDECREF(traced);
    return closed;
}

static PyObject *to_callback(PyObject *callback, PyObject *function, PyObject *arguments, PyObject *named) {
    given_arrays given CLEANUP(drop_given) = {0};
    TARN_SCOPE;
    if (!given_of("export_function", arguments, named, &given)) return NULL;
    return show_graph(callback, &(exported_call){function, &given}) ? new_none() : raise_error();
}

/* What export_function was called with beside the function's own arguments. */
typedef struct {
    PyObject *file, *function, *shapeless, *metadata; /* the first two borrowed */
} export_options;

static PyObject *refuse_options(const export_options *o) {
    if (o->metadata && o->metadata != Py_None && !PyUnicode_Check(o->metadata))
        return PyErr_SetString(PyExc_TypeError, "export_function(): metadata must be a str"), NULL;
    if (o->shapeless && !PyBool_Check(o->shapeless))
        return PyErr_SetString(PyExc_TypeError, "export_function(): shapeless must be a bool"), NULL;
    return PyErr_SetString(PyExc_TypeError,
                           "export_function() takes a path or a callback, a function, and what the function takes"),
           NULL;
}

static bool good_options(const export_options *o) {
    bool text = !o->metadata || o->metadata == Py_None || PyUnicode_Check(o->metadata);
    return text && (!o->shapeless || PyBool_Check(o->shapeless)) && o->function && PyCallable_Check(o->function);
}

static PyObject *export_with(const export_options *o, PyObject *arguments, PyObject *named) {
    bool has_metadata = o->metadata && o->metadata != Py_None;
    const char *metadata = has_metadata ? text_of_object(o->metadata) : NULL;
    if (!good_options(o)) return refuse_options(o);
    if (has_metadata && !metadata) return NULL;
    PyObject *path = path_of_object(o->file), *done = NULL;
    if (path)
        done = to_file(path, o->function, o->shapeless == Py_True, metadata, arguments, named);
    else if (!PyErr_Occurred() && !PyCallable_Check(o->file))
        refuse_options(o);
    else if (!PyErr_Occurred() && has_metadata)
        PyErr_SetString(PyExc_ValueError, "[export_function] metadata are kept in files; a callback gets none");
    else if (!PyErr_Occurred())
        done = to_callback(o->file, o->function, arguments, named);
    Py_XDECREF(path);
    return done;
}

static PyObject *export_function(PyObject *self, PyObject *arguments, PyObject *named) {
    (void)self;
    Py_ssize_t count = PyTuple_Size(arguments);
    if (count < 2) return refuse_options(&(export_options){0});
    PyObject *rest = PyTuple_GetSlice(arguments, 2, count), *keywords = named ? PyDict_Copy(named) : NULL, *done = NULL;
    export_options o = {PyTuple_GetItem(arguments, 0), PyTuple_GetItem(arguments, 1),
                        take_keyword(keywords, "shapeless"), take_keyword(keywords, "metadata")};
    if (rest && (keywords || !named)) done = export_with(&o, rest, keywords);
    PyObject *held[] = {rest, keywords, o.shapeless, o.metadata};
    for (int i = 0; i < COUNT(held); i++) Py_XDECREF(held[i]);
    return done;
}

/* ---- import_function */

typedef struct {
    PyObject_HEAD tarn_imported_function *imported;
} imported_object;

static PyObject *imported_call(PyObject *self, PyObject *arguments, PyObject *named) {
    given_arrays given CLEANUP(drop_given) = {0};
    TARN_SCOPE;
    if (!given_of("import_function::call", arguments, named, &given)) return NULL;
    const tarn_results *results =
        tarn_imported_call(((imported_object *)self)->imported, given.arrays.list, given.arrays.count,
                           .names = given.words, .name_count = given.name_count);
    return results ? new_tuple(tarn_results_arrays(results), tarn_results_count(results)) : raise_error();
}

static void imported_free(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    tarn_imported_free(((imported_object *)self)->imported);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyType_Slot imported_slots[] = {{Py_tp_doc, "A function out of a file (mx.import_function)."},
                                       {Py_tp_call, SLOT(imported_call)},
                                       {Py_tp_dealloc, SLOT(imported_free)},
                                       {0, NULL}};
static PyType_Spec imported_spec = {"tarn.core._imported_function", sizeof(imported_object), 0,
                                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, imported_slots};

PyObject *import_from(const char *path, bool with_metadata) {
    tarn_imported_function *imported = tarn_import_function(path);
    if (!imported) return raise_error();
    imported_object *f = (imported_object *)PyType_GenericAlloc(imported_type, 0);
    if (!f) return tarn_imported_free(imported), NULL;
    f->imported = imported;
    if (!with_metadata) return (PyObject *)f;
    return Py_BuildValue("(Ns)", f, tarn_imported_metadata(imported));
}

/* ---- */

static PyMethodDef functions[] = {
    {"export_function", METHOD(export_function), METH_VARARGS | METH_KEYWORDS,
     "export_function(file_or_callback, fun, *args, shapeless=False, metadata=None, **kwargs)\n--\n\n"
     "(file_or_callback: str | Callable, fun: Callable, *args: object, shapeless: bool = False, metadata: None | str = "
     "None, **kwargs: object) -> None\n\n"
     "Traces fun with arrays like these and writes it to a file, which import_function reads. With a callback nothing "
     "is written: it gets a dict for the inputs, the outputs, the constants, and each operation.\n\n"
     ">>> mx.export_function(\"/tmp/tarn-example.tarn\", lambda x: 2 * x, mx.array([1.0, 2.0]))"},
    {"export_to_dot", METHOD(export_to_dot), METH_VARARGS | METH_KEYWORDS,
     "export_to_dot(file, *args, **kwargs)\n--\n\n"
     "(file: object, *args: object, **kwargs: object) -> None\n\n"
     "Writes what is to be computed for the arrays in args as a graph for Graphviz, to a path or a file object. kwargs "
     "gives names to arrays.\n\n"
     ">>> mx.export_to_dot(\"/tmp/tarn-example.dot\", mx.array(1.0) + 2)"},
    {0}};

bool add_export(PyObject *core) {
    exporter_type = (PyTypeObject *)PyType_FromSpec(&exporter_spec);
    imported_type = (PyTypeObject *)PyType_FromSpec(&imported_spec);
    return exporter_type && imported_type && PyModule_AddFunctions(core, functions) == 0 &&
           PyModule_AddObjectRef(core, "FunctionExporter", (PyObject *)exporter_type) == 0;
}
