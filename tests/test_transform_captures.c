/* What functions read, move and change beside their arguments, under every transform: captured arrays, arguments that are moved, state of
   compiled functions, arguments of traces that are over. */
#include <math.h>

#include "check.h"
#include "tarn/tarn.h"

#define BODY(name, ...)                                                                                                                    \
    static bool name(void *context, tarn_array *const *x, int count, tarn_array **outputs, int output_count) {                             \
        (void)context, (void)x, (void)count, (void)outputs, (void)output_count;                                                            \
        __VA_ARGS__                                                                                                                        \
    }

static tarn_array *three(double value) {
    return tarn_full(TARN_SHAPE(3), value, TARN_FLOAT64);
}
static tarn_array *one(double value) {
    return tarn_scalar(value, TARN_FLOAT64);
}
static double total(tarn_array *a) {
    return a ? tarn_item(tarn_sum(a)) : -1e30;
}

/* ---- an array of the outer function in a compiled, custom or plain inner one */

typedef struct {
    tarn_array *captured;
    tarn_compiled *compiled, *outer;
    tarn_custom_function *custom;
    bool forward;
} captures;

BODY(times_captured, outputs[0] = tarn_multiply(x[0], ((captures *)context)->captured); return true;)
BODY(through_plan, captures *c = context; c->captured = x[0]; return tarn_compiled_call(c->compiled, TARN_ARRAYS(one(3)), 1, outputs);)
BODY(sum_through_plan, if (!through_plan(context, x, count, outputs, 1)) return false; outputs[0] = tarn_sum(outputs[0]); return true;)

/* `before`: the compiled function has a plan already, made while its captured array was another. */
static void test_capture_of_plan(bool before) {
    TARN_SCOPE;
    captures c = {.captured = three(7)};
    tarn_array *x = three(2), *y, *g, *ones = three(1);
    c.compiled = tarn_compile(TARN_FUNCTION(times_captured, &c, 1));
    c.outer = tarn_compile(TARN_FUNCTION(through_plan, &c, 1));
    if (before) CHECK(tarn_compiled_call(c.compiled, TARN_ARRAYS(one(3)), 1, &y) && total(y) == 63);
    CHECK(tarn_grad(TARN_FUNCTION(sum_through_plan, &c, 1), &x, 1, &g) && total(g) == 9);
    CHECK(tarn_vjp(TARN_FUNCTION(through_plan, &c, 1), &x, 1, &ones, &y, &g) && total(g) == 9 && total(y) == 18);
    CHECK(tarn_jvp(TARN_FUNCTION(through_plan, &c, 1), &x, 1, &ones, &y, &g) && total(g) == 9 && total(y) == 18);
    CHECK(tarn_vmap(TARN_FUNCTION(through_plan, &c, 1), &x, 1, &y) && tarn_ndim(y) == 1 && total(y) == 18);
    for (int i = 2; i < 5; i++) CHECK(tarn_compiled_call(c.outer, TARN_ARRAYS(three(i)), 1, &y) && total(y) == 9 * i);
    tarn_compiled_free(c.compiled);
    tarn_compiled_free(c.outer);
}

/* d/dx x * d/dy (x * y) = 2 x, whichever way the two derivatives go. */
static bool inner_derivative(void *context, tarn_array *const *x, int count, tarn_array **outputs, int output_count) {
    captures *c = context;
    tarn_array *y = one(5), *unit = one(1), *value, *d;
    (void)count, (void)output_count;
    c->captured = x[0];
    if (c->forward ? !tarn_jvp(TARN_FUNCTION(times_captured, c, 1), &y, 1, &unit, &value, &d)
                   : !tarn_grad(TARN_FUNCTION(times_captured, c, 1), &y, 1, &d))
        return false;
    outputs[0] = tarn_multiply(x[0], d);
    return true;
}

static void test_perturbations(void) {
    TARN_SCOPE;
    tarn_array *x = one(3), *unit = one(1), *y, *d;
    for (int way = 0; way < 2; way++) {
        captures c = {.forward = way};
        CHECK(tarn_grad(TARN_FUNCTION(inner_derivative, &c, 1), &x, 1, &d) && tarn_item(d) == 6);
        CHECK(tarn_jvp(TARN_FUNCTION(inner_derivative, &c, 1), &x, 1, &unit, &y, &d) && tarn_item(d) == 6 && tarn_item(y) == 9);
        CHECK(tarn_vmap(TARN_FUNCTION(inner_derivative, &c, 1), TARN_ARRAYS(three(3)), 1, &y) && total(y) == 27);
    }
}

/* ---- values read inside: what a rule needs afterwards stays, though nobody else holds it */

static tarn_array *constant(void) { /* nothing is left of it but what reads it */
    TARN_SCOPE;
    return tarn_return(tarn_cumsum(tarn_cumsum(three(1), 0), 0)); /* 1 3 6 */
}
static bool reads_inside(void *context, tarn_array *const *x, int count, tarn_array **outputs, int output_count) {
    (void)count, (void)output_count;
    {
        TARN_SCOPE;
        tarn_array *y = tarn_multiply(x[0], *(bool *)context ? constant() : three(2));
        outputs[0] = tarn_return(tarn_sum(tarn_multiply(tarn_tanh(y), y)));
    }
    return tarn_item(outputs[0]) > 0;
}

static void test_reading_inside(void) {
    for (int computed = 0; computed < 2; computed++) {
        TARN_SCOPE;
        bool context = computed;
        tarn_function f = {reads_inside, &context, 1};
        tarn_array *x = three(0.5), *unit = three(1), *y, *g, *t;
        double wanted = 0;
        for (int i = 0; i < 3; i++) {
            double c = computed ? (i + 1) * (i + 2) / 2 : 2, h = tanh(c / 2);
            wanted += c * (h + c / 2 * (1 - h * h));
        }
        CHECK(tarn_grad(f, &x, 1, &g) && fabs(total(g) - wanted) < 1e-12);
        CHECK(tarn_jvp(f, &x, 1, &unit, &y, &t) && fabs(tarn_item(t) - wanted) < 1e-12);
    }
}

/* ---- custom functions: a rule knows nothing of what the function captured */

BODY(times_hundred, outputs[0] = tarn_multiply(x[1], one(100)); return true;)
BODY(times_both, captures *c = context; outputs[0] = tarn_multiply(x[0], tarn_multiply(c->captured, tarn_tanh(c->captured))); return true;)
BODY(times_stopped, outputs[0] = tarn_multiply(x[0], tarn_stop_gradient(((captures *)context)->captured)); return true;)
BODY(through_custom, captures *c = context; c->captured = x[0]; return tarn_custom_call(c->custom, TARN_ARRAYS(x[1]), 1, outputs);)

static tarn_custom_function *custom_of(captures *c, tarn_callback body, tarn_custom_rules rules) {
    tarn_custom_free(c->custom);
    return c->custom = tarn_custom_new(TARN_FUNCTION(body, c, 1), rules, NULL);
}

static void test_capture_of_custom(void) {
    TARN_SCOPE;
    captures c = {0};
    tarn_function f = {through_custom, &c, 1};
    tarn_array *x[2] = {three(2), three(3)}, *moves[2] = {three(1), three(1)}, *ones = three(1), *y, *g[2];
    CHECK(custom_of(&c, times_captured, (tarn_custom_rules){0}));
    CHECK(tarn_vjp(f, x, 2, &ones, &y, g) && total(g[0]) == 9 && total(g[1]) == 6);
    CHECK(tarn_jvp(f, x, 2, moves, &y, g) && total(g[0]) == 15);
    CHECK(custom_of(&c, times_captured, (tarn_custom_rules){.vjp = times_hundred}));
    CHECK_ERROR(tarn_vjp(f, x, 2, &ones, &y, g), "float64 [3]");
    CHECK(tarn_jvp(f, x, 2, moves, &y, g) && total(g[0]) == 15); /* no rule is in the way */
    CHECK(custom_of(&c, times_both, (tarn_custom_rules){.vjp = times_hundred, .jvp = times_hundred}));
    CHECK_ERROR(tarn_vjp(f, x, 2, &ones, &y, g), "stop_gradient");
    CHECK_ERROR(tarn_jvp(f, x, 2, moves, &y, g), "argument");
    moves[0] = NULL; /* the captured array does not move: the rule says all */
    CHECK(tarn_jvp(f, x, 2, moves, &y, g) && total(g[0]) == 300);
    CHECK(custom_of(&c, times_stopped, (tarn_custom_rules){.vjp = times_hundred}));
    CHECK(tarn_vjp(f, x, 2, &ones, &y, g) && total(g[0]) == 0 && total(g[1]) == 300);
    tarn_custom_free(c.custom);
}

/* Of the function over a batch only what it captured has one: its rule counts all the same. */
static bool batch_captured(void *context, tarn_array *const *x, int count, tarn_array **outputs, int output_count) {
    tarn_array *y, *in[2] = {three(5), x[0]};
    (void)count, (void)output_count;
    if (!tarn_vmap(TARN_FUNCTION(through_custom, context, 1), in, 2, &y, .in_axes = TARN_INTS(0, TARN_UNBATCHED))) return false;
    outputs[0] = tarn_sum(y);
    return true;
}

static void test_batch_captured_by_custom(void) {
    TARN_SCOPE;
    captures c = {0};
    tarn_array *x = one(2), *g;
    CHECK(custom_of(&c, times_captured, (tarn_custom_rules){.vjp = times_hundred}));
    CHECK(tarn_grad(TARN_FUNCTION(batch_captured, &c, 1), &x, 1, &g) && tarn_item(g) == 300);
    tarn_custom_free(c.custom);
}

/* ---- functions that move their arguments */

BODY(moves_all, outputs[0] = tarn_multiply(tarn_move(x[0]), tarn_move(x[1])); return true;)
BODY(moves_last, outputs[0] = tarn_move(x[count - 1]); return true;)

BODY(calls_compiled, return tarn_compiled_call(context, x, count, outputs);)

static void check_moving(tarn_callback body, bool kept) {
    TARN_SCOPE;
    tarn_function f = {body, NULL, 1};
    tarn_array *x[2] = {three(2), three(3)}, *ones = three(1), *y, *g[2], *plain;
    if (kept) tarn_keep(x[0]), tarn_keep(x[1]);
    double product = body == moves_all ? 18 : 9;
    tarn_compiled *compiled = tarn_compile(f);
    tarn_custom_function *custom = tarn_custom_new(f, (tarn_custom_rules){.vjp = moves_last, .jvp = moves_last}, NULL);
    for (int i = 0; i < 2; i++) {
        CHECK(tarn_vjp(f, x, 2, &ones, &y, g) && total(y) == product);
        CHECK(tarn_jvp(f, x, 2, TARN_ARRAYS(ones, NULL), &y, &plain) && total(y) == product);
        CHECK(tarn_vmap(f, x, 2, &y, .in_axes = TARN_INTS(TARN_UNBATCHED, 0)) && tarn_ndim(y) == (body == moves_all ? 2 : 1));
        CHECK(tarn_compiled_call(compiled, x, 2, &y) && total(y) == product);
        CHECK(tarn_custom_call(custom, x, 2, &y) && total(y) == product);
        CHECK(tarn_vjp(TARN_FUNCTION(calls_compiled, compiled, 1), x, 2, &ones, &y, g) && total(y) == product);
    }
    CHECK(total(x[0]) == 6 && total(x[1]) == 9);
    if (kept) tarn_drop(x[0]), tarn_drop(x[1]);
    tarn_compiled_free(compiled);
    tarn_custom_free(custom);
}

BODY(custom_product, return tarn_custom_call(context, x, 2, outputs);)

/* The rules of a custom function move what they are given, which the transform has a use for afterwards. */
static void test_rules_that_move(void) {
    TARN_SCOPE;
    tarn_array *x[2] = {three(2), three(3)}, *ones = three(1), *y, *g[2];
    tarn_custom_function *custom = tarn_custom_new(TARN_FUNCTION(moves_all, NULL, 1), (tarn_custom_rules){.jvp = moves_last}, NULL);
    CHECK(tarn_jvp(TARN_FUNCTION(custom_product, custom, 1), x, 2, TARN_ARRAYS(ones, ones), &y, g) && total(g[0]) == 3);
    CHECK(total(ones) == 3 && total(x[0]) == 6 && total(y) == 18);
    tarn_custom_free(custom);
}

static void test_moving(void) {
    for (int kept = 0; kept < 2; kept++) {
        check_moving(moves_all, kept);
        check_moving(moves_last, kept);
    }
    test_rules_that_move();
}

/* ---- state */

BODY(counts, tarn_array **state = context; *state = tarn_keep(tarn_add(tarn_move(*state), one(1)));
     outputs[0] = tarn_multiply(x[0], *state); return true;)
BODY(sums_compiled, if (!tarn_compiled_call(context, x, count, outputs)) return false; outputs[0] = tarn_sum(outputs[0]); return true;)

static void test_inner_state(void) {
    TARN_SCOPE;
    tarn_array *state = tarn_keep(one(0)), **slot = &state, *y, *g, *x = three(1);
    tarn_compiled *inner = tarn_compile(TARN_FUNCTION(counts, &state, 1), .state = &slot, .state_count = 1);
    tarn_compiled *without = tarn_compile(TARN_FUNCTION(calls_compiled, inner, 1));
    tarn_compiled *with = tarn_compile(TARN_FUNCTION(calls_compiled, inner, 1), .state = &slot, .state_count = 1);
    CHECK_ERROR(tarn_compiled_call(without, &x, 1, &y), "state 0");
    CHECK(tarn_item(state) == 0);
    for (int i = 1; i < 4; i++) CHECK(tarn_compiled_call(with, &x, 1, &y) && total(y) == 3 * i && tarn_item(state) == i);
    CHECK(tarn_compiled_call(inner, &x, 1, &y) && total(y) == 12);
    CHECK(tarn_grad(TARN_FUNCTION(sums_compiled, inner, 1), &x, 1, &g) && total(g) == 15 && tarn_item(state) == 5);
    tarn_compiled_free(without);
    tarn_compiled_free(with);
    tarn_compiled_free(inner);
    tarn_drop(state);
}

static void test_options(void) {
    TARN_SCOPE;
    tarn_array *state = tarn_keep(one(0)), **slots[] = {&state, &state, NULL}, *y, *x = one(1);
    tarn_function f = {counts, &state, 1};
    CHECK_ERROR(tarn_compile(f, .state = slots, .state_count = 2), "state 0 and state 1");
    CHECK_ERROR(tarn_compile(f, .state = slots + 1, .state_count = 2), "state 1");
    CHECK_ERROR(tarn_compile(f, .donate = TARN_INTS(-1)), "donate");
    CHECK_ERROR(tarn_compile((tarn_function){0}), "NULL");
    tarn_compiled *donates = tarn_compile(f, .state = slots, .state_count = 1, .donate = TARN_INTS(0, 3));
    CHECK_ERROR(tarn_compiled_call(donates, &x, 1, &y), "donate has 3");
    CHECK_ERROR(tarn_compiled_call(NULL, &x, 1, &y), "NULL");
    tarn_compiled_free(donates);
    tarn_compiled_free(NULL);
    tarn_drop(state);
}

/* ---- arguments of a trace that is over */

static tarn_array *leaked;
BODY(leaks, leaked = tarn_keep(tarn_square(x[0])); outputs[0] = x[0]; return true;)
BODY(adds_leaked, outputs[0] = tarn_add(x[0], leaked); return true;)

static void test_leaked_arguments(void) {
    TARN_SCOPE;
    tarn_array *x = three(10), *y;
    tarn_compiled *first = tarn_compile(TARN_FUNCTION(leaks, NULL, 1)), *second = tarn_compile(TARN_FUNCTION(adds_leaked, NULL, 1));
    CHECK(tarn_compiled_call(first, &x, 1, &y) && total(y) == 30);
    CHECK_ERROR(tarn_compiled_call(second, &x, 1, &y), "traced");
    CHECK_ERROR(tarn_eval(leaked), "traced");
    tarn_drop(leaked);
    CHECK(tarn_vmap(TARN_FUNCTION(leaks, NULL, 1), &x, 1, &y) && total(y) == 30);
    CHECK_ERROR(tarn_compiled_call(second, TARN_ARRAYS(one(1)), 1, &y), "traced");
    tarn_drop(leaked);
    tarn_compiled_free(first);
    tarn_compiled_free(second);
}

int main(void) {
    test_capture_of_plan(false);
    test_capture_of_plan(true);
    test_perturbations();
    test_reading_inside();
    test_capture_of_custom();
    test_batch_captured_by_custom();
    test_moving();
    test_inner_state();
    test_options();
    test_leaked_arguments();
    CHECK(tarn_ok());
    tarn_memory m;
    CHECK(tarn_memory_info((tarn_device){TARN_CPU, 0}, &m) && m.nodes == 0);
    return check_report("transform_captures");
}
