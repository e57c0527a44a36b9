/* Kernels that read arrays of 64 MB once: reductions, scans, rows, sorting, in each float dtype. Beside each stands the
   share of what a plain loop reaches that reads as much and writes as much. `TARN_THREADS=1 bench_lines` counts the
   time of the process, so that other programs on the machine matter less. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/backend.h"
#include "base/memory.h"
#include "base/threads.h"
#include "table/convert.h"
#include "tarn/error.h"
#include "tarn/ops.h"

enum { BYTES = 64 << 20, GRAIN = 1 << 20 };

static double now(void) {
    struct timespec t;
    clock_gettime(parallel_threads() == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static char *from, *to;
static double read_seconds, copy_seconds;

typedef long long line __attribute__((vector_size(64)));
static line total;

static void read_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    line sums[4] = {{0}};
    (void)context, (void)thread, (void)threads;
    for (const line *x = (const line *)(const void *)(from + begin); x < (const line *)(const void *)(from + end);
         x += 4)
        for (int i = 0; i < 4; i++) sums[i] += x[i];
    total += sums[0] + sums[1] + sums[2] + sums[3];
}

static void copy_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)context, (void)thread, (void)threads;
    memcpy(to + begin, from + begin, (size_t)(end - begin));
}

static double time_loop(parallel_body body) {
    double best = 1e9;
    for (int run = 0; run < 10; run++) {
        double start = now();
        parallel_for(BYTES, GRAIN, body, NULL);
        best = now() - start < best ? now() - start : best;
    }
    return best;
}

static void fill(tarn_dtype dtype) {
    uint32_t state = 1;
    uint16_t *data = (uint16_t *)(void *)from;
    for (int64_t i = 0; i < BYTES / 2; i++) { /* numbers between about -1 and 1, whatever the float dtype */
        state = state * 1664525 + 1013904223;
        uint16_t bits = (uint16_t)(state >> 16);
        data[i] = dtype == TARN_FLOAT16 ? (uint16_t)((bits & 0x83FF) | 0x3400) : (uint16_t)((bits & 0x80FF) | 0x3E00);
    }
}

static int64_t size_of(tarn_ints shape) {
    int64_t size = 1;
    for (int64_t i = 0; i < shape.count; i++) size *= shape.values[i];
    return size;
}

static operand dense(void *data, tarn_dtype dtype, tarn_ints shape) {
    int64_t *strides = calloc((size_t)shape.count + 1, sizeof *strides), stride = 1;
    for (int64_t i = shape.count - 1; i >= 0; stride *= shape.values[i--]) strides[i] = stride;
    return (operand){.data = data, .dtype = dtype, .ndim = (int)shape.count, .shape = shape.values, .strides = strides};
}

static void bench(op_id op, const char *what, const void *attributes, operand x, operand out, bool writes) {
    int count;
    call c = {.op = op, .attributes = attributes, .inputs = &x, .input_count = 1, .outputs = &out, .output_count = 1};
    const kernel_row *const *rows = backend_cpu.rows(0, op, &count);
    for (int i = 0; i < count && !c.row; i++)
        if ((rows[i]->dtypes >> x.dtype & 1) && (!rows[i]->supports || rows[i]->supports(&c))) c.row = rows[i];
    if (!c.row) {
        printf("%-20s %-9s has no kernel\n", what, dtype_facts[x.dtype].name);
        return;
    }
    c.workspace = memory_new_aligned((size_t)(c.row->workspace ? c.row->workspace(&c) : 0) + 64);
    double best = 1e9, begin = now();
    for (int run = 0; run < 3 || (now() - begin < 0.2 && run < 20); run++) {
        double start = now();
        if (!c.row->run(&c)) printf("%s\n", tarn_error());
        best = now() - start < best ? now() - start : best;
    }
    double bytes = (double)(operand_size(&x) * dtype_bytes(x.dtype));
    double limit = (writes ? copy_seconds : read_seconds) * bytes / BYTES;
    printf("%-20s %-9s %-18s %8.2f ms %6.1f GB/s %4.0f %%\n", what, dtype_facts[x.dtype].name, c.row->name, best * 1e3,
           (writes ? 2 : 1) * bytes / best * 1e-9, limit / best * 100);
    memory_free_aligned(c.workspace);
}

static void bench_dtype(tarn_dtype dtype) {
    int64_t width = 4096, height = BYTES / dtype_bytes(dtype) / width;
    tarn_ints square = TARN_SHAPE(height, width), deep = TARN_SHAPE(64, height / 64, width);
    tarn_dtype index = TARN_UINT32;
    fill(dtype);
#define REDUCE(what, kind_, shape, kept, ...)                                                                          \
    bench(OP_reduce, what, &(attributes_reduce){.kind = kind_, .axes = __VA_ARGS__}, dense(from, dtype, shape),        \
          dense(to, dtype, kept), false)
    REDUCE("sum of all", REDUCE_SUM, square, TARN_0D, TARN_AXES(0, 1));
    REDUCE("sum of rows", REDUCE_SUM, square, TARN_SHAPE(height), TARN_AXES(1));
    REDUCE("sum of columns", REDUCE_SUM, square, TARN_SHAPE(width), TARN_AXES(0));
    REDUCE("sum of the middle", REDUCE_SUM, deep, TARN_SHAPE(64, width), TARN_AXES(1));
    REDUCE("sum of the outer two", REDUCE_SUM, deep, TARN_SHAPE(height / 64), TARN_AXES(0, 2));
    REDUCE("max of rows", REDUCE_MAX, square, TARN_SHAPE(height), TARN_AXES(1));
    REDUCE("max of columns", REDUCE_MAX, square, TARN_SHAPE(width), TARN_AXES(0));
    bench(OP_arg_reduce, "argmax of rows", &(attributes_arg_reduce){.axis = 1}, dense(from, dtype, square),
          dense(to, index, TARN_SHAPE(height)), false);
#define SCAN(what, kind_, axis_)                                                                                       \
    bench(OP_scan, what, &(attributes_scan){.kind = kind_, .axis = axis_}, dense(from, dtype, square),                 \
          dense(to, dtype, square), true)
    SCAN("cumsum of rows", REDUCE_SUM, 1);
    SCAN("cumsum of columns", REDUCE_SUM, 0);
    SCAN("cumprod of rows", REDUCE_PROD, 1);
    SCAN("cummax of rows", REDUCE_MAX, 1);
    bench(OP_scan, "cumsum of one row", &(attributes_scan){.kind = REDUCE_SUM, .axis = 0},
          dense(from, dtype, TARN_SHAPE(size_of(square))), dense(to, dtype, TARN_SHAPE(size_of(square))), true);
    bench(OP_softmax, "softmax", &(attributes_softmax){.axis = -1}, dense(from, dtype, square),
          dense(to, dtype, square), true);
    bench(OP_rms_norm, "rms_norm", &(attributes_rms_norm){.eps = 1e-5}, dense(from, dtype, square),
          dense(to, dtype, square), true);
}

static void bench_orders(tarn_dtype dtype) {
    enum { N = 4 << 20 };
    uint64_t state = 88172645463325252;
    for (int64_t i = 0; i < N; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        float single = (float)(int32_t)(state >> 32);
        double wide = (double)single + (double)(state & 0xFFFFFF) * 0x1p-24;
        uint16_t half = float_to_float16(single * 0x1p-20F);
        const void *value = dtype == TARN_FLOAT32   ? (const void *)&single
                            : dtype == TARN_FLOAT64 ? (const void *)&wide
                            : dtype == TARN_FLOAT16 ? (const void *)&half
                                                    : &state;
        memcpy(from + i * dtype_bytes(dtype), value, (size_t)dtype_bytes(dtype));
    }
    bench(OP_sort, "sort of 4 M", &(attributes_sort){.axis = 0}, dense(from, dtype, TARN_SHAPE(N)),
          dense(to, dtype, TARN_SHAPE(N)), true);
    bench(OP_argsort, "argsort of 4 M", &(attributes_argsort){.axis = 0}, dense(from, dtype, TARN_SHAPE(N)),
          dense(to, TARN_UINT32, TARN_SHAPE(N)), true);
    bench(OP_sort, "sort of rows of 1024", &(attributes_sort){.axis = 1},
          dense(from, dtype, TARN_SHAPE(N / 1024, 1024)), dense(to, dtype, TARN_SHAPE(N / 1024, 1024)), true);
}

int main(void) {
    from = memory_new_aligned(BYTES), to = memory_new_aligned(BYTES);
    fill(TARN_FLOAT32);
    memset(to, 1, BYTES);
    read_seconds = time_loop(read_part);
    copy_seconds = time_loop(copy_part);
    printf("%d threads; a loop reads %.1f GB/s, memcpy reads and writes %.1f GB/s%s\n", parallel_threads(),
           BYTES / read_seconds * 1e-9, 2.0 * BYTES / copy_seconds * 1e-9, total[0] == 1 ? "." : "");
    static const tarn_dtype floats[] = {TARN_FLOAT32, TARN_BFLOAT16, TARN_FLOAT16, TARN_FLOAT64};
    for (int i = 0; i < 4; i++) bench_dtype(floats[i]);
    static const tarn_dtype ordered[] = {TARN_FLOAT32, TARN_FLOAT64, TARN_INT32, TARN_INT64, TARN_UINT8, TARN_FLOAT16};
    for (int i = 0; i < 6; i++) bench_orders(ordered[i]);
    memory_free_aligned(from), memory_free_aligned(to);
    return 0;
}
