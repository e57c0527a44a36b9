/* A function through a file and back. */
#ifndef TESTS_EXPORTED_H
#define TESTS_EXPORTED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "into.h"

/* Files in memory, where that is possible: saving waits for the disk. */
static inline const char *export_path(void) {
    static char folder[] = "/dev/shm/tarn-test-XXXXXX", path[64];
    if (!path[0] && (mkdtemp(folder) || mkdtemp(strcpy(folder, "/tmp/tarn-XXXXXX"))))
        snprintf(path, sizeof path, "%s/function.tarn", folder);
    return path;
}

static inline void forget_export_path(void) {
    char path[64];
    strcpy(path, export_path());
    remove(path);
    *strrchr(path, '/') = 0;
    remove(path);
}

static inline bool same_bits(tarn_array *a, tarn_array *b) {
    tarn_ints sa = tarn_shape_of(a), sb = tarn_shape_of(b);
    if (!a || !b || tarn_dtype_of(a) != tarn_dtype_of(b) || sa.count != sb.count) return false;
    if (sa.count && memcmp(sa.values, sb.values, (size_t)sa.count * sizeof *sa.values) != 0) return false;
    size_t bytes = (size_t)(tarn_size(a) * tarn_dtype_bytes(tarn_dtype_of(a)));
    void *pa = calloc(bytes + 1, 1), *pb = calloc(bytes + 1, 1);
    bool same = tarn_read(a, pa, bytes) && tarn_read(b, pb, bytes) && memcmp(pa, pb, bytes) == 0;
    free(pa);
    free(pb);
    return same;
}

/* Exported for inputs like `traced`, imported, called with `inputs`. */
static inline bool imported_into(tarn_array **to, tarn_function f, tarn_array *const *traced, tarn_array *const *inputs,
                                 int count, bool shapeless) {
    bool ok = tarn_export_function(export_path(), f, traced, count, .shapeless = shapeless);
    tarn_imported_function *imported = ok ? tarn_import_function(export_path()) : NULL;
    ok = imported && into(to, tarn_imported_call(imported, inputs, count));
    tarn_imported_free(imported);
    return ok;
}

#endif
