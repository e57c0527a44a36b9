/* Products of the CPU backend beside the limits of the machine, measured in the same run.

     bench_matmul [threads=n] [gb=1] [only=decode|widths|thin|prefill|prompt|dense|square|large|small]

   Streaming kernels are timed over a set of matrices larger than any cache and given as GB/s of packed weights, scales
   and biases beside the speed of reading them, measured in turn; blocked ones as TFLOP/s. Medians of five. Data are
   random: tiles of zeros are faster than real ones. */
#include <cblas.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/threads.h"
#include "cpu/cpu.h"
#include "cpu/matmul/affine.h"
#include "cpu/matmul/choose.h"
#include "cpu/measure/measure.h"
#include "product_row.h"
#include "timing.h"

/* With one thread the time is the processor's, so that other programs on the machine matter less. */
static double now(void) {
    struct timespec t;
    clock_gettime(parallel_threads() == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t state = 88172645463325252u;

static uint64_t random_bits(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static float random_float(void) {
    return ((float)(random_bits() >> 40) + 0.5f) * 0x1p-23f - 1;
}

static void *random_array(matmul_dtype dtype, int64_t count) {
    char *data = memory_new_aligned((size_t)(count * matmul_dtype_bytes(dtype)) + 64);
    if (!data) exit(1);
    for (int64_t i = 0; i < count; i++) store_from_float(dtype, random_float(), data, i);
    return data;
}

static double pool_bytes = 1e9, reading_limit, f32_limit, bf16_limit;
static measured_reading reading;
static char *pool;
static const char *const dtype_names[] = {"f32", "bf16", "f16"};

enum { REPEATS = 5 };

/* Median seconds of a run, in turn with readings of the pool, whose median becomes the limit; short runs are repeated
   until they take a few milliseconds. */
static double seconds_of(void (*run)(void *), void *context) {
    double values[REPEATS];
    int64_t times = 1;
    for (;;) {
        double start = now();
        for (int64_t i = 0; i < times; i++) run(context);
        if (now() - start > 5e-3) break;
        times *= 2;
    }
    double limits[REPEATS];
    for (int r = 0; r < REPEATS; r++) {
        limits[r] = measure_reading_again(&reading, pool, (int64_t)pool_bytes);
        double start = now();
        for (int64_t i = 0; i < times; i++) run(context);
        values[r] = (now() - start) / (double)times;
    }
    qsort(values, REPEATS, sizeof *values, compare_doubles);
    qsort(limits, REPEATS, sizeof *limits, compare_doubles);
    reading_limit = limits[REPEATS / 2];
    return values[REPEATS / 2];
}

/* ---- quantized */

typedef struct {
    affine_problem p;
    int64_t copies, copy_bytes, packed_bytes, scale_bytes;
    void *workspace;
} affine_bench;

static void run_affine(void *context) {
    const affine_bench *b = context;
    for (int64_t c = 0; c < b->copies; c++) {
        affine_problem p = b->p;
        p.weights.packed = (const uint8_t *)pool + c * b->copy_bytes;
        p.weights.scales = p.weights.packed + b->packed_bytes;
        p.weights.biases = p.weights.packed + b->packed_bytes + b->scale_bytes;
        affine_run(&p, b->workspace);
    }
}

static void bench_affine(int bits, int group, matmul_dtype x_dtype, int64_t m, int64_t n, int64_t k, bool rate) {
    affine_bench b = {.packed_bytes = n * k * bits / 8, .scale_bytes = n * (k / group) * 2};
    b.copy_bytes = (b.packed_bytes + 2 * b.scale_bytes + 63) / 64 * 64;
    b.copies = rate ? 2 : (int64_t)(pool_bytes / (double)b.copy_bytes);
    if (b.copies < 1) b.copies = 1;
    for (int64_t c = 0; c < b.copies; c++) { /* sensible scales within the random bits */
        char *scales = pool + c * b.copy_bytes + b.packed_bytes;
        for (int64_t i = 0; i < n * (k / group); i++) {
            float s = (random_float() + 1.5f) * 0.01f;
            store_from_float(MATMUL_BF16, s, scales, i);
            store_from_float(MATMUL_BF16, -8 * s, scales + b.scale_bytes, i);
        }
    }
    quantized_lines weights = {.scale_dtype = MATMUL_BF16,
                               .bits = bits,
                               .group = group,
                               .packed_stride = k * bits / 8,
                               .group_stride = k / group};
    void *x = random_array(x_dtype, m * k), *out = random_array(x_dtype, m * n);
    b.p = (affine_problem){.base = {.x = {x, x_dtype, k, 1, NULL, false, NULL},
                                    .tokens = m,
                                    .columns = n,
                                    .depth = k,
                                    .out = out,
                                    .out_dtype = x_dtype,
                                    .out_stride = n},
                           .weights = weights};
    b.workspace = memory_new_aligned((size_t)affine_workspace(&b.p) + 64);
    double seconds = seconds_of(run_affine, &b) / (double)b.copies,
           bytes = (double)(b.packed_bytes + 2 * b.scale_bytes);
    double tflops = 2e-12 * (double)m * (double)n * (double)k / seconds;
    printf("affine %d bits g%-3d x %-4s m %4lld n %6lld k %5lld  %8.3f ms  %6.1f GB/s (%3.0f%%)  %6.3f TFLOP/s "
           "(%3.0f%% of bf16, %3.0f%% "
           "of f32)\n",
           bits, group, dtype_names[x_dtype], (long long)m, (long long)n, (long long)k, seconds * 1e3,
           bytes / seconds * 1e-9, bytes / seconds * 1e-7 / reading_limit, tflops,
           bf16_limit > 0 ? 100 * tflops / bf16_limit : 0, 100 * tflops / f32_limit);
    fflush(stdout);
    memory_free_aligned(x), memory_free_aligned(out), memory_free_aligned(b.workspace);
}

static void bench_widths(void) {
    static const int bits[] = {4, 8, 2, 3, 5, 6};
    for (int d = 0; d < 2; d++)
        for (int i = 0; i < 6; i++) bench_affine(bits[i], 64, (matmul_dtype)d, 1, 8192, 3072, false);
}

static void bench_decode(void) {
    bench_widths();
    for (int group = 32; group <= 128; group *= 4) bench_affine(4, group, MATMUL_BF16, 1, 8192, 3072, false);
    bench_affine(4, 64, MATMUL_F32, 1, 3072, 8192, false);
    bench_affine(4, 64, MATMUL_BF16, 1, 128256, 3072, false);
    bench_affine(4, 64, MATMUL_BF16, 1, 1024, 896, false);
    static const int64_t tokens[] = {2, 3, 4, 6, 8, 12, 13, 16, 24, 32};
    for (int d = 0; d < 2; d++)
        for (int i = 0; i < 10; i++) bench_affine(4, 64, (matmul_dtype)d, tokens[i], 8192, 3072, false);
    for (int i = 0; i < 10; i += 3) bench_affine(8, 64, MATMUL_BF16, tokens[i], 8192, 3072, false);
}

static void bench_prompt(void) {
    for (int64_t m = 64; m <= 512; m *= 2)
        for (int d = 0; d < 2; d++) bench_affine(4, 64, (matmul_dtype)d, m, 8192, 3072, true);
}

static void bench_prefill(void) {
    for (int64_t m = 64; m <= 1024; m *= 2) bench_affine(4, 64, MATMUL_BF16, m, 8192, 3072, true);
    bench_affine(4, 64, MATMUL_BF16, 256, 3072, 8192, true);
    bench_affine(8, 64, MATMUL_BF16, 256, 8192, 3072, true);
    bench_affine(6, 64, MATMUL_BF16, 256, 8192, 3072, true);
    bench_affine(4, 64, MATMUL_F32, 64, 8192, 3072, true);
    bench_affine(4, 64, MATMUL_F32, 256, 8192, 3072, true);
    bench_affine(4, 64, MATMUL_F16, 256, 8192, 3072, true);
    bench_affine(8, 64, MATMUL_F32, 256, 8192, 3072, true);
}

/* ---- dense, through the cell */

typedef struct {
    call c;
    operand inputs[2], outputs[1];
    int64_t shapes[3][3], strides[3][3];
    int64_t copies, b_bytes;
} dense_bench;

static void run_dense(void *context) {
    dense_bench *b = context;
    void *first = b->inputs[1].data;
    for (int64_t i = 0; i < b->copies; i++) {
        b->inputs[1].data = (char *)first + i * b->b_bytes;
        b->c.row->run(&b->c);
    }
    b->inputs[1].data = first;
}

static void set_operand(dense_bench *b, operand *o, int which, tarn_dtype dtype, int64_t batch, int64_t rows,
                        int64_t columns, bool turned) {
    memcpy(b->shapes[which], (int64_t[]){batch, rows, columns}, sizeof b->shapes[which]);
    memcpy(b->strides[which], (int64_t[]){rows * columns, turned ? 1 : columns, turned ? rows : 1},
           sizeof b->strides[which]);
    *o = (operand){.dtype = dtype, .ndim = 3, .shape = b->shapes[which], .strides = b->strides[which]};
}

static void bench_dense(matmul_dtype d, int64_t batch, int64_t m, int64_t n, int64_t k, bool turned, bool stream) {
    static const tarn_dtype dtypes[] = {TARN_FLOAT32, TARN_BFLOAT16, TARN_FLOAT16};
    dense_bench b = {.b_bytes = batch * n * k * matmul_dtype_bytes(d)};
    b.copies = stream ? (int64_t)(pool_bytes / (double)b.b_bytes) : 1;
    if (b.copies < 1) b.copies = 1;
    set_operand(&b, &b.inputs[0], 0, dtypes[d], batch, m, k, false);
    set_operand(&b, &b.inputs[1], 1, dtypes[d], batch, k, n, turned);
    set_operand(&b, &b.outputs[0], 2, dtypes[d], batch, m, n, false);
    b.inputs[0].data = random_array(d, batch * m * k);
    b.inputs[1].data = random_array(d, b.copies * batch * k * n);
    b.outputs[0].data = random_array(d, batch * m * n);
    b.c = (call){.op = OP_matmul,
                 .input_count = 2,
                 .output_count = 1,
                 .inputs = b.inputs,
                 .outputs = b.outputs,
                 .row = product_row(dtypes[d])};
    b.c.workspace = memory_new_aligned((size_t)b.c.row->workspace(&b.c) + 64);
    double seconds = seconds_of(run_dense, &b) / (double)b.copies,
           tflops = 2e-12 * (double)(batch * m) * (double)n * (double)k / seconds;
    printf("dense %-4s batch %2lld m %5lld n %6lld k %5lld %s  %9.4f ms  %6.1f GB/s (%3.0f%%)  %7.4f TFLOP/s (%3.0f%% "
           "of bf16, %3.0f%% of "
           "f32)\n",
           dtype_names[d], (long long)batch, (long long)m, (long long)n, (long long)k, turned ? "b turned" : "        ",
           seconds * 1e3, (double)b.b_bytes / seconds * 1e-9, (double)b.b_bytes / seconds * 1e-7 / reading_limit,
           tflops, bf16_limit > 0 ? 100 * tflops / bf16_limit : 0, 100 * tflops / f32_limit);
    fflush(stdout);
    memory_free_aligned(b.inputs[0].data), memory_free_aligned(b.inputs[1].data),
        memory_free_aligned(b.outputs[0].data);
    memory_free_aligned(b.c.workspace);
}

/* OpenBLAS, serial, called on one part of the rows by each thread. */
typedef struct {
    const float *a, *b;
    float *out;
    int64_t n;
} blas_bench;

static void blas_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const blas_bench *b = context;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)(end - begin), (int)b->n, (int)b->n, 1,
                b->a + begin * b->n, (int)b->n, b->b, (int)b->n, 0, b->out + begin * b->n, (int)b->n);
}

static void run_blas(void *context) {
    blas_bench *b = context;
    parallel_for(b->n, 16, blas_part, b);
}

static void bench_blas(int64_t n) {
    blas_bench b = {random_array(MATMUL_F32, n * n), random_array(MATMUL_F32, n * n), random_array(MATMUL_F32, n * n),
                    n};
    double seconds = seconds_of(run_blas, &b), tflops = 2e-12 * (double)n * (double)n * (double)n / seconds;
    printf("OpenBLAS f32 m n k %5lld  %9.4f ms  %7.4f TFLOP/s (%3.0f%% of f32)\n", (long long)n, seconds * 1e3, tflops,
           100 * tflops / f32_limit);
    fflush(stdout);
    memory_free_aligned((void *)(uintptr_t)b.a), memory_free_aligned((void *)(uintptr_t)b.b),
        memory_free_aligned(b.out);
}

static void bench_products(void) {
    static const int64_t sizes[] = {256, 1024, 2048, 4096};
    for (int i = 0; i < 4; i++) {
        bench_dense(MATMUL_F32, 1, sizes[i], sizes[i], sizes[i], false, false);
        bench_blas(sizes[i]);
        bench_dense(MATMUL_BF16, 1, sizes[i], sizes[i], sizes[i], false, false);
        bench_dense(MATMUL_BF16, 1, sizes[i], sizes[i], sizes[i], true, false);
        bench_dense(MATMUL_F16, 1, sizes[i], sizes[i], sizes[i], false, false);
    }
    bench_dense(MATMUL_BF16, 1, 256, 8192, 3072, true, false);
    for (int d = 0; d < 3; d++)
        for (int64_t m = 1; m <= 16; m *= 2) {
            bench_dense((matmul_dtype)d, 1, m, 8192, 3072, true, true);
            bench_dense((matmul_dtype)d, 1, m, 8192, 3072, false, true);
        }
}

/* Few tokens against dense weights. */
static void bench_thin(void) {
    static const int64_t rows[] = {1, 2, 4, 5, 8, 12, 16, 24};
    for (int d = 0; d < 3; d++)
        for (int i = 0; i < 8; i++)
            for (int turned = 0; turned < 2; turned++)
                bench_dense((matmul_dtype)d, 1, rows[i], 8192, 3072, turned, true);
}

static void bench_small(void) {
    static const int64_t lengths[] = {64, 512, 4096};
    for (int d = 0; d < 2; d++)
        for (int i = 0; i < 3; i++) {
            bench_dense((matmul_dtype)d, 24, 1, lengths[i], 128, true, false);  /* q k^T */
            bench_dense((matmul_dtype)d, 24, 1, 128, lengths[i], false, false); /* p v */
            bench_dense((matmul_dtype)d, 24, 64, lengths[i], 128, true, false);
        }
    for (int64_t n = 2; n <= 128; n *= 2) bench_dense(MATMUL_F32, 1, n, n, n, false, false);
}

/* One size that fits no cache, for tuning. */
static void bench_square(void) {
    for (int d = 0; d < 2; d++)
        for (int64_t n = 512; n <= 1024; n *= 2) bench_dense((matmul_dtype)d, 1, n, n, n, false, false);
}

/* The size that issues ask for. */
static void bench_large(void) {
    bench_dense(MATMUL_BF16, 1, 6000, 6000, 6000, false, false);
    bench_dense(MATMUL_BF16, 1, 6000, 6000, 6000, true, false);
    bench_dense(MATMUL_F32, 1, 6000, 6000, 6000, false, false);
    bench_blas(6000);
}

static bool named(int argc, char **argv, const char *name) {
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "only=", 5) == 0 && strcmp(argv[i] + 5, name) == 0) return true;
    return false;
}

/* Named, or nothing is. */
static bool wanted(int argc, char **argv, const char *name) {
    bool all = true;
    for (int i = 1; i < argc; i++) all = all && strncmp(argv[i], "only=", 5) != 0;
    return all || named(argc, argv, name);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "threads=", 8) == 0) parallel_set_threads(atoi(argv[i] + 8));
        if (strncmp(argv[i], "gb=", 3) == 0) pool_bytes = atof(argv[i] + 3) * 1e9;
    }
    if (!measure_reading(0, &reading)) return 1;
    measured_rate f32 = measure_f32(), bf16 = measure_bf16();
    f32_limit = f32.all, bf16_limit = bf16.all;
    double load = 0;
    getloadavg(&load, 1);
    char isa[CPU_TEXT];
    cpu_features_text(cpu_used(), isa);
    printf("%s, %s, %d threads, load %.2f\n", cpu_model_name(), isa, parallel_threads(), load);
    printf("reading: 1 thread %.1f (best %.1f), all %.1f (best %.1f) GB/s; prefetch %d and %d bytes ahead\n",
           reading.one.median, reading.one.best, reading.all.median, reading.all.best, reading.near, reading.far);
    printf("%s: 1 thread %.3f, all %.3f TFLOP/s; %s: %.3f, %.3f\n", f32.units, f32.one, f32.all, bf16.units, bf16.one,
           bf16.all);
    pool = memory_new_aligned((size_t)pool_bytes + (256u << 20));
    if (!pool) return 1;
    for (size_t i = 0; i < ((size_t)pool_bytes + (256u << 20)) / 8; i++) ((uint64_t *)(void *)pool)[i] = random_bits();
    if (wanted(argc, argv, "decode")) bench_decode();
    if (named(argc, argv, "widths")) bench_widths();
    if (wanted(argc, argv, "prefill")) bench_prefill();
    if (named(argc, argv, "prompt")) bench_prompt();
    if (wanted(argc, argv, "small")) bench_small();
    if (named(argc, argv, "thin")) bench_thin();
    if (wanted(argc, argv, "square")) bench_square();
    if (named(argc, argv, "large")) bench_large();
    if (wanted(argc, argv, "dense")) bench_products();
    memory_free_aligned(pool);
    return 0;
}
