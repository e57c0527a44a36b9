/* Loading safetensors: arrays over mapped files, and the notes of the first. */
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/vector.h"
#include "io/safetensors.h"
#include "io/tensors.h"

static void close_file(void *file) {
    safetensors_close(file);
}

static bool add_arrays(tarn_tensors *t, shared_file *s, const safetensors *file) {
    TARN_SCOPE;
    for (size_t i = 0; i < file->count; i++) {
        const safetensors_entry *e = &file->entries[i];
        tarn_ints shape = {e->shape, e->ndim};
        tarn_array *a = e->unsupported ? NULL : shared_file_array(s, file->bytes + e->offset, shape, e->dtype);
        if ((!a && !e->unsupported) || !tensors_add(t, e->name, a, e->unsupported, file->path)) return false;
    }
    return file_unchanged(file->file);
}

static bool add_metadata(tarn_tensors *t, const json *metadata) {
    void *cursor = NULL;
    const char *key;
    const json *item;
    while (json_each(metadata, &cursor, &key, NULL, &item)) {
        size_t length = 0;
        const char *value = json_text(item, &length);
        if (!tensors_note_text(t, key, value, length)) return false;
    }
    return true;
}

/* Takes over the file. */
static bool add_file(tarn_tensors *t, safetensors *file, bool first) {
    shared_file *s = shared_file_new(file->file, file, close_file);
    if (!s) return safetensors_close(file), false;
    return tensors_hold(t, s) && add_arrays(t, s, file) && (!first || add_metadata(t, file->metadata));
}

/* Takes over the folder's files. */
static tarn_tensors *from_folder(safetensors_folder *folder) {
    tarn_tensors *t = tensors_new();
    bool ok = t != NULL;
    for (size_t i = 0; ok && i < folder->count; i++) {
        safetensors *file = folder->items[i];
        folder->items[i] = NULL;
        ok = add_file(t, file, i == 0);
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
