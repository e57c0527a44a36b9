/* Named arrays over files, and notes about them. */
#include "io/tensors.h"

#include <stdatomic.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/vector.h"

struct shared_file {
    atomic_int references;
    const file_mapping *mapping;
    void *object;
    void (*close)(void *object);
};

typedef struct {
    char *name;
    tarn_array *array;       /* NULL: of a dtype that no array can have */
    const char *unsupported; /* that dtype, as the file calls it */
    const char *path;        /* of the file */
} named;

typedef struct {
    char *key, *text; /* text: all texts of a list one after the other, each with a NUL */
    tarn_array *array;
    const char **texts; /* NULL: no list */
    size_t count;
} note;

typedef struct {
    shared_file **items;
    size_t count, capacity;
} file_list;
typedef struct {
    note *items;
    size_t count, capacity;
} note_list;

struct tarn_tensors {
    file_list files;
    note_list notes;
    named *items;
    size_t count, capacity;
    map *names, *keys;
};

/* ---- files shared by arrays */

shared_file *shared_file_new(const file_mapping *mapping, void *object, void (*close)(void *object)) {
    shared_file *s = NEW(shared_file);
    if (!s) return NULL;
    s->references = 1;
    s->mapping = mapping;
    s->object = object;
    s->close = close;
    return s;
}

void shared_file_release(void *context) {
    shared_file *s = context;
    if (!s || atomic_fetch_sub(&s->references, 1) != 1) return;
    s->close(s->object);
    memory_free(s);
}

static bool check_file(void *context) {
    return file_unchanged(((const shared_file *)context)->mapping);
}

tarn_array *shared_file_array(shared_file *s, const void *bytes, tarn_ints shape, tarn_dtype dtype) {
    atomic_fetch_add(&s->references, 1);
    tarn_array *a =
        tarn_from_foreign(bytes, shape, dtype, .check = check_file, .release = shared_file_release, .context = s);
    if (!a) shared_file_release(s);
    return a;
}

/* ---- filling in */

tarn_tensors *tensors_new(void) {
    tarn_tensors *t = NEW(tarn_tensors);
    if (t && (t->names = map_new()) && (t->keys = map_new())) return t;
    tarn_tensors_free(t);
    return NULL;
}

bool tensors_hold(tarn_tensors *t, shared_file *file) {
    if (file && vector_push(&t->files, file)) return true;
    shared_file_release(file);
    return false;
}

static char *copy_text(const char *from, size_t length) {
    char *copy = memory_new(length + 1, 1);
    if (copy && length) memcpy(copy, from, length);
    return copy;
}

bool tensors_add(tarn_tensors *t, const char *name, tarn_array *array, const char *unsupported, const char *path) {
    uint64_t old;
    if (map_get(t->names, name, strlen(name), &old)) return tarn_fail("%s: two tensors named '%s'", path, name);
    named item = {copy_text(name, strlen(name)), NULL, unsupported, path};
    if (!item.name || !vector_push(t, item)) return memory_free(item.name), false;
    t->items[t->count - 1].array = array ? tarn_keep(array) : NULL;
    return map_set(t->names, item.name, strlen(name), t->count - 1, NULL);
}

bool tensors_has_note(const tarn_tensors *t, const char *key) {
    return map_get(t->keys, key, strlen(key), NULL);
}

static note *new_note(tarn_tensors *t, const char *key) {
    note n = {.key = copy_text(key, strlen(key))};
    if (!n.key || !vector_push(&t->notes, n)) return memory_free(n.key), NULL;
    return map_set(t->keys, n.key, strlen(key), t->notes.count - 1, NULL) ? &t->notes.items[t->notes.count - 1] : NULL;
}

bool tensors_note_text(tarn_tensors *t, const char *key, const char *text, size_t length) {
    note *n = new_note(t, key);
    return n && (n->text = copy_text(text, length)) != NULL;
}

bool tensors_note_array(tarn_tensors *t, const char *key, tarn_array *array) {
    note *n = array ? new_note(t, key) : NULL;
    return n && (n->array = tarn_keep(array)) != NULL;
}

bool tensors_note_texts(tarn_tensors *t, const char *key, const char *const *texts, const size_t *lengths,
                        size_t count) {
    size_t total = 0;
    for (size_t i = 0; i < count; i++) total += lengths[i] + 1;
    note *n = new_note(t, key);
    if (!n || !(n->text = memory_new(total + 1, 1)) || !(n->texts = NEW_ARRAY(const char *, count + 1))) return false;
    char *at = n->text;
    for (size_t i = 0; i < count; i++) {
        if (lengths[i]) memcpy(at, texts[i], lengths[i]);
        n->texts[i] = at;
        at += lengths[i] + 1;
    }
    n->count = count;
    return true;
}

void tarn_tensors_free(tarn_tensors *t) {
    if (!t) return;
    for (size_t i = 0; i < t->count; i++) tarn_drop(t->items[i].array), memory_free(t->items[i].name);
    for (size_t i = 0; i < t->notes.count; i++) {
        tarn_drop(t->notes.items[i].array);
        memory_free(t->notes.items[i].key);
        memory_free(t->notes.items[i].text);
        memory_free(t->notes.items[i].texts);
    }
    for (size_t i = 0; i < t->files.count; i++) shared_file_release(t->files.items[i]);
    vector_free(t);
    vector_free(&t->files);
    vector_free(&t->notes);
    map_free(t->names);
    map_free(t->keys);
    memory_free(t);
}

/* ---- looking things up */

int64_t tarn_tensors_count(const tarn_tensors *t) {
    return t ? (int64_t)t->count : 0;
}

const char *tarn_tensors_name(const tarn_tensors *t, int64_t index) {
    return index >= 0 && index < tarn_tensors_count(t) ? t->items[index].name : NULL;
}

tarn_array *tarn_tensors_at(const tarn_tensors *t, int64_t index) {
    if (index < 0 || index >= tarn_tensors_count(t)) return NULL;
    const named *item = &t->items[index];
    if (item->unsupported)
        tarn_fail_kind(TARN_ERROR_TYPE, "%s: tensor '%s': dtype %s is not supported", item->path, item->name,
                       item->unsupported);
    return item->array;
}

tarn_array *tarn_tensors_get(const tarn_tensors *t, const char *name) {
    uint64_t index;
    return t && name && map_get(t->names, name, strlen(name), &index) ? tarn_tensors_at(t, (int64_t)index) : NULL;
}

int64_t tarn_tensors_metadata_count(const tarn_tensors *t) {
    return t ? (int64_t)t->notes.count : 0;
}

bool tarn_tensors_note(const tarn_tensors *t, int64_t index, tarn_note *out) {
    if (!out || index < 0 || index >= tarn_tensors_metadata_count(t)) return false;
    const note *n = &t->notes.items[index];
    *out = (tarn_note){.key = n->key,
                       .text = n->array || n->texts ? NULL : n->text,
                       .array = n->array,
                       .texts = n->texts,
                       .count = (int64_t)n->count};
    return true;
}

bool tarn_tensors_metadata_at(const tarn_tensors *t, int64_t index, const char **key, const char **value) {
    tarn_note n;
    if (!tarn_tensors_note(t, index, &n) || !n.text) return false;
    *key = n.key;
    *value = n.text;
    return true;
}

const char *tarn_tensors_metadata(const tarn_tensors *t, const char *key) {
    uint64_t index;
    tarn_note n = {0};
    if (!t || !key || !map_get(t->keys, key, strlen(key), &index)) return NULL;
    return tarn_tensors_note(t, (int64_t)index, &n) ? n.text : NULL;
}
