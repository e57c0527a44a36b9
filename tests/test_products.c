/* The matmul family and convolutions through the public functions: small numbers worked out by hand, the CPU's kernel
   against the reference, errors. Gradients and batches are in test_transform_ops.c. */
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "rounds.h"
#include "tarn/memory.h"
#include "tarn/tarn.h"

#define F32 TARN_FLOAT32

static tarn_array *counted(tarn_ints shape) {
    int64_t size = 1;
    for (int64_t i = 0; i < shape.count; i++) size *= shape.values[i];
    return tarn_reshape(tarn_arange(1, (double)size + 1, 1, F32), shape);
}

static bool is(tarn_array *x, tarn_ints shape, const double *values) {
    tarn_ints s = tarn_shape_of(x);
    bool same = x && s.count == shape.count;
    for (int64_t i = 0; same && i < s.count; i++) same = s.values[i] == shape.values[i];
    const double *data = same ? tarn_data(tarn_astype(x, TARN_FLOAT64)) : NULL;
    for (int64_t i = 0; data && same && i < tarn_size(x); i++) same = fabs(data[i] - values[i]) < 1e-6;
    return same && data;
}
#define IS(x, shape, ...) CHECK(is(x, shape, (double[]){__VA_ARGS__}))

static double difference(tarn_array *a, tarn_array *b) {
    return tarn_item(tarn_max(tarn_abs(tarn_subtract(tarn_astype(a, TARN_FLOAT64), tarn_astype(b, TARN_FLOAT64)))));
}

/* ---- the matmul family */

static void check_products(void) {
    TARN_SCOPE;
    tarn_array *a = counted(TARN_SHAPE(2, 2)), *b = counted(TARN_SHAPE(2, 2)), *v = counted(TARN_SHAPE(2));
    IS(tarn_addmm(v, a, b, .alpha = TARN_VALUE(2), .beta = TARN_VALUE(10)), TARN_SHAPE(2, 2), 24, 40, 40, 64);
    IS(tarn_addmm(v, a, v), TARN_SHAPE(2), 6, 13);
    IS(tarn_inner(a, b), TARN_SHAPE(2, 2), 5, 11, 11, 25);
    IS(tarn_outer(v, v), TARN_SHAPE(2, 2), 1, 2, 2, 4);
    IS(tarn_vecdot(a, v), TARN_SHAPE(2), 5, 11);
    IS(tarn_vecdot(a, a, .axis = TARN_AXIS(0)), TARN_SHAPE(2), 10, 20);
    IS(tarn_tensordot(a, b, 2), TARN_0D, 30);
    IS(tarn_tensordot_axes(a, b, TARN_AXES(0), TARN_AXES(-1)), TARN_SHAPE(2, 2), 7, 15, 10, 22);
    IS(tarn_kron(v, a), TARN_SHAPE(2, 4), 1, 2, 2, 4, 3, 4, 6, 8);
    IS(tarn_hadamard_transform(counted(TARN_SHAPE(4)), .scale = TARN_VALUE(1)), TARN_SHAPE(4), 10, -2, -4, 0);
    IS(tarn_gather_mm(tarn_expand_dims(a, TARN_AXES(1)), b, .left_indices = tarn_scalar_int(-1, TARN_INT32)),
       TARN_SHAPE(1, 2), 15, 22);
    static const int32_t ranges[] = {0, 1, 1, 2, 1, 1};
    IS(tarn_segmented_mm(a, b, tarn_from_data(ranges, TARN_SHAPE(3, 2), TARN_INT32)), TARN_SHAPE(3, 2, 2), 1, 2, 3, 6,
       6, 8, 12, 16, 0, 0, 0, 0);
    IS(tarn_block_masked_mm(a, b, .block_size = 1, .mask_left = tarn_astype(tarn_less(a, b), TARN_BOOL),
                            .mask_out = tarn_scalar_like(1, a)),
       TARN_SHAPE(2, 2), 0, 0, 0, 0);
    CHECK_ERROR(tarn_matmul(tarn_astype(a, TARN_INT32), tarn_astype(b, TARN_INT32)), "int32 @ int32");
    CHECK_ERROR(tarn_addmm(counted(TARN_SHAPE(3, 2, 2)), a, b), "c does not broadcast");
    CHECK_ERROR(tarn_tensordot(a, b, 3), "tensordot: 3 axes");
    CHECK_ERROR(tarn_tensordot_axes(a, b, TARN_AXES(0, 0), TARN_AXES(0, 1)), "given twice");
    CHECK_ERROR(tarn_kron(tarn_zeros(TARN_SHAPE(0), F32), v), "empty");
    CHECK_ERROR(tarn_hadamard_transform(counted(TARN_SHAPE(36))), "of 36 elements");
    CHECK_ERROR(tarn_vecdot(v, tarn_scalar(1, F32)), "0-d");
}

static void check_einsum(void) {
    TARN_SCOPE;
    tarn_array *a = counted(TARN_SHAPE(2, 2)), *v = counted(TARN_SHAPE(2)), *n = tarn_astype(a, TARN_INT32);
    tarn_array *two[2] = {a, a}, *three[3] = {v, a, v}, *mixed[2] = {n, tarn_astype(v, TARN_INT32)};
    IS(tarn_einsum("ij,jk", two, 2), TARN_SHAPE(2, 2), 7, 10, 15, 22);
    IS(tarn_einsum(" i j , k j -> k i ", two, 2), TARN_SHAPE(2, 2), 5, 11, 11, 25);
    IS(tarn_einsum("ii", &a, 1), TARN_0D, 5);
    IS(tarn_einsum("ii->i", &a, 1), TARN_SHAPE(2), 1, 4);
    IS(tarn_einsum("ba", &a, 1), TARN_SHAPE(2, 2), 1, 3, 2, 4);
    IS(tarn_einsum("i,ij,j->", three, 3), TARN_0D, 27);
    IS(tarn_einsum("...j,j->...", TARN_ARRAYS(a, v), 2), TARN_SHAPE(2), 5, 11);
    IS(tarn_einsum("ij,k->ik", mixed, 2), TARN_SHAPE(2, 2), 3, 6, 7, 14);
    IS(tarn_einsum(",->", TARN_ARRAYS(tarn_scalar(2, F32), tarn_scalar(3, F32)), 2), TARN_0D, 6);
    CHECK_ERROR(tarn_einsum("ij,jk", &a, 1), "1 operands for 2 terms");
    CHECK_ERROR(tarn_einsum("i1", &a, 1), "'1' in \"i1\" is no letter");
    CHECK_ERROR(tarn_einsum("ijk", &a, 1), "3 letters for operand 0");
    CHECK_ERROR(tarn_einsum("i...j...", &a, 1), "two ellipses");
    CHECK_ERROR(tarn_einsum("ij->ik", &a, 1), "'k' of the result");
    CHECK_ERROR(tarn_einsum("ij->ii", &a, 1), "twice");
    CHECK_ERROR(tarn_einsum("ij,jk", TARN_ARRAYS(n, n), 2), "int32");
    CHECK_ERROR(tarn_einsum("ij,jk", TARN_ARRAYS(a, counted(TARN_SHAPE(3, 2))), 2), "meets one of 2");
    CHECK_ERROR(tarn_einsum(NULL, &a, 1), "NULL");
}

/* The path of the example in NumPy's documentation, and what MLX writes about it. */
static void check_path(void) {
    TARN_SCOPE;
    tarn_einsum_step steps[4];
    char *words;
    tarn_array *m = counted(TARN_SHAPE(10, 10)), *core = counted(TARN_SHAPE(10, 10, 10, 10));
    static const int wanted[4][2] = {{0, 2}, {0, 3}, {0, 2}, {0, 1}};
    CHECK(tarn_einsum_path("ea,fb,abcd,gc,hd->efgh", TARN_ARRAYS(m, m, core, m, m), 5, steps, &words) == 4);
    for (int i = 0; i < 4; i++) CHECK(steps[i].first == wanted[i][0] && steps[i].second == wanted[i][1]);
    CHECK(strstr(words, "Naive FLOP count:  500000000\n  Optimized FLOP count:  800000\n"));
    CHECK(strstr(words, "Naive scaling:  8\n     Optimized scaling:  5\n"));
    tarn_free(words);
}

/* ---- convolutions */

static void check_small_convolutions(void) {
    TARN_SCOPE;
    tarn_array *x = counted(TARN_SHAPE(4)), *v = tarn_from_data((float[]){1, 10, 100}, TARN_SHAPE(3), F32);
    IS(tarn_convolve(x, v), TARN_SHAPE(6), 1, 12, 123, 234, 340, 400);
    IS(tarn_convolve(v, x, .mode = "same"), TARN_SHAPE(4), 12, 123, 234, 340);
    IS(tarn_convolve(x, v, .mode = "valid"), TARN_SHAPE(2), 123, 234);
    tarn_array *line = counted(TARN_SHAPE(1, 4, 1)), *w = counted(TARN_SHAPE(1, 2, 1));
    IS(tarn_conv1d(line, w), TARN_SHAPE(1, 3, 1), 5, 8, 11);
    IS(tarn_conv1d(line, w, .stride = TARN_INTS(2), .padding = TARN_INTS(1)), TARN_SHAPE(1, 3, 1), 2, 8, 4);
    IS(tarn_conv1d(line, w, .dilation = TARN_INTS(3)), TARN_SHAPE(1, 1, 1), 9);
    IS(tarn_conv_transpose1d(line, w, .stride = TARN_INTS(2)), TARN_SHAPE(1, 8, 1), 1, 2, 2, 4, 3, 6, 4, 8);
    IS(tarn_conv_transpose1d(line, w, .output_padding = TARN_INTS(1)), TARN_SHAPE(1, 6, 1), 1, 4, 7, 10, 8, 0);
    IS(tarn_conv_general(line, w, .input_dilation = TARN_INTS(2), .flip = true), TARN_SHAPE(1, 6, 1), 2, 2, 4, 3, 6, 4);
    IS(tarn_conv_general(line, w, .padding = TARN_INTS(-1), .padding_after = TARN_INTS(1)), TARN_SHAPE(1, 3, 1), 8, 11,
       4);
    tarn_array *image = counted(TARN_SHAPE(1, 2, 2, 2)), *square = counted(TARN_SHAPE(2, 2, 2, 1));
    IS(tarn_conv2d(image, square, .groups = 2), TARN_SHAPE(1, 1, 1, 2), 50, 140);
    CHECK_ERROR(tarn_conv1d(image, w), "conv1d: the input has 3 axes");
    CHECK_ERROR(tarn_conv2d(image, square), "last axis is not the 2 channels");
    CHECK_ERROR(tarn_conv2d(image, square, .groups = 3), "3 groups");
    CHECK_ERROR(tarn_conv1d(line, w, .stride = TARN_INTS(0)), "stride is 0");
    CHECK_ERROR(tarn_conv1d(line, w, .padding = TARN_INTS(1, 1)), "padding has 2 entries");
    CHECK_ERROR(tarn_conv1d(line, counted(TARN_SHAPE(1, 5, 1))), "reaches over 5 elements");
    CHECK_ERROR(tarn_conv1d(tarn_astype(line, TARN_INT32), w), "int32 by float32");
    IS(tarn_conv1d(line, tarn_astype(w, TARN_INT32)), TARN_SHAPE(1, 3, 1), 5, 8, 11);
    IS(tarn_conv_general(line, w, .stride = TARN_NO_AXES, .padding = TARN_NO_AXES), TARN_SHAPE(1, 3, 1), 5, 8, 11);
    CHECK_ERROR(tarn_convolve(x, v, .mode = "whole"), "no mode \"whole\"");
}

static void check_empty_convolutions(void) {
    TARN_SCOPE;
    tarn_array *w = counted(TARN_SHAPE(2, 1, 3)), *none = tarn_zeros(TARN_SHAPE(2, 1, 0), F32);
    CHECK(tarn_size(tarn_conv1d(tarn_zeros(TARN_SHAPE(0, 4, 3), F32), w)) == 0);
    IS(tarn_conv1d(tarn_zeros(TARN_SHAPE(1, 0, 3), F32), w, .padding = TARN_INTS(1)), TARN_SHAPE(1, 2, 2), 0, 0, 0, 0);
    IS(tarn_conv1d(tarn_zeros(TARN_SHAPE(1, 2, 0), F32), none), TARN_SHAPE(1, 2, 2), 0, 0, 0, 0);
    tarn_array *no_outputs = tarn_zeros(TARN_SHAPE(0, 13, 3), F32); /* of which each would meet many elements */
    tarn_array *nothing = tarn_conv1d(tarn_ones(TARN_SHAPE(2, 16, 3), F32), no_outputs);
    CHECK(tarn_eval(nothing) && tarn_size(nothing) == 0);
}

static uint32_t seed;
static int64_t between(int64_t low, int64_t high) {
    seed = seed * 1664525 + 1013904223;
    return low + (int64_t)(seed >> 8) % (high - low + 1);
}

/* Random geometry; the CPU's products against the reference in float64. */
static void check_random_convolution(tarn_dtype dtype) {
    TARN_SCOPE;
    enum { AXES = 3 };
    int64_t axes = between(1, AXES), groups = between(1, 3), channels = between(1, 40), outs = between(1, 40);
    if (between(0, 4) == 0) groups = between(2, 40), channels = outs = 1; /* each channel by itself */
    if (between(0, 4) == 0) outs = between(1, 4);                         /* few outputs */
    if (between(0, 4) == 0) groups = 1, channels = between(1, 3), outs = 16 * between(1, 3); /* thin products */
    int64_t xs[AXES + 2] = {between(1, 3)}, ws[AXES + 2] = {groups * outs}, lists[5][AXES];
    for (int64_t i = 0; i < axes; i++) {
        ws[i + 1] = between(1, 4);
        for (int k = 0; k < 3; k++) lists[k][i] = between(1, 3); /* stride, kernel dilation, input dilation */
        for (int k = 3; k < 5; k++) lists[k][i] = between(-1, 3);
        xs[i + 1] = between(lists[1][i] * (ws[i + 1] - 1) + 4, 14);
    }
    xs[axes + 1] = groups * channels;
    ws[axes + 1] = channels;
    tarn_array *key = tarn_random_key(seed);
    tarn_array *x = tarn_random_normal(key, ((tarn_ints){xs, axes + 2}), F32),
               *w = tarn_random_normal(key, ((tarn_ints){ws, axes + 2}), F32);
    if (between(0, 3) == 0) w = tarn_swapaxes(tarn_contiguous(tarn_swapaxes(w, 0, -1)), 0, -1);
    if (between(0, 3) == 0) x = tarn_swapaxes(tarn_contiguous(tarn_swapaxes(x, 0, -1)), 0, -1);
    x = tarn_astype(x, dtype), w = tarn_astype(w, dtype);
    tarn_conv_general_options o = {.stride = {lists[0], axes},
                                   .kernel_dilation = {lists[1], axes},
                                   .input_dilation = {lists[2], axes},
                                   .padding = {lists[3], axes},
                                   .padding_after = {lists[4], axes},
                                   .groups = groups,
                                   .flip = between(0, 1) == 0};
    tarn_array *fast = tarn_conv_general_with(x, w, o),
               *exact = tarn_conv_general_with(tarn_astype(x, TARN_FLOAT64), tarn_astype(w, TARN_FLOAT64), o);
    double most = tarn_item(tarn_max(tarn_abs(exact))) + 1;
    CHECK(difference(fast, exact) < most * (dtype == F32 ? 1e-5 : dtype == TARN_FLOAT16 ? 2e-3 : 1e-2));
}

/* Few outputs of rows that are several vectors long. */
static void check_large_image(tarn_dtype dtype) {
    TARN_SCOPE;
    tarn_array *x = tarn_random_normal(tarn_random_key(1), TARN_SHAPE(2, 61, 67, 24), F32),
               *w = tarn_random_normal(tarn_random_key(2), TARN_SHAPE(3, 7, 6, 24), F32);
    x = tarn_astype(x, dtype), w = tarn_astype(w, dtype);
    for (int64_t apart = 1; apart <= 3; apart++) {
        tarn_conv_general_options o = {
            .padding = TARN_INTS(3), .input_dilation = {&apart, 1}, .flip = apart == 2, .stride = TARN_INTS(4 - apart)};
        tarn_array *exact = tarn_conv_general_with(tarn_astype(x, TARN_FLOAT64), tarn_astype(w, TARN_FLOAT64), o);
        double most = tarn_item(tarn_max(tarn_abs(exact)));
        CHECK(difference(tarn_conv_general_with(x, w, o), exact) < most * (dtype == F32 ? 1e-5 : 1e-2));
    }
}

/* Rows long enough for tiles, with few outputs or with places that meet few elements; one element of x may be a NaN,
   which reaches the places that meet it and no others. */
static void check_long_rows(tarn_dtype dtype) {
    TARN_SCOPE;
    bool few = between(0, 1) == 0, line = between(0, 2) == 0;
    int64_t channels = few ? between(16, 70) : between(1, 6), outs = few ? between(1, 8) : between(9, 64);
    int64_t zeros = few ? between(1, 3) : 1, stride = between(1, 3), dilation = between(1, 2), low = between(0, 3);
    int64_t kernel = between(2, 5), size = between(40, 150) * stride, rows = line ? 1 : between(5, 9);
    tarn_array *key = tarn_random_key(seed);
    tarn_array *x = tarn_random_normal(key, TARN_SHAPE(2, rows, size, channels), F32),
               *w = tarn_random_normal(key, TARN_SHAPE(outs, line ? 1 : 3, kernel, channels), F32);
    tarn_array *nan =
        tarn_equal(tarn_arange(0, (double)tarn_size(x), 1, F32), tarn_scalar((double)between(0, 9999), F32));
    if (between(0, 3) == 0) x = tarn_where(tarn_reshape(nan, tarn_shape_of(x)), tarn_scalar(NAN, F32), x);
    x = tarn_astype(x, dtype), w = tarn_astype(w, dtype);
    int64_t strides[] = {1, stride}, dilations[] = {1, dilation}, apart[] = {1, zeros}, before[] = {line ? 0 : 1, low};
    tarn_conv_general_options o = {.stride = {strides, 2},
                                   .kernel_dilation = {dilations, 2},
                                   .input_dilation = {apart, 2},
                                   .padding = {before, 2},
                                   .flip = between(0, 1) == 0};
    tarn_array *fast = tarn_conv_general_with(x, w, o),
               *exact = tarn_conv_general_with(tarn_astype(x, TARN_FLOAT64), tarn_astype(w, TARN_FLOAT64), o);
    tarn_array *here = tarn_isnan(fast), *there = tarn_isnan(exact);
    CHECK(tarn_item(tarn_all(tarn_equal(here, there))) == 1);
    fast = tarn_where(here, tarn_scalar_like(0, fast), fast),
    exact = tarn_where(there, tarn_scalar_like(0, exact), exact);
    double most = tarn_item(tarn_max(tarn_abs(exact))) + 1;
    CHECK(difference(fast, exact) < most * (dtype == F32 ? 1e-5 : 1e-2));
}

/* Many taps, few places, and outputs that are the dense axis of the kernel and fill a vector or do not. */
static void check_gradient_of_weight(void) {
    TARN_SCOPE;
    int64_t channels = between(1, 9), outs = between(1, 24), examples = between(1, 3);
    int64_t rows = between(0, 2) ? between(6, 30) : 1, columns = between(4, 40), low = between(0, 2);
    int64_t dilations[] = {between(1, 2), between(1, 2)}, before[] = {rows > 1 ? low : 0, low};
    int64_t wide[] = {rows > 1 ? dilations[0] * (rows - 1) + between(1, 4) - 2 * low : 1,
                      dilations[1] * (columns - 1) + between(1, 5) - 2 * low};
    if (wide[0] < 1 || wide[1] < 1) return;
    tarn_array *key = tarn_random_key(seed);
    tarn_array *x = tarn_random_normal(key, TARN_SHAPE(examples, wide[0], wide[1], channels), F32),
               *cotangent = tarn_random_normal(key, TARN_SHAPE(examples, rows, columns, outs), F32);
    tarn_conv_general_options o = {.kernel_dilation = {dilations, 2}, .padding = {before, 2}};
    x = tarn_swapaxes(x, 0, -1), cotangent = tarn_swapaxes(cotangent, 0, -1);
    tarn_array *fast = tarn_conv_general_with(x, cotangent, o),
               *exact = tarn_conv_general_with(tarn_astype(x, TARN_FLOAT64), tarn_astype(cotangent, TARN_FLOAT64), o);
    CHECK(difference(fast, exact) < (tarn_item(tarn_max(tarn_abs(exact))) + 1) * 1e-5);
}

/* Few outputs of taps so far from each other that no window of a line takes both and a piece. */
static void check_far_taps(tarn_dtype dtype) {
    TARN_SCOPE;
    tarn_array *x = tarn_random_normal(tarn_random_key(5), TARN_SHAPE(1, 8700, 128), F32),
               *w = tarn_random_normal(tarn_random_key(6), TARN_SHAPE(8, 2, 128), F32);
    x = tarn_astype(x, dtype), w = tarn_astype(w, dtype);
    tarn_conv_options o = {.dilation = TARN_INTS(8000)};
    tarn_array *exact = tarn_conv1d_with(tarn_astype(x, TARN_FLOAT64), tarn_astype(w, TARN_FLOAT64), o);
    CHECK(difference(tarn_conv1d_with(x, w, o), exact) <
          tarn_item(tarn_max(tarn_abs(exact))) * (dtype == F32 ? 1e-5 : 1e-2));
}

/* A kernel of many places over few places of the result, as in the gradient of a first layer's weight. */
static void check_wide_kernel(int64_t apart) {
    TARN_SCOPE;
    tarn_array *x = tarn_random_normal(tarn_random_key(3), TARN_SHAPE(2, 19, 16, 9), F32),
               *w = tarn_random_normal(tarn_random_key(4), TARN_SHAPE(9, 18, 16, 32), F32);
    w = tarn_swapaxes(w, 0, -1);
    tarn_conv_general_options o = {.padding = TARN_INTS(1), .stride = {&apart, 1}};
    tarn_array *exact = tarn_conv_general_with(tarn_astype(x, TARN_FLOAT64), tarn_astype(w, TARN_FLOAT64), o);
    CHECK(difference(tarn_conv_general_with(x, w, o), exact) < tarn_item(tarn_max(tarn_abs(exact))) * 1e-5);
}

/* What the gradient of a weight is: examples are the channels, channels the examples, and the kernel is as wide as a
   line of places. */
static void check_gradient_by_lines(void) {
    TARN_SCOPE;
    enum { AXES = 3 };
    int64_t axes = between(1, AXES), examples = between(1, 3), lists[4][AXES];
    int64_t xs[AXES + 2] = {examples}, ws[AXES + 2] = {examples};
    for (int64_t i = 0; i < axes; i++) {
        ws[i + 1] = i + 1 < axes ? between(1, 3) : between(14, 40);
        for (int k = 0; k < 2; k++) lists[k][i] = between(1, 2); /* stride, kernel dilation */
        for (int k = 2; k < 4; k++) lists[k][i] = between(-1, 3);
        xs[i + 1] = between(lists[1][i] * (ws[i + 1] - 1) + 4, lists[1][i] * (ws[i + 1] - 1) + 9);
    }
    int64_t reach = lists[1][axes - 1] * (ws[axes] - 1);
    if (between(0, 3) == 0) /* a single position, which the first and the last places do not meet */
        xs[axes] = 1, lists[2][axes - 1] = reach / 2, lists[3][axes - 1] = reach + between(0, 9) - reach / 2 + 3;
    xs[axes + 1] = between(12, 70), ws[axes + 1] = between(9, 40);
    tarn_array *key = tarn_random_key(seed), *x = tarn_random_normal(key, ((tarn_ints){xs, axes + 2}), F32),
               *w = tarn_random_normal(key, ((tarn_ints){ws, axes + 2}), F32);
    x = tarn_swapaxes(x, 0, -1), w = tarn_swapaxes(w, 0, -1);
    tarn_conv_general_options o = {.stride = {lists[0], axes},
                                   .kernel_dilation = {lists[1], axes},
                                   .padding = {lists[2], axes},
                                   .padding_after = {lists[3], axes},
                                   .flip = between(0, 1) == 0};
    tarn_array *exact = tarn_conv_general_with(tarn_astype(x, TARN_FLOAT64), tarn_astype(w, TARN_FLOAT64), o);
    CHECK(difference(tarn_conv_general_with(x, w, o), exact) <=
          tarn_item(tarn_max(tarn_abs(exact))) * 1e-5); /* 0: nothing is met */
}

/* ---- the CPU's kernels against float64 */

static tarn_array *random_matrix(tarn_ints shape, uint64_t number) {
    return tarn_random_normal(tarn_random_key(number), shape, F32);
}

/* Places from two before the first to one behind the last: those outside give zeros. */
static tarn_array *random_places(int64_t count, int64_t matrices) {
    int32_t places[8];
    for (int64_t i = 0; i < count; i++) places[i] = (int32_t)between(-2, matrices);
    return tarn_from_data(places, TARN_SHAPE(count), TARN_INT32);
}

static double tolerance(tarn_dtype dtype) {
    return dtype == F32 ? 2e-5 : dtype == TARN_FLOAT16 ? 4e-3 : 2e-2;
}

static void check_random_picks(tarn_dtype dtype) {
    TARN_SCOPE;
    int64_t lefts = between(1, 3), rights = between(1, 3), m = between(1, 5), k = between(1, 90), n = between(1, 90);
    tarn_array *a = random_matrix(TARN_SHAPE(lefts, m, k), seed),
               *b = random_matrix(TARN_SHAPE(rights, k, n), seed + 1);
    if (between(0, 1)) b = tarn_swapaxes(tarn_contiguous(tarn_swapaxes(b, -1, -2)), -1, -2);
    if (between(0, 3) == 0) a = tarn_swapaxes(tarn_contiguous(tarn_swapaxes(a, -1, -2)), -1, -2);
    a = tarn_astype(a, dtype), b = tarn_astype(b, dtype);
    int64_t count = between(1, 8);
    tarn_array *left = random_places(count, lefts), *right = random_places(between(0, 1) ? count : 1, rights);
    tarn_array *fast = tarn_gather_mm(a, b, .left_indices = left, .right_indices = right);
    tarn_array *exact = tarn_gather_mm(tarn_astype(a, TARN_FLOAT64), tarn_astype(b, TARN_FLOAT64), .left_indices = left,
                                       .right_indices = right);
    CHECK(difference(fast, exact) <= tolerance(dtype) * sqrt((double)k) * 3);
}

static const struct {
    const char *mode;
    int64_t group, bits;
} formats[] = {{"affine", 64, 4}, {"affine", 32, 3}, {"affine", 128, 1},
               {"mxfp4", 0, 0},   {"mxfp8", 0, 0},   {"nvfp4", 0, 0}};

/* One weight, or several that are picked; the dense product of the same numbers is the measure. */
static void check_random_weights(tarn_dtype dtype, int format) {
    TARN_SCOPE;
    int64_t rows = between(1, 70), columns = 128 * between(1, 3),
            tokens = between(0, 1) ? between(1, 6) : between(7, 50);
    bool turned = between(0, 1), picked = between(0, 1);
    int64_t matrices = picked ? between(1, 3) : 1;
    const char *mode = formats[format].mode;
    if (strcmp(mode, "nvfp4") == 0 && between(0, 1)) columns = 16 * between(1, 20);
    tarn_array *w = random_matrix(TARN_SHAPE(matrices, rows, columns), seed), *parts[3];
    tarn_array *x = tarn_astype(random_matrix(TARN_SHAPE(2, tokens, turned ? rows : columns), seed + 1), dtype);
    int64_t group = formats[format].group, bits = formats[format].bits;
    CHECK(tarn_quantize(w, parts, .mode = mode, .group_size = group, .bits = bits));
    parts[1] = parts[2] ? tarn_astype(parts[1], dtype) : parts[1];
    parts[2] = parts[2] ? tarn_astype(parts[2], dtype) : NULL;
    tarn_array *dense = tarn_dequantize(parts[0], parts[1], .biases = parts[2], .mode = mode, .group_size = group,
                                        .bits = bits, .dtype = TARN_FLOAT64);
    tarn_array *right = random_places(2, matrices), *fast, *wide = tarn_astype(x, TARN_FLOAT64), *exact;
    dense = turned ? dense : tarn_swapaxes(dense, -1, -2);
    if (picked) {
        fast = tarn_gather_qmm(x, parts[0], parts[1], .biases = parts[2], .mode = mode, .group_size = group,
                               .bits = bits, .no_transpose = turned, .right_indices = right);
        exact = tarn_gather_mm(wide, dense, .right_indices = right);
    } else {
        fast = tarn_quantized_matmul(x, parts[0], parts[1], .biases = parts[2], .mode = mode, .group_size = group,
                                     .bits = bits, .no_transpose = turned);
        exact = tarn_matmul(wide, dense);
    }
    CHECK(tarn_dtype_of(fast) == dtype);
    double largest = tarn_item(tarn_max(tarn_abs(wide))) * tarn_item(tarn_max(tarn_abs(dense)));
    CHECK(difference(fast, exact) <= tolerance(dtype) * sqrt((double)(turned ? rows : columns)) * largest);
}

int main(void) {
    seed = (uint32_t)first_seed();
    printf("repeat with TARN_SEED=%u\n", seed);
    check_products();
    check_einsum();
    check_path();
    check_small_convolutions();
    check_empty_convolutions();
    for (int i = 0; i < rounds(100); i++)
        check_random_convolution(i % 4 == 1 ? TARN_BFLOAT16 : i % 4 == 2 ? TARN_FLOAT16 : F32);
    check_large_image(F32);
    check_large_image(TARN_BFLOAT16);
    check_far_taps(F32);
    check_far_taps(TARN_BFLOAT16);
    for (int64_t apart = 1; apart <= 3; apart++) check_wide_kernel(apart);
    for (int i = 0; i < rounds(20); i++) check_gradient_of_weight();
    for (int i = 0; i < rounds(40); i++) check_long_rows(i % 3 ? TARN_BFLOAT16 : F32);
    for (int i = 0; i < rounds(100); i++) check_gradient_by_lines();
    for (int i = 0; i < rounds(60); i++)
        check_random_picks(i % 4 == 1 ? TARN_BFLOAT16 : i % 4 == 2 ? TARN_FLOAT16 : F32);
    for (int i = 0; i < rounds(120); i++)
        check_random_weights(i % 4 == 1   ? TARN_BFLOAT16
                             : i % 4 == 2 ? TARN_FLOAT16
                                          : F32,
                             i / 4 % (int)(sizeof formats / sizeof *formats));
    return check_report("products");
}
