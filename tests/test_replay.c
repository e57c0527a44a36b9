/* A traced graph, in a file and built again over inputs of other sizes, gives what the function itself gives there:
   attributes hold what the caller said, and no size that was worked out. Every function that argument_cases.h knows has
   a case here or a reason. */
#include "check.h"
#include "exported.h"
#include "tarn/tarn.h"

/* Inputs of a case at one of two sizes n: x [n, 2 n] and y [2 n, n] floats, i [n] indices, m [n, 2 n] indices. */
enum { X, Y, ROW, INDICES, KEY, INPUTS };

typedef struct {
    const char *name;
    tarn_callback call;
    int outputs;
} replay_case;

/* of the cases for functions */
static bool replayed_body(void *context, tarn_array *const *in, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, tarn_sum(tarn_multiply(tarn_tanh(in[0]), tarn_softmax(in[0], .axes = TARN_AXES(-1)))));
}
static bool replayed_checkpoint(void *context, tarn_array *const *in, int count, tarn_results *results) {
    return tarn_result_all(results, tarn_checkpoint(TARN_FUNCTION(replayed_body, context), in, count));
}

#define CASE(function, ...)                                                                                            \
    static bool call_##function(void *context, tarn_array *const *in, int count, tarn_results *results) {              \
        (void)context, (void)count;                                                                                    \
        return tarn_result(results, (__VA_ARGS__));                                                                    \
    }
#define x in[X]
#define y in[Y]
#define MANY_CASE(function, outputs, ...)                                                                              \
    static bool call_##function(void *context, tarn_array *const *in, int count, tarn_results *results) {              \
        tarn_array *out[outputs];                                                                                      \
        (void)context, (void)count;                                                                                    \
        bool ok = (__VA_ARGS__);                                                                                       \
        for (int i = 0; i < outputs && ok; i++) ok = tarn_result(results, out[i]);                                     \
        return ok;                                                                                                     \
    }
#include "replay_cases.h"
#undef CASE
#undef MANY_CASE
#undef x
#undef y

#define CASE(function, ...)               {#function, call_##function, 1},
#define MANY_CASE(function, outputs, ...) {#function, call_##function, outputs},
static const replay_case cases[] = {
#include "replay_cases.h"
};
#undef CASE
#undef MANY_CASE
enum { CASES = sizeof cases / sizeof *cases };

static void inputs_of(int64_t n, tarn_array **in) {
    tarn_array *key = tarn_random_key((uint64_t)n);
    in[X] = tarn_random_normal(key, TARN_SHAPE(n, 2 * n), TARN_FLOAT32);
    in[Y] = tarn_transpose(tarn_random_normal(key, TARN_SHAPE(n, 2 * n), TARN_FLOAT32));
    in[ROW] = tarn_astype(tarn_arange((double)n, 0, -1, TARN_FLOAT32), TARN_INT32);
    in[INDICES] = tarn_argsort(in[X]);
    in[KEY] = key;
    for (int i = 0; i < INPUTS; i++) in[i] = tarn_detach(in[i]);
}

static void check_case(const replay_case *c, int64_t from, int64_t to) {
    TARN_SCOPE;
    tarn_array *small[INPUTS], *large[INPUTS], *direct[4] = {NULL}, *again[4] = {NULL};
    inputs_of(from, small);
    inputs_of(to, large);
    tarn_function f = TARN_FUNCTION(c->call, NULL);
    bool ok = imported_into(again, f, small, large, INPUTS, true) && into(direct, tarn_call(f, large, INPUTS));
    for (int i = 0; i < c->outputs && ok; i++) ok = same_bits(direct[i], again[i]);
    if (ok && tarn_ok()) return;
    check_failures++;
    fprintf(stderr, "%s traced at %lld, replayed at %lld: %s\n", c->name, (long long)from, (long long)to,
            tarn_error() ? tarn_error() : "other values");
    tarn_clear_error();
}

/* ---- compiled, with and without .shapeless: the bits are those of the function itself */

typedef struct {
    const replay_case *of;
    int traces;
} counted_case;

static bool call_counted(void *context, tarn_array *const *in, int count, tarn_results *results) {
    counted_case *c = context;
    c->traces++;
    return c->of->call(NULL, in, count, results);
}

static bool same_compiled(tarn_compiled *c, const replay_case *of, int64_t n) {
    TARN_SCOPE;
    tarn_array *in[INPUTS], *direct[4] = {NULL}, *planned[4] = {NULL};
    inputs_of(n, in);
    bool ok = into(direct, tarn_call(TARN_FUNCTION(of->call, NULL), in, INPUTS)) &&
              tarn_eval_all(direct, of->outputs) && /* values without vectors are computed otherwise */
              into(planned, tarn_compiled_call(c, in, INPUTS));
    for (int i = 0; i < of->outputs && ok; i++) ok = same_values(direct[i], planned[i]);
    return ok;
}

static void check_compiled(const replay_case *of, bool shapeless) {
    counted_case counted = {of, 0};
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(call_counted, &counted), .shapeless = shapeless);
    bool ok = true;
    for (int round = 0; round < 2; round++)
        for (int64_t n = 2; n <= 6 && ok; n += 2) ok = same_compiled(c, of, n);
    bool retraced = !shapeless || strstr(of->name, "checkpoint") || strcmp(of->name, "convolve") == 0;
    if (!ok || !tarn_ok() || counted.traces != (retraced ? 3 : 1)) {
        check_failures++;
        fprintf(stderr, "%s compiled%s, %d traces: %s\n", of->name, shapeless ? " shapeless" : "", counted.traces,
                tarn_error() ? tarn_error() : "other values");
        tarn_clear_error();
    }
    tarn_compiled_free(c);
}

/* ---- every function has a case or takes no array whose size could change */

static bool is_covered(const char *name) {
    static const char *const exempt[] = {
        "detach",
        "from_data",
        "from_foreign",
        "scalar",
        "scalar_int",
        "scalar_complex",
        "full",
        "zeros",
        "ones",
        "arange",
        "stft",
        "istft",
        "fftfreq",
        "rfftfreq",
        "as_strided", /* strides are sizes that the caller worked out */
        "linspace",
        "eye",
        "tri",
        "identity",
        "bartlett",
        "hanning",
        "hamming",
        "blackman",
        "finfo",
        "iinfo",
        "can_cast",
        /* what is drawn has a size of its own */
        "random_key",
        "random_split",
        "random_next",
        "random_bits",
        "random_uniform",
        "random_normal",
        "random_laplace",
        "random_gumbel",
        "random_randint",
        "random_bernoulli",
        "random_truncated_normal",
        "random_permutation",
        "random_multivariate_normal",
        "random_permute",
    };
    for (size_t i = 0; i < CASES; i++)
        if (strcmp(cases[i].name, name) == 0) return true;
    for (size_t i = 0; i < sizeof exempt / sizeof *exempt; i++)
        if (strcmp(exempt[i], name) == 0) return true;
    return false;
}

static void check_coverage(void) {
#define CASE(function, ...) #function,
    static const char *const functions[] = {
#include "argument_cases.h"
    };
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        if (is_covered(functions[i])) continue;
        check_failures++;
        fprintf(stderr, "%s has no case in replay_cases.h\n", functions[i]);
    }
}

int main(void) {
    for (size_t i = 0; i < CASES; i++) {
        check_case(&cases[i], 2, 4);
        check_case(&cases[i], 4, 2);
        check_compiled(&cases[i], false);
        check_compiled(&cases[i], true);
    }
    check_coverage();
    forget_export_path();
    return check_report("replay");
}
