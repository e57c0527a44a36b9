/* Tracing functions for files. */
#include "base/memory.h"
#include "core/scope.h"
#include "export/function_file.h"

struct tarn_exporter {
    function_file file;
    tarn_function function;
    bool shapeless, closed;
};

static bool trace_arguments(const arguments *a, tarn_array **stand_ins) {
    for (int i = 0; i < a->count; i++)
        if (!(stand_ins[i] = trace_argument(i, a->inputs[i]))) return false;
    return true;
}

bool signature_trace(signature *s, const char *what, tarn_function function, const arguments *a, bool *holds_sizes) {
    TARN_SCOPE;
    traced_function t;
    tarn_array **stand_ins = NEW_ARRAY(tarn_array *, a->count);
    bool ok = stand_ins && trace_arguments(a, stand_ins) && traced_begin(&t, what, function, stand_ins, a->count, NULL);
    if (ok) {
        ok = recording_make(&s->graph, what, &t) && signature_set_names(s, a);
        if (holds_sizes) *holds_sizes = trace_holds_sizes(t.trace);
        traced_end(&t);
    }
    memory_free(stand_ins);
    return ok;
}

tarn_exporter *tarn_exporter_new_with(const char *path, tarn_function function, tarn_exporter_options o) {
    if (!tarn_ok()) return NULL;
    if (!function.call) return tarn_fail("export: the function is NULL"), NULL;
    tarn_exporter *e = NEW(tarn_exporter);
    if (!e) return NULL;
    *e = (tarn_exporter){.function = function, .shapeless = o.shapeless};
    if (function_file_init(&e->file, path, o.metadata)) return e;
    tarn_exporter_free(e);
    return NULL;
}

static bool check_new(const tarn_exporter *e, const arguments *a) {
    tarn_array **ordered = NEW_ARRAY(tarn_array *, a->count);
    bool found = false;
    for (size_t i = 0; ordered && i < e->file.signatures.count && !found; i++)
        found = signature_takes(&e->file.signatures.items[i], a, ordered);
    memory_free(ordered);
    return ordered && (!found || tarn_fail_kind(TARN_ERROR_RUNTIME,
                                                "%s: the function was traced for such arrays already", e->file.path));
}

static bool add_signature(tarn_exporter *e, const arguments *a) {
    signature s = {0};
    bool holds_sizes = false;
    bool ok = signature_trace(&s, "export", e->function, a, &holds_sizes) && vector_reserve(&s.free, (size_t)a->count);
    for (int i = 0; ok && i < a->count; i++) s.free.items[s.free.count++] = 0;
    if (ok && e->shapeless) ok = signature_free_sizes(&s, e->function, a, holds_sizes);
    ok = ok && vector_push(&e->file.signatures, s);
    if (!ok) signature_free(&s);
    return ok;
}

bool tarn_exporter_trace_with(tarn_exporter *e, tarn_array *const *inputs, int count, tarn_names_options o) {
    arguments a = {inputs, count, o};
    if (!tarn_ok()) return false;
    if (!e) return tarn_fail("export: the exporter is NULL");
    if (e->closed) return tarn_fail_kind(TARN_ERROR_RUNTIME, "%s: the exporter is closed", e->file.path);
    return arguments_check("export", &a) && check_new(e, &a) && add_signature(e, &a);
}

bool tarn_exporter_close(tarn_exporter *e) {
    if (!tarn_ok()) return false;
    if (!e) return tarn_fail("export: the exporter is NULL");
    if (e->closed) return true;
    e->closed = true;
    return function_file_write(&e->file);
}

void tarn_exporter_free(tarn_exporter *e) {
    if (!e) return;
    function_file_free(&e->file);
    memory_free(e);
}

bool tarn_export_function_with(const char *path, tarn_function function, tarn_array *const *inputs, int count,
                               tarn_export_options o) {
    tarn_exporter *e = tarn_exporter_new(path, function, .shapeless = o.shapeless, .metadata = o.metadata);
    bool ok = e && tarn_exporter_trace(e, inputs, count, .names = o.names, .name_count = o.name_count) &&
              tarn_exporter_close(e);
    tarn_exporter_free(e);
    return ok;
}
