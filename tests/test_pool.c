/* The pools of memory and the streams, behind the public API: limits, caches, many threads, many devices, many streams.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/memory.h"
#include "check.h"
#include "core/pool.h"
#include "tarn/tarn.h"
#include "paths.h"

static const tarn_device cpu = {TARN_CPU, 0};
enum { MB = 1 << 20 };

static tarn_memory info_of(tarn_device device) {
    tarn_memory info = {0};
    CHECK(tarn_memory_info(device, &info));
    return info;
}

static int64_t active(void) {
    return info_of(cpu).active;
}

/* ---- limits */

/* Blocks that are cached, but of another size, make room. */
static void test_room(void) {
    int64_t before = active();
    tarn_clear_cache(cpu);
    tarn_set_memory_limit(cpu, before + 64 * MB);
    for (int size = 20; size < 30; size++) {
        pool_block *a = pool_allocate(DEVICE_HOST, size * MB, NULL), *b = pool_allocate(DEVICE_HOST, size * MB, NULL);
        CHECK(a && b);
        CHECK(info_of(cpu).active + info_of(cpu).cached <= before + 64 * MB);
        CHECK(!pool_allocate(DEVICE_HOST, 30 * MB, NULL) && !tarn_ok());
        tarn_clear_error();
        pool_release(a, NULL, 0);
        pool_release(b, NULL, 0);
    }
    CHECK(active() == before);
    tarn_set_memory_limit(cpu, 0);
}

/* The host keeps what is freed for later: a share of its memory. */
static void test_share(void) {
    tarn_clear_cache(cpu);
    int64_t wanted = memory_of_machine() / 8;
    if (wanted > 300 * MB) wanted = 300 * MB;
    pool_block *a = pool_allocate(DEVICE_HOST, wanted, NULL);
    CHECK(a != NULL);
    pool_release(a, NULL, 0);
    CHECK(info_of(cpu).cached >= wanted);
    tarn_set_cache_limit(cpu, wanted / 2);
    CHECK(info_of(cpu).cached == 0);
    tarn_set_cache_limit(cpu, wanted * 2);
    CHECK(memory_of_machine() > 0);
}

/* ---- threads */

enum { THREADS = 4, ROUNDS = 2000, HELD = 8 };

static void *allocate_often(void *context) {
    unsigned seed = (unsigned)(uintptr_t)context;
    pool_block *held[HELD] = {0};
    for (int i = 0; i < ROUNDS; i++) {
        int k = rand_r(&seed) % HELD;
        pool_release(held[k], NULL, 0);
        held[k] = pool_allocate(DEVICE_HOST, 1 + rand_r(&seed) % (2 * MB), NULL);
        if (held[k])
            *(char *)held[k]->memory = (char)k;
        else
            tarn_clear_error();
    }
    for (int k = 0; k < HELD; k++) pool_release(held[k], NULL, 0);
    return NULL;
}

static void test_threads(void) {
    int64_t before = active();
    tarn_clear_cache(cpu);
    tarn_set_memory_limit(cpu, before + 20 * MB); /* less than all want */
    tarn_reset_peak(cpu);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, allocate_often, (void *)(uintptr_t)(i + 1)) == 0);
    for (int i = 0; i < 20; i++) {
        usleep(1000);
        tarn_clear_cache(cpu);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    CHECK(active() == before);
    CHECK(info_of(cpu).peak_active <= before + 20 * MB);
    tarn_set_memory_limit(cpu, 0);
}

/* ---- streams and devices */

enum { STREAMS = 3000 };

/* Freed streams leave nothing behind: a few objects serve them all. */
static void test_streams(void) {
    tarn_stream *first = tarn_stream_new(cpu);
    int others = 0;
    for (int i = 0; i < STREAMS; i++) {
        TARN_SCOPE;
        tarn_stream *s = i ? tarn_stream_new(cpu) : first;
        others += s != first;
        if (i % 100 == 0) {
            TARN_ON(s);
            tarn_array *x = tarn_keep(tarn_exp(tarn_ones(TARN_SHAPE(100), TARN_FLOAT32)));
            CHECK(tarn_async_eval(x));
            tarn_stream_free(s);
            CHECK(tarn_item(tarn_sum(x)) > 271);
            tarn_drop(x);
        } else {
            tarn_stream_free(s);
        }
    }
    CHECK(others == 0);
    CHECK(tarn_synchronize(NULL));
}

static void test_devices(void) {
    int count = tarn_device_count(TARN_MOCK);
    CHECK(count == 12);
    TARN_SCOPE;
    tarn_array *x = tarn_ones(TARN_SHAPE(100), TARN_FLOAT32);
    for (int i = 0; i < count; i++) { /* over all devices, and the array stays on each */
        TARN_ON(tarn_default_stream((tarn_device){TARN_MOCK, i}));
        x = tarn_add(x, tarn_ones(TARN_SHAPE(100), TARN_FLOAT32));
        CHECK(tarn_eval(x));
    }
    CHECK(tarn_item(tarn_sum(x)) == 100 * (count + 1));
    for (int i = 0; i < count; i++) CHECK(info_of((tarn_device){TARN_MOCK, i}).active > 0);
    CHECK_ERROR(tarn_default_stream((tarn_device){TARN_MOCK, count}), "no device mock:12");
}

/* What devices tell of themselves, before they are in use and without a measurement. */
static void test_description(void) {
    tarn_measurement told;
    CHECK(tarn_describe_device((tarn_device){TARN_MOCK, 11}, &told) && strcmp(told.processor, "mock") == 0);
    CHECK(told.memory_bytes == INT64_C(4) << 30 && told.copy_gbps == 0);
    CHECK(tarn_describe_device(cpu, &told) && told.processor[0] && told.threads > 0 && told.f32_tflops == 0);
    CHECK_ERROR(tarn_describe_device((tarn_device){TARN_MOCK, 12}, &told), "no device mock:12");
    CHECK_ERROR(tarn_describe_device((tarn_device){TARN_DEVICE_TYPE_COUNT, 0}, &told), "no device unknown:0");
    CHECK_ERROR(tarn_describe_device(cpu, NULL), "describe_device");
    CHECK(!tarn_device_absence(cpu) && tarn_device_absence((tarn_device){TARN_MOCK, -1}) &&
          tarn_device_absence((tarn_device){TARN_DEVICE_TYPE_COUNT, 0}));
}

int main(void) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 0);
    setenv("TARN_MOCK_DEVICES", "12", 1);
    test_description();
    tarn_default_stream(cpu);
    test_room();
    test_share();
    test_threads();
    test_streams();
    test_devices();
    return check_report("pool");
}
