/* Forks: a child computes, on the CPU, with what its parent had; whatever other threads are doing when the process
   forks, it never hangs. Other devices are lost, and say so. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/threads.h"
#include "check.h"
#include "into.h"
#include "tarn/tarn.h"
#include "paths.h"

static const tarn_device cpu = {TARN_CPU, 0}, mock = {TARN_MOCK, 0};

/* The thread sanitizer cannot follow a child that starts threads (it finds "dup thread with used id") and counts at
   most 64 locks of one thread; in qemu-user (7.2) a child of a process with threads that starts one aborts or hangs
   (qemu_plugin_vcpu_init_hook), with nothing of ours in it: there the children do nothing, and the parent's side is
   tested. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
enum { CHILDREN_WORK = false };
const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
    return "detect_deadlocks=0";
}
#else
enum { CHILDREN_WORK = !TARN_EMULATED };
#endif

/* The address sanitizers of gcc 12 and 13 do not hold the lock of their allocator while a process forks: where another
   thread had it, the child waits for it at its first allocation. There too such children do nothing. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
enum { CHILDREN_OF_BUSY_WORK = false };
#else
enum { CHILDREN_OF_BUSY_WORK = true };
#endif

/* Runs the function in a child, which ends with what it returns; the child's own failures are counted there. */
static void in_child(bool (*function)(void *context), void *context) {
    pid_t child = fork();
    if (child == 0) {
        alarm(PATIENCE);
        bool ok = !CHILDREN_WORK || function(context);
        if (!ok && !tarn_ok()) fprintf(stderr, "child: %s\n", tarn_error());
        _exit(ok && check_failures == 0 ? 0 : 1);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The same while other threads allocate. */
static bool do_nothing(void *context) {
    (void)context;
    return true;
}
static void in_child_of_busy(bool (*function)(void *context), void *context) {
    in_child(CHILDREN_OF_BUSY_WORK ? function : do_nothing, context);
}

static tarn_array *ramp(int64_t n) {
    return tarn_arange(0, (double)n, 1, TARN_FLOAT32);
}

static bool sums_to(tarn_array *a, double expected) {
    return tarn_item(tarn_sum(tarn_astype(a, TARN_FLOAT64))) == expected;
}

/* ---- the child of a process that has computed */

static bool compute_on(void *context) {
    TARN_SCOPE;
    tarn_array *y = context;
    return sums_to(y, 4950) && sums_to(tarn_add(y, y), 9900);
}

static bool compute_much(void *context) {
    TARN_SCOPE;
    (void)context;
    tarn_array *big = tarn_add(ramp(1 << 20), tarn_scalar(1, TARN_FLOAT32)); /* on all threads */
    return sums_to(tarn_minimum(big, tarn_scalar(1, TARN_FLOAT32)), 1 << 20);
}

static bool have_grandchild(void *context) {
    if (!compute_on(context)) return false;
    in_child(compute_on, context);
    in_child(compute_much, context);
    return compute_on(context);
}

static void test_child(void) {
    TARN_SCOPE;
    tarn_array *y = tarn_add(ramp(100), tarn_zeros(TARN_SHAPE(100), TARN_FLOAT32)),
               *lazy = tarn_multiply(y, tarn_ones(TARN_SHAPE(100), TARN_FLOAT32));
    CHECK(tarn_eval(y));
    for (int i = 0; i < 5; i++) in_child(compute_on, y);
    in_child(compute_on, lazy);
    in_child(compute_much, NULL);
    in_child(have_grandchild, y);
    CHECK(compute_on(y) && compute_much(NULL));
}

/* ---- work on its way when the process forks */

static bool read_chain(void *context) {
    return sums_to(context, 3.0 * (1 << 18));
}

static void test_in_flight(void) {
    tarn_stream *other = tarn_stream_new(cpu);
    for (int round = 0; round < 10; round++) {
        TARN_SCOPE;
        tarn_array *x = tarn_ones(TARN_SHAPE(1 << 18), TARN_FLOAT32), *y = x;
        for (int i = 0; i < 20; i++) {
            TARN_ON(i % 2 ? other : NULL);
            y = tarn_sort(tarn_negative(tarn_sort(tarn_negative(y), .axis = TARN_AXIS(0))), .axis = TARN_AXIS(0));
        }
        y = tarn_add(y, tarn_add(x, x));
        CHECK(tarn_async_eval(y));
        in_child(read_chain, y);
        CHECK(read_chain(y));
    }
    tarn_stream_free(other);
}

static bool use_stream(void *context) {
    TARN_SCOPE;
    tarn_stream *s = context;
    tarn_use_stream(s);
    bool ok = compute_much(NULL) && tarn_synchronize(s) && tarn_synchronize(NULL);
    tarn_use_stream(NULL);
    tarn_stream_free(s);
    tarn_stream *fresh = tarn_stream_new(cpu);
    TARN_ON(fresh);
    return ok && fresh && compute_much(NULL);
}

static void test_streams(void) {
    tarn_stream *s = tarn_stream_new(cpu);
    in_child(use_stream, s); /* of which the parent has used nothing */
    CHECK(use_stream(s));
}

/* ---- a process whose other threads evaluate, trace, allocate and free all the time */

static atomic_bool over;

static bool squares(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, tarn_multiply(inputs[0], inputs[0]));
}

typedef struct {
    tarn_compiled *compiled;
    int number;
} busy_thread;

static void *be_busy(void *context) {
    const busy_thread *b = context;
    tarn_stream *own = b->number % 2 ? tarn_stream_new(cpu) : NULL;
    tarn_use_stream(own);
    for (int64_t n = 1000 + b->number; !atomic_load(&over); n = n < 20000 ? n + 777 : 1000 + b->number) {
        TARN_SCOPE;
        tarn_array *x = ramp(n), *y = NULL;
        into(&y, tarn_compiled_call(b->compiled, &x, 1));
        tarn_array *z = tarn_sum(tarn_add(y, tarn_exp(tarn_negative(x))));
        if (n % 2) tarn_async_eval(z);
        if (!(tarn_item(z) > 0)) check_failures++;
        if (n % 3 == 0) tarn_clear_cache(cpu);
    }
    tarn_use_stream(NULL);
    tarn_stream_free(own);
    return NULL;
}

static bool call_compiled(void *context) {
    TARN_SCOPE;
    tarn_array *x = ramp(10), *y = NULL;
    return into(&y, tarn_compiled_call(context, &x, 1)) && sums_to(y, 285) && compute_much(NULL);
}

enum { BUSY = 4, FORKS = 40 };

static void test_others_busy(void) {
    static busy_thread busy[BUSY];
    pthread_t threads[BUSY];
    tarn_compiled *shared = tarn_compile(TARN_FUNCTION(squares, NULL));
    atomic_store(&over, false);
    for (int i = 0; i < BUSY; i++) {
        busy[i] = (busy_thread){shared, i};
        CHECK(pthread_create(&threads[i], NULL, be_busy, &busy[i]) == 0);
    }
    for (int i = 0; i < FORKS; i++) in_child_of_busy(call_compiled, shared);
    atomic_store(&over, true);
    for (int i = 0; i < BUSY; i++) pthread_join(threads[i], NULL);
    tarn_compiled_free(shared);
}

/* Several threads fork at once. */
static void *fork_often(void *context) {
    for (int i = 0; i < 10; i++) in_child_of_busy(compute_much, context);
    return NULL;
}

static void test_forking_threads(void) {
    pthread_t threads[3];
    for (int i = 0; i < 3; i++) CHECK(pthread_create(&threads[i], NULL, fork_often, NULL) == 0);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
}

/* Children that live at the same time, as workers of a pool of processes do. */
static void test_many_children(void) {
    pid_t children[6];
    for (int i = 0; i < 6; i++) {
        children[i] = fork();
        if (children[i]) continue;
        alarm(PATIENCE);
        bool ok = true;
        for (int k = 0; k < 20 && ok && CHILDREN_WORK; k++) ok = compute_much(NULL);
        if (!CHILDREN_WORK) _exit(0);
        exit(ok ? 0 : 1); /* with all that runs at exit */
    }
    for (int i = 0; i < 6; i++) {
        int status = -1;
        waitpid(children[i], &status, 0);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
}

/* ---- a check of the user's that waits for what the forking thread has: an interpreter's lock */

static pthread_mutex_t interpreter = PTHREAD_MUTEX_INITIALIZER;
static atomic_int in_check;

static bool check_with_lock(void *context) {
    (void)context;
    atomic_fetch_add(&in_check, 1);
    pthread_mutex_lock(&interpreter);
    pthread_mutex_unlock(&interpreter);
    return true;
}

typedef struct {
    tarn_array *file, *sum; /* sum is computed from file, lazily */
    tarn_compiled *compiled;
    bool by_plan, ok;
} checked;

static bool sum_of_checked(void *context) {
    TARN_SCOPE;
    checked *c = context;
    tarn_array *y = c->sum;
    return (!c->by_plan || into(&y, tarn_compiled_call(c->compiled, &c->file, 1))) && sums_to(y, c->by_plan ? 30 : 20);
}

static void *evaluate_checked(void *context) {
    checked *c = context;
    c->ok = sum_of_checked(c);
    return NULL;
}

static bool go_on_in_child(void *context) {
    pthread_mutex_unlock(&interpreter);
    return sum_of_checked(context) && compute_much(NULL); /* what the other thread had claimed, which is not here */
}

static void test_check(bool by_plan) {
    static const float numbers[4] = {1, 2, 3, 4};
    TARN_SCOPE;
    checked c = {.by_plan = by_plan, .compiled = tarn_compile(TARN_FUNCTION(squares, NULL))};
    c.file = tarn_from_foreign(numbers, TARN_SHAPE(4), TARN_FLOAT32, .check = check_with_lock);
    c.sum = tarn_add(c.file, c.file);
    if (by_plan) CHECK(sum_of_checked(&c)); /* the plan is there */
    pthread_t thread;
    pthread_mutex_lock(&interpreter);
    atomic_store(&in_check, 0);
    CHECK(pthread_create(&thread, NULL, evaluate_checked, &c) == 0);
    for (int i = 0; i < 100000 && !atomic_load(&in_check); i++) usleep(100);
    CHECK(atomic_load(&in_check));
    in_child(go_on_in_child, &c);
    pthread_mutex_unlock(&interpreter);
    pthread_join(thread, NULL);
    CHECK(c.ok);
    tarn_compiled_free(c.compiled);
}

/* A check that forks itself. */
static int checks_left;
static bool fork_in_check(void *context) {
    if (checks_left > 0 && --checks_left == 0) in_child(compute_much, NULL);
    return !context;
}

static void test_fork_in_check(void) {
    static const float numbers[4] = {1, 2, 3, 4};
    TARN_SCOPE;
    checks_left = 1;
    tarn_array *file = tarn_from_foreign(numbers, TARN_SHAPE(4), TARN_FLOAT32, .check = fork_in_check);
    CHECK(sums_to(tarn_add(file, file), 20) && checks_left == 0);
}

/* ---- other devices */

static bool lost(bool ok) {
    bool said = !ok && !tarn_ok() && strstr(tarn_error(), "mock:0") && strstr(tarn_error(), "forked");
    if (!said) fprintf(stderr, "not lost: %s\n", tarn_ok() ? "no error" : tarn_error());
    tarn_clear_error();
    return said;
}

typedef struct {
    tarn_array *there, *both, *lazy;
    tarn_stream *stream;
} on_mock;

static bool use_mock(void *context) {
    TARN_SCOPE;
    on_mock *m = context;
    CHECK(sums_to(m->both, 4950));
    CHECK(lost(tarn_data(m->there)));
    CHECK(lost(tarn_eval(m->lazy)));
    CHECK(lost(tarn_eval(tarn_add(m->there, m->there))));
    CHECK(lost(tarn_stream_new(mock)));
    CHECK(lost(tarn_set_default_device(mock)));
    tarn_use_stream(m->stream);
    CHECK(lost(tarn_eval(tarn_add(m->both, m->both))));
    tarn_use_stream(NULL);
    tarn_stream_free(m->stream);
    CHECK(tarn_synchronize(NULL));
    tarn_drop(m->there); /* its memory is nobody's here */
    tarn_drop(m->both);
    tarn_drop(m->lazy);
    return compute_much(NULL);
}

static bool open_mock(void *context) {
    TARN_SCOPE;
    (void)context;
    TARN_ON(tarn_default_stream(mock));
    return tarn_ok() && compute_much(NULL);
}

static void test_mock(void) {
    in_child(open_mock, NULL); /* the parent has not used it */
    TARN_SCOPE;
    on_mock m = {.stream = tarn_stream_new(mock)};
    CHECK(m.stream != NULL);
    if (!m.stream) return;
    {
        TARN_SCOPE;
        TARN_ON(m.stream);
        m.there = tarn_keep(tarn_add(ramp(100), ramp(100)));
        m.both = tarn_keep(tarn_multiply(ramp(100), tarn_ones(TARN_SHAPE(100), TARN_FLOAT32)));
        CHECK(tarn_eval(m.there, m.both) && tarn_data(m.both));
        m.lazy = tarn_keep(tarn_exp(m.there));
    }
    in_child(use_mock, &m);
    CHECK(sums_to(m.there, 9900));
    CHECK(tarn_eval(m.lazy));
    tarn_drop(m.there);
    tarn_drop(m.both);
    tarn_drop(m.lazy);
    tarn_stream_free(m.stream);
}

int main(void) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 0);
    in_child(compute_much, NULL); /* the parent has not computed anything */
    test_child();
    test_in_flight();
    test_streams();
    test_others_busy();
    test_forking_threads();
    test_many_children();
    test_check(false);
    test_check(true);
    test_fork_in_check();
    test_mock();
    return check_report("fork");
}
