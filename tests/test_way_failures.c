/* Failures in random graphs (way_graphs.h), on the CPU and on the mock device, evaluated at once or later, over several
   streams, in several threads: a kernel that fails on its data, the n-th launch, submission or copy of the device, a
   wish to stop. What the failure reaches says so where it is read, everything else is right to the bit, nothing is
   left, and the streams go on: the same graph without the failure is right afterwards. TARN_WAY_FAILURES: how many
   graphs; TARN_SEED repeats one (rounds.h). */
#include <dlfcn.h>
#include <pthread.h>

#include "mock/hooks.h"
#include "rounds.h"
#include "way_runs.h"
#include "paths.h"

enum { THREADS = 3 };
static void *library;
/* A function of the mock's shared object: HOOK(tarn_mock_launches)(). */
#define HOOK(name) (*(__typeof__(name) **)(void *)&(void *){dlsym(library, #name)})

static bool everything[MOST_VALUES], nothing[MOST_VALUES];

/* ---- a kernel that fails on its data */

/* What a value reaches, itself among it. */
static void find_reached(const way_graph *g, int value, bool *reached) {
    memset(reached, 0, MOST_VALUES);
    reached[value] = true;
    for (int i = 0; i < g->steps; i++) {
        const way_step *s = &g->step[i];
        bool any = false;
        for (int k = 0; k < s->input_count; k++) any = any || reached[s->inputs[k]];
        for (int k = 0; k < s->count; k++) reached[s->first + k] = reached[s->first + k] || any;
    }
}

/* A truth [] that cannot be computed. */
static tarn_array *make_poison(void) {
    TARN_ON(home);
    int32_t outside = 7;
    tarn_array *index = tarn_from_data(&outside, TARN_SHAPE(1), TARN_INT32), *x = tarn_ones(TARN_SHAPE(2), TARN_BOOL);
    return tarn_squeeze(tarn_take(x, index, .axis = TARN_AXIS(0), .check = true));
}

static int dice_made(const way_graph *g) {
    return WAY_LEAVES + dice(g->values - WAY_LEAVES);
}

static void with_poison(const way_graph *g) {
    TARN_SCOPE;
    bool reached[MOST_VALUES];
    run r = {.g = g, .wild = true, .fails = reached, .words = "index 7", .poisoned = dice_made(g)};
    find_reached(g, r.poisoned, reached);
    make_leaves(&r);
    r.poison = make_poison();
    wander_over(&r);
}

/* ---- threads that share leaves, and the poison of one of them */

typedef struct {
    const way_graph *g;
    tarn_array *const *leaves;
    tarn_array *poison;
    uint64_t dice;
} player;

static void *play(void *context) {
    const player *p = context;
    dice_state = p->dice;
    way = "threads";
    TARN_SCOPE;
    bool reached[MOST_VALUES];
    run r = {.g = p->g, .wild = true, .fails = reached, .words = "index 7"};
    memcpy(r.array, p->leaves, WAY_LEAVES * sizeof *p->leaves);
    if (p->poison) r.poisoned = dice_made(p->g);
    r.poison = p->poison;
    if (p->poison)
        find_reached(p->g, r.poisoned, reached);
    else
        memcpy(reached, nothing, sizeof reached);
    wander_over(&r);
    return NULL;
}

static void threads_with_poison(const way_graph *g) {
    TARN_SCOPE;
    run r = {.g = g};
    make_leaves(&r);
    tarn_array *poison = make_poison();
    player players[THREADS];
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++) {
        players[i] = (player){g, r.array, i ? poison : NULL, dice_bits()};
        CHECK(pthread_create(&thread[i], NULL, play, &players[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(thread[i], NULL);
}

/* ---- a wish to stop, from another thread: whatever is not computed yet says so */

static void *interrupt_soon(void *context) {
    usleep(*(const unsigned *)context);
    tarn_interrupt();
    return NULL;
}

static void with_interrupt(const way_graph *g) {
    unsigned after = (unsigned)dice(3000);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, interrupt_soon, &after) == 0);
    {
        TARN_SCOPE;
        run r = {.g = g, .wild = true, .fails = everything, .words = "interrupted"};
        make_leaves(&r);
        wander_over(&r);
    }
    pthread_join(thread, NULL);
    tarn_clear_interrupt();
}

/* ---- the n-th event of the device */

static void with_fault(const way_graph *g) {
    TARN_SCOPE;
    run r = {.g = g, .wild = true, .fails = everything, .words = "told to fail"};
    make_leaves(&r);
    int which = dice(3), n = 1 + dice(which == 0 ? 60 : 12);
    if (which == 0) HOOK(tarn_mock_fail_launch)(n);
    if (which == 1) HOOK(tarn_mock_fail_submission)(n);
    if (which == 2) HOOK(tarn_mock_fail_copy)(n);
    wander_over(&r);
    HOOK(tarn_mock_fail_launch)(0);
    HOOK(tarn_mock_fail_submission)(0);
    HOOK(tarn_mock_fail_copy)(0);
    CHECK(tarn_synchronize(NULL) || is_expected(&r, true));
    CHECK(HOOK(tarn_mock_violations)() == 0);
}

/* ---- */

static const struct {
    const char *name;
    void (*run)(const way_graph *g);
    bool on_mock;
} ways[] = {
    {"a failing kernel", with_poison, false},         {"a failing kernel in threads", threads_with_poison, false},
    {"an interrupt", with_interrupt, false},          {"a failing kernel on the mock device", with_poison, true},
    {"a fault of the mock device", with_fault, true}, {"an interrupt on the mock device", with_interrupt, true},
};

static void go(const way_graph *g, int index) {
    tarn_synchronize(NULL);
    int64_t on_cpu = active(cpu), on_mock = active(mock), alive = nodes_alive();
    way = ways[index].name;
    ways[index].run(g);
    wander(g);
    CHECK(tarn_ok());
    tarn_clear_error();
    tarn_synchronize(NULL);
    CHECK(nodes_alive() == alive);
    CHECK(active(cpu) == on_cpu);
    CHECK(active(mock) == on_mock);
    if (check_failures) fprintf(stderr, "%s\n", way);
}

static void go_on(tarn_device device, const way_graph *g) {
    static way_graph there;
    move_to(device);
    way = "once more";
    compute_again(&there, g);
    for (size_t i = 0; i < sizeof ways / sizeof *ways && !check_failures; i++)
        if (ways[i].on_mock == (device.type == TARN_MOCK)) go(&there, (int)i);
    way_free(&there);
    move_to(cpu);
}

static void one_graph(uint64_t seed) {
    static way_graph g;
    dice_state = seed;
    way = "making it";
    way_make(&g, seed, 10 + dice(60));
    for (int i = 0; i < g.values; i++) checked[i] = g.last_use[i] < 0 || dice(3) == 0;
    go_on(cpu, &g);
    go_on(mock, &g);
    way_free(&g);
}

int main(void) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 0);
    library = dlopen(TARN_BUILD_DIR "/libtarn_mock.so", RTLD_NOW);
    open_way_streams();
    memset(everything, true, sizeof everything);
    uint64_t seed = first_seed();
    int graphs = number_of("TARN_WAY_FAILURES", rounds(100)), i = 0;
    printf("first seed %llu, %d graphs\n", (unsigned long long)seed, graphs);
    for (; i < graphs && !check_failures; i++) one_graph(seed + (uint64_t)i);
    if (check_failures && i)
        printf("repeat with TARN_SEED=%llu TARN_WAY_FAILURES=1\n", (unsigned long long)(seed + (uint64_t)i - 1));
    close_way_streams();
    return check_report("way failures");
}
