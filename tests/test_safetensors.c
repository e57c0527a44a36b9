/* io/safetensors: round trips, hostile files and what their messages say, model folders, writing that is whole or not
   at all, and a mapped file that shrinks. */
#include "io/safetensors.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "tarn/error.h"
#include "temporary_folder.h"

static void write_bytes(const char *path, const void *bytes, size_t length) {
    FILE *file = fopen(path, "wb");
    CHECK(file && fwrite(bytes, 1, length, file) == length);
    if (file) fclose(file);
}

/* ---- round trips */

static const void *from_pointers(void *context, size_t index) {
    return ((const void *const *)context)[index];
}

static const tarn_dtype all_dtypes[] = {TARN_BOOL,     TARN_UINT8,   TARN_INT8,    TARN_UINT16,   TARN_INT16,
                                        TARN_UINT32,   TARN_INT32,   TARN_INT64,   TARN_UINT64,   TARN_FLOAT16,
                                        TARN_BFLOAT16, TARN_FLOAT32, TARN_FLOAT64, TARN_COMPLEX64};
enum { DTYPES = sizeof all_dtypes / sizeof *all_dtypes };

static void test_round_trip(void) {
    static unsigned char data[DTYPES + 3][6 * 8];
    static char names[DTYPES][8];
    static const int64_t two_by_three[] = {2, 3};
    safetensors_item items[DTYPES + 3];
    const void *pointers[DTYPES + 3];
    for (size_t i = 0; i < DTYPES + 3; i++) {
        for (size_t b = 0; b < sizeof data[i]; b++) data[i][b] = (unsigned char)(i * 31 + b);
        pointers[i] = data[i];
    }
    for (size_t i = 0; i < DTYPES; i++) {
        snprintf(names[i], sizeof names[i], "t%zu", DTYPES - i);
        items[i] = (safetensors_item){names[i], all_dtypes[i], {two_by_three, 2}};
    }
    items[DTYPES] = (safetensors_item){"scalar", TARN_UINT8, TARN_0D};
    items[DTYPES + 1] = (safetensors_item){"empty", TARN_FLOAT32, TARN_SHAPE(4, 0, 2)};
    items[DTYPES + 2] = (safetensors_item){"\xC3\xA9 \"quoted\"", TARN_BOOL, TARN_SHAPE(1)};
    const safetensors_pair metadata[] = {{"format", "mlx"}, {"quote", "a \"b\""}};
    const safetensors_content content = {items, DTYPES + 3, metadata, 2, from_pointers, NULL, pointers};
    const char *path = in_folder("all.safetensors");
    CHECK(safetensors_write(path, &content));
    safetensors *file = safetensors_open(path);
    CHECK(file && file->count == DTYPES + 3);
    for (size_t i = 0; file && i < DTYPES + 3; i++) {
        const safetensors_entry *e = safetensors_find(file, items[i].name);
        CHECK(e && e->dtype == items[i].dtype && e->ndim == items[i].shape.count);
        if (!e) continue;
        for (int k = 0; k < e->ndim; k++) CHECK(e->shape[k] == items[i].shape.values[k]);
        CHECK(!memcmp(file->bytes + e->offset, data[i], (size_t)e->bytes));
        int64_t size = 1;
        safetensors_dtype_name(e->dtype, &size);
        CHECK(e->offset % size == 0);
    }
    CHECK(file && !safetensors_find(file, "t99") &&
          !strcmp(json_text(json_get(file->metadata, "format"), NULL), "mlx"));
    CHECK(file && !strcmp(json_text(json_get(file->metadata, "quote"), NULL), "a \"b\""));
    safetensors_close(file);
    clear_folder();
}

static void test_empty(void) {
    const safetensors_content content = {0};
    const char *path = in_folder("empty.safetensors");
    CHECK(safetensors_write(path, &content));
    safetensors *file = safetensors_open(path);
    CHECK(file && file->count == 0 && !file->metadata);
    safetensors_close(file);
    clear_folder();
}

static void test_unwritable(void) {
    const float values[4] = {0};
    const void *pointers[] = {values, values};
    safetensors_item items[2] = {{"a", TARN_FLOAT32, TARN_SHAPE(4)}, {"a", TARN_FLOAT32, TARN_SHAPE(4)}};
    safetensors_content content = {items, 2, NULL, 0, from_pointers, NULL, pointers};
    const char *path = in_folder("no.safetensors");
    CHECK(!safetensors_write(path, &content));
    expect_error("same name twice", "no.safetensors|two tensors named 'a'");
    items[1].name = "__metadata__";
    CHECK(!safetensors_write(path, &content));
    expect_error("reserved name", "no.safetensors|__metadata__");
    items[1].name = "\xFF";
    CHECK(!safetensors_write(path, &content));
    expect_error("name not UTF-8", "UTF-8");
    items[1] = (safetensors_item){"b", TARN_FLOAT32, TARN_SHAPE(-1)};
    CHECK(!safetensors_write(path, &content));
    expect_error("negative size", "no.safetensors|'b'|negative");
    items[1].shape = TARN_SHAPE(4);
    pointers[1] = NULL;
    CHECK(!safetensors_write(path, &content));
    expect_error("no data", "no.safetensors|no data for tensor 'b'");
    CHECK(!safetensors_write(in_folder("missing/x.safetensors"), &content));
    expect_error("no folder", "missing/x.safetensors|cannot create");
    safetensors_names left = {0};
    CHECK(safetensors_list_folder(folder, &left) && left.count == 0 && rmdir(folder) == 0 && mkdir(folder, 0700) == 0);
    safetensors_free_names(&left);
}

/* ---- hostile files */

static void hostile(const char *what, uint64_t header_length, const char *header, size_t data, const char *words) {
    char bytes[8192] = {0};
    size_t length = strlen(header);
    for (int i = 0; i < 8; i++) bytes[i] = (char)(header_length >> (8 * i));
    memcpy(bytes + 8, header, length);
    /* A block of the exact size, so that the address sanitizer sees a read beyond it. */
    char *exact = memory_copy(bytes, 8 + length + data);
    safetensors *file = safetensors_parse(exact, 8 + length + data, "bad.safetensors");
    if (file) check_failures++, printf("%s: accepted\n", what);
    safetensors_close(file);
    expect_error(what, "bad.safetensors");
    file = safetensors_parse(exact, 8 + length + data, "bad.safetensors");
    expect_error(what, words);
    memory_free(exact);
}

static void bad(const char *header, size_t data, const char *words) {
    hostile(header, strlen(header), header, data, words);
}

static void test_hostile_lengths(void) {
    safetensors *file = safetensors_parse("1234567", 7, "short.safetensors");
    CHECK(!file);
    expect_error("7 bytes", "short.safetensors|too few");
    file = safetensors_parse(NULL, 0, "none.safetensors");
    CHECK(!file);
    expect_error("0 bytes", "none.safetensors|too few");
    hostile("length 0", 0, "{}", 0, "does not begin with");
    hostile("length beyond the file", 3, "{}", 0, "header length 3|beyond the end|truncated");
    hostile("length 100 MB + 1", 100000001, "{}", 0, "100 MB");
    hostile("length 2^64 - 1", UINT64_MAX, "{}", 0, "18446744073709551615|100 MB");
    hostile("length -8", UINT64_MAX - 7, "{}", 0, "100 MB");
}

static void test_hostile_headers(void) {
    bad("[]", 0, "begin with '{'");
    bad(" {}", 0, "begin with '{'");
    bad("{} x", 0, "line 1");
    bad("{\"a\":", 0, "line 1");
    bad("{\"a\":5}", 0, "'a'|no object");
    bad("{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "'a'|dtype is missing");
    bad("{\"a\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "'a'|dtype");
    bad("{\"a\":{\"dtype\":\"F5\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "'a'|dtype 'F5' is not known");
    bad("{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}", 2, "'a'|12 bits are not whole bytes");
    bad("{\"a\":{\"dtype\":\"F6_E2M3\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4, "'a'|hold 4 bytes|need 3");
    bad("{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1]}}", 1, "'a'|shape is missing");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":3,\"data_offsets\":[0,1]}}", 1, "'a'|shape");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1,-1],\"data_offsets\":[0,1]}}", 1, "'a'|shape[1]");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1.0],\"data_offsets\":[0,1]}}", 1, "'a'|shape[0]");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[18446744073709551617],\"data_offsets\":[0,1]}}", 1, "'a'|shape[0]");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1, "'a'|13 axes");
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
        "'a'|too many elements");
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,0]}}", 0,
        "'a'|too many elements");
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,0],\"data_offsets\":[0,0]}}", 0,
        "'a'|too many elements");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, "'a'|data_offsets is missing");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, "'a'|data_offsets");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,\"1\"]}}", 1, "'a'|data_offsets");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[-1,0]}}", 1, "'a'|data_offsets");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,0]}}", 1, "'a'|before they begin");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[0,9]}}", 8,
        "'a'|data_offsets end at 9|8 bytes of data");
    bad("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[9223372036854775806,9223372036854775807]}}", 1,
        "'a'|data_offsets end");
    bad("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 4, "'a'|hold 4 bytes|need 8");
    bad("{\"a\":{\"dtype\":\"BF16\",\"shape\":[0],\"data_offsets\":[0,4]}}", 4, "'a'|hold 4 bytes|need 0");
}

#define U8(name, begin, end, size)                                                                                     \
    "\"" name "\":{\"dtype\":\"U8\",\"shape\":[" size "],\"data_offsets\":[" begin "," end "]}"

static void test_hostile_layouts(void) {
    bad("{" U8("a", "0", "4", "4") "," U8("b", "3", "7", "4") "}", 7, "'b'|overlap|'a'");
    bad("{" U8("a", "0", "4", "4") "," U8("b", "0", "4", "4") "}", 4, "overlap");
    bad("{" U8("a", "0", "4", "4") "," U8("b", "5", "9", "4") "}", 9, "'b'|gap of 1 bytes");
    bad("{" U8("a", "2", "4", "2") "}", 4, "'a'|gap of 2 bytes");
    bad("{" U8("a", "0", "4", "4") "}", 5, "1 trailing bytes");
    bad("{}", 5, "5 trailing bytes");
    bad("{" U8("a", "0", "4", "4") "," U8("a", "4", "8", "4") "}", 8, "duplicate");
    bad("{" U8("a\\u0000b", "0", "4", "4") "}", 4, "NUL");
    bad("{\"__metadata__\":[]}", 0, "__metadata__|no object");
    bad("{\"__metadata__\":{\"format\":1}}", 0, "__metadata__|'format'|no string");
}

static void test_hostile_depth(void) {
    char header[700] = "{\"a\":";
    memset(header + 5, '[', 300);
    memset(header + 305, ']', 300);
    strcpy(header + 605, "}");
    bad(header, 0, "deeper than 64");
}

static void test_odd_but_valid(void) {
    const char header[] =
        "{" U8("b", "4", "8", "2,2") "," U8("z", "4", "4", "0") ",\"__metadata__\":null," U8("a", "0", "4", "4") "}   ";
    char bytes[512] = {(char)(sizeof header - 1)};
    memcpy(bytes + 8, header, sizeof header - 1);
    safetensors *file = safetensors_parse(bytes, 8 + sizeof header - 1 + 8, "good");
    CHECK(file && file->count == 3 && safetensors_find(file, "b")->shape[1] == 2 &&
          safetensors_find(file, "z")->bytes == 0);
    safetensors_close(file);
    static const char *const floats[] = {"F8_E4M3", "F8_E8M0"};
    for (int i = 0; i < 2; i++) {
        int n = snprintf(bytes + 8, 200, "{\"a\":{\"dtype\":\"%s\",\"shape\":[],\"data_offsets\":[0,1]}}", floats[i]);
        bytes[0] = (char)n;
        file = safetensors_parse(bytes, 8 + (size_t)n + 1, "good");
        CHECK(file && file->entries[0].dtype == TARN_UINT8 && file->entries[0].ndim == 0);
        safetensors_close(file);
    }
}

static void test_bad_files(void) {
    CHECK(!safetensors_open(in_folder("nowhere.safetensors")));
    expect_error("missing file", "nowhere.safetensors|No such file");
    CHECK(!safetensors_open(folder));
    expect_error("a folder", "not a regular file");
    write_bytes(in_folder("none.safetensors"), "", 0);
    CHECK(!safetensors_open(in_folder("none.safetensors")));
    expect_error("empty file", "none.safetensors|too few");
    clear_folder();
}

static void test_memory_failures(void) {
    const char header[] = "{" U8("a", "0", "4", "4") "," U8("b", "4", "8", "4") "}";
    char bytes[256] = {(char)(sizeof header - 1)};
    memcpy(bytes + 8, header, sizeof header - 1);
    safetensors *file = NULL;
    for (int64_t n = 1; n < 100 && !file; n++) {
        memory_fail_at(n);
        file = safetensors_parse(bytes, 8 + sizeof header - 1 + 8, "good");
        memory_fail_at(0);
        if (!file) expect_error("allocation failed", "memory");
        CHECK(n > 3 || !file);
    }
    CHECK(file);
    safetensors_close(file);
}

/* ---- model folders */

static unsigned char model_data[4][1000];
static const void *const model_pointers[] = {model_data[0], model_data[1], model_data[2], model_data[3]};

static safetensors_content model(void) {
    static const int64_t shape[] = {10, 25}; /* 1000 bytes each */
    static const safetensors_item items[] = {{"d", TARN_FLOAT32, {shape, 2}},
                                             {"a", TARN_FLOAT32, {shape, 2}},
                                             {"c", TARN_FLOAT32, {shape, 2}},
                                             {"b", TARN_FLOAT32, {shape, 2}}};
    static const safetensors_pair metadata[] = {{"format", "mlx"}};
    for (size_t i = 0; i < 4; i++) memset(model_data[i], (int)i + 1, sizeof model_data[i]);
    return (safetensors_content){items, 4, metadata, 1, from_pointers, NULL, (void *)(uintptr_t)model_pointers};
}

static bool folder_has(const safetensors_folder *f, const char *name, int value) {
    for (size_t i = 0; i < f->count; i++) {
        const safetensors_entry *e = safetensors_find(f->items[i], name);
        if (e) return e->bytes == 1000 && f->items[i]->bytes[e->offset + 999] == value;
    }
    return false;
}

static void check_model(size_t files) {
    safetensors_folder f;
    CHECK(safetensors_open_folder(folder, &f));
    CHECK(f.count == files && folder_has(&f, "d", 1) && folder_has(&f, "a", 2) && folder_has(&f, "c", 3) &&
          folder_has(&f, "b", 4));
    safetensors_close_folder(&f);
}

static void test_shards(void) {
    safetensors_content content = model();
    CHECK(safetensors_write_folder(folder, &content, 2500, 1000));
    check_model(2);
    size_t length;
    char *index = file_read(in_folder("model.safetensors.index.json"), 10000, &length);
    static const char expected[] =
        "{\n    \"metadata\": {\n        \"total_size\": 4000,\n        \"total_parameters\": 1000\n    },\n"
        "    \"weight_map\": {\n        \"a\": \"model-00001-of-00002.safetensors\",\n"
        "        \"b\": \"model-00002-of-00002.safetensors\",\n        \"c\": \"model-00002-of-00002.safetensors\",\n"
        "        \"d\": \"model-00001-of-00002.safetensors\"\n    }\n}";
    CHECK(index && !strcmp(index, expected));
    memory_free(index);
    CHECK(unlink(in_folder("model.safetensors.index.json")) == 0);
    check_model(2); /* by name */
    CHECK(!safetensors_write_folder(folder, &content, 0, 0));
    expect_error("leftovers", "model-00001-of-00002.safetensors|no part of the model");
    clear_folder();
    CHECK(safetensors_write_folder(folder, &content, 100, 0)); /* each larger than the limit */
    check_model(4);
    clear_folder();
    CHECK(safetensors_write_folder(folder, &content, 0, 0) && file_exists(in_folder("model.safetensors")));
    check_model(1);
    CHECK(safetensors_write_folder(folder, &content, 0, 0)); /* over itself */
    check_model(1);
    CHECK(unlink(in_folder("model.safetensors.index.json")) == 0);
    check_model(1);
    clear_folder();
}

static void bad_index(const char *index, const char *words) {
    safetensors_folder f;
    write_bytes(in_folder("model.safetensors.index.json"), index, strlen(index));
    CHECK(!safetensors_open_folder(folder, &f) && f.count == 0);
    expect_error(index, words);
}

static void test_bad_folders(void) {
    safetensors_folder f;
    CHECK(!safetensors_open_folder(folder, &f));
    expect_error("empty folder", "no model.safetensors");
    CHECK(!safetensors_open_folder(in_folder("nowhere"), &f));
    expect_error("no folder", "nowhere|No such file");
    safetensors_content content = model();
    CHECK(safetensors_write_folder(folder, &content, 2500, 0));
#define INDEX "model.safetensors.index.json|"
    bad_index("{", INDEX "line 1");
    bad_index("{}", INDEX "weight_map");
    bad_index("{\"weight_map\": {}}", INDEX "weight_map");
    bad_index("{\"weight_map\": {\"a\": 1}}", INDEX "'a'|no string");
    bad_index("{\"weight_map\": {\"a\": \"../x.safetensors\"}}", INDEX "'a'|'../x.safetensors'");
    bad_index("{\"weight_map\": {\"a\": \"/etc/passwd\"}}", INDEX "'a'|'/etc/passwd'");
    bad_index("{\"weight_map\": {\"a\": \"..\"}}", INDEX "'a'|'..'");
    bad_index("{\"weight_map\": {\"a\": \"\"}}", INDEX "'a'");
    bad_index("{\"weight_map\": {\"a\": \"x\\u0000y\"}}", INDEX "'a'");
    bad_index("{\"weight_map\": {\"a\": \"model-00009-of-00009.safetensors\"}}",
              INDEX "'a'|model-00009-of-00009.safetensors|missing");
    bad_index("{\"weight_map\": {\"b\": \"model-00001-of-00002.safetensors\"}}",
              INDEX "'b' is not in 'model-00001-of-00002.safetensors'");
    CHECK(unlink(in_folder("model.safetensors.index.json")) == 0);
    CHECK(link(in_folder("model-00001-of-00002.safetensors"), in_folder("model-copy.safetensors")) == 0);
    CHECK(!safetensors_open_folder(folder, &f));
    expect_error("twice", "model-copy.safetensors|is also in|model-00001-of-00002.safetensors");
    clear_folder();
}

static void write_index(const char *index) {
    write_bytes(in_folder("model.safetensors.index.json"), index, strlen(index));
}

/* The index of files that are gone: model.safetensors stands in for them if it has all tensors, and only then. */
static void test_stale_index(void) {
    safetensors_content content = model();
    CHECK(safetensors_write_folder(folder, &content, 0, 0));
    write_index(
        "{\"weight_map\": {\"a\": \"model-00001-of-00002.safetensors\", \"b\": \"model-00002-of-00002.safetensors\"}}");
    check_model(1);
    bad_index("{\"weight_map\": {\"a\": \"model-00001-of-00002.safetensors\", \"zzz\": "
              "\"model-00002-of-00002.safetensors\"}}",
              INDEX "'a'|model-00001-of-00002.safetensors|missing");
    clear_folder();
    CHECK(safetensors_write_folder(folder, &content, 2500, 0)); /* a renamed shard stays an error */
    CHECK(link(in_folder("model-00001-of-00002.safetensors"), in_folder("model-00001-of-00003.safetensors")) == 0);
    CHECK(unlink(in_folder("model-00001-of-00002.safetensors")) == 0);
    safetensors_folder f;
    CHECK(!safetensors_open_folder(folder, &f));
    expect_error("renamed", INDEX "model-00001-of-00002.safetensors|missing");
    clear_folder();
}

/* ---- writing is whole or not at all */

static bool old_file_is_whole(const char *path) {
    safetensors *file = safetensors_open(path);
    const safetensors_entry *e = file ? safetensors_find(file, "d") : NULL;
    bool ok = e && file->bytes[e->offset] == 1;
    safetensors_close(file);
    return ok;
}

static void test_over_itself(void) {
    const char *path = in_folder("model.safetensors");
    safetensors_content content = model();
    CHECK(safetensors_write(path, &content));
    safetensors *file = safetensors_open(path);
    const void *pointers[4];
    for (size_t i = 0; file && i < 4; i++)
        pointers[i] = file->bytes + safetensors_find(file, content.items[3 - i].name)->offset;
    content.context = pointers;
    CHECK(file && safetensors_write(path, &content));
    CHECK(file && file_unchanged(file->file)); /* the mapping is still the old file */
    safetensors_close(file);
    file = safetensors_open(path);
    const safetensors_entry *e = file ? safetensors_find(file, "d") : NULL;
    CHECK(e && file->bytes[e->offset] == 4 && file->bytes[e->offset + 999] == 4);
    safetensors_close(file);
    clear_folder();
}

static bool not_good(void *context) {
    (void)context;
    return tarn_fail("the bytes were not good");
}

static void test_not_good(void) {
    safetensors_content content = model();
    CHECK(safetensors_write_folder(folder, &content, 2500, 0));
    content.good = not_good;
    content.context = (void *)(uintptr_t)(const void *[]){model_data[3], model_data[2], model_data[1], model_data[0]};
    CHECK(!safetensors_write_folder(folder, &content, 2500, 0));
    expect_error("not good", "not good");
    check_model(2);
    CHECK(!safetensors_write(in_folder("x.safetensors"), &content) && !file_exists(in_folder("x.safetensors")));
    expect_error("not good", "not good");
    clear_folder();
}

static const void *die_at_second(void *context, size_t index) {
    static int calls;
    if (++calls == 2) kill(getpid(), SIGKILL);
    return from_pointers(context, index);
}

static void test_interrupted(void) {
    const char *path = in_folder("model.safetensors");
    safetensors_content content = model();
    CHECK(safetensors_write(path, &content));
    content.data = die_at_second;
    pid_t child = fork();
    if (child == 0) {
        safetensors_write(path, &content);
        _exit(0);
    }
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    CHECK(old_file_is_whole(path));
    safetensors_folder f;
    CHECK(safetensors_open_folder(folder, &f) && f.count == 1); /* what is left over is not taken for a weight file */
    safetensors_close_folder(&f);
    clear_folder();
}

/* In a child, because the limit cannot be raised again. SIGXFSZ has its default action there. */
static int write_with_limit(const char *path, bool whole_folder) {
    safetensors_content content = model();
    struct rlimit limit = {2048, 2048};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    bool ok = whole_folder ? safetensors_write_folder(folder, &content, 2500, 0) : safetensors_write(path, &content);
    const char *message = tarn_error();
    return ok || !message || !strstr(message, whole_folder ? "of-00002.safetensors" : path) ||
           !strstr(message, "cannot write");
}

static void test_disk_full(void) {
    const char *path = in_folder("model.safetensors");
    safetensors_content content = model();
    CHECK(safetensors_write(path, &content));
    for (int whole_folder = 0; whole_folder < 2; whole_folder++) {
        if (whole_folder) {
            clear_folder();
            CHECK(safetensors_write_folder(folder, &content, 2500, 0));
        }
        pid_t child = fork();
        if (child == 0) _exit(write_with_limit(path, whole_folder));
        int status = 1;
        CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
        check_model(whole_folder ? 2 : 1);
        char command[128];
        snprintf(command, sizeof command, "! ls %s | grep -q partial", folder);
        CHECK(system(command) == 0);
    }
    clear_folder();
}

/* ---- a mapped file that changes */

static void test_truncated_while_mapped(void) {
    const char *path = in_folder("model.safetensors");
    enum { COUNT = 1 << 16 };
    static float values[COUNT];
    for (int i = 0; i < COUNT; i++) values[i] = 1;
    const void *pointers[] = {values};
    const safetensors_item item = {"a", TARN_FLOAT32, TARN_SHAPE(COUNT)};
    const safetensors_content content = {&item, 1, NULL, 0, from_pointers, NULL, pointers};
    CHECK(safetensors_write(path, &content));
    safetensors *file = safetensors_open(path);
    CHECK(file && file_unchanged(file->file));
    CHECK(truncate(path, 9000) == 0);
    volatile const float *mapped = (const float *)(const void *)(file->bytes + file->entries[0].offset);
    float sum = 0;
    for (int i = 0; i < COUNT; i++) sum += mapped[i];
    CHECK(sum < COUNT); /* zeros beyond the new end, and we are alive */
    CHECK(!file_unchanged(file->file));
    expect_error("truncated under the mapping", "model.safetensors|truncated");
    write_bytes(path, values, sizeof values);
    CHECK(!file_unchanged(file->file));
    expect_error("still worthless", "model.safetensors");
    safetensors_close(file);
    CHECK(safetensors_write(path, &content));
    file = safetensors_open(path);
    CHECK(file && truncate(path, 100) == 0 && !file_unchanged(file->file));
    expect_error("truncated, not yet read", "model.safetensors|changed while it was in use|262");
    safetensors_close(file);
    clear_folder();
}

/* A bus error that is not ours still ends the process as it should. */
static void test_foreign_bus_error(void) {
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr)) _exit(0); /* sanitizers report it */
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGALRM, SIG_DFL);
        alarm(PATIENCE);
        raise(SIGBUS);
        raise(SIGBUS);
        _exit(0);
    }
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) || (WIFEXITED(status) && WEXITSTATUS(status) != 0));
}

int main(void) {
    if (!mkdtemp(folder)) return 1;
    test_round_trip();
    test_empty();
    test_unwritable();
    test_hostile_lengths();
    test_hostile_headers();
    test_hostile_layouts();
    test_hostile_depth();
    test_odd_but_valid();
    test_bad_files();
    test_memory_failures();
    test_shards();
    test_bad_folders();
    test_stale_index();
    test_over_itself();
    test_interrupted();
    test_not_good();
    test_disk_full();
    test_truncated_while_mapped();
    test_foreign_bus_error();
    CHECK(tarn_ok());
    rmdir(folder);
    return check_report("safetensors");
}
