/* The cases of replay_cases.h as functions, and with WITH_OWN_SIZES those of way_cases.h. */
#ifndef TESTS_REPLAY_FUNCTIONS_H
#define TESTS_REPLAY_FUNCTIONS_H

#include "into.h"
#include "tarn/tarn.h"

/* Inputs of a case at one of two sizes n: x [n, 2 n] and y [2 n, n] floats, i [n] indices, m [n, 2 n] indices. */
enum { X, Y, ROW, INDICES, KEY, INPUTS };

typedef struct {
    const char *name;
    tarn_callback call;
    int outputs;
} replay_function;

/* of the cases for functions */
static bool replayed_body(void *context, tarn_array *const *in, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, tarn_sum(tarn_multiply(tarn_tanh(in[0]), tarn_softmax(in[0], .axes = TARN_AXES(-1)))));
}
static inline bool replayed_convolution(void *context, tarn_array *const *in, int count, tarn_results *results) {
    tarn_array *a = tarn_expand_dims(in[0], TARN_AXES(0, 3)), *b = tarn_slice_axis(a, 1, 0, 2);
    (void)context, (void)count;
    return tarn_result(results,
                       tarn_sum(tarn_square(tarn_conv2d(a, b, .stride = TARN_INTS(2), .padding = TARN_INTS(1)))));
}
static bool replayed_mean(void *context, tarn_array *const *in, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, tarn_sum(tarn_square(tarn_mean(in[0], .axes = TARN_AXES(0)))));
}
static bool replayed_attention(void *context, tarn_array *const *in, int count, tarn_results *results) {
    (void)context, (void)count;
    tarn_array *x = tarn_expand_dims(in[0], TARN_AXES(0, 1));
    return tarn_result(results, tarn_sum(tarn_square(tarn_attention(x, x, x, .causal = true))));
}
static bool replayed_rows(void *context, tarn_array *const *in, int count, tarn_results *results) {
    (void)context, (void)count;
    tarn_array *y = tarn_multiply(tarn_softmax(in[0], .axes = TARN_AXES(-1)), tarn_rms_norm(in[0], NULL));
    return tarn_result(results, tarn_sum(tarn_square(tarn_add(y, tarn_layer_norm(in[0])))));
}
static bool replayed_checkpoint(void *context, tarn_array *const *in, int count, tarn_results *results) {
    return tarn_result_all(results, tarn_checkpoint(TARN_FUNCTION(replayed_body, context), in, count));
}
static inline bool replayed_gradient(void *context, tarn_array *const *in, int count, tarn_results *results) {
    return tarn_result_all(results, tarn_grad(TARN_FUNCTION(replayed_body, context), in, count));
}

/* x xT with 1 and once more itself added to the diagonal. */
static tarn_array *not_singular(tarn_array *x) {
    tarn_array *square = tarn_matmul(x, tarn_transpose(x)), *diagonal = tarn_diagonal(square);
    return tarn_add(square, tarn_diag(tarn_add(diagonal, tarn_ones_like(diagonal))));
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
#ifdef WITH_OWN_SIZES
#include "way_cases.h"
#endif
#undef CASE
#undef MANY_CASE
#undef x
#undef y

#define CASE(function, ...)               {#function, call_##function, 1},
#define MANY_CASE(function, outputs, ...) {#function, call_##function, outputs},
static const replay_function replay_functions[] = {
#include "replay_cases.h"
#ifdef WITH_OWN_SIZES
#include "way_cases.h"
#endif
};
#undef CASE
#undef MANY_CASE
enum { REPLAY_FUNCTIONS = sizeof replay_functions / sizeof *replay_functions };

#endif
