/* A kernel that fails in the middle of a long chain which nobody waits for: the arrays that it reaches tell it, and
   whoever waits for the stream, once; arrays beside it are right, and the streams go on. */
#include <pthread.h>

#include "check.h"
#include "tarn/tarn.h"

enum { LINKS = 2000, SIZE = 32 /* more than the calling thread does itself */, THREADS = 8, ROUNDS = 20 };

static const char words[] = "singular";

/* So many times x + 0, not in one kernel. */
static tarn_array *links(tarn_array *x, int count) {
    tarn_array *zero = tarn_zeros(TARN_SHAPE(1, 1), TARN_FLOAT32);
    for (int i = 0; i < count; i++) x = i % 8 ? tarn_add(x, zero) : tarn_cumsum(x, .axis = TARN_AXIS(0));
    return x;
}

/* Zeros, which have no inverse, with long ways to them and from there. */
static tarn_array *broken_chain(tarn_stream *where) {
    TARN_ON(where);
    tarn_array *before = links(tarn_zeros(TARN_SHAPE(SIZE, SIZE), TARN_FLOAT32), LINKS / 2);
    return links(tarn_linalg_inv(before), LINKS / 2);
}

static bool goes_on(tarn_stream *where) {
    TARN_ON(where);
    return tarn_item(tarn_sum(tarn_linalg_inv(tarn_eye(SIZE, SIZE, TARN_FLOAT32)))) == SIZE;
}

/* Who waits for the stream hears of it, once; then the array says it, as often as it is asked. */
static void stream_tells(tarn_stream *where) {
    TARN_SCOPE;
    tarn_array *chain = broken_chain(where), *beside = tarn_multiply_number(tarn_ones(TARN_SHAPE(4), TARN_FLOAT32), 3);
    CHECK(tarn_async_eval(chain, beside));
    CHECK_ERROR(tarn_synchronize(where), words);
    CHECK(tarn_synchronize(where) && tarn_synchronize(NULL));
    CHECK_ERROR(tarn_eval(chain), words);
    CHECK_ERROR(tarn_data(chain), words);
    CHECK(tarn_item(tarn_sum(beside)) == 12 && tarn_synchronize(where) && goes_on(where));
}

/* Who read the array has been told. */
static void array_tells(tarn_stream *where, tarn_stream *other) {
    TARN_SCOPE;
    tarn_array *chain = broken_chain(where);
    CHECK(tarn_async_eval(chain) && tarn_synchronize(other));
    CHECK_ERROR(tarn_data(chain), words);
    CHECK(tarn_synchronize(where) && tarn_synchronize(NULL) && goes_on(where) && goes_on(other));
}

/* Who waited for the computation has been told, too. */
static void evaluation_tells(tarn_stream *where) {
    TARN_SCOPE;
    tarn_array *chain = broken_chain(where);
    CHECK_ERROR(tarn_eval(chain), words);
    CHECK(tarn_synchronize(where) && goes_on(where));
}

/* Of several streams that failed each one tells it. */
static void each_stream_tells(tarn_stream *where, tarn_stream *other) {
    TARN_SCOPE;
    CHECK(tarn_async_eval(broken_chain(where)) && tarn_async_eval(broken_chain(other)));
    CHECK_ERROR(tarn_synchronize(where), words);
    CHECK_ERROR(tarn_synchronize(NULL), words);
    CHECK(tarn_synchronize(NULL));
}

static bool invert(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, links(tarn_linalg_inv(links(inputs[0], 40)), 40));
}

static void compiled_function_tells(void) {
    TARN_SCOPE;
    tarn_compiled *f = tarn_compile(TARN_FUNCTION(invert, NULL));
    tarn_array *zeros = tarn_zeros(TARN_SHAPE(SIZE, SIZE), TARN_FLOAT32), *eye = tarn_eye(SIZE, SIZE, TARN_FLOAT32);
    tarn_array *bad = tarn_results_at(tarn_compiled_call(f, &zeros, 1), 0);
    CHECK(bad != NULL);
    CHECK_ERROR(tarn_synchronize(NULL), words);
    CHECK_ERROR(tarn_data(bad), words);
    CHECK(tarn_item(tarn_sum(tarn_results_at(tarn_compiled_call(f, &eye, 1), 0))) > 0 && tarn_synchronize(NULL));
    tarn_compiled_free(f);
}

/* ---- threads that share the streams and an array that fails */

typedef struct {
    tarn_stream *streams[2];
    tarn_array *shared; /* fails */
    int number;
} player;

static void *play(void *context) {
    const player *p = context;
    for (int i = 0; i < ROUNDS; i++) {
        TARN_SCOPE;
        tarn_stream *mine = p->streams[(p->number + i) % 2];
        TARN_ON(mine);
        tarn_array *good = links(tarn_full(TARN_SHAPE(SIZE, SIZE), p->number, TARN_FLOAT32), 7);
        tarn_array *bad = tarn_add(p->shared, good);
        CHECK(tarn_async_eval(good) && tarn_async_eval(bad));
        CHECK_ERROR(tarn_data(bad), words);
        CHECK(tarn_item(tarn_sum(good)) == SIZE * (SIZE + 1) / 2 * SIZE * p->number); /* sums of columns */
        if (!tarn_synchronize(mine)) CHECK_ERROR(tarn_ok(), words);                   /* of another one's failure */
    }
    return NULL;
}

static void threads_go_on(tarn_stream *one, tarn_stream *other) {
    TARN_SCOPE;
    player players[THREADS];
    pthread_t threads[THREADS];
    tarn_array *shared = tarn_keep(broken_chain(one));
    for (int i = 0; i < THREADS; i++) {
        players[i] = (player){{one, other}, shared, i};
        CHECK(pthread_create(&threads[i], NULL, play, &players[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    tarn_drop(shared);
    if (!tarn_synchronize(NULL)) tarn_clear_error();
    CHECK(tarn_synchronize(NULL) && goes_on(one) && goes_on(other));
}

int main(void) {
    tarn_device cpu = {TARN_CPU, 0};
    tarn_stream *one = tarn_default_stream(cpu), *other = tarn_stream_new(cpu);
    stream_tells(one);
    stream_tells(other);
    array_tells(one, other);
    array_tells(other, one);
    evaluation_tells(other);
    each_stream_tells(one, other);
    compiled_function_tells();
    threads_go_on(one, other);
    tarn_stream_free(other);
    return check_report("async failure");
}
