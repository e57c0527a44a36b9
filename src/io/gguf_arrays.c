/* GGUF files as arrays and notes, as MLX has them: plain numbers are mapped; blocks of Q4_0, Q4_1 and Q8_0 become
   packed weights with scales and biases, others float16. */
#include <inttypes.h>
#include <string.h>

#include "base/checked.h"
#include "base/error.h"
#include "base/map.h"
#include "base/memory.h"
#include "io/gguf.h"
#include "io/tensors.h"
#include "tarn/ops.h"

/* ---- metadata */

static char *terminated(const char *bytes, size_t length) {
    char *copy = memory_new(length + 1, 1);
    if (copy && length) memcpy(copy, bytes, length);
    return copy;
}

static bool add_numbers(tarn_tensors *t, gguf_cursor *c, const char *key, tarn_dtype dtype, uint64_t count, bool list) {
    TARN_SCOPE;
    const char *values;
    uint64_t size = (uint64_t)tarn_dtype_bytes(dtype);
    if (count > UINT64_MAX / 8) count = UINT64_MAX / 8; /* more than any file has */
    if (!gguf_skip(c, count * size, &values)) return false;
    return tensors_note_array(t, key, tarn_from_data(values, list ? TARN_SHAPE((int64_t)count) : TARN_0D, dtype));
}

/* A text takes eight bytes at least, so that the count is bounded by the file. */
static bool add_texts(tarn_tensors *t, gguf_cursor *c, const char *key, uint64_t count) {
    const char *nothing;
    gguf_cursor ahead = *c;
    if (count > UINT64_MAX / 8 || !gguf_skip(&ahead, count * 8, &nothing)) return gguf_skip(c, UINT64_MAX, &nothing);
    const char **texts = NEW_ARRAY(const char *, count + 1);
    size_t *lengths = NEW_ARRAY(size_t, count + 1);
    bool ok = texts && lengths;
    for (uint64_t i = 0; ok && i < count; i++) ok = gguf_read_text(c, &texts[i], &lengths[i]);
    ok = ok && tensors_note_texts(t, key, texts, lengths, (size_t)count);
    memory_free(texts);
    memory_free(lengths);
    return ok;
}

static bool add_list(tarn_tensors *t, gguf_cursor *c, const char *key) {
    uint64_t kind, count;
    tarn_dtype dtype;
    if (!gguf_read_number(c, 4, &kind) || !gguf_read_number(c, 8, &count)) return false;
    if (kind == GGUF_TEXT) return add_texts(t, c, key, count);
    if (gguf_kind_dtype((uint32_t)kind, &dtype)) return add_numbers(t, c, key, dtype, count, true);
    return tarn_fail("%s: metadata '%s': a list of lists, or of kind %" PRIu64, c->name, key, kind);
}

static bool add_value(tarn_tensors *t, gguf_cursor *c, const char *key) {
    uint64_t kind;
    const char *value;
    size_t length;
    tarn_dtype dtype;
    if (!gguf_read_number(c, 4, &kind)) return false;
    if (kind == GGUF_LIST) return add_list(t, c, key);
    if (kind == GGUF_TEXT) return gguf_read_text(c, &value, &length) && tensors_note_text(t, key, value, length);
    if (gguf_kind_dtype((uint32_t)kind, &dtype)) return add_numbers(t, c, key, dtype, 1, false);
    return tarn_fail("%s: metadata '%s' is of kind %" PRIu64, c->name, key, kind);
}

/* Of a copy of the cursor. */
static bool read_alignment(gguf_cursor c, uint64_t *alignment) {
    uint64_t kind;
    if (!gguf_read_number(&c, 4, &kind)) return false;
    if (kind != GGUF_U32) return tarn_fail("%s: general.alignment is of kind %" PRIu64 ", not 4", c.name, kind);
    return gguf_read_number(&c, 4, alignment);
}

static bool check_key(const tarn_tensors *t, const gguf_cursor *c, const char *key, size_t length) {
    if (memchr(key, 0, length)) return tarn_fail("%s: metadata '%s': its key holds a NUL", c->name, key);
    return !tensors_has_note(t, key) || tarn_fail("%s: metadata '%s' is there twice", c->name, key);
}

static bool add_note(tarn_tensors *t, gguf_cursor *c, uint64_t *alignment) {
    const char *name;
    size_t length;
    if (!gguf_read_text(c, &name, &length)) return false;
    char *key = terminated(name, length);
    bool ok = key && check_key(t, c, key, length) &&
              (strcmp(key, "general.alignment") || read_alignment(*c, alignment)) && add_value(t, c, key);
    memory_free(key);
    return ok;
}

/* ---- tensors */

static tarn_array *decoded(const gguf_tensor *g, const char *blocks) {
    int64_t count = g->elements / g->type->elements;
    float *values = NEW_ARRAY(float, g->elements + 1);
    for (int64_t i = 0; values && i < count; i++)
        g->type->decode((const unsigned char *)blocks + i * g->type->bytes, values + i * g->type->elements);
    tarn_array *a = values ? tarn_from_data(values, (tarn_ints){g->shape, g->ndim}, TARN_FLOAT32) : NULL;
    memory_free(values);
    return a;
}

static tarn_array *in_float16(tarn_array *a) {
    tarn_array *half = tarn_astype(a, TARN_FLOAT16);
    return half && tarn_eval(half) ? half : NULL;
}

/* The codes of a block of 32, in MLX's order, 4 or 8 bits each; those of Q8_0 from 0 on. */
static void pack_block(const unsigned char *codes, bool bytes, unsigned char *to) {
    for (int i = 0; bytes && i < 32; i++) to[i] = codes[i] ^ 0x80;
    for (int i = 0; !bytes && i < 16; i++) {
        int shift = i < 8 ? 0 : 4, first = 2 * i % 16;
        to[i] = (unsigned char)((codes[first] >> shift & 15) | (codes[first + 1] >> shift & 15) << 4);
    }
}

typedef struct {
    unsigned char *codes;
    uint16_t *scales, *biases;
} affine_parts;

static void split_blocks(const gguf_tensor *g, const unsigned char *block, affine_parts *p) {
    bool bytes = g->type->id == GGUF_Q8_0, least = g->type->id == GGUF_Q4_1;
    for (int64_t i = 0; i < g->elements / 32; i++, block += g->type->bytes) {
        memcpy(&p->scales[i], block, 2);
        if (least) memcpy(&p->biases[i], block + 2, 2);
        pack_block(block + (least ? 4 : 2), bytes, p->codes + i * (bytes ? 32 : 16));
    }
}

/* name without ".weight", and another end. */
static bool add_beside(tarn_tensors *t, const char *name, const char *end, tarn_array *a, const char *path) {
    text full = {0};
    size_t length = strlen(name);
    if (length >= 7 && !strcmp(name + length - 7, ".weight")) length -= 7;
    bool ok = a && text_append(&full, name, length) && text_add(&full, end) &&
              tensors_add(t, text_string(&full), a, NULL, path);
    text_free(&full);
    return ok;
}

static bool add_affine(tarn_tensors *t, const gguf_tensor *g, const char *name, const char *blocks, const char *path) {
    int64_t shape[TARN_MAX_NDIM], last = g->ndim - 1, groups = g->elements / 32;
    bool bytes = g->type->id == GGUF_Q8_0, least = g->type->id == GGUF_Q4_1;
    affine_parts p = {memory_new((size_t)g->elements + 1, 1), NEW_ARRAY(uint16_t, groups + 1),
                      NEW_ARRAY(uint16_t, groups + 1)};
    bool ok = p.codes && p.scales && p.biases;
    if (ok) split_blocks(g, (const unsigned char *)blocks, &p);
    for (int i = 0; i < g->ndim; i++) shape[i] = g->shape[i];
    tarn_ints sizes = {shape, g->ndim};
    shape[last] = g->shape[last] / (bytes ? 4 : 8);
    tarn_array *codes = ok ? tarn_from_data(p.codes, sizes, TARN_UINT32) : NULL;
    shape[last] = g->shape[last] / 32;
    tarn_array *scales = ok ? tarn_from_data(p.scales, sizes, TARN_FLOAT16) : NULL;
    tarn_array *biases = !ok     ? NULL
                         : least ? tarn_from_data(p.biases, sizes, TARN_FLOAT16)
                                 : tarn_multiply(scales, tarn_scalar(bytes ? -128 : -8, TARN_FLOAT16));
    ok = codes && scales && biases && tarn_eval(biases) && tensors_add(t, name, codes, NULL, path) &&
         add_beside(t, name, ".scales", scales, path) && add_beside(t, name, ".biases", biases, path);
    memory_free(p.codes);
    memory_free(p.scales);
    memory_free(p.biases);
    return ok;
}

static bool stays_packed(const gguf_tensor *g) {
    uint32_t id = g->type->id;
    return g->ndim >= 1 && (id == GGUF_Q4_0 || id == GGUF_Q4_1 || id == GGUF_Q8_0);
}

typedef struct {
    tarn_tensors *tensors;
    shared_file *file;
    const file_mapping *mapping;
    const char *data;          /* where the tensors begin */
    uint64_t alignment, taken; /* bytes of the data up to the end of the last tensor */
    bool floats;
} gguf_load;

/* Tensors stand one behind the other. */
static bool take_place(gguf_load *l, const gguf_tensor *g, const char *name) {
    const char *path = l->mapping->path, *end = l->mapping->bytes + l->mapping->length;
    if (g->offset > (uint64_t)(end - l->data) || (uint64_t)g->bytes > (uint64_t)(end - l->data) - g->offset)
        return tarn_fail("%s: tensor '%s' goes beyond the end of the file (truncated?)", path, name);
    if (g->offset % l->alignment)
        return tarn_fail("%s: tensor '%s': offset %" PRIu64 " is no multiple of %" PRIu64, path, name, g->offset,
                         l->alignment);
    if (g->offset < l->taken) return tarn_fail("%s: tensor '%s' begins in the one before it", path, name);
    l->taken = g->offset + (uint64_t)g->bytes;
    return true;
}

static bool add_named(gguf_load *l, const gguf_tensor *g, const char *name) {
    TARN_SCOPE;
    const char *path = l->mapping->path;
    if (!take_place(l, g, name)) return false;
    const char *at = l->data + g->offset;
    if (!l->floats && stays_packed(g)) return add_affine(l->tensors, g, name, at, path);
    tarn_array *a = g->type->plain ? shared_file_array(l->file, at, (tarn_ints){g->shape, g->ndim}, g->type->dtype)
                                   : decoded(g, at);
    if (a && !g->type->plain && !l->floats) a = in_float16(a);
    return a && tensors_add(l->tensors, name, a, NULL, path);
}

static bool add_tensor(gguf_load *l, const gguf_tensor *g) {
    char *name = terminated(g->name, g->length);
    bool ok = name && add_named(l, g, name);
    memory_free(name);
    return ok;
}

/* The headers of the tensors stand before the data, whose beginning only the last of them shows: they are read twice.
 */
static bool add_tensors(gguf_load *l, gguf_cursor *c, uint64_t count) {
    uint64_t alignment = l->alignment;
    gguf_cursor again = *c;
    gguf_tensor g;
    for (uint64_t i = 0; i < count; i++)
        if (!gguf_read_tensor(c, &g)) return false;
    if (alignment == 0 || alignment > 1 << 20)
        return tarn_fail("%s: an alignment of %" PRIu64 " bytes", c->name, alignment);
    uint64_t begin = (uint64_t)(c->at - l->mapping->bytes), rest = begin % alignment;
    begin += rest ? alignment - rest : 0;
    if (begin > l->mapping->length) begin = l->mapping->length;
    l->data = l->mapping->bytes + begin;
    for (uint64_t i = 0; i < count; i++)
        if (!gguf_read_tensor(&again, &g) || !add_tensor(l, &g)) return false;
    return file_unchanged(l->mapping);
}

static bool fill(gguf_load *l) {
    gguf_cursor c = {l->mapping->bytes, l->mapping->bytes + l->mapping->length, l->mapping->path};
    gguf_counts counts;
    if (!gguf_read_start(&c, &counts)) return false;
    TARN_SCOPE;
    for (uint64_t i = 0; i < counts.notes; i++)
        if (!add_note(l->tensors, &c, &l->alignment)) return false;
    return add_tensors(l, &c, counts.tensors);
}

static void unmap(void *mapping) {
    file_unmap(mapping);
}

tarn_tensors *tarn_load_gguf_with(const char *path, tarn_gguf_options o) {
    if (!path) return tarn_fail("load_gguf: no path"), NULL;
    if (!tarn_ok()) return NULL;
    file_mapping *m = file_map(path);
    shared_file *s = m ? shared_file_new(m, m, unmap) : NULL;
    if (m && !s) file_unmap(m);
    tarn_tensors *t = s ? tensors_new() : NULL;
    if (!t) return shared_file_release(s), NULL;
    gguf_load l = {.tensors = t, .file = s, .mapping = m, .alignment = 32, .floats = o.floats};
    if (tensors_hold(t, s) && fill(&l)) return t;
    tarn_tensors_free(t);
    return error_blame(TARN_ERROR_IO), NULL;
}

/* ---- writing */

enum { ALIGNMENT = 32 };

static void put(text *t, uint64_t n, int bytes) {
    for (int i = 0; i < bytes; i++) text_add_char(t, (char)(n >> (8 * i)));
}

static void put_text(text *t, const char *s) {
    put(t, strlen(s), 8);
    text_add(t, s);
}

static bool put_array(text *t, const char *path, const tarn_note *n) {
    uint32_t kind = gguf_kind_of(tarn_dtype_of(n->array));
    const void *data = tarn_size(n->array) ? tarn_data(n->array) : "";
    if (kind == GGUF_KINDS || tarn_ndim(n->array) > 1)
        return tarn_fail("%s: metadata '%s': %s of %d axes cannot be written", path, n->key,
                         tarn_dtype_name(tarn_dtype_of(n->array)), tarn_ndim(n->array));
    if (tarn_ndim(n->array) == 1) put(t, GGUF_LIST, 4);
    put(t, kind, 4);
    if (tarn_ndim(n->array) == 1) put(t, (uint64_t)tarn_size(n->array), 8);
    return data && text_append(t, data, (size_t)(tarn_size(n->array) * tarn_dtype_bytes(tarn_dtype_of(n->array))));
}

static bool check_texts(const char *path, const tarn_note *n) {
    if (n->count < 0) return tarn_fail("%s: metadata '%s': a list of %lld texts", path, n->key, (long long)n->count);
    for (int64_t i = 0; i < n->count; i++)
        if (!n->texts[i]) return tarn_fail("%s: metadata '%s': text %lld is NULL", path, n->key, (long long)i);
    return true;
}

/* What a reader relies on. */
static bool check_note(const char *path, const tarn_note *n) {
    if (!n->key || (!n->text && !n->array && !n->texts)) return tarn_fail("%s: metadata without a key or value", path);
    if (strcmp(n->key, "general.alignment") == 0 &&
        (!n->array || tarn_dtype_of(n->array) != TARN_UINT32 || tarn_item_uint(n->array) != ALIGNMENT))
        return tarn_fail("%s: tensors are aligned to %d bytes, whatever 'general.alignment' says", path, ALIGNMENT);
    return n->text || n->array || check_texts(path, n);
}

static bool put_note(text *t, const char *path, const tarn_note *n) {
    if (!check_note(path, n)) return false;
    put_text(t, n->key);
    if (n->array) return put_array(t, path, n);
    put(t, n->text ? GGUF_TEXT : GGUF_LIST, 4);
    if (n->text) return put_text(t, n->text), true;
    put(t, GGUF_TEXT, 4);
    put(t, (uint64_t)n->count, 8);
    for (int64_t i = 0; i < n->count; i++) put_text(t, n->texts[i]);
    return true;
}

static uint64_t padded(uint64_t bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static uint64_t bytes_of(tarn_array *a) {
    return (uint64_t)(tarn_size(a) * tarn_dtype_bytes(tarn_dtype_of(a)));
}

static bool put_tensor(text *t, const char *path, const tarn_named_array *named, uint64_t *offset) {
    if (!named->name || !named->array) return tarn_fail("%s: an array without a name or value", path);
    const gguf_type *type = gguf_type_of_dtype(tarn_dtype_of(named->array));
    int ndim = tarn_ndim(named->array);
    if (!type)
        return tarn_fail_kind(TARN_ERROR_RUNTIME, "%s: '%s': %s cannot be written to a GGUF file", path, named->name,
                              tarn_dtype_name(tarn_dtype_of(named->array)));
    put_text(t, named->name);
    put(t, (uint64_t)ndim, 4);
    for (int i = ndim - 1; i >= 0; i--) put(t, (uint64_t)tarn_dim(named->array, i), 8);
    put(t, type->id, 4);
    put(t, *offset, 8);
    *offset += padded(bytes_of(named->array));
    return true;
}

static bool add_once(map *names, const char *path, const char *what, const char *name) {
    if (name && map_get(names, name, strlen(name), NULL)) return tarn_fail("%s: two %s named '%s'", path, what, name);
    return !name || map_set(names, name, strlen(name), 0, NULL);
}

static bool names_differ(const char *path, const tarn_named_array *arrays, int64_t count,
                         const tarn_gguf_save_options *o) {
    map *keys = map_new(), *names = map_new();
    bool ok = keys && names;
    for (int64_t i = 0; ok && i < o->note_count; i++) ok = add_once(keys, path, "notes", o->notes[i].key);
    for (int64_t i = 0; ok && i < count; i++) ok = add_once(names, path, "tensors", arrays[i].name);
    map_free(keys);
    map_free(names);
    return ok;
}

static bool put_header(text *t, const char *path, const tarn_named_array *arrays, int64_t count,
                       const tarn_gguf_save_options *o) {
    uint64_t offset = 0;
    bool ok = names_differ(path, arrays, count, o);
    text_append(t, "GGUF", 4);
    put(t, 3, 4);
    put(t, (uint64_t)count, 8);
    put(t, (uint64_t)o->note_count, 8);
    for (int64_t i = 0; ok && i < o->note_count; i++) ok = put_note(t, path, &o->notes[i]);
    for (int64_t i = 0; ok && i < count; i++) ok = put_tensor(t, path, &arrays[i], &offset);
    while (ok && t->length % ALIGNMENT) ok = text_add_char(t, 0);
    return ok;
}

static bool write_values(file_writer *w, tarn_array *a) {
    static const char zeros[ALIGNMENT];
    uint64_t bytes = bytes_of(a);
    const void *data = bytes ? tarn_data(a) : zeros;
    return data && file_write(w, data, (size_t)bytes) && file_write(w, zeros, (size_t)(padded(bytes) - bytes)) &&
           (!bytes || tarn_data(a)); /* was the file it stands on unchanged while it was written? */
}

bool tarn_save_gguf_with(const char *path, const tarn_named_array *arrays, int64_t count, tarn_gguf_save_options o) {
    if (!path) return tarn_fail("save_gguf: no path");
    if (!tarn_ok()) return false;
    if (count < 0 || (count && !arrays) || o.note_count < 0 || (o.note_count && !o.notes))
        return tarn_fail("%s: lists that are not there, or of negative length", path);
    text header = {0};
    file_writer *w = put_header(&header, path, arrays, count, &o) ? file_create(path) : NULL;
    bool ok = w && file_write(w, header.bytes, header.length);
    for (int64_t i = 0; ok && i < count; i++) ok = write_values(w, arrays[i].array);
    text_free(&header);
    if (ok) return file_commit(w);
    file_abandon(w);
    return false;
}
