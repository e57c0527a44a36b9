/* What a plan leaves out: nodes that are equal, small arrays that are the same at every call, what nobody reads. How
   often an op is left is counted in the plan; the bits are those of the function itself. */
#include "check.h"
#include "eval/compiled.h"
#include "into.h"
#include "tarn/tarn.h"

typedef struct {
    const char *name;
    tarn_callback call;
    op_id op; /* that is counted */
    int left, outputs;
} same_case;

#define BODY(name, ...)                                                                                                \
    static bool name(void *context, tarn_array *const *in, int count, tarn_results *results) {                         \
        tarn_array *x = in[0], *key = in[1], *y = NULL;                                                                \
        (void)context, (void)count, (void)x, (void)key;                                                                \
        __VA_ARGS__;                                                                                                   \
        return tarn_result(results, y);                                                                                \
    }
#define RUNNING(a)  tarn_cumsum(a, .axis = TARN_AXIS(0))
#define BACKWARD(a) tarn_cumsum(a, .axis = TARN_AXIS(0), .reverse = true)
#define SCALED(by)  tarn_multiply(x, tarn_scalar(by, TARN_FLOAT32))

BODY(equal, y = tarn_add(RUNNING(x), RUNNING(x)))
BODY(equal_chains, y = tarn_add(RUNNING(tarn_sort(tarn_exp(x))), RUNNING(tarn_sort(tarn_exp(x)))))
BODY(equal_views, y = tarn_add(RUNNING(tarn_slice_axis(x, 0, 1, 3)), RUNNING(tarn_slice_axis(x, 0, 1, 3))))
BODY(other_views, y = tarn_add(RUNNING(tarn_slice_axis(x, 0, 1, 3)), RUNNING(tarn_slice_axis(x, 0, 2, 4))))
BODY(other_attributes, y = tarn_add(RUNNING(x), BACKWARD(x)))
BODY(other_inputs, y = tarn_add(RUNNING(x), RUNNING(tarn_negative(x))))
BODY(equal_scalars, y = tarn_add(RUNNING(SCALED(2)), RUNNING(SCALED(2))))
BODY(other_scalars, y = tarn_add(RUNNING(SCALED(2)), RUNNING(SCALED(3))))
BODY(signs_of_zero, y = tarn_add(RUNNING(SCALED(0.0)), RUNNING(SCALED(-0.0))))
BODY(other_dtypes, y = tarn_add(RUNNING(x), RUNNING(tarn_astype(x, TARN_FLOAT64))))
BODY(behind_depends, y = tarn_add(RUNNING(x), RUNNING(tarn_depends(x, TARN_ARRAYS(tarn_exp(x)), 1))))
BODY(equal_depends,
     y = tarn_add(RUNNING(tarn_depends(x, TARN_ARRAYS(key), 1)), RUNNING(tarn_depends(x, TARN_ARRAYS(key), 1))))
#define DRAWN(key) tarn_random_uniform(key, TARN_SHAPE(8), TARN_FLOAT32)
BODY(equal_keys, y = tarn_add(DRAWN(key), DRAWN(key)))
BODY(other_keys, tarn_array *a, *b; if (tarn_random_next(key, &a, &b)) y = tarn_add(DRAWN(a), DRAWN(b)))
BODY(equal_constants, y = tarn_add(x, tarn_sum(tarn_cumsum(tarn_arange(0, 9, 1, TARN_FLOAT32)))))
BODY(small_constant, y = tarn_add(x, RUNNING(tarn_arange(0, 8, 1, TARN_FLOAT32))))
BODY(large_constant, y = tarn_add(tarn_sum(x), RUNNING(tarn_arange(0, 80, 1, TARN_FLOAT32))))
BODY(constant_alone, y = RUNNING(tarn_exp(tarn_arange(0, 8, 1, TARN_FLOAT32))))
BODY(unread, RUNNING(x); y = tarn_negative(x))
BODY(gradients_part, {
    tarn_array *s = tarn_softmax(x, .axes = TARN_AXES(0));
    y = tarn_add(RUNNING(s), RUNNING(tarn_softmax(x, .axes = TARN_AXES(0))));
})
static bool twice(void *context, tarn_array *const *in, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, RUNNING(in[0])) && tarn_result(results, RUNNING(in[0]));
}

static const same_case cases[] = {
    {"equal", equal, OP_scan, 1, 1},
    {"equal_chains", equal_chains, OP_scan, 1, 1},
    {"equal_chains", equal_chains, OP_sort, 1, 1},
    {"equal_views", equal_views, OP_scan, 1, 1},
    {"other_views", other_views, OP_scan, 2, 1},
    {"other_attributes", other_attributes, OP_scan, 2, 1},
    {"other_inputs", other_inputs, OP_scan, 2, 1},
    {"equal_scalars", equal_scalars, OP_scan, 1, 1},
    {"other_scalars", other_scalars, OP_scan, 2, 1},
    {"signs_of_zero", signs_of_zero, OP_scan, 2, 1},
    {"other_dtypes", other_dtypes, OP_scan, 2, 1},
    {"behind_depends", behind_depends, OP_scan, 2, 1},
    {"equal_depends", equal_depends, OP_scan, 1, 1},
    {"equal_keys", equal_keys, OP_random_bits, 1, 1},
    {"other_keys", other_keys, OP_random_bits, 3, 1}, /* one makes them */
    {"equal_constants", equal_constants, OP_scan, 0, 1},
    {"small_constant", small_constant, OP_scan, 0, 1},
    {"large_constant", large_constant, OP_scan, 1, 1},
    {"constant_alone", constant_alone, OP_scan, 1, 1},
    {"unread", unread, OP_scan, 0, 1},
    {"gradients_part", gradients_part, OP_scan, 1, 1},
    {"twice", twice, OP_scan, 1, 2},
};

static int count_steps(const tarn_compiled *c, op_id op) {
    const program *p = ((const plan *)c->plans.items.items[0])->program;
    int count = 0;
    for (size_t i = 0; i < p->steps.count; i++) count += p->steps.items[i].op == op;
    return count;
}

static bool same_bits(tarn_array *a, tarn_array *b) {
    size_t bytes = (size_t)(tarn_size(a) * tarn_dtype_bytes(tarn_dtype_of(a)));
    const void *pa = tarn_data(a), *pb = tarn_data(b);
    return pa && pb && tarn_dtype_of(a) == tarn_dtype_of(b) && memcmp(pa, pb, bytes) == 0;
}

static void complain(const same_case *k, const char *what) {
    check_failures++;
    fprintf(stderr, "%s, %s: %s\n", k->name, op_name(k->op), tarn_error() ? tarn_error() : what);
    tarn_clear_error();
}

static void check_case(const same_case *k) {
    TARN_SCOPE;
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(k->call, NULL));
    for (int i = 0; i < 3; i++) {
        tarn_array *in[] = {tarn_random_normal(tarn_random_key((uint64_t)i), TARN_SHAPE(8), TARN_FLOAT32),
                            tarn_random_key((uint64_t)i)};
        tarn_array *direct[2], *planned[2];
        bool ok =
            into(direct, tarn_call(TARN_FUNCTION(k->call, NULL), in, 2)) && into(planned, tarn_compiled_call(c, in, 2));
        for (int o = 0; o < k->outputs && ok; o++) ok = same_bits(direct[o], planned[o]);
        if (!ok) complain(k, "other bits");
    }
    if (count_steps(c, k->op) != k->left) complain(k, "more or fewer steps");
    tarn_compiled_free(c);
}

/* The gradient of a checkpoint runs the function again: its second run is not taken for the first. */
static bool body(void *context, tarn_array *const *in, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, tarn_sum(tarn_square(RUNNING(in[0]))));
}
static bool checkpointed(void *context, tarn_array *const *in, int count, tarn_results *results) {
    (void)count;
    return tarn_result_all(results, tarn_checkpoint(TARN_FUNCTION(body, context), in, 1));
}
static bool value_and_gradient(void *context, tarn_array *const *in, int count, tarn_results *results) {
    (void)count;
    tarn_results *values, *gradients = tarn_grad(TARN_FUNCTION(checkpointed, context), in, 1, .outputs = &values);
    return tarn_result_all(results, values) && tarn_result_all(results, gradients);
}

static void test_checkpoint(void) {
    check_case(&(same_case){"checkpoint", value_and_gradient, OP_scan, 3, 2}); /* forwards, again, and backwards */
}

int main(void) {
    tarn_compile_enable(true);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) check_case(&cases[i]);
    test_checkpoint();
    return check_report("same");
}
