/* Calls of compiled functions that are put off (.later): nothing is computed before a result is asked for; what only
   the call holds then is written over; each result gives its memory back by itself; threads, failures, long chains. */
#include <pthread.h>

#include "base/memory.h"
#include "check.h"
#include "graph_streams.h"
#include "tarn/tarn.h"

enum { SIZE = 1 << 18, BYTES = 4 * SIZE, LINKS = 20000, THREADS = 8 };

static int traced;

/* x * 2 + 1, and the sum of that */
static bool step(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context, (void)count;
    __atomic_add_fetch(&traced, 1, __ATOMIC_RELAXED);
    tarn_array *y = tarn_add_number(tarn_multiply_number(x[0], 2), 1);
    return tarn_result(results, y) && tarn_result(results, tarn_sum(y));
}

static tarn_array *put_off(tarn_compiled *f, tarn_array *x, int which) {
    return tarn_results_at(tarn_compiled_call(f, &x, 1, .later = true), which);
}

/* What the function keeps for arrays of this size, it keeps from now on. */
static void trace(tarn_compiled *f, int64_t size) {
    TARN_SCOPE;
    CHECK(tarn_eval(put_off(f, tarn_ones(TARN_SHAPE(size), TARN_FLOAT32), 0)));
}

/* Ones, of the caller's alone. */
static tarn_array *ones(int64_t size) {
    TARN_SCOPE;
    tarn_array *x = tarn_keep(tarn_ones(TARN_SHAPE(size), TARN_FLOAT32));
    CHECK(tarn_eval(x));
    return x;
}

static int64_t peak(void) {
    tarn_memory m;
    tarn_memory_info(cpu, &m);
    return m.peak_active;
}

static void check_lazy(tarn_compiled *f) {
    trace(f, SIZE);
    tarn_array *x = ones(SIZE), *y;
    int64_t before = active(cpu);
    {
        TARN_SCOPE;
        for (int i = 0; i < 10; i++) put_off(f, x, 0);
        CHECK(tarn_synchronize(NULL) && active(cpu) == before);
        y = tarn_keep(put_off(f, x, 0));
    }
    CHECK(active(cpu) == before && tarn_eval(y));
    int64_t added = active(cpu) - before; /* TARN_HARD adds guards */
    CHECK(added >= BYTES && added < BYTES + BYTES / 8);
    TARN_SCOPE;
    CHECK(tarn_item(tarn_sum(y)) == 3.0 * SIZE && tarn_item(tarn_sum(x)) == SIZE);
    tarn_drop(x);
    tarn_drop(y);
}

/* In the memory of what was dropped; of a chain each link in that of the one before. */
static void check_written_over(tarn_compiled *f) {
    tarn_array *x = ones(SIZE);
    const void *there = tarn_data(x);
    int64_t before = active(cpu);
    tarn_reset_peak(cpu);
    for (int i = 0; i < 5; i++) {
        TARN_SCOPE;
        tarn_array *y = tarn_keep(put_off(f, x, 0));
        tarn_drop(x);
        x = y;
    }
    CHECK(tarn_data(x) == there && peak() < before + BYTES / 2);
    CHECK(((const float *)there)[7] == 63);
    tarn_drop(x);
}

/* What somebody else holds, or reads later, stays. */
static void check_kept(tarn_compiled *f) {
    TARN_SCOPE;
    tarn_array *x = ones(64), *beside = tarn_add(x, x), *y = put_off(f, x, 0), *twice = put_off(f, y, 0);
    tarn_drop(x);
    CHECK(tarn_item(tarn_sum(twice)) == 7 * 64 && tarn_item(tarn_sum(beside)) == 128);
    CHECK(tarn_item(tarn_sum(y)) == 3 * 64);
}

/* One result gives its memory back although the other one stays. */
static void check_siblings(tarn_compiled *f) {
    tarn_array *x = ones(SIZE), *y, *sum;
    int64_t before = active(cpu);
    {
        TARN_SCOPE;
        tarn_results *both = tarn_compiled_call(f, &x, 1, .later = true);
        y = tarn_keep(tarn_results_at(both, 0)), sum = tarn_keep(tarn_results_at(both, 1));
    }
    CHECK(tarn_eval(sum) && tarn_synchronize(NULL) && active(cpu) > before + BYTES / 2);
    tarn_drop(y);
    CHECK(active(cpu) < before + BYTES / 2);
    tarn_array *alone;
    {
        TARN_SCOPE;
        alone = tarn_keep(put_off(f, x, 1)); /* nobody wants the other one */
    }
    CHECK(tarn_item(alone) == 3.0 * SIZE && active(cpu) < before + BYTES / 2);
    tarn_drop(sum);
    tarn_drop(alone);
    tarn_drop(x);
}

/* Neither running nor freeing a chain recurses. */
static void check_long_chain(tarn_compiled *f) {
    trace(f, 1);
    int64_t nodes = nodes_alive();
    for (int computed = 0; computed < 2; computed++) {
        tarn_array *x = ones(1);
        for (int i = 0; i < LINKS; i++) {
            TARN_SCOPE;
            tarn_array *y = tarn_keep(put_off(f, x, 0));
            tarn_drop(x);
            x = y;
        }
        if (computed) CHECK(tarn_eval(x));
        tarn_drop(x);
    }
    CHECK(nodes_alive() == nodes);
}

static bool count_up(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)inputs, (void)count;
    tarn_array **state = context;
    *state = tarn_add_number(*state, 1);
    return tarn_result(results, tarn_sum(*state));
}

/* The state is written over at each call, and is as lazy as the results. */
static void check_state(void) {
    TARN_SCOPE;
    tarn_array *state = ones(SIZE), **variables[] = {&state};
    const void *there = tarn_data(state);
    tarn_compiled *f = tarn_compile(TARN_FUNCTION(count_up, &state), .state = variables, .state_count = 1);
    tarn_array *last = NULL;
    for (int i = 0; i < 4; i++) {
        TARN_SCOPE;
        last = tarn_return(tarn_results_at(tarn_compiled_call(f, NULL, 0, .later = true), 0));
    }
    CHECK(tarn_item(last) == 5.0 * SIZE && tarn_data(state) == there);
    tarn_drop(state);
    tarn_compiled_free(f);
}

/* Other shapes: what was built for the first serves, and shapes that do not fit are told when it is called. */
static void check_shapeless(void) {
    TARN_SCOPE;
    tarn_compiled *f = tarn_compile(TARN_FUNCTION(step, NULL), .shapeless = true);
    traced = 0;
    for (int64_t size = 1; size < 6; size++) {
        tarn_array *x = tarn_ones(TARN_SHAPE(size), TARN_FLOAT32), *y = put_off(f, x, 0);
        CHECK(tarn_dim(y, 0) == size && tarn_item(tarn_sum(y)) == 3.0 * (double)size);
    }
    CHECK(traced == 1);
    tarn_compiled_free(f);
}

/* A box like that of an operation. */
static void check_picture(tarn_compiled *f) {
    TARN_SCOPE;
    tarn_array *y = put_off(f, tarn_ones(TARN_SHAPE(2), TARN_FLOAT32), 0);
    char *picture = tarn_dump_dot(&y, 1);
    CHECK(picture && strstr(picture, "later\\nfloat32 [2]\\nfloat32 []"));
    tarn_free(picture);
}

/* The function may go before its calls run. */
static void check_freed(void) {
    TARN_SCOPE;
    tarn_compiled *f = tarn_compile(TARN_FUNCTION(step, NULL));
    tarn_array *x = tarn_ones(TARN_SHAPE(3), TARN_FLOAT32), *y = put_off(f, tarn_add(x, x), 1);
    tarn_compiled_free(f);
    CHECK(tarn_item(y) == 15);
}

static bool invert(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, tarn_linalg_inv(x[0])) && tarn_result(results, tarn_add_number(x[0], 1));
}

static void check_failing_kernel(void) {
    TARN_SCOPE;
    tarn_compiled *f = tarn_compile(TARN_FUNCTION(invert, NULL));
    tarn_array *zeros = tarn_zeros(TARN_SHAPE(2, 2), TARN_FLOAT32);
    tarn_results *both = tarn_compiled_call(f, &zeros, 1, .later = true);
    CHECK_ERROR(tarn_eval(tarn_results_at(both, 0)), "singular");
    CHECK_ERROR(tarn_data(tarn_results_at(both, 0)), "singular");
    CHECK(tarn_item(tarn_sum(tarn_results_at(both, 1))) == 4 && tarn_synchronize(NULL));
    tarn_compiled_free(f);
}

/* ---- every allocation fails in turn: an error each time, nothing is lost, and the next try works */

static bool call_twice(tarn_array *x) {
    TARN_SCOPE;
    tarn_compiled *f = tarn_compile(TARN_FUNCTION(step, NULL));
    tarn_array *y = f ? put_off(f, put_off(f, tarn_add(x, x), 0), 1) : NULL;
    bool ok = y && tarn_item(y) == 11 * 8;
    tarn_compiled_free(f);
    return ok;
}

static void check_allocations(void) {
    tarn_array *x = ones(8);
    CHECK(call_twice(x));
    int64_t nodes = nodes_alive(), counted = 0, n = 0;
    do {
        memory_fail_at(++n);
        bool ok = call_twice(x);
        counted = memory_fail_at(0);
        CHECK(ok == tarn_ok());
        tarn_clear_error();
        CHECK(tarn_synchronize(NULL) && nodes_alive() == nodes && call_twice(x));
    } while (counted >= n && n < 10000);
    CHECK(n > 20 && n < 10000);
    tarn_drop(x);
}

/* ---- threads that ask for the results of the same calls */

typedef struct {
    tarn_compiled *f;
    tarn_array *shared, *deep;
    int number;
} player;

static void *play(void *context) {
    const player *p = context;
    for (int i = 0; i < 50; i++) {
        TARN_SCOPE;
        tarn_array *mine = put_off(p->f, tarn_full(TARN_SHAPE(16), p->number, TARN_FLOAT32), 0);
        tarn_array *sum = put_off(p->f, tarn_add(mine, p->deep), 1);
        CHECK(tarn_item(sum) == 16 * (2 * (2 * p->number + 1 + 31) + 1));
        CHECK(tarn_item(tarn_sum(p->shared)) == 48);
    }
    return NULL;
}

static void check_threads(tarn_compiled *f) {
    for (int round = 0; round < 20; round++) {
        TARN_SCOPE;
        tarn_array *shared = ones(16), *x = put_off(f, shared, 0), *deep = x;
        for (int i = 0; i < 3; i++) deep = put_off(f, deep, 0);
        tarn_drop(shared);
        player players[THREADS];
        pthread_t threads[THREADS];
        for (int i = 0; i < THREADS; i++) {
            players[i] = (player){f, x, deep, i};
            CHECK(pthread_create(&threads[i], NULL, play, &players[i]) == 0);
        }
        for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    }
}

static bool gives_nothing(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context, (void)x, (void)count, (void)results;
    return true;
}

static void check_no_result(void) {
    TARN_SCOPE;
    tarn_compiled *f = tarn_compile(TARN_FUNCTION(gives_nothing, NULL));
    tarn_array *x = ones(1);
    for (int i = 0; i < 2; i++) {
        tarn_results *results = tarn_compiled_call(f, &x, 1, .later = true);
        CHECK(results && tarn_results_count(results) == 0 && tarn_ok());
    }
    tarn_drop(x);
    tarn_compiled_free(f);
}

int main(void) {
    int64_t nodes = nodes_alive();
    tarn_compiled *f = tarn_compile(TARN_FUNCTION(step, NULL));
    check_lazy(f);
    check_written_over(f);
    check_kept(f);
    check_siblings(f);
    check_long_chain(f);
    check_state();
    check_no_result();
    check_shapeless();
    check_freed();
    check_picture(f);
    check_failing_kernel();
    check_allocations();
    check_threads(f);
    tarn_compiled_free(f);
    CHECK(tarn_ok() && nodes_alive() == nodes);
    return check_report("later");
}
