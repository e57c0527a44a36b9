/* Failure injection: the n-th allocation fails, for n = 1, 2, ...: each time an error is set, the arrays that were
 * there before have their values, nothing leaks, and the next try works. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "into.h"
#include "tarn/tarn.h"

static int failures;
#define CHECK(condition)                                                                                               \
    ((condition) ? (void)0                                                                                             \
                 : (failures++, (void)fprintf(stderr, "%s:%d: n = %d: %s (%s)\n", __FILE__, __LINE__, attempt,         \
                                              #condition, tarn_ok() ? "no error" : tarn_error())))

static int attempt;

/* ---- arrays that live through all attempts: a ramp, twice the ramp, and the state of a compiled function */

enum { OLD = 12 };
static tarn_array *ramp, *twice, *state;
static int calls; /* what the elements of the state are */

static void make_old(void) {
    TARN_SCOPE;
    ramp = tarn_keep(tarn_arange(0, OLD, 1, TARN_FLOAT32));
    twice = tarn_keep(tarn_add(ramp, ramp));
    state = tarn_keep(tarn_zeros(TARN_SHAPE(OLD), TARN_FLOAT32));
    CHECK(tarn_eval(ramp, twice, state));
}

static bool old_hold(void) {
    const float *first = tarn_data(ramp), *second = tarn_data(twice), *third = tarn_data(state);
    bool hold = first && second && third;
    for (int i = 0; i < OLD && hold; i++)
        hold = first[i] == (float)i && second[i] == (float)(2 * i) && third[i] == (float)calls;
    return hold;
}

/* ---- what is tried */

static double loss_value;

static bool loss(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)context, (void)count;
    tarn_array *y = tarn_softmax(tarn_matmul(inputs[0], inputs[1]), .axes = TARN_AXES(-1));
    return tarn_result(results, tarn_mean(tarn_square(tarn_add(y, tarn_rms_norm(y, NULL)))));
}

static bool forward(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_reshape(ramp, TARN_SHAPE(3, 4));
    tarn_array *w = tarn_multiply(tarn_transpose(x), tarn_scalar(0.1, TARN_FLOAT32)), *parts[2];
    tarn_array *y = tarn_concatenate(TARN_ARRAYS(tarn_matmul(x, w), tarn_ones(TARN_SHAPE(3, 3), TARN_FLOAT32)), 2,
                                     .axis = TARN_AXIS(1));
    if (!tarn_split(y, 2, parts, .axis = TARN_AXIS(1))) return false;
    loss_value = tarn_item(tarn_sum(tarn_softmax(tarn_add(parts[0], parts[1]), .axes = TARN_AXES(-1))));
    return tarn_ok() && fabs(loss_value - 3) < 1e-5;
}

static bool gradient(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_reshape(tarn_slice_axis(twice, 0, 0, 6), TARN_SHAPE(2, 3)), *grad = NULL;
    bool ok = into(&grad, tarn_grad(TARN_FUNCTION(loss, NULL), TARN_ARRAYS(x, tarn_transpose(x)), 2));
    return ok && tarn_eval(grad);
}

static bool add_state(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)count;
    tarn_array **sum = context;
    *sum = tarn_keep(tarn_add(tarn_move(*sum), inputs[0]));
    return tarn_result(results, tarn_sum(*sum));
}

static bool compiled(void) {
    TARN_SCOPE;
    tarn_array **slot = &state;
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(add_state, &state), .state = &slot, .state_count = 1,
                                    .donate = TARN_AXES(TARN_DONATE_STATE));
    bool ok = c != NULL;
    for (int i = 0; i < 3 && ok; i++) {
        tarn_array *sum = NULL;
        ok = into(&sum, tarn_compiled_call(c, TARN_ARRAYS(tarn_ones(TARN_SHAPE(OLD), TARN_FLOAT32)), 1));
        calls += ok; /* a call that fails leaves the state */
        ok = ok && tarn_item(sum) == OLD * calls;
    }
    tarn_compiled_free(c);
    return ok && tarn_ok();
}

/* Indexing and the functions on shapes. */
static bool indexing(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_reshape(ramp, TARN_SHAPE(3, 4)), *out[4];
    tarn_array *i = tarn_arange(0, 3, 1, TARN_INT32), *mask = tarn_greater(x, tarn_scalar(5, TARN_FLOAT32));
    x = tarn_index_update(x, TARN_INDEX(TARN_BACKWARDS, TARN_SPAN(1, 3)), tarn_scalar(1, TARN_FLOAT32));
    x = tarn_index_update(x, TARN_INDEX(TARN_PICK(i), TARN_AT(0)), i, .mode = TARN_SCATTER_ADD, .check = true);
    x = tarn_index_update(x, TARN_INDEX(TARN_PICK(mask)), tarn_arange(0, 6, 1, TARN_FLOAT32));
    tarn_array *picked = tarn_index(x, TARN_INDEX(TARN_PICK(mask))),
               *square = tarn_index(x, TARN_INDEX(TARN_WHOLE, TARN_PICK(i)));
    bool ok =
        tarn_unstack(x, out, .axis = TARN_AXIS(1)) && tarn_broadcast_arrays(TARN_ARRAYS(x, out[3], out[0]), 1, out);
    tarn_array *others =
        tarn_add(tarn_pad(tarn_diag(tarn_diagonal(square)), TARN_INTS(2, 1), TARN_INTS(0), .mode = TARN_PAD_REFLECT),
                 tarn_tile(tarn_slice_axis(tarn_roll(out[0], TARN_INTS(1, 2), .axes = TARN_AXES(0, 1)), 0, 0, 1),
                           TARN_SHAPE(5, 1)));
    tarn_array *padded = tarn_pad(tarn_flip(picked), TARN_INTS(1), TARN_INTS(2));
    return ok && tarn_eval(others, padded) && tarn_item(tarn_sum(padded)) == 15;
}

static int64_t nodes_alive(void) {
    tarn_memory m = {0};
    tarn_synchronize(NULL);
    tarn_memory_info((tarn_device){TARN_CPU, 0}, &m);
    return m.nodes;
}

static void inject(const char *name, bool (*work)(void)) {
    attempt = 0;
    CHECK(work());
    bool done = false;
    int64_t before = nodes_alive();
    for (attempt = 1; attempt < 5000 && !done; attempt++) {
        memory_fail_at(attempt);
        bool ok = work();
        int64_t counted = memory_fail_at(0);
        done = counted < attempt; /* there was no n-th allocation */
        CHECK(ok == tarn_ok() || ok);
        CHECK(ok || tarn_error_kind() == TARN_ERROR_MEMORY);
        tarn_clear_error();
        CHECK(old_hold());
        CHECK(nodes_alive() == before);
        if (attempt % 16 == 0 || !ok) CHECK(work());
        tarn_clear_error();
    }
    printf("%s: %d allocations failed in turn\n", name, attempt - 2);
    CHECK(done);
}

int main(void) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    make_old();
    inject("forward", forward);
    inject("gradient", gradient);
    inject("compiled", compiled);
    inject("indexing", indexing);
    tarn_drop(ramp);
    tarn_drop(twice);
    tarn_drop(state);
    printf("%s\n", failures ? "FAILED" : "passed");
    return failures != 0;
}
