/* Arrays: lazy evaluation, a gradient, and the devices there are. */
#include <stdio.h>
#include <tarn/tarn.h>

/* The mean of (x w - y)² */
static bool loss(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    tarn_array *const *data = context;
    (void)count;
    return tarn_result(results, tarn_mean(tarn_square(tarn_subtract(tarn_matmul(data[0], inputs[0]), data[1]))));
}

/* Finds w = (3, -1) by following the gradient. */
static bool fit(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_from_data((float[]){1, 0, 0, 1, 1, 1, 2, 1}, TARN_SHAPE(4, 2), TARN_FLOAT32);
    tarn_array *y = tarn_from_data((float[]){3, -1, 2, 5}, TARN_SHAPE(4), TARN_FLOAT32);
    tarn_array *data[] = {x, y}, *w = tarn_keep(tarn_zeros(TARN_SHAPE(2), TARN_FLOAT32));
    for (int i = 0; i < 200; i++) {
        TARN_SCOPE;
        tarn_array *gradient = tarn_results_at(tarn_grad(TARN_FUNCTION(loss, data), &w, 1), 0);
        tarn_array *step = tarn_multiply(gradient, tarn_scalar(0.2, TARN_FLOAT32));
        tarn_array *better = tarn_keep(tarn_subtract(tarn_move(w), step));
        w = better;
        if (!tarn_eval(w)) return false;
    }
    const float *values = tarn_data(w);
    if (values) printf("w = (%.3f, %.3f)\n", (double)values[0], (double)values[1]);
    tarn_drop(w);
    return values != NULL;
}

/* Nothing is computed before somebody asks: an expression can be looked at first. */
static bool lazy(void) {
    TARN_SCOPE;
    tarn_array *a = tarn_arange(0, 6, 1, TARN_FLOAT32);
    tarn_array *b = tarn_sum(tarn_sqrt(tarn_add(tarn_square(a), tarn_scalar_like(1, a))));
    char *graph = tarn_dump_text(&b, 1);
    if (graph) printf("%s", graph);
    tarn_free(graph);
    printf("sum of sqrt(a² + 1) = %.4f\n", tarn_item(b));
    return tarn_ok();
}

static void devices(void) {
    for (int type = 0; type < TARN_DEVICE_TYPE_COUNT; type++) {
        tarn_device_type t = (tarn_device_type)type;
        printf("%s: %d\n", tarn_device_type_name(t), tarn_device_count(t));
    }
}

int main(void) {
    devices();
    if (lazy() && fit()) return 0;
    fprintf(stderr, "arrays: %s\n", tarn_error());
    return 1;
}
