/* Arrays, scopes, holds, evaluation: the contracts of tarn/array.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "into.h"
#include "tarn/tarn.h"

static int failures;
#define CHECK(condition)                                                                                               \
    ((condition) ? (void)0                                                                                             \
                 : (failures++, (void)fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition,              \
                                              tarn_ok() ? "no error" : tarn_error())))

static const tarn_device cpu = {TARN_CPU, 0};

static tarn_memory memory(void) {
    tarn_memory m = {0};
    tarn_synchronize(NULL);
    tarn_memory_info(cpu, &m);
    return m;
}

static tarn_array *vector(int n, double first) {
    return tarn_add(tarn_arange(0, n, 1, TARN_FLOAT32), tarn_scalar(first, TARN_FLOAT32));
}

static double at(tarn_array *a, int i) {
    const float *data = tarn_data(a);
    return data ? (double)data[i] : NAN;
}

static void test_expressions(void) {
    TARN_SCOPE;
    tarn_array *a = vector(4, 1), *b = tarn_multiply(a, a);
    CHECK(at(tarn_add(b, a), 3) == 20);
    CHECK(tarn_item(tarn_sum(b)) == 30);
    tarn_array *m = tarn_reshape(tarn_arange(0, 6, 1, TARN_FLOAT32), TARN_SHAPE(2, 3));
    CHECK(at(tarn_matmul(m, tarn_transpose(m)), 3) == 50);
    CHECK(at(tarn_transpose(m), 1) == 3);
    CHECK(tarn_item(tarn_max(tarn_softmax(m, .axes = TARN_AXES(-1)))) < 1);
    CHECK(tarn_ok());
}

static void test_move_loop(bool eager, int steps) {
    TARN_SCOPE;
    tarn_array *w = tarn_keep(tarn_ones(TARN_SHAPE(64), TARN_FLOAT32));
    tarn_eval(w);
    int64_t nodes = memory().nodes, peak = 0;
    for (int i = 0; i < steps && tarn_ok(); i++) {
        TARN_SCOPE;
        w = tarn_keep(tarn_multiply(tarn_move(w), w));
        if (eager) tarn_eval(w);
        if (i == 100) peak = memory().peak;
    }
    CHECK(tarn_eval(w));
    CHECK(memory().nodes <= nodes + 1);
    if (eager) CHECK(memory().peak == peak);
    CHECK(at(w, 5) == 1);
    tarn_drop(w);
}

static void test_aliasing(void) {
    TARN_SCOPE;
    tarn_array *a = vector(4, 0);
    CHECK(tarn_eval(a));
    tarn_array *b = tarn_slice_axis(a, 0, 0, 2);
    tarn_array *start = tarn_from_data((int32_t[]){0}, TARN_SHAPE(1), TARN_INT32);
    tarn_array *five = tarn_full(TARN_SHAPE(1), 5, TARN_FLOAT32);
    tarn_array *c = tarn_slice_update(tarn_move(a), five, start, TARN_AXES(0));
    CHECK(tarn_eval(c));
    CHECK(tarn_eval(b));
    CHECK(at(b, 0) == 0 && at(b, 1) == 1);
    CHECK(at(c, 0) == 5 && at(c, 1) == 1);
}

/* Active memory at the peak of evaluating y, beyond what is there before. */
static int64_t peak_of(tarn_array *y) {
    tarn_clear_cache(cpu);
    int64_t before = memory().active;
    tarn_reset_peak(cpu);
    CHECK(tarn_eval(y));
    return memory().peak_active - before;
}

static void test_peak(void) {
    TARN_SCOPE;
    enum { N = 768, BYTES = N * N * 4 };
    tarn_array *x = tarn_ones(TARN_SHAPE(N, N), TARN_FLOAT32), *w = tarn_ones(TARN_SHAPE(N, N), TARN_FLOAT32), *y = x;
    CHECK(tarn_eval(x, w));
    int64_t product = peak_of(tarn_matmul(x, w)); /* its result and the panels it packs */
    for (int i = 0; i < 40; i++)
        y = i % 3 == 0 ? tarn_matmul(y, w) : i % 3 == 1 ? tarn_softmax(y, .axes = TARN_AXES(-1)) : tarn_add(y, x);
    int64_t chain = peak_of(y);
    printf("one product: %.2f buffers at the peak, a 40-op chain: %.2f\n", (double)product / BYTES,
           (double)chain / BYTES);
    CHECK(chain <= product + BYTES + 4096);
}

static bool product(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, tarn_matmul(inputs[0], inputs[1]));
}

/* Plans and results do not depend on the number of threads, nor on its being changed after a plan was made. */
static void test_set_threads(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_random_normal(tarn_random_key(1), TARN_SHAPE(2, 300, 200), TARN_FLOAT32);
    tarn_array *first = NULL, *w = tarn_random_normal(tarn_random_key(2), TARN_SHAPE(2, 200, 300), TARN_FLOAT32);
    tarn_array *inputs[] = {x, w};
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(product, NULL));
    for (int threads = 1; threads <= 9; threads++) {
        CHECK(tarn_set_threads(threads % 2 ? threads : 10 - threads));
        tarn_array *y = NULL;
        CHECK(into(&y, tarn_compiled_call(c, inputs, 2)));
        tarn_array *z = tarn_matmul(inputs[0], inputs[1]);
        if (!first) first = y;
        CHECK(tarn_item(tarn_all(tarn_equal(y, first))) == 1 && tarn_item(tarn_all(tarn_equal(z, first))) == 1);
    }
    tarn_compiled_free(c);
    CHECK(!tarn_set_threads(-1) && strstr(tarn_error(), "set_threads"));
    tarn_clear_error();
    CHECK(!tarn_set_threads(100000));
    tarn_clear_error();
    CHECK(tarn_set_threads(0));
}

static void test_errors(void) {
    CHECK(!tarn_ones(TARN_SHAPE(2), TARN_FLOAT32));
    CHECK(strstr(tarn_error(), "scope"));
    tarn_clear_error();
    TARN_SCOPE;
    tarn_array *bad = tarn_add(tarn_ones(TARN_SHAPE(2), TARN_FLOAT32), tarn_ones(TARN_SHAPE(3), TARN_FLOAT32));
    CHECK(!bad && strstr(tarn_error(), "add"));
    CHECK(!tarn_ones(TARN_SHAPE(2), TARN_FLOAT32)); /* sticky */
    tarn_clear_error();
    CHECK(!tarn_exp(NULL) && strstr(tarn_error(), "NULL"));
    tarn_clear_error();
}

static bool step(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)count;
    tarn_array **state = context;
    *state = tarn_keep(tarn_slice_update(tarn_move(*state), inputs[0], inputs[1], TARN_AXES(0)));
    return tarn_result(results, tarn_sum(*state));
}

static void test_plan(void) {
    TARN_SCOPE;
    tarn_array *state = tarn_keep(tarn_zeros(TARN_SHAPE(1024, 64), TARN_FLOAT32)), **slot = &state;
    tarn_eval(state);
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(step, &state), .state = &slot, .state_count = 1,
                                    .donate = TARN_AXES(TARN_DONATE_STATE));
    CHECK(c);
    int64_t active = 0;
    for (int i = 0; i < 100; i++) {
        TARN_SCOPE;
        tarn_array *row = tarn_full(TARN_SHAPE(1, 64), 1, TARN_FLOAT32),
                   *place = tarn_from_data((int32_t[]){i}, TARN_SHAPE(1), TARN_INT32), *sum;
        CHECK(into(&sum, tarn_compiled_call(c, TARN_ARRAYS(row, place), 2)));
        CHECK(tarn_item(sum) == 64 * (i + 1));
        if (i == 2) active = memory().active;
    }
    CHECK(memory().active <= active);
    int64_t plans, hits;
    tarn_compiled_info(c, &plans, &hits);
    CHECK(plans <= 2 && hits >= 98);
    tarn_compiled_free(c);
    tarn_drop(state);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    test_expressions();
    test_set_threads();
    test_errors();
    test_aliasing();
    test_move_loop(true, 20000);
    test_move_loop(false, 300000);
    test_peak();
    test_plan();
    int64_t nodes = memory().nodes;
    CHECK(nodes == 0);
    printf("%s, %lld nodes left\n", failures ? "FAILED" : "passed", (long long)nodes);
    return failures != 0;
}
