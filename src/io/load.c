/* Loading: arrays over mapped safetensors files. An array holds its file by a reference; the last one unmaps it. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/vector.h"
#include "io/safetensors.h"
#include "tarn/io.h"

typedef struct {
    atomic_int references;
    safetensors *file;
} shared_file;

typedef struct {
    const char *name;
    tarn_array *array;       /* NULL: of a dtype that no array can have */
    const char *unsupported; /* that dtype, as the file calls it */
    const char *path;        /* of the file */
} named;

struct tarn_tensors {
    shared_file **files;
    size_t file_count;
    named *items;
    size_t count, capacity;
    map *names;
};

/* ---- files shared by arrays */

static shared_file *share(safetensors *file) {
    shared_file *s = NEW(shared_file);
    if (!s) return NULL;
    s->file = file;
    s->references = 1;
    return s;
}

static void release_file(void *context) {
    shared_file *s = context;
    if (!s || atomic_fetch_sub(&s->references, 1) != 1) return;
    safetensors_close(s->file);
    memory_free(s);
}

static bool check_file(void *context) {
    const shared_file *s = context;
    return file_unchanged(s->file->file);
}

/* ---- arrays */

static tarn_array *array_in_file(shared_file *s, const safetensors_entry *e) {
    tarn_ints shape = {e->shape, e->ndim};
    atomic_fetch_add(&s->references, 1);
    tarn_array *a = tarn_from_foreign(s->file->bytes + e->offset, shape, e->dtype, .check = check_file,
                                      .release = release_file, .context = s);
    if (!a) release_file(s);
    return a;
}

static bool add_array(tarn_tensors *t, shared_file *s, const safetensors_entry *e) {
    tarn_array *a = e->unsupported ? NULL : array_in_file(s, e);
    if (!a && !e->unsupported) return false;
    named item = {e->name, tarn_keep(a), e->unsupported, s->file->path};
    if (!vector_push(t, item)) return tarn_drop(a), false;
    return map_set(t->names, e->name, strlen(e->name), t->count - 1, NULL);
}

static bool add_arrays(tarn_tensors *t, shared_file *s) {
    TARN_SCOPE;
    for (size_t i = 0; i < s->file->count; i++)
        if (!add_array(t, s, &s->file->entries[i])) return false;
    return file_unchanged(s->file->file);
}

/* Takes over the folder's files. */
static tarn_tensors *from_folder(safetensors_folder *folder) {
    tarn_tensors *t = NEW(tarn_tensors);
    bool ok = t && (t->names = map_new()) && (t->files = NEW_ARRAY(shared_file *, folder->count));
    for (size_t i = 0; ok && i < folder->count; i++) {
        ok = (t->files[i] = share(folder->items[i])) != NULL;
        if (!ok) break;
        t->file_count++;
        folder->items[i] = NULL;
        ok = add_arrays(t, t->files[i]);
    }
    safetensors_close_folder(folder);
    if (ok) return t;
    tarn_tensors_free(t);
    return NULL;
}

static bool open_single(const char *path, safetensors_folder *folder) {
    safetensors *file = safetensors_open(path);
    *folder = (safetensors_folder){0};
    if (file && vector_push(folder, file)) return true;
    safetensors_close(file);
    return false;
}

tarn_tensors *tarn_load_safetensors(const char *path) {
    if (!path) return tarn_fail("load_safetensors: no path"), NULL;
    if (!tarn_ok()) return NULL;
    struct stat status;
    safetensors_folder folder;
    bool is_folder = stat(path, &status) == 0 && S_ISDIR(status.st_mode);
    bool ok = is_folder ? safetensors_open_folder(path, &folder) : open_single(path, &folder);
    return ok ? from_folder(&folder) : (error_blame(TARN_ERROR_IO), NULL);
}

void tarn_tensors_free(tarn_tensors *t) {
    if (!t) return;
    for (size_t i = 0; i < t->count; i++) tarn_drop(t->items[i].array);
    for (size_t i = 0; i < t->file_count; i++) release_file(t->files[i]);
    vector_free(t);
    memory_free(t->files);
    map_free(t->names);
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

static const json *metadata_of(const tarn_tensors *t) {
    return t && t->file_count ? t->files[0]->file->metadata : NULL;
}

int64_t tarn_tensors_metadata_count(const tarn_tensors *t) {
    return (int64_t)json_count(metadata_of(t));
}

bool tarn_tensors_metadata_at(const tarn_tensors *t, int64_t index, const char **key, const char **value) {
    void *cursor = NULL;
    const json *item;
    while (json_each(metadata_of(t), &cursor, key, NULL, &item))
        if (index-- == 0) return (*value = json_text(item, NULL)) != NULL;
    return false;
}

const char *tarn_tensors_metadata(const tarn_tensors *t, const char *key) {
    return json_text(json_get(metadata_of(t), key), NULL);
}
