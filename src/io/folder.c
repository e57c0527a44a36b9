/* The weight files of a model folder: which there are, and whether they fit together. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/vector.h"
#include "io/safetensors.h"
#include "tarn/error.h"

enum { INDEX_LIMIT = 100000000 };

/* ---- files by name */

static bool safetensors_is_model_file(const char *name) {
    static const char prefix[] = "model", suffix[] = ".safetensors";
    size_t length = strlen(name);
    return length >= sizeof prefix - 1 + sizeof suffix - 1 && !strncmp(name, prefix, sizeof prefix - 1) &&
           !strcmp(name + length - (sizeof suffix - 1), suffix);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool safetensors_list_folder(const char *path, safetensors_names *names) {
    DIR *folder = opendir(path);
    if (!folder) return tarn_fail_kind(TARN_ERROR_IO, "%s: cannot read the folder: %s", path, strerror(errno));
    bool ok = true;
    for (const struct dirent *entry; ok && (entry = readdir(folder));) {
        if (!safetensors_is_model_file(entry->d_name)) continue;
        char *name = memory_copy(entry->d_name, strlen(entry->d_name) + 1);
        ok = name && vector_push(names, name);
        if (!ok) memory_free(name);
    }
    closedir(folder);
    if (names->count) qsort(names->items, names->count, sizeof *names->items, by_name);
    return ok;
}

void safetensors_free_names(safetensors_names *names) {
    for (size_t i = 0; i < names->count; i++) memory_free(names->items[i]);
    vector_free(names);
}

/* ---- opening */

static bool add_file(safetensors_folder *folder, const char *path, const char *name) {
    char *full = path_join(path, name);
    safetensors *file = full ? safetensors_open(full) : NULL;
    memory_free(full);
    if (file && vector_push(folder, file)) return true;
    safetensors_close(file);
    return false;
}

static bool add_all(safetensors_folder *folder, const char *path) {
    safetensors_names names = {0};
    bool ok = safetensors_list_folder(path, &names);
    if (ok && !names.count) ok = tarn_fail("%s: no model.safetensors and no model*.safetensors in this folder", path);
    for (size_t i = 0; ok && i < names.count; i++) ok = add_file(folder, path, names.items[i]);
    safetensors_free_names(&names);
    return ok;
}

/* ---- the index */

/* A shard lies in the folder of its index: the name comes from outside and must lead nowhere else. */
static bool check_shard_name(const char *index, const char *tensor, const json *value, const char **name) {
    size_t length = 0;
    *name = json_text(value, &length);
    if (!*name) return tarn_fail("%s: weight_map: '%s' is no string", index, tensor);
    if (!length || strlen(*name) != length || strchr(*name, '/') || strchr(*name, '\\') || !strcmp(*name, ".") ||
        strstr(*name, ".."))
        return tarn_fail("%s: weight_map: '%s': the shard name '%s' is not the name of a file in this folder", index,
                         tensor, *name);
    return true;
}

static bool shard_missing(const char *path, const char *name) {
    char *full = path_join(path, name);
    bool missing = full && !file_exists(full);
    memory_free(full);
    return missing;
}

/* Opens the shard that holds `tensor` if it is not open, and checks that the tensor is there. */
static bool add_indexed(safetensors_folder *folder, const char *path, const char *index, map *opened,
                        const char *tensor, const json *value) {
    const char *name;
    uint64_t at;
    if (!check_shard_name(index, tensor, value, &name)) return false;
    if (!map_get(opened, name, strlen(name), &at)) {
        if (shard_missing(path, name))
            return tarn_fail("%s: weight_map: '%s' is in '%s', but that file is missing", index, tensor, name);
        at = folder->count;
        if (!add_file(folder, path, name) || !map_set(opened, name, strlen(name), at, NULL)) return false;
    }
    if (!safetensors_find(folder->items[at], tensor))
        return tarn_fail("%s: weight_map: '%s' is not in '%s'", index, tensor, name);
    return true;
}

static bool read_index(safetensors_folder *folder, const char *path, const char *index, const json *root) {
    const json *weights = json_get(root, "weight_map");
    if (!json_is(weights, JSON_DICTIONARY) || !json_count(weights))
        return tarn_fail("%s: weight_map is missing, empty or no object", index);
    map *opened = map_new();
    bool ok = opened != NULL;
    void *cursor = NULL;
    const char *tensor;
    const json *value;
    while (ok && json_each(weights, &cursor, &tensor, NULL, &value))
        ok = add_indexed(folder, path, index, opened, tensor, value);
    map_free(opened);
    return ok;
}

static bool add_by_index(safetensors_folder *folder, const char *path, const char *index) {
    json *root = json_read_file(index, INDEX_LIMIT);
    bool ok = root && read_index(folder, path, index, root);
    json_free(root);
    return ok;
}

/* A tensor that two shards hold has no value. */
static bool check_distinct(const safetensors_folder *folder) {
    map *seen = map_new();
    bool ok = seen != NULL;
    for (size_t f = 0; ok && f < folder->count; f++) {
        const safetensors *file = folder->items[f];
        for (size_t i = 0; ok && i < file->count; i++) {
            const char *name = file->entries[i].name;
            uint64_t before;
            if (map_get(seen, name, strlen(name), &before))
                ok = tarn_fail("%s: tensor '%s' is also in %s", file->path, name, folder->items[before]->path);
            else
                ok = map_set(seen, name, strlen(name), f, NULL);
        }
    }
    map_free(seen);
    return ok;
}

/* ---- an index left over from other files */

static bool names_missing_file(const json *weights, const char *path) {
    void *cursor = NULL;
    const char *tensor;
    const json *value;
    while (json_each(weights, &cursor, &tensor, NULL, &value)) {
        const char *name = json_text(value, NULL);
        if (name && shard_missing(path, name)) return true;
    }
    return false;
}

static bool has_all(const safetensors *file, const json *weights) {
    void *cursor = NULL;
    const char *tensor;
    const json *value;
    while (json_each(weights, &cursor, &tensor, NULL, &value))
        if (!safetensors_find(file, tensor)) return false;
    return true;
}

/* Takes model.safetensors in place of an index of which a file is missing, if it has all that the index names; *taken
 * tells. */
static bool replace_stale(safetensors_folder *folder, const char *path, const char *index, bool *taken) {
    json *root = json_read_file(index, INDEX_LIMIT);
    const json *weights = json_get(root, "weight_map");
    bool ok = root != NULL;
    *taken = false;
    if (ok && names_missing_file(weights, path)) {
        ok = add_file(folder, path, "model.safetensors");
        *taken = ok && has_all(folder->items[0], weights);
        if (ok && !*taken) safetensors_close_folder(folder);
    }
    json_free(root);
    return ok;
}

static bool add_weights(safetensors_folder *folder, const char *path, const char *index, const char *single) {
    bool indexed = file_exists(index), alone = file_exists(single), taken = false;
    if (indexed && alone && !replace_stale(folder, path, index, &taken)) return false;
    if (taken) return true;
    return indexed ? add_by_index(folder, path, index)
           : alone ? add_file(folder, path, "model.safetensors")
                   : add_all(folder, path);
}

bool safetensors_open_folder(const char *path, safetensors_folder *folder) {
    char *index = path_join(path, "model.safetensors.index.json"), *single = path_join(path, "model.safetensors");
    *folder = (safetensors_folder){0};
    bool ok = index && single && add_weights(folder, path, index, single) && check_distinct(folder);
    if (!ok) safetensors_close_folder(folder);
    memory_free(index);
    memory_free(single);
    return ok;
}

void safetensors_close_folder(safetensors_folder *folder) {
    for (size_t i = 0; i < folder->count; i++) safetensors_close(folder->items[i]);
    memory_free(folder->items);
    *folder = (safetensors_folder){0};
}
