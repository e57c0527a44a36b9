/* NumPy's files as arrays: mapped where the bytes lie as an array needs them, else copied. */
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "io/npy.h"
#include "io/tensors.h"
#include "io/zip.h"
#include "tarn/ops.h"

/* ---- reading */

static tarn_array *from_columns(tarn_array *a, bool columns) {
    return a && columns && tarn_ndim(a) > 1 ? tarn_transpose(a) : a;
}

/* Numbers whose bytes are in the other order, turned. */
static tarn_array *from_swapped(const char *values, const npy_header *h, tarn_ints shape) {
    size_t size = (size_t)(h->dtype == TARN_COMPLEX64 ? 4 : tarn_dtype_bytes(h->dtype));
    char *turned = memory_new((size_t)h->bytes + 1, 1);
    for (size_t i = 0; turned && i < (size_t)h->bytes; i++) turned[i] = values[i / size * size + size - 1 - i % size];
    tarn_array *a = turned ? tarn_from_data(turned, shape, h->dtype) : NULL;
    memory_free(turned);
    return a;
}

/* Values in memory: with a file they stand on its mapping, without one they are copied. */
static tarn_array *array_of(const char *bytes, size_t length, const char *name, shared_file *file) {
    npy_header h;
    int64_t shape[TARN_MAX_NDIM];
    if (!npy_parse(bytes, length, name, &h)) return NULL;
    for (int i = 0; i < h.ndim; i++) shape[i] = h.shape[h.columns ? h.ndim - 1 - i : i];
    tarn_ints sizes = {shape, h.ndim};
    const char *values = bytes + h.offset;
    tarn_array *a = h.swapped ? from_swapped(values, &h, sizes)
                    : file    ? shared_file_array(file, values, sizes, h.dtype)
                              : tarn_from_data(values, sizes, h.dtype);
    return from_columns(a, h.columns);
}

static void unmap(void *mapping) {
    file_unmap(mapping);
}

static shared_file *open_shared(const char *path, const file_mapping **mapping) {
    file_mapping *m = file_map(path);
    shared_file *s = m ? shared_file_new(m, m, unmap) : NULL;
    *mapping = m;
    if (m && !s) file_unmap(m);
    return s;
}

tarn_array *tarn_load_npy(const char *path) {
    const file_mapping *m;
    if (!path) return tarn_fail("load_npy: no path"), NULL;
    if (!tarn_ok()) return NULL;
    shared_file *s = open_shared(path, &m);
    tarn_array *a = s ? array_of(m->bytes, m->length, path, s) : NULL;
    if (a && !file_unchanged(m)) a = NULL;
    shared_file_release(s);
    if (!a) error_blame(TARN_ERROR_IO);
    return a;
}

/* ---- archives */

static bool add_entry(tarn_tensors *t, shared_file *s, const file_mapping *m, const zip_entry *e) {
    TARN_SCOPE;
    size_t length = strlen(e->name);
    if (length && e->name[length - 1] == '/') return true; /* a folder */
    char *contents = e->deflated ? memory_new((size_t)e->size + 1, 1) : NULL;
    if (e->deflated && !contents) return false;
    bool ok = !contents || zip_inflate(m->bytes, e, m->path, contents);
    const char *bytes = contents ? contents : m->bytes + e->offset;
    tarn_array *a = ok ? array_of(bytes, (size_t)e->size, m->path, contents ? NULL : s) : NULL;
    memory_free(contents);
    if (!a) return false;
    if (length > 4 && !strcmp(e->name + length - 4, ".npy")) e->name[length - 4] = 0;
    return tensors_add(t, e->name, a, NULL, m->path);
}

static bool add_entries(tarn_tensors *t, shared_file *s, const file_mapping *m) {
    zip_directory d;
    if (!zip_parse(m->bytes, m->length, m->path, &d)) return false;
    bool ok = true;
    for (size_t i = 0; ok && i < d.count; i++) ok = add_entry(t, s, m, &d.items[i]);
    zip_free(&d);
    return ok && file_unchanged(m);
}

tarn_tensors *tarn_load_npz(const char *path) {
    const file_mapping *m;
    if (!path) return tarn_fail("load_npz: no path"), NULL;
    if (!tarn_ok()) return NULL;
    shared_file *s = open_shared(path, &m);
    tarn_tensors *t = s ? tensors_new() : NULL;
    bool ok = t && tensors_hold(t, s) && add_entries(t, s, m);
    if (ok) return t;
    if (!t) shared_file_release(s);
    tarn_tensors_free(t);
    return error_blame(TARN_ERROR_IO), NULL;
}

/* ---- writing */

static bool pieces_of(tarn_array *a, text *header, zip_piece pieces[2]) {
    const void *data = tarn_size(a) ? tarn_data(a) : "";
    if (!data || !npy_write_header(header, tarn_dtype_of(a), tarn_shape_of(a))) return false;
    pieces[0] = (zip_piece){header->bytes, header->length};
    pieces[1] = (zip_piece){data, (size_t)(tarn_size(a) * tarn_dtype_bytes(tarn_dtype_of(a)))};
    return true;
}

/* Reading an array asks whether the file it stands on is unchanged: only an answer from after the writing counts. */
static bool still_good(tarn_array *a) {
    return !tarn_size(a) || tarn_data(a) != NULL;
}

bool tarn_save_npy(const char *path, tarn_array *array) {
    if (!path || !array) return tarn_fail("save_npy: no %s", path ? "array" : "path");
    if (!tarn_ok()) return false;
    text header = {0};
    zip_piece pieces[2];
    file_writer *w = pieces_of(array, &header, pieces) ? file_create(path) : NULL;
    bool ok = w != NULL;
    for (int i = 0; ok && i < 2; i++) ok = file_write(w, pieces[i].bytes, pieces[i].length);
    ok = ok && still_good(array);
    text_free(&header);
    if (ok) return file_commit(w);
    file_abandon(w);
    return false;
}

static bool write_member(zip_writer *w, const tarn_named_array *named, bool compressed) {
    text header = {0}, name = {0};
    zip_piece pieces[2];
    bool ok = text_format(&name, "%s.npy", named->name) && pieces_of(named->array, &header, pieces) &&
              zip_add(w, name.bytes, pieces, compressed) && still_good(named->array);
    text_free(&header);
    text_free(&name);
    return ok;
}

static bool check_named(const char *path, const tarn_named_array *arrays, int64_t count) {
    if (count < 0 || (count && !arrays)) return tarn_fail("%s: %lld arrays", path, (long long)count);
    for (int64_t i = 0; i < count; i++)
        if (!arrays[i].name || !arrays[i].array)
            return tarn_fail("%s: array %lld has no %s", path, (long long)i, arrays[i].name ? "value (NULL)" : "name");
    return true;
}

bool tarn_save_npz_with(const char *path, const tarn_named_array *arrays, int64_t count, tarn_npz_options o) {
    if (!path) return tarn_fail("save_npz: no path");
    if (!tarn_ok() || !check_named(path, arrays, count)) return false;
    zip_writer w = {.file = file_create(path)};
    bool ok = w.file != NULL;
    for (int64_t i = 0; ok && i < count; i++) ok = write_member(&w, &arrays[i], o.compressed);
    ok = ok && zip_finish(&w);
    zip_free(&w.directory);
    if (ok) return file_commit(w.file);
    file_abandon(w.file);
    return false;
}
