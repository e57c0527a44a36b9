/* Writing safetensors files. The header lists names in order; the data lie in order of item size, largest first, so
   that every tensor is aligned for its dtype when the file is mapped: the format allows no gaps, but the header may be
   padded. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/memory.h"
#include "base/vector.h"
#include "io/safetensors.h"
#include "tarn/error.h"

enum { HEADER_ALIGNMENT = 64 };

/* ---- the layout of one file */

typedef struct {
    const char *name, *dtype;
    tarn_ints shape;
    size_t index; /* in the content */
    int64_t item, bytes, offset;
} placed;

static bool place_item(const char *path, const safetensors_item *item, size_t index, placed *p) {
    *p = (placed){.name = item->name, .shape = item->shape, .index = index};
    if (!p->name) return tarn_fail("%s: tensor %zu has no name", path, index);
    if (!strcmp(p->name, "__metadata__")) return tarn_fail("%s: '__metadata__' cannot be the name of a tensor", path);
    if (!(p->dtype = safetensors_dtype_name(item->dtype, &p->item)))
        return tarn_fail("%s: tensor '%s': unknown dtype", path, p->name);
    if (p->shape.count > TARN_MAX_NDIM)
        return tarn_fail("%s: tensor '%s': more than %d axes", path, p->name, (int)TARN_MAX_NDIM);
    if (!checked_product(p->shape.values, p->shape.count, &p->bytes) || !checked_mul(p->bytes, p->item, &p->bytes))
        return tarn_fail("%s: tensor '%s': a shape with a negative size or too many elements", path, p->name);
    return true;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const placed *)a)->name, ((const placed *)b)->name);
}

static int by_alignment(const void *a, const void *b) {
    const placed *x = *(const placed *const *)a, *y = *(const placed *const *)b;
    return x->item != y->item ? (x->item < y->item) - (x->item > y->item) : strcmp(x->name, y->name);
}

static bool place_all(const char *path, const safetensors_content *c, placed *by_names, placed **by_offsets) {
    for (size_t i = 0; i < c->count; i++)
        if (!place_item(path, &c->items[i], i, &by_names[i])) return false;
    qsort(by_names, c->count, sizeof *by_names, by_name);
    for (size_t i = 1; i < c->count; i++)
        if (!strcmp(by_names[i].name, by_names[i - 1].name))
            return tarn_fail("%s: two tensors named '%s'", path, by_names[i].name);
    for (size_t i = 0; i < c->count; i++) by_offsets[i] = &by_names[i];
    qsort(by_offsets, c->count, sizeof *by_offsets, by_alignment);
    int64_t at = 0;
    for (size_t i = 0; i < c->count; i++) {
        by_offsets[i]->offset = at;
        if (!checked_add(at, by_offsets[i]->bytes, &at))
            return tarn_fail("%s: the tensors are too large for one file", path);
    }
    return true;
}

/* ---- the header */

static bool write_metadata(text *t, const safetensors_content *c) {
    text_add(t, "\"__metadata__\":{");
    for (size_t i = 0; i < c->metadata_count; i++) {
        const safetensors_pair *pair = &c->metadata[i];
        if (i) text_add_char(t, ',');
        if (!json_write_string(t, pair->key, strlen(pair->key), false) || !text_add_char(t, ':') ||
            !json_write_string(t, pair->value, strlen(pair->value), false))
            return false;
    }
    return text_add_char(t, '}');
}

static bool write_entry(text *t, const placed *p) {
    if (!json_write_string(t, p->name, strlen(p->name), false)) return false;
    text_format(t, ":{\"dtype\":\"%s\",\"shape\":[", p->dtype);
    for (int64_t i = 0; i < p->shape.count; i++) text_format(t, "%s%" PRId64, i ? "," : "", p->shape.values[i]);
    return text_format(t, "],\"data_offsets\":[%" PRId64 ",%" PRId64 "]}", p->offset, p->offset + p->bytes);
}

static bool write_header(text *t, const safetensors_content *c, const placed *sorted) {
    static const char length_goes_here[8];
    bool ok = text_append(t, length_goes_here, sizeof length_goes_here) && text_add_char(t, '{');
    if (ok && c->metadata_count) ok = write_metadata(t, c);
    for (size_t i = 0; ok && i < c->count; i++) {
        if (i || c->metadata_count) text_add_char(t, ',');
        ok = write_entry(t, &sorted[i]);
    }
    ok = ok && text_add_char(t, '}');
    while (ok && t->length % HEADER_ALIGNMENT) ok = text_add_char(t, ' ');
    for (size_t i = 0; ok && i < 8; i++) t->bytes[i] = (char)((uint64_t)(t->length - 8) >> (8 * i));
    return ok;
}

/* ---- one file */

static bool write_data(file_writer *writer, const safetensors_content *c, placed *const *sorted) {
    for (size_t i = 0; i < c->count; i++) {
        if (!sorted[i]->bytes) continue;
        const void *data = c->data(c->context, sorted[i]->index);
        if (!data) return tarn_fail("%s: no data for tensor '%s'", writer->path, sorted[i]->name);
        if (!file_write(writer, data, (size_t)sorted[i]->bytes)) return false;
    }
    return true;
}

static file_writer *write_placed(const char *path, const safetensors_content *c, placed *by_names,
                                 placed **by_offsets) {
    text header = {0};
    file_writer *writer = NULL;
    if (!write_header(&header, c, by_names)) {
        tarn_fail("%s: a name or metadata is not valid UTF-8", path);
    } else if ((writer = file_create(path)) &&
               !(file_write(writer, header.bytes, header.length) && write_data(writer, c, by_offsets))) {
        file_abandon(writer);
        writer = NULL;
    }
    text_free(&header);
    return writer;
}

file_writer *safetensors_write_uncommitted(const char *path, const safetensors_content *c) {
    placed *by_names = NEW_ARRAY(placed, c->count), **by_offsets = NEW_ARRAY(placed *, c->count);
    file_writer *writer = NULL;
    if (by_names && by_offsets && place_all(path, c, by_names, by_offsets))
        writer = write_placed(path, c, by_names, by_offsets);
    memory_free(by_names);
    memory_free(by_offsets);
    return writer;
}

bool safetensors_write(const char *path, const safetensors_content *c) {
    file_writer *writer = safetensors_write_uncommitted(path, c);
    if (!writer) return false;
    if (!c->good || c->good(c->context)) return file_commit(writer);
    file_abandon(writer);
    return false;
}
