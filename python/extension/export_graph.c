/* Graphs for others: a traced function part by part, for a Python callback, and arrays as a picture. */
#include "export.h"

#include "closure.h"

/* ---- export_function(callback, …): dicts as MLX has them */

typedef struct {
    PyObject *callback, *letters; /* a dict: a name for each number */
} shown;

/* A, B, … Z, AA, … in the order in which arrays are met. */
static PyObject *name_of(const shown *s, int64_t number) {
    PyObject *key = PyLong_FromLongLong(number), *name = key ? PyDict_GetItem(s->letters, key) : NULL;
    char letters[16], *at = letters + sizeof letters - 1;
    *at = 0;
    Py_XINCREF(name);
    for (Py_ssize_t n = PyDict_Size(s->letters) + 1; key && !name && n > 0; n = (n - 1) / 26)
        *--at = (char)('A' + (n - 1) % 26);
    if (key && !name) name = PyUnicode_FromString(at);
    if (name && PyDict_SetItem(s->letters, key, name) < 0) Py_CLEAR(name);
    Py_XDECREF(key);
    return name;
}

static PyObject *shape_of(tarn_ints shape) {
    PyObject *tuple = PyTuple_New((Py_ssize_t)shape.count);
    for (int64_t i = 0; tuple && i < shape.count; i++)
        PyTuple_SetItem(tuple, (Py_ssize_t)i, PyLong_FromLongLong(shape.values[i]));
    return tuple;
}

/* (name, shape, dtype); None where there is none. */
static PyObject *described(const shown *s, const tarn_graph_value *v) {
    if (v->number < 0) return new_none();
    PyObject *name = name_of(s, v->number);
    return name ? Py_BuildValue("(NNN)", name, shape_of(v->shape), new_dtype(v->dtype)) : NULL;
}

static PyObject *keyword(const shown *s, const tarn_graph_value *v) {
    return Py_BuildValue("(sN)", v->name, name_of(s, v->number));
}

static PyObject *constant(const shown *s, const tarn_graph_value *v) {
    return Py_BuildValue("(NN)", name_of(s, v->number), new_array(v->array));
}

/* A list of what `make` says of each value; of named ones alone, if that is asked. */
static PyObject *list_of(const shown *s, const tarn_graph_value *values, int count, bool only_named,
                         PyObject *(*make)(const shown *, const tarn_graph_value *)) {
    PyObject *list = PyList_New(0);
    for (int i = 0; list && i < count; i++) {
        if (only_named && !values[i].name) continue;
        PyObject *one = make(s, &values[i]);
        if (!one || PyList_Append(list, one) < 0) Py_CLEAR(list);
        Py_XDECREF(one);
    }
    return list;
}

static PyObject *reals_of(const tarn_attribute *a) {
    PyObject *tuple = PyTuple_New((Py_ssize_t)a->count);
    for (int64_t i = 0; tuple && i < a->count; i++)
        PyTuple_SetItem(tuple, (Py_ssize_t)i, PyFloat_FromDouble(a->reals[i]));
    return tuple;
}

static PyObject *value_of(const tarn_attribute *a) {
    switch (a->type) {
    case TARN_ATTRIBUTE_INTEGER:
        return PyLong_FromLongLong(a->integer);
    case TARN_ATTRIBUTE_REAL:
        return a->real == a->real ? PyFloat_FromDouble(a->real) : new_none(); /* NaN: absent */
    case TARN_ATTRIBUTE_BOOLEAN:
        return PyBool_FromLong((long)a->integer);
    case TARN_ATTRIBUTE_DTYPE:
        return new_dtype((tarn_dtype)a->integer);
    case TARN_ATTRIBUTE_NAME:
        return PyUnicode_FromString(a->word);
    case TARN_ATTRIBUTE_INTS:
        return a->ints.values ? shape_of(a->ints) : new_none();
    case TARN_ATTRIBUTE_REALS:
        break;
    }
    return a->reals ? reals_of(a) : new_none();
}

static PyObject *arguments_of(const tarn_graph_part *part) {
    PyObject *list = PyList_New(part->attribute_count);
    for (int i = 0; list && i < part->attribute_count; i++) PyList_SetItem(list, i, value_of(&part->attributes[i]));
    return list;
}

static PyObject *names_of(const tarn_graph_part *part) {
    PyObject *list = PyList_New(part->attribute_count);
    for (int i = 0; list && i < part->attribute_count; i++)
        PyList_SetItem(list, i, PyUnicode_FromString(part->attributes[i].name));
    return list;
}

/* Takes over the dict. */
static bool tell(const shown *s, PyObject *dict) {
    PyObject *said = dict && !PyErr_Occurred() ? PyObject_CallFunctionObjArgs(s->callback, dict, NULL) : NULL;
    Py_XDECREF(dict);
    Py_XDECREF(said);
    return said || python_failed();
}

static bool tell_inputs(const shown *s, const tarn_graph_part *p) {
    return tell(s, Py_BuildValue("{sssN}", "type", "inputs", "inputs",
                                 list_of(s, p->outputs, p->output_count, false, described))) &&
           tell(s, Py_BuildValue("{sssN}", "type", "keyword_inputs", "keywords",
                                 list_of(s, p->outputs, p->output_count, true, keyword)));
}

static bool tell_step(const shown *s, const tarn_graph_part *p) {
    PyObject *inputs = list_of(s, p->inputs, p->input_count, false, described);
    return tell(s, Py_BuildValue("{sssNsNsssNsN}", "type", "primitive", "inputs", inputs, "outputs",
                                 list_of(s, p->outputs, p->output_count, false, described), "name", p->op, "arguments",
                                 arguments_of(p), "argument_names", names_of(p)));
}

static bool visit(void *context, const tarn_graph_part *p) {
    const shown *s = context;
    switch (p->kind) {
    case TARN_GRAPH_INPUTS:
        return tell_inputs(s, p);
    case TARN_GRAPH_OUTPUTS:
        return tell(s, Py_BuildValue("{sssN}", "type", "outputs", "outputs",
                                     list_of(s, p->inputs, p->input_count, false, described)));
    case TARN_GRAPH_CAPTURED:
        return tell(s, Py_BuildValue("{sssN}", "type", "constants", "constants",
                                     list_of(s, p->outputs, p->output_count, false, constant)));
    case TARN_GRAPH_STEP:
        break;
    }
    return tell_step(s, p);
}

/* Under tarn.mlx a callback is told MLX's primitives. */
static PyObject *callback_for(PyObject *callback) {
    PyObject *module = like_mlx ? PyImport_ImportModule("tarn.mlx.primitives") : NULL;
    PyObject *made = module ? PyObject_CallMethod(module, "Translated", "O", callback) : NULL;
    Py_XDECREF(module);
    return like_mlx ? made : Py_NewRef(callback);
}

bool show_graph(PyObject *callback, const exported_call *call) {
    shown s = {callback_for(callback), PyDict_New()};
    const given_arrays *g = call->given;
    bool ok = s.callback && s.letters &&
              tarn_visit_graph(((tarn_function){run_exported, (void *)(uintptr_t)call}), g->arrays.list,
                               g->arrays.count, visit, &s, .names = g->words, .name_count = g->name_count);
    Py_XDECREF(s.letters);
    Py_XDECREF(s.callback);
    return ok;
}

/* ---- export_to_dot */

static bool write_text(PyObject *path, const char *text) {
    const char *words = PyUnicode_AsUTF8AndSize(path, NULL);
    FILE *file = words ? fopen(words, "w") : NULL;
    bool written = file && fputs(text, file) >= 0;
    written = file && fclose(file) == 0 && written;
    return written || (PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path), false);
}

static PyObject *put(PyObject *file, const char *text) {
    PyObject *path = path_of_object(file), *done = NULL;
    if (path)
        done = write_text(path, text) ? new_none() : NULL;
    else if (!PyErr_Occurred() && PyObject_HasAttrString(file, "write"))
        done = PyObject_CallMethod(file, "write", "s", text);
    else if (!PyErr_Occurred())
        PyErr_Format(file == Py_None ? PyExc_TypeError : PyExc_ValueError,
                     "[export_to_dot] a file is a path or a file object, not %s", type_name(file));
    Py_XDECREF(path);
    if (!done) return NULL;
    Py_DECREF(done);
    return new_none();
}

PyObject *export_to_dot(PyObject *self, PyObject *arguments, PyObject *named) {
    (void)self;
    Py_ssize_t count = PyTuple_Size(arguments);
    if (count < 1) return PyErr_SetString(PyExc_TypeError, "export_to_dot() takes a file and arrays"), NULL;
    leaf_list leaves CLEANUP(drop_leaves) = {0};
    given_arrays names CLEANUP(drop_given) = {0};
    TARN_SCOPE;
    PyObject *none = PyTuple_New(0), *trees = PyTuple_GetSlice(arguments, 1, count), *done = NULL;
    bool good = none && trees && tree_leaves(trees, &leaves, true) && given_of("export_to_dot", none, named, &names);
    char *text = good ? tarn_dump_dot(leaves.list, leaves.count, .named = names.arrays.list, .names = names.words,
                                      .named_count = names.name_count)
                      : NULL;
    if (text) done = put(PyTuple_GetItem(arguments, 0), text);
    if (good && !text) raise_error();
    tarn_free(text);
    Py_XDECREF(none);
    Py_XDECREF(trees);
    return done;
}
