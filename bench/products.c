/* Dense products beside those of an OpenBLAS with its own threads, in one process and in turn, each at its best.

     bench_products LIBRARY [threads=n] [seconds=s] [rounds=n] SHAPE…

   LIBRARY: such as NumPy's numpy.libs/libscipy_openblas64_-*.so. SHAPE: ROWSxCOLUMNSxDEPTH, of float32; behind it `a`,
   `b` or both for factors that lie turned, `d` for float64, as in 1024x256x4096bd. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/threads.h"
#include "cpu/cpu.h"
#include "product_row.h"

enum { ROW_MAJOR = 101, PLAIN = 111, TURNED = 112 };

typedef void (*sgemm)(int, int, int, int64_t, int64_t, int64_t, float, const void *, int64_t, const void *, int64_t,
                      float, void *, int64_t);
typedef void (*dgemm)(int, int, int, int64_t, int64_t, int64_t, double, const void *, int64_t, const void *, int64_t,
                      double, void *, int64_t);

static struct {
    sgemm floats;
    dgemm doubles;
} blas;

typedef struct {
    int64_t m, n, k;
    bool a_turned, b_turned;
    tarn_dtype dtype;
    operand inputs[2], output;
    int64_t shapes[3][2], strides[3][2];
    call c;
    void *blas_output;
} product;

static void *random_numbers(tarn_dtype dtype, int64_t count) {
    void *data = memory_new_aligned((size_t)(count * dtype_bytes(dtype)) + 64);
    if (!data) exit(1);
    static uint32_t state = 1;
    for (int64_t i = 0; i < count; i++) {
        state = state * 1664525 + 1013904223;
        double x = (double)state * 0x1p-31 - 1;
        if (dtype == TARN_FLOAT64)
            ((double *)data)[i] = x;
        else
            ((float *)data)[i] = (float)x;
    }
    return data;
}

static operand matrix(product *p, int which, int64_t rows, int64_t columns, bool turned) {
    memcpy(p->shapes[which], (int64_t[]){rows, columns}, sizeof p->shapes[which]);
    memcpy(p->strides[which], (int64_t[]){turned ? 1 : columns, turned ? rows : 1}, sizeof p->strides[which]);
    return (operand){.dtype = p->dtype,
                     .ndim = 2,
                     .shape = p->shapes[which],
                     .strides = p->strides[which],
                     .data = random_numbers(p->dtype, rows * columns)};
}

static void prepare(product *p) {
    p->inputs[0] = matrix(p, 0, p->m, p->k, p->a_turned);
    p->inputs[1] = matrix(p, 1, p->k, p->n, p->b_turned);
    p->output = matrix(p, 2, p->m, p->n, false);
    p->blas_output = random_numbers(p->dtype, p->m * p->n);
    p->c = (call){.op = OP_matmul,
                  .input_count = 2,
                  .output_count = 1,
                  .inputs = p->inputs,
                  .outputs = &p->output,
                  .row = product_row(p->dtype)};
    p->c.workspace = memory_new_aligned((size_t)p->c.row->workspace(&p->c) + 64);
}

static void release(product *p) {
    void *all[] = {p->inputs[0].data, p->inputs[1].data, p->output.data, p->blas_output, p->c.workspace};
    for (int i = 0; i < 5; i++) memory_free_aligned(all[i]);
}

static void run_ours(product *p) {
    p->c.row->run(&p->c);
}

static void run_theirs(product *p) {
    int a = p->a_turned ? TURNED : PLAIN, b = p->b_turned ? TURNED : PLAIN;
    int64_t a_line = p->a_turned ? p->m : p->k, b_line = p->b_turned ? p->k : p->n;
    if (p->dtype == TARN_FLOAT64)
        blas.doubles(ROW_MAJOR, a, b, p->m, p->n, p->k, 1, p->inputs[0].data, a_line, p->inputs[1].data, b_line, 0,
                     p->blas_output, p->n);
    else
        blas.floats(ROW_MAJOR, a, b, p->m, p->n, p->k, 1, p->inputs[0].data, a_line, p->inputs[1].data, b_line, 0,
                    p->blas_output, p->n);
}

/* With one thread the time is the processor's, so that other programs on the machine matter less. */
static double now(void) {
    struct timespec t;
    clock_gettime(parallel_threads() == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double seconds_of(void (*run)(product *), product *p) {
    double begin = now();
    int64_t times = 0;
    while (times == 0 || now() - begin < 2e-3) run(p), times++;
    return (now() - begin) / (double)times;
}

static void compare(product *p, int rounds, double seconds) {
    double best[2] = {1e9, 1e9}, begin = now();
    run_ours(p), run_theirs(p);
    for (int round = 0; round < rounds || now() - begin < seconds; round++)
        for (int side = 0; side < 2; side++) {
            double own = seconds_of(side ? run_theirs : run_ours, p);
            if (own < best[side]) best[side] = own;
        }
    double work = 2e-9 * (double)p->m * (double)p->n * (double)p->k;
    printf("%9.3f ms %7.1f GFLOP/s, OpenBLAS %7.1f: %4.0f %%\n", best[0] * 1e3, work / best[0], work / best[1],
           100 * best[1] / best[0]);
    fflush(stdout);
}

static bool bench_shape(const char *shape, int rounds, double seconds) {
    product p = {.dtype = strchr(shape, 'd') ? TARN_FLOAT64 : TARN_FLOAT32,
                 .a_turned = strchr(shape, 'a'),
                 .b_turned = strchr(shape, 'b')};
    long long m, n, k;
    if (sscanf(shape, "%lldx%lldx%lld", &m, &n, &k) != 3) return false;
    p.m = m, p.n = n, p.k = k;
    printf("%-22s", shape);
    prepare(&p);
    compare(&p, rounds, seconds);
    release(&p);
    return true;
}

/* A function of the library under the name that some builds give it. */
static void *found(void *library, const char *plain, const char *with_suffix) {
    void *f = dlsym(library, plain);
    return f ? f : dlsym(library, with_suffix);
}

static bool open_blas(const char *path, int threads) {
    void *library = dlopen(path, RTLD_NOW);
    if (!library) return false;
    *(void **)&blas.floats = found(library, "cblas_sgemm64_", "scipy_cblas_sgemm64_");
    *(void **)&blas.doubles = found(library, "cblas_dgemm64_", "scipy_cblas_dgemm64_");
    void (*set_threads)(int);
    char *(*core)(void);
    *(void **)&set_threads = found(library, "openblas_set_num_threads64_", "scipy_openblas_set_num_threads64_");
    *(void **)&core = found(library, "openblas_get_corename64_", "scipy_openblas_get_corename64_");
    if (!blas.floats || !blas.doubles || !set_threads || !core) return false;
    set_threads(threads);
    printf("%d threads; OpenBLAS for %s\n", threads, core());
    return true;
}

static bool take_option(const char *argument, int *rounds, double *seconds) {
    if (strncmp(argument, "threads=", 8) == 0)
        parallel_set_threads(atoi(argument + 8));
    else if (strncmp(argument, "seconds=", 8) == 0)
        *seconds = atof(argument + 8);
    else if (strncmp(argument, "rounds=", 7) == 0)
        *rounds = atoi(argument + 7);
    else
        return false;
    return true;
}

int main(int argc, char **argv) {
    double seconds = 1;
    int rounds = 3;
    bool known = true;
    for (int i = 2; i < argc; i++)
        if (strchr(argv[i], '=')) known = take_option(argv[i], &rounds, &seconds) && known;
    if (argc < 3 || !known || !open_blas(argv[1], parallel_threads())) {
        fprintf(stderr,
                "bench_products LIBRARY [threads=n] [seconds=s] [rounds=n] SHAPE…; an OpenBLAS with 64-bit integers\n");
        return 1;
    }
    for (int i = 2; i < argc; i++)
        if (!strchr(argv[i], '=') && !bench_shape(argv[i], rounds, seconds)) return 1;
    return 0;
}
