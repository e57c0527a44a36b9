/* What happens after work is submitted: order, memory however far a device lags, failures that arrive late, plans that
   are replayed, and evaluations that are given up before anything was submitted. On the CPU and on the mock device, as
   the library uses it. TARN_QUEUE=20000 makes the queues longer. */
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/memory.h"
#include "check.h"
#include "into.h"
#include "core/work.h"
#include "mock/hooks.h"
#include "tarn/tarn.h"
#include "paths.h"

static void *library;
/* A function of the mock's shared object: HOOK(tarn_mock_launches)(). */
#define HOOK(name) (*(__typeof__(name) **)(void *)&(void *){dlsym(library, #name)})

static const tarn_device cpu = {TARN_CPU, 0}, mock = {TARN_MOCK, 0}, other = {TARN_MOCK, 1};

static int64_t active(tarn_device device) {
    tarn_memory info = {0};
    CHECK(tarn_memory_info(device, &info));
    return info.active;
}

static int64_t peak(tarn_device device) {
    tarn_memory info = {0};
    CHECK(tarn_memory_info(device, &info));
    return info.peak_active;
}

/* ---- a queue whose old values nobody holds */

static void test_queue(tarn_device device, int length) {
    TARN_SCOPE;
    TARN_ON(tarn_default_stream(device));
    enum { BYTES = 1 << 16 };
    tarn_array *w = tarn_keep(tarn_ones(TARN_SHAPE(BYTES / 4), TARN_FLOAT32)), *rate = tarn_scalar(0.5, TARN_FLOAT32);
    CHECK(tarn_eval(w, rate));
    tarn_synchronize(NULL);
    tarn_reset_peak(device);
    int64_t before = active(device);
    for (int i = 0; i < length; i++) {
        TARN_SCOPE;
        tarn_array *next = tarn_keep(tarn_add(tarn_multiply(w, rate), rate));
        CHECK(tarn_async_eval(next));
        tarn_drop(w);
        w = next;
    }
    CHECK(peak(device) - before <= 4 * 2 * BYTES);
    CHECK(tarn_item(tarn_max(w)) == 1);
    tarn_drop(w);
}

/* ---- late failures */

static void test_failing_call(void) {
    TARN_SCOPE;
    TARN_ON(tarn_default_stream(mock));
    tarn_array *x = tarn_arange(0, 8, 1, TARN_FLOAT32);
    CHECK(tarn_eval(x));
    /* four kernels: sort, its sum, argsort, a sum that has nothing to do with them */
    tarn_array *sorted = tarn_sort(x), *total = tarn_sum(sorted), *alone = tarn_sum(tarn_square(x));
    HOOK(tarn_mock_fail_launch)(1);
    CHECK(tarn_async_eval(total));
    CHECK(tarn_async_eval(alone));
    tarn_array *later = tarn_multiply(total, alone);
    CHECK_ERROR(tarn_eval(later), "told to fail");
    CHECK_ERROR(tarn_eval(total), "told to fail");
    CHECK(tarn_item(alone) == 140);
    CHECK(tarn_item(tarn_sum(x)) == 28); /* the stream goes on */
    /* within one run: the second of its calls */
    tarn_array *first = tarn_sum(x), *second = tarn_prod(x), *third = tarn_max(x);
    HOOK(tarn_mock_fail_launch)(2);
    bool ok = tarn_eval(first, second, third);
    CHECK(!ok);
    tarn_clear_error();
    int good = 0;
    tarn_array *all[] = {first, second, third};
    for (int i = 0; i < 3; i++) {
        good += tarn_eval(all[i]);
        tarn_clear_error();
    }
    CHECK(good == 2);
    HOOK(tarn_mock_fail_submission)(1);
    CHECK_ERROR(tarn_eval(tarn_exp(x)), "told to fail");
    HOOK(tarn_mock_fail_copy)(1);
    CHECK_ERROR(tarn_data(tarn_exp(x)) != NULL, "told to fail");
    CHECK(tarn_item(tarn_sum(x)) == 28);
}

/* Indices that come from a call which failed are outside whatever they are: only the first failure is told of. */
static void test_failure_of_failure(void) {
    TARN_SCOPE;
    tarn_stream *streams[] = {tarn_default_stream(mock), tarn_stream_new(mock)};
    for (int i = 0; i < 2; i++) { /* within a stream and from one to another */
        TARN_ON(streams[0]);
        tarn_array *x = tarn_arange(0, 8, 1, TARN_FLOAT32), *hundred = tarn_scalar(100, TARN_INT32);
        CHECK(tarn_eval(x, hundred));
        tarn_array *outside = tarn_maximum(tarn_astype(tarn_argsort(x), TARN_INT32), hundred);
        tarn_use_stream(streams[i]);
        tarn_array *taken = tarn_take(x, outside, .axis = TARN_AXIS(0), .check = true);
        HOOK(tarn_mock_fail_launch)(1);
        CHECK(tarn_async_eval(taken));
        CHECK_ERROR(tarn_synchronize(NULL), "told to fail");
        CHECK(tarn_synchronize(NULL));
        CHECK_ERROR(tarn_eval(taken), "told to fail");
        CHECK(tarn_synchronize(NULL));
    }
    tarn_stream_free(streams[1]);
}

/* ---- several devices */

static void test_devices(bool peers) {
    TARN_SCOPE;
    HOOK(tarn_mock_set_peers)(peers);
    HOOK(tarn_mock_set_delay)(500, 3);
    tarn_array *x = tarn_arange(0, 1000, 1, TARN_FLOAT32);
    for (int i = 0; i < 12; i++) {
        TARN_ON(tarn_default_stream(i % 3 == 0 ? mock : i % 3 == 1 ? other : cpu));
        x = tarn_add(x, tarn_scalar(1, TARN_FLOAT32));
        if (i % 5 == 4) CHECK(tarn_async_eval(x));
    }
    const float *values = tarn_data(x);
    CHECK(values && values[0] == 12 && values[999] == 1011);
    CHECK(HOOK(tarn_mock_violations)() == 0);
    HOOK(tarn_mock_set_delay)(0, 3);
    HOOK(tarn_mock_set_peers)(true);
}

static void test_rows_by_device(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_arange(0, 8, 1, TARN_FLOAT32);
    CHECK(HOOK(tarn_mock_set_missing_on)(1, "sort"));
    {
        TARN_ON(tarn_default_stream(other));
        CHECK_ERROR(tarn_eval(tarn_sort(x)), "neither a kernel nor a formula");
    }
    TARN_ON(tarn_default_stream(mock));
    CHECK(tarn_eval(tarn_sort(x)));
    HOOK(tarn_mock_set_missing_on)(1, NULL);
    int64_t prepared = HOOK(tarn_mock_prepared_rows)();
    CHECK(tarn_eval(tarn_argsort(x)));
    CHECK(HOOK(tarn_mock_prepared_rows)() == prepared + 1);
}

/* ---- evaluations that are given up */

/* Whatever allocation fails: nothing is lost, and what is asked for afterwards is right. */
static void test_given_up(tarn_device device) {
    TARN_SCOPE;
    TARN_ON(tarn_default_stream(device));
    bool failed = true;
    for (int n = 1; failed && n < 500; n++) {
        TARN_SCOPE;
        tarn_array *x = tarn_arange(0, 100, 1, TARN_FLOAT32), *old = tarn_add(x, x);
        CHECK(tarn_eval(x, old));
        tarn_array *moved = tarn_negative(tarn_move(old)); /* takes the memory of `old` */
        tarn_array *sorted = tarn_sort(moved), *y = tarn_sum(sorted), *z = tarn_softmax(sorted, .axes = TARN_AXES(-1));
        memory_fail_at(n);
        failed = !tarn_async_eval(y, z, moved);
        memory_fail_at(0);
        CHECK(failed == !tarn_ok());
        tarn_clear_error();
        CHECK(tarn_item(y) == -9900);
        const float *values = tarn_data(moved);
        CHECK(values && values[99] == -198);
        CHECK(fabs(tarn_item(tarn_sum(z)) - 1) < 1e-5);
        CHECK(tarn_item(tarn_sum(x)) == 4950);
        if (check_failures) fprintf(stderr, "n = %d\n", n);
        if (check_failures) return;
    }
    CHECK(!failed);
}

/* ---- device memory in the caller's hands */

static void no_failure(submission *s, int i, const char *error) {
    (void)s, (void)i;
    CHECK(!error);
}
static void after_read(submission *s) {
    work_complete((work *)s);
}

/* Bytes at an address of the mock device. */
static void read_device(void *to, const void *from, int64_t bytes) {
    tarn_stream *stream = tarn_default_stream(mock);
    block_copy copy = {.to = to, .from = from, .bytes = bytes, .direction = COPY_TO_HOST};
    work w = {.s = {.copies = &copy, .copy_count = 1, .after = no_failure, .done = after_read}, .stream = stream};
    ticket_wait(stream_submit(&w));
}

/* What is pinned on a device is there, whatever becomes of the array and whoever asks for its memory. */
static void test_pin_on_device(void) {
    TARN_SCOPE;
    tarn_stream *stream = tarn_default_stream(mock);
    tarn_layout host, device;
    tarn_array *x = tarn_slice_axis(tarn_arange(0, 8, 1, TARN_FLOAT32), 0, 3, 7);
    tarn_pinned *on_device = tarn_pin(x, &device, .stream = stream), *on_host = tarn_pin(x, &host);
    CHECK(on_device && on_host && device.data != host.data && device.offset == host.offset);
    CHECK(((const float *)host.data)[0] == 3 && ((const float *)host.data)[3] == 6);
    TARN_ON(stream);
    CHECK(tarn_item(tarn_sum(tarn_negative(tarn_move(x)))) == -18);
    float got[4] = {0};
    read_device(got, device.data, sizeof got);
    CHECK(got[0] == 3 && got[3] == 6);
    tarn_unpin(on_host);
    tarn_unpin(on_device);
    tarn_array *made = tarn_multiply(tarn_ones(TARN_SHAPE(4), TARN_FLOAT32), tarn_scalar(5, TARN_FLOAT32));
    CHECK((on_device = tarn_pin(made, &device, .stream = stream)) != NULL);
    read_device(got, device.data, sizeof got);
    CHECK(got[0] == 5 && got[3] == 5);
    tarn_unpin(on_device);
}

/* ---- several threads that need the same bytes on a device */

enum { UPLOADERS = 3, UPLOADS = 200 };
typedef struct {
    pthread_barrier_t barrier;
    tarn_array *shared;
    atomic_bool wrong;
} upload;

static void *upload_often(void *context) {
    upload *u = context;
    tarn_stream *stream = tarn_stream_new(mock);
    for (int i = 0; i < UPLOADS; i++) {
        pthread_barrier_wait(&u->barrier); /* u->shared is new */
        TARN_SCOPE;
        TARN_ON(stream);
        if (tarn_item(tarn_max(u->shared)) != 63) atomic_store(&u->wrong, true);
        pthread_barrier_wait(&u->barrier);
    }
    tarn_stream_free(stream);
    return NULL;
}

/* They move them once. */
static void test_uploads(void) {
    TARN_SCOPE;
    upload u = {0};
    pthread_t threads[UPLOADERS];
    tarn_memory before, after;
    CHECK(pthread_barrier_init(&u.barrier, NULL, UPLOADERS + 1) == 0);
    CHECK(tarn_memory_info(mock, &before));
    for (int i = 0; i < UPLOADERS; i++) CHECK(pthread_create(&threads[i], NULL, upload_often, &u) == 0);
    for (int i = 0; i < UPLOADS; i++) {
        u.shared = tarn_arange(0, 64, 1, TARN_FLOAT32);
        CHECK(tarn_eval(u.shared));
        pthread_barrier_wait(&u.barrier);
        pthread_barrier_wait(&u.barrier);
    }
    for (int i = 0; i < UPLOADERS; i++) pthread_join(threads[i], NULL);
    CHECK(tarn_memory_info(mock, &after) && !u.wrong);
    CHECK(after.copied_in - before.copied_in == (int64_t)UPLOADS * 64 * 4);
    pthread_barrier_destroy(&u.barrier);
}

/* ---- what the device keeps for itself */

static bool sorts(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, tarn_sort(tarn_negative(x[0]), .axis = TARN_AXIS(0)));
}

static int64_t reserved(void) {
    tarn_memory memory = {0};
    CHECK(tarn_memory_info(mock, &memory));
    return memory.reserved;
}

static void call_sorts(tarn_compiled *c) {
    TARN_SCOPE;
    TARN_ON(tarn_default_stream(mock));
    tarn_array *x = tarn_arange(0, 64, 1, TARN_FLOAT32), *y = NULL;
    CHECK(into(&y, tarn_compiled_call(c, TARN_ARRAYS(x), 1)) && tarn_item(tarn_slice_axis(y, 0, 0, 1)) == -63);
}

/* Plans count against the limit: while they lie there arrays get less, and where there is no room for a plan the calls
   are given one by one. */
static void test_reserved(void) {
    enum { PLAN_BYTES = 1 << 20, LIMIT = PLAN_BYTES + (1 << 16) };
    HOOK(tarn_mock_set_plan_bytes)(PLAN_BYTES);
    tarn_compiled *first = tarn_compile(TARN_FUNCTION(sorts, NULL)), *second = tarn_compile(TARN_FUNCTION(sorts, NULL));
    tarn_set_memory_limit(mock, LIMIT);
    for (int i = 0; i < 3; i++) call_sorts(first);
    CHECK(reserved() == PLAN_BYTES);
    int64_t replays = HOOK(tarn_mock_replays)();
    for (int i = 0; i < 3; i++) call_sorts(second);
    CHECK(reserved() == PLAN_BYTES && HOOK(tarn_mock_replays)() == replays);
    {
        TARN_SCOPE;
        TARN_ON(tarn_default_stream(mock));
        CHECK(!tarn_eval(tarn_zeros(TARN_SHAPE(1 << 18), TARN_INT8)) && tarn_error_kind() == TARN_ERROR_MEMORY);
        tarn_clear_error();
    }
    tarn_compiled_free(first);
    tarn_compiled_free(second);
    CHECK(reserved() == 0);
    tarn_set_memory_limit(mock, 0);
    HOOK(tarn_mock_set_plan_bytes)(0);
}

/* ---- last reads */

/* A matrix that is sorted along both axes; with a context the first result is an output, too. */
static bool sorts_twice(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)count;
    tarn_array *first = tarn_sort(x[0], .axis = TARN_AXIS(0)), *second = tarn_sort(first, .axis = TARN_AXIS(1));
    return (!context || tarn_result(results, first)) && tarn_result(results, second);
}

static int64_t last_reads_of(void *context) {
    TARN_SCOPE;
    TARN_ON(tarn_default_stream(mock));
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(sorts_twice, context));
    tarn_array *x = tarn_reshape(tarn_arange(0, 64, 1, TARN_FLOAT32), TARN_SHAPE(8, 8));
    CHECK(tarn_eval(x));
    int64_t before = HOOK(tarn_mock_last_reads)();
    const tarn_results *made = tarn_compiled_call(c, TARN_ARRAYS(x), 1);
    for (int i = 0; i < (context ? 2 : 1); i++) CHECK(made && tarn_eval(tarn_results_at(made, i)));
    tarn_compiled_free(c);
    return HOOK(tarn_mock_last_reads)() - before;
}

/* The device is told what is read for the last time: not of what was given to it, nor of results. */
static void test_last_reads(void) {
    CHECK(last_reads_of(NULL) == 1);
    CHECK(last_reads_of(&library) == 0);
}

int main(void) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 1);
    CHECK(tarn_device_count(TARN_MOCK) == 2);
    library = dlopen(TARN_BUILD_DIR "/libtarn_mock.so", RTLD_NOW | RTLD_LOCAL);
    if (!library) return fprintf(stderr, "%s\n", dlerror()), 1;
    const char *wish = getenv("TARN_QUEUE");
    int length = wish ? atoi(wish) : 2000;
    test_queue(cpu, length);
    HOOK(tarn_mock_set_lag)(10000);
    test_queue(mock, length);
    HOOK(tarn_mock_set_lag)(0);
    test_failing_call();
    test_failure_of_failure();
    test_devices(true);
    test_devices(false);
    test_rows_by_device();
    test_given_up(cpu);
    test_given_up(mock);
    test_pin_on_device();
    test_uploads();
    test_reserved();
    test_last_reads();
    CHECK(HOOK(tarn_mock_violations)() == 0);
    return check_report("submission");
}
