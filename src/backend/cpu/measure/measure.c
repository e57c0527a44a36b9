/* Runs the loops of this machine's instruction set alone and on all threads, several times each, and keeps median and
 * best. */
#include "cpu/measure/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cpu/matmul/choose.h"
#include "cpu/matmul/lines.h"
#include "cpu/measure/loops.h"

enum {
    REPEATS = 5,
    MOST_THREADS = 1024,
    RANDOM_BYTES = 64 << 10,
    USUAL_BYTES = 1 << 30,  /* that are read */
    CACHES = 3,             /* at least so many times the last cache */
    LEAST_CACHE = 16 << 20, /* where its size is not known */
};

/* One thread counts its own time, so that other programs on the machine matter less. */
static double now(void) {
    struct timespec t;
    clock_gettime(parallel_threads() == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static measured summary(double *values, int count) {
    qsort(values, (size_t)count, sizeof *values, compare_doubles);
    return (measured){.median = values[count / 2], .best = values[count - 1]};
}

/* ---- reading */

typedef struct {
    measure_read_loop *loop;
    const char *data;
    int64_t bytes;
    int near, far;
    _Atomic uint64_t sum; /* keeps the loads alive */
} reading;

/* Each thread reads one contiguous part. */
static void read_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    reading *r = context;
    r->sum += r->loop(r->data + begin, (end - begin) & ~511ll, r->near, r->far);
}

static double read_once(reading *r, bool alone) {
    double start = now();
    if (alone)
        read_part(r, 0, r->bytes, 0, 1);
    else
        parallel_for(r->bytes, 1 << 20, read_part, r);
    return (double)r->bytes / (now() - start) * 1e-9;
}

static measured read_often(reading *r, bool alone) {
    double values[REPEATS];
    for (int i = 0; i < REPEATS; i++) values[i] = read_once(r, alone);
    return summary(values, REPEATS);
}

/* The pair of distances that all threads read fastest with. */
static void choose_distances(reading *r) {
    static const int pairs[][2] = {{0, 0}, {256, 1024}, {512, 2048}, {1024, 3072}, {1024, 0}};
    double best = 0;
    reading attempt = *r;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        attempt.near = pairs[i][0], attempt.far = pairs[i][1];
        double first = read_once(&attempt, false), second = read_once(&attempt, false),
               rate = first > second ? first : second;
        if (rate <= best) continue;
        best = rate;
        r->near = attempt.near, r->far = attempt.far;
    }
}

/* Without swapping. Free pages alone say little: most memory holds files, which give way. */
static int64_t available_bytes(void) {
    long long kilobytes = -1;
    char line[128];
    FILE *file = fopen("/proc/meminfo", "r");
    while (file && kilobytes < 0 && fgets(line, sizeof line, file)) sscanf(line, "MemAvailable: %lld", &kilobytes);
    if (file) fclose(file);
    return kilobytes >= 0 ? kilobytes << 10 : (int64_t)sysconf(_SC_AVPHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

/* Less than that is read from caches in part. */
static int64_t least_bytes(void) {
    int64_t cache = 0;
#ifdef _SC_LEVEL3_CACHE_SIZE
    cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
#endif
    return CACHES * (cache > LEAST_CACHE ? cache : LEAST_CACHE);
}

/* 0: there is too little memory. */
static int64_t default_bytes(void) {
    int64_t least = least_bytes(), wanted = least > USUAL_BYTES ? least : USUAL_BYTES, most = available_bytes() / 2;
    return most >= wanted ? wanted : most >= least ? most : 0;
}

static measure_read_loop *read_loop(void) {
    return cpu_has(CPU_AVX512) ? measure_read_avx512 : cpu_has(CPU_AVX2) ? measure_read_avx2 : measure_read_baseline;
}

double measure_reading_again(const measured_reading *found, const void *data, int64_t bytes) {
    reading r = {.loop = read_loop(), .data = data, .bytes = bytes, .near = found->near, .far = found->far};
    return read_once(&r, false);
}

bool measure_reading(int64_t bytes, measured_reading *result) {
    *result = (measured_reading){0};
    if (bytes == 0 && (bytes = default_bytes()) == 0) return true;
    bytes = (bytes + (1 << 20) - 1) & ~((1ll << 20) - 1);
    char *data = memory_new_aligned((size_t)bytes);
    if (!data) return false;
    memset(data, 0x5a, (size_t)bytes); /* pages must exist */
    reading r = {.loop = read_loop(), .data = data, .bytes = bytes};
    choose_distances(&r);
    *result = (measured_reading){.bytes = bytes, .near = r.near, .far = r.far};
    result->all = read_often(&r, false);
    result->one = read_often(&r, true);
    memory_free_aligned(data);
    return true;
}

/* ---- multiplying */

typedef struct {
    measure_rate_loop *loop;
    const void *random;
    int64_t rounds;
    double operations[MOST_THREADS];
} rating;

static void rate_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)threads;
    rating *r = context;
    float sink = 0;
    for (int64_t i = begin; i < end; i++) r->operations[thread] += r->loop(r->random, r->rounds, &sink);
    volatile float keep = sink;
    (void)keep;
}

/* TFLOP/s, the best of several runs of a few milliseconds. */
static double rate_best(rating *r, int threads) {
    double best = 0;
    for (int i = 0; i < 2 * REPEATS; i++) {
        memset(r->operations, 0, sizeof r->operations);
        double start = now(), total = 0;
        if (threads == 1)
            rate_part(r, 0, 1, 0, 1);
        else
            parallel_for(threads, 1, rate_part, r);
        double seconds = now() - start;
        for (int t = 0; t < threads; t++) total += r->operations[t];
        if (total / seconds > best) best = total / seconds;
    }
    return best * 1e-12;
}

static measured_rate rate(measure_rate_loop *loop, const void *random, const char *units) {
    rating *r = NEW(rating);
    measured_rate result = {.units = units};
    if (!r) return result;
    int threads = parallel_threads() < MOST_THREADS ? parallel_threads() : MOST_THREADS;
    *r = (rating){.loop = loop, .random = random, .rounds = 1};
    for (double start = now(), spent = 0; spent < 5e-3; start = now()) { /* rounds that take some milliseconds */
        rate_part(r, 0, 1, 0, 1);
        spent = now() - start;
        if (spent < 5e-3) r->rounds *= 2;
    }
    result.one = rate_best(r, 1);
    result.all = rate_best(r, threads);
    memory_free(r);
    return result;
}

/* Between -1 and 1, none of them zero. */
static float random_float(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return ((float)(*state >> 40) + 0.5f) * 0x1p-23f - 1;
}

measured_rate measure_f32(void) {
    float *random = memory_new_aligned(RANDOM_BYTES);
    if (!random) return (measured_rate){.units = "none"};
    uint64_t state = 1;
    for (int i = 0; i < RANDOM_BYTES / 4; i++) random[i] = random_float(&state);
    measured_rate r = cpu_has(CPU_AVX512) ? rate(measure_fma_avx512, random, "AVX-512 FMA")
                      : cpu_has(CPU_AVX2) ? rate(measure_fma_avx2, random, "AVX2 FMA")
                                          : rate(measure_fma_baseline, random, "SSE2");
    memory_free_aligned(random);
    return r;
}

measured_rate measure_bf16(void) {
    uint16_t *random = cpu_has(CPU_AVX512BF16) ? memory_new_aligned(RANDOM_BYTES) : NULL;
    if (!random) return (measured_rate){.units = "none"};
    uint64_t state = 1;
    for (int i = 0; i < RANDOM_BYTES / 2; i++) random[i] = float_to_bfloat16(random_float(&state));
    measured_rate r = cpu_has(CPU_AMX) ? rate(measure_tiles_amx, random, "AMX bf16")
                                       : rate(measure_dot_avx512bf16, random, "vdpbf16ps");
    memory_free_aligned(random);
    return r;
}
