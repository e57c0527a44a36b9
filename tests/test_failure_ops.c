/* Failure injection over every op that has a row, computed and differentiated: the n-th allocation of the host, the
   n-th allocation or launch of the mock device fails, for n = 1, 2, ...: each time an error is set, the inputs keep
   their values, nothing is left, and the next try works. */
#include <dlfcn.h>

#include "base/memory.h"
#include "mock/hooks.h"
#include "rounds.h"
#include "way_runs.h"
#include "paths.h"

static void *library;
/* A function of the mock's shared object: HOOK(tarn_mock_launches)(). */
#define HOOK(name) (*(__typeof__(name) **)(void *)&(void *){dlsym(library, #name)})

enum { SIZE = 4, MOST_ATTEMPTS = 20000 };
static way_graph g;
static tarn_array *leaves[WAY_LEAVES];
static int attempts;

/* ---- what is tried */

typedef bool trial(const way_step *s);

static bool compute(const way_step *s) {
    TARN_ON(home);
    TARN_SCOPE;
    tarn_array *out[4] = {NULL};
    return way_apply(&g, s, leaves, out) && tarn_eval_all(out, s->count);
}

static bool summed(void *context, tarn_array *const *x, int count, tarn_results *results) {
    const way_step *s = context;
    tarn_array *values[WAY_LEAVES], *out[4] = {NULL};
    (void)count;
    memcpy(values, leaves, sizeof values);
    values[s->inputs[0]] = x[0];
    return way_apply(&g, s, values, out) &&
           tarn_result(results, tarn_sum(tarn_astype(tarn_real(out[0]), TARN_FLOAT32)));
}

static bool differentiate(const way_step *s) {
    TARN_ON(home);
    TARN_SCOPE;
    tarn_array *gradient;
    return into(&gradient, tarn_grad(TARN_FUNCTION(summed, (void *)(uintptr_t)s), &leaves[s->inputs[0]], 1)) &&
           tarn_eval(gradient);
}

/* ---- what fails */

typedef struct {
    const char *name;
    tarn_device device;
    int64_t (*arm)(int64_t n); /* the n-th fails; 0: none. How many there were since, or -1 */
    tarn_error_class kind;
} fault;

static int64_t counted_launches;
static int64_t arm_launch(int64_t n) {
    HOOK(tarn_mock_fail_launch)(n);
    int64_t before = counted_launches;
    counted_launches = HOOK(tarn_mock_launches)();
    return counted_launches - before;
}
static int64_t arm_allocation(int64_t n) {
    HOOK(tarn_mock_fail_allocation)(n);
    return -1;
}

static const fault faults[] = {
    {"allocation", {TARN_CPU, 0}, memory_fail_at, TARN_ERROR_MEMORY},
    {"launch of the device", {TARN_MOCK, 0}, arm_launch, TARN_ERROR_RUNTIME},
    {"allocation of the device", {TARN_MOCK, 0}, arm_allocation, TARN_ERROR_MEMORY},
};

static void complain(const way_step *s, const fault *f, int64_t n, const char *what) {
    check_failures++;
    fprintf(stderr, "%s, %s %lld: %s (%s)\n", s->op == OP_COUNT ? s->function->name : op_name(s->op), f->name,
            (long long)n, what, tarn_error() ? tarn_error() : "no error");
    tarn_clear_error();
}

static bool leaves_hold(void) {
    bool hold = true;
    for (int i = 0; i < WAY_LEAVES && hold; i++) {
        const void *data = tarn_data(leaves[i]);
        hold = data && memcmp(data, g.data[i][0], g.bytes[i][0]) == 0;
    }
    return hold;
}

static void inject(const way_step *s, trial *try, const fault *f) {
    bool over = false;
    move_to(f->device);
    tarn_synchronize(NULL);
    tarn_clear_cache(f->device); /* else the pool has all */
    int before = check_failures;
    int64_t alive = nodes_alive(), bytes = active(f->device);
    for (int64_t n = 1; n < MOST_ATTEMPTS && !over; n++, attempts++) {
        f->arm(n);
        bool ok = try(s);
        tarn_synchronize(NULL);
        int64_t count = f->arm(0);
        over = count >= 0 ? count < n : ok;
        if (ok != tarn_ok()) complain(s, f, n, "error and result do not agree");
        if (!ok && tarn_error_kind() != f->kind) complain(s, f, n, "is an error of another kind");
        tarn_clear_error();
        if (nodes_alive() != alive || active(f->device) != bytes) complain(s, f, n, "something is left");
        if ((!ok || over) && !leaves_hold()) complain(s, f, n, "an input has changed");
        if ((n % 32 == 1 || over) && !try(s)) complain(s, f, n, "the next try fails");
        if (f->device.type == TARN_MOCK) tarn_clear_cache(f->device);
        if (check_failures > before + 3) over = true;
    }
    move_to(cpu);
}

static void inject_all(const way_step *s) {
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        const fault *f = &faults[i];
        move_to(f->device);
        trial *trials[] = {compute, differentiate};
        for (int k = 0; k < 2; k++) {
            move_to(f->device);
            bool works = trials[k](s); /* not every op has a gradient */
            if (!works && k == 0) complain(s, f, 0, "cannot be computed");
            tarn_clear_error();
            if (works) inject(s, trials[k], f);
        }
    }
}

/* ---- */

static void make_everything(void) {
    g = (way_graph){.size = {SIZE, SIZE}, .seed = 7, .values = WAY_LEAVES, .form = {[4] = FORM_Y, [5] = FORM_Y}};
    for (int i = 0; i < WAY_LEAVES; i++) {
        g.dtype[i] = i == LEAF_ROW ? TARN_INT32 : TARN_FLOAT32;
        leaves[i] = way_leaf(&g, i, SIZE);
        CHECK(store_value(&g, i, 0, leaves[i]));
    }
}

static way_step function_step(const replay_function *f) {
    return (way_step){.op = OP_COUNT,
                      .function = f,
                      .inputs = {0, 4},
                      .input_count = 2,
                      .count = f->outputs,
                      .dtype = TARN_DTYPE_COUNT};
}

static way_step op_step(op_id op) {
    bool floats = op_facts[op].kinds >> KIND_FLOAT & 1;
    return (way_step){.op = op,
                      .inputs = {0, 1, 2},
                      .input_count = op_facts[op].most_inputs,
                      .count = 1,
                      .dtype = floats ? TARN_DTYPE_COUNT : TARN_INT32,
                      .fitted = true};
}

static bool is_wanted(const char *name, int count, char **names) {
    bool wanted = count < 2 && in_rounds();
    for (int k = 1; k < count; k++) wanted = wanted || strcmp(names[k], name) == 0;
    return wanted;
}

/* All functions and rows (a share with TARN_ROUNDS, rounds.h), or those named. */
int main(int count, char **names) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 0);
    library = dlopen(TARN_BUILD_DIR "/libtarn_mock.so", RTLD_NOW);
    open_way_streams();
    TARN_SCOPE;
    make_everything();
    for (int i = 0; i < REPLAY_FUNCTIONS; i++) {
        way_step s = function_step(&replay_functions[i]);
        if (is_wanted(s.function->name, count, names)) inject_all(&s);
    }
    for (op_id op = 0; op < OP_COUNT; op++) {
        way_step s = op_step(op);
        if (op_is_elementwise(op) && is_wanted(op_name(op), count, names)) inject_all(&s);
    }
    printf("%d attempts\n", attempts);
    way_free(&g);
    close_way_streams();
    return check_report("failure of ops");
}
