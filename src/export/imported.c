/* Imported functions: opening a file, and calling. */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "core/results.h"
#include "core/scope.h"
#include "export/function_file.h"
#include "tarn/io.h"

struct tarn_imported_function {
    function_file file;
    tarn_tensors *tensors;
    tarn_signature *listed;     /* for users, made of file.signatures */
    tarn_parameter *parameters; /* of all of them */
    array_type *types;          /* of these */
};

/* ---- opening */

static bool check_version(const char *path, const tarn_tensors *t) {
    const char *format = tarn_tensors_metadata(t, "format"), *version = tarn_tensors_metadata(t, "version");
    if (!format || strcmp(format, FILE_FORMAT) != 0)
        return tarn_fail("%s: a safetensors file, but not one of an exported function", path);
    if (version && strcmp(version, FILE_VERSION) == 0) return true;
    return tarn_fail("%s: version '%.20s' of the format; this version of Tarn reads " FILE_VERSION, path,
                     version ? version : "");
}

static bool check_graph(const char *path, const tarn_tensors *t) {
    char digits[FILE_CHECKSUM];
    const char *graph = tarn_tensors_metadata(t, "graph"), *metadata = tarn_tensors_metadata(t, "metadata"),
               *checksum = tarn_tensors_metadata(t, "checksum");
    if (!graph || !metadata || !checksum) return tarn_fail("%s: it has no graph, metadata or checksum", path);
    file_checksum(graph, metadata, digits);
    return strcmp(digits, checksum) == 0 ||
           tarn_fail("%s: graph and metadata are not those that were written (their checksum differs)", path);
}

static tarn_array **captured_of(const char *path, const tarn_tensors *t) {
    size_t count = (size_t)tarn_tensors_count(t);
    tarn_array **captured = NEW_ARRAY(tarn_array *, count);
    for (size_t i = 0; captured && i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, FILE_TENSOR_NAME, i);
        if ((captured[i] = tarn_tensors_get(t, name))) continue;
        tarn_fail("%s: there is no tensor '%s' among %zu", path, name, count);
        return memory_free(captured), NULL;
    }
    return captured;
}

static bool read_tensors(tarn_imported_function *f, const char *path) {
    const tarn_tensors *t = f->tensors;
    if (!check_version(path, t) || !check_graph(path, t)) return false;
    const char *graph = tarn_tensors_metadata(t, "graph");
    tarn_array **captured = captured_of(path, t);
    bool ok = captured && function_file_init(&f->file, path, tarn_tensors_metadata(t, "metadata")) &&
              function_file_read(&f->file, graph, strlen(graph), captured, (size_t)tarn_tensors_count(t));
    memory_free(captured);
    return ok;
}

/* ---- listing */

/* Results have the sizes that they had for the example. */
static void list_signature(const signature *s, tarn_signature *to, tarn_parameter *parameters, array_type *types) {
    const recording *r = &s->graph;
    *to = (tarn_signature){r->input_count, (int)r->outputs.count, parameters, parameters + r->input_count};
    for (int i = 0; i < to->input_count + to->output_count; i++) {
        bool is_input = i < to->input_count;
        array_type *t = &types[i];
        *t = r->types.items[is_input ? i : r->outputs.items[i - to->input_count]];
        for (int k = 0; is_input && k < t->ndim; k++)
            if (s->free.items[i] >> k & 1) t->shape[k] = -1;
        parameters[i] = (tarn_parameter){is_input ? signature_name(s, i) : NULL, t->dtype, {t->shape, t->ndim}};
    }
}

static bool list(tarn_imported_function *f) {
    size_t count = f->file.signatures.count, total = 0;
    const signature *s = f->file.signatures.items;
    for (size_t i = 0; i < count; i++) total += (size_t)s[i].graph.input_count + s[i].graph.outputs.count;
    f->listed = NEW_ARRAY(tarn_signature, count);
    f->parameters = NEW_ARRAY(tarn_parameter, total);
    f->types = NEW_ARRAY(array_type, total);
    bool ok = f->listed && f->parameters && f->types;
    total = 0;
    for (size_t i = 0; ok && i < count; i++) {
        list_signature(&s[i], &f->listed[i], f->parameters + total, f->types + total);
        total += (size_t)f->listed[i].input_count + (size_t)f->listed[i].output_count;
    }
    return ok;
}

int tarn_imported_count(const tarn_imported_function *f) {
    return f ? (int)f->file.signatures.count : 0;
}

const tarn_signature *tarn_imported_signature(const tarn_imported_function *f, int index) {
    return f && index >= 0 && index < tarn_imported_count(f) ? &f->listed[index] : NULL;
}

const char *tarn_imported_metadata(const tarn_imported_function *f) {
    return f ? f->file.metadata : "";
}

/* ---- making and freeing */

tarn_imported_function *tarn_import_function(const char *path) {
    if (!path) return tarn_fail("import: no path"), NULL;
    if (!tarn_ok()) return NULL;
    tarn_imported_function *f = NEW(tarn_imported_function);
    if (!f) return NULL;
    f->tensors = tarn_load_safetensors(path);
    if (f->tensors && read_tensors(f, path) && list(f)) return f;
    error_blame(TARN_ERROR_IO);
    tarn_imported_free(f);
    return NULL;
}

void tarn_imported_free(tarn_imported_function *f) {
    if (!f) return;
    function_file_free(&f->file);
    tarn_tensors_free(f->tensors);
    memory_free(f->listed);
    memory_free(f->parameters);
    memory_free(f->types);
    memory_free(f);
}

/* ---- calls */

static const signature *find(const function_file *f, const arguments *a, tarn_array **ordered) {
    for (size_t i = 0; i < f->signatures.count; i++)
        if (signature_takes(&f->signatures.items[i], a, ordered)) return &f->signatures.items[i];
    function_file_fail(f, a);
    return NULL;
}

static bool call(tarn_imported_function *f, const arguments *a, tarn_results *results) {
    tarn_array **ordered = NEW_ARRAY(tarn_array *, a->count);
    const signature *s = ordered ? find(&f->file, a, ordered) : NULL;
    bool ok = s && recording_call((void *)(uintptr_t)&s->graph, ordered, a->count, results);
    memory_free(ordered);
    return ok;
}

typedef struct {
    tarn_imported_function *f;
    const arguments *a;
} imported_call;

static bool call_given(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const imported_call *c = context;
    (void)inputs, (void)count;
    return call(c->f, c->a, results);
}

tarn_results *tarn_imported_call_with(tarn_imported_function *f, tarn_array *const *inputs, int count,
                                      tarn_names_options o) {
    arguments a = {inputs, count, o};
    if (!f) return tarn_fail("imported function: it is NULL"), NULL;
    if (!tarn_ok() || !scope_check_open("imported function") || !arguments_check(f->file.path, &a)) return NULL;
    tarn_results *results = results_new();
    imported_call c = {f, &a};
    bool ok = results && function_call(f->file.path, call_given, &c, inputs, count, results);
    return results_close(results, ok);
}

static bool call_positional(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    tarn_imported_function *f = context;
    arguments a = {.inputs = inputs, .count = count};
    return arguments_check(f->file.path, &a) && call(f, &a, results);
}

tarn_function tarn_imported_as_function(tarn_imported_function *f) {
    return (tarn_function){f ? call_positional : NULL, f};
}
