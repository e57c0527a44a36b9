/* Ways to fail, and the kind that each must have: where it is met, and where a result is read that was computed
 * meanwhile. */
#include <dlfcn.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "mock/hooks.h"
#include "tarn/tarn.h"
#include "temporary_folder.h"
#include "paths.h"

static const tarn_device cpu = {TARN_CPU, 0}, mock = {TARN_MOCK, 0};

/* A function of the mock's shared object: HOOK(tarn_mock_blocks)(). */
#define HOOK(name) (*(__typeof__(name) **)(void *)&(void *){find(#name)})
static void *find(const char *name) {
    void *library = dlopen(TARN_BUILD_DIR "/libtarn_mock.so", RTLD_NOW | RTLD_NOLOAD);
    void *symbol = library ? dlsym(library, name) : NULL;
    if (symbol) return symbol;
    printf("libtarn_mock.so does not export %s\n", name);
    exit(1);
}

static tarn_array *ones(void) {
    return tarn_ones(TARN_SHAPE(8), TARN_FLOAT32);
}

/* ---- what the caller gave */

static void no_array(void) {
    tarn_add(ones(), NULL);
}
static void bad_shapes(void) {
    tarn_add(ones(), tarn_ones(TARN_SHAPE(3), TARN_FLOAT32));
}
static void own_words(void) {
    tarn_fail("mine: no kind");
}
static void no_words(void) {
    const char *none = NULL;
    tarn_fail(none, 0); /* clang wants a literal where nothing follows */
}
static void no_such_kind(void) {
    tarn_fail_kind((tarn_error_class)99, "mine: a kind that is not in the list");
}
static void bad_messages(void) {
    tarn_free(tarn_template_parse("{% if %}", 8, "mine"));
}
static void bad_tokenizer_text(void) {
    tarn_tokenizer_free(tarn_tokenizer_from_json("{", 1, "mine"));
}
static void bad_dtype(void) {
    tarn_erf(tarn_zeros(TARN_SHAPE(2), TARN_COMPLEX64));
}
static void no_such_dtype(void) {
    tarn_astype(ones(), (tarn_dtype)99);
}
static void dtype_of_indices(void) {
    tarn_take_along_axis(ones(), ones(), .axis = TARN_AXIS(0));
}
static void bad_axis(void) {
    tarn_sum(ones(), .axes = TARN_AXES(1));
}
static void bad_axis_inside(void) { /* named by the function that was called, not by the one that found it */
    tarn_stack(TARN_ARRAYS(ones(), ones()), 2, .axis = TARN_AXIS(5));
}

/* ---- memory */

static void beyond_the_limit(void) {
    tarn_set_memory_limit(cpu, 1 << 20);
    tarn_eval(tarn_ones(TARN_SHAPE(1 << 20), TARN_FLOAT32));
    tarn_set_memory_limit(cpu, 0);
}
static void no_host_memory(void) {
    tarn_array *x = ones();
    memory_fail_at(1);
    tarn_add(x, x);
    memory_fail_at(0);
}
static void no_device_memory(void) {
    TARN_ON(tarn_default_stream(mock));
    HOOK(tarn_mock_set_memory)(1 << 16);
    tarn_eval(tarn_cumsum(tarn_ones(TARN_SHAPE(1 << 20), TARN_FLOAT32), .axis = TARN_AXIS(0)));
    HOOK(tarn_mock_set_memory)((int64_t)1 << 40);
}

/* ---- devices */

static void no_device(void) {
    tarn_default_stream((tarn_device){TARN_MOCK, 77});
}

/* Submits well; the failure is known once the result is read. */
static void fails_later(void (*provoke)(int64_t), bool read) {
    tarn_array *sum = NULL, *y = NULL;
    {
        TARN_ON(tarn_default_stream(mock));
        y = tarn_cumsum(ones(), .axis = TARN_AXIS(0));
        sum = tarn_add(y, y);
        provoke(1);
        CHECK(tarn_async_eval(sum));
        CHECK(!tarn_synchronize(NULL));
        tarn_clear_error();
        provoke(0);
    }
    tarn_array *of_it = tarn_multiply(sum, sum); /* on the CPU: it crosses devices and runs */
    CHECK(tarn_ok());
    if (read)
        tarn_item(tarn_sum(of_it));
    else
        tarn_eval(sum);
}
static void kernel_fails(void) {
    fails_later(HOOK(tarn_mock_fail_launch), false);
}
static void kernel_failed_before(void) {
    fails_later(HOOK(tarn_mock_fail_launch), true);
}
static void copy_fails(void) {
    tarn_array *x = ones();
    CHECK(tarn_eval(x));
    TARN_ON(tarn_default_stream(mock));
    HOOK(tarn_mock_fail_copy)(1);
    tarn_eval(tarn_add(x, x));
    HOOK(tarn_mock_fail_copy)(0);
}
static void device_lost(void) {
    TARN_ON(tarn_default_stream(mock));
    tarn_array *y = tarn_add(ones(), ones());
    HOOK(tarn_mock_lose_device)(0, true);
    tarn_eval(y);
    HOOK(tarn_mock_lose_device)(0, false);
}

/* ---- files */

static void write_text(const char *name, const char *text) {
    FILE *f = fopen(in_folder(name), "w");
    CHECK(f && fputs(text, f) >= 0);
    if (f) fclose(f);
}

static const tarn_named_array *named(const char *name) {
    static tarn_named_array one;
    one = (tarn_named_array){name, ones()};
    return &one;
}
static void no_file(void) {
    tarn_tensors_free(tarn_load_safetensors("/no/such/file"));
}
static void no_safetensors(void) {
    write_text("bad.safetensors", "this is none");
    tarn_tensors_free(tarn_load_safetensors(in_folder("bad.safetensors")));
}
static void no_folder_to_save_in(void) {
    tarn_save_safetensors("/no/such/folder/x", named("x"), 1);
}
static void no_name_to_save(void) {
    tarn_save_safetensors(in_folder("x"), named(NULL), 1);
}
static void no_model(void) {
    tarn_model_free(tarn_model_load("/no/such/model"));
}
static void bad_config(void) {
    write_text("config.json", "{\"model_type\": 7}");
    tarn_model_free(tarn_model_load(folder));
}
static void no_tokenizer(void) {
    tarn_tokenizer_free(tarn_tokenizer_load("/no/such/model"));
}
static void bad_tokenizer(void) {
    write_text("tokenizer.json", "{\"model\": 7}");
    tarn_tokenizer_free(tarn_tokenizer_load(folder));
}
static void file_that_shrank(void) {
    CHECK(tarn_save_safetensors(in_folder("y.safetensors"), named("y"), 1));
    tarn_tensors *file = tarn_load_safetensors(in_folder("y.safetensors"));
    tarn_array *y = tarn_tensors_get(file, "y");
    CHECK(y && truncate(in_folder("y.safetensors"), 8) == 0);
    tarn_eval(tarn_add(y, y));
    tarn_tensors_free(file);
}

/* ---- interrupts */

static void interrupted(void) {
    tarn_array *y = tarn_cumsum(ones(), .axis = TARN_AXIS(0));
    tarn_interrupt();
    tarn_async_eval(y);
    tarn_synchronize(NULL);
    tarn_clear_interrupt();
    tarn_item(tarn_sum(y));
}

static void check_interrupt_after(void) {
    tarn_interrupt_after(1e300);
    CHECK(!tarn_interrupted());
    tarn_interrupt_after(1000);
    CHECK(!tarn_interrupted());
    tarn_interrupt_after(0.05);
    tarn_interrupt_after(2000);
    usleep(60000);
    CHECK(tarn_interrupted());
    tarn_clear_interrupt();
    CHECK(!tarn_interrupted());
    const double at_once[] = {0, -1, NAN};
    for (int i = 0; i < 3; i++) {
        tarn_interrupt_after(at_once[i]);
        CHECK(tarn_interrupted());
        tarn_clear_interrupt();
    }
}

/* ---- the table */

static const struct {
    const char *name;
    void (*run)(void);
    tarn_error_class kind;
    const char *words;
} ways[] = {
    {"an input is NULL", no_array, TARN_ERROR_VALUE, "add"},
    {"shapes that do not go together", bad_shapes, TARN_ERROR_VALUE, "add"},
    {"tarn_fail", own_words, TARN_ERROR_VALUE, "mine"},
    {"tarn_fail without a format", no_words, TARN_ERROR_VALUE, "no message"},
    {"a kind that is none", no_such_kind, TARN_ERROR_VALUE, "mine"},
    {"a template that is none", bad_messages, TARN_ERROR_VALUE, "mine"},
    {"a tokenizer's bytes", bad_tokenizer_text, TARN_ERROR_VALUE, "mine"},
    {"a dtype that an op does not take", bad_dtype, TARN_ERROR_TYPE, "complex64"},
    {"a dtype that is none", no_such_dtype, TARN_ERROR_TYPE, "dtype"},
    {"indices that are floats", dtype_of_indices, TARN_ERROR_TYPE, "indices"},
    {"an axis", bad_axis, TARN_ERROR_INDEX, "axis 1"},
    {"an axis, found inside", bad_axis_inside, TARN_ERROR_INDEX, "stack|axis 5"},
    {"beyond tarn_set_memory_limit", beyond_the_limit, TARN_ERROR_MEMORY, "limit"},
    {"no host memory", no_host_memory, TARN_ERROR_MEMORY, "out of memory"},
    {"no device memory", no_device_memory, TARN_ERROR_MEMORY, "out of memory"},
    {"no such device", no_device, TARN_ERROR_RUNTIME, "mock:77"},
    {"a kernel fails", kernel_fails, TARN_ERROR_RUNTIME, "told to fail"},
    {"a kernel failed on another device", kernel_failed_before, TARN_ERROR_RUNTIME, "told to fail"},
    {"a copy fails", copy_fails, TARN_ERROR_RUNTIME, "told to fail"},
    {"a device is lost", device_lost, TARN_ERROR_RUNTIME, "lost"},
    {"no file", no_file, TARN_ERROR_IO, "/no/such/file"},
    {"a file of another format", no_safetensors, TARN_ERROR_IO, "bad.safetensors"},
    {"no folder to save in", no_folder_to_save_in, TARN_ERROR_IO, "/no/such/folder"},
    {"no name to save", no_name_to_save, TARN_ERROR_VALUE, "no name"},
    {"no model", no_model, TARN_ERROR_IO, "/no/such/model"},
    {"a config", bad_config, TARN_ERROR_IO, "config.json"},
    {"no tokenizer", no_tokenizer, TARN_ERROR_IO, "/no/such/model"},
    {"a tokenizer's file", bad_tokenizer, TARN_ERROR_IO, "tokenizer.json"},
    {"a file that shrank", file_that_shrank, TARN_ERROR_IO, "y.safetensors"},
    {"an interrupt", interrupted, TARN_ERROR_INTERRUPT, "interrupted"},
};

static void test_ways(void) {
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        TARN_SCOPE;
        ways[i].run();
        if (tarn_error_kind() != ways[i].kind)
            check_failures++,
                fprintf(stderr, "%s: kind %d, not %d\n", ways[i].name, (int)tarn_error_kind(), (int)ways[i].kind);
        expect_error(ways[i].name, ways[i].words);
        CHECK(tarn_error_kind() == TARN_ERROR_NONE);
        CHECK(tarn_item(tarn_sum(ones())) == 8);
    }
}

/* The first error stays, with its kind. */
static void test_first(void) {
    tarn_fail_kind(TARN_ERROR_IO, "first");
    tarn_fail_kind(TARN_ERROR_INDEX, "second");
    tarn_fail("third");
    tarn_tokenizer_free(tarn_tokenizer_load("/no/such/model"));
    CHECK(tarn_error_kind() == TARN_ERROR_IO && strcmp(tarn_error(), "first") == 0);
    tarn_clear_error();
    tarn_fail("a value");
    tarn_tokenizer_free(tarn_tokenizer_load("/no/such/model"));
    tarn_model_free(tarn_model_load("/no/such/model"));
    CHECK(tarn_error_kind() == TARN_ERROR_VALUE);
    tarn_clear_error();
}

static void test_set_aside(void) {
    tarn_fail_kind(TARN_ERROR_INDEX, "inner: words");
    error_name_function("outer");
    error_set_aside();
    CHECK(tarn_ok() && tarn_error_kind() == TARN_ERROR_NONE);
    tarn_fail_kind(TARN_ERROR_IO, "meanwhile");
    error_put_back();
    CHECK(tarn_error_kind() == TARN_ERROR_INDEX && strcmp(tarn_error(), "outer: words") == 0);
    tarn_clear_error();
}

int main(void) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 1);
    CHECK(mkdtemp(folder) && tarn_default_stream(mock));
    check_interrupt_after();
    test_ways();
    test_first();
    test_set_aside();
    clear_folder();
    rmdir(folder);
    return check_report("error kinds");
}
