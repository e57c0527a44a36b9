/* Reading one safetensors file. The header comes from outside: nothing in it is used before it is checked. */
#include "io/safetensors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "tarn/error.h"

enum { LENGTH_BYTES = 8, HEADER_LIMIT = 100000000 };

/* What files may hold. A dtype without a name of ours (bytes 0) can be passed over, since its size is known, but not be
 * loaded. */
static const struct {
    const char *name;
    int bits;
    tarn_dtype dtype;
    int64_t bytes;
} dtypes[] = {
    {"BOOL", 8, TARN_BOOL, 1},        {"U8", 8, TARN_UINT8, 1},       {"I8", 8, TARN_INT8, 1},
    {"U16", 16, TARN_UINT16, 2},      {"I16", 16, TARN_INT16, 2},     {"F16", 16, TARN_FLOAT16, 2},
    {"U32", 32, TARN_UINT32, 4},      {"I32", 32, TARN_INT32, 4},     {"BF16", 16, TARN_BFLOAT16, 2},
    {"F32", 32, TARN_FLOAT32, 4},     {"U64", 64, TARN_UINT64, 8},    {"I64", 64, TARN_INT64, 8},
    {"F64", 64, TARN_FLOAT64, 8},     {"C64", 64, TARN_COMPLEX64, 8}, {"F8_E4M3", 8, TARN_UINT8, 1},
    {"F8_E8M0", 8, TARN_UINT8, 1},    {"F8_E5M2", 8, TARN_BOOL, 0},   {"F8_E4M3FNUZ", 8, TARN_BOOL, 0},
    {"F8_E5M2FNUZ", 8, TARN_BOOL, 0}, {"F6_E2M3", 6, TARN_BOOL, 0},   {"F6_E3M2", 6, TARN_BOOL, 0},
    {"F4", 4, TARN_BOOL, 0},
};

static int find_dtype(const char *name) {
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (!strcmp(dtypes[i].name, name)) return (int)i;
    return -1;
}

const char *safetensors_dtype_name(tarn_dtype dtype, int64_t *bytes) {
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (dtypes[i].dtype == dtype && dtypes[i].bytes) return *bytes = dtypes[i].bytes, dtypes[i].name;
    return NULL;
}

/* ---- one entry */

static bool read_dtype(const safetensors *file, safetensors_entry *e, const json *value, int *bits) {
    const char *name = json_text(value, NULL);
    if (!name) return tarn_fail("%s: tensor '%s': dtype is missing or no string", file->path, e->name);
    int found = find_dtype(name);
    if (found < 0) return tarn_fail("%s: tensor '%s': dtype '%s' is not known", file->path, e->name, name);
    e->dtype = dtypes[found].dtype;
    e->unsupported = dtypes[found].bytes ? NULL : dtypes[found].name;
    *bits = dtypes[found].bits;
    return true;
}

static bool read_shape(const safetensors *file, safetensors_entry *e, const json *value) {
    if (!json_is(value, JSON_LIST))
        return tarn_fail("%s: tensor '%s': shape is missing or no list", file->path, e->name);
    size_t count = json_count(value);
    if (count > TARN_MAX_NDIM)
        return tarn_fail("%s: tensor '%s': shape has %zu axes, more than %d", file->path, e->name, count,
                         (int)TARN_MAX_NDIM);
    e->ndim = (int)count;
    for (size_t i = 0; i < count; i++) {
        e->shape[i] = json_whole(json_at(value, i), -1);
        if (e->shape[i] < 0) return tarn_fail("%s: tensor '%s': shape[%zu] is no size", file->path, e->name, i);
    }
    return true;
}

static bool read_offsets(const safetensors *file, safetensors_entry *e, const json *value, int64_t data) {
    if (!json_is(value, JSON_LIST) || json_count(value) != 2)
        return tarn_fail("%s: tensor '%s': data_offsets is missing or no list of two integers", file->path, e->name);
    int64_t begin = json_whole(json_at(value, 0), -1), end = json_whole(json_at(value, 1), -1);
    if (begin < 0 || end < 0) return tarn_fail("%s: tensor '%s': data_offsets are no offsets", file->path, e->name);
    if (begin > end)
        return tarn_fail("%s: tensor '%s': data_offsets end (%" PRId64 ") before they begin (%" PRId64 ")", file->path,
                         e->name, end, begin);
    int64_t available = (int64_t)file->length - data;
    if (end > available)
        return tarn_fail("%s: tensor '%s': data_offsets end at %" PRId64 ", but the file has %" PRId64
                         " bytes of data (truncated?)",
                         file->path, e->name, end, available);
    e->offset = data + begin;
    e->bytes = end - begin;
    return true;
}

static bool read_entry(const safetensors *file, safetensors_entry *e, const json *value, int64_t data) {
    if (!json_is(value, JSON_DICTIONARY))
        return tarn_fail("%s: tensor '%s': is no object in the header", file->path, e->name);
    int bits = 0;
    int64_t bytes = 0;
    /* Fields beyond these three are ignored, as the format's own reader does. */
    if (!read_dtype(file, e, json_get(value, "dtype"), &bits)) return false;
    if (!read_shape(file, e, json_get(value, "shape"))) return false;
    if (!read_offsets(file, e, json_get(value, "data_offsets"), data)) return false;
    if (!checked_bytes(e->shape, e->ndim, bits, &bytes))
        return tarn_fail("%s: tensor '%s': shape has too many elements", file->path, e->name);
    if (bytes % 8)
        return tarn_fail("%s: tensor '%s': %" PRId64 " bits are not whole bytes", file->path, e->name, bytes);
    bytes /= 8;
    if (bytes != e->bytes)
        return tarn_fail("%s: tensor '%s': data_offsets hold %" PRId64 " bytes, but dtype and shape need %" PRId64,
                         file->path, e->name, e->bytes, bytes);
    return true;
}

/* ---- the whole file */

static bool read_metadata(safetensors *file, const json *value) {
    if (json_is(value, JSON_NOTHING)) return true; /* MLX writes null for none */
    if (!json_is(value, JSON_DICTIONARY)) return tarn_fail("%s: __metadata__ is no object", file->path);
    void *cursor = NULL;
    const char *key;
    const json *item;
    while (json_each(value, &cursor, &key, NULL, &item))
        if (!json_is(item, JSON_TEXT)) return tarn_fail("%s: __metadata__: '%s' is no string", file->path, key);
    file->metadata = value;
    return true;
}

static bool read_entries(safetensors *file, int64_t data) {
    file->entries = NEW_ARRAY(safetensors_entry, json_count(file->header));
    if (!file->entries || !(file->names = map_new())) return false;
    void *cursor = NULL;
    const char *key;
    size_t length;
    const json *value;
    while (json_each(file->header, &cursor, &key, &length, &value)) {
        if (strlen(key) != length) return tarn_fail("%s: the name of tensor '%s' holds a NUL", file->path, key);
        if (!strcmp(key, "__metadata__")) {
            if (!read_metadata(file, value)) return false;
            continue;
        }
        safetensors_entry *e = &file->entries[file->count];
        e->name = key;
        if (!read_entry(file, e, value, data) || !map_set(file->names, key, length, file->count++, NULL)) return false;
    }
    return true;
}

static int by_offset(const void *a, const void *b) {
    const safetensors_entry *x = *(const safetensors_entry *const *)a, *y = *(const safetensors_entry *const *)b;
    if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
    return x->bytes < y->bytes ? -1 : x->bytes > y->bytes;
}

static bool check_cover(const safetensors *file, const safetensors_entry *const *sorted, int64_t data) {
    int64_t at = data;
    for (size_t i = 0; i < file->count; i++) {
        const safetensors_entry *e = sorted[i];
        if (e->offset < at)
            return tarn_fail("%s: tensor '%s': data_offsets overlap those of '%s'", file->path, e->name,
                             sorted[i - 1]->name);
        if (e->offset > at)
            return tarn_fail("%s: tensor '%s': data_offsets leave a gap of %" PRId64 " bytes before it", file->path,
                             e->name, e->offset - at);
        at += e->bytes;
    }
    if (at != (int64_t)file->length)
        return tarn_fail("%s: %" PRId64 " trailing bytes after the last tensor", file->path,
                         (int64_t)file->length - at);
    return true;
}

/* Every byte of data belongs to exactly one tensor. */
static bool check_layout(const safetensors *file, int64_t data) {
    const safetensors_entry **sorted = NEW_ARRAY(const safetensors_entry *, file->count);
    if (!sorted) return false;
    for (size_t i = 0; i < file->count; i++) sorted[i] = &file->entries[i];
    qsort(sorted, file->count, sizeof *sorted, by_offset);
    bool ok = check_cover(file, sorted, data);
    memory_free(sorted);
    return ok;
}

static bool read_header_length(const safetensors *file, uint64_t *length) {
    if (file->length < LENGTH_BYTES)
        return tarn_fail("%s: %zu bytes are too few for a safetensors file", file->path, file->length);
    *length = 0;
    for (int i = LENGTH_BYTES - 1; i >= 0; i--) *length = *length << 8 | (unsigned char)file->bytes[i];
    if (*length > HEADER_LIMIT)
        return tarn_fail("%s: header length %" PRIu64 " is above the limit of 100 MB; not a safetensors file?",
                         file->path, *length);
    if (*length > file->length - LENGTH_BYTES)
        return tarn_fail("%s: header length %" PRIu64 " goes beyond the end of the file (%zu bytes; truncated?)",
                         file->path, *length, file->length);
    return true;
}

static bool read_file(safetensors *file) {
    uint64_t length = 0;
    if (!read_header_length(file, &length)) return false;
    if (!length || file->bytes[LENGTH_BYTES] != '{')
        return tarn_fail("%s: the header does not begin with '{'", file->path);
    file->header = json_parse(file->bytes + LENGTH_BYTES, (size_t)length, file->path);
    int64_t data = LENGTH_BYTES + (int64_t)length;
    return file->header && read_entries(file, data) && check_layout(file, data);
}

safetensors *safetensors_parse(const char *bytes, size_t length, const char *name) {
    safetensors *file = NEW(safetensors);
    if (!file) return NULL;
    file->bytes = bytes;
    file->length = length;
    file->path = memory_copy(name, strlen(name) + 1);
    if (file->path && read_file(file)) return file;
    safetensors_close(file);
    return NULL;
}

safetensors *safetensors_open(const char *path) {
    file_mapping *mapping = file_map(path);
    if (!mapping) return NULL;
    safetensors *file = safetensors_parse(mapping->bytes, mapping->length, path);
    /* The header was read from the mapping: what was checked counts only if the file did not change under it. */
    if (file && !file_unchanged(mapping)) {
        safetensors_close(file);
        file = NULL;
    }
    if (!file) return file_unmap(mapping), NULL;
    file->file = mapping;
    return file;
}

void safetensors_close(safetensors *file) {
    if (!file) return;
    map_free(file->names);
    memory_free(file->entries);
    json_free(file->header);
    file_unmap(file->file);
    memory_free(file->path);
    memory_free(file);
}

const safetensors_entry *safetensors_find(const safetensors *file, const char *name) {
    uint64_t index;
    return map_get(file->names, name, strlen(name), &index) ? &file->entries[index] : NULL;
}
