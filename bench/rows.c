/* Reductions, running ones, softmax, norms and what else goes along an axis, through the public API, beside what the
   machine reads (where little is written) or copies past the caches, measured before each round. Medians.
   `bench_rows [WORD]`: only the cases whose name has the word; TARN_THREADS=1 counts the thread's own time. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cpu/measure/measure.h"
#include "tarn/tarn.h"
#include "timing.h"

enum { ROUNDS = 5, ROWS = 4096, WIDTH = 8192, ELEMENTS = ROWS * WIDTH };

static double now(void) {
    struct timespec t;
    clock_gettime(parallel_threads() == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- limits: what passes in a second */

typedef struct {
    const char *from;
    char *to;
} copied;

#if defined(__SSE2__)
#include <emmintrin.h>
static void copy_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const copied *c = context;
    for (int64_t i = begin; i < end; i++) {
        if (i % 4 == 0) __builtin_prefetch(c->from + i * 16 + 1024);
        _mm_stream_si128((__m128i *)(void *)c->to + i, _mm_load_si128((const __m128i *)(const void *)c->from + i));
    }
    _mm_sfence();
}
#else
static void copy_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const copied *c = context;
    memcpy(c->to + begin * 16, c->from + begin * 16, (size_t)(end - begin) * 16);
}
#endif

static double copying(const copied *c, int64_t bytes) {
    double start = now();
    parallel_for(bytes / 16, 1 << 14, copy_part, (void *)c);
    return 2e-9 * (double)bytes / (now() - start);
}

/* ---- cases */

typedef tarn_array *(*row_function)(tarn_array *x);
#define CASE(name, expression)                                                                                         \
    static tarn_array *name(tarn_array *x) {                                                                           \
        return expression;                                                                                             \
    }
CASE(sum_all, tarn_sum(x))
CASE(sum_rows, tarn_sum(x, .axes = TARN_AXES(-1)))
CASE(sum_columns, tarn_sum(x, .axes = TARN_AXES(0)))
CASE(max_rows, tarn_max(x, .axes = TARN_AXES(-1)))
CASE(max_columns, tarn_max(x, .axes = TARN_AXES(0)))
CASE(mean_rows, tarn_mean(x, .axes = TARN_AXES(-1)))
CASE(var_rows, tarn_var(x, .axes = TARN_AXES(-1)))
CASE(var_columns, tarn_var(x, .axes = TARN_AXES(0)))
CASE(logsumexp_rows, tarn_logsumexp(x, .axes = TARN_AXES(-1)))
CASE(argmax_rows, tarn_argmax(x, .axis = TARN_AXIS(-1)))
CASE(argmax_columns, tarn_argmax(x, .axis = TARN_AXIS(0)))
CASE(argmin_all, tarn_argmin(x))
CASE(median_rows, tarn_median(x, .axes = TARN_AXES(-1)))
CASE(all_rows, tarn_all(x, .axes = TARN_AXES(-1)))
CASE(cumsum_rows, tarn_cumsum(x, .axis = TARN_AXIS(-1)))
CASE(cumsum_columns, tarn_cumsum(x, .axis = TARN_AXIS(0)))
CASE(cumsum_line, tarn_cumsum(tarn_flatten(x)))
CASE(cumprod_line, tarn_cumprod(tarn_flatten(x)))
CASE(cummax_line, tarn_cummax(tarn_flatten(x)))
CASE(logcumsumexp_line, tarn_logcumsumexp(tarn_flatten(x)))
CASE(cumsum_back, tarn_cumsum(x, .axis = TARN_AXIS(-1), .reverse = true))
CASE(cumprod_rows, tarn_cumprod(x, .axis = TARN_AXIS(-1)))
CASE(cummax_rows, tarn_cummax(x, .axis = TARN_AXIS(-1)))
CASE(cummin_columns, tarn_cummin(x, .axis = TARN_AXIS(0)))
CASE(logcumsumexp_rows, tarn_logcumsumexp(x, .axis = TARN_AXIS(-1)))
CASE(logcumsumexp_columns, tarn_logcumsumexp(x, .axis = TARN_AXIS(0)))
CASE(softmax_rows, tarn_softmax(x, .axes = TARN_AXES(-1)))
CASE(softmax_columns, tarn_softmax(x, .axes = TARN_AXES(0)))
CASE(rms_norm, tarn_rms_norm(x, NULL))
CASE(layer_norm, tarn_layer_norm(x))
CASE(sort_rows, tarn_sort(x))
CASE(argsort_rows, tarn_argsort(x))

typedef struct {
    const char *name;
    row_function function;
    bool copies; /* as many elements as there are in x come out */
} row_case;
#define READS(name)                                                                                                    \
    { #name, name, false }
#define COPIES(name)                                                                                                   \
    { #name, name, true }
static const row_case row_cases[] = {READS(sum_all),
                                     READS(sum_rows),
                                     READS(sum_columns),
                                     READS(max_rows),
                                     READS(max_columns),
                                     READS(mean_rows),
                                     READS(var_rows),
                                     READS(var_columns),
                                     READS(logsumexp_rows),
                                     READS(argmax_rows),
                                     READS(argmax_columns),
                                     READS(argmin_all),
                                     READS(median_rows),
                                     READS(all_rows),
                                     COPIES(cumsum_rows),
                                     COPIES(cumsum_columns),
                                     COPIES(cumsum_line),
                                     COPIES(cumprod_line),
                                     COPIES(cummax_line),
                                     COPIES(logcumsumexp_line),
                                     COPIES(cumsum_back),
                                     COPIES(cumprod_rows),
                                     COPIES(cummax_rows),
                                     COPIES(cummin_columns),
                                     COPIES(logcumsumexp_rows),
                                     COPIES(logcumsumexp_columns),
                                     COPIES(softmax_rows),
                                     COPIES(softmax_columns),
                                     COPIES(rms_norm),
                                     COPIES(layer_norm),
                                     COPIES(sort_rows),
                                     COPIES(argsort_rows)};

typedef struct {
    const measured_reading *reading;
    copied room;
    int64_t bytes;
} limits;

static double limit_now(const limits *l, bool copies) {
    return copies ? copying(&l->room, l->bytes) : measure_reading_again(l->reading, l->room.from, l->bytes);
}

static double bytes_of(tarn_array *x) {
    return (double)(tarn_size(x) * tarn_dtype_bytes(tarn_dtype_of(x)));
}

static void bench_case(const row_case *c, tarn_array *x, const limits *l) {
    double rates[ROUNDS], bounds[ROUNDS];
    for (int r = -1; r < ROUNDS; r++) { /* the first round warms */
        TARN_SCOPE;
        double bound = limit_now(l, c->copies), start = now();
        tarn_array *y = c->function(x);
        if (!tarn_eval(y)) printf("%s: %s\n", c->name, tarn_error()), tarn_clear_error();
        double seconds = now() - start, bytes = bytes_of(x) + (c->copies ? bytes_of(y) : 0);
        if (r < 0) continue;
        rates[r] = 1e-9 * bytes / seconds;
        bounds[r] = bound;
    }
    double rate = median(rates, ROUNDS), bound = median(bounds, ROUNDS);
    printf("%-9s %-22s %6.1f GB/s %4.0f %% of %.1f\n", tarn_dtype_name(tarn_dtype_of(x)), c->name, rate,
           100 * rate / bound, bound);
    fflush(stdout);
}

static tarn_array *numbers(tarn_dtype dtype) {
    tarn_array *x = tarn_random_normal(tarn_random_key(1), TARN_SHAPE(ROWS, WIDTH), TARN_FLOAT32);
    return tarn_astype(dtype == TARN_INT32 ? tarn_multiply(x, tarn_scalar(1e6, TARN_FLOAT32)) : x, dtype);
}

int main(int count, char **arguments) {
    char isa[CPU_TEXT];
    cpu_features_text(cpu_used(), isa);
    printf("%s, %s, %d threads, arrays [%d, %d]\n", cpu_model_name(), isa, parallel_threads(), ROWS, WIDTH);
    measured_reading reading;
    limits l = {.reading = &reading, .bytes = 4 * (int64_t)ELEMENTS};
    l.room = (copied){memory_new_aligned((size_t)l.bytes), memory_new_aligned((size_t)l.bytes)};
    memset((char *)l.room.from, 1, (size_t)l.bytes), memset(l.room.to, 1, (size_t)l.bytes);
    if (!measure_reading(l.bytes, &reading)) return puts(tarn_error()), 1;
    static const tarn_dtype dtypes[] = {TARN_FLOAT32, TARN_BFLOAT16, TARN_FLOAT16, TARN_INT32};
    for (int d = 0; d < 4; d++) {
        TARN_SCOPE;
        tarn_array *x = numbers(dtypes[d]);
        if (!tarn_eval(x)) return puts(tarn_error()), 1;
        for (size_t i = 0; i < sizeof row_cases / sizeof *row_cases; i++)
            if (count < 2 || strstr(row_cases[i].name, arguments[1])) bench_case(&row_cases[i], x, &l);
    }
    return 0;
}
