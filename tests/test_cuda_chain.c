/* A decode-shaped chain through the public API on a CUDA device against the CPU: norm, products, rope, a cache that is
   written in place, attention, a gate, token after token, dense and with 4-bit weights; arrays that go from device to
   device; a device error that is told where the array is read. Skips where there is no device. */
#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "ops/build.h"
#include "paths.h"
#include "tarn/tarn.h"

enum { WIDTH = 256, HEADS = 8, KV_HEADS = 2, DIM = 32, KEYS = 64, STEPS = 20 };

typedef struct {
    tarn_array *weights[7], *packed[7][3], *norm, *keys, *values;
    bool quantized;
} layer;

static tarn_array *drawn(uint64_t seed, tarn_ints shape, tarn_dtype dtype) {
    tarn_array *x = tarn_random_normal(tarn_random_key(seed), shape, TARN_FLOAT32);
    return tarn_astype(tarn_multiply(x, tarn_scalar(0.07, TARN_FLOAT32)), dtype);
}

static bool make_layer(layer *l, tarn_dtype dtype, bool quantized) {
    static const int64_t rows[] = {WIDTH, KV_HEADS * DIM, KV_HEADS * DIM, WIDTH, 3 * WIDTH, 3 * WIDTH, WIDTH};
    *l = (layer){.quantized = quantized, .norm = drawn(9, TARN_SHAPE(WIDTH), dtype)};
    for (int i = 0; i < 7; i++) {
        l->weights[i] = drawn((uint64_t)i, TARN_SHAPE(rows[i], i == 6 ? 3 * WIDTH : WIDTH), dtype);
        if (quantized && !tarn_quantize(l->weights[i], l->packed[i], .bits = 4, .group_size = 64)) return false;
    }
    l->keys = tarn_zeros(TARN_SHAPE(1, KV_HEADS, KEYS, DIM), dtype);
    l->values = tarn_zeros(TARN_SHAPE(1, KV_HEADS, KEYS, DIM), dtype);
    return tarn_ok();
}

static tarn_array *project(const layer *l, int i, tarn_array *x) {
    if (!l->quantized) return tarn_matmul(x, tarn_transpose(l->weights[i]));
    return tarn_quantized_matmul(x, l->packed[i][0], l->packed[i][1], .biases = l->packed[i][2], .bits = 4,
                                 .group_size = 64);
}

static tarn_array *heads_of(tarn_array *x, int64_t heads) {
    return tarn_swapaxes(tarn_reshape(x, TARN_SHAPE(1, 1, heads, DIM)), 1, 2);
}

static tarn_array *step(layer *l, tarn_array *x, int position) {
    tarn_array *at = tarn_scalar_int(position, TARN_INT32), *start = tarn_reshape(at, TARN_SHAPE(1));
    tarn_array *y = tarn_rms_norm(x, l->norm);
    tarn_array *q = tarn_rope(heads_of(project(l, 0, y), HEADS), at),
               *k = tarn_rope(heads_of(project(l, 1, y), KV_HEADS), at);
    l->keys = tarn_slice_update(l->keys, k, start, TARN_AXES(2));
    l->values = tarn_slice_update(l->values, heads_of(project(l, 2, y), KV_HEADS), start, TARN_AXES(2));
    tarn_array *length = tarn_reshape(tarn_scalar_int(position + 1, TARN_INT32), TARN_SHAPE(1));
    tarn_array *a = tarn_attention(q, l->keys, l->values, .length = length);
    x = tarn_add(x, project(l, 3, tarn_reshape(tarn_swapaxes(a, 1, 2), TARN_SHAPE(1, 1, WIDTH))));
    y = tarn_rms_norm(x, l->norm);
    y = tarn_multiply(tarn_silu(project(l, 4, y)), project(l, 5, y));
    return tarn_add(x, project(l, 6, y));
}

/* The state after all steps, as numbers on the host. */
static bool decode(tarn_device device, tarn_dtype dtype, bool quantized, float *out) {
    TARN_SCOPE;
    layer l;
    if (!make_layer(&l, dtype, quantized))
        return false; /* on the CPU: the device gets them when they are first read there */
    tarn_array *x = drawn(77, TARN_SHAPE(1, 1, WIDTH), dtype);
    TARN_ON(tarn_default_stream(device));
    for (int i = 0; i < STEPS; i++) x = step(&l, x, i);
    return tarn_read(tarn_astype(x, TARN_FLOAT32), out, WIDTH * sizeof *out);
}

static double distance(const float *a, const float *b) {
    double error = 0, size = 0;
    for (int i = 0; i < WIDTH; i++) {
        error += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        size += (double)b[i] * (double)b[i];
    }
    return sqrt(error / size);
}

static void test_decode(tarn_dtype dtype, bool quantized, double most) {
    float there[WIDTH], here[WIDTH];
    CHECK(decode((tarn_device){TARN_CUDA, 0}, dtype, quantized, there));
    CHECK(decode((tarn_device){TARN_CPU, 0}, dtype, quantized, here));
    double d = distance(there, here);
    printf("%s%s: %g from the CPU after %d steps\n", dtype == TARN_FLOAT32 ? "float32" : "bfloat16",
           quantized ? ", 4 bits" : "", d, STEPS);
    CHECK(d <= most);
    tarn_clear_error();
}

/* Ops in turn here and there, on two streams of the device. */
static void test_devices(void) {
    TARN_SCOPE;
    tarn_device gpu = {TARN_CUDA, 0};
    tarn_stream *streams[3] = {tarn_default_stream(gpu), tarn_stream_new(gpu),
                               tarn_default_stream((tarn_device){TARN_CPU, 0})};
    tarn_array *x = tarn_arange(0, 1000, 1, TARN_FLOAT32);
    for (int i = 0; i < 60; i++) {
        TARN_ON(streams[i % 3]);
        x = tarn_add(tarn_sqrt(tarn_square(x)), tarn_scalar(1, TARN_FLOAT32));
        if (i % 7 == 0) CHECK(tarn_eval(x));
    }
    const float *values = tarn_data(x);
    for (int i = 0; values && i < 1000; i++) CHECK(values[i] == (float)(i + 60));
    CHECK(values != NULL);
    tarn_stream_free(streams[1]);
}

/* The same function again and again, on other arrays each time: a plan that goes from call to call to graphs, and whose
   graphs go from addresses to addresses. */
static bool rounds(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)context, (void)count;
    tarn_array *x = inputs[0], *w = inputs[1];
    for (int i = 0; i < 4; i++) {
        x = tarn_rms_norm(tarn_matmul(x, tarn_transpose(w)), NULL);
        x = tarn_add(tarn_multiply(tarn_silu(x), x), tarn_softmax(x, .axes = TARN_AXES(-1)));
    }
    return tarn_result(results, x) && tarn_result(results, tarn_sum(x, .axes = TARN_AXES(-1)));
}

/* How many plans could not be recorded as graphs, so far: results do not tell. The library has opened the backend. */
static int64_t plans_refused(void) {
    char path[1024];
    int64_t (*refused)(void) = NULL;
    snprintf(path, sizeof path, "%s/libtarn_cuda.so", getenv("TARN_BACKENDS"));
    void *library = dlopen(path, RTLD_NOW | RTLD_NOLOAD),
         *symbol = library ? dlsym(library, "tarn_backend_refused") : NULL;
    memcpy(&refused, &symbol, sizeof refused);
    CHECK(refused != NULL);
    if (library) dlclose(library);
    return refused ? refused() : -1;
}

static bool run_rounds(tarn_device device, float *out) {
    enum { CALLS = 14 };
    TARN_SCOPE;
    TARN_ON(tarn_default_stream(device));
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(rounds, NULL));
    tarn_array *w = drawn(5, TARN_SHAPE(WIDTH, WIDTH), TARN_FLOAT32), *sums[CALLS];
    bool ok = c != NULL;
    for (int i = 0; ok && i < CALLS; i++) {
        tarn_array *inputs[] = {drawn((uint64_t)i, TARN_SHAPE(1 + i / 12, WIDTH), TARN_FLOAT32), w};
        tarn_results *made = tarn_compiled_call(c, inputs, 2);
        sums[i] = tarn_slice_axis(tarn_results_at(made, 1), 0, 0, 1); /* kept, so that addresses change */
        ok = tarn_eval(tarn_results_at(made, 0)) && (i % 3 || tarn_eval(sums[i]));
    }
    ok = ok && tarn_read(tarn_concatenate(sums, CALLS, .axis = TARN_AXIS(0)), out, CALLS * sizeof *out);
    tarn_compiled_free(c);
    return ok;
}

static void test_plans(void) {
    float there[WIDTH] = {0}, here[WIDTH] = {0};
    int64_t refused = plans_refused();
    CHECK(run_rounds((tarn_device){TARN_CUDA, 0}, there));
    CHECK(plans_refused() == refused);
    CHECK(run_rounds((tarn_device){TARN_CPU, 0}, here));
    printf("a plan: %g from the CPU\n", distance(there, here));
    CHECK(distance(there, here) < 1e-5);
}

/* A call that may fail while it runs cannot be in a graph: its plan is given call by call, counted once, and the error
   is told where it is read. */
static bool picked(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)context, (void)count;
    tarn_array *x = tarn_softmax(inputs[0], .axes = TARN_AXES(-1));
    return tarn_result(results, tarn_take(tarn_rms_norm(x, NULL), inputs[1], .axis = TARN_AXIS(0), .check = true));
}

static void test_refused(void) {
    enum { TIMES = 12 };
    TARN_SCOPE;
    TARN_ON(tarn_default_stream((tarn_device){TARN_CUDA, 0}));
    int64_t before = plans_refused();
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(picked, NULL));
    tarn_array *inputs[] = {drawn(4, TARN_SHAPE(3, WIDTH), TARN_FLOAT32), tarn_scalar_int(2, TARN_INT32)};
    float first[WIDTH] = {0}, later[WIDTH] = {0};
    CHECK(tarn_eval(inputs[0]) && tarn_eval(inputs[1]));
    for (int i = 0; i < TIMES; i++) {
        TARN_SCOPE;
        tarn_array *y = tarn_results_at(tarn_compiled_call(c, inputs, 2), 0);
        CHECK(tarn_read(y, i ? later : first, sizeof first));
        CHECK(!i || !memcmp(first, later, sizeof first));
    }
    CHECK(plans_refused() == before + 1);
    inputs[1] = tarn_scalar_int(3, TARN_INT32);
    CHECK_ERROR(tarn_read(tarn_results_at(tarn_compiled_call(c, inputs, 2), 0), later, sizeof later), "index 3");
    tarn_compiled_free(c);
}

/* ---- graphs of plans count against the limit: where there is no room for one, the calls are given one by one, and
   when there is room again, it is made */
static bool many_calls(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    enum { TIMES = 40 };
    (void)context, (void)count;
    tarn_array *x = inputs[0];
    for (int i = 0; i < TIMES; i++) x = tarn_softmax(tarn_rms_norm(x, NULL), .axes = TARN_AXES(-1));
    return tarn_result(results, x);
}

static tarn_memory memory_of_gpu(void) {
    tarn_memory memory = {0};
    CHECK(tarn_memory_info((tarn_device){TARN_CUDA, 0}, &memory));
    return memory;
}

/* How much more is reserved after so many calls as make a graph; the last result. */
static int64_t reserved_by_calls(tarn_compiled *c, tarn_array *x, float *out) {
    int64_t before = memory_of_gpu().reserved;
    for (int i = 0; i < 12; i++) {
        TARN_SCOPE;
        tarn_array *y = tarn_results_at(tarn_compiled_call(c, &x, 1), 0);
        CHECK(tarn_read(y, out, WIDTH * sizeof *out));
    }
    return memory_of_gpu().reserved - before;
}

/* A group's code counts once it is compiled, and once. */
static void test_code_counts(void) {
    TARN_SCOPE;
    TARN_ON(tarn_default_stream((tarn_device){TARN_CUDA, 0}));
    tarn_array *x = drawn(4, TARN_SHAPE(1, WIDTH), TARN_FLOAT32);
    CHECK(tarn_eval(x));
    int64_t before = memory_of_gpu().reserved, after = 0;
    for (int i = 0; i < 2; i++) {
        CHECK(tarn_eval(tarn_arctan(tarn_sinh(tarn_log1p(tarn_abs(tarn_cos(x)))))));
        if (i == 0) after = memory_of_gpu().reserved;
    }
    CHECK(after > before && memory_of_gpu().reserved == after);
}

static void test_graphs_within_limit(void) {
    enum { ROOM = 32 << 10 };
    tarn_device gpu = {TARN_CUDA, 0};
    TARN_SCOPE;
    TARN_ON(tarn_default_stream(gpu));
    tarn_compiled *first = tarn_compile(TARN_FUNCTION(many_calls, NULL)),
                  *second = tarn_compile(TARN_FUNCTION(many_calls, NULL));
    tarn_array *x = drawn(3, TARN_SHAPE(1, WIDTH), TARN_FLOAT32);
    float free_of_limit[WIDTH] = {0}, within[WIDTH] = {0}, later[WIDTH] = {0};
    CHECK(tarn_eval(x));
    int64_t begun = memory_of_gpu().reserved, graph = reserved_by_calls(first, x, free_of_limit);
    CHECK(graph > ROOM);
    tarn_memory now = memory_of_gpu();
    tarn_set_memory_limit(gpu, now.active + now.reserved + ROOM);
    CHECK(reserved_by_calls(second, x, within) == 0);
    tarn_set_memory_limit(gpu, 0);
    CHECK(reserved_by_calls(second, x, later) == graph);
    CHECK(!memcmp(within, free_of_limit, sizeof within) && !memcmp(later, within, sizeof within));
    tarn_compiled_free(first);
    tarn_compiled_free(second);
    CHECK(memory_of_gpu().reserved == begun);
}

/* Weights that the same evaluation makes are read as they were made, whatever their memory held before: by products of
   one row and of many, dense and packed. In each round they are others; the same again once they are there. */
enum { MADE_ROWS = 256, MADE_WIDTH = 2048, MADE_PRODUCTS = 6 };

static bool products_of(tarn_array *rows, tarn_array *const *weights, tarn_array **made) {
    tarn_array *row = tarn_slice_axis(rows, 0, 0, 1);
    made[0] = tarn_matmul(row, tarn_transpose(weights[0]));
    for (int i = 0; i < 2; i++) {
        tarn_array *const *packed = weights + 1 + 3 * i;
        for (int many = 0; many < 2; many++)
            made[1 + 2 * i + many] = tarn_quantized_matmul(many ? rows : row, packed[0], packed[1], .biases = packed[2],
                                                           .bits = i ? 8 : 4, .group_size = 64);
    }
    made[5] = tarn_quantized_matmul(tarn_slice_axis(rows, 0, 0, 8), weights[1], weights[2], .biases = weights[3],
                                    .bits = 4, .group_size = 64);
    return tarn_ok();
}

/* dense, then packed to 4 and to 8 bits */
static bool make_weights(tarn_array *w, tarn_array **made) {
    tarn_array *sorted = tarn_sort(w, .axis = TARN_AXIS(-1)); /* much that is read, and written over, just before */
    made[0] = tarn_add(tarn_sqrt(tarn_abs(sorted)), w);
    return tarn_quantize(made[0], made + 1, .bits = 4, .group_size = 64) &&
           tarn_quantize(made[0], made + 4, .bits = 8, .group_size = 64);
}

static bool same_values(tarn_array *a, tarn_array *b) {
    return tarn_item(tarn_array_equal(a, b)) == 1;
}

static void test_made_weights(void) {
    enum { ROUNDS = 60 };
    TARN_SCOPE;
    TARN_ON(tarn_default_stream((tarn_device){TARN_CUDA, 0}));
    tarn_array *rows = drawn(1, TARN_SHAPE(64, MADE_WIDTH), TARN_BFLOAT16);
    CHECK(tarn_eval(rows));
    int wrong[MADE_PRODUCTS] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        TARN_SCOPE;
        tarn_array *w = drawn((uint64_t)round + 2, TARN_SHAPE(MADE_ROWS, MADE_WIDTH), TARN_BFLOAT16), *weights[7],
                   *now[MADE_PRODUCTS], *later[MADE_PRODUCTS];
        CHECK(tarn_eval(w));
        CHECK(make_weights(w, weights) && products_of(rows, weights, now));
        CHECK(tarn_eval_all(now, MADE_PRODUCTS) && tarn_eval_all(weights, 7));
        CHECK(products_of(rows, weights, later) && tarn_eval_all(later, MADE_PRODUCTS));
        for (int i = 0; i < MADE_PRODUCTS; i++) wrong[i] += !same_values(now[i], later[i]);
    }
    for (int i = 0; i < MADE_PRODUCTS; i++) {
        if (wrong[i]) printf("product %d of weights made before it: wrong in %d of %d rounds\n", i, wrong[i], ROUNDS);
        CHECK(wrong[i] == 0);
    }
}

/* What the device has no row for is an error that says so; more than there is memory for, too; the device goes on. */
static void test_errors(void) {
    TARN_SCOPE;
    TARN_ON(tarn_default_stream((tarn_device){TARN_CUDA, 0}));
    CHECK_ERROR(tarn_eval(BUILD(test_effect, &attributes_test_effect_default, tarn_scalar(1, TARN_FLOAT32))),
                "test_effect");
    CHECK_ERROR(tarn_eval(tarn_contiguous(
                    tarn_broadcast_to(tarn_arange(0, 1 << 20, 1, TARN_FLOAT32), TARN_SHAPE(1 << 20, 1 << 20)))),
                "bytes");
    CHECK(tarn_item(tarn_sum(tarn_arange(0, 100, 1, TARN_FLOAT32))) == 4950);
}

int main(void) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 0);
    if (tarn_device_count(TARN_CUDA) == 0) return printf("there is no CUDA device here\n"), 77;
    test_decode(TARN_FLOAT32, false, 2e-5);
    test_decode(TARN_BFLOAT16, false, 2e-2);
    test_decode(TARN_FLOAT32, true, 2e-5);
    test_decode(TARN_BFLOAT16, true, 2e-2);
    test_plans();
    test_refused();
    test_code_counts();
    test_graphs_within_limit();
    test_devices();
    test_made_weights();
    test_errors();
    return check_report("cuda chain");
}
