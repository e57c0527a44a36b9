/* tarn/io.h: arrays saved and loaded, single files and folders; saving over the file the arrays stand on; a file that
   is truncated before and between evaluations; files that cannot be mapped as they are. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "tarn/tarn.h"
#include "temporary_folder.h"
#include "paths.h"

/* ---- values */

static void test_round_trip(void) {
    TARN_SCOPE;
    const float values[6] = {0, -1.5f, 2, 3e30f, -0.0f, 1e-40f};
    tarn_array *f = tarn_from_data(values, TARN_SHAPE(2, 3), TARN_FLOAT32);
    const tarn_named_array arrays[] = {{"f", f},
                                       {"t", tarn_transpose(f)}, /* not dense */
                                       {"half", tarn_full(TARN_SHAPE(3), 0.5, TARN_BFLOAT16)},
                                       {"scalar", tarn_scalar_int(-7, TARN_INT64)},
                                       {"none", tarn_zeros(TARN_SHAPE(0, 4), TARN_UINT8)},
                                       {"complex", tarn_scalar_complex(1, -2)}};
    const tarn_pair metadata[] = {{"format", "mlx"}, {"note", "b"}};
    const char *path = in_folder("x.safetensors");
    CHECK(tarn_save_safetensors(path, arrays, 6, .metadata = metadata, .metadata_count = 2));
    tarn_tensors *t = tarn_load_safetensors(path);
    CHECK(tarn_tensors_count(t) == 6);
    float read[6] = {0};
    CHECK(tarn_read(tarn_tensors_get(t, "f"), read, sizeof read) && !memcmp(read, values, sizeof read));
    tarn_array *transposed = tarn_tensors_get(t, "t");
    const float expected[6] = {0, 3e30f, -1.5f, -0.0f, 2, 1e-40f};
    CHECK(tarn_dim(transposed, 0) == 3 && tarn_read(transposed, read, sizeof read) &&
          !memcmp(read, expected, sizeof read));
    CHECK(tarn_item_int(tarn_tensors_get(t, "scalar")) == -7 && tarn_ndim(tarn_tensors_get(t, "scalar")) == 0);
    CHECK(tarn_dtype_of(tarn_tensors_get(t, "half")) == TARN_BFLOAT16 && tarn_dim(tarn_tensors_get(t, "none"), 1) == 4);
    float pair[2];
    CHECK(tarn_read(tarn_tensors_get(t, "complex"), pair, sizeof pair) && pair[0] == 1 && pair[1] == -2);
    CHECK(!tarn_tensors_get(t, "zzz") && !tarn_tensors_at(t, 6) && !tarn_tensors_at(t, -1) &&
          !tarn_tensors_name(t, 6) && tarn_ok());
    const char *key, *value;
    CHECK(tarn_tensors_metadata_count(t) == 2 && tarn_tensors_metadata_at(t, 1, &key, &value) && !strcmp(value, "b"));
    CHECK(!strcmp(tarn_tensors_metadata(t, "format"), "mlx") && !tarn_tensors_metadata(t, "x") &&
          !tarn_tensors_metadata_at(t, 2, &key, &value));
    /* What is kept outlives the collection; the file may go as well. */
    tarn_array *kept = tarn_keep(tarn_tensors_get(t, "f"));
    tarn_tensors_free(t);
    CHECK(unlink(path) == 0 && tarn_read(kept, read, sizeof read) && !memcmp(read, values, sizeof read));
    tarn_drop(kept);
    tarn_tensors_free(NULL);
    CHECK(tarn_tensors_count(NULL) == 0 && !tarn_tensors_get(NULL, "a"));
}

static int64_t mapped_bytes(void) {
    tarn_memory info = {0};
    CHECK(tarn_memory_info((tarn_device){TARN_CPU, 0}, &info));
    return info.mapped;
}

static void save_ones(const char *path, int64_t count) {
    TARN_SCOPE;
    const tarn_named_array arrays[] = {{"ones", tarn_ones((tarn_ints){&count, 1}, TARN_FLOAT32)}};
    CHECK(tarn_save_safetensors(path, arrays, 1));
}

static double sum_of(tarn_array *a) {
    TARN_SCOPE;
    return tarn_item(tarn_sum(a));
}

static void test_mapping_is_released(void) {
    int64_t before = mapped_bytes();
    const char *path = in_folder("ones.safetensors");
    save_ones(path, 1000);
    tarn_tensors *t = tarn_load_safetensors(path);
    CHECK(mapped_bytes() == before + 4000 && sum_of(tarn_tensors_get(t, "ones")) == 1000);
    tarn_tensors_free(t);
    CHECK(mapped_bytes() == before);
    clear_folder();
}

/* A header of odd length, as MLX writes them: every tensor is misaligned in the file. */
static void test_misaligned(void) {
    static const char header[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]},"
                                 "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[12,13]},"
                                 "\"c\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[13,21]}}";
    static const float a[] = {1, 2, 4};
    static const int64_t c = -5;
    for (size_t spaces = 0; spaces < 8; spaces++) {
        char bytes[512];
        size_t length = sizeof header - 1 + spaces;
        memset(bytes, ' ', sizeof bytes);
        memset(bytes, 0, 8);
        bytes[0] = (char)length;
        memcpy(bytes + 8, header, sizeof header - 1);
        memcpy(bytes + 8 + length, a, 12);
        bytes[8 + length + 12] = 9;
        memcpy(bytes + 8 + length + 13, &c, 8);
        FILE *file = fopen(in_folder("odd.safetensors"), "wb");
        CHECK(file && fwrite(bytes, 1, 8 + length + 21, file) == 8 + length + 21);
        if (file) fclose(file);
        tarn_tensors *t = tarn_load_safetensors(in_folder("odd.safetensors"));
        TARN_SCOPE;
        CHECK(t && sum_of(tarn_tensors_get(t, "a")) == 7 && tarn_item_int(tarn_tensors_get(t, "c")) == -5);
        CHECK((uintptr_t)tarn_data(tarn_tensors_get(t, "a")) % 4 == 0 && tarn_item_int(tarn_tensors_get(t, "b")) == 9);
        tarn_tensors_free(t);
    }
    clear_folder();
}

/* ---- folders */

static void test_folder(void) {
    TARN_SCOPE;
    tarn_named_array arrays[5];
    static const char *const names[] = {"e", "d", "c", "b", "a"};
    for (int i = 0; i < 5; i++) arrays[i] = (tarn_named_array){names[i], tarn_full(TARN_SHAPE(100), i, TARN_FLOAT32)};
    CHECK(tarn_save_weights(folder, arrays, 5, .shard_bytes = 900, .parameters = 500));
    CHECK(access(in_folder("model-00003-of-00003.safetensors"), F_OK) == 0);
    tarn_tensors *t = tarn_load_safetensors(folder);
    CHECK(tarn_tensors_count(t) == 5);
    for (int i = 0; i < 5; i++) CHECK(sum_of(tarn_tensors_get(t, names[i])) == 100 * i);
    /* Over itself: every array stands on the files that are being replaced. */
    for (int i = 0; i < 5; i++) arrays[i].array = tarn_add(tarn_tensors_get(t, names[i]), tarn_scalar(1, TARN_FLOAT32));
    CHECK(tarn_save_weights(folder, arrays, 5, .shard_bytes = 900));
    tarn_tensors_free(t);
    t = tarn_load_safetensors(folder);
    for (int i = 0; i < 5; i++) CHECK(sum_of(tarn_tensors_get(t, names[i])) == 100 * (i + 1));
    tarn_tensors_free(t);
    CHECK(unlink(in_folder("model-00002-of-00003.safetensors")) == 0);
    CHECK(!tarn_load_safetensors(folder));
    expect_error("missing shard", "model.safetensors.index.json|model-00002-of-00003.safetensors|missing");
    clear_folder();
}

static void test_tiny_model(void) {
    tarn_tensors *t = tarn_load_safetensors(TARN_SOURCE_DIR "/models/tiny");
    CHECK(t && tarn_tensors_count(t) == 56);
    tarn_tensors_free(t);
}

/* ---- failures */

static void test_wrong_use(void) {
    TARN_SCOPE;
    tarn_named_array arrays[] = {{"a", tarn_ones(TARN_SHAPE(2), TARN_FLOAT32)}, {"b", NULL}};
    const char *path = in_folder("x.safetensors");
    CHECK(!tarn_save_safetensors(path, arrays, 2));
    expect_error("NULL array", "x.safetensors|'b'");
    CHECK(!tarn_save_safetensors(path, arrays, 1, .shard_bytes = 5));
    expect_error("shards of one file", "x.safetensors|shard_bytes");
    CHECK(!tarn_save_weights(in_folder("w"), arrays, 1, .shard_bytes = -1));
    expect_error("shards of -1 bytes", "w|shards of -1 bytes");
    CHECK(!tarn_load_safetensors(NULL));
    expect_error("no path", "no path");
    CHECK(!tarn_load_safetensors(in_folder("nowhere")));
    expect_error("no file", "nowhere|No such file");
    CHECK(!tarn_save_safetensors(in_folder("no/x.safetensors"), arrays, 1));
    expect_error("no folder", "no/x.safetensors");
    tarn_fail("earlier");
    CHECK(!tarn_save_safetensors(path, arrays, 1) && access(path, F_OK) != 0);
    expect_error("sticky", "earlier");
}

/* The array whose turn comes second cannot be computed: the old file stays. */
static void test_failing_array(void) {
    TARN_SCOPE;
    const char *path = in_folder("old.safetensors"), *gone = in_folder("gone.safetensors");
    save_ones(path, 10);
    save_ones(gone, 100000);
    tarn_tensors *t = tarn_load_safetensors(gone);
    CHECK(truncate(gone, 500) == 0);
    const tarn_named_array arrays[] = {{"a", tarn_ones(TARN_SHAPE(2), TARN_FLOAT32)},
                                       {"b", tarn_add(tarn_tensors_get(t, "ones"), tarn_scalar(1, TARN_FLOAT32))}};
    CHECK(!tarn_save_safetensors(path, arrays, 2));
    expect_error("source truncated", "gone.safetensors");
    tarn_tensors_free(t);
    t = tarn_load_safetensors(path);
    CHECK(sum_of(tarn_tensors_get(t, "ones")) == 10);
    tarn_tensors_free(t);
    clear_folder();
}

/* What cannot be replaced is found out before anything is. */
static void test_places_that_are_taken(void) {
    TARN_SCOPE;
    const char *second = in_folder("model-00002-of-00002.safetensors"), *fifo = in_folder("fifo");
    struct stat status;
    tarn_named_array arrays[] = {{"a", tarn_ones(TARN_SHAPE(100), TARN_FLOAT32)},
                                 {"b", tarn_ones(TARN_SHAPE(100), TARN_FLOAT32)}};
    CHECK(tarn_save_weights(folder, arrays, 2, .shard_bytes = 400));
    CHECK(unlink(second) == 0 && mkdir(second, 0777) == 0);
    arrays[0].array = tarn_zeros(TARN_SHAPE(100), TARN_FLOAT32);
    CHECK(!tarn_save_weights(folder, arrays, 2, .shard_bytes = 400));
    expect_error("a folder in the place of a shard", "model-00002-of-00002.safetensors|not a regular file");
    tarn_tensors *t = tarn_load_safetensors(in_folder("model-00001-of-00002.safetensors"));
    CHECK(sum_of(tarn_tensors_get(t, "a")) == 100);
    tarn_tensors_free(t);
    CHECK(mkfifo(fifo, 0666) == 0 && !tarn_save_safetensors(fifo, arrays, 2));
    expect_error("a FIFO", "fifo|not a regular file");
    CHECK(stat(fifo, &status) == 0 && S_ISFIFO(status.st_mode));
    clear_folder();
}

static void test_truncated(void) {
    const char *path = in_folder("weights.safetensors");
    enum { COUNT = 1 << 18 };
    save_ones(path, COUNT);
    tarn_tensors *t = tarn_load_safetensors(path);
    tarn_array *ones = tarn_tensors_get(t, "ones");
    CHECK(sum_of(ones) == COUNT);
    CHECK(truncate(path, 5000) == 0);
    sum_of(ones);
    expect_error("truncated between evaluations", "weights.safetensors|changed while it was in use");
    {
        /* Not through an operation but by reading the array itself. */
        TARN_SCOPE;
        float *values = malloc(COUNT * sizeof *values);
        CHECK(values && !tarn_read(ones, values, COUNT * sizeof *values));
        expect_error("read of a truncated file", "weights.safetensors");
        free(values);
    }
    tarn_tensors_free(t);
    clear_folder();
}

static void *truncate_later(void *delay) {
    struct timespec wait = {0, *(const long *)delay};
    nanosleep(&wait, NULL);
    if (truncate(in_folder("weights.safetensors"), 4096) != 0) check_failures++;
    return NULL;
}

/* Whenever the file shrinks: the right sum or an error that names the file, never a wrong sum and never a signal. */
static void test_truncated_meanwhile(void) {
    enum { COUNT = 1 << 22 };
    save_ones(in_folder("whole.safetensors"), COUNT);
    int during = 0;
    for (long delay = 0; delay < 8; delay++) {
        char command[256];
        snprintf(command, sizeof command, "cp %s/whole.safetensors %s/weights.safetensors", folder, folder);
        CHECK(system(command) == 0);
        tarn_tensors *t = tarn_load_safetensors(in_folder("weights.safetensors"));
        pthread_t thread;
        long wait = delay * 500000;
        bool started = pthread_create(&thread, NULL, truncate_later, &wait) == 0;
        CHECK(t && started);
        double sum = sum_of(tarn_tensors_get(t, "ones"));
        during += !tarn_ok();
        if (tarn_ok())
            CHECK(sum == COUNT);
        else
            expect_error("truncated during an evaluation", "weights.safetensors|the file");
        if (started) pthread_join(thread, NULL);
        sum_of(tarn_tensors_get(t, "ones"));
        expect_error("after the truncation", "weights.safetensors|the file");
        tarn_tensors_free(t);
    }
    printf("io: %d of 8 files were truncated before or during the evaluation\n", during);
    clear_folder();
}

static void test_memory_failures(void) {
    const char *path = in_folder("ones.safetensors");
    save_ones(path, 1000);
    int64_t before = mapped_bytes();
    tarn_tensors *t = NULL;
    for (int64_t n = 1; n < 200 && !t; n++) {
        memory_fail_at(n);
        t = tarn_load_safetensors(path);
        memory_fail_at(0);
        if (!t) expect_error("allocation failed", "memory");
        CHECK(t || mapped_bytes() == before);
        CHECK(n > 5 || !t);
    }
    CHECK(t && sum_of(tarn_tensors_get(t, "ones")) == 1000);
    tarn_tensors_free(t);
    clear_folder();
}

/* ---- dtypes that no array has: the tensor is refused, not its file */

static void test_unsupported_dtypes(void) {
    static const char header[] = "{\"a\":{\"dtype\":\"F8_E5M2\",\"shape\":[4],\"data_offsets\":[0,4]},"
                                 "\"b\":{\"dtype\":\"F4\",\"shape\":[2,4],\"data_offsets\":[4,8]},"
                                 "\"c\":{\"dtype\":\"F6_E3M2\",\"shape\":[4],\"data_offsets\":[8,11]},"
                                 "\"d\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[11,12]}}";
    const char *path = in_folder("x.safetensors");
    FILE *file = fopen(path, "wb");
    const uint64_t length = sizeof header - 1;
    CHECK(file && fwrite(&length, 8, 1, file) == 1 && fwrite(header, length, 1, file) == 1 &&
          fwrite("0123456789+\7", 12, 1, file) == 1);
    if (file) fclose(file);
    tarn_tensors *t = tarn_load_safetensors(path);
    CHECK(t && tarn_tensors_count(t) == 4 && !strcmp(tarn_tensors_name(t, 1), "b"));
    CHECK(tarn_item_int(tarn_tensors_get(t, "d")) == 7);
    CHECK_ERROR(tarn_tensors_get(t, "a"), "x.safetensors: tensor 'a': dtype F8_E5M2 is not supported");
    CHECK_ERROR(tarn_tensors_at(t, 1), "tensor 'b': dtype F4 is not supported");
    CHECK_ERROR(tarn_tensors_get(t, "c"), "tensor 'c': dtype F6_E3M2 is not supported");
    tarn_tensors_free(t);
    clear_folder();
}

static void test_null_lists(void) {
    const char *path = in_folder("x.safetensors");
    CHECK_ERROR(tarn_save_safetensors(path, NULL, 2), "x.safetensors: 2 arrays, but the list is NULL");
    CHECK_ERROR(tarn_save_weights(folder, NULL, 2), "the list is NULL");
    CHECK_ERROR(tarn_save_safetensors(path, NULL, 0, .metadata_count = 1), "metadata with a count");
    CHECK_ERROR(tarn_save_safetensors(NULL, NULL, 0), "no path");
}

int main(void) {
    if (!mkdtemp(folder)) return 1;
    test_round_trip();
    test_mapping_is_released();
    test_misaligned();
    test_folder();
    test_tiny_model();
    test_wrong_use();
    test_unsupported_dtypes();
    test_null_lists();
    test_failing_array();
    test_places_that_are_taken();
    test_truncated();
    test_truncated_meanwhile();
    test_memory_failures();
    CHECK(tarn_ok());
    rmdir(folder);
    return check_report("io");
}
