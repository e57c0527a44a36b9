/* Files: the functions that take paths, and those that ask tarn/_files.py, where everything about names, file objects
   and the kinds of arguments stands. */
#include <string.h>

#include "special.h"

/* ---- asking _files.py */

static PyObject *core_module(void) {
    return PyImport_ImportModule("tarn.core");
}

/* files.function(core, …); the arguments are a new tuple without the first. */
static PyObject *call(const char *function, PyObject *rest, PyObject *named) {
    PyObject *files = rest ? PyImport_ImportModule("tarn._files") : NULL, *core = files ? core_module() : NULL;
    PyObject *f = core ? PyObject_GetAttrString(files, function) : NULL, *first = f ? PyTuple_Pack(1, core) : NULL;
    PyObject *all = first ? PySequence_Concat(first, rest) : NULL, *result = all ? PyObject_Call(f, all, named) : NULL;
    PyObject *held[] = {files, core, f, first, all, rest};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++) Py_XDECREF(held[i]);
    return result;
}

PyObject *call_files(const char *function, PyObject *file, const char *format, bool return_metadata) {
    return call(function, Py_BuildValue("(OzO)", file, format, return_metadata ? Py_True : Py_False), NULL);
}

PyObject *call_save(PyObject *file, tarn_array *array) {
    return call("save", Py_BuildValue("(ON)", file, new_array(array)), NULL);
}

PyObject *call_save_named(const char *function, PyObject *file, PyObject *arrays, PyObject *metadata) {
    return call(function, Py_BuildValue("(OOO)", file, arrays, metadata), NULL);
}

static PyObject *savez_of(bool compressed, PyObject *args, PyObject *named) {
    PyObject *first = PyTuple_Pack(1, compressed ? Py_True : Py_False);
    PyObject *all = first ? PySequence_Concat(first, args) : NULL;
    Py_XDECREF(first);
    return call("archive", all, named);
}
static PyObject *savez(PyObject *self, PyObject *args, PyObject *named) {
    return (void)self, savez_of(false, args, named);
}
static PyObject *savez_compressed(PyObject *self, PyObject *args, PyObject *named) {
    return (void)self, savez_of(true, args, named);
}

#define SAVEZ_WORDS                                                                                                    \
    "(file, *args, **kwargs)\n--\n\n(file, *args: array, **kwargs: array) -> None\n\nWrites arrays to an .npz file: "  \
    "those without a name as arr_0, arr_1, ...\n\n"
static PyMethodDef functions[] = {{"savez", METHOD(savez), METH_VARARGS | METH_KEYWORDS,
                                   "savez" SAVEZ_WORDS ">>> mx.savez(\"/tmp/tarn-example.npz\", a=mx.array([1, 2]))"},
                                  {"savez_compressed", METHOD(savez_compressed), METH_VARARGS | METH_KEYWORDS,
                                   "savez_compressed" SAVEZ_WORDS
                                   ">>> mx.savez_compressed(\"/tmp/tarn-example.npz\", a=mx.array([1, 2]))"},
                                  {0}};

/* ---- what _files.py calls */

static PyObject *text_of(const char *words) {
    return PyUnicode_DecodeUTF8(words, (Py_ssize_t)strlen(words), "surrogateescape");
}

static PyObject *texts_of(const tarn_note *n) {
    PyObject *list = PyList_New((Py_ssize_t)n->count);
    for (int64_t i = 0; list && i < n->count; i++) {
        PyObject *word = text_of(n->texts[i]);
        if (!word) return Py_DECREF(list), NULL;
        PyList_SetItem(list, (Py_ssize_t)i, word);
    }
    return list;
}

/* Takes over the value. */
static bool set_item(PyObject *dict, const char *name, PyObject *value) {
    PyObject *key = text_of(name);
    bool set = key && value && PyDict_SetItem(dict, key, value) == 0;
    Py_XDECREF(key);
    Py_XDECREF(value);
    return set;
}

static PyObject *arrays_of(const tarn_tensors *t) {
    PyObject *dict = PyDict_New();
    for (int64_t i = 0; dict && i < tarn_tensors_count(t); i++) {
        tarn_array *a = tarn_tensors_at(t, i);
        if (!set_item(dict, tarn_tensors_name(t, i), a ? new_array(a) : raise_error())) return Py_DECREF(dict), NULL;
    }
    return dict;
}

static PyObject *notes_of(const tarn_tensors *t) {
    PyObject *dict = PyDict_New();
    tarn_note n;
    for (int64_t i = 0; dict && tarn_tensors_note(t, i, &n); i++) {
        PyObject *value = n.text ? text_of(n.text) : n.array ? new_array(n.array) : texts_of(&n);
        if (!set_item(dict, n.key, value)) return Py_DECREF(dict), NULL;
    }
    return dict;
}

PyObject *load_tensors(const char *path, const char *format) {
    tarn_tensors *t = !strcmp(format, "npz")    ? tarn_load_npz(path)
                      : !strcmp(format, "gguf") ? tarn_load_gguf(path)
                                                : tarn_load_safetensors(path);
    if (!t) return raise_error();
    PyObject *arrays = arrays_of(t), *notes = arrays ? notes_of(t) : NULL;
    tarn_tensors_free(t);
    PyObject *pair = notes ? PyTuple_Pack(2, arrays, notes) : NULL;
    Py_XDECREF(arrays);
    Py_XDECREF(notes);
    return pair;
}

/* The words of a list of strings, which it keeps alive. */
static const char *const *words_of(PyObject *list, int64_t *count) {
    *count = PyList_Size(list);
    const char **words = PyMem_Malloc((size_t)(*count + 1) * sizeof *words);
    for (int64_t i = 0; words && i < *count; i++)
        if (!(words[i] = PyUnicode_AsUTF8AndSize(PyList_GetItem(list, (Py_ssize_t)i), NULL)))
            return PyMem_Free(words), NULL;
    return words;
}

static bool note_of(PyObject *pair, tarn_note *n) {
    PyObject *value = PyTuple_GetItem(pair, 1);
    if (!(n->key = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(pair, 0), NULL))) return false;
    if (PyUnicode_Check(value)) return (n->text = PyUnicode_AsUTF8AndSize(value, NULL)) != NULL;
    if (PyList_Check(value)) return (n->texts = words_of(value, &n->count)) != NULL;
    return (n->array = held_array(value)) != NULL;
}

static bool write_tensors(const char *path, const char *format, const tarn_named_array *arrays, int64_t count,
                          const tarn_note *notes, int64_t note_count) {
    if (!strcmp(format, "gguf")) return tarn_save_gguf(path, arrays, count, .notes = notes, .note_count = note_count);
    if (strcmp(format, "safetensors"))
        return tarn_save_npz(path, arrays, count, .compressed = !strcmp(format, "npz_compressed"));
    tarn_pair *pairs = PyMem_Malloc((size_t)(note_count + 1) * sizeof *pairs);
    for (int64_t i = 0; pairs && i < note_count; i++) pairs[i] = (tarn_pair){notes[i].key, notes[i].text};
    bool ok = pairs && tarn_save_safetensors(path, arrays, count, .metadata = pairs, .metadata_count = note_count);
    PyMem_Free(pairs);
    return ok;
}

bool save_tensors(const char *path, const char *format, PyObject *names, const array_list *arrays, PyObject *pairs) {
    int64_t count = arrays->count, note_count = PyList_Size(pairs);
    tarn_named_array *named = PyMem_Calloc((size_t)count + 1, sizeof *named);
    tarn_note *notes = PyMem_Calloc((size_t)note_count + 1, sizeof *notes);
    bool ok = named && notes;
    for (int64_t i = 0; ok && i < count; i++) {
        named[i] =
            (tarn_named_array){PyUnicode_AsUTF8AndSize(PyList_GetItem(names, (Py_ssize_t)i), NULL), arrays->list[i]};
        ok = named[i].name != NULL;
    }
    for (int64_t i = 0; ok && i < note_count; i++) ok = note_of(PyList_GetItem(pairs, (Py_ssize_t)i), &notes[i]);
    ok = ok && write_tensors(path, format, named, count, notes, note_count);
    for (int64_t i = 0; notes && i < note_count; i++) PyMem_Free((void *)(uintptr_t)notes[i].texts);
    PyMem_Free(named);
    PyMem_Free(notes);
    return ok;
}

bool add_files(PyObject *core) {
    return PyModule_AddFunctions(core, functions) == 0;
}
