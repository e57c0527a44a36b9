/* Compiled functions: what they capture, keys, donation, state, threads, functions that call or free themselves,
   contexts that are * released. */
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"
#include "base/settings.h"
#include "check.h"
#include "core/array.h"
#include "into.h"
#include "tarn/tarn.h"

#define BODY(name, ...)                                                                                                \
    static bool name(void *context, tarn_array *const *x, int count, tarn_results *results) {                          \
        (void)context, (void)x, (void)count;                                                                           \
        __VA_ARGS__                                                                                                    \
    }

static tarn_array *one(double value) {
    return tarn_scalar(value, TARN_FLOAT64);
}

static int64_t plans_of(const tarn_compiled *c) {
    int64_t plans;
    tarn_compiled_info(c, &plans, NULL);
    return plans;
}

static int64_t recomputed(void) {
    tarn_memory m = {0};
    CHECK(tarn_memory_info((tarn_device){TARN_CPU, 0}, &m));
    return m.recomputed;
}

/* ---- captured arrays */

BODY(adds_first, return tarn_result(results, tarn_add(x[0], tarn_slice_axis(*(tarn_array **)context, 0, 0, 1)));)

/* What is captured and not computed yet is computed by the first call, and not again; what the function makes itself
   is part of it. */
static void test_captured(void) {
    TARN_SCOPE;
    tarn_array *inner = tarn_keep(tarn_sort(tarn_sin(tarn_arange(0, 1000, 1, TARN_FLOAT64)), .axis = TARN_AXIS(0))), *y;
    tarn_array *captured = tarn_keep(tarn_cumsum(inner, .axis = TARN_AXIS(0)));
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(adds_first, &captured));
    double first = 0;
    int64_t before = recomputed();
    for (int i = 0; i < 4; i++) {
        CHECK(into(&y, tarn_compiled_call(c, TARN_ARRAYS(one(i)), 1)));
        CHECK(captured->buffer && inner->buffer);
        if (i == 0) first = tarn_item(y);
        CHECK(tarn_item(y) == first + i);
    }
    CHECK(tarn_item(tarn_slice_axis(captured, 0, 0, 1)) == first && first < -0.9);
    CHECK(recomputed() == before && plans_of(c) == 1);
    tarn_compiled_free(c);
    tarn_drop(captured);
    tarn_drop(inner);
}

static tarn_array *made_inside;
static bool makes_inside(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context, (void)count;
    made_inside = tarn_arange(0, 4, 1, TARN_FLOAT64);
    node_retain(made_inside->node);
    return tarn_result(results, tarn_multiply(x[0], tarn_cumsum(made_inside, .axis = TARN_AXIS(0))));
}

static void test_made_inside(void) {
    TARN_SCOPE;
    tarn_array *y;
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(makes_inside, NULL));
    for (int i = 0; i < 3; i++)
        CHECK(into(&y, tarn_compiled_call(c, TARN_ARRAYS(one(i)), 1)) && tarn_item(tarn_sum(y)) == 10 * i);
    CHECK(!made_inside->buffer);
    node_release(made_inside->node);
    tarn_compiled_free(c);
}

/* ---- keys */

BODY(times_number, return tarn_result(results, tarn_multiply(x[0], one(*(int *)context)));)

static void test_keys(void) {
    TARN_SCOPE;
    int number;
    tarn_array *x = one(2), *y;
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(times_number, &number));
    for (int i = 0; i < 8; i++) {
        number = i % 4;
        CHECK(into(&y, tarn_compiled_call(c, &x, 1, .key = &number, .key_bytes = sizeof number)) &&
              tarn_item(y) == 2 * number);
    }
    CHECK(plans_of(c) == 4);
    number = 7;
    CHECK(into(&y, tarn_compiled_call(c, &x, 1, .key = "0123456789", .key_bytes = 10)) && tarn_item(y) == 14);
    number = 8;
    CHECK(into(&y, tarn_compiled_call(c, &x, 1, .key = "0123456789", .key_bytes = 10)) && tarn_item(y) == 14);
    CHECK(into(&y, tarn_compiled_call(c, &x, 1, .key = "0123456788", .key_bytes = 10)) && tarn_item(y) == 16);
    CHECK(into(&y, tarn_compiled_call(c, &x, 1, .key = "0123456789", .key_bytes = 9)) && tarn_item(y) == 16);
    CHECK(plans_of(c) == 7);
    CHECK_ERROR(tarn_compiled_call(c, &x, 1, .key_bytes = 1), "key of 1 bytes");
    CHECK_ERROR(tarn_compiled_call(c, &x, -1), "-1 inputs");
    tarn_compiled_free(c);
}

/* ---- donation: memory that two arguments share is not taken */

static bool adds_one_to_each(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context;
    for (int i = 0; i < count; i++)
        if (!tarn_result(results, tarn_add(x[i], one(1)))) return false;
    return true;
}

static void test_donation(void) {
    TARN_SCOPE;
    enum { MANY = 300 };
    tarn_array *x[MANY], *y[MANY];
    int64_t all[MANY];
    for (int i = 0; i < MANY; i++) x[i] = tarn_full(TARN_SHAPE(3), i, TARN_FLOAT64), all[i] = i;
    CHECK(tarn_eval_all(x, MANY));
    x[MANY - 1] = x[0];
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(adds_one_to_each, NULL), .donate = {all, MANY});
    CHECK(into(y, tarn_compiled_call(c, x, MANY)));
    for (int i = 0; i < MANY; i++) CHECK(tarn_item(tarn_sum(y[i])) == 3 * (i % (MANY - 1) + 1));
    CHECK(x[0]->buffer && !x[1]->buffer && !x[MANY - 2]->buffer);
    CHECK(tarn_item(tarn_sum(x[0])) == 0);
    tarn_compiled_free(c);
}

/* ---- state that is collected and stored: at each call every leaf grows by x, and there is one more until there are
   MOST */

enum { MOST = 4 };
typedef struct {
    tarn_array *leaves[MOST];
    int count, stored;
    bool fails, silent;
    double seen; /* of leaf 0, by another thread while the function is traced */
} container;

static bool collect(void *context, tarn_results *leaves) {
    container *s = context;
    for (int i = 0; i < s->count; i++)
        if (!tarn_result(leaves, s->leaves[i])) return false;
    return true;
}

static bool store(void *context, tarn_array *const *leaves, int count) {
    container *s = context;
    if (s->fails) return s->silent ? false : tarn_fail("the store is closed");
    for (int i = 0; i < s->count; i++) tarn_drop(s->leaves[i]);
    for (int i = 0; i < count; i++) s->leaves[i] = tarn_keep(leaves[i]);
    s->count = count;
    s->stored++;
    return true;
}

static void *see(void *context) {
    container *s = context;
    s->seen = s->count ? tarn_item(s->leaves[0]) : -1;
    tarn_clear_error();
    return NULL;
}

static bool grows(void *context, tarn_array *const *x, int count, tarn_results *results) {
    pthread_t other;
    if (pthread_create(&other, NULL, see, context)) return false;
    pthread_join(other, NULL);
    tarn_array *sum = x[0];
    for (int i = 1; i < count; i++) sum = tarn_add(sum, x[i]);
    if (!tarn_result(results, sum)) return false;
    for (int i = 1; i < count; i++)
        if (!tarn_result_state(results, tarn_add(x[i], x[0]))) return false;
    return count > MOST || tarn_result_state(results, tarn_multiply(x[0], one(1)));
}

static void empty(container *s) {
    for (int i = 0; i < s->count; i++) tarn_drop(s->leaves[i]);
    *s = (container){0};
}

/* The same numbers by hand. */
static double grow(double *leaves, int *count, double x) {
    double sum = x;
    for (int i = 0; i < *count; i++) sum += leaves[i], leaves[i] += x;
    if (*count < MOST) leaves[(*count)++] = x;
    return sum;
}

BODY(calls, return tarn_result_all(results, tarn_compiled_call(context, x, count));)

static void check_growth(bool donate, int traced) {
    TARN_SCOPE;
    container s = {0};
    double leaves[MOST];
    int count = 0;
    tarn_compiled *c = donate ? tarn_compile(TARN_FUNCTION(grows, &s), .collect = collect, .store = store,
                                             .donate = TARN_INTS(TARN_DONATE_STATE))
                              : tarn_compile(TARN_FUNCTION(grows, &s), .collect = collect, .store = store);
    for (int i = 1; i < 9; i++) {
        TARN_SCOPE;
        double before = s.count ? leaves[0] : -1, wanted = grow(leaves, &count, i);
        tarn_array *x = one(i), *y, *g;
        tarn_function inlined = TARN_FUNCTION(calls, c);
        if (!traced) CHECK(into(&y, tarn_compiled_call(c, &x, 1)) && tarn_item(y) == wanted);
        if (traced) CHECK(into(&g, tarn_grad(inlined, &x, 1)) && tarn_item(g) == 1);
        CHECK(s.count == count && s.stored == i);
        for (int k = 0; k < count; k++) CHECK(tarn_item(s.leaves[k]) == leaves[k]);
        if (i <= MOST) CHECK(s.seen == before); /* the user's own, and not a placeholder */
    }
    CHECK(plans_of(c) == (traced ? 0 : MOST + 1));
    tarn_compiled_free(c);
    empty(&s);
}

/* The state of an inner function has to be the outer one's, too. */
typedef struct {
    container *s;
    tarn_compiled *inner;
} nest;

static bool collect_outer(void *context, tarn_results *leaves) {
    return collect(((nest *)context)->s, leaves);
}
static bool store_outer(void *context, tarn_array *const *leaves, int count) {
    return store(((nest *)context)->s, leaves, count);
}

/* As a binding does it: the container has the leaves of the trace while the function runs. */
static bool lends(void *context, tarn_array *const *x, int count, tarn_results *results) {
    nest *n = context;
    container *s = n->s, own = *s;
    s->count = count - 1;
    for (int i = 1; i < count; i++) s->leaves[i - 1] = tarn_keep(x[i]);
    bool ok = tarn_result_all(results, tarn_compiled_call(n->inner, x, 1));
    for (int i = 0; i < s->count; i++) {
        ok = tarn_result_state(results, s->leaves[i]) && ok;
        tarn_drop(s->leaves[i]);
    }
    *s = own;
    return ok;
}
BODY(calls_inner, return tarn_result_all(results, tarn_compiled_call(((nest *)context)->inner, x, count));)

static void test_nested_state(void) {
    TARN_SCOPE;
    container s = {.leaves = {tarn_keep(one(5))}, .count = 1};
    nest n = {&s, tarn_compile(TARN_FUNCTION(grows, &s), .collect = collect, .store = store)};
    tarn_compiled *outer = tarn_compile(TARN_FUNCTION(lends, &n), .collect = collect_outer, .store = store_outer);
    tarn_compiled *without = tarn_compile(TARN_FUNCTION(calls_inner, &n));
    double leaves[MOST] = {5};
    int count = 1;
    tarn_array *x = one(2), *y;
    CHECK_ERROR(tarn_compiled_call(without, &x, 1), "state 0 is not among its own");
    for (int i = 0; i < 6; i++) {
        double wanted = grow(leaves, &count, 2);
        CHECK(into(&y, tarn_compiled_call(outer, &x, 1)) && tarn_item(y) == wanted && s.count == count);
        for (int k = 0; k < count; k++) CHECK(tarn_item(s.leaves[k]) == leaves[k]);
    }
    tarn_compiled_free(n.inner);
    tarn_compiled_free(outer);
    tarn_compiled_free(without);
    empty(&s);
}

BODY(result_late, return tarn_result_state(results, x[0]) && tarn_result(results, x[0]);)
BODY(state_alone, return tarn_result_state(results, x[0]);)
static bool collect_nothing(void *context, tarn_results *leaves) {
    (void)context, (void)leaves;
    return false;
}

static void test_state_errors(void) {
    TARN_SCOPE;
    container s = {0};
    tarn_array *x = one(1), *state = tarn_keep(one(1)), **slot = &state;
    tarn_function f = TARN_FUNCTION(grows, &s);
    CHECK_ERROR(tarn_compile(f, .collect = collect), "store is NULL");
    CHECK_ERROR(tarn_compile(f, .store = store), "collect is NULL");
    CHECK_ERROR(tarn_compile(f, .collect = collect, .store = store, .state = &slot, .state_count = 1), "both");
    tarn_compiled *c = tarn_compile(f, .collect = collect, .store = store);
    s.fails = true;
    CHECK_ERROR(tarn_compiled_call(c, &x, 1), "the store is closed");
    s.silent = true;
    CHECK_ERROR(tarn_compiled_call(c, &x, 1), "store failed");
    CHECK_ERROR(tarn_grad(TARN_FUNCTION(calls, c), &x, 1), "store failed");
    tarn_compiled_free(c);
    c = tarn_compile(f, .collect = collect_nothing, .store = store);
    CHECK_ERROR(tarn_compiled_call(c, &x, 1), "collect failed");
    tarn_compiled_free(c);
    c = tarn_compile(TARN_FUNCTION(result_late, &s), .collect = collect, .store = store);
    CHECK_ERROR(tarn_compiled_call(c, &x, 1), "after the state");
    tarn_compiled_free(c);
    c = tarn_compile(TARN_FUNCTION(state_alone, NULL), .state = &slot, .state_count = 1);
    CHECK_ERROR(tarn_compiled_call(c, &x, 1), "result_state");
    CHECK_ERROR(tarn_call(TARN_FUNCTION(state_alone, NULL), &x, 1), "result_state");
    tarn_compiled_free(c);
    tarn_drop(state);
}

/* Every allocation fails in turn: an error, and what was stored is the state before or the one after. */
static void test_failing_memory(void) {
    bool done = false;
    for (int n = 1; !done && n < 2000; n++) {
        TARN_SCOPE;
        container s = {.leaves = {tarn_keep(one(5))}, .count = 1};
        tarn_compiled *c = tarn_compile(TARN_FUNCTION(grows, &s), .collect = collect, .store = store);
        tarn_array *x = one(2), *y = NULL;
        CHECK(c && x && tarn_eval(x) && tarn_eval(s.leaves[0]));
        memory_fail_at(n);
        done = into(&y, tarn_compiled_call(c, &x, 1, .key = "key", .key_bytes = 3));
        memory_fail_at(0);
        CHECK(done == tarn_ok());
        tarn_clear_error();
        CHECK(s.count == (s.stored ? 2 : 1) && tarn_item(s.leaves[0]) == (s.stored ? 7 : 5));
        if (done) CHECK(tarn_item(y) == 7 && n > 20);
        tarn_compiled_free(c);
        empty(&s);
    }
    CHECK(done);
}

/* ---- a function that calls itself */

typedef struct {
    tarn_compiled *c;
    int depth; /* to which it calls itself */
} recursion;

static bool calls_itself(void *context, tarn_array *const *x, int count, tarn_results *results) {
    recursion *r = context;
    tarn_array *y;
    (void)count;
    if (r->depth == 0) return tarn_result(results, x[0]);
    r->depth--;
    bool ok = into(&y, tarn_compiled_call(r->c, x, 1));
    r->depth++;
    return ok && tarn_result(results, tarn_add(y, one(1)));
}
BODY(never_ends, return tarn_result_all(results, tarn_compiled_call(((recursion *)context)->c, x, 1));)

static void test_recursion(void) {
    TARN_SCOPE;
    recursion r = {.depth = 5};
    tarn_array *x = one(2), *y;
    r.c = tarn_compile(TARN_FUNCTION(calls_itself, &r));
    for (int i = 0; i < 3; i++) CHECK(into(&y, tarn_compiled_call(r.c, &x, 1)) && tarn_item(y) == 7);
    CHECK(plans_of(r.c) == 1);
    tarn_compiled_free(r.c);
    r.c = tarn_compile(TARN_FUNCTION(never_ends, &r));
    for (int i = 0; i < 2; i++) CHECK_ERROR(tarn_compiled_call(r.c, &x, 1), "without an end");
    CHECK(plans_of(r.c) == 0);
    tarn_compiled_free(r.c);
}

/* ---- contexts that are released */

typedef struct {
    tarn_compiled *c;
    int released, released_inside;
} owner;

static void count_release(void *context) {
    ((owner *)context)->released++;
}
static bool frees_itself(void *context, tarn_array *const *x, int count, tarn_results *results) {
    owner *o = context;
    (void)count;
    tarn_compiled_free(o->c);
    o->released_inside = o->released;
    return tarn_result(results, tarn_add(x[0], one(1)));
}

static void test_release(void) {
    TARN_SCOPE;
    owner o = {0};
    tarn_array *x = one(2), *y;
    o.c = tarn_compile(TARN_FUNCTION(calls, &o), .release = count_release);
    tarn_compiled_free(o.c);
    CHECK(o.released == 1);
    o.c = tarn_compile(TARN_FUNCTION(frees_itself, &o), .release = count_release);
    CHECK(into(&y, tarn_compiled_call(o.c, &x, 1)) && tarn_item(y) == 3);
    CHECK(o.released == 2 && o.released_inside == 1);
}

/* ---- threads */

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int inside, most;
} meeting;

/* Traced by two threads at once: each waits in here for the other, though not for ever. */
static void meet(meeting *m) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE / 2;
    pthread_mutex_lock(&m->lock);
    if (++m->inside > m->most) m->most = m->inside;
    pthread_cond_broadcast(&m->changed);
    for (int late = 0; m->most < 2 && !late;) late = pthread_cond_timedwait(&m->changed, &m->lock, &end);
    m->inside--;
    pthread_mutex_unlock(&m->lock);
}
BODY(meets, meet(context); return tarn_result(results, tarn_add(x[0], one(1)));)

typedef struct {
    tarn_compiled *c;
    int calls, keys, start, failed; /* with key 0: the same one at each call */
} caller;

static void *call_often(void *context) {
    caller *w = context;
    for (int i = 0; i < w->calls && !w->failed; i++) {
        TARN_SCOPE;
        int key = (w->start + i) % w->keys;
        tarn_array *y;
        w->failed +=
            !into(&y, tarn_compiled_call(w->c, TARN_ARRAYS(one(i)), 1, .key = &key, .key_bytes = sizeof key)) ||
            tarn_item(y) != i + 1;
    }
    if (w->failed) fprintf(stderr, "a thread: %s\n", tarn_error() ? tarn_error() : "a wrong value");
    return NULL;
}

static void call_from_threads(tarn_compiled *c, int count, int calls, int keys) {
    pthread_t threads[4];
    caller work[4];
    for (int i = 0; i < count; i++) {
        work[i] = (caller){c, calls, keys, 7 * i, 0};
        CHECK(pthread_create(&threads[i], NULL, call_often, &work[i]) == 0);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        CHECK(work[i].failed == 0);
    }
}

static void test_traced_at_once(void) {
    meeting m = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(meets, &m));
    call_from_threads(c, 2, 3, 1);
    CHECK(m.most == 2 && plans_of(c) == 1);
    tarn_compiled_free(c);
}

BODY(adds_one, return tarn_result(results, tarn_add(x[0], one(1)));)

/* More keys than plans are kept: they go while other threads run them. */
static void test_evicted_while_running(void) {
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(adds_one, NULL));
    call_from_threads(c, 4, 200, 40);
    CHECK(plans_of(c) == 32);
    tarn_compiled_free(c);
}

/* ---- plans hold no data, and there are no more than so many of them */

static tarn_memory memory(void) {
    tarn_memory m = {0};
    CHECK(tarn_memory_info((tarn_device){TARN_CPU, 0}, &m));
    return m;
}

/* Memory of the process but for what the pool keeps for reuse. Freed memory waits in hard mode: then 0. */
static int64_t heap(void) {
    return settings_hard() ? 0 : (int64_t)mallinfo2().uordblks - memory().cached;
}

BODY(some_work, return tarn_result(results, tarn_sum(tarn_matmul(tarn_tanh(x[0]), tarn_transpose(x[0])))) &&
                       tarn_result(results, tarn_cumsum(tarn_softmax(x[0], .axes = TARN_AXES(0))));)

static void call_with(tarn_compiled *c, int64_t rows, int64_t columns) {
    TARN_SCOPE;
    tarn_results *r = tarn_compiled_call(c, TARN_ARRAYS(tarn_ones(TARN_SHAPE(rows, columns), TARN_FLOAT32)), 1);
    CHECK(tarn_eval(tarn_results_at(r, 0), tarn_results_at(r, 1)));
}

static void test_thousand_shapes(void) {
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(some_work, NULL));
    call_with(c, 1, 1);
    int64_t before = memory().active, nodes = memory().nodes, full = 0;
    for (int i = 0; i < 1000; i++) {
        call_with(c, 1 + i / 40, 1 + i % 40);
        CHECK(plans_of(c) <= 32 && memory().active == before && memory().nodes == nodes);
        if (i == 99) full = heap();
    }
    int64_t more = heap() - full;
    printf("1,000 shapes: %d plans, %lld bytes more than after 100\n", (int)plans_of(c), (long long)more);
    CHECK(plans_of(c) == 32 && more < 100000);
    tarn_compiled_free(c);
}

static void test_ten_thousand_steps(void) {
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(some_work, NULL), .shapeless = true);
    int64_t after = 0, active = memory().active;
    for (int i = 0; i < 10000; i++) {
        call_with(c, 1 + i % 7, 1 + i * 13 % 97);
        if (i == 1000) after = heap();
    }
    int64_t more = heap() - after;
    printf("10,000 steps: %lld bytes more than after 1,000\n", (long long)more);
    CHECK(memory().active == active && more < 20000);
    tarn_compiled_free(c);
}

typedef struct {
    int number;
} closure;

static int closures_released;
static void release_closure(void *context) {
    closures_released++;
    free(context);
}

BODY(by_number, return tarn_result(results, tarn_multiply(x[0], one(((closure *)context)->number)));)

static void use_closure(int number) {
    TARN_SCOPE;
    closure *own = malloc(sizeof *own);
    own->number = number;
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(by_number, own), .release = release_closure);
    tarn_array *y;
    for (int i = 0; i < 3; i++)
        CHECK(into(&y, tarn_compiled_call(c, TARN_ARRAYS(one(i)), 1)) && tarn_item(y) == i * number);
    tarn_compiled_free(c);
}

static void test_fresh_closures(void) {
    use_closure(0);
    int64_t active = memory().active, nodes = memory().nodes, bytes = heap();
    for (int i = 1; i < 25; i++) use_closure(i);
    CHECK(closures_released == 25 && memory().active == active && memory().nodes == nodes && heap() < bytes + 4096);
}

/* ---- one trace, several plans */

typedef struct {
    int traces;
    tarn_array *leaf;
    bool given;
} counted_state;

BODY(counts_traces, ((counted_state *)context)->traces++;
     return tarn_result(results, tarn_exp(x[0])) && tarn_result_state(results, tarn_add(x[count - 1], x[0]));)

static bool collect_leaf(void *context, tarn_results *leaves) {
    const counted_state *s = context;
    return s->given ? tarn_result_given(leaves, s->leaf) : tarn_result(leaves, s->leaf);
}
static bool store_leaf(void *context, tarn_array *const *leaves, int count) {
    counted_state *s = context;
    CHECK(count == 1);
    tarn_drop(s->leaf);
    s->leaf = tarn_keep(leaves[0]);
    return true;
}

/* Arguments that lie otherwise, and state that may be overwritten, need plans of their own, but the function is not
   called for them. */
static void test_one_trace(void) {
    TARN_SCOPE;
    counted_state s = {.leaf = tarn_own(tarn_zeros(TARN_SHAPE(4, 4), TARN_FLOAT32))};
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(counts_traces, &s), .collect = collect_leaf, .store = store_leaf);
    tarn_array *x = tarn_reshape(tarn_arange(0, 16, 1, TARN_FLOAT32), TARN_SHAPE(4, 4));
    CHECK(tarn_eval(x));
    for (int i = 0; i < 4; i++) {
        TARN_SCOPE;
        s.given = i > 1;
        CHECK(tarn_compiled_call(c, TARN_ARRAYS(i % 2 ? tarn_transpose(x) : x), 1));
    }
    CHECK(s.traces == 1 && plans_of(c) == 4);
    tarn_array *wanted = tarn_multiply(tarn_add(x, tarn_transpose(x)), tarn_scalar(2, TARN_FLOAT32));
    CHECK(tarn_item(tarn_all(tarn_equal(s.leaf, wanted))) == 1);
    tarn_compiled_free(c);
    tarn_drop(s.leaf);
}

static void call_once(tarn_compiled *c) {
    TARN_SCOPE;
    CHECK(tarn_compiled_call(c, TARN_ARRAYS(tarn_ones(TARN_SHAPE(8), TARN_FLOAT32)), 1));
}

/* What is given up is overwritten if nothing else has it: a second keep, or what is to be computed of it, does. */
static void test_given(void) {
    TARN_SCOPE;
    counted_state s = {.given = true, .leaf = tarn_own(tarn_zeros(TARN_SHAPE(8), TARN_FLOAT32))};
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(counts_traces, &s), .collect = collect_leaf, .store = store_leaf);
    for (int i = 0; i < 3; i++) call_once(c);
    const void *before = tarn_data(s.leaf);
    call_once(c);
    CHECK(tarn_data(s.leaf) == before);
    tarn_array *second = tarn_keep(s.leaf);
    call_once(c);
    CHECK(tarn_data(s.leaf) != tarn_data(second));
    tarn_array *reads = tarn_negative(s.leaf);
    call_once(c);
    CHECK(tarn_item(tarn_min(reads)) == -5 && tarn_item(tarn_min(second)) == 4 && tarn_item(tarn_min(s.leaf)) == 6);
    CHECK(s.traces == 1);
    tarn_drop(second);
    tarn_drop(s.leaf);
    tarn_compiled_free(c);
}

/* ---- what is attached */

static int attached, given_back;

static void give_back(void *data) {
    given_back++;
    free(data);
}

BODY(attaches, {
    int *shape = malloc(sizeof *shape);
    *shape = (int)tarn_dim(x[0], 0);
    attached++;
    return tarn_result(results, tarn_square(x[0])) && tarn_result_attach(results, shape, give_back);
})
BODY(attaches_twice,
     return tarn_result_attach(results, NULL, NULL) && tarn_result_attach(results, malloc(1), give_back);)

static int count_attached(void *context, void (*release)(void *), void *argument) {
    *(int64_t *)argument += release == give_back && *(int *)context > 0;
    return 0;
}

static void test_attached(void) {
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(attaches, NULL));
    for (int i = 0; i < 100; i++) {
        TARN_SCOPE;
        tarn_results *r = tarn_compiled_call(c, TARN_ARRAYS(tarn_ones(TARN_SHAPE(i / 2 + 1), TARN_FLOAT32)), 1);
        CHECK(tarn_results_attached(r) && *(int *)tarn_results_attached(r) == i / 2 + 1);
    }
    int64_t seen = 0;
    CHECK(tarn_compiled_visit(c, count_attached, &seen) == 0 && seen == plans_of(c));
    CHECK(attached == 50 && given_back == 50 - plans_of(c));
    tarn_compiled_free(c);
    CHECK(given_back == 50);
    TARN_SCOPE;
    CHECK(tarn_results_attached(NULL) == NULL);
    c = tarn_compile(TARN_FUNCTION(attaches_twice, NULL));
    CHECK(!tarn_compiled_call(c, NULL, 0) && strstr(tarn_error(), "attached already") && given_back == 51);
    tarn_clear_error();
    tarn_compiled_free(c);
}

static void test_disabled(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_ones(TARN_SHAPE(3), TARN_FLOAT32);
    int before = attached;
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(attaches, NULL));
    tarn_compile_enable(false);
    for (int i = 0; i < 3; i++)
        CHECK(*(int *)tarn_results_attached(tarn_compiled_call(c, TARN_ARRAYS(x), 1)) == 3 && plans_of(c) == 0);
    tarn_compile_enable(true);
    for (int i = 0; i < 3; i++) CHECK(tarn_compiled_call(c, TARN_ARRAYS(x), 1) && plans_of(c) == 1);
    CHECK(attached == before + 4);
    tarn_compiled_free(c);
}

int main(void) {
    tarn_compile_enable(true);
    test_thousand_shapes();
    test_ten_thousand_steps();
    test_fresh_closures();
    test_one_trace();
    test_given();
    test_attached();
    test_disabled();
    test_captured();
    test_made_inside();
    test_keys();
    test_donation();
    for (int donate = 0; donate < 2; donate++)
        for (int traced = 0; traced < 2; traced++) check_growth(donate, traced);
    test_nested_state();
    test_state_errors();
    test_failing_memory();
    test_recursion();
    test_release();
    test_traced_at_once();
    test_evicted_while_running();
    CHECK(tarn_ok());
    tarn_memory m;
    CHECK(tarn_memory_info((tarn_device){TARN_CPU, 0}, &m) && m.nodes == 0);
    return check_report("compiled");
}
