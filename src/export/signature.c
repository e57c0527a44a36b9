/* What an exported function takes: arrays by place and by name. */
#include <string.h>

#include "base/memory.h"
#include "export/function_file.h"

/* ---- arguments */

static bool name_is_new(const arguments *a, int place) {
    for (int i = 0; i < place; i++)
        if (strcmp(a->names.names[i], a->names.names[place]) == 0) return false;
    return true;
}

bool arguments_check(const char *what, const arguments *a) {
    int names = a->names.name_count;
    if (a->count < 0 || (a->count && !a->inputs)) return tarn_fail("%s: %d inputs", what, a->count);
    if (names < 0 || names > a->count) return tarn_fail("%s: %d names for %d inputs", what, names, a->count);
    if (names && !a->names.names) return tarn_fail("%s: %d names, but the list is NULL", what, names);
    for (int i = 0; i < a->count; i++)
        if (!a->inputs[i]) return tarn_fail("%s: input %d is NULL", what, i);
    for (int i = 0; i < names; i++) {
        const char *name = a->names.names[i];
        if (!name || !utf8_valid(name, strlen(name))) return tarn_fail("%s: name %d is NULL or not UTF-8", what, i);
        if (!name_is_new(a, i)) return tarn_fail("%s: two inputs are named '%s'", what, name);
    }
    return true;
}

/* ---- signatures */

bool signature_set_names(signature *s, const arguments *a) {
    for (int i = 0; i < a->names.name_count; i++) {
        char *copy = memory_copy(a->names.names[i], strlen(a->names.names[i]) + 1);
        if (!copy || !vector_push(&s->names, copy)) return memory_free(copy), false;
    }
    return true;
}

void signature_free(signature *s) {
    for (size_t i = 0; i < s->names.count; i++) memory_free(s->names.items[i]);
    vector_free(&s->names);
    vector_free(&s->free);
    recording_free(&s->graph);
}

const char *signature_name(const signature *s, int input) {
    int named = input - (s->graph.input_count - (int)s->names.count);
    return named < 0 ? NULL : s->names.items[named];
}

static tarn_array *find_named(const arguments *a, const char *name) {
    for (int i = 0; i < a->names.name_count; i++)
        if (strcmp(a->names.names[i], name) == 0) return a->inputs[a->count - a->names.name_count + i];
    return NULL;
}

static bool takes(const signature *s, int input, const tarn_array *a) {
    const array_type *t = &s->graph.types.items[input];
    bool fits = a && a->dtype == t->dtype && a->ndim == t->ndim;
    for (int k = 0; fits && k < t->ndim; k++) fits = s->free.items[input] >> k & 1 || a->shape[k] == t->shape[k];
    return fits;
}

bool signature_takes(const signature *s, const arguments *a, tarn_array **ordered) {
    if (a->count != s->graph.input_count || (size_t)a->names.name_count != s->names.count) return false;
    for (int i = 0; i < a->count; i++) {
        const char *name = signature_name(s, i);
        ordered[i] = name ? find_named(a, name) : a->inputs[i];
        if (!takes(s, i, ordered[i])) return false;
    }
    return true;
}

/* ---- files */

bool function_file_init(function_file *f, const char *path, const char *metadata) {
    *f = (function_file){0};
    if (!metadata) metadata = "";
    if (!path) return tarn_fail("export: no path");
    if (!utf8_valid(metadata, strlen(metadata))) return tarn_fail("%s: the metadata is not UTF-8", path);
    f->path = memory_copy(path, strlen(path) + 1);
    f->metadata = memory_copy(metadata, strlen(metadata) + 1);
    return f->path && f->metadata;
}

void function_file_free(function_file *f) {
    for (size_t i = 0; i < f->signatures.count; i++) signature_free(&f->signatures.items[i]);
    vector_free(&f->signatures);
    memory_free(f->path);
    memory_free(f->metadata);
}

/* ---- in words: "(float32 [2, 3], mask=bool [any])" */

static void describe_input(text *t, bool first, const char *name, tarn_dtype dtype, tarn_ints shape, uint32_t any) {
    text_format(t, "%s%s%s%s [", first ? "" : ", ", name ? name : "", name ? "=" : "", dtype_facts[dtype].name);
    for (int64_t i = 0; i < shape.count; i++) {
        text_add(t, i ? ", " : "");
        if (any >> i & 1)
            text_add(t, "any");
        else
            text_format(t, "%lld", (long long)shape.values[i]);
    }
    text_add(t, "]");
}

static void describe_signature(text *t, const signature *s) {
    text_add(t, "(");
    for (int i = 0; i < s->graph.input_count; i++) {
        const array_type *type = &s->graph.types.items[i];
        describe_input(t, i == 0, signature_name(s, i), type->dtype, (tarn_ints){type->shape, type->ndim},
                       s->free.items[i]);
    }
    text_add(t, ")");
}

static void describe_arguments(text *t, const arguments *a) {
    int positional = a->count - a->names.name_count;
    text_add(t, "(");
    for (int i = 0; i < a->count; i++)
        describe_input(t, i == 0, i < positional ? NULL : a->names.names[i - positional], a->inputs[i]->dtype,
                       array_shape(a->inputs[i]), 0);
    text_add(t, ")");
}

bool function_file_fail(const function_file *f, const arguments *a) {
    text t = {0};
    describe_arguments(&t, a);
    text_add(&t, f->signatures.count ? "; the file has" : "; the file has none");
    for (size_t i = 0; i < f->signatures.count; i++) {
        text_add(&t, i ? ", " : " ");
        describe_signature(&t, &f->signatures.items[i]);
    }
    tarn_fail("%s: no signature takes %s", f->path, text_string(&t));
    text_free(&t);
    return false;
}
