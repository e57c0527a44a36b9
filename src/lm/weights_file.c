/* Weights from the safetensors files of a model folder; remembers what was asked for, so that what is left over can be
 * told. */
#include <string.h>

#include "base/files.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/text.h"
#include "lm/model.h"
#include "tarn/io.h"

struct file_tensors {
    char *path; /* the file if there is one, else the folder */
    tarn_tensors *tensors;
    map *names; /* name -> index */
    bool *used;
};

static char *weights_path(const char *folder) {
    char *index = path_join(folder, "model.safetensors.index.json"), *file = path_join(folder, "model.safetensors");
    bool single = index && file && !file_exists(index) && file_exists(file);
    memory_free(index);
    if (single) return file;
    memory_free(file);
    return memory_copy(folder, strlen(folder) + 1);
}

static bool index_names(file_tensors *files) {
    int64_t count = tarn_tensors_count(files->tensors);
    files->used = NEW_ARRAY(bool, count);
    files->names = map_new();
    if (!files->used || !files->names) return false;
    for (int64_t i = 0; i < count; i++) {
        const char *name = tarn_tensors_name(files->tensors, i);
        if (!map_set(files->names, name, strlen(name), (uint64_t)i, NULL)) return false;
    }
    return true;
}

file_tensors *file_tensors_open(const char *folder) {
    file_tensors *files = NEW(file_tensors);
    if (!files) return NULL;
    files->path = weights_path(folder);
    files->tensors = files->path ? tarn_load_safetensors(folder) : NULL;
    if (files->tensors && index_names(files)) return files;
    file_tensors_close(files);
    return NULL;
}

void file_tensors_close(file_tensors *files) {
    if (!files) return;
    tarn_tensors_free(files->tensors);
    if (files->names) map_free(files->names);
    memory_free(files->used);
    memory_free(files->path);
    memory_free(files);
}

static bool file_has(void *context, const char *name) {
    const file_tensors *files = context;
    uint64_t index;
    return map_get(files->names, name, strlen(name), &index);
}

static tarn_array *file_get(void *context, const char *name, tarn_dtype dtype, tarn_ints shape) {
    file_tensors *files = context;
    uint64_t index;
    (void)dtype, (void)shape;
    if (!map_get(files->names, name, strlen(name), &index)) return NULL;
    files->used[index] = true;
    return tarn_tensors_at(files->tensors, (int64_t)index);
}

static const char *file_where(void *context, const char *name) {
    const file_tensors *files = context;
    (void)name;
    return files->path;
}

tensor_source file_source(file_tensors *files) {
    return (tensor_source){files, file_has, file_get, file_where};
}

/* Old checkpoints hold the rotary frequencies. */
static bool may_be_left(const char *name) {
    return strstr(name, "rotary_emb.inv_freq");
}

bool file_tensors_all_used(const file_tensors *files) {
    text left = {0};
    int64_t count = 0;
    for (int64_t i = 0; i < tarn_tensors_count(files->tensors); i++) {
        const char *name = tarn_tensors_name(files->tensors, i);
        if (files->used[i] || may_be_left(name)) continue;
        if (count++ < 4) text_format(&left, "%s\"%s\"", count > 1 ? ", " : "", name);
    }
    if (count > 4) text_format(&left, " and %lld more", (long long)(count - 4));
    if (count) tarn_fail("%s: tensors that config.json does not account for: %s", files->path, text_string(&left));
    text_free(&left);
    return count == 0;
}
