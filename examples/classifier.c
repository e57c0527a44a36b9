/* Trains a network to tell the arms of a spiral apart, and shows how it does on points it has not seen. */
#include <math.h>

#include "run.h"

typedef struct {
    tarn_linear first, second, last;
} network;
TARN_DEFINE_FIELDS(network, TARN_FIELD_LAYER(network, first, tarn_linear),
                   TARN_FIELD_LAYER(network, second, tarn_linear), TARN_FIELD_LAYER(network, last, tarn_linear));

enum { ARMS = 3, POINTS = 1200, BATCH = 100, STEPS = 720 };

static bool network_init(network *n, tarn_array **key) {
    return tarn_linear_init(&n->first, 2, 64, key) && tarn_linear_init(&n->second, 64, 64, key) &&
           tarn_linear_init(&n->last, 64, ARMS, key);
}

static tarn_array *network_forward(const network *n, tarn_array *x) {
    x = tarn_relu(tarn_linear_forward(&n->first, x));
    x = tarn_relu(tarn_linear_forward(&n->second, x));
    return tarn_linear_forward(&n->last, x);
}

static bool loss(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)count;
    return tarn_result(results, tarn_cross_entropy_loss(network_forward(context, inputs[0]), inputs[1]));
}

/* Points [POINTS, 2] on the arms, with some noise, and which arm each is on. */
static void spiral(tarn_array **key, tarn_array **x, tarn_array **arm) {
    tarn_array *keys = tarn_random_split(*key, 3), *parts[3];
    tarn_unstack(keys, parts);
    tarn_array *three = tarn_scalar(ARMS, TARN_FLOAT32), *turn = tarn_scalar(2 * acos(-1) / ARMS, TARN_FLOAT32);
    *arm = tarn_astype(tarn_remainder(tarn_arange(0, POINTS, 1, TARN_FLOAT32), three), TARN_INT32);
    tarn_array *radius = tarn_random_uniform(parts[0], TARN_SHAPE(POINTS), TARN_FLOAT32, .low = TARN_VALUE(0.1));
    tarn_array *noise = tarn_random_normal(parts[1], TARN_SHAPE(POINTS), TARN_FLOAT32, .deviation = TARN_VALUE(0.1));
    tarn_array *angle = tarn_add(tarn_multiply(radius, tarn_scalar(5, TARN_FLOAT32)), noise);
    angle = tarn_add(angle, tarn_multiply(tarn_astype(*arm, TARN_FLOAT32), turn));
    *x = tarn_stack(TARN_ARRAYS(tarn_multiply(radius, tarn_cos(angle)), tarn_multiply(radius, tarn_sin(angle))), 2,
                    .axis = TARN_AXIS(1));
    *key = parts[2];
}

static double accuracy(const network *n, tarn_array *x, tarn_array *arm) {
    TARN_SCOPE;
    tarn_array *found = tarn_argmax(network_forward(n, x), .axis = TARN_AXIS(-1));
    return tarn_item(tarn_mean(tarn_astype(tarn_equal(found, arm), TARN_FLOAT32)));
}

static bool train(const run_plan *plan, network *n, tarn_optimizer *optimizer) {
    tarn_array *key = tarn_random_key(plan->seed + 7), *x, *arm, *seen_x, *seen_arm;
    spiral(&key, &seen_x, &seen_arm);
    spiral(&key, &x, &arm);
    if (!network_init(n, &key)) return false;
    epochs e = {tarn_batches_new(TARN_ARRAYS(seen_x, seen_arm), 2, BATCH, .seed = plan->seed), false};
    tarn_trainer *trainer = tarn_trainer_new(TARN_FUNCTION(loss, n), TARN_TREE(network, n), optimizer);
    bool ok = run_steps(plan, trainer, next_of_epochs, &e, 2);
    tarn_trainer_free(trainer);
    tarn_batches_free(e.batches);
    if (ok)
        printf("right: %.1f %% of seen points, %.1f %% of others\n", 100 * accuracy(n, seen_x, seen_arm),
               100 * accuracy(n, x, arm));
    return ok && tarn_ok();
}

int main(int count, char **arguments) {
    TARN_SCOPE;
    run_plan plan = plan_of(count, arguments, STEPS);
    network n = {0};
    tarn_optimizer *adam = tarn_adam(3e-3);
    bool ok = train(&plan, &n, adam);
    if (!ok) fprintf(stderr, "classifier: %s\n", tarn_error());
    tarn_tree_free(TARN_TREE(network, &n));
    tarn_optimizer_free(adam);
    return ok ? 0 : 1;
}
