/* Trains a small convolutional network to read digits of 5 x 7 dots, drawn somewhere in a picture of 16 x 16 with
   noise, beside a network without convolutions. */
#include <string.h>

#include "run.h"

enum { SIDE = 16, BATCH = 64, STEPS = 400, TEST = 1000 };

/* ---- pictures */

static const char *const shapes[10] = {"01110100011001110101110011000101110", "00100011000010000100001000010001110",
                                       "01110100010000100010001000100011111", "11111000100010000010000011000101110",
                                       "00010001100101010010111110001000010", "11111100001111000001000011000101110",
                                       "00110010001000011110100011000101110", "11111000010001000100010000100001000",
                                       "01110100011000101110100011000101110", "01110100011000101111000010001001100"};

/* float32 [10, SIDE, SIDE], each digit in the upper left corner. */
static tarn_array *digit_pictures(void) {
    static float pixels[10][SIDE][SIDE];
    for (int d = 0; d < 10; d++)
        for (int k = 0; k < 35; k++) pixels[d][k / 5][k % 5] = shapes[d][k] == '1';
    return tarn_from_data(pixels, TARN_SHAPE(10, SIDE, SIDE), TARN_FLOAT32);
}

static tarn_array *places(tarn_array *key, int64_t count, int64_t below) {
    return tarn_random_randint(key, tarn_scalar_int(0, TARN_INT32), tarn_scalar_int(below, TARN_INT32),
                               TARN_SHAPE(count), TARN_INT32);
}

/* images float32 [count, SIDE, SIDE, 1] and which digit each shows. */
static bool draw(uint64_t seed, int64_t count, tarn_array **images, tarn_array **digits) {
    tarn_array *keys[4];
    if (!tarn_unstack(tarn_random_split(tarn_random_key(seed), 4), keys)) return false;
    *digits = places(keys[0], count, 10);
    tarn_array *axis = tarn_arange(0, SIDE, 1, TARN_INT32), *size = tarn_scalar_int(SIDE, TARN_INT32);
    tarn_array *down = tarn_expand_dims(places(keys[1], count, SIDE - 7), TARN_AXES(1, 2));
    tarn_array *right = tarn_expand_dims(places(keys[2], count, SIDE - 5), TARN_AXES(1, 2));
    tarn_array *y = tarn_remainder(tarn_subtract(tarn_expand_dims(axis, TARN_AXES(1)), down), size);
    tarn_array *x = tarn_remainder(tarn_subtract(axis, right), size);
    tarn_array *which = tarn_expand_dims(*digits, TARN_AXES(1, 2));
    tarn_array *clean = tarn_gather(digit_pictures(), TARN_ARRAYS(which, y, x), 3, TARN_AXES(0, 1, 2));
    tarn_array *noise =
        tarn_random_normal(keys[3], TARN_SHAPE(count, SIDE, SIDE), TARN_FLOAT32, .deviation = TARN_VALUE(0.2));
    *images = tarn_expand_dims(tarn_add(clean, noise), TARN_AXES(-1));
    return tarn_eval(*images, *digits);
}

/* ---- networks */

typedef struct {
    tarn_conv first, second;
    tarn_linear last;
} convolutional;
TARN_DEFINE_FIELDS(convolutional, TARN_FIELD_LAYER(convolutional, first, tarn_conv),
                   TARN_FIELD_LAYER(convolutional, second, tarn_conv),
                   TARN_FIELD_LAYER(convolutional, last, tarn_linear));

static tarn_array *see(const void *network, tarn_array *x) {
    const convolutional *n = network;
    x = tarn_max_pool(tarn_relu(tarn_conv_forward(&n->first, x)), TARN_INTS(2));
    x = tarn_relu(tarn_conv_forward(&n->second, x));
    return tarn_linear_forward(&n->last, tarn_max(x, .axes = TARN_AXES(1, 2)));
}

typedef struct {
    tarn_linear first, second;
} plain;
TARN_DEFINE_FIELDS(plain, TARN_FIELD_LAYER(plain, first, tarn_linear), TARN_FIELD_LAYER(plain, second, tarn_linear));

static tarn_array *look(const void *network, tarn_array *x) {
    const plain *n = network;
    x = tarn_relu(tarn_linear_forward(&n->first, tarn_flatten(x, .start_axis = TARN_AXIS(1))));
    return tarn_linear_forward(&n->second, x);
}

/* ---- training */

typedef struct {
    tarn_tree tree;
    tarn_array *(*forward)(const void *network, tarn_array *x);
} model;

static bool loss(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const model *m = context;
    (void)count;
    return tarn_result(results, tarn_cross_entropy_loss(m->forward(m->tree.object, inputs[0]), inputs[1]));
}

static double accuracy(const model *m) {
    TARN_SCOPE;
    tarn_array *images, *digits;
    if (!draw(1u << 20, TEST, &images, &digits)) return 0;
    tarn_array *found = tarn_argmax(m->forward(m->tree.object, images), .axis = TARN_AXIS(-1));
    return 100 * tarn_item(tarn_mean(tarn_astype(tarn_equal(found, digits), TARN_FLOAT32)));
}

static bool next(void *context, int64_t step, tarn_array **batch) {
    const run_plan *plan = context;
    return draw((plan->seed << 32) + (uint64_t)step, BATCH, &batch[0], &batch[1]);
}

static bool train(const char *name, run_plan plan, model *m) {
    char file[4096];
    snprintf(file, sizeof file, "%s.%s", plan.checkpoint ? plan.checkpoint : "", name);
    if (plan.checkpoint) plan.checkpoint = file;
    tarn_optimizer *adam = tarn_adam(2e-3);
    tarn_trainer *trainer = tarn_trainer_new(TARN_FUNCTION(loss, m), m->tree, adam);
    bool ok = run_steps(&plan, trainer, next, &plan, 2);
    tarn_trainer_free(trainer);
    tarn_optimizer_free(adam);
    if (ok) printf("%s: %.1f %% of new pictures read\n", name, accuracy(m));
    tarn_tree_free(m->tree);
    return ok && tarn_ok();
}

int main(int count, char **arguments) {
    TARN_SCOPE;
    run_plan plan = plan_of(count, arguments, STEPS);
    convolutional c;
    plain p;
    tarn_array *key = tarn_random_key(plan.seed + 1);
    bool ok = tarn_conv_init(&c.first, 1, 16, TARN_INTS(3, 3), &key, .padding = TARN_INTS(1)) &&
              tarn_conv_init(&c.second, 16, 64, TARN_INTS(4, 3), &key) && tarn_linear_init(&c.last, 64, 10, &key) &&
              tarn_linear_init(&p.first, SIDE * SIDE, 64, &key) && tarn_linear_init(&p.second, 64, 10, &key);
    ok = ok && train("convolutional", plan, &(model){TARN_TREE(convolutional, &c), see}) &&
         train("plain", plan, &(model){TARN_TREE(plain, &p), look});
    if (!ok) fprintf(stderr, "digits: %s\n", tarn_error());
    return ok ? 0 : 1;
}
