/* Evaluation: fusion, several outputs, streams, devices, errors that travel with arrays. */
#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/settings.h"
#include "tarn/tarn.h"
#include "paths.h"

static int failures;
#define CHECK(condition)                                                                                               \
    ((condition) ? (void)0                                                                                             \
                 : (failures++, (void)fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition,              \
                                              tarn_ok() ? "no error" : tarn_error())))

static const tarn_device cpu = {TARN_CPU, 0}, mock = {TARN_MOCK, 0};

static double at(tarn_array *a, int i) {
    const void *data = tarn_data(tarn_astype(a, TARN_FLOAT64));
    return data ? ((const double *)data)[i] : NAN;
}

static tarn_array *ramp(int n, tarn_dtype dtype) {
    return tarn_arange(0, n, 1, dtype);
}

static int count_lines(const char *text, const char *word) {
    int count = 0;
    for (const char *p = text; (p = strstr(p, word)); p++) count++;
    return count;
}

static void test_group(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_astype(ramp(1000, TARN_INT32), TARN_BFLOAT16),
               *y = tarn_astype(ramp(1000, TARN_INT32), TARN_FLOAT32);
    CHECK(tarn_eval(x, y));
    tarn_array *sum = tarn_add(x, y);                                     /* bf16 with f32: f32 */
    tarn_array *big = tarn_greater(sum, tarn_scalar(100, TARN_FLOAT32));  /* bool */
    tarn_array *half = tarn_multiply(x, tarn_scalar(0.3, TARN_BFLOAT16)); /* rounds to bf16 */
    tarn_array *chosen = tarn_where(big, sum, half);
    const char *fuse = getenv("TARN_FUSE");
    char *schedule = tarn_dump_schedule(TARN_ARRAYS(chosen, half), 2);
    if (fuse && !strcmp(fuse, "0"))
        CHECK(schedule && count_lines(schedule, "group") > 1);
    else
        CHECK(schedule && count_lines(schedule, "group") == 1 && strstr(schedule, "1 steps"));
    tarn_free(schedule);
    CHECK(tarn_eval(chosen, half));
    CHECK(at(chosen, 999) == at(x, 999) + 999);
    CHECK(at(half, 3) == 0.90234375); /* 3 times bf16(0.3) = 0.30078125, rounded to 8 bits */
    CHECK(at(chosen, 3) == at(half, 3));
    setenv("TARN_FUSE", "0", 1);
    settings_read_again();
    tarn_array *again = tarn_where(tarn_greater(tarn_add(x, y), tarn_scalar(100, TARN_FLOAT32)), tarn_add(x, y),
                                   tarn_multiply(x, tarn_scalar(0.3, TARN_BFLOAT16)));
    CHECK(tarn_item(tarn_all(tarn_equal(again, chosen))) == 1);
    unsetenv("TARN_FUSE");
    settings_read_again();
}

static void test_many_inputs(void) {
    TARN_SCOPE;
    tarn_array *sum = tarn_scalar(0, TARN_FLOAT32);
    for (int i = 0; i < 200; i++) sum = tarn_add(sum, tarn_full(TARN_SHAPE(17), i, TARN_FLOAT32));
    CHECK(at(sum, 16) == 19900);
}

/* A group may not swallow a node whose input depends on the group. */
static void test_no_cycle(void) {
    TARN_SCOPE;
    tarn_array *a = tarn_reshape(ramp(16, TARN_FLOAT32), TARN_SHAPE(4, 4));
    tarn_array *b = tarn_add(a, a), *c = tarn_matmul(b, b), *d = tarn_add(tarn_multiply(b, c), b);
    CHECK(at(d, 0) == 0);
    CHECK(at(d, 5) == at(b, 5) * at(c, 5) + at(b, 5));
}

static void test_outputs(void) {
    TARN_SCOPE;
    tarn_array *parts[3], *pair[2], *x = ramp(12, TARN_INT32);
    CHECK(tarn_split(x, 3, parts) && at(parts[1], 0) == 4 && at(parts[2], 3) == 11);
    CHECK(tarn_divmod(tarn_subtract(x, tarn_scalar_int(6, TARN_INT32)), tarn_scalar_int(4, TARN_INT32), pair));
    CHECK(at(pair[0], 0) == -2 && at(pair[1], 0) == 2 && at(pair[0], 11) == 1 && at(pair[1], 11) == 1);
    tarn_array *q[3],
        *w = tarn_reshape(tarn_divide(ramp(128, TARN_FLOAT32), tarn_scalar(100, TARN_FLOAT32)), TARN_SHAPE(2, 64));
    CHECK(tarn_quantize(w, q, .group_size = 64, .bits = 8));
    CHECK(fabs(at(tarn_dequantize(q[0], q[1], .biases = q[2], .group_size = 64, .bits = 8), 77) - 0.77) < 2e-3);
}

static void test_views(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_reshape(ramp(24, TARN_FLOAT32), TARN_SHAPE(2, 3, 4));
    tarn_array *t = tarn_transpose(x, .axes = TARN_AXES(2, 0, 1));
    CHECK(tarn_dim(t, 0) == 4 && at(t, 1) == 4 && at(tarn_reshape(t, TARN_SHAPE(24)), 6) == 1);
    tarn_array *back = tarn_slice(x, TARN_INTS(-1, 0), TARN_INTS(INT64_MIN, 3), .step = TARN_INTS(-1, 2));
    CHECK(tarn_dim(back, 0) == 2 && tarn_dim(back, 1) == 2 && at(back, 0) == 12 && at(back, 4) == 20);
    CHECK(at(tarn_broadcast_to(tarn_scalar(3, TARN_FLOAT32), TARN_SHAPE(5)), 4) == 3);
    CHECK(tarn_size(tarn_slice_axis(x, 1, 2, 2)) == 0);
    CHECK(tarn_item(tarn_sum(tarn_slice_axis(x, 1, 2, 2))) == 0);
}

static void test_recompute(void) {
    TARN_SCOPE;
    tarn_memory before, after;
    tarn_array *x = tarn_ones(TARN_SHAPE(1000), TARN_FLOAT32);
    CHECK(tarn_eval(x));
    tarn_array *y = tarn_cumsum(x, .axis = TARN_AXIS(0)), *z = tarn_cumsum(y, .axis = TARN_AXIS(0));
    CHECK(tarn_eval(z));
    tarn_memory_info(cpu, &before);
    CHECK(at(y, 999) == 1000); /* only the scope held it: its memory was released, it is computed again */
    tarn_memory_info(cpu, &after);
    CHECK(after.recomputed - before.recomputed == 4000);
    /* What was released in vain once is kept the second time. */
    tarn_array *w = tarn_sort(x);
    CHECK(tarn_eval(tarn_sum(w)));
    tarn_memory_info(cpu, &before);
    CHECK(tarn_eval(tarn_max(w)) && tarn_eval(tarn_min(w)) && tarn_eval(tarn_prod(w)));
    tarn_memory_info(cpu, &after);
    CHECK(after.recomputed - before.recomputed == 4000);
}

/* What was made of a number that nobody holds any more can be computed again: it need not stay. */
static void test_recompute_of_a_number(void) {
    TARN_SCOPE;
    tarn_memory before, after;
    tarn_array *x = tarn_ones(TARN_SHAPE(1000), TARN_FLOAT32), *y;
    CHECK(tarn_eval(x));
    {
        TARN_SCOPE;
        y = tarn_return(tarn_multiply(x, tarn_scalar(0.5, TARN_FLOAT32)));
    }
    CHECK(tarn_eval(tarn_add(y, x)));
    tarn_memory_info(cpu, &before);
    CHECK(at(y, 999) == 0.5);
    tarn_memory_info(cpu, &after);
    CHECK(after.recomputed - before.recomputed == 4000);
}

/* A small array that is kept does not hold the large one that it was a part of. */
static void test_small_parts(void) {
    TARN_SCOPE;
    tarn_memory before, after;
    tarn_memory_info(cpu, &before);
    tarn_array *part, *taken;
    {
        TARN_SCOPE;
        tarn_array *large = tarn_cumsum(tarn_ones(TARN_SHAPE(1 << 20), TARN_FLOAT32), .axis = TARN_AXIS(0));
        part = tarn_keep(tarn_slice_axis(large, 0, 5, 7));
        CHECK(tarn_eval(part));
        taken = tarn_keep(tarn_negative(tarn_slice_axis(large, 0, 1, 3)));
        CHECK(tarn_eval(taken));
    }
    tarn_array *own = tarn_contiguous(tarn_move(part));
    CHECK(tarn_eval(own));
    tarn_memory_info(cpu, &after);
    CHECK(after.active - before.active < 4096);
    CHECK(at(own, 1) == 7 && at(taken, 1) == -3);
    tarn_drop(taken);
}

static void test_streams(void) {
    TARN_SCOPE;
    tarn_stream *other = tarn_stream_new(cpu);
    CHECK(other);
    tarn_array *a = tarn_add(ramp(5000, TARN_FLOAT32), tarn_scalar(1, TARN_FLOAT32)), *b = NULL;
    {
        TARN_ON(other);
        b = tarn_multiply(a, a);
    }
    tarn_array *c = tarn_subtract(b, a);
    CHECK(tarn_async_eval(c));
    CHECK(at(c, 4999) == 5000.0 * 5000 - 5000);
    tarn_stream_free(other);
}

static bool refuse(void *context) {
    return tarn_fail("the file %s changed", (const char *)context);
}

static void test_poison(void) {
    TARN_SCOPE;
    static const float data[4] = {1, 2, 3, 4};
    tarn_array *bad = tarn_from_foreign(data, TARN_SHAPE(4), TARN_FLOAT32, .check = refuse,
                                        .context = (void *)(uintptr_t) "weights.bin");
    tarn_array *good = tarn_ones(TARN_SHAPE(4), TARN_FLOAT32);
    CHECK(!tarn_eval(tarn_add(bad, good)) && strstr(tarn_error(), "weights.bin"));
    tarn_clear_error();
    CHECK(at(good, 0) == 1);
}

static bool refuse_silently(void *context) {
    (void)context;
    return false;
}

static void test_silent_check(void) {
    TARN_SCOPE;
    static const float data[4] = {1, 2, 3, 4};
    tarn_layout layout;
    tarn_array *bad = tarn_from_foreign(data, TARN_SHAPE(4), TARN_FLOAT32, .check = refuse_silently);
    CHECK(!tarn_eval(tarn_sum(bad)) && !tarn_ok() && strstr(tarn_error(), "check failed without an error"));
    tarn_clear_error();
    CHECK(!tarn_data(bad) && !tarn_ok());
    tarn_clear_error();
    CHECK(!tarn_pin(bad, &layout) && !tarn_ok());
    tarn_clear_error();
}

static void *thread_body(void *context) {
    tarn_array *shared = context;
    for (int i = 0; i < 200 && tarn_ok(); i++) {
        TARN_SCOPE;
        tarn_array *y = tarn_sum(tarn_multiply(shared, tarn_scalar(i, TARN_FLOAT32)));
        if (tarn_item(y) != 1000.0 * i) tarn_fail("a wrong sum");
    }
    return tarn_ok() ? NULL : context;
}

static void test_threads(void) {
    TARN_SCOPE;
    tarn_array *shared = tarn_keep(tarn_ones(TARN_SHAPE(1000), TARN_FLOAT32));
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, thread_body, shared) == 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        CHECK(!failed);
    }
    tarn_drop(shared);
}

/* ---- the mock device: memory of its own, formulas instead of fused kernels */

static void test_mock(void) {
    TARN_SCOPE;
    tarn_stream *s = tarn_default_stream(mock);
    CHECK(s);
    tarn_memory info;
    tarn_array *x = tarn_reshape(ramp(12, TARN_FLOAT32), TARN_SHAPE(3, 4)), *on_mock = NULL, *soft = NULL, *rope = NULL,
               *attended = NULL;
    CHECK(tarn_eval(x));
    tarn_array *q = tarn_random_normal(tarn_random_key(3), TARN_SHAPE(1, 4, 3, 8), TARN_FLOAT32);
    tarn_array *kv = tarn_random_normal(tarn_random_key(4), TARN_SHAPE(1, 2, 5, 8), TARN_FLOAT32);
    {
        TARN_ON(s);
        on_mock = tarn_matmul(x, tarn_transpose(tarn_add(x, x)));
        soft = tarn_softmax(on_mock, .axes = TARN_AXES(-1));
        rope = tarn_rope(q, tarn_scalar_int(7, TARN_INT32));
        attended = tarn_attention(q, kv, kv, .causal = true);
    }
    CHECK(at(on_mock, 4) == 2 * (16 + 25 + 36 + 49));
    CHECK(fabs(at(tarn_sum(soft), 0) - 3) < 1e-6);
    CHECK(tarn_item(tarn_max(tarn_abs(tarn_subtract(rope, tarn_rope(q, tarn_scalar_int(7, TARN_INT32)))))) < 1e-5);
    CHECK(tarn_item(tarn_max(tarn_abs(tarn_subtract(attended, tarn_attention(q, kv, kv, .causal = true))))) < 1e-5);
    CHECK(tarn_memory_info(mock, &info) && info.copied_in > 0 && info.copied_out > 0);
}

/* Of a formula's outputs that nobody wants there is no step, also where others write over what it would read: the
   device has no divmod. */
static void test_half_a_formula(void) {
    TARN_SCOPE;
    TARN_ON(tarn_default_stream(mock));
    tarn_array *x = ramp(12, TARN_FLOAT32), *both[2];
    CHECK(tarn_eval(x));
    {
        TARN_SCOPE;
        CHECK(tarn_divmod(x, tarn_scalar(5, TARN_FLOAT32), both));
        tarn_return(both[0]);
    }
    tarn_array *y = tarn_negative(both[0]);
    tarn_keep(y);
    tarn_move(x);
    char *schedule = tarn_dump_schedule(TARN_ARRAYS(y, both[0]), 2);
    CHECK(schedule && strstr(schedule, "floor_divide") && !strstr(schedule, "remainder"));
    tarn_free(schedule);
    CHECK(tarn_eval(y, both[0]) && at(y, 11) == -2 && at(both[0], 11) == 2);
    tarn_drop(y);
}

static void test_mock_failure(void) {
    TARN_SCOPE;
    void *library = dlopen(TARN_BUILD_DIR "/libtarn_mock.so", RTLD_NOW | RTLD_NOLOAD);
    void *symbol = library ? dlsym(library, "tarn_mock_fail_launch") : NULL;
    CHECK(symbol);
    if (!symbol) return;
    void (*fail_launch)(int64_t);
    memcpy(&fail_launch, &symbol, sizeof fail_launch);
    for (int n = 1; n <= 4; n++) {
        TARN_SCOPE;
        TARN_ON(tarn_default_stream(mock));
        tarn_array *x = tarn_ones(TARN_SHAPE(8), TARN_FLOAT32), *good = tarn_add(x, x);
        CHECK(tarn_eval(good));
        tarn_array *y = tarn_cumsum(tarn_cumsum(tarn_cumsum(x, .axis = TARN_AXIS(0)), .axis = TARN_AXIS(0)),
                                    .axis = TARN_AXIS(0)),
                   *z = tarn_cumsum(y, .axis = TARN_AXIS(0));
        fail_launch(n);
        CHECK(tarn_async_eval(z));
        CHECK(!tarn_eval(z));
        tarn_clear_error();
        fail_launch(0);
        CHECK(at(good, 7) == 2);
        CHECK(at(tarn_cumsum(good, .axis = TARN_AXIS(0)), 7) == 16);
    }
}

int main(void) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 1);
    test_group();
    test_many_inputs();
    test_no_cycle();
    test_outputs();
    test_views();
    test_recompute();
    test_recompute_of_a_number();
    test_small_parts();
    test_streams();
    test_poison();
    test_silent_check();
    test_threads();
    test_mock();
    test_half_a_formula();
    test_mock_failure();
    printf("%s\n", failures ? "FAILED" : "passed");
    return failures != 0;
}
