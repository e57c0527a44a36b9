/* Any text as the graph of an exported function, over arrays of the dtypes and shapes that it says it captured; after a
   first byte 'r' the rest is a file as it is. What is accepted must run: over ones, if it is small. */
#include <string.h>

#include "base/memory.h"
#include "export/function_file.h"
#include "file_input.h"

enum { MOST_CAPTURED = 16, MOST_VALUES = 64, MOST_ELEMENTS = 4096 };

static bool is_small(const array_type *t) {
    int64_t elements = 1;
    for (int i = 0; i < t->ndim; i++) {
        if (t->shape[i] > MOST_ELEMENTS) return false;
        elements *= t->shape[i] > 1 ? t->shape[i] : 1;
        if (elements > MOST_ELEMENTS) return false;
    }
    return true;
}

static tarn_array *ones(const array_type *t) {
    return tarn_ones(((tarn_ints){t->shape, t->ndim}), t->dtype);
}

static void run(const signature *s) {
    TARN_SCOPE;
    const recording *r = &s->graph;
    tarn_array *inputs[MOST_VALUES] = {NULL};
    if (r->types.count > MOST_VALUES) return;
    for (size_t i = 0; i < r->types.count; i++)
        if (!is_small(&r->types.items[i])) return;
    for (int i = 0; i < r->input_count; i++) inputs[i] = ones(&r->types.items[i]);
    tarn_results *results = tarn_call(TARN_FUNCTION(recording_call, (void *)(uintptr_t)r), inputs, r->input_count);
    require(results != NULL); /* it was built once already */
    for (int i = 0; i < tarn_results_count(results); i++) {
        tarn_array *y = tarn_results_at(results, i);
        if (!tarn_data(y)) require(!tarn_ok()); /* a kernel may refuse values */
        tarn_clear_error();
    }
}

static tarn_array *captured_of(const json *entry) {
    array_type t = {0};
    const char *dtype = json_text(json_get(entry, "dtype"), NULL);
    const json *shape = json_get(entry, "shape");
    if (!dtype || !tarn_dtype_from_name(dtype, &t.dtype) || json_count(shape) > TARN_MAX_NDIM) return NULL;
    t.ndim = (int)json_count(shape);
    for (int i = 0; i < t.ndim; i++)
        if ((t.shape[i] = json_whole(json_at(shape, (size_t)i), -1)) < 0) return NULL;
    return is_small(&t) ? ones(&t) : NULL;
}

static size_t all_captured(const char *graph, size_t length, tarn_array **captured) {
    json *root = json_parse(graph, length, "input");
    const json *list = json_get(root, "captured");
    size_t count = 0;
    for (; count < json_count(list) && count < MOST_CAPTURED; count++)
        if (!(captured[count] = captured_of(json_at(list, count)))) break;
    json_free(root);
    tarn_clear_error();
    return count;
}

static void read_graph(const char *graph, size_t length) {
    TARN_SCOPE;
    function_file f;
    tarn_array *captured[MOST_CAPTURED];
    size_t count = all_captured(graph, length, captured);
    require(function_file_init(&f, "input", NULL));
    bool ok = function_file_read(&f, graph, length, captured, count);
    require(ok == tarn_ok());
    tarn_clear_error();
    for (size_t i = 0; ok && i < f.signatures.count; i++) run(&f.signatures.items[i]);
    function_file_free(&f);
}

static void read_file(const uint8_t *data, size_t size) {
    char path[64];
    int descriptor = file_of(data, size, path);
    tarn_imported_function *f = tarn_import_function(path);
    require((f != NULL) == tarn_ok());
    tarn_imported_free(f);
    tarn_clear_error();
    close(descriptor);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size && data[0] == 'r')
        read_file(data + 1, size - 1);
    else
        read_graph((const char *)data, size);
    return 0;
}
