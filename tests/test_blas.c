/* Products of the linear algebra library that several streams ask for at once: each is what it is alone. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "check.h"
#include "tarn/tarn.h"

enum { THREADS = 4, ROUNDS = 400, BATCH = 64, M = 9, K = 40, N = 11 };

static tarn_array *a, *b, *complex_a, *complex_b;
static double alone[BATCH * M * N];
static float complex_alone[BATCH * M * N * 2];
static atomic_int wrong;

static tarn_array *numbers(tarn_ints shape, double step) {
    double size = 1;
    for (int64_t i = 0; i < shape.count; i++) size *= (double)shape.values[i];
    tarn_array *x = tarn_sin(tarn_multiply(tarn_arange(0, size, 1, TARN_FLOAT64), tarn_scalar(step, TARN_FLOAT64)));
    return tarn_own(tarn_detach(tarn_reshape(x, shape)));
}

static void *multiply_often(void *context) {
    (void)context;
    static _Thread_local double got[BATCH * M * N];
    static _Thread_local float complex_got[BATCH * M * N * 2];
    tarn_stream *own = tarn_stream_new((tarn_device){TARN_CPU, 0});
    for (int i = 0; i < ROUNDS; i++) {
        TARN_SCOPE;
        TARN_ON(own);
        bool ok = tarn_read(tarn_matmul(a, b), got, sizeof got) &&
                  tarn_read(tarn_matmul(complex_a, complex_b), complex_got, sizeof complex_got);
        if (!ok || memcmp(got, alone, sizeof got) != 0 || memcmp(complex_got, complex_alone, sizeof complex_got) != 0)
            atomic_fetch_add(&wrong, 1);
    }
    tarn_stream_free(own);
    return NULL;
}

int main(void) {
    {
        TARN_SCOPE;
        a = numbers(TARN_SHAPE(BATCH, M, K), 0.7);
        b = numbers(TARN_SHAPE(BATCH, K, N), 0.3);
        complex_a = tarn_own(tarn_detach(tarn_astype(a, TARN_COMPLEX64)));
        complex_b = tarn_own(tarn_detach(tarn_astype(b, TARN_COMPLEX64)));
        CHECK(tarn_read(tarn_matmul(a, b), alone, sizeof alone));
        CHECK(tarn_read(tarn_matmul(complex_a, complex_b), complex_alone, sizeof complex_alone));
    }
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) CHECK(pthread_create(&threads[i], NULL, multiply_often, NULL) == 0);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    CHECK(wrong == 0);
    if (wrong) fprintf(stderr, "%d of %d products are wrong\n", wrong, THREADS * ROUNDS);
    tarn_array *held[] = {a, b, complex_a, complex_b};
    for (int i = 0; i < 4; i++) tarn_drop(held[i]);
    return check_report("blas");
}
