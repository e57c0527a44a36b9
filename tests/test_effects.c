/* Ops with effects (the test row `test_effect`): they run once, stay, and run in the order in which they were made,
   whatever the graph looks like, on one stream and on several, evaluated and compiled. Its attributes are also those of
   types that no other row has. */
#include <stdlib.h>

#include "base/map.h"
#include "check.h"
#include "into.h"
#include "ops/build.h"
#include "table/test_rows.h"
#include "tarn/tarn.h"
#include "paths.h"

static effect_log log_;

static void retain_log(void *object) {
    atomic_fetch_add(&((effect_log *)object)->holders, 1);
}
static void release_log(void *object) {
    atomic_fetch_sub(&((effect_log *)object)->holders, 1);
}
static bool describe_log(const void *object, text *out) {
    return text_format(out, "log of %d", atomic_load(&((const effect_log *)object)->count));
}
static const object_type log_type = {
    .name = "log", .retain = retain_log, .release = release_log, .describe = describe_log};

static tarn_array *effect(tarn_array *x, int64_t number) {
    return BUILD(test_effect, (&(attributes_test_effect){.log = {&log_type, &log_}, .number = number}), x);
}

/* The log holds 1 2 3 …, so many. */
static bool logged(int count) {
    bool same = atomic_load(&log_.count) == count;
    for (int i = 0; i < count && same; i++) same = log_.numbers[i] == i + 1;
    if (!same) {
        fprintf(stderr, "logged");
        for (int i = 0; i < atomic_load(&log_.count) && i < EFFECT_LOG_ROOM; i++)
            fprintf(stderr, " %lld", (long long)log_.numbers[i]);
        fprintf(stderr, "\n");
    }
    atomic_store(&log_.count, 0);
    return same;
}

static tarn_array *numbers(void) {
    return tarn_arange(0, 8, 1, TARN_FLOAT32);
}

/* Made in one order, read in another. */
static void check_order(void) {
    TARN_SCOPE;
    tarn_array *made[6], *sum = numbers();
    for (int i = 0; i < 6; i++) made[i] = effect(i % 2 ? tarn_exp(numbers()) : numbers(), i + 1);
    for (int i = 0; i < 6; i++) sum = tarn_add(tarn_square(made[5 - i]), tarn_softmax(sum, .axes = TARN_AXES(0)));
    CHECK(tarn_eval(sum) && logged(6));
    tarn_array *first = effect(numbers(), 1), *second = effect(tarn_add(first, first), 2),
               *third = effect(numbers(), 3);
    CHECK(tarn_eval(third, second) && logged(3));
}

/* What only a scope holds is computed again; what had an effect is kept. */
static void check_once(void) {
    TARN_SCOPE;
    tarn_array *x = effect(numbers(), 1);
    CHECK(tarn_eval(tarn_exp(x)) && tarn_eval(tarn_square(x)) && tarn_eval(x) && logged(1));
    tarn_array *weak = tarn_sort(numbers(), .axis = TARN_AXIS(0)), *strong = effect(numbers(), 1);
    CHECK(tarn_eval(tarn_add(weak, strong)) && !weak->buffer && strong->buffer && logged(1));
    tarn_array *given = tarn_keep(effect(numbers(), 1));
    CHECK(tarn_eval(given));
    tarn_array *result = tarn_add(tarn_move(given), tarn_scalar(1, TARN_FLOAT32));
    CHECK(tarn_eval(result) && logged(1));
}

/* Streams of one device, and the test device: each waits for what the one before did. */
static void check_streams(void) {
    TARN_SCOPE;
    tarn_stream *streams[3] = {tarn_stream_new((tarn_device){TARN_CPU, 0}), tarn_stream_new((tarn_device){TARN_CPU, 0}),
                               NULL};
    streams[2] = tarn_device_count(TARN_MOCK) ? tarn_default_stream((tarn_device){TARN_MOCK, 0}) : streams[0];
    for (int round = 0; round < 20; round++) {
        TARN_SCOPE;
        tarn_array *made[9];
        tarn_stream *before = tarn_use_stream(NULL);
        for (int i = 0; i < 9; i++) {
            tarn_use_stream(streams[i % 3]);
            tarn_array *x =
                i % 3 ? numbers()
                      : tarn_sort(tarn_arange(100000, 0, -1, TARN_FLOAT32), .axis = TARN_AXIS(0)); /* some take long */
            made[i] = effect(x, i + 1);
        }
        tarn_use_stream(before);
        CHECK(tarn_eval_all(made, 9) && logged(9));
    }
    tarn_synchronize(NULL);
    tarn_stream_free(streams[0]);
    tarn_stream_free(streams[1]);
}

static bool with_effects(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)context, (void)count;
    tarn_array *a = effect(inputs[0], 1), *b = effect(tarn_exp(inputs[0]), 2), *c = effect(inputs[0], 3);
    return tarn_result(results, tarn_add(tarn_multiply(c, b), a));
}

static void check_compiled(void) {
    TARN_SCOPE;
    tarn_compiled *function = tarn_compile(((tarn_function){with_effects, NULL}));
    for (int i = 0; i < 3; i++) {
        tarn_array *x = numbers(), *y = NULL;
        CHECK(into(&y, tarn_compiled_call(function, &x, 1)) && tarn_eval(y) && logged(3));
    }
    tarn_compiled_free(function);
}

/* OBJECT and REALS: copied, compared, printed, released. */
static void check_attributes(void) {
    double weights[] = {0.5, -1};
    attributes_test_effect a = {.log = {&log_type, &log_}, .number = 3, .weights = {weights, 2}}, b = a;
    bool ok;
    int holders = atomic_load(&log_.holders);
    attributes_test_effect *copy = attributes_copy(OP_test_effect, &a, &ok);
    CHECK(copy && atomic_load(&log_.holders) == holders + 1 && attributes_equal(OP_test_effect, &a, copy));
    CHECK(attributes_hash(OP_test_effect, &a, HASH_START) == attributes_hash(OP_test_effect, copy, HASH_START));
    weights[1] = 2;
    CHECK(copy->weights.values[1] == -1 && !attributes_equal(OP_test_effect, &a, copy));
    text t = {0};
    CHECK(attributes_print(OP_test_effect, copy, &t) &&
          strcmp(text_string(&t), "log=log of 0, number=3, weights=[0.5, -1]") == 0);
    text_free(&t);
    attributes_free(OP_test_effect, copy);
    CHECK(atomic_load(&log_.holders) == holders);
    b.log.object = NULL;
    CHECK(!attributes_equal(OP_test_effect, &a, &b));
    CHECK(attributes_test_effect_default.log.object == NULL && attributes_test_effect_default.weights.values == NULL);
}

int main(void) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 0);
    check_order();
    check_once();
    check_compiled();
    check_streams();
    tarn_synchronize(NULL);
    CHECK(atomic_load(&log_.holders) == 0);
    check_attributes();
    return check_report("effects");
}
