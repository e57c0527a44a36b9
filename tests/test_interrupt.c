/* A long chain is given up between two kernels, where the wish to stop came: evaluated at once or later, plain or
   compiled. What was computed stays right, what was not says so, and the same work is done when it is asked for again,
   on its stream and on others. */
#include <pthread.h>
#include <unistd.h>

#include "check.h"
#include "into.h"
#include "ops/build.h"
#include "table/test_rows.h"
#include "tarn/tarn.h"

enum { LINKS = 3000, SIZE = 160, EACH = 50 };

static effect_log log_;

static void retain_log(void *object) {
    atomic_fetch_add(&((effect_log *)object)->holders, 1);
}
static void release_log(void *object) {
    atomic_fetch_sub(&((effect_log *)object)->holders, 1);
}
static const object_type log_type = {.name = "log", .retain = retain_log, .release = release_log};

/* x @ x @ …, scaled so that it stays what it is; the log counts every fiftieth link. */
static tarn_array *chain(tarn_array *x, int links) {
    tarn_array *y = x;
    for (int i = 0; i < links; i++) {
        y = tarn_matmul(y, x);
        if (i % EACH == 0)
            y = BUILD(test_effect, (&(attributes_test_effect){.log = {&log_type, &log_}, .number = i}), y);
    }
    return y;
}

/* Ones that a product with itself gives again. */
static tarn_array *square(void) {
    return tarn_full(TARN_SHAPE(SIZE, SIZE), 1.0 / SIZE, TARN_FLOAT32);
}

static bool is_square(tarn_array *y) {
    double least = tarn_item(tarn_min(y)), most = tarn_item(tarn_max(y));
    return tarn_ok() && least > 0.99 / SIZE && most < 1.01 / SIZE;
}

/* Stops when the chain is under way; it waits for that. */
static void *stop(void *context) {
    (void)context;
    while (!atomic_load(&log_.count)) usleep(100);
    tarn_interrupt();
    atomic_store(&log_.held, false);
    return NULL;
}

static pthread_t begin_stopping(void) {
    pthread_t thread;
    atomic_store(&log_.count, 0);
    atomic_store(&log_.held, true);
    CHECK(pthread_create(&thread, NULL, stop, NULL) == 0);
    return thread;
}

static bool was_stopped(void) {
    bool stopped = tarn_error_kind() == TARN_ERROR_INTERRUPT;
    tarn_clear_error();
    return stopped;
}

static void check_stopped(bool later, tarn_stream *where, tarn_stream *other) {
    TARN_SCOPE;
    tarn_stream *before = tarn_use_stream(other);
    tarn_array *done = tarn_keep(tarn_add(square(), square()));
    CHECK(tarn_eval(done));
    tarn_use_stream(where);
    tarn_array *x = tarn_keep(square()), *y = tarn_keep(chain(x, LINKS));
    CHECK(tarn_eval(x));
    pthread_t thread = begin_stopping();
    if (later)
        CHECK(tarn_async_eval(y) && tarn_synchronize(NULL));
    else
        CHECK(!tarn_eval(y) && was_stopped());
    pthread_join(thread, NULL);
    int links = atomic_load(&log_.count);
    CHECK(links >= 1 && links < LINKS / EACH);
    tarn_clear_interrupt();

    CHECK(is_square(x) && tarn_item(tarn_max(done)) > 1.9 / SIZE);
    CHECK((tarn_item(tarn_sum(y)), was_stopped()));
    CHECK(is_square(chain(x, 20)));
    tarn_use_stream(other);
    CHECK(is_square(chain(x, 20)) && is_square(tarn_subtract(done, x)));
    tarn_use_stream(before);
    tarn_drop(x);
    tarn_drop(y);
    tarn_drop(done);
}

static bool compiled_chain(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, chain(x[0], LINKS));
}

static void check_compiled(void) {
    TARN_SCOPE;
    tarn_compiled *f = tarn_compile(TARN_FUNCTION(compiled_chain, NULL));
    tarn_array *x = square(), *y = NULL;
    CHECK(tarn_eval(x));
    pthread_t thread = begin_stopping();
    y = tarn_results_at(tarn_compiled_call(f, &x, 1), 0);
    CHECK(y && (tarn_item(tarn_sum(y)), was_stopped()));
    pthread_join(thread, NULL);
    tarn_clear_interrupt();
    CHECK(atomic_load(&log_.count) < LINKS / EACH && is_square(x));
    tarn_compiled_free(f);
}

int main(void) {
    tarn_device cpu = {TARN_CPU, 0};
    tarn_stream *one = tarn_stream_new(cpu), *two = tarn_stream_new(cpu);
    check_stopped(false, one, two);
    check_stopped(true, one, two);
    check_stopped(true, two, two);
    check_compiled();
    tarn_stream_free(one);
    tarn_stream_free(two);
    CHECK(atomic_load(&log_.holders) == 0);
    return check_report("interrupt");
}
