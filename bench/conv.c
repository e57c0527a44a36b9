/* Convolutions and their gradients beside the products of the same shapes that a matrix of patches would take, in one
   run. FLOP count two for each multiplication of the convolution; zeros of padding count, those
   between the elements of a gradient do not. Median of several runs; random data. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/threads.h"
#include "tarn/memory.h"
#include "tarn/tarn.h"
#include "timing.h"

enum { RUNS = 9 };

typedef struct {
    int64_t n, size, c, o, kernel, stride, padding;
} shape;

static const shape shapes[] = {
    {32, 32, 64, 128, 3, 1, 1},
    {8, 56, 128, 128, 3, 2, 1},
    {1, 224, 3, 64, 7, 2, 3},
};

static int64_t places(const shape *s) {
    return (s->size + 2 * s->padding - s->kernel) / s->stride + 1;
}

static double flops(const shape *s) {
    return 2.0 * (double)(s->n * places(s) * places(s)) * (double)(s->kernel * s->kernel * s->c) * (double)s->o;
}

static bool convolve(void *context, tarn_array *const *in, int count, tarn_results *results) {
    const shape *s = context;
    (void)count;
    tarn_array *y = tarn_conv2d(in[0], in[1], .stride = TARN_INTS(s->stride), .padding = TARN_INTS(s->padding));
    return tarn_result(results, y);
}

/* What is timed: over inputs in[], one result. */
typedef struct {
    const shape *s;
    tarn_array *in[3];
    int wanted; /* 0: forward, 1: gradient of x, 2: of w, 3: product */
} job;

static tarn_array *build(const job *j) {
    tarn_function f = TARN_FUNCTION(convolve, (void *)(uintptr_t)j->s);
    if (j->wanted == 3) return tarn_matmul(j->in[0], j->in[1]);
    if (j->wanted == 0) return tarn_results_at(tarn_call(f, j->in, 2), 0);
    tarn_results *g = tarn_vjp(f, j->in, 2, &j->in[2], 1);
    return tarn_results_at(g, j->wanted - 1);
}

/* One thread counts its own time, so that other programs on the machine matter less. */
static double now(void) {
    struct timespec t;
    clock_gettime(parallel_threads() == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double seconds(const job *j) {
    double times[RUNS];
    for (int i = 0; i < RUNS; i++) {
        TARN_SCOPE;
        tarn_array *out = build(j);
        double begin = now();
        if (!out || !tarn_eval(out)) printf("%s\n", tarn_error()), exit(1);
        times[i] = now() - begin;
    }
    return median(times, RUNS);
}

static tarn_array *numbers(tarn_ints dims, tarn_dtype dtype) {
    tarn_array *a = tarn_random_normal(tarn_random_key(1), dims, dtype);
    tarn_eval(a);
    return a;
}

static double product_seconds(const shape *s, int64_t m, int64_t k, int64_t n, bool turned, tarn_dtype dtype) {
    tarn_array *a = turned ? tarn_transpose(numbers(TARN_SHAPE(k, m), dtype)) : numbers(TARN_SHAPE(m, k), dtype);
    return seconds(&(job){.s = s, .in = {a, numbers(TARN_SHAPE(k, n), dtype)}, .wanted = 3});
}

static void run(const shape *s, tarn_dtype dtype) {
    TARN_SCOPE;
    int64_t rows = s->n * places(s) * places(s), depth = s->kernel * s->kernel * s->c;
    job j = {.s = s,
             .in = {numbers(TARN_SHAPE(s->n, s->size, s->size, s->c), dtype),
                    numbers(TARN_SHAPE(s->o, s->kernel, s->kernel, s->c), dtype),
                    numbers(TARN_SHAPE(s->n, places(s), places(s), s->o), dtype)}};
    double products[] = {product_seconds(s, rows, depth, s->o, false, dtype),
                         product_seconds(s, rows, s->o, depth, false, dtype),
                         product_seconds(s, depth, rows, s->o, true, dtype)};
    static const char *const names[] = {"forward", "gradient of x", "gradient of w"};
    printf("%s %lldx%lldx%lldx%lld by %lldx%lldx%lldx%lld, stride %lld\n", tarn_dtype_name(dtype), (long long)s->n,
           (long long)s->size, (long long)s->size, (long long)s->c, (long long)s->o, (long long)s->kernel,
           (long long)s->kernel, (long long)s->c, (long long)s->stride);
    for (j.wanted = 0; j.wanted < 3; j.wanted++) {
        double time = seconds(&j), product = products[j.wanted];
        printf("  %-14s %9.2f ms %8.1f GFLOP/s; the product %8.1f GFLOP/s: %3.0f %%\n", names[j.wanted], time * 1e3,
               flops(s) / time * 1e-9, flops(s) / product * 1e-9, 100 * product / time);
    }
}

/* bench_conv [n]: shape n alone, from 1 on. */
int main(int count, char **words) {
    size_t only = count > 1 ? strtoul(words[1], NULL, 10) : 0, all = sizeof shapes / sizeof *shapes;
    for (size_t i = 0; i < all; i++)
        if (only == 0 || only == i + 1) run(&shapes[i], TARN_FLOAT32);
    for (size_t i = 0; i < all; i++)
        if (only == 0 || only == i + 1) run(&shapes[i], TARN_BFLOAT16);
    return 0;
}
