/* Finds the weights of a linear function again from noisy values of it. */
#include "run.h"

enum { INPUTS = 20, ROWS = 2000, BATCH = 100, STEPS = 300 };

typedef struct {
    tarn_linear layer;
} network;
TARN_DEFINE_FIELDS(network, TARN_FIELD_LAYER(network, layer, tarn_linear));

static bool loss(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const network *n = context;
    return count == 2 && tarn_result(results, tarn_mse_loss(tarn_linear_forward(&n->layer, inputs[0]), inputs[1]));
}

static tarn_array *falling(void *context, tarn_array *step) {
    (void)context;
    return tarn_cosine_decay(step, 0.1, STEPS, 0);
}

/* How far the weights that were found are from those behind the values, at most. */
static double train(const run_plan *plan, network *n, tarn_optimizer *sgd) {
    tarn_array *keys[4], *key;
    if (!tarn_unstack(tarn_random_split(tarn_random_key(plan->seed), 4), keys)) return 1;
    tarn_array *weights = tarn_random_normal(keys[0], TARN_SHAPE(1, INPUTS), TARN_FLOAT32);
    tarn_array *x = tarn_random_normal(keys[1], TARN_SHAPE(ROWS, INPUTS), TARN_FLOAT32);
    tarn_array *noise = tarn_random_normal(keys[2], TARN_SHAPE(ROWS, 1), TARN_FLOAT32, .deviation = TARN_VALUE(0.1));
    tarn_array *y = tarn_add(tarn_matmul(x, tarn_transpose(weights)), noise);
    key = keys[3];
    if (!tarn_linear_init(&n->layer, INPUTS, 1, &key)) return 1;
    tarn_trainer *trainer = tarn_trainer_new(TARN_FUNCTION(loss, n), TARN_TREE(network, n), sgd);
    epochs e = {tarn_batches_new(TARN_ARRAYS(x, y), 2, BATCH, .seed = plan->seed), false};
    bool ok = run_steps(plan, trainer, next_of_epochs, &e, 2);
    tarn_trainer_free(trainer);
    tarn_batches_free(e.batches);
    return ok ? tarn_item(tarn_max(tarn_abs(tarn_subtract(n->layer.weight, weights)))) : 1;
}

int main(int count, char **arguments) {
    TARN_SCOPE;
    run_plan plan = plan_of(count, arguments, STEPS);
    network n = {0};
    tarn_optimizer *sgd = tarn_sgd(0, .schedule = {falling, NULL}, .momentum = 0.5);
    double error = train(&plan, &n, sgd);
    if (tarn_ok()) printf("weights within %.4f%s\n", error, error < 0.02 ? ", which is near enough" : "");
    if (!tarn_ok()) fprintf(stderr, "linear_regression: %s\n", tarn_error());
    tarn_tree_free(TARN_TREE(network, &n));
    tarn_optimizer_free(sgd);
    return tarn_ok() ? 0 : 1;
}
