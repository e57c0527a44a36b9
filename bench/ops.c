/* What the CPU's kernels move and compute in a second, beside what one loop over the same memory reaches in the same
   run: fused chains, copies, reductions, rows, attention. Best of several runs; random data. `bench_ops decode`:
   attention of one token alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/backend.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "base/threads.h"
#include "cpu/measure/measure.h"
#include "tarn/error.h"
#include "tarn/ops.h"
#include "timing.h"

/* One thread counts its own time, so that other programs on the machine matter less. */
static double now(void) {
    struct timespec t;
    clock_gettime(parallel_threads() == 1 ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static operand make(tarn_dtype dtype, tarn_ints shape) {
    int64_t *sizes = calloc(2 * (size_t)shape.count + 2, sizeof *sizes), *strides = sizes + shape.count + 1, size = 1;
    for (int64_t i = shape.count - 1; i >= 0; i--) {
        sizes[i] = shape.values[i];
        strides[i] = size;
        size *= sizes[i];
    }
    size_t bytes = ((size_t)(size * dtype_bytes(dtype)) + 63) / 64 * 64;
    uint16_t *data = memory_new_aligned(bytes ? bytes : 64);
    uint32_t state = 1;
    for (size_t i = 0; i < bytes / 2; i++) { /* numbers between about -1 and 1, whatever the float dtype */
        state = state * 1664525 + 1013904223;
        uint16_t bits = (uint16_t)(state >> 16);
        data[i] = dtype == TARN_FLOAT16 ? (uint16_t)((bits & 0x83FF) | 0x3400) : (uint16_t)((bits & 0x80FF) | 0x3E00);
    }
    return (operand){.data = data, .dtype = dtype, .ndim = (int)shape.count, .shape = sizes, .strides = strides};
}

#define DIMS(...) TARN_INTS(__VA_ARGS__)

/* The first kernel that takes the call, and its workspace. */
static void choose_row(call *c) {
    int count;
    const kernel_row *const *rows = backend_cpu.rows(0, c->op, &count);
    for (int i = 0; i < count && !c->row; i++)
        if (!rows[i]->supports || rows[i]->supports(c)) c->row = rows[i];
    int64_t bytes = c->row->workspace ? c->row->workspace(c) : 0;
    c->workspace = memory_new_aligned((size_t)bytes + 64);
}

static double time_call(call c) {
    choose_row(&c);
    double best = 1e9, begin = now();
    for (int run = 0; run < 5 || (now() - begin < 0.3 && run < 1000); run++) {
        double start = now();
        if (!c.row->run(&c)) printf("%s\n", tarn_error());
        double seconds = now() - start;
        best = seconds < best ? seconds : best;
    }
    memory_free_aligned(c.workspace);
    return best;
}

static void print_bytes(const char *what, double seconds, double bytes) {
    printf("%-44s %10.1f us %8.1f GB/s\n", what, seconds * 1e6, bytes / seconds * 1e-9);
    fflush(stdout);
}

/* ---- the limits: a plain loop over the same arrays, split over the threads */
typedef struct {
    const float *a, *b;
    float *out;
} stream;

static void add_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const stream *s = context;
    for (int64_t i = begin; i < end; i++) s->out[i] = s->a[i] + s->b[i];
}

#if defined(__SSE2__)
#include <emmintrin.h>
/* The same past the caches: nothing is read that is only written. */
static void add_past_caches(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const stream *s = context;
    for (int64_t i = begin; i < end; i += 4)
        _mm_stream_ps(s->out + i, _mm_add_ps(_mm_loadu_ps(s->a + i), _mm_loadu_ps(s->b + i)));
    _mm_sfence();
}
#else
#define add_past_caches add_part
#endif

static double time_loop(parallel_body loop, stream s, int64_t n) {
    double best = 1e9;
    for (int run = 0; run < 20; run++) {
        double start = now();
        int repeats = n < 1 << 20 ? 100 : 1;
        for (int i = 0; i < repeats; i++) parallel_for(n, 1 << 15, loop, &s);
        double seconds = (now() - start) / repeats;
        best = seconds < best ? seconds : best;
    }
    return best;
}

/* ---- groups */
static void bench_groups(int64_t n) {
    operand x = make(TARN_FLOAT32, DIMS(n)), y = make(TARN_FLOAT32, DIMS(n)), out = make(TARN_FLOAT32, DIMS(n));
    operand half = make(TARN_BFLOAT16, DIMS(n)), half_out = make(TARN_BFLOAT16, DIMS(n)),
            one = make(TARN_FLOAT32, DIMS(1));
    operand scalar = one;
    scalar.shape = x.shape;
    scalar.strides = (int64_t[]){0};
    const uint8_t f = TARN_FLOAT32, b = TARN_BFLOAT16;
    group_instruction add[] = {{OP_add, 2, {0, 1}, f, f}},
                      silu[] = {{OP_silu, 2, {0}, f, f}, {OP_multiply, 2, {2, 1}, f, f}};
    group_instruction chain[] = {{OP_multiply, 2, {0, 1}, f, f}, {OP_add, 2, {2, 0}, f, f},
                                 {OP_subtract, 3, {2, 1}, f, f}, {OP_maximum, 2, {2, 3}, f, f},
                                 {OP_multiply, 2, {2, 0}, f, f}, {OP_add, 2, {2, 1}, f, f}};
    group_instruction exponential[] = {{OP_exp, 2, {0}, f, f}}, add_half[] = {{OP_add, 2, {0, 1}, b, b}},
                      narrow[] = {{OP_astype, 2, {0}, f, b}};
    group_instruction silu_half[] = {{OP_silu, 2, {0}, b, b}, {OP_multiply, 2, {2, 1}, b, b}};
    const uint16_t in[] = {0, 1}, result[] = {2};
    stream all = {x.data, y.data, out.data};
    print_bytes("  plain loop x + y", time_loop(add_part, all, n), 12.0 * (double)n);
    print_bytes("  loop x + y past the caches", time_loop(add_past_caches, all, n), 12.0 * (double)n);
#define GROUP(what, list, first, second, to, bytes)                                                                    \
    {                                                                                                                  \
        group_program p = {2, 1, sizeof list / sizeof *list, 4, in, result, list};                                     \
        operand inputs[] = {first, second}, output = to;                                                               \
        double seconds = time_call((call){.op = OP_group,                                                              \
                                          .input_count = 2,                                                            \
                                          .output_count = 1,                                                           \
                                          .inputs = inputs,                                                            \
                                          .outputs = &output,                                                          \
                                          .program = &p});                                                             \
        print_bytes(what, seconds, (bytes) * (double)n);                                                               \
    }
    GROUP("  x + y", add, x, y, out, 12.0)
    GROUP("  x + scalar", add, x, scalar, out, 8.0)
    GROUP("  six operations", chain, x, y, out, 12.0)
    double apart = 0;
    for (int i = 0; i < 6; i++) {
        operand inputs[] = {x, y};
        group_instruction one_op = chain[i];
        one_op.result = 2, one_op.arguments[0] = 0, one_op.arguments[1] = 1;
        group_program p = {2, 1, 1, 4, in, result, &one_op};
        apart += time_call((call){
            .op = OP_group, .input_count = 2, .output_count = 1, .inputs = inputs, .outputs = &out, .program = &p});
    }
    print_bytes("  six operations, each by itself", apart, 12.0 * (double)n);
    GROUP("  exp(x)", exponential, x, y, out, 8.0)
    GROUP("  silu(x) * y", silu, x, y, out, 12.0)
    GROUP("  x + y bfloat16", add_half, half, half, half_out, 6.0)
    GROUP("  silu(x) * y bfloat16", silu_half, half, half, half_out, 6.0)
    GROUP("  float32 to bfloat16", narrow, x, y, half_out, 6.0)
    memory_free_aligned(x.data), memory_free_aligned(y.data), memory_free_aligned(out.data),
        memory_free_aligned(half.data), memory_free_aligned(half_out.data);
}

/* ---- copies, reductions and rows */
#define TIME(what, bytes, op_, attributes_, outputs_, ...)                                                             \
    print_bytes(what,                                                                                                  \
                time_call((call){.op = OP_##op_,                                                                       \
                                 .attributes = (attributes_),                                                          \
                                 .inputs = (operand[]){__VA_ARGS__},                                                   \
                                 .input_count = sizeof((operand[]){__VA_ARGS__}) / sizeof(operand),                    \
                                 .outputs = (outputs_),                                                                \
                                 .output_count = 1}),                                                                  \
                bytes)

static operand transposed(operand o) {
    int64_t *sizes = calloc(4, sizeof *sizes);
    sizes[0] = o.shape[1], sizes[1] = o.shape[0], sizes[2] = o.strides[1], sizes[3] = o.strides[0];
    o.shape = sizes;
    o.strides = sizes + 2;
    return o;
}

static void bench_moves(void) {
    operand x = make(TARN_FLOAT32, DIMS(4096, 4096)), out = make(TARN_FLOAT32, DIMS(4096, 4096)),
            half = make(TARN_BFLOAT16, DIMS(4096, 4096));
    operand half_out = make(TARN_BFLOAT16, DIMS(4096, 4096)), sums = make(TARN_FLOAT32, DIMS(4096)),
            all = make(TARN_FLOAT32, TARN_0D);
    const double bytes = 4096.0 * 4096 * 4;
    TIME("copy f32 4096 x 4096", 2 * bytes, contiguous, NULL, &out, x);
    TIME("transpose f32 4096 x 4096", 2 * bytes, contiguous, NULL, &out, transposed(x));
    TIME("transpose bf16 4096 x 4096", bytes, contiguous, NULL, &half_out, transposed(half));
    TIME("sum of all f32 4096 x 4096", bytes, reduce, (&(attributes_reduce){.kind = REDUCE_SUM}), &all, x);
    TIME("sum of rows", bytes, reduce, (&(attributes_reduce){.kind = REDUCE_SUM, .axes = DIMS(1)}), &sums, x);
    TIME("sum of columns", bytes, reduce, (&(attributes_reduce){.kind = REDUCE_SUM, .axes = DIMS(0)}), &sums, x);
    TIME("softmax f32 4096 x 4096", 2 * bytes, softmax, NULL, &out, x);
    TIME("softmax bf16 4096 x 4096", bytes, softmax, NULL, &half_out, half);
    operand weight = make(TARN_BFLOAT16, DIMS(4096)), logits = make(TARN_FLOAT32, DIMS(1, 128256)),
            index = make(TARN_UINT32, DIMS(1));
    TIME("rms_norm bf16 4096 x 4096", bytes, rms_norm, (&(attributes_rms_norm){.eps = 1e-5}), &half_out, half, weight);
    operand row = make(TARN_BFLOAT16, DIMS(1, 4096)), row_out = make(TARN_BFLOAT16, DIMS(1, 4096)),
            order = make(TARN_UINT32, DIMS(1, 128256));
    TIME("rms_norm bf16 1 x 4096", 2.0 * 4096 * 2, rms_norm, (&(attributes_rms_norm){.eps = 1e-5}), &row_out, row,
         weight);
    TIME("argmax of 128256 f32", 128256.0 * 4, arg_reduce, (&(attributes_arg_reduce){.axis = -1}), &index, logits);
    TIME("argsort of 128256 f32", 128256.0 * 4, argsort, (&(attributes_argsort){.axis = -1}), &order, logits);
    operand key = make(TARN_UINT32, DIMS(2)), bits = make(TARN_UINT32, DIMS(1 << 20));
    TIME("random bits 1 M words", 4.0 * (1 << 20), random_bits,
         (&(attributes_random_bits){.shape = DIMS(1 << 20), .width = 4}), &bits, key);
    memory_free_aligned(x.data), memory_free_aligned(out.data), memory_free_aligned(half.data),
        memory_free_aligned(half_out.data);
}

/* ---- indices. Bytes: what is read and written at the places, and the indices. */
static operand places(int64_t size, tarn_ints shape) {
    operand o = make(TARN_INT32, shape);
    uint64_t state = 1;
    for (int64_t i = 0, n = operand_size(&o); i < n; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        ((int32_t *)o.data)[i] = (int32_t)((state >> 33) % (uint64_t)size);
    }
    return o;
}

static void bench_indices(void) {
    enum { ROWS = 8000, WIDTH = 2048, MANY = 4096, N = 1 << 20 };
    const double row_bytes = 4.0 * MANY * WIDTH, square = 4.0 * WIDTH * WIDTH, bytes = 4.0 * 4 * N;
    operand table = make(TARN_FLOAT32, DIMS(ROWS, WIDTH)), rows = make(TARN_FLOAT32, DIMS(MANY, WIDTH)),
            ids = places(ROWS, DIMS(MANY));
    operand x = make(TARN_FLOAT32, DIMS(WIDTH, WIDTH)), out = make(TARN_FLOAT32, DIMS(WIDTH, WIDTH)),
            along = places(WIDTH, DIMS(WIDTH, WIDTH));
    operand one = make(TARN_FLOAT32, DIMS(N)), four = make(TARN_FLOAT32, DIMS(4 * N)), at = places(N, DIMS(4 * N));
    TIME("take 4096 rows of 2048 f32", 2 * row_bytes, gather, (&(attributes_gather){.axes = DIMS(0)}), &rows, table,
         ids);
    TIME("add 4096 rows of 2048 f32", 3 * row_bytes, scatter,
         (&(attributes_scatter){.axes = DIMS(0), .mode = TARN_SCATTER_ADD}), &table, table, rows, ids);
    TIME("take along the last axis 2048 x 2048", 3 * square, gather,
         (&(attributes_gather){.axes = DIMS(1), .batch = DIMS(0)}), &out, x, along);
    TIME("take along the first axis", 3 * square, gather, (&(attributes_gather){.axes = DIMS(0), .batch = DIMS(1)}),
         &out, x, along);
    TIME("put along the first axis", 3 * square, scatter, (&(attributes_scatter){.axes = DIMS(0), .batch = DIMS(1)}),
         &out, out, x, along);
    TIME("take 4 M elements of 1 M", 3 * bytes, gather, (&(attributes_gather){.axes = DIMS(0)}), &four, one, at);
    TIME("add 4 M elements to 1 M", 4 * bytes, scatter,
         (&(attributes_scatter){.axes = DIMS(0), .mode = TARN_SCATTER_ADD}), &one, one, four, at);
    free(table.data), free(rows.data), free(x.data), free(out.data), free(along.data), free(one.data), free(four.data),
        free(at.data);
}

/* ---- attention */
static void bench_attention(const char *what, tarn_dtype dtype, int64_t heads, int64_t kv_heads, int64_t length,
                            int64_t keys, int64_t dim, bool causal) {
    operand inputs[] = {make(dtype, DIMS(1, heads, length, dim)), make(dtype, DIMS(1, kv_heads, keys, dim)),
                        make(dtype, DIMS(1, kv_heads, keys, dim))};
    operand out = make(dtype, DIMS(1, heads, length, dim));
    attributes_attention a = {.scale = 0.1, .causal = causal};
    double seconds = time_call((call){
        .op = OP_attention, .attributes = &a, .inputs = inputs, .input_count = 3, .outputs = &out, .output_count = 1});
    double operations = 4.0 * (double)(heads * length * keys * dim),
           bytes = 2.0 * (double)(kv_heads * keys * dim * dtype_bytes(dtype));
    printf("%-44s %10.1f us %8.1f GFLOP/s %8.1f GB/s of keys and values\n", what, seconds * 1e6,
           operations / seconds * 1e-9, bytes / seconds * 1e-9);
    for (int i = 0; i < 3; i++) memory_free_aligned(inputs[i].data);
    memory_free_aligned(out.data);
}

/* One token over caches that together no cache of the machine holds, as the layers of a model are read one after the
   other. Each round measures reading too; medians. */
enum { ROUNDS = 5 };

static double decode_rate(call c, char *const caches[2], int64_t layers, int64_t bytes) {
    double start = now();
    for (int64_t i = 0; i < layers; i++) {
        ((operand *)c.inputs)[1].data = caches[0] + i * bytes;
        ((operand *)c.inputs)[2].data = caches[1] + i * bytes;
        if (!c.row->run(&c)) printf("%s\n", tarn_error());
    }
    return 2.0 * (double)(layers * bytes) / (now() - start) * 1e-9;
}

static void bench_decode(tarn_dtype dtype, int64_t heads, int64_t kv_heads, int64_t keys, int64_t dim) {
    int64_t bytes = kv_heads * keys * dim * dtype_bytes(dtype), layers = (256ll << 20) / bytes;
    operand inputs[] = {make(dtype, DIMS(1, heads, 1, dim)), make(dtype, DIMS(layers, kv_heads, keys, dim)),
                        make(dtype, DIMS(layers, kv_heads, keys, dim))};
    operand out = make(dtype, DIMS(1, heads, 1, dim));
    char *caches[] = {inputs[1].data, inputs[2].data};
    inputs[1].shape = inputs[2].shape = (int64_t[]){1, kv_heads, keys, dim};
    attributes_attention a = {.scale = 0.1, .causal = true};
    call c = {
        .op = OP_attention, .attributes = &a, .inputs = inputs, .input_count = 3, .outputs = &out, .output_count = 1};
    choose_row(&c);
    double rates[ROUNDS], limits[ROUNDS];
    measured_reading reading = {0};
    for (int i = 0; i < ROUNDS && measure_reading(256 << 20, &reading); i++) {
        limits[i] = parallel_threads() == 1 ? reading.one.median : reading.all.median;
        rates[i] = decode_rate(c, caches, layers, bytes);
    }
    double rate = median(rates, ROUNDS), limit = median(limits, ROUNDS);
    printf(
        "decode %2lld/%lld heads T %5lld D %lld %-8s %-18s %8.1f us %6.1f GB/s of keys and values, %3.0f %% of %.1f\n",
        (long long)heads, (long long)kv_heads, (long long)keys, (long long)dim, dtype_facts[dtype].name, c.row->name,
        2e-3 * (double)bytes / rate, rate, 100 * rate / limit, limit);
    memory_free_aligned(caches[0]), memory_free_aligned(caches[1]), memory_free_aligned(c.workspace);
}

static void bench_long_contexts(void) {
    for (int64_t keys = 2048; keys <= 32768; keys *= 4) bench_decode(TARN_BFLOAT16, 24, 8, keys, 128);
    bench_decode(TARN_FLOAT16, 24, 8, 8192, 128);
    bench_decode(TARN_FLOAT32, 24, 8, 8192, 128);
    bench_decode(TARN_BFLOAT16, 32, 8, 8192, 128);
    bench_decode(TARN_BFLOAT16, 32, 8, 8192, 64);
    bench_decode(TARN_BFLOAT16, 8, 1, 8192, 128);
    bench_decode(TARN_BFLOAT16, 32, 32, 2048, 80);
}

int main(int count, char **arguments) {
    char isa[CPU_TEXT];
    cpu_features_text(cpu_used(), isa);
    printf("%s, %s, %d threads\n", cpu_model_name(), isa, parallel_threads());
    if (count > 1 && strcmp(arguments[1], "decode") == 0) return bench_long_contexts(), 0;
    printf("groups of 2048 (first-level cache)\n");
    bench_groups(2048);
    printf("groups of 32 M\n");
    bench_groups(1 << 25);
    bench_moves();
    bench_indices();
    bench_attention("attention 32/8 heads L 256 T 256 D 128 bf16", TARN_BFLOAT16, 32, 8, 256, 256, 128, false);
    bench_attention("attention 32/8 heads L 256 T 2048 D 128 bf16", TARN_BFLOAT16, 32, 8, 256, 2048, 128, false);
    bench_attention("attention 32/8 heads L 512 T 512 D 64 f32", TARN_FLOAT32, 32, 8, 512, 512, 64, false);
    bench_attention("  causal", TARN_FLOAT32, 32, 8, 512, 512, 64, true);
    bench_attention("attention 32/8 heads L 1 T 512 D 128 bf16", TARN_BFLOAT16, 32, 8, 1, 512, 128, true);
    bench_long_contexts();
    return 0;
}
