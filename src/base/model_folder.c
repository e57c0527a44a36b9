/* Weights, and the kinds of path that people give in place of a model folder, each with its message. */
#include "base/model_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/files.h"
#include "base/memory.h"
#include "tarn/error.h"

#define A_MODEL "a model is a folder with config.json, *.safetensors and tokenizer.json"

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);
    return n >= m && !strcmp(s + n - m, end);
}

/* organization/model, as on Hugging Face: one slash, and nothing that only a path would hold. */
static bool is_repository_name(const char *s) {
    const char *slash = strchr(s, '/');
    return slash && slash != s && slash[1] && !strchr(slash + 1, '/') && s[0] != '.' && !strpbrk(s, " ~\\");
}

static bool nothing_there(const char *folder, const char *file, int reason) {
    if (folder[0] == '~')
        return tarn_fail_kind(TARN_ERROR_IO, "%s: no such folder: the shell replaces ~ only outside of quotes", folder);
    if (reason == ENOENT && is_repository_name(folder))
        return tarn_fail_kind(
            TARN_ERROR_IO,
            "%s: no such folder, and Tarn downloads nothing: give the folder of a model that is on this machine",
            folder);
    return tarn_fail_kind(TARN_ERROR_IO, "%s/%s: %s; " A_MODEL, folder, file, strerror(reason));
}

/* The name of an entry of `folder` that satisfies `fits` (memory_free), or NULL. */
static char *find_entry(const char *folder, bool (*fits)(const char *folder, const char *name)) {
    DIR *open = opendir(folder);
    char *found = NULL;
    for (const struct dirent *entry; open && !found && (entry = readdir(open));)
        if (fits(folder, entry->d_name)) found = memory_copy(entry->d_name, strlen(entry->d_name) + 1);
    if (open) closedir(open);
    return found;
}

static bool is_gguf(const char *folder, const char *name) {
    (void)folder;
    return ends_with(name, ".gguf");
}

static bool is_weights(const char *folder, const char *name) {
    (void)folder;
    return !strncmp(name, "model", 5) &&
           (ends_with(name, ".safetensors") || ends_with(name, ".safetensors.index.json"));
}

bool model_folder_has_weights(const char *folder) {
    char *found = find_entry(folder, is_weights);
    memory_free(found);
    return found != NULL;
}

static bool holds(const char *folder, const char *file) {
    char *path = path_join(folder, file);
    bool there = path && file_exists(path);
    memory_free(path);
    return there;
}

/* Parts of a model, such as the 1_Pooling of sentence-transformers, hold a config.json alone. */
static bool is_model(const char *folder, const char *name) {
    char *path = name[0] != '.' ? path_join(folder, name) : NULL;
    bool model =
        path && holds(path, "config.json") && (holds(path, "tokenizer.json") || model_folder_has_weights(path));
    memory_free(path);
    return model;
}

/* The first folder in `folder` that holds a model (memory_free), or NULL. */
static char *model_below(const char *folder) {
    char *name = find_entry(folder, is_model), *path = name ? path_join(folder, name) : NULL;
    memory_free(name);
    return path;
}

/* The cache of Hugging Face keeps a model's files in snapshots/<commit>. */
static char *model_deeper(const char *folder) {
    char *snapshots = path_join(folder, "snapshots"), *model = snapshots ? model_below(snapshots) : NULL;
    memory_free(snapshots);
    return model ? model : model_below(folder);
}

/* A model may lie one folder deeper, unless this one is a model that lacks something. */
static bool not_in_folder(const char *folder, const char *file) {
    char *model = holds(folder, "config.json") ? NULL : model_deeper(folder);
    char *gguf = model ? NULL : find_entry(folder, is_gguf);
    if (model)
        tarn_fail_kind(TARN_ERROR_IO, "%s: no %s here; look in %s", folder, file, model);
    else if (gguf)
        tarn_fail_kind(TARN_ERROR_IO, "%s: no %s here, and GGUF files such as %s are not supported; " A_MODEL, folder,
                       file, gguf);
    else
        tarn_fail_kind(TARN_ERROR_IO, "%s/%s: %s; " A_MODEL, folder, file, strerror(ENOENT));
    memory_free(model);
    memory_free(gguf);
    return false;
}

bool model_folder_lacks(const char *folder, const char *file) {
    struct stat status;
    bool there = !stat(folder, &status);
    int reason = errno;
    if (there && S_ISDIR(status.st_mode)) return not_in_folder(folder, file);
    if (ends_with(folder, ".gguf"))
        return tarn_fail_kind(TARN_ERROR_IO, "%s: GGUF files are not supported; " A_MODEL, folder);
    return there ? tarn_fail_kind(TARN_ERROR_IO, "%s: not a folder; " A_MODEL, folder)
                 : nothing_there(folder, file, reason);
}
