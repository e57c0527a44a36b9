/* Transforms and plans together: a compiled transform gives what the transform gives, and a compiled function inside a
 * transform is seen through; so is a checkpoint. */
#include "transform_checks.h"

#include "core/array.h"

#define BODY(name, expression)                                                                                         \
    static bool call_##name(void *context, tarn_array *const *x, int count, tarn_results *results) {                   \
        (void)context, (void)count;                                                                                    \
        return tarn_result(results, expression);                                                                       \
    }

BODY(elementwise,
     tarn_multiply(tarn_tanh(tarn_add(x[0], x[1])), tarn_where(tarn_greater(x[0], x[1]), tarn_exp(x[1]), x[0])))
BODY(layer, tarn_softmax(tarn_matmul(tarn_rms_norm(x[0], x[1]), tarn_transpose(x[0])), .axes = TARN_AXES(-1)))
BODY(update, tarn_multiply(tarn_slice_update(x[0], tarn_square(x[1]), x[2], TARN_AXES(0)), x[0]))
BODY(attention, tarn_attention(x[0], x[1], x[1], .causal = true, .length = x[2]))
BODY(lookup, tarn_sum(tarn_cumsum(tarn_take(tarn_square(x[0]), x[1], .axis = TARN_AXIS(0)), .axis = TARN_AXIS(0)),
                      .axes = TARN_AXES(-1)))

static bool call_split(void *context, tarn_array *const *x, int count, tarn_results *results) {
    tarn_array *parts[2];
    (void)context, (void)count;
    return tarn_split(tarn_sin(x[0]), 2, parts, .axis = TARN_AXIS(-1)) && tarn_result(results, parts[0]) &&
           tarn_result(results, parts[1]);
}

static bool call_compiled(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    return tarn_result_all(results, tarn_compiled_call(context, inputs, count));
}

/* All transforms of the compiled function. */
static void check_inside(const test_case *c) {
    tarn_compiled *compiled = tarn_compile(TARN_FUNCTION(c->call, c->context));
    test_case inside = *c;
    inside.call = call_compiled, inside.context = compiled;
    snprintf(inside.name, sizeof inside.name, "compiled %.80s", c->name);
    check_transforms(&inside);
    tarn_compiled_free(compiled);
}

static bool call_checkpoint(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    return tarn_result_all(results, tarn_checkpoint(function_of(context), inputs, count));
}

/* All transforms of a checkpoint of the function, and its plans. */
static void check_checkpoint(const test_case *c) {
    test_case again = *c, gradient;
    derived d = {.base = &again};
    tarn_array *values[MOST] = {NULL};
    again.call = call_checkpoint, again.context = (void *)(uintptr_t)c;
    snprintf(again.name, sizeof again.name, "checkpoint of %.80s", c->name);
    check_transforms(&again);
    make_cotangents(c, values, d.given);
    gradient = again;
    gradient.call = call_gradients, gradient.context = &d, gradient.outputs = 0;
    for (int i = 0; i < c->count; i++) gradient.outputs += has_gradient(c->inputs[i]);
    check_compiled(&gradient);
}

static void run(const char *name, tarn_callback call, int outputs, int count, tarn_array *const *inputs) {
    TARN_SCOPE;
    test_case c = {.call = call, .outputs = outputs, .count = count};
    snprintf(c.name, sizeof c.name, "%s", name);
    memcpy(c.inputs, inputs, (size_t)count * sizeof *inputs);
    check_compiled(&c);
    check_inside(&c);
    check_checkpoint(&c);
    derived d = {.base = &c};
    tarn_array *values[MOST] = {NULL};
    test_case gradient = c, batch = c;
    make_cotangents(&c, values, d.given);
    gradient.call = call_gradients, gradient.context = &d, gradient.outputs = 0;
    for (int i = 0; i < count; i++) gradient.outputs += has_gradient(inputs[i]);
    snprintf(gradient.name, sizeof gradient.name, "gradient of %s", name);
    check_compiled(&gradient);
    batch.call = call_batch, batch.context = &d;
    snprintf(batch.name, sizeof batch.name, "batch of %s", name);
    for (int i = 0; i < count; i++) batch.inputs[i] = tarn_stack(TARN_ARRAYS(inputs[i], variant(inputs[i], 1)), 2);
    check_compiled(&batch);
    for (int i = 0; i < count; i++) tarn_drop(inputs[i]);
}
#define RUN(name, outputs, ...) run(#name, call_##name, outputs, TARN_COUNT(__VA_ARGS__), TARN_ARRAYS(__VA_ARGS__))
#define REAL(...)               random_array(TARN_SHAPE(__VA_ARGS__), TARN_FLOAT64, -2, 2)
#define INTEGERS(high, ...)     random_array(TARN_SHAPE(__VA_ARGS__), TARN_INT32, 0, high)

static void test_all(void) {
    TARN_SCOPE;
    RUN(elementwise, 1, REAL(2, 3), REAL(3));
    RUN(layer, 1, REAL(2, 3), REAL(3));
    RUN(update, 1, REAL(4, 2), REAL(2, 2), INTEGERS(4, 1));
    RUN(attention, 1, REAL(2, 1, 1, 2), REAL(2, 1, 3, 2), random_array(TARN_SHAPE(2), TARN_INT32, 1, 4));
    RUN(lookup, 1, REAL(3, 2), INTEGERS(3, 4));
    RUN(split, 2, REAL(2, 4));
}

int main(void) {
    if (!choose_device(true)) return puts("skipped: no mock device"), 77;
    int64_t before = node_alive_count();
    test_all();
    CHECK(node_alive_count() == before);
    return report();
}
