/* What functions read, move and change beside their arguments, under every transform: captured arrays, arguments that
   are moved, state of compiled functions, arguments of traces that are over. */
#include <math.h>

#include "check.h"
#include "into.h"
#include "tarn/tarn.h"

#define BODY(name, ...)                                                                                                \
    static bool name(void *context, tarn_array *const *x, int count, tarn_results *results) {                          \
        (void)context, (void)x, (void)count;                                                                           \
        __VA_ARGS__                                                                                                    \
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

BODY(times_captured, return tarn_result(results, tarn_multiply(x[0], ((captures *)context)->captured));)
BODY(through_plan, captures *c = context; c->captured = x[0];
     return tarn_result_all(results, tarn_compiled_call(c->compiled, TARN_ARRAYS(one(3)), 1));)
BODY(sum_through_plan, captures *c = context; c->captured = x[0];
     return tarn_result(results,
                        tarn_sum(tarn_results_at(tarn_compiled_call(c->compiled, TARN_ARRAYS(one(3)), 1), 0)));)

/* `before`: the compiled function has a plan already, made while its captured array was another. */
static void test_capture_of_plan(bool before) {
    TARN_SCOPE;
    captures c = {.captured = three(7)};
    tarn_array *x = three(2), *y, *g, *ones = three(1);
    c.compiled = tarn_compile(TARN_FUNCTION(times_captured, &c));
    c.outer = tarn_compile(TARN_FUNCTION(through_plan, &c));
    if (before) CHECK(into(&y, tarn_compiled_call(c.compiled, TARN_ARRAYS(one(3)), 1)) && total(y) == 63);
    CHECK(into(&g, tarn_grad(TARN_FUNCTION(sum_through_plan, &c), &x, 1)) && total(g) == 9);
    CHECK(vjp_into(TARN_FUNCTION(through_plan, &c), &x, 1, &ones, 1, &y, &g) && total(g) == 9 && total(y) == 18);
    CHECK(jvp_into(TARN_FUNCTION(through_plan, &c), &x, 1, &ones, &y, &g) && total(g) == 9 && total(y) == 18);
    CHECK(into(&y, tarn_vmap(TARN_FUNCTION(through_plan, &c), &x, 1)) && tarn_ndim(y) == 1 && total(y) == 18);
    for (int i = 2; i < 5; i++)
        CHECK(into(&y, tarn_compiled_call(c.outer, TARN_ARRAYS(three(i)), 1)) && total(y) == 9 * i);
    tarn_compiled_free(c.compiled);
    tarn_compiled_free(c.outer);
}

/* d/dx x * d/dy (x * y) = 2 x, whichever way the two derivatives go. */
static bool inner_derivative(void *context, tarn_array *const *x, int count, tarn_results *results) {
    captures *c = context;
    tarn_array *y = one(5), *unit = one(1), *value, *d;
    (void)count;
    c->captured = x[0];
    if (c->forward ? !jvp_into(TARN_FUNCTION(times_captured, c), &y, 1, &unit, &value, &d)
                   : !into(&d, tarn_grad(TARN_FUNCTION(times_captured, c), &y, 1)))
        return false;
    return tarn_result(results, tarn_multiply(x[0], d));
}

static void test_perturbations(void) {
    TARN_SCOPE;
    tarn_array *x = one(3), *unit = one(1), *y, *d;
    for (int way = 0; way < 2; way++) {
        captures c = {.forward = way};
        CHECK(into(&d, tarn_grad(TARN_FUNCTION(inner_derivative, &c), &x, 1)) && tarn_item(d) == 6);
        CHECK(jvp_into(TARN_FUNCTION(inner_derivative, &c), &x, 1, &unit, &y, &d) && tarn_item(d) == 6 &&
              tarn_item(y) == 9);
        CHECK(into(&y, tarn_vmap(TARN_FUNCTION(inner_derivative, &c), TARN_ARRAYS(three(3)), 1)) && total(y) == 27);
    }
}

/* ---- values read inside: what a rule needs afterwards stays, though nobody else holds it */

static tarn_array *constant(void) { /* nothing is left of it but what reads it */
    TARN_SCOPE;
    return tarn_return(tarn_cumsum(tarn_cumsum(three(1), .axis = TARN_AXIS(0)), .axis = TARN_AXIS(0))); /* 1 3 6 */
}
static bool reads_inside(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)count;
    tarn_array *out;
    {
        TARN_SCOPE;
        tarn_array *y = tarn_multiply(x[0], *(bool *)context ? constant() : three(2));
        out = tarn_return(tarn_sum(tarn_multiply(tarn_tanh(y), y)));
    }
    return tarn_item(out) > 0 && tarn_result(results, out);
}

static void test_reading_inside(void) {
    for (int computed = 0; computed < 2; computed++) {
        TARN_SCOPE;
        bool context = computed;
        tarn_function f = {reads_inside, &context};
        tarn_array *x = three(0.5), *unit = three(1), *y, *g, *t;
        double wanted = 0;
        for (int i = 0; i < 3; i++) {
            double c = computed ? (i + 1) * (i + 2) / 2 : 2, h = tanh(c / 2);
            wanted += c * (h + c / 2 * (1 - h * h));
        }
        CHECK(into(&g, tarn_grad(f, &x, 1)) && fabs(total(g) - wanted) < 1e-12);
        CHECK(jvp_into(f, &x, 1, &unit, &y, &t) && fabs(tarn_item(t) - wanted) < 1e-12);
    }
}

/* ---- custom functions: a rule knows nothing of what the function captured */

BODY(times_hundred, return tarn_result(results, tarn_multiply(x[1], one(100)));)
BODY(times_both, captures *c = context;
     return tarn_result(results, tarn_multiply(x[0], tarn_multiply(c->captured, tarn_tanh(c->captured))));)
BODY(times_stopped,
     return tarn_result(results, tarn_multiply(x[0], tarn_stop_gradient(((captures *)context)->captured)));)
BODY(through_custom, captures *c = context; c->captured = x[0];
     return tarn_result_all(results, tarn_custom_call(c->custom, TARN_ARRAYS(x[1]), 1));)

static tarn_custom_function *custom_of(captures *c, tarn_callback body, tarn_callback vjp, tarn_callback jvp) {
    tarn_custom_free(c->custom);
    return c->custom = tarn_custom_new(TARN_FUNCTION(body, c), .vjp = vjp, .jvp = jvp);
}

static void test_capture_of_custom(void) {
    TARN_SCOPE;
    captures c = {0};
    tarn_function f = {through_custom, &c};
    tarn_array *x[2] = {three(2), three(3)}, *moves[2] = {three(1), three(1)}, *ones = three(1), *y, *g[2];
    CHECK(custom_of(&c, times_captured, NULL, NULL));
    CHECK(vjp_into(f, x, 2, &ones, 1, &y, g) && total(g[0]) == 9 && total(g[1]) == 6);
    CHECK(jvp_into(f, x, 2, moves, &y, g) && total(g[0]) == 15);
    CHECK(custom_of(&c, times_captured, times_hundred, NULL));
    CHECK_ERROR(vjp_into(f, x, 2, &ones, 1, &y, g), "float64 [3]");
    CHECK(jvp_into(f, x, 2, moves, &y, g) && total(g[0]) == 15); /* no rule is in the way */
    CHECK(custom_of(&c, times_both, times_hundred, times_hundred));
    CHECK_ERROR(vjp_into(f, x, 2, &ones, 1, &y, g), "stop_gradient");
    CHECK_ERROR(jvp_into(f, x, 2, moves, &y, g), "argument");
    moves[0] = NULL; /* the captured array does not move: the rule says all */
    CHECK(jvp_into(f, x, 2, moves, &y, g) && total(g[0]) == 300);
    CHECK(custom_of(&c, times_stopped, times_hundred, NULL));
    CHECK(vjp_into(f, x, 2, &ones, 1, &y, g) && total(g[0]) == 0 && total(g[1]) == 300);
    tarn_custom_free(c.custom);
    c.custom =
        tarn_custom_new(TARN_FUNCTION(times_both, &c), .vjp = times_hundred, .jvp = times_hundred, .constants = true);
    CHECK(vjp_into(f, x, 2, &ones, 1, &y, g) && total(g[0]) == 0 && total(g[1]) == 300);
    moves[0] = three(1);
    CHECK(jvp_into(f, x, 2, moves, &y, g) && total(g[0]) == 300);
    moves[1] = NULL; /* the rule is not asked */
    CHECK(jvp_into(f, x, 2, moves, &y, g) && total(g[0]) == 0);
    tarn_custom_free(c.custom);
}

/* Of the function over a batch only what it captured has one: its rule counts all the same. */
static bool batch_captured(void *context, tarn_array *const *x, int count, tarn_results *results) {
    tarn_array *y, *in[2] = {three(5), x[0]};
    (void)count;
    if (!into(&y, tarn_vmap(TARN_FUNCTION(through_custom, context), in, 2, .in_axes = TARN_INTS(0, TARN_UNBATCHED))))
        return false;
    return tarn_result(results, tarn_sum(y));
}

static void test_batch_captured_by_custom(void) {
    TARN_SCOPE;
    captures c = {0};
    tarn_array *x = one(2), *g;
    CHECK(custom_of(&c, times_captured, times_hundred, NULL));
    CHECK(into(&g, tarn_grad(TARN_FUNCTION(batch_captured, &c), &x, 1)) && tarn_item(g) == 300);
    tarn_custom_free(c.custom);
}

/* ---- functions that move their arguments */

BODY(moves_all, return tarn_result(results, tarn_multiply(tarn_move(x[0]), tarn_move(x[1])));)
BODY(moves_last, return tarn_result(results, tarn_move(x[count - 1]));)

BODY(calls_compiled, return tarn_result_all(results, tarn_compiled_call(context, x, count));)

static void check_moving(tarn_callback body, bool kept) {
    TARN_SCOPE;
    tarn_function f = {body, NULL};
    tarn_array *x[2] = {three(2), three(3)}, *ones = three(1), *y, *g[2], *plain;
    if (kept) tarn_keep(x[0]), tarn_keep(x[1]);
    double product = body == moves_all ? 18 : 9;
    tarn_compiled *compiled = tarn_compile(f);
    tarn_custom_function *custom = tarn_custom_new(f, .vjp = moves_last, .jvp = moves_last);
    for (int i = 0; i < 2; i++) {
        CHECK(vjp_into(f, x, 2, &ones, 1, &y, g) && total(y) == product);
        CHECK(jvp_into(f, x, 2, TARN_ARRAYS(ones, NULL), &y, &plain) && total(y) == product);
        CHECK(into(&y, tarn_vmap(f, x, 2, .in_axes = TARN_INTS(TARN_UNBATCHED, 0))) &&
              tarn_ndim(y) == (body == moves_all ? 2 : 1));
        CHECK(into(&y, tarn_compiled_call(compiled, x, 2)) && total(y) == product);
        CHECK(into(&y, tarn_custom_call(custom, x, 2)) && total(y) == product);
        CHECK(vjp_into(TARN_FUNCTION(calls_compiled, compiled), x, 2, &ones, 1, &y, g) && total(y) == product);
    }
    CHECK(total(x[0]) == 6 && total(x[1]) == 9);
    if (kept) tarn_drop(x[0]), tarn_drop(x[1]);
    tarn_compiled_free(compiled);
    tarn_custom_free(custom);
}

BODY(custom_product, return tarn_result_all(results, tarn_custom_call(context, x, 2));)

/* The rules of a custom function move what they are given, which the transform has a use for afterwards. */
static void test_rules_that_move(void) {
    TARN_SCOPE;
    tarn_array *x[2] = {three(2), three(3)}, *ones = three(1), *y, *g[2];
    tarn_custom_function *custom = tarn_custom_new(TARN_FUNCTION(moves_all, NULL), .jvp = moves_last);
    CHECK(jvp_into(TARN_FUNCTION(custom_product, custom), x, 2, TARN_ARRAYS(ones, ones), &y, g) && total(g[0]) == 3);
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
     return tarn_result(results, tarn_multiply(x[0], *state));)
BODY(sums_compiled, return tarn_result(results, tarn_sum(tarn_results_at(tarn_compiled_call(context, x, count), 0)));)

static void test_inner_state(void) {
    TARN_SCOPE;
    tarn_array *state = tarn_keep(one(0)), **slot = &state, *y, *g, *x = three(1);
    tarn_compiled *inner = tarn_compile(TARN_FUNCTION(counts, &state), .state = &slot, .state_count = 1);
    tarn_compiled *without = tarn_compile(TARN_FUNCTION(calls_compiled, inner));
    tarn_compiled *with = tarn_compile(TARN_FUNCTION(calls_compiled, inner), .state = &slot, .state_count = 1);
    CHECK_ERROR(into(&y, tarn_compiled_call(without, &x, 1)), "state 0");
    CHECK(tarn_item(state) == 0);
    for (int i = 1; i < 4; i++)
        CHECK(into(&y, tarn_compiled_call(with, &x, 1)) && total(y) == 3 * i && tarn_item(state) == i);
    CHECK(into(&y, tarn_compiled_call(inner, &x, 1)) && total(y) == 12);
    CHECK(into(&g, tarn_grad(TARN_FUNCTION(sums_compiled, inner), &x, 1)) && total(g) == 15 && tarn_item(state) == 5);
    tarn_compiled_free(without);
    tarn_compiled_free(with);
    tarn_compiled_free(inner);
    tarn_drop(state);
}

BODY(counts_plainly, tarn_array **state = context; *state = tarn_add(*state, one(1));
     return tarn_result(results, tarn_multiply(x[0], *state));)

/* A variable that is lent may simply be assigned to. */
static void test_plain_state(void) {
    TARN_SCOPE;
    tarn_array *state = tarn_keep(one(0)), **slot = &state, *x = three(1), *y;
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(counts_plainly, &state), .state = &slot, .state_count = 1);
    for (int i = 1; i < 4; i++)
        CHECK(into(&y, tarn_compiled_call(c, &x, 1)) && total(y) == 3 * i && tarn_item(state) == i);
    CHECK(into(&y, tarn_grad(TARN_FUNCTION(sums_compiled, c), &x, 1)) && total(y) == 12 && tarn_item(state) == 4);
    tarn_compiled_free(c);
    tarn_drop(state);
}

static void test_options(void) {
    TARN_SCOPE;
    tarn_array *state = tarn_keep(one(0)), **slots[] = {&state, &state, NULL}, *y, *x = one(1);
    tarn_function f = {counts, &state};
    CHECK_ERROR(tarn_compile(f, .state = slots, .state_count = 2), "same variable twice");
    CHECK_ERROR(tarn_compile(f, .state = slots + 1, .state_count = 2), "state 1");
    CHECK_ERROR(tarn_compile(f, .donate = TARN_INTS(-1)), "donate");
    CHECK_ERROR(tarn_compile((tarn_function){0}), "NULL");
    tarn_compiled *donates = tarn_compile(f, .state = slots, .state_count = 1, .donate = TARN_INTS(0, 3));
    CHECK_ERROR(into(&y, tarn_compiled_call(donates, &x, 1)), "donate has 3");
    CHECK_ERROR(into(&y, tarn_compiled_call(NULL, &x, 1)), "NULL");
    tarn_compiled_free(donates);
    tarn_compiled_free(NULL);
    tarn_drop(state);
}

/* ---- arguments of a trace that is over */

static tarn_array *leaked;
BODY(leaks, leaked = tarn_keep(tarn_square(x[0])); return tarn_result(results, x[0]);)
BODY(adds_leaked, return tarn_result(results, tarn_add(x[0], leaked));)

static void test_leaked_arguments(void) {
    TARN_SCOPE;
    tarn_array *x = three(10), *y;
    tarn_compiled *first = tarn_compile(TARN_FUNCTION(leaks, NULL)),
                  *second = tarn_compile(TARN_FUNCTION(adds_leaked, NULL));
    CHECK(into(&y, tarn_compiled_call(first, &x, 1)) && total(y) == 30);
    CHECK_ERROR(into(&y, tarn_compiled_call(second, &x, 1)), "traced");
    CHECK_ERROR(tarn_eval(leaked), "traced");
    tarn_drop(leaked);
    CHECK(into(&y, tarn_vmap(TARN_FUNCTION(leaks, NULL), &x, 1)) && total(y) == 30);
    CHECK_ERROR(into(&y, tarn_compiled_call(second, TARN_ARRAYS(one(1)), 1)), "traced");
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
    test_plain_state();
    test_options();
    test_leaked_arguments();
    CHECK(tarn_ok());
    tarn_memory m;
    CHECK(tarn_memory_info((tarn_device){TARN_CPU, 0}, &m) && m.nodes == 0);
    return check_report("transform_captures");
}
