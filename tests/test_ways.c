/* Every way to evaluate a random graph (way_graphs.h) gives the same bits: all at once, step by step, fused or not,
   with values that are moved, kept, dropped and looked at half way, over several streams, in several threads that share
   the leaves, compiled, compiled without regard to shapes, and out of a file. So on the CPU and on the mock device,
   whose reference kernels moreover agree with the CPU's within what the dtype allows. Afterwards nothing is left.
   TARN_WAYS: how many graphs (5000 are the long mode); TARN_SEED repeats one (rounds.h); TARN_WAYS_NODES: how large. */
#include <pthread.h>

#include "exported.h"
#include "rounds.h"
#include "way_runs.h"
#include "paths.h"

enum { THREADS = 3 };
/* ---- the ways */

static void plain(const way_graph *g) {
    for (int k = 0; k < SIZES; k++) {
        TARN_SCOPE;
        run r = {.g = g, .size = k};
        make_leaves(&r);
        build_all(&r);
        if (!check_failures) compare_all(&r);
    }
}

static void unfused(const way_graph *g) {
    without_fusion(true);
    wander(g);
    without_fusion(false);
}

typedef struct {
    const way_graph *g;
    tarn_array *const *leaves;
    uint64_t dice;
} thread_work;

static void *thread_body(void *context) {
    const thread_work *w = context;
    dice_state = w->dice;
    way = "threads";
    TARN_SCOPE;
    run r = {.g = w->g, .wild = true};
    memcpy(r.array, w->leaves, WAY_LEAVES * sizeof *w->leaves);
    wander_over(&r);
    return NULL;
}

static void threads(const way_graph *g) {
    TARN_SCOPE;
    run r = {.g = g};
    make_leaves(&r);
    thread_work tasks[THREADS];
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++) {
        tasks[i] = (thread_work){g, r.array, dice_bits()};
        CHECK(pthread_create(&thread[i], NULL, thread_body, &tasks[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
}

/* ---- compiled */

typedef struct {
    const way_graph *g;
    tarn_array *captured[WAY_LEAVES]; /* NULL: an argument */
    uint64_t dice;                    /* the function must be the same each time it is traced */
    bool later;                       /* calls are put off, and may have their arguments */
} compiled_context;

static bool compiled_body(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const compiled_context *c = context;
    run r = {.g = c->g, .wild = true, .lazy = true};
    uint64_t before = dice_state;
    (void)count;
    dice_state = c->dice;
    for (int i = 0, next = 0; i < WAY_LEAVES; i++) r.array[i] = c->captured[i] ? c->captured[i] : inputs[next++];
    build_all(&r);
    dice_state = before;
    for (int i = 0; i < c->g->values; i++)
        if (checked[i] && !tarn_result(results, r.array[i])) return false;
    return true;
}

static int make_inputs(const compiled_context *c, int size, tarn_array **inputs) {
    int count = 0;
    for (int i = 0; i < WAY_LEAVES; i++)
        if (!c->captured[i]) inputs[count++] = way_leaf(c->g, i, c->g->size[size]);
    return count;
}

static void compare_results(const way_graph *g, int size, const tarn_results *results) {
    const run r = {.g = g, .size = size};
    int next = 0;
    if (!results) tell(g, 0, "the call of the function");
    for (int i = 0; results && i < g->values; i++)
        if (checked[i]) compare(&r, i, tarn_results_at(results, next++));
}

static void compiled_call(const compiled_context *c, tarn_compiled *f, int size) {
    TARN_SCOPE;
    tarn_array *inputs[WAY_LEAVES];
    int count = make_inputs(c, size, inputs);
    if (dice(2)) CHECK(tarn_eval(inputs[0]));
    slow_down_a_stream();
    tarn_results *results = tarn_compiled_call(f, inputs, count, .later = c->later);
    for (int i = 0; i < count && c->later; i++)
        if (dice(2)) tarn_move(inputs[i]);
    compare_results(c->g, size, results);
}

static void compiled(const way_graph *g) {
    TARN_SCOPE;
    compiled_context c = {.g = g, .dice = dice_bits()};
    tarn_compiled *f = tarn_compile(TARN_FUNCTION(compiled_body, &c), .donate = dice(2) ? TARN_AXES(0) : TARN_NO_AXES);
    for (int turn = 0; turn < 2 * SIZES && !check_failures; turn++) compiled_call(&c, f, turn % SIZES);
    tarn_compiled_free(f);
    for (int i = 1; i < WAY_LEAVES; i++)
        if (dice(2)) c.captured[i] = tarn_keep(way_leaf(g, i, g->size[0]));
    f = tarn_compile(TARN_FUNCTION(compiled_body, &c));
    for (int turn = 0; turn < 2 && !check_failures; turn++) compiled_call(&c, f, 0);
    tarn_compiled_free(f);
    for (int i = 1; i < WAY_LEAVES; i++) tarn_drop(c.captured[i]);
}

/* One trace at a time serves both sizes. */
static void shapeless(const way_graph *g) {
    TARN_SCOPE;
    compiled_context c = {.g = g, .dice = dice_bits()};
    tarn_compiled *f = tarn_compile(TARN_FUNCTION(compiled_body, &c), .shapeless = true);
    for (int turn = 0; turn < 2 * SIZES && !check_failures; turn++) compiled_call(&c, f, turn % SIZES);
    tarn_compiled_free(f);
}

static void put_off(const way_graph *g) {
    TARN_SCOPE;
    compiled_context c = {.g = g, .dice = dice_bits(), .later = true};
    tarn_compiled *f = tarn_compile(TARN_FUNCTION(compiled_body, &c), .shapeless = dice(2));
    for (int turn = 0; turn < 2 * SIZES && !check_failures; turn++) compiled_call(&c, f, turn % SIZES);
    tarn_compiled_free(f);
}

/* ---- in a file, with a signature for each of `sizes` sizes */

static void through_file(const compiled_context *c, int sizes) {
    TARN_SCOPE;
    tarn_array *inputs[WAY_LEAVES];
    tarn_exporter *e = tarn_exporter_new(export_path(), TARN_FUNCTION(compiled_body, (void *)(uintptr_t)c));
    for (int k = 0; k < sizes; k++) CHECK(tarn_exporter_trace(e, inputs, make_inputs(c, k, inputs)));
    CHECK(tarn_exporter_close(e));
    tarn_exporter_free(e);
    tarn_imported_function *f = tarn_import_function(export_path());
    for (int k = 0; k < sizes; k++) compare_results(c->g, k, tarn_imported_call(f, inputs, make_inputs(c, k, inputs)));
    tarn_imported_free(f);
}

static void exported(const way_graph *g) {
    TARN_SCOPE;
    compiled_context c = {.g = g, .dice = dice_bits()};
    through_file(&c, SIZES);
    for (int i = 1; i < WAY_LEAVES; i++)
        if (dice(2)) c.captured[i] = tarn_keep(way_leaf(g, i, g->size[0]));
    through_file(&c, 1);
    for (int i = 1; i < WAY_LEAVES; i++) tarn_drop(c.captured[i]);
}

/* ---- the mock device */

static void on_mock(const way_graph *g) {
    static way_graph other;
    TARN_ON(tarn_default_stream(mock)); /* where an imported function goes */
    move_to(mock);
    compute_again(&other, g);
    plain(&other);
    compiled(&other);
    shapeless(&other);
    exported(&other);
    way_free(&other);
    move_to(cpu);
}

/* How far a dtype lets two sums of the same numbers lie apart. */
static double tolerance(tarn_dtype dtype) {
    return dtype_kind_of(dtype) < KIND_FLOAT ? 0
           : dtype == TARN_FLOAT64           ? 1e-11
           : dtype == TARN_FLOAT16           ? 8e-3
           : dtype == TARN_BFLOAT16          ? 6e-2
                                             : 4e-5;
}

/* The largest number of a value, converted to a dtype: negative integers become large unsigned ones. */
static double largest(const way_graph *g, int value, tarn_dtype to) {
    double most = 1;
    tarn_dtype dtype = g->dtype[value], part = dtype == TARN_COMPLEX64 ? TARN_FLOAT32 : dtype;
    bool wraps = to != TARN_DTYPE_COUNT && dtype_is_unsigned(to) && dtype_kind_of(dtype) == KIND_INT;
    for (size_t i = 0; i < g->bytes[value][0]; i += (size_t)dtype_bytes(part)) {
        double x = load_double(g->data[value][0] + i, part);
        if (x < 0 && wraps) x += ldexp(1, 8 * (int)dtype_bytes(to));
        if (isfinite(x)) most = fmax(most, fabs(x));
    }
    return most;
}

static void compare_step(const way_graph *g, const way_step *s, int value, tarn_array *a) {
    unsigned char got[MOST_ELEMENTS * sizeof(double)];
    tarn_dtype dtype = g->dtype[value], part = dtype == TARN_COMPLEX64 ? TARN_FLOAT32 : dtype;
    double slack = tolerance(dtype), scale = largest(g, value, dtype);
    for (int i = 0; i < s->input_count; i++) {
        scale = fmax(scale, largest(g, s->inputs[i], s->dtype));
        slack = slack > 0 ? fmax(slack, tolerance(g->dtype[s->inputs[i]])) : 0;
    }
    if (s->dtype != TARN_DTYPE_COUNT && slack > 0) slack = fmax(slack, tolerance(s->dtype));
    if (s->op == OP_COUNT) scale *= scale;
    if (!tarn_read(a, got, sizeof got)) tell(g, value, "cannot be read");
    for (size_t i = 0; i < g->bytes[value][0]; i += (size_t)dtype_bytes(part)) {
        double want = load_double(g->data[value][0] + i, part), have = load_double(got + i, part);
        if (fabs(want - have) <= slack * scale || want == have || (isnan(want) && isnan(have))) continue;
        tell_element(g, value, 0, got, i);
        return;
    }
}

static double rounded_to(tarn_dtype dtype, double x) {
    unsigned char bytes[sizeof(double)];
    store_double(bytes, dtype, x);
    return load_double(bytes, dtype);
}

/* Also after the step's conversion: 65535 is infinite in half precision. */
static bool has_only_numbers(const way_graph *g, const way_step *s, int value) {
    tarn_dtype dtype = g->dtype[value], part = dtype == TARN_COMPLEX64 ? TARN_FLOAT32 : dtype;
    tarn_dtype to = s->dtype == TARN_DTYPE_COUNT ? dtype : s->dtype;
    for (size_t i = 0; i < g->bytes[value][0]; i += (size_t)dtype_bytes(part))
        if (!isfinite(rounded_to(to, load_double(g->data[value][0] + i, part)))) return false;
    return true;
}

/* Matrices are taken apart up to signs and order, with an error that grows with their condition: test_linalg.c. Whether
   a sum of products leaves out zeros, which times infinities are NaN, is a kernel's affair. */
static bool is_determined(const way_graph *g, const way_step *s) {
    for (int i = 0; i < s->input_count && s->op == OP_COUNT; i++)
        if (!has_only_numbers(g, s, s->inputs[i])) return false;
    return s->op != OP_COUNT || strncmp(s->function->name, "linalg_", 7) != 0;
}

static tarn_array *value_again(const way_graph *g, int value) {
    return tarn_from_data(g->data[value][0], (tarn_ints){g->shape[value], g->ndim[value]}, g->dtype[value]);
}

/* Each step on the mock device, over what the CPU has for its inputs. */
static void step_by_step(const way_graph *g) {
    move_to(mock);
    for (int k = 0; k < g->steps; k++) {
        TARN_SCOPE;
        static run r;
        r = (run){.g = g};
        make_leaves(&r);
        const way_step *s = &g->step[k];
        for (int i = 0; i < s->input_count; i++)
            if (s->inputs[i] >= WAY_LEAVES) r.array[s->inputs[i]] = value_again(g, s->inputs[i]);
        if (!build_one(&r, k)) break;
        for (int i = 0; i < s->count && is_determined(g, s); i++)
            compare_step(g, s, s->first + i, r.array[s->first + i]);
    }
    move_to(cpu);
}

/* ---- */

static const struct {
    const char *name;
    void (*run)(const way_graph *g);
} ways[] = {
    {"plain", plain},       {"wandering", wander},           {"unfused", unfused},
    {"threads", threads},   {"compiled", compiled},          {"shapeless", shapeless},
    {"exported", exported}, {"on the mock device", on_mock}, {"step by step on the mock device", step_by_step},
    {"put off", put_off},
};

static void go(const way_graph *g, int index) {
    tarn_synchronize(NULL);
    int64_t on_cpu = active(cpu), on_mock_device = active(mock), alive = nodes_alive();
    way = ways[index].name;
    ways[index].run(g);
    CHECK(tarn_ok());
    tarn_clear_error();
    tarn_synchronize(NULL);
    CHECK(nodes_alive() == alive);
    CHECK(active(cpu) == on_cpu);
    CHECK(active(mock) == on_mock_device);
    if (check_failures) fprintf(stderr, "%s\n", way);
}

static void one_graph(uint64_t seed, int nodes) {
    static way_graph g;
    dice_state = seed;
    way = "making it";
    without_fusion(true);
    way_make(&g, seed, nodes ? nodes : 10 + dice(191));
    without_fusion(false);
    for (int i = 0; i < g.values; i++) checked[i] = g.last_use[i] < 0 || dice(3) == 0;
    for (size_t i = 0; i < sizeof ways / sizeof *ways && !check_failures; i++) go(&g, (int)i);
    way_free(&g);
}

/* ---- every op that has a row takes part */

typedef struct {
    bool op[OP_COUNT];
    const node *visited[512];
    int count;
} sight;

static void see(sight *s, const node *n) {
    for (int i = 0; i < s->count; i++)
        if (s->visited[i] == n) return;
    if (s->count == sizeof s->visited / sizeof *s->visited) return;
    s->visited[s->count++] = n;
    s->op[n->op] = true;
    for (int i = 0; i < n->input_count; i++)
        if (n->inputs[i]) see(s, n->inputs[i]->node);
}

static void see_function(sight *s, const way_graph *g, const replay_function *f) {
    TARN_SCOPE;
    run r = {.g = g};
    tarn_array *out[4] = {NULL};
    way_step step = {.op = OP_COUNT, .function = f, .inputs = {0, 4}, .input_count = 2, .dtype = TARN_FLOAT32};
    make_leaves(&r);
    CHECK(way_apply(g, &step, r.array, out));
    s->count = 0;
    for (int i = 0; i < f->outputs && out[i]; i++) see(s, out[i]->node);
}

static void check_coverage(void) {
    static way_graph g;
    static sight s;
    g = (way_graph){.size = {4, 4}, .form = {[4] = FORM_Y}};
    for (int i = 0; i < WAY_LEAVES; i++) g.dtype[i] = i == LEAF_ROW ? TARN_INT32 : TARN_FLOAT32;
    for (int i = 0; i < REPLAY_FUNCTIONS; i++) see_function(&s, &g, &replay_functions[i]);
    s.op[OP_argument] = s.op[OP_test_effect] = s.op[OP_later] = true; /* test_effects.c, test_later.c */
    s.op[OP_device_kernel] = true;                                    /* test_device_kernel.c */
    for (int i = 0; i < OP_COUNT; i++) {
        if (s.op[i] || op_is_elementwise((op_id)i)) continue;
        check_failures++;
        fprintf(stderr, "%s is in no function of replay_cases.h or way_cases.h\n", op_name((op_id)i));
    }
}

int main(void) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 0);
    open_way_streams();
    CHECK(tarn_device_count(TARN_MOCK) > 0);
    uint64_t seed = first_seed();
    int graphs = number_of("TARN_WAYS", rounds(100)), nodes = number_of("TARN_WAYS_NODES", 0);
    check_coverage();
    printf("first seed %llu, %d graphs\n", (unsigned long long)seed, graphs);
    int i = 0;
    for (; i < graphs && !check_failures; i++) one_graph(seed + (uint64_t)i, nodes);
    if (check_failures && i)
        printf("repeat with TARN_SEED=%llu TARN_WAYS=1\n", (unsigned long long)(seed + (uint64_t)i - 1));
    close_way_streams();
    forget_export_path();
    return check_report("ways");
}
