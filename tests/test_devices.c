/* Two devices of a kind and the CPU in one graph: arrays of each used on the other, memory told by device, the same
   functions with the same results on both, at the same time. The mock devices, or the two first of those that
   TARN_TEST_DEVICE names; skips where there is one. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "paths.h"
#include "test_device.h"
#include "tarn/tarn.h"

enum { SIZE = 1 << 16, TURNS = 30, MOST_RESULTS = 16 };
static tarn_device devices[2];

/* ---- values that travel: device 0, device 1, the CPU */
static void test_travel(void) {
    TARN_SCOPE;
    tarn_stream *streams[3] = {tarn_default_stream(devices[0]), tarn_default_stream(devices[1]),
                               tarn_default_stream((tarn_device){TARN_CPU, 0})};
    for (int far = 2; far <= 3; far++) { /* from device to device, then by way of the host */
        TARN_SCOPE;
        tarn_array *x = tarn_arange(0, SIZE, 1, TARN_FLOAT32);
        for (int i = 0; i < TURNS; i++) {
            TARN_ON(streams[i % far]);
            x = tarn_add(x, tarn_scalar(1, TARN_FLOAT32));
            if (i % 4 == 3) CHECK(tarn_async_eval(x));
        }
        const float *values = tarn_data(x);
        int good = 0;
        while (values && good < SIZE && values[good] == (float)(good + TURNS)) good++;
        CHECK(good == SIZE);
    }
}

/* Sums of halves made on both, added on each; either leaves its own where it is. */
static void test_sums_over_both(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_arange(0, SIZE, 1, TARN_FLOAT64), *sums[2];
    for (int d = 0; d < 2; d++) {
        TARN_ON(tarn_default_stream(devices[d]));
        tarn_array *half = tarn_slice_axis(x, 0, d * SIZE / 2, (d + 1) * SIZE / 2);
        sums[d] = tarn_sum(tarn_multiply(half, half));
        CHECK(tarn_eval(sums[d]) && tarn_resident_device(sums[d]).index == d);
    }
    double expected = 0;
    for (int i = 0; i < SIZE; i++) expected += (double)i * i;
    for (int d = 0; d < 2; d++) {
        TARN_ON(tarn_default_stream(devices[d]));
        CHECK(tarn_item(tarn_add(sums[0], sums[1])) == expected);
    }
}

/* ---- memory is told and limited by device; what is copied is counted where it goes */
static void test_memory(void) {
    TARN_SCOPE;
    tarn_memory before[2], after[2];
    for (int d = 0; d < 2; d++) CHECK(tarn_memory_info(devices[d], &before[d]));
    tarn_array *x;
    {
        TARN_ON(tarn_default_stream(devices[1]));
        x = tarn_add(tarn_zeros(TARN_SHAPE(1 << 20), TARN_FLOAT32), tarn_scalar(1, TARN_FLOAT32));
        CHECK(tarn_eval(x));
    }
    for (int d = 0; d < 2; d++) CHECK(tarn_memory_info(devices[d], &after[d]));
    CHECK(after[1].active >= before[1].active + (4 << 20) && after[0].active < before[0].active + (1 << 20));
    TARN_ON(tarn_default_stream(devices[0]));
    CHECK(tarn_item(tarn_sum(x)) == 1 << 20);
    CHECK(tarn_memory_info(devices[0], &before[0]) && before[0].copied_in >= after[0].copied_in + (4 << 20));
    tarn_set_memory_limit(devices[0], before[0].active + 1000);
    CHECK_ERROR(tarn_eval(tarn_add(x, x)), "exceed the limit");
    {
        TARN_ON(tarn_default_stream(devices[1]));
        CHECK(tarn_item(tarn_max(tarn_add(x, x))) == 2);
    }
    tarn_set_memory_limit(devices[0], 0);
    CHECK(tarn_item(tarn_max(tarn_add(x, x))) == 2);
}

/* ---- one program over both: each kernel is made ready for the device that runs it */
static void test_made_ready(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_arange(SIZE, 0, -1, TARN_FLOAT32), *orders[4];
    for (int i = 0; i < 4; i++) {
        TARN_ON(tarn_default_stream(devices[i % 2]));
        orders[i] = tarn_argsort(tarn_add(x, tarn_scalar(i, TARN_FLOAT32)));
    }
    CHECK(tarn_eval_all(orders, 4));
    for (int i = 0; i < 4; i++) CHECK(tarn_item(tarn_slice_axis(orders[i], 0, 0, 1)) == SIZE - 1);
}

/* ---- the same functions on both, to the last bit: kernels of all families, sizes that ask for much shared memory,
   what is made ready once a process or once a device */
static tarn_array *drawn(uint64_t seed, tarn_ints shape, tarn_dtype dtype) {
    return tarn_astype(tarn_random_normal(tarn_random_key(seed), shape, TARN_FLOAT32), dtype);
}

static tarn_array *packed_product(tarn_array *x, tarn_array *w, int bits) {
    tarn_array *packed[3];
    if (!tarn_quantize(w, packed, .bits = bits, .group_size = 64)) return NULL;
    return tarn_quantized_matmul(x, packed[0], packed[1], .biases = packed[2], .bits = bits, .group_size = 64);
}

static bool families(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    tarn_array *x = inputs[0], *row = inputs[1], *w = inputs[2], *square, *made[MOST_RESULTS];
    int n = 0;
    (void)context, (void)count;
    made[n++] = tarn_matmul(x, tarn_transpose(w));
    made[n++] = tarn_matmul(row, tarn_transpose(w));
    for (int bits = 4; bits <= 8; bits += 4) {
        made[n++] = packed_product(row, w, bits);
        made[n++] = packed_product(tarn_astype(row, TARN_FLOAT32), tarn_astype(w, TARN_FLOAT32), bits);
        made[n++] = packed_product(x, w, bits);
    }
    tarn_array *heads = tarn_reshape(tarn_slice_axis(x, 1, 0, 512), TARN_SHAPE(1, 4, -1, 128));
    made[n++] = tarn_attention(heads, heads, heads, .causal = true);
    made[n++] = tarn_rms_norm(tarn_softmax(x, .axes = TARN_AXES(-1)), NULL);
    made[n++] = tarn_sort(x, .axis = TARN_AXIS(-1));
    made[n++] = tarn_cumsum(tarn_sum(x, .axes = TARN_AXES(0)), .axis = TARN_AXIS(0));
    made[n++] = tarn_real(tarn_fft(tarn_astype(x, TARN_FLOAT32)));
    square = tarn_astype(tarn_matmul(x, tarn_transpose(x)), TARN_FLOAT32);
    made[n++] = tarn_linalg_solve(
        tarn_add(square, tarn_multiply(tarn_scalar(5000, TARN_FLOAT32), tarn_eye(64, 64, TARN_FLOAT32))), square);
    made[n++] = tarn_random_uniform(tarn_random_key(3), TARN_SHAPE(1000), TARN_FLOAT32);
    for (int i = 0; i < n; i++)
        if (!tarn_result(results, tarn_astype(tarn_flatten(made[i]), TARN_FLOAT32))) return false;
    return true;
}

typedef struct {
    int device;
    tarn_array *made[MOST_RESULTS]; /* kept */
    int count;
} run_of;

/* Tells how far apart they are if any bit differs. */
static bool same_bits(tarn_array *a, tarn_array *b, const char *what, int number) {
    const float *here = tarn_data(a), *there = tarn_data(b);
    int64_t n = tarn_size(a), differ = 0;
    double most = 0, largest = 0;
    if (!here || !there || tarn_size(b) != n) return false;
    for (int64_t i = 0; i < n; i++) {
        differ += memcmp(&here[i], &there[i], sizeof *here) != 0;
        most = fmax(most, fabs((double)here[i] - (double)there[i]));
        largest = fmax(largest, fabs((double)here[i]));
    }
    if (differ)
        printf("result %d, %s: %lld of %lld numbers differ, by %g where %g is the largest\n", number, what,
               (long long)differ, (long long)n, most, largest);
    return differ == 0;
}

static void take_results(run_of *run, tarn_results *results) {
    bool first = run->count == 0;
    run->count = results ? tarn_results_count(results) : 0;
    for (int i = 0; i < run->count; i++) {
        tarn_array *made = tarn_results_at(results, i);
        CHECK(tarn_eval(made));
        if (first)
            run->made[i] = tarn_keep(made);
        else
            CHECK(same_bits(run->made[i], made, "from call to call", i));
    }
}

/* Often enough that a plan becomes a graph. */
static void *run_families(void *context) {
    enum { ROWS = 64 };
    const bool slow = devices[0].type == TARN_MOCK;
    const int64_t width = slow ? 512 : 2048;
    const int calls = slow ? 2 : 5;
    run_of *run = context;
    TARN_SCOPE;
    TARN_ON(tarn_default_stream(devices[run->device]));
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(families, NULL));
    tarn_array *inputs[] = {drawn(1, TARN_SHAPE(ROWS, width), TARN_BFLOAT16),
                            drawn(2, TARN_SHAPE(1, width), TARN_BFLOAT16),
                            drawn(3, TARN_SHAPE(256, width), TARN_BFLOAT16)};
    for (int i = 0; c && i < calls; i++) {
        TARN_SCOPE;
        take_results(run, tarn_compiled_call(c, inputs, 3));
    }
    CHECK(tarn_ok() && run->count > 0);
    tarn_compiled_free(c);
    return NULL;
}

static void compare_runs(const run_of *a, const run_of *b) {
    CHECK(a->count == b->count);
    for (int i = 0; i < a->count && i < b->count; i++)
        CHECK(same_bits(a->made[i], b->made[i], "from device to device", i));
}

static void drop_run(run_of *run) {
    for (int i = 0; i < run->count; i++) tarn_drop(run->made[i]);
}

static void test_same_on_both(bool at_once) {
    run_of runs[2] = {{.device = 0}, {.device = 1}};
    pthread_t other;
    if (at_once && pthread_create(&other, NULL, run_families, &runs[1]) != 0) at_once = false;
    run_families(&runs[0]);
    if (at_once)
        pthread_join(other, NULL);
    else
        run_families(&runs[1]);
    compare_runs(&runs[0], &runs[1]);
    drop_run(&runs[0]), drop_run(&runs[1]);
}

int main(void) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 0);
    setenv("TARN_TEST_DEVICE", "mock", 0);
    if (!choose_device(true)) return printf("there is no such device here\n"), 77;
    for (int d = 0; d < 2; d++) devices[d] = (tarn_device){tarn_default_device().type, d};
    if (tarn_device_count(devices[0].type) < 2) return printf("there are no two devices here\n"), 77;
    test_travel();
    test_sums_over_both();
    test_memory();
    test_made_ready();
    if (devices[0].type != TARN_MOCK) test_same_on_both(false);
    test_same_on_both(true);
    return check_report("devices");
}
