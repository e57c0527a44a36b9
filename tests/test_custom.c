/* Custom functions with a rule for batches, checkpoints and what they save, and what a collector of cycles finds. */
#include <math.h>

#include "backend/backend.h"
#include "check.h"
#include "core/array.h"
#include "into.h"
#include "tarn/tarn.h"

#define BODY(name, ...)                                                                                                \
    static bool name(void *context, tarn_array *const *x, int count, tarn_results *results) {                          \
        (void)context, (void)x, (void)count;                                                                           \
        __VA_ARGS__                                                                                                    \
    }

static tarn_array *three(double a, double b, double c) {
    return tarn_from_data((double[]){a, b, c}, TARN_SHAPE(3), TARN_FLOAT64);
}
static tarn_array *one(double value) {
    return tarn_scalar(value, TARN_FLOAT64);
}
static bool equals(tarn_array *a, double x, double y, double z) {
    double got[3] = {0};
    return a && tarn_size(a) == 3 && tarn_read(tarn_astype(a, TARN_FLOAT64), got, sizeof got) && got[0] == x &&
           got[1] == y && got[2] == z;
}

/* ---- rules for batches */

/* x y, for whose batch the rule gives 1000 x y, so that it is seen who was asked. */
BODY(product, return tarn_result(results, tarn_multiply(x[0], x[1]));)
BODY(hundred, return tarn_result(results, tarn_multiply(x[2], one(100))) && tarn_result(results, x[2]);)
BODY(fixed, return tarn_result(results, tarn_multiply(x[2], one(7)));)

typedef struct {
    tarn_custom_function *custom;
    tarn_array *captured;
    int64_t out_axis, seen[2];
    int called, results;
} rules;

static bool batch_of_product(void *context, tarn_array *const *x, const int64_t *axes, int count, tarn_results *results,
                             int64_t *out_axes) {
    rules *r = context;
    r->called++;
    for (int i = 0; i < 2 && i < count; i++) r->seen[i] = axes[i];
    out_axes[0] = r->out_axis;
    tarn_array *out = tarn_multiply(tarn_multiply(x[0], x[1]), one(1000));
    for (int i = 0; i < r->results; i++)
        if (!tarn_result(results, out)) return false;
    return true;
}

BODY(call_custom, return tarn_result_all(results, tarn_custom_call(((rules *)context)->custom, x, count));)
BODY(grad_custom,
     return tarn_result_all(results, tarn_grad(TARN_FUNCTION(call_custom, context), x, 2, .argnums = TARN_INTS(0, 1)));)
BODY(batch_custom, return tarn_result_all(results, tarn_vmap(TARN_FUNCTION(call_custom, context), x, 2,
                                                             .in_axes = TARN_INTS(0, TARN_UNBATCHED)));)
BODY(captures_argument, rules *r = context; r->captured = x[0];
     return tarn_result_all(results, tarn_custom_call(r->custom, TARN_ARRAYS(one(1), one(2)), 2));)
BODY(reads_captured, return tarn_result(results, tarn_multiply(x[0], ((rules *)context)->captured));)

static tarn_results *batch(rules *r, tarn_array *x, tarn_array *y) {
    return tarn_vmap(TARN_FUNCTION(call_custom, r), TARN_ARRAYS(x, y), 2, .in_axes = TARN_INTS(0, TARN_UNBATCHED));
}

static void test_batch_rule(void) {
    TARN_SCOPE;
    rules r = {.results = 1};
    tarn_array *x = three(1, 2, 3), *y, *g[2], *ones = three(1, 1, 1);
    r.custom = tarn_custom_new(TARN_FUNCTION(product, &r), .vmap = batch_of_product);
    CHECK(into(&y, batch(&r, x, one(2))) && equals(y, 2000, 4000, 6000));
    CHECK(r.called == 1 && r.seen[0] == 0 && r.seen[1] == TARN_UNBATCHED);
    /* without rules for gradients they are those of what the rule made */
    CHECK(vjp_into(TARN_FUNCTION(batch_custom, &r), TARN_ARRAYS(x, one(2)), 2, &ones, 1, &y, g) &&
          equals(g[0], 2000, 2000, 2000) && tarn_item(g[1]) == 6000);
    /* a gradient within the batch goes through the function */
    CHECK(into(g, tarn_vmap(TARN_FUNCTION(grad_custom, &r), TARN_ARRAYS(x, one(2)), 2,
                            .in_axes = TARN_INTS(0, TARN_UNBATCHED))) &&
          equals(g[0], 2, 2, 2) && equals(g[1], 1, 2, 3));
    tarn_custom_free(r.custom);

    /* with them, they are theirs, batched */
    r.custom = tarn_custom_new(TARN_FUNCTION(product, &r), .vjp = hundred, .jvp = fixed, .vmap = batch_of_product);
    CHECK(vjp_into(TARN_FUNCTION(batch_custom, &r), TARN_ARRAYS(x, one(2)), 2, &ones, 1, &y, g) &&
          equals(y, 2000, 4000, 6000) && equals(g[0], 100, 100, 100) && tarn_item(g[1]) == 3);
    CHECK(jvp_into(TARN_FUNCTION(batch_custom, &r), TARN_ARRAYS(x, one(2)), 2, TARN_ARRAYS(ones, NULL), &y, g) &&
          equals(g[0], 7, 7, 7));
    tarn_array *square = tarn_reshape(tarn_arange(0, 9, 1, TARN_FLOAT64), TARN_SHAPE(3, 3)); /* a batch of batches */
    CHECK(into(&y, tarn_vmap(TARN_FUNCTION(batch_custom, &r), TARN_ARRAYS(square, x), 2)) && tarn_ndim(y) == 2 &&
          equals(tarn_slice_axis(y, 0, 1, 2), 6000, 8000, 10000));
    tarn_custom_free(r.custom);
}

/* Where the rule says that the batch is; what does not fit is an error. */
static void test_batch_axes(void) {
    TARN_SCOPE;
    rules r = {.results = 1, .out_axis = -1};
    tarn_array *x = tarn_ones(TARN_SHAPE(4, 3), TARN_FLOAT64), *y;
    r.custom = tarn_custom_new(TARN_FUNCTION(product, &r), .vmap = batch_of_product);
    tarn_function f = TARN_FUNCTION(call_custom, &r);
    CHECK(into(&y, tarn_vmap(f, TARN_ARRAYS(x, one(2)), 2, .in_axes = TARN_INTS(-1, TARN_UNBATCHED))) &&
          tarn_dim(y, 0) == 3 && tarn_dim(y, 1) == 4);
    r.out_axis = TARN_UNBATCHED;
    CHECK_ERROR(batch(&r, x, one(2)), "custom vmap: result 0");
    r.out_axis = 2;
    CHECK_ERROR(batch(&r, x, one(2)), "axis 2");
    r.out_axis = 0;
    CHECK_ERROR(tarn_vmap(f, TARN_ARRAYS(x, one(2)), 2, .in_axes = TARN_INTS(1, TARN_UNBATCHED)),
                "custom vmap: result 0");
    r.results = 2;
    CHECK_ERROR(batch(&r, x, one(2)), "handed out 2 results, not 1");
    tarn_custom_free(r.custom);

    r.results = 1;
    r.custom = tarn_custom_new(TARN_FUNCTION(reads_captured, &r), .vmap = batch_of_product);
    CHECK_ERROR(tarn_vmap(TARN_FUNCTION(captures_argument, &r), &x, 1), "make it an argument");
    tarn_custom_free(r.custom);
}

/* A result that is the same for all examples is said once. */
static bool same_for_all(void *context, tarn_array *const *x, const int64_t *axes, int count, tarn_results *results,
                         int64_t *out_axes) {
    (void)context, (void)axes, (void)count;
    out_axes[0] = TARN_UNBATCHED;
    return tarn_result(results, x[1]);
}

static void test_unbatched_result(void) {
    TARN_SCOPE;
    rules r = {0};
    tarn_array *y;
    r.custom = tarn_custom_new(TARN_FUNCTION(product, &r), .vmap = same_for_all);
    CHECK(into(&y, batch(&r, three(1, 2, 3), one(5))) && equals(y, 5, 5, 5));
    tarn_custom_free(r.custom);
}

/* ---- checkpoints */

enum { BLOCKS = 8, WIDTH = 1 << 16 };

/* Ten arrays of the size of x between x and the result. */
static bool wide_block(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context, (void)count;
    tarn_array *y = x[0], *scale = tarn_scalar_like(1.0 / WIDTH, y);
    for (int i = 0; i < 5; i++) y = tarn_add(y, tarn_cumsum(tarn_multiply(tarn_cos(y), scale), .axis = TARN_AXIS(0)));
    return tarn_result(results, y);
}

static bool chain(void *checkpoint, tarn_array *const *x, int count, tarn_results *results) {
    tarn_function block = {wide_block, NULL};
    tarn_array *y = x[0];
    for (int i = 0; i < BLOCKS; i++)
        if (!into(&y, *(bool *)checkpoint ? tarn_checkpoint(block, &y, count) : tarn_call(block, &y, count)))
            return false;
    return tarn_result(results, tarn_mean(y));
}

static int64_t peak_of_gradient(bool checkpoint, tarn_array *x, double *sum) {
    TARN_SCOPE;
    tarn_device cpu = {TARN_CPU, 0};
    tarn_memory info;
    tarn_clear_cache(cpu);
    tarn_reset_peak(cpu);
    tarn_array *g = tarn_results_at(tarn_grad(TARN_FUNCTION(chain, &checkpoint), &x, 1), 0);
    *sum = tarn_item(tarn_sum(g));
    CHECK(tarn_memory_info(cpu, &info));
    return info.peak_active;
}

static void test_checkpoint_saves_memory(void) {
    TARN_SCOPE;
    double plain, saved;
    tarn_array *x = tarn_detach(tarn_multiply(tarn_arange(0, WIDTH, 1, TARN_FLOAT32), tarn_scalar(1e-9, TARN_FLOAT32)));
    int64_t all = peak_of_gradient(false, x, &plain), some = peak_of_gradient(true, x, &saved);
    CHECK(plain == saved && plain != 0);
    CHECK(some * 2 < all);
    if (some * 2 >= all) fprintf(stderr, "peak %lld with checkpoints, %lld without\n", (long long)some, (long long)all);
}

static int released;
static void count_release(void *context) {
    (void)context;
    released++;
}

BODY(square, return tarn_result(results, tarn_square(x[0]));)
BODY(square_checkpoint,
     return tarn_result_all(results, tarn_checkpoint(TARN_FUNCTION(square, context), x, 1, .release = count_release));)
BODY(captured_checkpoint, rules r = {.captured = x[0]};
     return tarn_result_all(results, tarn_checkpoint(TARN_FUNCTION(reads_captured, &r), TARN_ARRAYS(one(2)), 1));)

static void test_checkpoint_release(void) {
    TARN_SCOPE;
    tarn_array *x = one(3), *g, *h, *ones = one(1);
    CHECK(into(&g, tarn_grad(TARN_FUNCTION(square_checkpoint, NULL), &x, 1)) && tarn_item(g) == 6);
    tarn_drain_released();
    CHECK(released == 1);
    CHECK(jvp_into(TARN_FUNCTION(square_checkpoint, NULL), &x, 1, &ones, &g, &h) && tarn_item(h) == 6 &&
          tarn_item(g) == 9);
    CHECK_ERROR(tarn_checkpoint(((tarn_function){NULL, NULL}), &x, 1, .release = count_release),
                "the function is NULL");
    CHECK_ERROR(tarn_checkpoint(TARN_FUNCTION(square, NULL), (tarn_array *[]){NULL}, 1, .release = count_release),
                "checkpoint: input 0 is NULL");
    tarn_drain_released();
    CHECK(released == 4);
    CHECK_ERROR(tarn_grad(TARN_FUNCTION(captured_checkpoint, NULL), &x, 1), "make it an argument");
}

/* ---- what a collector of cycles finds */

static int found;
static int count_context(void *context, void (*release)(void *context), void *argument) {
    CHECK(release == count_release && context == argument);
    return ++found, 0;
}
static int stop(void *context, void (*release)(void *context), void *argument) {
    (void)context, (void)release, (void)argument;
    return 42;
}
static int visit(tarn_array *a) {
    found = 0;
    CHECK(tarn_visit_contexts(a, count_context, &released) == 0);
    return found;
}

static tarn_array *called(tarn_custom_function *c, tarn_array *x) {
    return tarn_results_at(tarn_custom_call(c, &x, 1), 0);
}

/* The one way by which a context is reached is the array's; with another one nothing is told. */
static void test_visit(void) {
    tarn_array *top, *other;
    tarn_custom_function *c = tarn_custom_new(TARN_FUNCTION(square, &released), .vjp = fixed, .release = count_release);
    {
        TARN_SCOPE;
        tarn_array *y = called(c, one(2));
        top = tarn_add(tarn_negative(y), called(c, y)); /* the function twice, y by two ways */
        CHECK(visit(top) == 0);                         /* scopes hold it */
        tarn_own(top);
        other = tarn_keep(tarn_tanh(y));
    }
    CHECK(visit(top) == 0); /* `other` and c lead there too */
    tarn_drop(other);
    CHECK(visit(top) == 0);
    tarn_custom_free(c);
    CHECK(visit(top) == 1 && visit(top) == 1);
    CHECK(tarn_visit_contexts(top, stop, NULL) == 42 && tarn_visit_contexts(NULL, stop, NULL) == 0);
    tarn_keep(top);
    CHECK(visit(top) == 0);
    tarn_drop(top);
    int before = released;
    CHECK(tarn_item(top) == 12 && visit(top) == 0); /* computed, it needs nobody */
    tarn_drop(top);
    CHECK(released == before + 1);
}

static bool vmap_of(void *context, tarn_array *const *x, int count, tarn_results *results) {
    return tarn_result_all(results, tarn_custom_call(context, x, count));
}

/* Through batches of batches, checkpoints, and foreign memory. */
static void test_visit_far(void) {
    tarn_array *deep, *checkpoint, *foreign;
    static const float numbers[4] = {1, 2, 3, 4};
    tarn_custom_function *c = tarn_custom_new(TARN_FUNCTION(square, &released), .vjp = fixed, .release = count_release);
    {
        TARN_SCOPE;
        tarn_array *x = tarn_ones(TARN_SHAPE(2, 2), TARN_FLOAT64);
        deep = tarn_own(tarn_results_at(tarn_vmap(TARN_FUNCTION(vmap_of, c), &x, 1), 0));
        checkpoint = tarn_own(
            tarn_results_at(tarn_checkpoint(TARN_FUNCTION(square, &released), &x, 1, .release = count_release), 0));
        tarn_array *leaf =
            tarn_from_foreign(numbers, TARN_SHAPE(4), TARN_FLOAT32, .release = count_release, .context = &released);
        foreign = tarn_own(tarn_reshape(leaf, TARN_SHAPE(2, 2)));
    }
    CHECK(visit(deep) == 0);
    tarn_custom_free(c);
    CHECK(visit(deep) == 1 && visit(checkpoint) == 1 && visit(foreign) == 1);
    tarn_drop(deep);
    tarn_drop(checkpoint);
    tarn_drop(foreign);
}

/* A chain that is longer than any stack. */
static void test_visit_long(void) {
    tarn_array *y;
    {
        TARN_SCOPE;
        tarn_array *x = one(1);
        tarn_custom_function *c =
            tarn_custom_new(TARN_FUNCTION(square, &released), .vjp = fixed, .release = count_release);
        y = called(c, x);
        tarn_custom_free(c);
        for (int i = 0; i < 300000; i++) y = tarn_add(y, y);
        tarn_own(y);
    }
    CHECK(visit(y) == 1);
    tarn_drop(y);
}

BODY(gives_nothing, (void)results; return true;)

static void test_no_result(void) {
    TARN_SCOPE;
    tarn_array *x = one(1);
    tarn_custom_function *c = tarn_custom_new(TARN_FUNCTION(gives_nothing, NULL), .vjp = fixed);
    CHECK(tarn_results_count(tarn_custom_call(c, &x, 1)) == 0 && tarn_ok());
    tarn_results *results = tarn_checkpoint(TARN_FUNCTION(gives_nothing, NULL), &x, 1);
    CHECK(results && tarn_results_count(results) == 0 && tarn_ok());
    tarn_custom_free(c);
}

static void test_negative_counts(void) {
    TARN_SCOPE;
    const tarn_function f = TARN_FUNCTION(gives_nothing, NULL);
    tarn_array *x = one(1);
    tarn_custom_function *c = tarn_custom_new(f, .vjp = fixed);
    CHECK_ERROR(tarn_call(f, &x, -1), "call: -1 inputs");
    CHECK_ERROR(tarn_vjp(f, &x, -1, &x, 1), "vjp: -1 inputs");
    CHECK_ERROR(tarn_jvp(f, &x, -1, &x), "jvp: -1 inputs");
    CHECK_ERROR(tarn_grad(f, &x, -1), "grad: -1 inputs");
    CHECK_ERROR(tarn_vmap(f, &x, -1), "vmap: -1 inputs");
    CHECK_ERROR(tarn_custom_call(c, &x, -1), ": -1 inputs");
    tarn_custom_free(c);
}

int main(void) {
    int64_t before = node_alive_count();
    test_batch_rule();
    test_batch_axes();
    test_unbatched_result();
    test_no_result();
    test_negative_counts();
    test_checkpoint_saves_memory();
    test_checkpoint_release();
    test_visit();
    test_visit_far();
    test_visit_long();
    tarn_drain_released();
    CHECK(node_alive_count() == before);
    return check_report("custom");
}
