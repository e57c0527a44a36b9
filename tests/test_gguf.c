/* GGUF files: what is written is read again, blocks are what the gguf package makes of them
   (tests/data/gguf_blocks.json, by tools/gguf_vectors.py), and damaged files are errors. */
#include <stdlib.h>
#include <unistd.h>

#include "base/files.h"
#include "base/json.h"
#include "base/memory.h"
#include "check.h"
#include "io/gguf.h"
#include "tarn/tarn.h"
#include "temporary_folder.h"
#include "paths.h"

/* ---- blocks: bytes and the bits of what they hold, in hexadecimal */

static uint32_t hexadecimal(const char *at, int digits) {
    char copy[9] = {0};
    memcpy(copy, at, (size_t)digits);
    return (uint32_t)strtoul(copy, NULL, 16);
}

static void check_block(const gguf_type *type, const char *block, const char *wanted) {
    unsigned char bytes[512];
    float values[256];
    for (int i = 0; i < type->bytes; i++) bytes[i] = (unsigned char)hexadecimal(block + 2 * i, 2);
    type->decode(bytes, values);
    for (int i = 0; i < type->elements; i++) {
        uint32_t bits, right = hexadecimal(wanted + 8 * i, 8);
        memcpy(&bits, &values[i], 4);
        if (bits == right) continue;
        check_failures++;
        fprintf(stderr, "%s [%d]: %08x, not %08x\n", type->name, i, bits, right);
        return;
    }
}

static void test_blocks(void) {
    json *file = json_read_file(TARN_SOURCE_DIR "/tests/data/gguf_blocks.json", 1 << 24);
    int known = 0;
    for (uint32_t id = 0; id < 64; id++) {
        const gguf_type *type = gguf_type_of(id);
        const json *cases = type ? json_get(file, type->name) : NULL;
        for (size_t i = 0; i < json_count(cases); i++) {
            const json *one = json_at(cases, i);
            size_t length = 0, digits = 0;
            const char *block = json_text(json_at(one, 0), &length), *wanted = json_text(json_at(one, 1), &digits);
            bool whole = length == 2 * (size_t)type->bytes && digits == 8 * (size_t)type->elements;
            CHECK(whole);
            if (whole) check_block(type, block, wanted);
        }
        known += json_count(cases) > 0;
    }
    CHECK(known == 23);
    json_free(file);
}

/* ---- files */

static bool same(tarn_array *a, tarn_array *b) {
    if (!a || !b || tarn_dtype_of(a) != tarn_dtype_of(b) || tarn_size(a) != tarn_size(b)) return false;
    return tarn_size(a) == 0 ||
           memcmp(tarn_data(a), tarn_data(b), (size_t)(tarn_size(a) * tarn_dtype_bytes(tarn_dtype_of(a)))) == 0;
}

static void test_round_trip(void) {
    TARN_SCOPE;
    static const tarn_dtype plain[] = {TARN_FLOAT32, TARN_FLOAT16, TARN_BFLOAT16, TARN_FLOAT64,
                                       TARN_INT8,    TARN_INT16,   TARN_INT32,    TARN_INT64};
    static const char *const names[] = {"f32", "f16", "bf16", "f64", "i8", "i16", "i32", "i64"};
    static const char *const words[] = {"one", "", "three"};
    tarn_named_array arrays[8];
    tarn_array *x = tarn_reshape(tarn_arange(0, 30, 1, TARN_INT32), TARN_SHAPE(2, 3, 5));
    for (int i = 0; i < 8; i++) arrays[i] = (tarn_named_array){names[i], tarn_astype(x, plain[i])};
    const tarn_note notes[] = {{.key = "text", .text = "värde"},
                               {.key = "number", .array = tarn_scalar_int(7, TARN_UINT32)},
                               {.key = "list", .array = tarn_arange(0, 3, 1, TARN_INT64)},
                               {.key = "truth", .array = tarn_scalar_int(1, TARN_BOOL)},
                               {.key = "words", .texts = words, .count = 3}};
    CHECK(tarn_save_gguf(in_folder("a.gguf"), arrays, 8, .notes = notes, .note_count = 5));
    tarn_tensors *t = tarn_load_gguf(in_folder("a.gguf"));
    CHECK(tarn_tensors_count(t) == 8 && tarn_tensors_metadata_count(t) == 5);
    for (int i = 0; i < 8; i++) CHECK(same(tarn_tensors_get(t, names[i]), arrays[i].array));
    CHECK(tarn_dim(tarn_tensors_get(t, "f32"), 2) == 5 && !strcmp(tarn_tensors_metadata(t, "text"), "värde"));
    tarn_note n;
    CHECK(tarn_tensors_note(t, 1, &n) && tarn_item_int(n.array) == 7 && tarn_ndim(n.array) == 0);
    CHECK(tarn_tensors_note(t, 2, &n) && same(n.array, notes[2].array));
    CHECK(tarn_tensors_note(t, 4, &n) && n.count == 3 && !strcmp(n.texts[2], "three") && !n.texts[1][0] && !n.text);
    /* onto the file that they stand on */
    tarn_named_array again = {"sum", tarn_add(tarn_tensors_get(t, "f32"), tarn_tensors_get(t, "f32"))};
    CHECK(tarn_save_gguf(in_folder("a.gguf"), &again, 1));
    tarn_tensors *u = tarn_load_gguf(in_folder("a.gguf"));
    CHECK(same(tarn_tensors_get(u, "sum"), again.array) && same(tarn_tensors_get(t, "i8"), arrays[4].array));
    tarn_tensors_free(t);
    tarn_tensors_free(u);
    again.array = tarn_scalar_int(1, TARN_UINT8);
    CHECK_ERROR(tarn_save_gguf(in_folder("b.gguf"), &again, 1), "'sum': uint8 cannot be written");
}

/* One tensor of two rows of two blocks, written by hand. */
static size_t blocks_file(char *to, const gguf_type *type) {
    size_t at = 0;
    int64_t columns = 2 * type->elements, numbers[] = {1, 0};
    memcpy(to, "GGUF\3\0\0\0", 8);
    memcpy(to + 8, numbers, 16);
    at = 24;
    memcpy(to + at, "\x8\0\0\0\0\0\0\0x.weight\2\0\0\0", 20), at += 20;
    memcpy(to + at, &columns, 8), at += 8;
    memcpy(to + at, "\2\0\0\0\0\0\0\0", 8), at += 8;
    memcpy(to + at, &type->id, 4), at += 4;
    memset(to + at, 0, 8), at += 8;
    while (at % 32) to[at++] = 0;
    for (int i = 0; i < 4 * type->bytes; i++) to[at++] = (char)(i % type->bytes == 1 ? 0x3C : i * 37);
    return at;
}

static void put_file(const char *name, const char *bytes, size_t length) {
    FILE *f = fopen(in_folder(name), "wb");
    CHECK(f && fwrite(bytes, 1, length, f) == length);
    if (f) fclose(f);
}

/* The affine triple stands for the numbers that the blocks hold. */
static void test_affine(void) {
    static const uint32_t ids[] = {GGUF_Q4_0, GGUF_Q4_1, GGUF_Q8_0};
    for (int i = 0; i < 3; i++) {
        TARN_SCOPE;
        char file[1024];
        put_file("q.gguf", file, blocks_file(file, gguf_type_of(ids[i])));
        tarn_tensors *t = tarn_load_gguf(in_folder("q.gguf")), *f = tarn_load_gguf(in_folder("q.gguf"), .floats = true);
        CHECK(t && f && tarn_tensors_count(t) == 3 && tarn_tensors_count(f) == 1);
        tarn_array *w = tarn_tensors_get(t, "x.weight"), *scales = tarn_tensors_get(t, "x.scales"),
                   *biases = tarn_tensors_get(t, "x.biases"), *wanted = tarn_tensors_get(f, "x.weight");
        CHECK(w && tarn_dtype_of(w) == TARN_UINT32 && tarn_dim(scales, 1) == 2 && tarn_dim(wanted, 1) == 64);
        tarn_array *got =
            tarn_dequantize(w, tarn_astype(scales, TARN_FLOAT32), .biases = tarn_astype(biases, TARN_FLOAT32),
                            .group_size = 32, .bits = ids[i] == GGUF_Q8_0 ? 8 : 4);
        CHECK(tarn_item(tarn_max(tarn_abs(tarn_subtract(got, wanted)))) <= 1e-3);
        tarn_tensors_free(t);
        tarn_tensors_free(f);
    }
    TARN_SCOPE;
    char file[4096];
    put_file("k.gguf", file, blocks_file(file, gguf_type_of(12)));
    tarn_tensors *t = tarn_load_gguf(in_folder("k.gguf"));
    CHECK(t && tarn_dtype_of(tarn_tensors_get(t, "x.weight")) == TARN_FLOAT16);
    tarn_tensors_free(t);
}

/* Every length, and every byte turned over: an error, or a file of other values. */
static void test_damage(void) {
    TARN_SCOPE;
    const tarn_note notes[] = {{.key = "a", .text = "b"}, {.key = "c", .array = tarn_arange(0, 3, 1, TARN_INT32)}};
    const tarn_named_array arrays[] = {{"x", tarn_arange(0, 20, 1, TARN_FLOAT32)}};
    CHECK(tarn_save_gguf(in_folder("d.gguf"), arrays, 1, .notes = notes, .note_count = 2));
    size_t length;
    char *bytes = file_read(in_folder("d.gguf"), 1 << 20, &length);
    for (size_t i = 0; bytes && i < 2 * length; i++) {
        if (i < length) bytes[i] = (char)~bytes[i];
        put_file("e.gguf", bytes, i < length ? length : i - length);
        tarn_tensors *t = tarn_load_gguf(in_folder("e.gguf"));
        CHECK((t != NULL) == tarn_ok());
        if (i >= length && 2 * length - i > 32) CHECK(!t); /* what is padded may be missing */
        tarn_tensors_free(t);
        tarn_clear_error();
        if (i < length) bytes[i] = (char)~bytes[i];
    }
    memory_free(bytes);
    CHECK_ERROR(tarn_load_gguf(in_folder("none.gguf")), "none.gguf");
}

/* ---- broken by hand */

static size_t put_numbers(char *to, size_t at, const int64_t *numbers, int count) {
    memcpy(to + at, numbers, (size_t)count * 8);
    return at + (size_t)count * 8;
}

/* A note "<key>" of eight bytes that is a uint32, or what `kind` says. */
static size_t put_note(char *to, size_t at, const char *key, size_t length, uint32_t kind, uint32_t value) {
    at = put_numbers(to, at, (int64_t[]){(int64_t)length}, 1);
    memcpy(to + at, key, length), at += length;
    memcpy(to + at, &kind, 4), at += 4;
    memcpy(to + at, &value, 4);
    return at + 4;
}

/* The header of a tensor of four float32. */
static size_t put_tensor(char *to, size_t at, char name, int64_t offset) {
    at = put_numbers(to, at, (int64_t[]){1}, 1);
    to[at++] = name;
    memcpy(to + at, "\1\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0", 16), at += 16;
    return put_numbers(to, at, &offset, 1);
}

static size_t put_start(char *to, int64_t tensors, int64_t notes) {
    memset(to, 0, 1024);
    memcpy(to, "GGUF\3\0\0\0", 8);
    return put_numbers(to, 8, (int64_t[]){tensors, notes}, 2);
}

static void test_notes(void) {
    char file[1024];
    size_t at = put_note(file, put_start(file, 0, 2), "k", 1, GGUF_U32, 1);
    put_file("n.gguf", file, put_note(file, at, "k", 1, GGUF_U32, 2));
    CHECK_ERROR(tarn_load_gguf(in_folder("n.gguf")), "metadata 'k' is there twice");
    put_file("n.gguf", file, put_note(file, put_start(file, 0, 1), "k\0x", 3, GGUF_U32, 1));
    CHECK_ERROR(tarn_load_gguf(in_folder("n.gguf")), "metadata 'k': its key holds a NUL");
    put_file("n.gguf", file, put_note(file, put_start(file, 0, 1), "general.alignment", 17, GGUF_F32, 64));
    CHECK_ERROR(tarn_load_gguf(in_folder("n.gguf")), "general.alignment is of kind 6");
}

/* What could not be read again is not written. */
static void test_refused(void) {
    TARN_SCOPE;
    const tarn_named_array two[] = {{"x", tarn_ones(TARN_SHAPE(2), TARN_FLOAT32)},
                                    {"x", tarn_ones(TARN_SHAPE(2), TARN_FLOAT32)}};
    const char *const texts[] = {"a", NULL};
    const struct {
        tarn_note notes[2];
        const char *error;
    } cases[] = {
        {{{.key = "k", .texts = texts, .count = 2}, {.key = "l", .text = ""}}, "metadata 'k': text 1 is NULL"},
        {{{.key = "k", .texts = texts, .count = -1}, {.key = "l", .text = ""}}, "metadata 'k': a list of -1 texts"},
        {{{.key = "k", .text = "a"}, {.key = "k", .text = "b"}}, "two notes named 'k'"},
        {{{.key = "general.alignment", .array = tarn_scalar_int(64, TARN_UINT32)}, {.key = "l", .text = ""}},
         "tensors are aligned to 32 bytes"},
    };
    for (int i = 0; i < 4; i++)
        CHECK_ERROR(tarn_save_gguf(in_folder("r.gguf"), two, 1, .notes = cases[i].notes, .note_count = 2),
                    cases[i].error);
    CHECK_ERROR(tarn_save_gguf(in_folder("r.gguf"), two, 2), "two tensors named 'x'");
    const tarn_note aligned = {.key = "general.alignment", .array = tarn_scalar_int(32, TARN_UINT32)};
    CHECK(tarn_save_gguf(in_folder("r.gguf"), two, 1, .notes = &aligned, .note_count = 1));
    tarn_tensors *t = tarn_load_gguf(in_folder("r.gguf"));
    CHECK(t && same(tarn_tensors_get(t, "x"), two[0].array));
    tarn_tensors_free(t);
}

static void test_places(void) {
    char file[1024];
    const int64_t offsets[] = {32, 7, 0, 96};
    const char *const errors[] = {NULL, "tensor 'y': offset 7 is no multiple of 32", "tensor 'y' begins in the one",
                                  NULL};
    for (int i = 0; i < 4; i++) {
        size_t at = put_tensor(file, put_start(file, 2, 0), 'x', 0);
        put_tensor(file, at, 'y', offsets[i]);
        put_file("p.gguf", file, 512);
        tarn_tensors *t = tarn_load_gguf(in_folder("p.gguf"));
        if (errors[i])
            CHECK_ERROR(t, errors[i]);
        else
            CHECK(t && tarn_tensors_count(t) == 2);
        tarn_tensors_free(t);
    }
}

int main(void) {
    CHECK(mkdtemp(folder));
    test_notes();
    test_places();
    test_refused();
    test_blocks();
    test_round_trip();
    test_affine();
    test_damage();
    clear_folder();
    rmdir(folder);
    return check_report("gguf");
}
