/* Several threads at once: evaluations that wait for what another thread gives up, streams that are freed while others
   use them, failures that are told late, functions of the user that take their time, and random graphs over shared
   arrays while memory fails. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "check.h"
#include "mock/hooks.h"
#include "rounds.h"
#include "tarn/tarn.h"
#include "paths.h"

static void *library;
#define HOOK(name) (*(__typeof__(name) **)(void *)&(void *){dlsym(library, #name)})

static const tarn_device cpu = {TARN_CPU, 0}, mock = {TARN_MOCK, 0};

static pthread_t start(void *(*function)(void *), void *context) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, function, context) == 0);
    return thread;
}

/* ---- a thread waits at a place until it is let through */

typedef struct {
    atomic_int arrived;
    atomic_bool open;
} gate;

static void pass(gate *g) {
    atomic_fetch_add(&g->arrived, 1);
    while (!atomic_load(&g->open)) usleep(100);
}

static void await_arrival(gate *g) {
    while (!atomic_load(&g->arrived)) usleep(100);
}

/* ---- many wait for what one thread was to compute, and fails to */

enum { N = 64, WAITERS = 12 };

typedef struct {
    gate g;
    atomic_int checks;
    tarn_array *pending; /* twice foreign memory, whose first check fails */
    atomic_int wrong;
} given_up;

static bool fail_once(void *context) {
    given_up *t = context;
    if (atomic_fetch_add(&t->checks, 1)) return true;
    pass(&t->g);
    return tarn_fail("not yet");
}

static void *compute_in_vain(void *context) {
    given_up *t = context;
    CHECK_ERROR(tarn_eval(t->pending), "not yet");
    return NULL;
}

static void *wait_for_view(void *context) {
    given_up *t = context;
    TARN_SCOPE;
    const float *v = tarn_data(tarn_reshape(t->pending, TARN_SHAPE(8, N / 8)));
    if (!v || v[N - 1] != 2 * (N - 1)) atomic_fetch_add(&t->wrong, 1);
    return NULL;
}

static void *wait_for_sum(void *context) {
    given_up *t = context;
    TARN_SCOPE;
    if (tarn_item(tarn_sum(t->pending)) != N * (N - 1)) atomic_fetch_add(&t->wrong, 1);
    return NULL;
}

static void test_given_up(void) {
    TARN_SCOPE;
    given_up t = {0};
    float values[N];
    for (int i = 0; i < N; i++) values[i] = (float)i;
    tarn_array *x = tarn_from_foreign(values, TARN_SHAPE(N), TARN_FLOAT32, .check = fail_once, .context = &t);
    t.pending = tarn_add(x, x);
    pthread_t first = start(compute_in_vain, &t), others[WAITERS];
    await_arrival(&t.g);
    for (int i = 0; i < WAITERS; i++) others[i] = start(i % 2 ? wait_for_view : wait_for_sum, &t);
    usleep(20000);
    atomic_store(&t.g.open, true);
    pthread_join(first, NULL);
    for (int i = 0; i < WAITERS; i++) pthread_join(others[i], NULL);
    CHECK(t.wrong == 0);
    CHECK(tarn_eval(t.pending));
}

/* ---- a stream is freed while its work is not done, and another thread gives it more */

static void *free_stream(void *stream) {
    tarn_stream_free(stream);
    return NULL;
}

static void test_freed_stream(void) {
    enum { LENGTH = 1 << 21 };
    TARN_SCOPE;
    tarn_stream *s = tarn_stream_new(cpu);
    tarn_array *sorted, *first;
    {
        TARN_ON(s);
        sorted = tarn_sort(tarn_sin(tarn_arange(0, LENGTH, 1, TARN_FLOAT32)));
        first = tarn_negative(tarn_slice_axis(sorted, 0, 0, 4));
    }
    CHECK(tarn_async_eval(sorted));
    pthread_t thread = start(free_stream, s);
    usleep(10000);
    const float *v = tarn_data(first);
    CHECK(v && v[0] > 0.999 && v[0] <= 1 && v[3] > 0.999 && v[3] <= v[0]);
    pthread_join(thread, NULL);
}

/* ---- a failure is told later than what waited for the work that failed is over */

static void test_late_failure(void) {
    TARN_SCOPE;
    tarn_stream *s = tarn_stream_new(mock);
    tarn_array *x, *sorted, *sum;
    {
        TARN_ON(tarn_default_stream(mock));
        x = tarn_arange(0, 1000, 1, TARN_FLOAT32);
        CHECK(tarn_eval(x));
        sorted = tarn_sort(x);
    }
    {
        TARN_ON(s);
        sum = tarn_sum(sorted);
    }
    HOOK(tarn_mock_set_lag)(20000);
    HOOK(tarn_mock_fail_launch)(1);
    HOOK(tarn_mock_tell_late)(1, 300000);
    CHECK(tarn_async_eval(sorted));
    CHECK(tarn_async_eval(sum));
    CHECK_ERROR(tarn_item(sum) != 0, "told to fail");
    HOOK(tarn_mock_set_lag)(0);
    tarn_stream_free(s);
}

/* ---- a function of the user takes its time: what was left behind it is another thread's to call, and a child's */

static gate slow;

static void release_slowly(void *context) {
    (void)context;
    pass(&slow);
}

static bool no_check(void *context) {
    return context != NULL;
}

static void *drain(void *context) {
    while (!atomic_load(&slow.arrived)) {
        usleep(20000);
        tarn_drain_released();
    }
    return context;
}

static void test_slow_release(void) {
    enum { LENGTH = 1 << 19 };
    TARN_SCOPE;
    float *values = calloc(LENGTH, sizeof *values);
    tarn_array *y, *z;
    {
        TARN_SCOPE;
        tarn_array *first = tarn_from_foreign(values, TARN_SHAPE(LENGTH), TARN_FLOAT32, .release = release_slowly);
        tarn_array *second =
            tarn_from_foreign(values, TARN_SHAPE(LENGTH), TARN_FLOAT32, .check = no_check, .context = &slow);
        y = tarn_keep(tarn_sum(tarn_sort(tarn_move(first))));
        z = tarn_keep(tarn_max(tarn_cos(second)));
        CHECK(tarn_async_eval(y));
        CHECK(tarn_async_eval(z));
    }
    usleep(300000); /* most likely both are computed; nobody has called anything */
    pthread_t thread = start(drain, NULL);
    await_arrival(&slow);
    pid_t child = fork();
    if (child == 0) {
        alarm(PATIENCE);
        _exit(tarn_item(z) == 1 ? 0 : 1);
    }
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(tarn_item(z) == 1);
    atomic_store(&slow.open, true);
    pthread_join(thread, NULL);
    tarn_drop(y);
    tarn_drop(z);
    free(values);
}

/* ---- random graphs over shared arrays, on shared streams and on such that come and go, while now and then an
   allocation fails */

enum { THREADS = 8, SHARED = 6, LENGTH = 300, STREAMS = 3 };

typedef struct {
    pthread_mutex_t lock;
    tarn_array *arrays[SHARED]; /* kept, some not computed yet; all elements of one are the same */
    double values[SHARED];
    atomic_int wrong, failed;
    atomic_bool over;
    int rounds;
    tarn_stream *streams[STREAMS]; /* used by all */
} board;

typedef struct {
    board *b;
    unsigned seed;
} player;

static unsigned pick(player *p, unsigned n) {
    return (unsigned)rand_r(&p->seed) % n;
}

static tarn_array *take(board *b, unsigned i, double *value) {
    pthread_mutex_lock(&b->lock);
    tarn_array *a = tarn_keep(b->arrays[i]);
    *value = b->values[i];
    pthread_mutex_unlock(&b->lock);
    return a;
}

static void put(board *b, unsigned i, tarn_array *a, double value) {
    pthread_mutex_lock(&b->lock);
    tarn_array *old = b->arrays[i];
    b->arrays[i] = tarn_keep(a);
    b->values[i] = value;
    pthread_mutex_unlock(&b->lock);
    tarn_drop(old);
}

static tarn_array *combine(unsigned kind, tarn_array *x, tarn_array *y) {
    tarn_array *half = tarn_scalar(0.5, TARN_FLOAT64);
    if (kind == 0) return tarn_multiply(tarn_add(x, y), half);
    if (kind == 1) return tarn_sort(tarn_multiply(tarn_add(y, x), half));
    if (kind == 2) return tarn_mean(tarn_stack(TARN_ARRAYS(x, y), 2), .axes = TARN_AXES(0));
    return tarn_reshape(tarn_multiply(tarn_reshape(tarn_add(x, y), TARN_SHAPE(LENGTH / 10, 10)), half),
                        TARN_SHAPE(LENGTH));
}

static void check_value(board *b, tarn_array *a, double value) {
    TARN_SCOPE;
    const double *v = tarn_data(a);
    if (!v)
        atomic_fetch_add(&b->failed, 1);
    else if (v[0] != value || v[LENGTH - 1] != value)
        atomic_fetch_add(&b->wrong, 1);
}

static void play(player *p) {
    TARN_SCOPE;
    double first, second;
    tarn_array *x = take(p->b, pick(p, SHARED), &first), *y = take(p->b, pick(p, SHARED), &second);
    tarn_array *z = combine(pick(p, 4), x, y);
    if (z && pick(p, 3) == 0) tarn_async_eval(z);
    if (z && tarn_ok()) put(p->b, pick(p, SHARED), z, (first + second) / 2);
    tarn_clear_error();
    if (z && pick(p, 3) == 0) check_value(p->b, z, (first + second) / 2);
    if (pick(p, 4) == 0) check_value(p->b, x, first);
    tarn_drop(x);
    tarn_drop(y);
    tarn_clear_error();
}

static void *play_often(void *context) {
    player *p = context;
    tarn_stream *own = NULL;
    for (int i = 0; i < p->b->rounds; i++) {
        if (i % 16 == 0) {
            unsigned which = pick(p, STREAMS + 3);
            tarn_stream_free(own);
            own = which > STREAMS ? tarn_stream_new(cpu) : NULL;
            tarn_use_stream(which < STREAMS ? p->b->streams[which] : own);
            tarn_clear_error();
        }
        play(p);
    }
    tarn_use_stream(NULL);
    tarn_stream_free(own);
    return NULL;
}

static void *let_memory_fail(void *context) {
    board *b = context;
    for (int64_t n = 1; !atomic_load(&b->over); n = n * 7 % 211) {
        memory_fail_at(n);
        usleep(300);
    }
    memory_fail_at(0);
    return NULL;
}

static void test_board(bool failures) {
    board b = {.lock = PTHREAD_MUTEX_INITIALIZER, .rounds = rounds(750)};
    TARN_SCOPE;
    for (int i = 0; i < STREAMS; i++) CHECK((b.streams[i] = tarn_stream_new(cpu)));
    for (int i = 0; i < SHARED; i++) {
        b.values[i] = i * 1024;
        b.arrays[i] = tarn_keep(tarn_full(TARN_SHAPE(LENGTH), b.values[i], TARN_FLOAT64));
    }
    player players[THREADS];
    pthread_t threads[THREADS], chaos = failures ? start(let_memory_fail, &b) : pthread_self();
    for (int i = 0; i < THREADS; i++) players[i] = (player){&b, (unsigned)i + 1};
    for (int i = 0; i < THREADS; i++) threads[i] = start(play_often, &players[i]);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    atomic_store(&b.over, true);
    if (failures) pthread_join(chaos, NULL);
    CHECK(b.wrong == 0);
    CHECK(failures || b.failed == 0);
    int before = b.failed;
    for (int i = 0; i < SHARED; i++) check_value(&b, b.arrays[i], b.values[i]);
    CHECK(b.wrong == 0 && b.failed == before);
    for (int i = 0; i < SHARED; i++) tarn_drop(b.arrays[i]);
    for (int i = 0; i < STREAMS; i++) tarn_stream_free(b.streams[i]);
}

int main(void) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 1);
    CHECK(tarn_device_count(TARN_MOCK) == 2);
    library = dlopen(TARN_BUILD_DIR "/libtarn_mock.so", RTLD_NOW | RTLD_LOCAL);
    if (!library) return fprintf(stderr, "%s\n", dlerror()), 1;
    test_given_up();
    test_freed_stream();
    test_late_failure();
    test_slow_release();
    test_board(false);
    test_board(true);
    return check_report("threads");
}
