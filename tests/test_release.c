/* Functions by which the user gets back what is his: called in a thread of his, with no lock held, so that they may do
 * anything. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "into.h"
#include "paths.h"
#include "tarn/tarn.h"

static const tarn_device cpu = {TARN_CPU, 0}, mock = {TARN_MOCK, 0};
enum { N = 1 << 16 };

/* What the functions found and did. */
static struct {
    pthread_t allowed; /* the only thread that may call them */
    atomic_int calls;
    bool elsewhere;
    tarn_array *other; /* evaluated by some */
    double value;
    tarn_stream *stream; /* freed by some */
} seen;

static void begin(void) {
    memset(&seen, 0, sizeof seen);
    seen.allowed = pthread_self();
}

static void count_call(void *context) {
    seen.elsewhere = seen.elsewhere || !pthread_equal(pthread_self(), seen.allowed);
    atomic_fetch_add(&seen.calls, 1);
    free(context);
}

static void work(void *context) {
    TARN_SCOPE;
    seen.value = tarn_item(tarn_sum(tarn_add(seen.other, seen.other)));
    tarn_memory info;
    CHECK(tarn_memory_info(cpu, &info));
    tarn_clear_cache(cpu);
    if (seen.stream) {
        tarn_use_stream(seen.stream);
        CHECK(tarn_eval(tarn_exp(seen.other)));
        tarn_use_stream(NULL);
        tarn_stream_free(seen.stream);
    }
    count_call(context);
}

static tarn_array *foreign(int64_t n, void (*release)(void *context)) {
    float *data = malloc((size_t)n * sizeof *data);
    for (int64_t i = 0; i < n; i++) data[i] = 1;
    return tarn_from_foreign(data, TARN_SHAPE(n), TARN_FLOAT32, .release = release, .context = data);
}

/* The last user of the memory is a kernel on the stream's thread. */
static void test_foreign(void) {
    begin();
    TARN_SCOPE;
    tarn_array *y;
    {
        TARN_SCOPE;
        y = tarn_keep(tarn_sum(tarn_sort(tarn_exp(foreign(N, count_call)), .axis = TARN_AXIS(0))));
        CHECK(tarn_async_eval(y));
    }
    while (seen.calls == 0) {
        usleep(1000);
        tarn_drain_released();
    }
    CHECK(seen.calls == 1 && !seen.elsewhere);
    CHECK(tarn_item(y) > 2.7 * N);
    tarn_drop(y);
}

static void test_at_once(void) {
    begin();
    tarn_array *x;
    {
        TARN_SCOPE;
        foreign(8, count_call);
        x = tarn_keep(foreign(8, count_call));
    }
    CHECK(seen.calls == 1); /* the end of a scope */
    tarn_drop(x);
    CHECK(seen.calls == 2); /* a drop */
}

/* Functions that evaluate and free a stream. */
static void test_working(void) {
    begin();
    TARN_SCOPE;
    seen.other = tarn_keep(tarn_ones(TARN_SHAPE(10), TARN_FLOAT32));
    seen.stream = tarn_stream_new(cpu);
    {
        TARN_SCOPE;
        tarn_async_eval(tarn_exp(foreign(N, work)));
    }
    CHECK(tarn_synchronize(NULL));
    CHECK(seen.calls == 1 && seen.value == 20 && !seen.elsewhere);
    tarn_drop(seen.other);
}

/* The last who holds a custom function is a graph, whose nodes are freed under the lock of the graphs. */
static bool square(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, tarn_square(inputs[0]));
}

static void test_custom(void) {
    begin();
    TARN_SCOPE;
    seen.other = tarn_keep(tarn_add(tarn_scalar(1, TARN_FLOAT32), tarn_scalar(2, TARN_FLOAT32)));
    void *context = malloc(8);
    tarn_custom_function *c = tarn_custom_new(TARN_FUNCTION(square, context), .release = work);
    tarn_array *z;
    {
        TARN_SCOPE;
        tarn_array *x = tarn_scalar(3, TARN_FLOAT32), *y;
        CHECK(into(&y, tarn_custom_call(c, &x, 1)));
        z = tarn_keep(tarn_add(y, y));
    }
    tarn_custom_free(c);
    CHECK(seen.calls == 0);
    CHECK(tarn_item(z) == 18); /* computed, it forgets its inputs */
    CHECK(seen.calls == 1 && seen.value == 6 && !seen.elsewhere);
    tarn_drop(z);
    tarn_drop(seen.other);
}

/* A function that makes the next one due, many times over: they do not call each other. */
static tarn_array *chain[10000];

static void drop_next(void *context) {
    int i = atomic_load(&seen.calls);
    count_call(context);
    if (i + 1 < (int)(sizeof chain / sizeof *chain)) tarn_drop(chain[i + 1]);
}

static void test_chain(void) {
    begin();
    {
        TARN_SCOPE;
        for (size_t i = 0; i < sizeof chain / sizeof *chain; i++) chain[i] = tarn_keep(foreign(1, drop_next));
    }
    tarn_drop(chain[0]);
    CHECK(seen.calls == sizeof chain / sizeof *chain);
}

/* The thread's error stays what it was; the function works all the same. */
static void fail(void *context) {
    CHECK(tarn_ok());
    work(context);
    tarn_fail("an error of the function's own");
}

static void test_errors(void) {
    begin();
    TARN_SCOPE;
    seen.other = tarn_keep(tarn_ones(TARN_SHAPE(10), TARN_FLOAT32));
    {
        TARN_SCOPE;
        foreign(4, fail);
        tarn_fail("an error from before");
    }
    CHECK(seen.calls == 1 && seen.value == 20 && tarn_error() && strcmp(tarn_error(), "an error from before") == 0);
    tarn_clear_error();
    tarn_drop(seen.other);
}

/* Of an array that cannot be made nothing is given back. */
static void test_refused(void) {
    begin();
    float one = 1;
    CHECK_ERROR(tarn_from_foreign(&one, TARN_SHAPE(1), TARN_FLOAT32, .release = count_call), "scope");
    TARN_SCOPE;
    CHECK_ERROR(tarn_from_foreign(&one, TARN_SHAPE(-1), TARN_FLOAT32, .release = count_call), "from_foreign");
    tarn_drain_released();
    CHECK(seen.calls == 0);
}

/* While the function is called the thread traces nothing. */
static bool drop_inside(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)count;
    tarn_drop(context);
    CHECK(seen.calls == 1 && seen.value == 20);
    return tarn_result(results, tarn_sum(tarn_square(inputs[0])));
}

static void test_traced(void) {
    begin();
    TARN_SCOPE;
    seen.other = tarn_keep(tarn_ones(TARN_SHAPE(10), TARN_FLOAT32));
    tarn_array *mine;
    {
        TARN_SCOPE;
        mine = tarn_keep(foreign(4, work));
    }
    tarn_array *x = tarn_scalar(3, TARN_FLOAT32), *g = NULL;
    CHECK(into(&g, tarn_grad(TARN_FUNCTION(drop_inside, mine), &x, 1)) && tarn_item(g) == 6);
    tarn_drop(seen.other);
}

/* Threads that evaluate what stands on memory of others; every block comes back once. */
static void count_any(void *context) {
    atomic_fetch_add(&seen.calls, 1);
    free(context);
}

enum { THREADS = 4, ROUNDS = 200 };

static void *evaluate_often(void *context) {
    (void)context;
    for (int i = 0; i < ROUNDS; i++) {
        TARN_SCOPE;
        tarn_array *y = tarn_sum(tarn_add(foreign(1000 + i, count_any), foreign(1000 + i, count_any)));
        if (i % 2) tarn_async_eval(y);
        if (tarn_item(y) != 2 * (1000 + i)) check_failures++;
    }
    return NULL;
}

static void test_threads(void) {
    begin();
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, evaluate_often, NULL) == 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    tarn_synchronize(NULL);
    CHECK(seen.calls == THREADS * ROUNDS * 2);
}

/* ---- another evaluation while one is under way: it computes a node that both need, which gives up its inputs */

static bool evaluate_in_check(void *context) {
    static bool within;
    tarn_array **shared = context;
    if (within) return true;
    within = true;
    bool ok = !*shared || tarn_eval(*shared);
    within = false;
    return ok;
}

static void test_evaluation_within(void) {
    static const float numbers[4] = {1, 2, 3, 4};
    TARN_SCOPE;
    tarn_array *shared = NULL, *sum;
    tarn_pinned *pin;
    tarn_layout layout;
    tarn_array *file =
        tarn_from_foreign(numbers, TARN_SHAPE(4), TARN_FLOAT32, .check = evaluate_in_check, .context = &shared);
    {
        TARN_SCOPE;
        tarn_array *factor = tarn_full(TARN_SHAPE(4), 3, TARN_FLOAT32); /* which nobody else will hold */
        CHECK((pin = tarn_pin(factor, &layout)) != NULL);               /* nor may its memory be taken */
        shared = tarn_return(tarn_sort(tarn_multiply(factor, file), .axis = TARN_AXIS(0)));
    }
    sum = tarn_sum(shared);
    CHECK(tarn_eval(sum));
    CHECK(tarn_item(sum) == 30 && tarn_item(tarn_max(shared)) == 12);
    tarn_unpin(pin);
}

static bool is_unchanged(void *context) {
    return context == NULL;
}

/* Several evaluations on their way write one buffer in turn, each from foreign memory: each waits for the checks of
   those before it, not of those behind. */
static void test_checks_of_one_buffer(void) {
    enum { SIZE = 1 << 20 };
    static float numbers[SIZE] = {[SIZE - 1] = 1};
    TARN_SCOPE;
    tarn_array *file = tarn_from_foreign(numbers, TARN_SHAPE(SIZE), TARN_FLOAT32, .check = is_unchanged);
    tarn_array *sum = tarn_own(tarn_multiply(file, tarn_scalar(1, TARN_FLOAT32)));
    for (int i = 0; i < 50; i++) {
        TARN_SCOPE;
        tarn_array *next = tarn_own(tarn_add(sum, file));
        tarn_drop(sum);
        CHECK(tarn_async_eval(next));
        sum = next;
    }
    CHECK(tarn_eval(sum) && tarn_item(tarn_max(sum)) == 51);
    tarn_drop(sum);
}

/* A run whose results are read while another stream is still at the rest of it: the checks of the run that reads them
   are due first, and have to be put off. */
static void test_checks_of_two_streams(void) {
    enum { SIZE = 1 << 20 };
    static float numbers[SIZE] = {[SIZE - 1] = 1};
    TARN_SCOPE;
    tarn_stream *other = tarn_stream_new(tarn_default_device());
    tarn_array *file = tarn_from_foreign(numbers, TARN_SHAPE(SIZE), TARN_FLOAT32, .check = is_unchanged);
    tarn_array *quick = tarn_multiply(file, tarn_scalar(2, TARN_FLOAT32)), *slow = file;
    tarn_use_stream(other);
    for (int i = 0; i < 5; i++) slow = tarn_sort(tarn_sin(slow), .axis = TARN_AXIS(0));
    tarn_use_stream(NULL);
    CHECK(tarn_async_eval_all(TARN_ARRAYS(quick, slow), 2));
    tarn_array *next = tarn_add(quick, file);
    CHECK(tarn_eval(next) && tarn_item(tarn_max(next)) == 3 && tarn_eval(slow));
    tarn_stream_free(other);
}

/* Memory of another device: an array of the mock device stands over a second one's. */
static void unpin(void *context) {
    tarn_unpin(context);
    count_call(NULL);
}

static void check_sum(tarn_array *a, tarn_device device, double expected) {
    TARN_ON(tarn_default_stream(device));
    CHECK(tarn_item(tarn_sum(tarn_multiply(a, tarn_scalar(2, TARN_FLOAT32)))) == 2 * expected);
}

static void check_over(tarn_stream *stream, const tarn_layout *layout, tarn_pinned *pin) {
    TARN_SCOPE;
    tarn_layout again;
    tarn_array *a = tarn_from_foreign(layout->data, TARN_SHAPE(100), TARN_FLOAT32, .stream = stream, .release = unpin,
                                      .context = pin);
    CHECK(tarn_resident_device(a).type == TARN_MOCK);
    tarn_pinned *held = tarn_pin(a, &again, .stream = stream);
    CHECK(held && again.data == layout->data);
    tarn_unpin(held);
    check_sum(a, mock, 4950);
    check_sum(tarn_as_strided(a, TARN_SHAPE(5, 10), TARN_INTS(1, 10)), mock, 2250 + 100);
    check_sum(a, cpu, 4950);
    CHECK(tarn_resident_device(a).type == TARN_CPU && seen.calls == 0);
}

static void test_memory_of_a_device(void) {
    begin();
    TARN_SCOPE;
    tarn_stream *stream = tarn_default_stream(mock);
    TARN_ON(stream);
    tarn_layout layout;
    tarn_array *a = tarn_arange(0, 100, 1, TARN_FLOAT32);
    CHECK(tarn_resident_device(a).type == TARN_MOCK && tarn_resident_device(NULL).type == TARN_CPU);
    tarn_pinned *pin = tarn_pin(a, &layout, .stream = stream);
    CHECK(pin);
    if (pin) check_over(stream, &layout, pin);
    tarn_drain_released();
    CHECK(seen.calls == 1 && !seen.elsewhere);
    check_sum(a, cpu, 4950);
}

int main(void) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 0);
    test_foreign();
    test_memory_of_a_device();
    test_at_once();
    test_working();
    test_custom();
    test_chain();
    test_errors();
    test_refused();
    test_traced();
    test_threads();
    test_evaluation_within();
    test_checks_of_one_buffer();
    test_checks_of_two_streams();
    return check_report("release");
}
