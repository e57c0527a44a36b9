/* Inverses by the linear algebra library that several streams ask for at once: each is what it is alone. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "check.h"
#include "tarn/tarn.h"

enum { THREADS = 4, ROUNDS = 200, BATCH = 32, N = 24 };

static tarn_array *wide, *narrow;
static double alone[BATCH * N * N];
static float narrow_alone[BATCH * N * N];
static atomic_int wrong;

static tarn_array *numbers(void) {
    tarn_array *count = tarn_arange(0, BATCH * N * N, 1, TARN_FLOAT64);
    tarn_array *x = tarn_sin(tarn_multiply(count, tarn_scalar(0.7, TARN_FLOAT64)));
    return tarn_own(tarn_detach(tarn_reshape(x, TARN_SHAPE(BATCH, N, N))));
}

static void *invert_often(void *context) {
    (void)context;
    static _Thread_local double got[BATCH * N * N];
    static _Thread_local float narrow_got[BATCH * N * N];
    tarn_stream *own = tarn_stream_new((tarn_device){TARN_CPU, 0});
    for (int i = 0; i < ROUNDS; i++) {
        TARN_SCOPE;
        TARN_ON(own);
        bool ok = tarn_read(tarn_linalg_inv(wide), got, sizeof got) &&
                  tarn_read(tarn_linalg_inv(narrow), narrow_got, sizeof narrow_got);
        if (!ok || memcmp(got, alone, sizeof got) != 0 || memcmp(narrow_got, narrow_alone, sizeof narrow_got) != 0)
            atomic_fetch_add(&wrong, 1);
    }
    tarn_stream_free(own);
    return NULL;
}

int main(void) {
    {
        TARN_SCOPE;
        wide = numbers();
        narrow = tarn_own(tarn_detach(tarn_astype(wide, TARN_FLOAT32)));
        CHECK(tarn_read(tarn_linalg_inv(wide), alone, sizeof alone));
        CHECK(tarn_read(tarn_linalg_inv(narrow), narrow_alone, sizeof narrow_alone));
    }
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, invert_often, NULL) == 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    CHECK(wrong == 0);
    if (wrong) fprintf(stderr, "%d of %d inverses are wrong\n", wrong, THREADS * ROUNDS);
    tarn_drop(wide);
    tarn_drop(narrow);
    return check_report("blas");
}
