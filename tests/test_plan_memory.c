/* What a compiled training step of a transformer of four layers needs at most, against what it must have, computed by
   hand. */
#include <math.h>

#include "base/settings.h"
#include "check.h"
#include "core/lock.h"
#include "eval/compiled.h"
#include "into.h"
#include "tarn/tarn.h"

enum { LAYERS = 4, BATCH = 16, LENGTH = 128, DIM = 128, HEADS = 4, HIDDEN = 4 * DIM };
enum { QUERY, KEY, VALUE, OUT, UP, DOWN, NORM_ATTENTION, NORM_MLP, WEIGHTS };

static const int64_t shapes[WEIGHTS][2] = {
    [QUERY] = {DIM, DIM}, [KEY] = {DIM, DIM},     [VALUE] = {DIM, DIM},     [OUT] = {DIM, DIM},
    [UP] = {DIM, HIDDEN}, [DOWN] = {HIDDEN, DIM}, [NORM_ATTENTION] = {DIM}, [NORM_MLP] = {DIM}};

static tarn_array *heads(tarn_array *x) { /* [batch, length, dim] -> [batch, heads, length, dim / heads] */
    return tarn_swapaxes(tarn_reshape(x, TARN_SHAPE(BATCH, LENGTH, HEADS, DIM / HEADS)), 1, 2);
}

static tarn_array *attention(tarn_array *const *w, tarn_array *x) {
    tarn_array *n = tarn_rms_norm(x, w[NORM_ATTENTION]);
    tarn_array *y = tarn_attention(heads(tarn_matmul(n, w[QUERY])), heads(tarn_matmul(n, w[KEY])),
                                   heads(tarn_matmul(n, w[VALUE])), .causal = true);
    return tarn_matmul(tarn_reshape(tarn_swapaxes(y, 1, 2), TARN_SHAPE(BATCH, LENGTH, DIM)), w[OUT]);
}

static tarn_array *mlp(tarn_array *const *w, tarn_array *x) {
    tarn_array *h = tarn_matmul(tarn_rms_norm(x, w[NORM_MLP]), w[UP]);
    return tarn_matmul(tarn_maximum(h, tarn_scalar_like(0, h)), w[DOWN]);
}

/* inputs: the weights, x, wanted. */
static bool loss(void *context, tarn_array *const *in, int count, tarn_results *results) {
    (void)context, (void)count;
    tarn_array *x = in[LAYERS * WEIGHTS], *wanted = in[LAYERS * WEIGHTS + 1];
    for (int l = 0; l < LAYERS; l++) {
        x = tarn_add(x, attention(in + l * WEIGHTS, x));
        x = tarn_add(x, mlp(in + l * WEIGHTS, x));
    }
    return tarn_result(results, tarn_mean(tarn_square(tarn_subtract(x, wanted))));
}

/* inputs: x, wanted, the weights, which are the state. */
static bool training_step(void *context, tarn_array *const *in, int count, tarn_results *results) {
    (void)context;
    tarn_array *all[LAYERS * WEIGHTS + 2];
    int64_t places[LAYERS * WEIGHTS];
    for (int i = 0; i < LAYERS * WEIGHTS; i++) all[i] = in[i + 2], places[i] = i;
    all[LAYERS * WEIGHTS] = in[0];
    all[LAYERS * WEIGHTS + 1] = in[1];
    tarn_results *values, *g = tarn_grad(TARN_FUNCTION(loss, NULL), all, count,
                                         .argnums = ((tarn_ints){places, LAYERS * WEIGHTS}), .outputs = &values);
    bool ok = tarn_result_all(results, values);
    for (int i = 0; ok && i < LAYERS * WEIGHTS; i++)
        ok = tarn_result_state(
            results, tarn_subtract(all[i], tarn_multiply(tarn_results_at(g, i), tarn_scalar(0.01, TARN_FLOAT32))));
    return ok;
}

static tarn_array *state[LAYERS * WEIGHTS];

static bool collect(void *context, tarn_results *leaves) {
    bool ok = true;
    for (int i = 0; ok && i < LAYERS * WEIGHTS; i++) ok = tarn_result_given(leaves, state[i]);
    return (void)context, ok;
}

static bool store(void *context, tarn_array *const *leaves, int count) {
    for (int i = 0; i < count; i++) {
        tarn_drop(state[i]);
        state[i] = tarn_keep(leaves[i]);
    }
    return (void)context, true;
}

static tarn_array *random_array(int key, tarn_ints shape, double scale) {
    tarn_array *drawn = tarn_random_normal(tarn_random_key((uint64_t)key), shape, TARN_FLOAT32);
    return tarn_multiply(drawn, tarn_scalar(scale, TARN_FLOAT32));
}

static void make_weights(void) {
    TARN_SCOPE;
    for (int i = 0; i < LAYERS * WEIGHTS; i++) {
        const int64_t *shape = shapes[i % WEIGHTS];
        state[i] = tarn_own(random_array(i, (tarn_ints){shape, shape[1] ? 2 : 1}, 0.02));
    }
    CHECK(tarn_eval_all(state, LAYERS * WEIGHTS));
}

static tarn_memory memory(void) {
    tarn_memory m = {0};
    CHECK(tarn_memory_info((tarn_device){TARN_CPU, 0}, &m));
    return m;
}

/* What must be there when the gradient of the last layer's DOWN has been computed, the largest moment: what each layer
   keeps for its gradients (x, both norms, query, key, value, what attention gives, x between the two halves, and before
   the maximum, which is taken again), the gradients of the result and before DOWN, and that of DOWN. The first x is an
   argument. */
static int64_t ideal(void) {
    int64_t rows = BATCH * LENGTH, layer = 8 * rows * DIM + rows * HIDDEN;
    int64_t numbers = LAYERS * layer - rows * DIM + rows * DIM + rows * HIDDEN + HIDDEN * DIM;
    return numbers * (int64_t)sizeof(float);
}

static void check_step(tarn_compiled *c, tarn_array *const *in) {
    TARN_SCOPE;
    tarn_reset_peak((tarn_device){TARN_CPU, 0});
    int64_t before = memory().active;
    CHECK(tarn_compiled_call(c, in, 2) && tarn_eval_all(state, LAYERS * WEIGHTS));
    double above = (double)(memory().peak_active - before), share = above / (double)ideal();
    printf("a training step of 4 layers: %.1f MB, %.3f of the ideal\n", above / 1e6, share);
    CHECK(share < 1.1 && memory().active - before < 16384); /* the loss, and scalars that the plan keeps */
}

static int writes(const group_program *g, int r) {
    int count = 0;
    for (int i = 0; i < g->instruction_count; i++) count += g->instructions[i].result == r;
    return count;
}

/* An output's register held nothing before, so that its memory may be that of an input that is read early. */
static void test_output_registers(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_arange(0, 1000, 1, TARN_FLOAT32), *y = tarn_arange(0, 1000, 1, TARN_FLOAT32);
    CHECK(tarn_eval(x, y));
    tarn_array *last = tarn_multiply(tarn_add(tarn_multiply(x, y), x), y);
    schedule_lock();
    program *p = schedule_make(&last, 1, (schedule_options){0}, NULL);
    schedule_unlock();
    for (size_t i = 0; p && i < p->steps.count; i++) {
        const group_program *g = p->steps.items[i].group;
        for (int k = 0; g && k < g->output_count; k++)
            CHECK(writes(g, g->output_registers[k]) == 1 && g->output_registers[k] >= g->input_count);
    }
    CHECK(p != NULL);
    program_release(p);
}

int main(void) {
    if (settings_hard() || !settings_fuse() || *settings_without_list()) return 77; /* needs more by design */
    tarn_compile_enable(true);
    test_output_registers();
    make_weights();
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(training_step, NULL), .collect = collect, .store = store);
    {
        TARN_SCOPE;
        tarn_array *in[] = {random_array(100, TARN_SHAPE(BATCH, LENGTH, DIM), 1),
                            random_array(101, TARN_SHAPE(BATCH, LENGTH, DIM), 1)};
        CHECK(tarn_eval(in[0], in[1]));
        for (int i = 0; i < 3; i++) check_step(c, in);
    }
    tarn_compiled_free(c);
    for (int i = 0; i < LAYERS * WEIGHTS; i++) tarn_drop(state[i]);
    return check_report("plan memory");
}
