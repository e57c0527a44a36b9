/* Chains of six elementwise operations on arrays of 32 M float32, fused and each operation by itself, beside a loop
   that reads two arrays and writes a third past the caches, measured before each round; what evaluating a new chain of
   a few elements takes; and each function on elements in the first-level cache, one thread. Medians. `bench_elementwise
   [WORD]`: only what has the word in its name. */
#include <stdio.h>
#include <string.h>

#include "backend/backend.h"
#include "base/cpu.h"
#include "base/memory.h"
#include "base/threads.h"
#include "table/table.h"
#include "tarn/tarn.h"
#include "timing.h"

enum { ROUNDS = 7, ELEMENTS = 32 << 20, STEPS = 6, NEW_CHAINS = 500, CACHED = 4096, REPEATS = 200 };

/* ---- the limit */
typedef struct {
    float *x, *y, *out;
} arrays;

#if defined(__SSE2__)
#include <emmintrin.h>
static void add_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const arrays *a = context;
    for (int64_t i = begin; i < end; i++) {
        if (i % 4 == 0) __builtin_prefetch(a->x + 4 * i + 256), __builtin_prefetch(a->y + 4 * i + 256);
        _mm_stream_ps(a->out + 4 * i, _mm_add_ps(_mm_load_ps(a->x + 4 * i), _mm_load_ps(a->y + 4 * i)));
    }
    _mm_sfence();
}
#else
static void add_part(void *context, int64_t begin, int64_t end, int thread, int threads) {
    (void)thread, (void)threads;
    const arrays *a = context;
    for (int64_t i = 4 * begin; i < 4 * end; i++) a->out[i] = a->x[i] + a->y[i];
}
#endif

static double limit_microseconds(arrays *a) {
    double begin = microseconds();
    parallel_for(ELEMENTS / 4, 1 << 14, add_part, a);
    return microseconds() - begin;
}

/* ---- chains */
typedef tarn_array *(*step)(tarn_array *a, tarn_array *x, tarn_array *y);
#define STEP(name, expression)                                                                                         \
    static tarn_array *name(tarn_array *a, tarn_array *x, tarn_array *y) {                                             \
        (void)x, (void)y;                                                                                              \
        return expression;                                                                                             \
    }
STEP(times_y, tarn_multiply(a, y))
STEP(plus_x, tarn_add(a, x))
STEP(minus_y, tarn_subtract(a, y))
STEP(halved, tarn_multiply(a, tarn_scalar(0.5, TARN_FLOAT32)))
STEP(at_least_x, tarn_maximum(a, x))
STEP(hyperbolic, tarn_tanh(a))
STEP(exponential, tarn_exp(a))
STEP(sine, tarn_sin(a))
STEP(sigmoid, tarn_sigmoid(a))
STEP(error_function, tarn_erf(a))
STEP(logarithm, tarn_log1p(a))

typedef struct {
    const char *name;
    step steps[STEPS];
} chain;
static const chain chains[] = {
    {"chain of sums and products", {times_y, plus_x, halved, minus_y, at_least_x, plus_x}},
    {"chain with tanh", {times_y, plus_x, halved, minus_y, hyperbolic, plus_x}},
    {"chain with exp", {times_y, plus_x, halved, minus_y, exponential, plus_x}},
    {"chain with sigmoid, sin", {times_y, plus_x, sigmoid, minus_y, sine, plus_x}},
    {"chain of six functions", {exponential, sine, sigmoid, logarithm, hyperbolic, error_function}},
};

static double chain_microseconds(const chain *c, tarn_array *x, tarn_array *y, bool apart) {
    TARN_SCOPE;
    tarn_array *a = x;
    double begin = microseconds();
    for (int i = 0; i < STEPS; i++) {
        TARN_SCOPE;
        a = c->steps[i](a, x, y);
        if (apart && !tarn_eval(a)) printf("%s: %s\n", c->name, tarn_error());
        tarn_return(a);
    }
    if (!tarn_eval(a)) printf("%s: %s\n", c->name, tarn_error());
    return microseconds() - begin;
}

static void bench_chain(const chain *c, tarn_array *x, tarn_array *y, arrays *room) {
    double fused[ROUNDS], apart[ROUNDS], limits[ROUNDS];
    for (int r = 0; r < ROUNDS; r++) {
        limits[r] = limit_microseconds(room);
        fused[r] = chain_microseconds(c, x, y, false);
        apart[r] = chain_microseconds(c, x, y, true);
    }
    double limit = median(limits, ROUNDS), one = median(fused, ROUNDS), six = median(apart, ROUNDS);
    printf("%-28s %6.1f ms, %5.1f GB/s, %3.0f %% of %.1f GB/s; each by itself %6.1f ms, %.2f x\n", c->name, one * 1e-3,
           12e-3 * ELEMENTS / one, 100 * limit / one, 12e-3 * ELEMENTS / limit, six * 1e-3, six / one);
}

static tarn_array *numbers(int64_t count, int key) {
    return tarn_random_uniform(tarn_random_key((uint64_t)key), TARN_SHAPE(count), TARN_FLOAT32);
}

static void bench_chains(const char *word) {
    TARN_SCOPE;
    tarn_array *x = NULL, *y = NULL;
    arrays room = {0};
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++) {
        if (!strstr(chains[i].name, word)) continue;
        if (!x) {
            x = numbers(ELEMENTS, 1), y = numbers(ELEMENTS, 2);
            if (!tarn_eval(x, y)) printf("%s\n", tarn_error());
            room = (arrays){(float *)(uintptr_t)tarn_data(x), (float *)(uintptr_t)tarn_data(y),
                            memory_new_aligned(4 * (size_t)ELEMENTS)};
        }
        bench_chain(&chains[i], x, y, &room);
    }
    if (room.out) memory_free_aligned(room.out);
}

static void bench_new_chain(const chain *c) {
    TARN_SCOPE;
    double times[NEW_CHAINS];
    tarn_array *x = numbers(1000, 1), *y = numbers(1000, 2);
    tarn_eval(x, y);
    double first = chain_microseconds(c, x, y, false);
    for (int i = 0; i < NEW_CHAINS; i++) times[i] = chain_microseconds(c, x, y, false);
    printf("%-28s made and evaluated, 1000 elements: first %.1f us, then %.1f us\n", c->name, first,
           median(times, NEW_CHAINS));
}

/* ---- functions: the kernel alone */
static const kernel_row *row_of(const call *c) {
    int count;
    const kernel_row *const *rows = backend_cpu.rows(0, OP_group, &count);
    for (int i = 0; i < count; i++)
        if (!rows[i]->supports || rows[i]->supports(c)) return rows[i];
    return NULL;
}

static void bench_function(op_id op) {
    _Alignas(64) float x[CACHED], out[CACHED];
    double times[ROUNDS];
    for (int i = 0; i < CACHED; i++)
        x[i] = (op_facts[op].domain == DOMAIN_ABOVE1 ? 1.05F : 0.1F) + 0.85F * (float)i / CACHED;
    int64_t shape[] = {CACHED}, strides[] = {1};
    operand in = {.data = (char *)x, .dtype = TARN_FLOAT32, .ndim = 1, .shape = shape, .strides = strides}, to = in;
    to.data = (char *)out;
    group_instruction one = {(uint16_t)op, 1, {0}, TARN_FLOAT32, TARN_FLOAT32};
    group_program program = {1, 1, 1, 2, (uint16_t[]){0}, (uint16_t[]){1}, &one};
    call c = {.op = OP_group, .inputs = &in, .input_count = 1, .outputs = &to, .output_count = 1, .program = &program};
    c.row = row_of(&c);
    for (int r = 0; r < ROUNDS; r++) {
        double begin = microseconds();
        for (int i = 0; i < REPEATS; i++)
            if (!c.row->run(&c)) printf("%s: %s\n", op_name(op), tarn_error());
        times[r] = (microseconds() - begin) * 1e3 / (REPEATS * (double)CACHED);
    }
    printf("%-28s %.3f ns an element\n", op_name(op), median(times, ROUNDS));
}

static bool is_function(op_id op) {
    return op_is_elementwise(op) && op_facts[op].most_inputs == 1 && op_facts[op].result == RESULT_FLOAT;
}

int main(int count, char **arguments) {
    char isa[CPU_TEXT];
    const char *word = count > 1 ? arguments[1] : "";
    cpu_features_text(cpu_used(), isa);
    printf("%s, %s, %d threads\n", cpu_model_name(), isa, parallel_threads());
    for (op_id op = 0; op < OP_COUNT; op++)
        if (is_function(op) && strstr(op_name(op), word)) bench_function(op);
    for (size_t i = 0; i < sizeof chains / sizeof *chains; i++)
        if (strstr(chains[i].name, word)) bench_new_chain(&chains[i]);
    bench_chains(word);
    return 0;
}
