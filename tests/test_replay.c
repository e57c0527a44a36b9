/* A traced graph, in a file and built again over inputs of other sizes, gives what the function itself gives there:
   attributes hold what the caller said, and no size that was worked out. Every function that argument_cases.h knows has
   a case here or a reason. */
#include "check.h"
#include "exported.h"
#include "replay_functions.h"

static void inputs_of(int64_t n, tarn_array **in) {
    tarn_array *key = tarn_random_key((uint64_t)n);
    in[X] = tarn_random_normal(key, TARN_SHAPE(n, 2 * n), TARN_FLOAT32);
    in[Y] = tarn_transpose(tarn_random_normal(key, TARN_SHAPE(n, 2 * n), TARN_FLOAT32));
    in[ROW] = tarn_astype(tarn_arange((double)n, 0, -1, TARN_FLOAT32), TARN_INT32);
    in[INDICES] = tarn_argsort(in[X]);
    in[KEY] = key;
    for (int i = 0; i < INPUTS; i++) in[i] = tarn_detach(in[i]);
}

static void check_case(const replay_function *c, int64_t from, int64_t to) {
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
    const replay_function *of;
    int traces;
} counted_case;

static bool call_counted(void *context, tarn_array *const *in, int count, tarn_results *results) {
    counted_case *c = context;
    c->traces++;
    return c->of->call(NULL, in, count, results);
}

static bool same_compiled(tarn_compiled *c, const replay_function *of, int64_t n) {
    TARN_SCOPE;
    tarn_array *in[INPUTS], *direct[4] = {NULL}, *planned[4] = {NULL};
    inputs_of(n, in);
    bool ok = into(direct, tarn_call(TARN_FUNCTION(of->call, NULL), in, INPUTS)) &&
              into(planned, tarn_compiled_call(c, in, INPUTS));
    for (int i = 0; i < of->outputs && ok; i++) ok = same_bits(direct[i], planned[i]);
    return ok;
}

static void check_compiled(const replay_function *of, bool shapeless) {
    counted_case counted = {of, 0};
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(call_counted, &counted), .shapeless = shapeless);
    bool ok = true;
    for (int round = 0; round < 2; round++)
        for (int64_t n = 2; n <= 6 && ok; n += 2) ok = same_compiled(c, of, n);
    bool retraced = !shapeless || strstr(of->name, "checkpoint") || strstr(of->name, "gradient_of") ||
                    strcmp(of->name, "convolve") == 0;
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
        "dtype_is",
        "category_is",
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
    for (size_t i = 0; i < REPLAY_FUNCTIONS; i++)
        if (strcmp(replay_functions[i].name, name) == 0) return true;
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
    tarn_compile_enable(true);
    for (size_t i = 0; i < REPLAY_FUNCTIONS; i++) {
        check_case(&replay_functions[i], 2, 4);
        check_case(&replay_functions[i], 4, 2);
        check_compiled(&replay_functions[i], false);
        check_compiled(&replay_functions[i], true);
    }
    check_coverage();
    forget_export_path();
    return check_report("replay");
}
