/* JSON over jansson (docs/design/json.md). What jansson does not do is done by a scan before it (json_scan.c). */
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "base/files.h"
#include "base/json.h"
#include "base/json_scan.h"
#include "base/memory.h"
#include "tarn/error.h"

/* NaN and the infinities, which jansson has no values for. To jansson they are nulls that are never freed. */
static json_t not_finite[] = {[SCAN_NAN] = {JSON_NULL, SIZE_MAX},
                              [SCAN_INFINITY] = {JSON_NULL, SIZE_MAX},
                              [SCAN_NEGATIVE_INFINITY] = {JSON_NULL, SIZE_MAX}};

static bool is_not_finite(const json_t *value) {
    return value >= not_finite && value < not_finite + sizeof not_finite / sizeof *not_finite;
}

/* Counts the numbers of a tree in the order of the text, and puts the values that are not finite where the scan found
 * them. */
typedef struct {
    const json_scan *scan;
    size_t number, next;
} filler;

static json_t *fill(filler *f, json_t *value);

static void fill_list(filler *f, json_t *list) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *new = fill(f, json_array_get(list, i));
        if (new) json_array_set_new(list, i, new);
    }
}

static void fill_dictionary(filler *f, json_t *object) {
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
        json_t *new = fill(f, json_object_iter_value(at));
        if (new) json_object_iter_set_new(object, at, new);
    }
}

/* What stands in place of the value, or NULL. */
static json_t *fill(filler *f, json_t *value) {
    if (json_is_array(value)) fill_list(f, value);
    if (json_is_object(value)) fill_dictionary(f, value);
    if (!json_is_number(value) || f->next == f->scan->not_finite.count) return NULL;
    scan_not_finite found = f->scan->not_finite.items[f->next];
    if (f->number++ != found.number) return NULL;
    f->next++;
    return &not_finite[found.kind];
}

static json_t *fill_root(const json_scan *s, json_t *root) {
    filler f = {.scan = s};
    json_t *new = s->not_finite.count ? fill(&f, root) : NULL;
    if (new) json_decref(root);
    return new ? new : root;
}

static json *parse(json_scan *s) {
    json_t *root = NULL;
    size_t length;
    const char *scanned = json_scan_text(s, &length);
    if (scanned) {
        json_error_t error;
        root = json_loadb(scanned, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
        if (!root) json_fail_at(s->bytes, json_scan_place(s, (size_t)error.position), s->name, error.text);
    }
    if (root) root = fill_root(s, root);
    json_scan_free(s);
    return (json *)root;
}

json *json_parse(const char *bytes, size_t length, const char *name) {
    return parse(&(json_scan){.bytes = bytes, .length = length, .name = name});
}

json *json_parse_exact(const char *bytes, size_t length, const char *name) {
    return parse(&(json_scan){.bytes = bytes, .length = length, .name = name, .exact = true});
}

json *json_parse_around(const char *bytes, size_t length, const char *name, const char *const *paths,
                        json_reader *readers, size_t count) {
    for (size_t i = 0; i < count; i++) readers[i] = (json_reader){0};
    return parse(&(json_scan){
        .bytes = bytes, .length = length, .name = name, .paths = paths, .readers = readers, .path_count = count});
}

json *json_read_file(const char *path, size_t limit) {
    size_t length;
    char *bytes = file_read(path, limit, &length);
    if (!bytes) return NULL;
    json *root = json_parse(bytes, length, path);
    memory_free(bytes);
    return root;
}

void json_free(json *root) {
    json_decref((json_t *)root);
}

static const json_t *inner(const json *value) {
    return (const json_t *)value;
}

json_kind json_kind_of(const json *value) {
    static const json_kind kinds[] = {
        [JSON_OBJECT] = JSON_DICTIONARY, [JSON_ARRAY] = JSON_LIST,  [JSON_STRING] = JSON_TEXT,
        [JSON_INTEGER] = JSON_WHOLE,     [JSON_REAL] = JSON_NUMBER, [JSON_TRUE] = JSON_YES,
        [JSON_FALSE] = JSON_NO,          [JSON_NULL] = JSON_NOTHING};
    if (!value) return JSON_NOTHING;
    return is_not_finite(inner(value)) ? JSON_NUMBER : kinds[json_typeof(inner(value))];
}

bool json_is(const json *value, json_kind kind) {
    return value && json_kind_of(value) == kind;
}

const json *json_get(const json *object, const char *key) {
    return (const json *)json_object_get(inner(object), key);
}

size_t json_count(const json *value) {
    return json_is(value, JSON_DICTIONARY) ? json_object_size(inner(value)) : json_array_size(inner(value));
}

const json *json_at(const json *array, size_t index) {
    return (const json *)json_array_get(inner(array), index);
}

bool json_each(const json *object, void **cursor, const char **key, size_t *length, const json **value) {
    if (!json_is(object, JSON_DICTIONARY)) return false;
    json_t *o = (json_t *)(uintptr_t)inner(object);
    *cursor = *cursor ? json_object_iter_next(o, *cursor) : json_object_iter(o);
    if (!*cursor) return false;
    *key = json_object_iter_key(*cursor);
    if (length) *length = json_object_iter_key_len(*cursor);
    *value = (const json *)json_object_iter_value(*cursor);
    return true;
}

const char *json_text(const json *value, size_t *length) {
    if (!json_is(value, JSON_TEXT)) return NULL;
    const char *s = json_string_value(inner(value));
    size_t bytes = json_string_length(inner(value));
    if (length) *length = bytes;
    return length || strlen(s) == bytes ? s : NULL;
}

int64_t json_whole(const json *value, int64_t fallback) {
    return json_is(value, JSON_WHOLE) ? json_integer_value(inner(value)) : fallback;
}

double json_number(const json *value, double fallback) {
    if (is_not_finite(inner(value)))
        return (const double[]){(double)NAN, (double)INFINITY, -(double)INFINITY}[inner(value) - not_finite];
    return json_is(value, JSON_WHOLE) || json_is(value, JSON_NUMBER) ? json_number_value(inner(value)) : fallback;
}

bool json_truth(const json *value, bool fallback) {
    return json_is(value, JSON_YES) || (fallback && !json_is(value, JSON_NO));
}
