/* Evaluation's corners, each a graph of its own: memory that is shared, given away, mapped or limited; streams that go;
   plans over arguments that lie anywhere; very long and very wide graphs; threads. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "into.h"
#include "tarn/tarn.h"
#include "paths.h"

static const tarn_device cpu = {TARN_CPU, 0}, mock = {TARN_MOCK, 0};

static tarn_memory memory(void) {
    tarn_memory m = {0};
    tarn_synchronize(NULL);
    tarn_memory_info(cpu, &m);
    return m;
}
static tarn_array *ramp(int n) {
    return tarn_arange(0, n, 1, TARN_FLOAT32);
}
static double at(tarn_array *a, int i) {
    const float *data = tarn_data(a);
    return data ? (double)data[i] : -1e30;
}
/* Of this process, whatever others do meanwhile. */
static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Each two of the shapes go together, the three do not. */
static void test_three_shapes(void) {
    TARN_SCOPE;
    tarn_array *choice = tarn_ones(TARN_SHAPE(4, 1), TARN_BOOL), *x = tarn_ones(TARN_SHAPE(3, 1, 6), TARN_FLOAT32);
    tarn_array *y = tarn_ones(TARN_SHAPE(2, 1, 1), TARN_FLOAT32);
    CHECK_ERROR(tarn_where(choice, x, y), "where");
    CHECK_ERROR(tarn_where(tarn_ones(TARN_SHAPE(4), TARN_BOOL), tarn_ones(TARN_SHAPE(1), TARN_FLOAT32),
                           tarn_ones(TARN_SHAPE(6), TARN_FLOAT32)),
                "where");
}

/* b = a[:2]; a[0] = 5: whatever is evaluated first. */
static void test_aliasing(void) {
    for (int order = 0; order < 12; order++) {
        TARN_SCOPE;
        tarn_array *a = order & 1 ? ramp(4) : tarn_add(ramp(4), tarn_zeros(TARN_SHAPE(4), TARN_FLOAT32));
        if (order & 2) CHECK(tarn_eval(a));
        tarn_array *b = tarn_slice_axis(a, 0, 0, 2), *five = tarn_full(TARN_SHAPE(1), 5, TARN_FLOAT32);
        if (order & 4) CHECK(tarn_eval(b));
        tarn_array *c = tarn_slice_update(tarn_move(a), five, tarn_from_data((int32_t[]){0}, TARN_SHAPE(1), TARN_INT32),
                                          TARN_AXES(0));
        if (order >= 8) CHECK(tarn_eval(c));
        CHECK(tarn_eval(b, c));
        CHECK(at(b, 0) == 0 && at(b, 1) == 1 && at(c, 0) == 5 && at(c, 1) == 1 && at(c, 3) == 3);
    }
}

/* One output of a node has its value: asking for the other finds it in place, kernel or formula. */
static void test_second_output(void) {
    TARN_SCOPE;
    tarn_array *pair[2], *q[3], *x = ramp(64);
    CHECK(tarn_divmod(x, tarn_scalar(4, TARN_FLOAT32), pair));
    CHECK(tarn_eval(pair[0]));
    CHECK(tarn_eval(pair[0], pair[1]) && at(pair[0], 9) == 2 && at(pair[1], 9) == 1);
    CHECK(tarn_quantize(tarn_reshape(x, TARN_SHAPE(2, 32)), q, .group_size = 32, .bits = 8));
    CHECK(tarn_eval(q[1]));
    CHECK(tarn_eval(q[0], q[1]));
    CHECK(tarn_item(tarn_max(tarn_abs(
              tarn_subtract(tarn_reshape(x, TARN_SHAPE(2, 32)),
                            tarn_dequantize(q[0], q[1], .biases = q[2], .group_size = 32, .bits = 8))))) < 0.2);
}

/* That a value was looked at changes nothing of what is computed from it: kernels add up strided numbers in another
   order than dense ones. */
static void test_looked_at(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_random_normal(tarn_random_key(3), TARN_SHAPE(9, 301), TARN_FLOAT32), *sums[2];
    for (int looked = 0; looked < 2; looked++) {
        tarn_array *turned = tarn_transpose(x);
        if (looked) CHECK(tarn_data(turned) && tarn_data(turned) == tarn_data(turned));
        sums[looked] = tarn_sum(tarn_reshape(tarn_transpose(turned), TARN_SHAPE(9, 7, 43)), .axes = TARN_AXES(0, 2));
        sums[looked] = tarn_add(sums[looked], tarn_sum(turned));
    }
    CHECK(tarn_item(tarn_array_equal(sums[0], sums[1])) == 1);
}

/* ---- memory of others, dropped while it is being read */

static int released;
static void count_release(void *context) {
    __atomic_add_fetch((int *)context, 1, __ATOMIC_SEQ_CST);
}

static void test_foreign_dropped_early(void) {
    enum { N = 1 << 20 };
    float *data = calloc(N, sizeof *data);
    for (int i = 0; i < 8; i++) {
        TARN_SCOPE;
        tarn_array *sum = NULL;
        {
            TARN_SCOPE;
            tarn_array *x =
                tarn_from_foreign(data, TARN_SHAPE(N), TARN_FLOAT32, .release = count_release, .context = &released);
            sum = tarn_return(tarn_sum(tarn_cumsum(tarn_cumsum(x, .axis = TARN_AXIS(0)), .axis = TARN_AXIS(0))));
            CHECK(tarn_async_eval(sum));
        }
        CHECK(tarn_item(sum) == 0);
    }
    tarn_synchronize(NULL);
    CHECK(__atomic_load_n(&released, __ATOMIC_SEQ_CST) == 8);
    free(data);
}

/* ---- plans */

static bool doubled(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, tarn_add(inputs[0], inputs[0])) &&
           tarn_result(results, tarn_slice_axis(inputs[0], 0, 1, 3));
}

/* Arguments of one kind that begin in different places of their buffers share a plan. */
static void test_plan_offsets(void) {
    TARN_SCOPE;
    tarn_compiled *f = tarn_compile(TARN_FUNCTION(doubled, NULL));
    tarn_array *x = ramp(40), *out[2];
    CHECK(tarn_eval(x));
    for (int i = 0; i < 10; i++) {
        CHECK(into(out, tarn_compiled_call(f, TARN_ARRAYS(tarn_slice_axis(x, 0, 4 * i, 4 * i + 4)), 1)));
        CHECK(at(out[0], 1) == 2 * (4 * i + 1) && at(out[1], 0) == 4 * i + 1 && at(out[1], 1) == 4 * i + 2);
    }
    int64_t plans, hits;
    tarn_compiled_info(f, &plans, &hits);
    CHECK(plans == 1 && hits == 9);
    tarn_compiled_free(f);
}

static bool shift(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)count;
    tarn_array *moved = tarn_add(inputs[0], tarn_scalar(1, TARN_FLOAT32)); /* may lie in the memory of input 0 */
    tarn_array *sum = tarn_cumsum(moved, .axis = TARN_AXIS(0));
    return tarn_result(results, tarn_add(tarn_multiply(sum, tarn_scalar(0, TARN_FLOAT32)),
                                         context ? (tarn_array *)context : inputs[1]));
}

/* The same array as a donated and as another argument, or captured as well: it is not given away. */
static void test_donated_twice(void) {
    TARN_SCOPE;
    tarn_compiled *f = tarn_compile(TARN_FUNCTION(shift, NULL), .donate = TARN_AXES(0));
    tarn_array *out;
    for (int i = 0; i < 3; i++) {
        tarn_array *x = ramp(16);
        CHECK(into(&out, tarn_compiled_call(f, TARN_ARRAYS(x, x), 2)) && at(out, 5) == 5);
    }
    tarn_compiled_free(f);
    tarn_array *both = tarn_keep(ramp(16));
    CHECK(tarn_eval(both));
    f = tarn_compile(TARN_FUNCTION(shift, both), .donate = TARN_AXES(0));
    for (int i = 0; i < 3; i++) CHECK(into(&out, tarn_compiled_call(f, TARN_ARRAYS(both, both), 2)) && at(out, 5) == 5);
    tarn_compiled_free(f);
    f = tarn_compile(TARN_FUNCTION(shift, both), .donate = TARN_AXES(0));
    for (int i = 0; i < 3; i++) CHECK(into(&out, tarn_compiled_call(f, TARN_ARRAYS(both), 1)) && at(out, 5) == 5);
    tarn_compiled_free(f);
    tarn_drop(both);
}

static bool increased(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, tarn_add(inputs[0], tarn_scalar(1, TARN_FLOAT32)));
}

/* What still needs an array that was given away says so, naming both; also if the array was computed, and not made from
 * memory. */
static void test_given_away(void) {
    for (int computed = 0; computed < 3; computed++) {
        TARN_SCOPE;
        tarn_array *x = computed ? tarn_cumsum(ramp(4), .axis = TARN_AXIS(0))
                                 : tarn_from_data((float[]){1, 2, 3, 4}, TARN_SHAPE(4), TARN_FLOAT32),
                   *out;
        CHECK(tarn_eval(x));
        tarn_array *later =
            computed == 2 ? tarn_reshape(x, TARN_SHAPE(2, 2)) : tarn_sort(tarn_negative(x), .axis = TARN_AXIS(0));
        tarn_compiled *f = tarn_compile(TARN_FUNCTION(increased, NULL), .donate = TARN_AXES(0));
        CHECK(into(&out, tarn_compiled_call(f, &x, 1)) && at(out, 1) == (computed ? 2 : 3));
        CHECK_ERROR(tarn_eval(later), computed == 2 ? "reshape float32 [2, 2]" : "sort float32 [4]");
        CHECK_ERROR(tarn_eval(later), computed ? "scan float32 [4]" : "data float32 [4]");
        CHECK_ERROR(tarn_eval(x), "given to another");
        CHECK_ERROR(into(&out, tarn_compiled_call(f, &x, 1)), "given to another");
        tarn_compiled_free(f);
    }
}

static bool count_up(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    TARN_SCOPE; /* the new state is held by its keep alone when the function returns */
    (void)count;
    tarn_array **state = context, *old = *state;
    *state = tarn_keep(tarn_add(old, inputs[0]));
    tarn_drop(old);
    return tarn_result(results, tarn_return(tarn_negative(*state)));
}

static void test_state_in_inner_scope(void) {
    TARN_SCOPE;
    tarn_array *state = tarn_keep(tarn_zeros(TARN_SHAPE(3), TARN_FLOAT32)), **slot = &state, *out;
    tarn_compiled *f = tarn_compile(TARN_FUNCTION(count_up, &state), .state = &slot, .state_count = 1,
                                    .donate = TARN_AXES(TARN_DONATE_STATE));
    for (int i = 1; i < 6; i++)
        CHECK(into(&out, tarn_compiled_call(f, TARN_ARRAYS(tarn_ones(TARN_SHAPE(3), TARN_FLOAT32)), 1)) &&
              at(out, 2) == -i && at(state, 0) == i);
    tarn_compiled_free(f);
    tarn_drop(state);
}

/* ---- limits */

static void test_memory_limit(void) {
    TARN_SCOPE;
    enum { N = 1 << 18 };
    tarn_array *x = ramp(N), *other = tarn_ones(TARN_SHAPE(N), TARN_FLOAT32);
    CHECK(tarn_eval(x, other));
    tarn_set_memory_limit(cpu, memory().active + N * 4 + 65536);
    tarn_array *big = tarn_concatenate(TARN_ARRAYS(x, other, x, other), 4);
    CHECK_ERROR(tarn_eval(big), "out of memory");
    CHECK(at(x, 7) == 7 && at(tarn_add(x, other), 7) == 8);
    tarn_array *y = tarn_keep(tarn_cumsum(x, .axis = TARN_AXIS(0))),
               *z = tarn_keep(tarn_concatenate(TARN_ARRAYS(tarn_move(y), x), 2));
    CHECK_ERROR(tarn_eval(z), "out of memory");
    tarn_set_memory_limit(cpu, 0);
    tarn_array *given = tarn_ones(TARN_SHAPE(N), TARN_FLOAT32);
    CHECK(tarn_eval(given));
    given = tarn_add(tarn_move(given), x); /* in place, before the limit is met */
    tarn_array *large = tarn_concatenate(TARN_ARRAYS(given, x), 2);
    tarn_set_memory_limit(cpu, memory().active + N * 4 + 65536);
    CHECK_ERROR(tarn_eval(large), "out of memory");
    tarn_set_memory_limit(cpu, 0);
    CHECK(at(large, 3) == 4 && at(large, N + 3) == 3); /* nothing was lost */
    CHECK(at(z, 3) == 6 && at(big, N) == 1);
    tarn_drop(z);
}

static void test_freed_stream(void) {
    TARN_SCOPE;
    tarn_array *x = ramp(1000), *y, *later;
    tarn_stream *s = tarn_stream_new(cpu);
    {
        TARN_ON(s);
        y = tarn_multiply(x, x);
        CHECK(tarn_async_eval(y));
        later = tarn_cumsum(tarn_add(y, x), .axis = TARN_AXIS(0));
    }
    tarn_stream_free(s);
    CHECK(at(y, 9) == 81 && at(later, 2) == 8);
    CHECK(at(tarn_add(later, y), 2) == 12);
    CHECK(tarn_synchronize(NULL) && tarn_synchronize(s));
}

/* ---- long and wide */

static void test_chain_of_views(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_keep(tarn_reshape(ramp(6), TARN_SHAPE(2, 3)));
    for (int i = 0; i < 300000; i++) {
        TARN_SCOPE;
        tarn_array *next = i % 3 ? tarn_transpose(x) : tarn_reshape(x, TARN_SHAPE(tarn_dim(x, 0), tarn_dim(x, 1)));
        tarn_keep(next);
        tarn_drop(x);
        x = next;
    }
    CHECK(at(x, 5) == 5);
    tarn_drop(x);
}

/* All read one array, every tenth is moved, and one sum reads them all. */
static void test_wide(void) {
    enum { N = 100000 };
    double start = seconds();
    TARN_SCOPE;
    tarn_array *x = ramp(5), **parts = malloc(N * sizeof(tarn_array *)), *row = tarn_expand_dims(x, TARN_AXES(0));
    for (int i = 0; i < N; i++)
        parts[i] = i % 3 ? tarn_sort(tarn_negative(row), .axis = TARN_AXIS(1)) : tarn_cumsum(row, .axis = TARN_AXIS(1));
    for (int i = 0; i < N; i += 10) parts[i] = tarn_move(parts[i]); /* the oldest first */
    tarn_array *all = tarn_concatenate(parts, N);
    CHECK(tarn_eval(all));
    double built = seconds();
    CHECK(at(all, 4) == 10 && at(all, 5) == -4);
    for (int i = 1; i < N; i += 997) CHECK(tarn_item(tarn_sum(parts[i % 10 ? i : i + 1])) != 1);
    double read = seconds();
    printf("100,000 nodes wide: %.2f s, of which %.2f s reading\n", read - start, read - built);
    CHECK(read - start < 200); /* quadratic work takes longer */
    free(parts);
}

/* ---- threads */

typedef struct {
    tarn_array *shared, *strided;
    tarn_stream *stream; /* NULL: one of its own */
    tarn_compiled *compiled;
    int number, failed;
} thread_work;

static void check_in_thread(thread_work *w, bool ok) {
    w->failed += !ok;
}

static void one_round(thread_work *w, tarn_stream *s, int i) {
    TARN_SCOPE;
    TARN_ON(s);
    tarn_array *y = tarn_multiply(w->shared, tarn_scalar(i, TARN_FLOAT32)), *z = tarn_add(y, w->shared), *out[2];
    if (i % 3 == 0) check_in_thread(w, tarn_async_eval(z));
    tarn_array *own = tarn_add(z, y), *moved = tarn_cumsum(tarn_move(own), .axis = TARN_AXIS(0));
    check_in_thread(w, at(moved, 1) == 2 * i + 1);
    check_in_thread(w, at(w->strided, 4) == 1); /* made dense by whoever comes first */
    check_in_thread(w, into(out, tarn_compiled_call(w->compiled, TARN_ARRAYS(z), 1)) && at(out[0], 2) == 4 * (i + 1));
    check_in_thread(w, at(y, 3) == 3 * i);
    if (i % 5 == 0) tarn_free(tarn_dump_text(&moved, 1));
    if (i % 7 == 0) check_in_thread(w, tarn_synchronize(NULL));
    tarn_memory m;
    check_in_thread(w, tarn_memory_info(cpu, &m));
    check_in_thread(w, tarn_default_device().type == TARN_CPU);
}

static void *thread_body(void *context) {
    thread_work *w = context;
    for (int i = 0; i < 60 && !w->failed; i++) {
        tarn_stream *own = w->stream ? NULL : i % 20 == 0 ? tarn_stream_new(cpu) : NULL;
        one_round(w, w->stream ? w->stream : own, i);
        if (own) tarn_stream_free(own);
    }
    w->failed += !tarn_ok();
    if (!tarn_ok()) fprintf(stderr, "thread %d: %s\n", w->number, tarn_error());
    return NULL;
}

static void test_threads(bool shared_stream, tarn_stream *stream) {
    enum { THREADS = 4 };
    TARN_SCOPE;
    thread_work work[THREADS];
    pthread_t threads[THREADS];
    tarn_array *shared = tarn_keep(ramp(1000));
    tarn_array *halves = tarn_slice_axis(tarn_transpose(tarn_reshape(shared, TARN_SHAPE(500, 2))), 1, 0, 4);
    tarn_array *strided =
        tarn_keep(tarn_transpose(tarn_remainder(tarn_transpose(halves), tarn_scalar(2, TARN_FLOAT32))));
    if (shared_stream) CHECK(tarn_eval(shared));
    tarn_compiled *f = tarn_compile(TARN_FUNCTION(doubled, NULL));
    for (int i = 0; i < THREADS; i++) {
        work[i] = (thread_work){shared, strided, shared_stream ? stream : NULL, f, i, 0};
        CHECK(pthread_create(&threads[i], NULL, thread_body, &work[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        CHECK(work[i].failed == 0);
    }
    tarn_compiled_free(f);
    tarn_drop(shared);
    tarn_drop(strided);
}

static void test_threads_all(void) {
    test_threads(false, NULL);
    test_threads(true, NULL);
    test_threads(true, tarn_default_stream(cpu));
    if (tarn_device_count(TARN_MOCK) > 0) test_threads(true, tarn_default_stream(mock));
}

static const struct {
    const char *name;
    void (*run)(void);
} cases[] = {
    {"three_shapes", test_three_shapes},
    {"aliasing", test_aliasing},
    {"second_output", test_second_output},
    {"looked_at", test_looked_at},
    {"foreign_dropped_early", test_foreign_dropped_early},
    {"plan_offsets", test_plan_offsets},
    {"donated_twice", test_donated_twice},
    {"given_away", test_given_away},
    {"state_in_inner_scope", test_state_in_inner_scope},
    {"memory_limit", test_memory_limit},
    {"freed_stream", test_freed_stream},
    {"chain_of_views", test_chain_of_views},
    {"wide", test_wide},
    {"threads", test_threads_all},
};

/* All cases, or those named. */
int main(int count, char **arguments) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool wanted = count < 2;
        for (int k = 1; k < count; k++) wanted = wanted || strcmp(arguments[k], cases[i].name) == 0;
        if (!wanted) continue;
        cases[i].run();
        CHECK(tarn_ok());
        tarn_clear_error();
        CHECK(memory().nodes == 0 && memory().active == 0);
    }
    return check_report("graph_cases");
}
