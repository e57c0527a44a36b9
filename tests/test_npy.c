/* NumPy's files: what is written is read again, what others may write is read, and what is damaged is an error. */
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "io/npy.h"
#include "io/zip.h"
#include "base/memory.h"
#include "tarn/tarn.h"
#include "temporary_folder.h"

static bool same(tarn_array *a, tarn_array *b) {
    if (!a || !b || tarn_dtype_of(a) != tarn_dtype_of(b) || tarn_ndim(a) != tarn_ndim(b)) return false;
    for (int i = 0; i < tarn_ndim(a); i++)
        if (tarn_dim(a, i) != tarn_dim(b, i)) return false;
    size_t bytes = (size_t)(tarn_size(a) * tarn_dtype_bytes(tarn_dtype_of(a)));
    return bytes == 0 || memcmp(tarn_data(a), tarn_data(b), bytes) == 0;
}

static tarn_array *numbers(tarn_ints shape, tarn_dtype dtype) {
    int64_t size = 1;
    for (int64_t i = 0; i < shape.count; i++) size *= shape.values[i];
    return tarn_reshape(tarn_astype(tarn_arange(0, (double)size, 1, TARN_INT32), dtype), shape);
}

static void test_round_trips(void) {
    for (int dtype = 0; dtype < TARN_DTYPE_COUNT; dtype++) {
        TARN_SCOPE;
        const tarn_ints shapes[] = {TARN_0D, TARN_SHAPE(0), TARN_SHAPE(7), TARN_SHAPE(2, 0, 3), TARN_SHAPE(2, 3, 4)};
        for (int i = 0; i < 5; i++) {
            tarn_array *a =
                i == 4 ? tarn_transpose(numbers(shapes[i], (tarn_dtype)dtype)) : numbers(shapes[i], (tarn_dtype)dtype);
            CHECK(tarn_save_npy(in_folder("a.npy"), a));
            CHECK(same(tarn_load_npy(in_folder("a.npy")), a));
        }
    }
}

static void test_archives(void) {
    for (int compressed = 0; compressed < 2; compressed++) {
        TARN_SCOPE;
        tarn_array *big = numbers(TARN_SHAPE(300, 100), TARN_FLOAT32), *none = numbers(TARN_SHAPE(0, 2), TARN_INT8);
        const tarn_named_array arrays[] = {{"arr_0", big}, {"folder/b", none}, {"c", tarn_scalar(2, TARN_BFLOAT16)}};
        CHECK(tarn_save_npz(in_folder("a.npz"), arrays, 3, .compressed = compressed));
        tarn_tensors *t = tarn_load_npz(in_folder("a.npz"));
        CHECK(t && tarn_tensors_count(t) == 3 && !strcmp(tarn_tensors_name(t, 1), "folder/b"));
        for (int i = 0; i < 3; i++) CHECK(same(tarn_tensors_get(t, arrays[i].name), arrays[i].array));
        /* onto the file that they stand on */
        tarn_named_array again[] = {{"x", tarn_tensors_get(t, "arr_0")}, {"y", tarn_tensors_get(t, "c")}};
        CHECK(tarn_save_npz(in_folder("a.npz"), again, 2));
        tarn_tensors *u = tarn_load_npz(in_folder("a.npz"));
        CHECK(same(tarn_tensors_get(u, "x"), big) && tarn_tensors_count(u) == 2);
        tarn_tensors_free(t);
        CHECK(same(tarn_tensors_get(u, "x"), big));
        tarn_tensors_free(u);
        CHECK(tarn_save_npz(in_folder("empty.npz"), NULL, 0) && (t = tarn_load_npz(in_folder("empty.npz"))));
        CHECK(tarn_tensors_count(t) == 0);
        tarn_tensors_free(t);
    }
}

static void test_onto_itself(void) {
    TARN_SCOPE;
    tarn_array *a = numbers(TARN_SHAPE(1000), TARN_FLOAT64);
    CHECK(tarn_save_npy(in_folder("b.npy"), a));
    tarn_array *loaded = tarn_load_npy(in_folder("b.npy"));
    CHECK(tarn_save_npy(in_folder("b.npy"), tarn_add(loaded, loaded)));
    CHECK(same(tarn_load_npy(in_folder("b.npy")), tarn_add(a, a)) && same(loaded, a));
}

/* ---- headers of other writers */

/* A file of this version with this dictionary and n bytes of values 0, 1, 2, … */
static size_t make(char *file, int version, const char *dictionary, size_t n) {
    size_t length = strlen(dictionary), begin = version == 1 ? 10 : 12;
    memcpy(file, "\x93NUMPY", 6);
    file[6] = (char)version, file[7] = 0;
    memset(file + 8, 0, 4);
    file[8] = (char)length, file[9] = (char)(length >> 8);
    memcpy(file + begin, dictionary, length);
    for (size_t i = 0; i < n; i++) file[begin + length + i] = (char)i;
    return begin + length + n;
}

static void put_file(const char *name, const char *bytes, size_t length) {
    FILE *f = fopen(in_folder(name), "wb");
    CHECK(f && fwrite(bytes, 1, length, f) == length);
    if (f) fclose(f);
}

static void test_others(void) {
    TARN_SCOPE;
    char file[512];
    for (int version = 1; version <= 3; version++) {
        put_file("o.npy", file,
                 make(file, version, "{\"shape\": (2L, 3) , 'fortran_order': True,'descr':'>i2'}\n", 12));
        tarn_array *a = tarn_load_npy(in_folder("o.npy"));
        CHECK(a && tarn_dim(a, 0) == 2 && tarn_dim(a, 1) == 3 && tarn_dtype_of(a) == TARN_INT16);
        const int16_t *x = a ? tarn_data(tarn_contiguous(a)) : NULL;
        CHECK(x && x[0] == 0x0001 && x[1] == 0x0405 && x[3] == 0x0203);
    }
    put_file("c.npy", file, make(file, 1, "{'descr': '>c8', 'fortran_order': False, 'shape': (1,)}", 8));
    const unsigned char *z = tarn_data(tarn_load_npy(in_folder("c.npy")));
    CHECK(z && z[0] == 3 && z[3] == 0 && z[4] == 7);
}

static void test_damage(void) {
    static const struct {
        const char *dictionary, *error;
    } cases[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}", "take 16 bytes, but 8 follow"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 4)}", "too many elements"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "size below 2^63"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "no size"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1,1,1,1,1)}", "more than 12 axes"},
        {"{'descr': '<c16', 'fortran_order': False, 'shape': ()}", "dtype '<c16' of the .npy file is not supported"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': ()}", "dtype '|O'"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}", "no string"},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': ()}", "no True or False"},
        {"{'descr': '<f4', 'fortran_order': False}", "no comma, or complete dictionary"},
        {"{'descr': '<f4', 'descr': '<f4', 'shape': ()}", "entry 'descr'"},
        {"{'descr': '<f4', 'other': 1}", "entry 'other'"},
        {"{'descr': '<f4", "no short string"},
        {"", "no dictionary"},
    };
    char file[512];
    npy_header h;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t length = make(file, 1, cases[i].dictionary, 8);
        CHECK_ERROR(npy_parse(file, length, "f", &h), cases[i].error);
    }
    size_t length = make(file, 1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8);
    CHECK(npy_parse(file, length, "f", &h) && h.bytes == 8);
    for (size_t cut = 0; cut < length; cut++) CHECK_ERROR(npy_parse(file, cut, "f", &h), "f: ");
    file[6] = 9;
    CHECK_ERROR(npy_parse(file, length, "f", &h), "version 9");
    CHECK_ERROR(tarn_load_npy(in_folder("missing.npy")), "missing.npy");
}

/* Every byte of an archive turned over, and every length: an error, or the entries as they say. */
static void test_damaged_archives(void) {
    TARN_SCOPE;
    const tarn_named_array arrays[] = {{"a", numbers(TARN_SHAPE(50), TARN_INT32)}, {"b", tarn_scalar(1, TARN_FLOAT32)}};
    CHECK(tarn_save_npz(in_folder("d.npz"), arrays, 2, .compressed = true));
    size_t length;
    char *bytes = file_read(in_folder("d.npz"), 1 << 20, &length);
    CHECK(bytes);
    for (size_t i = 0; bytes && i < 2 * length; i++) {
        size_t size = i < length ? length : i - length;
        if (i < length) bytes[i] = (char)~bytes[i];
        zip_directory d;
        bool ok = zip_parse(bytes, size, "d", &d);
        for (size_t k = 0; ok && k < d.count; k++) {
            char *out = memory_new((size_t)d.items[k].size + 1, 1);
            ok = !d.items[k].deflated || (out && zip_inflate(bytes, &d.items[k], "d", out));
            memory_free(out);
        }
        zip_free(&d);
        CHECK(ok == tarn_ok());
        tarn_clear_error();
        if (i < length) bytes[i] = (char)~bytes[i];
    }
    memory_free(bytes);
    CHECK_ERROR(tarn_load_npz(in_folder("a.npy")), "no zip archive");
}

int main(void) {
    CHECK(mkdtemp(folder));
    test_round_trips();
    test_archives();
    test_onto_itself();
    test_others();
    test_damage();
    test_damaged_archives();
    clear_folder();
    rmdir(folder);
    return check_report("npy");
}
