/* Saving: arrays are evaluated one after the other, as their turn in the file comes. */
#include "base/memory.h"
#include "io/safetensors.h"
#include "tarn/io.h"

typedef struct {
    const tarn_named_array *arrays;
    size_t count;
} saved;

static const void *array_bytes(void *context, size_t index) {
    return tarn_data(((const saved *)context)->arrays[index].array);
}

/* Reading an array asks whether the file it stands on is unchanged; only an answer from after the writing says what was
 * written. */
static bool still_good(void *context) {
    const saved *s = context;
    for (size_t i = 0; i < s->count; i++)
        if (tarn_size(s->arrays[i].array) && !tarn_data(s->arrays[i].array)) return false;
    return true;
}

static bool describe(const char *path, const tarn_named_array *arrays, size_t count, safetensors_item *items) {
    for (size_t i = 0; i < count; i++) {
        if (!arrays[i].name) return tarn_fail("%s: array %zu has no name", path, i);
        if (!arrays[i].array) return tarn_fail("%s: '%s' is no array (NULL)", path, arrays[i].name);
        items[i] = (safetensors_item){arrays[i].name, tarn_dtype_of(arrays[i].array), tarn_shape_of(arrays[i].array)};
    }
    return true;
}

static bool copy_metadata(const char *path, const tarn_save_options *options, safetensors_pair *pairs) {
    for (int64_t i = 0; i < options->metadata_count; i++) {
        pairs[i] = (safetensors_pair){options->metadata[i].key, options->metadata[i].value};
        if (!pairs[i].key || !pairs[i].value)
            return tarn_fail("%s: metadata %lld has no key or no value", path, (long long)i);
    }
    return true;
}

static bool save(const char *path, bool folder, const tarn_named_array *arrays, int64_t count,
                 const tarn_save_options *options) {
    if (!path) return tarn_fail("save: no path");
    if (!tarn_ok()) return false;
    if (count < 0 || options->metadata_count < 0) return tarn_fail("%s: a negative count of arrays or metadata", path);
    if (count && !arrays) return tarn_fail("%s: %lld arrays, but the list is NULL", path, (long long)count);
    if (options->metadata_count && !options->metadata)
        return tarn_fail("%s: metadata with a count, but the list is NULL", path);
    safetensors_item *items = NEW_ARRAY(safetensors_item, count);
    safetensors_pair *pairs = NEW_ARRAY(safetensors_pair, options->metadata_count);
    bool ok = items && pairs && describe(path, arrays, (size_t)count, items) && copy_metadata(path, options, pairs);
    saved context = {arrays, (size_t)count};
    safetensors_content content = {items,       (size_t)count, pairs,   (size_t)options->metadata_count,
                                   array_bytes, still_good,    &context};
    if (ok)
        ok = folder ? safetensors_write_folder(path, &content, options->shard_bytes, options->parameters)
                    : safetensors_write(path, &content);
    memory_free(items);
    memory_free(pairs);
    return ok;
}

bool tarn_save_safetensors_with(const char *path, const tarn_named_array *arrays, int64_t count,
                                tarn_save_options options) {
    if (options.shard_bytes || options.parameters)
        return tarn_fail("%s: shard_bytes and parameters are options of tarn_save_weights",
                         path ? path : "save_safetensors");
    return save(path, false, arrays, count, &options);
}

bool tarn_save_weights_with(const char *folder, const tarn_named_array *arrays, int64_t count,
                            tarn_save_options options) {
    if (options.shard_bytes < 0 || options.parameters < 0)
        return tarn_fail("%s: shards of %lld bytes, %lld parameters", folder ? folder : "save_weights",
                         (long long)options.shard_bytes, (long long)options.parameters);
    return save(folder, true, arrays, count, &options);
}
