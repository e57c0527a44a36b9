/* Memory of mapped files once a device has their values: the pages go, the values stay. Memory of others, mapped files
   among it, is left alone. On the mock device unless TARN_TEST_DEVICE says another. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tarn/lm.h"
#include "tarn/tarn.h"
#include "temporary_folder.h"
#include "test_device.h"
#include "paths.h"

enum { COUNT = 1 << 20, PAGE = 4096, BYTES = COUNT * 4, PAGES = BYTES / PAGE };

/* How many of the pages that begin within the bytes this process has in its tables; -1: the system does not tell. */
static int present_pages(const void *bytes) {
    int present = 0, pagemap = open("/proc/self/pagemap", O_RDONLY);
    uint64_t entry;
    off_t first = (off_t)((uintptr_t)bytes / PAGE);
    for (int i = 0; i < PAGES && present >= 0; i++) {
        bool told = pread(pagemap, &entry, sizeof entry, (off_t)sizeof entry * (first + i)) == sizeof entry;
        present = told ? present + (int)(entry >> 63) : -1;
    }
    if (pagemap >= 0) close(pagemap);
    return present;
}

/* The pages go behind the copy, whose end is told before. */
static int pages_left(const void *bytes, int most) {
    int left = present_pages(bytes);
    for (int i = 0; i < 2000 && left > most; i++) usleep(1000), left = present_pages(bytes);
    return left;
}

static double sum_on_device(tarn_array *a) {
    TARN_SCOPE;
    return tarn_item(tarn_sum(a));
}

static bool is_counting(const float *values) {
    for (int i = 0; i < COUNT; i++)
        if (values[i] != (float)(i % 5)) return false;
    return true;
}

static float *make_values(void) {
    float *values = malloc(BYTES);
    for (int i = 0; values && i < COUNT; i++) values[i] = (float)(i % 5);
    return values;
}

static double sum_of_values(void) {
    double sum = 0;
    for (int i = 0; i < COUNT; i++) sum += i % 5;
    return sum;
}

static void save_values(const char *path, const float *values) {
    TARN_SCOPE;
    tarn_named_array a = {"values", tarn_from_data(values, TARN_SHAPE(COUNT), TARN_FLOAT32)};
    CHECK(tarn_save_safetensors(path, &a, 1));
}

/* ---- files that are mapped here */
static void test_file(const float *values) {
    const char *path = in_folder("values.safetensors");
    save_values(path, values);
    tarn_tensors *t = tarn_load_safetensors(path);
    tarn_array *a = tarn_tensors_get(t, "values");
    const float *mapped = tarn_data(a);
    CHECK(mapped && is_counting(mapped) && present_pages(mapped) == PAGES);
    CHECK(sum_on_device(a) == sum_of_values());
    CHECK(pages_left(mapped, 2) <= 2); /* the first and the last, of which others hold a part */
    CHECK(is_counting(mapped) && present_pages(mapped) == PAGES);
    CHECK(sum_on_device(a) == sum_of_values() && present_pages(mapped) == PAGES); /* it has them already */
    tarn_tensors_free(t);
}

/* ---- what is sent ahead is there when it is read */
static int64_t copied_in(void) {
    tarn_memory m = {0};
    CHECK(tarn_memory_info(tarn_default_device(), &m));
    return m.copied_in;
}

static void test_prefetch(const float *values) {
    const char *path = in_folder("values.safetensors");
    save_values(path, values);
    TARN_SCOPE;
    tarn_tensors *t = tarn_load_safetensors(path);
    tarn_array *a = tarn_tensors_get(t, "values");
    const float *mapped = tarn_data(a);
    const int64_t before = copied_in();
    CHECK(tarn_prefetch(a, NULL) && pages_left(mapped, 2) <= 2 && copied_in() == before + BYTES);
    CHECK(tarn_prefetch(a, NULL) && sum_on_device(a) == sum_of_values() && copied_in() == before + BYTES);
    CHECK(is_counting(mapped) && tarn_resident_device(a).type == TARN_CPU);
    tarn_array *not_yet = tarn_add(a, a);
    CHECK(tarn_prefetch(not_yet, NULL) && !tarn_is_computed(not_yet));
    CHECK(tarn_eval(not_yet) && tarn_prefetch(not_yet, tarn_default_stream((tarn_device){TARN_CPU, 0})));
    CHECK(tarn_resident_device(not_yet).type == TARN_CPU);
    CHECK_ERROR(tarn_prefetch(NULL, NULL), "prefetch: array 0 is NULL");
    tarn_tensors_free(t);
}

static void test_prefetch_beyond_the_limit(const float *values) {
    TARN_SCOPE;
    tarn_array *a = tarn_from_data(values, TARN_SHAPE(COUNT), TARN_FLOAT32);
    tarn_memory m = {0};
    CHECK(tarn_memory_info(tarn_default_device(), &m));
    tarn_set_memory_limit(tarn_default_device(), m.active + BYTES / 2);
    CHECK_ERROR(tarn_prefetch(a, NULL), "exceed the limit");
    tarn_set_memory_limit(tarn_default_device(), 0);
    CHECK(tarn_prefetch(a, NULL) && sum_on_device(a) == sum_of_values());
}

/* A model's matrices are on their way when it is there; the rest is little. */
static void test_model(void) {
    const int64_t before = copied_in();
    tarn_model *model = tarn_model_load(TARN_SOURCE_DIR "/models/tiny");
    tarn_model_facts facts = {0};
    tarn_session *session = model ? tarn_session_new(model, .context = 64) : NULL;
    tarn_generation made = {0};
    CHECK(session);
    if (!session) return;
    tarn_model_info(model, &facts);
    const int64_t loaded = copied_in();
    CHECK(loaded >= before + facts.weight_bytes / 100 * 99);
    const int32_t ids[] = {1, 2, 3};
    CHECK(tarn_generate(session, ids, 3, &made, .max_tokens = TARN_VALUE(1.0)));
    CHECK(copied_in() < loaded + facts.weight_bytes / 100);
    tarn_generation_free(&made);
    tarn_session_free(session);
    tarn_model_free(model);
}

/* What is mapped here is known by its address: the slot of a file that is gone says nothing of what comes there. */
static void test_address_of_old_file(const float *values) {
    const char *path = in_folder("values.safetensors");
    save_values(path, values);
    tarn_tensors *t = tarn_load_safetensors(path);
    const float *mapped = tarn_data(tarn_tensors_get(t, "values"));
    char *page = (char *)((uintptr_t)mapped & ~(uintptr_t)(PAGE - 1));
    tarn_tensors_free(t);
    char *memory = mmap(page, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    memcpy(memory, values, BYTES);
    TARN_SCOPE;
    CHECK(sum_on_device(tarn_from_foreign(memory, TARN_SHAPE(COUNT), TARN_FLOAT32)) == sum_of_values());
    usleep(20000);
    CHECK(is_counting((const float *)(const void *)memory));
    tarn_synchronize(NULL);
}

/* ---- memory of others: a private mapping that was written would have the file's bytes again */
static void test_written_mapping(const float *values) {
    const char *path = in_folder("others");
    int descriptor = open(path, O_RDWR | O_CREAT, 0600);
    CHECK(descriptor >= 0 && ftruncate(descriptor, BYTES) == 0);
    float *mapped = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE, descriptor, 0);
    CHECK(mapped != MAP_FAILED);
    memcpy(mapped, values, BYTES);
    {
        TARN_SCOPE;
        CHECK(sum_on_device(tarn_from_foreign(mapped, TARN_SHAPE(COUNT), TARN_FLOAT32)) == sum_of_values());
        usleep(20000);
        CHECK(present_pages(mapped) == PAGES && is_counting(mapped));
    }
    tarn_synchronize(NULL);
    munmap(mapped, BYTES);
    close(descriptor);
}

int main(void) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 0);
    setenv("TARN_TEST_DEVICE", "mock", 0);
    if (!choose_device(false)) return printf("there is no %s device here\n", getenv("TARN_TEST_DEVICE")), 77;
    float *values = make_values();
    if (!values || sysconf(_SC_PAGESIZE) != PAGE || present_pages(values) < 0)
        return printf("the system does not tell which pages are there\n"), 77;
    if (!mkdtemp(folder)) return 1;
    test_file(values);
    test_address_of_old_file(values);
    test_written_mapping(values);
    test_prefetch(values);
    test_prefetch_beyond_the_limit(values);
    test_model();
    clear_folder();
    rmdir(folder);
    free(values);
    return check_report("mapped pages");
}
