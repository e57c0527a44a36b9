/* Values of what is made of other operations: creation, limits, comparisons, reductions, what runs along an axis,
   searching. The expected ones are NumPy's. Special values, empty and 0-d arrays. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "tarn/tarn.h"

#define LIST(...) ((const double[]){__VA_ARGS__}), (int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double))
#define NOTHING   ((const double[]){0}), 0

/* The values, to `most` of their size apart, and the dtype. */
static void expect_near(tarn_array *a, tarn_dtype dtype, double most, const double *values, int count,
                        const char *what) {
    const double *got =
        tarn_dtype_of(a) == dtype && tarn_size(a) == count ? tarn_data(tarn_astype(a, TARN_FLOAT64)) : NULL;
    bool right = got != NULL;
    for (int i = 0; right && i < count; i++)
        right = got[i] == values[i] || (isnan(got[i]) && isnan(values[i])) ||
                fabs(got[i] - values[i]) <= most * fabs(values[i]);
    check_failures += !right;
    if (!right) fprintf(stderr, "%s: %s [%lld]", what, tarn_dtype_name(tarn_dtype_of(a)), (long long)tarn_size(a));
    for (int i = 0; !right && got && i < count; i++) fprintf(stderr, " %.9g (%.9g)", got[i], values[i]);
    if (!right) fprintf(stderr, " %s\n", tarn_ok() ? "" : tarn_error());
    tarn_clear_error();
}
static void expect(tarn_array *a, tarn_dtype dtype, const double *values, int count, const char *what) {
    expect_near(a, dtype, 0, values, count, what);
}
#define FLOATS(a, ...)  expect_near(a, TARN_FLOAT32, 1e-6, LIST(__VA_ARGS__), #a)
#define INTS(a, ...)    expect(a, TARN_INT32, LIST(__VA_ARGS__), #a)
#define TRUTHS(a, ...)  expect(a, TARN_BOOL, LIST(__VA_ARGS__), #a)
#define EMPTY(a, dtype) expect(a, dtype, NOTHING, #a)
static tarn_array *floats(const float *values, int64_t count) {
    return tarn_from_data(values, TARN_SHAPE(count), TARN_FLOAT32);
}
static tarn_array *integers(const int32_t *values, int64_t count) {
    return tarn_from_data(values, TARN_SHAPE(count), TARN_INT32);
}
#define F(...) floats((const float[]){__VA_ARGS__}, (int64_t)(sizeof((float[]){__VA_ARGS__}) / sizeof(float)))
#define I(...) integers((const int32_t[]){__VA_ARGS__}, (int64_t)(sizeof((int32_t[]){__VA_ARGS__}) / sizeof(int32_t)))

static void test_creation(void) {
    TARN_SCOPE;
    FLOATS(tarn_linspace(0, 1, 5, TARN_FLOAT32), 0, 0.25, 0.5, 0.75, 1);
    FLOATS(tarn_linspace(0, 1, 5, TARN_FLOAT32, .open = true), 0, 0.2, 0.4, 0.6, 0.8);
    FLOATS(tarn_linspace(3, 1, 1, TARN_FLOAT32), 3);
    expect(tarn_linspace(-1.5e308, 1.5e308, 3, TARN_FLOAT64), TARN_FLOAT64, LIST(-1.5e308, 0, 1.5e308),
           "the distance is beyond float64");
    INTS(tarn_linspace(0, 10, 5, TARN_INT32), 0, 2, 5, 7, 10);
    expect(tarn_linspace(0.1, 0.7, 3, TARN_FLOAT64), TARN_FLOAT64, LIST(0.1, 0.4, 0.7), "the end is stop itself");
    EMPTY(tarn_linspace(0, 1, 0, TARN_FLOAT16), TARN_FLOAT16);
    CHECK_ERROR(tarn_linspace(0, 1, -1, TARN_FLOAT32), "linspace: -1");
    INTS(tarn_eye(2, 3, TARN_INT32, .k = 1), 0, 1, 0, 0, 0, 1);
    INTS(tarn_eye(2, 3, TARN_INT32, .k = -1), 0, 0, 0, 1, 0, 0);
    INTS(tarn_eye(2, 2, TARN_INT32, .k = 9), 0, 0, 0, 0);
    EMPTY(tarn_eye(2, 0, TARN_INT32), TARN_INT32);
    CHECK_ERROR(tarn_eye(-1, 2, TARN_INT32), "eye: ");
    TRUTHS(tarn_identity(2, TARN_BOOL), 1, 0, 0, 1);
    INTS(tarn_tri(2, 3, TARN_INT32, .k = 1), 1, 1, 0, 1, 1, 1);
    INTS(tarn_tri(2, 1, TARN_INT32, .k = INT64_MAX), 1, 1);
    INTS(tarn_tri(2, 1, TARN_INT32, .k = INT64_MIN), 0, 0);
    INTS(tarn_eye(2, 1, TARN_INT32, .k = INT64_MAX), 0, 0);
    INTS(tarn_triu(tarn_ones(TARN_SHAPE(2, 2), TARN_INT32), .k = INT64_MIN), 1, 1, 1, 1);
    INTS(tarn_tril(tarn_ones(TARN_SHAPE(2, 2), TARN_INT32), .k = INT64_MAX), 1, 1, 1, 1);
    tarn_array *square = tarn_from_data((float[]){NAN, INFINITY, 3, 4}, TARN_SHAPE(2, 2), TARN_FLOAT32);
    FLOATS(tarn_tril(square), NAN, 0, 3, 4);
    FLOATS(tarn_triu(square, .k = 1), 0, INFINITY, 0, 0);
    INTS(tarn_tril(tarn_ones(TARN_SHAPE(2, 2, 2), TARN_INT32), .k = -1), 0, 0, 1, 0, 0, 0, 1, 0);
    CHECK_ERROR(tarn_tril(F(1, 2)), "tril: x has 1 axes");
    FLOATS(tarn_full_like(F(1, 2), 7), 7, 7);
    FLOATS(tarn_bartlett(5), 0, 0.5, 1, 0.5, 0);
    FLOATS(tarn_hanning(4), 0, 0.75, 0.75, 0);
    FLOATS(tarn_hamming(3), 0.08, 1, 0.08);
    FLOATS(tarn_blackman(1), 1);
    EMPTY(tarn_blackman(-3), TARN_FLOAT32);
}

static void test_grids(void) {
    TARN_SCOPE;
    tarn_array *in[] = {I(1, 2), I(3, 4, 5)}, *out[2] = {NULL};
    CHECK(tarn_meshgrid(in, 2, out));
    INTS(out[0], 1, 2, 1, 2, 1, 2);
    INTS(out[1], 3, 3, 4, 4, 5, 5);
    CHECK(tarn_meshgrid(in, 2, out, .matrix = true));
    INTS(out[0], 1, 1, 1, 2, 2, 2);
    INTS(out[1], 3, 4, 5, 3, 4, 5);
    CHECK(tarn_meshgrid(in, 2, out, .sparse = true) && tarn_dim(out[0], 0) == 1 && tarn_dim(out[0], 1) == 2);
    INTS(out[1], 3, 4, 5);
    CHECK(tarn_meshgrid(NULL, 0, NULL));
    CHECK_ERROR(tarn_meshgrid(TARN_ARRAYS(tarn_zeros(TARN_SHAPE(1, 2), TARN_INT32)), 1, out),
                "meshgrid: array 0 has 2 axes");
}

static void test_limits(void) {
    TARN_SCOPE;
    FLOATS(tarn_clip(F(1, NAN, 3), tarn_scalar(0, TARN_FLOAT32), tarn_scalar(2, TARN_FLOAT32)), 1, NAN, 2);
    INTS(tarn_clip(I(1, 2, 3), tarn_scalar_int(5, TARN_INT32), tarn_scalar_int(2, TARN_INT32)), 2, 2, 2);
    CHECK_ERROR(tarn_clip(F(1), NULL, NULL), "clip: ");
    FLOATS(tarn_nan_to_num(F(NAN, INFINITY, -INFINITY, 2)), 0, 3.4028234663852886e38, -3.4028234663852886e38, 2);
    FLOATS(tarn_nan_to_num(F(NAN, INFINITY, -INFINITY), .nan = 1, .infinity = TARN_VALUE(2),
                           .minus_infinity = TARN_VALUE(0)),
           1, 2, 0);
    INTS(tarn_nan_to_num(I(1)), 1);
    FLOATS(tarn_round_to(F(1.2345F, -0.55F), 2), 1.23, -0.55);
    FLOATS(tarn_round_to(F(125, 135), -1), 120, 140);
    INTS(tarn_round_to(I(125, 135, -15, 2147483647), -1), 120, 140, -20, -2147483646);
    INTS(tarn_round_to(I(125, -99), -30), 0, 0);
    INTS(tarn_round_to(I(125), 3), 125);
    const uint64_t large[] = {6000000000000000000, 4000000000000000000, 5000000000000000000, UINT64_MAX};
    const uint64_t tens[] = {10000000000000000000u, 0, 0, 18000000000000000000u};
    tarn_array *numbers = tarn_from_data(large, TARN_SHAPE(4), TARN_UINT64);
    tarn_array *shall = tarn_from_data(tens, TARN_SHAPE(4), TARN_UINT64);
    CHECK(tarn_item(tarn_all(tarn_equal(tarn_slice_axis(tarn_round_to(numbers, -19), 0, 0, 3),
                                        tarn_slice_axis(shall, 0, 0, 3)))) == 1);
    CHECK(tarn_item(tarn_all(tarn_equal(tarn_slice_axis(tarn_round_to(numbers, -18), 0, 3, 4),
                                        tarn_slice_axis(shall, 0, 3, 4)))) == 1);
    FLOATS(tarn_round_to(F(0, 1.5F, 1e30F, INFINITY, NAN), INT64_MAX), 0, 1.5, 1e30F, INFINITY, NAN);
    FLOATS(tarn_round_to(F(0, 1.5F, 3e38F, INFINITY, NAN), INT64_MIN), 0, 0, 0, INFINITY, NAN);
    FLOATS(tarn_round_to(F(0, 1000, 1.26e-39F), 36), 0, 1000, 0);
    FLOATS(tarn_round_to(F(0, 1000, 3e38F), -39), 0, 0, 0);
    expect(tarn_round_to(tarn_astype(F(0, 0.0123456F), TARN_FLOAT16), 5), TARN_FLOAT16, LIST(0, 0.01233673095703125),
           "10^5 is no float16");
    tarn_float_info info;
    int64_t least;
    uint64_t most;
    CHECK(tarn_finfo(TARN_BFLOAT16, &info) && info.max == 3.3895313892515355e38 && info.eps == 0.0078125);
    CHECK(tarn_finfo(TARN_FLOAT16, &info) && info.min == -65504 && info.smallest_normal == 6.103515625e-05);
    CHECK(tarn_iinfo(TARN_INT8, &least, &most) && least == -128 && most == 127);
    CHECK(tarn_iinfo(TARN_UINT64, &least, &most) && least == 0 && most == UINT64_MAX);
    CHECK(tarn_iinfo(TARN_INT64, &least, &most) && least == INT64_MIN && most == INT64_MAX);
    CHECK_ERROR(tarn_finfo(TARN_INT32, &info), "finfo: int32");
    CHECK_ERROR(tarn_iinfo(TARN_BOOL, &least, &most), "iinfo: bool");
    CHECK(tarn_promote(TARN_INT8, TARN_UINT8) == TARN_INT16 && tarn_can_cast(TARN_INT64, TARN_FLOAT16));
    CHECK(!tarn_can_cast(TARN_FLOAT32, TARN_FLOAT16));
    CHECK(tarn_dtype_is(TARN_UINT8, TARN_CATEGORY_UNSIGNED_INTEGER) && tarn_dtype_is(TARN_INT8, TARN_CATEGORY_INTEGER));
    CHECK(!tarn_dtype_is(TARN_UINT8, TARN_CATEGORY_SIGNED_INTEGER) && !tarn_dtype_is(TARN_BOOL, TARN_CATEGORY_NUMBER));
    CHECK(tarn_dtype_is(TARN_BFLOAT16, TARN_CATEGORY_INEXACT) && tarn_dtype_is(TARN_BOOL, TARN_CATEGORY_GENERIC));
    CHECK(tarn_category_is(TARN_CATEGORY_COMPLEX_FLOATING, TARN_CATEGORY_NUMBER));
    CHECK(!tarn_category_is(TARN_CATEGORY_NUMBER, TARN_CATEGORY_INTEGER));
    CHECK_ERROR(tarn_category_is(TARN_CATEGORY_COUNT, TARN_CATEGORY_NUMBER), "there is no category 8");
}

static void test_comparisons(void) {
    TARN_SCOPE;
    tarn_array *a = F(1, NAN, INFINITY, -INFINITY, 1), *b = F(1.000001F, NAN, INFINITY, INFINITY, 1.1F);
    TRUTHS(tarn_isclose(a, b), 1, 0, 1, 0, 0);
    TRUTHS(tarn_isclose(a, b, .equal_nan = true), 1, 1, 1, 0, 0);
    TRUTHS(tarn_isclose(a, b, .rtol = TARN_VALUE(0), .atol = TARN_VALUE(0.2)), 1, 0, 1, 0, 1);
    TRUTHS(tarn_isclose(tarn_astype(I(1, 2), TARN_UINT8), tarn_astype(I(2, 1), TARN_UINT8)), 0, 0);
    TRUTHS(tarn_isclose(I(16777217), I(16777216), .rtol = TARN_VALUE(0)), 0);
    TRUTHS(tarn_allclose(F(1, 2), F(1, 2)), 1);
    TRUTHS(tarn_allclose(tarn_zeros(TARN_SHAPE(0), TARN_FLOAT32), tarn_zeros(TARN_SHAPE(0), TARN_FLOAT32)), 1);
    TRUTHS(tarn_array_equal(F(1, 2), I(1, 2)), 1);
    TRUTHS(tarn_array_equal(F(1, 2), F(1)), 0);
    TRUTHS(tarn_array_equal(F(NAN), F(NAN)), 0);
    TRUTHS(tarn_array_equal(F(NAN), F(NAN), .equal_nan = true), 1);
}

static void test_reductions(void) {
    TARN_SCOPE;
    FLOATS(tarn_var(F(1, 2, 4)), 14.0 / 9);
    FLOATS(tarn_var(I(1, 2, 4), .ddof = 1), 7.0 / 3);
    FLOATS(tarn_var(F(1, 2, 4), .ddof = 5), INFINITY);
    FLOATS(tarn_var(F(1e10F, -1e10F, 0), .ddof = INT64_MIN), 2e20F / 0x1p63F);
    FLOATS(tarn_var(F(1, 2, 4), .ddof = INT64_MAX), INFINITY);
    FLOATS(tarn_var(tarn_zeros(TARN_SHAPE(0), TARN_FLOAT32)), NAN);
    FLOATS(tarn_std(F(1, 2, 4), .ddof = 1), 1.5275252316519468);
    tarn_array *i = tarn_multiply(F(0, 2), tarn_scalar_complex(0, 1));
    FLOATS(tarn_var(i), 1);
    tarn_array *large = tarn_full(TARN_SHAPE(1000), 300, TARN_FLOAT16);
    expect(tarn_var(large), TARN_FLOAT16, LIST(0), "halves are summed in float32");
    FLOATS(tarn_median(I(3, 1, 2, 4)), 2.5);
    FLOATS(tarn_median(F(3, NAN, 2)), NAN);
    tarn_array *table = tarn_from_data((int32_t[]){3, 1, 2, 6, 5, 4}, TARN_SHAPE(2, 3), TARN_INT32);
    FLOATS(tarn_median(table, .axes = TARN_AXES(0)), 4.5, 3, 3);
    FLOATS(tarn_median(table, .axes = TARN_AXES(1), .keepdims = true), 2, 5);
    FLOATS(tarn_median(table, .axes = TARN_AXES(1, 0)), 3.5);
    FLOATS(tarn_median(tarn_scalar(3, TARN_FLOAT32)), 3);
    CHECK_ERROR(tarn_median(tarn_zeros(TARN_SHAPE(2, 0), TARN_FLOAT32)), "median: axis 1 has no elements");
    INTS(tarn_count_nonzero(F(NAN, 0, 2)), 2);
    INTS(tarn_trace(table, .offset = 1), 1 + 4);
    tarn_array *ends[2];
    CHECK(tarn_minmax(table, ends, .axes = TARN_AXES(1)));
    INTS(ends[0], 1, 4);
    INTS(ends[1], 3, 6);
    /* complex numbers are ordered by their real, then their imaginary parts */
    tarn_array *z = tarn_add(F(1, 1, 0), tarn_multiply(F(2, 3, 9), tarn_scalar_complex(0, 1)));
    FLOATS(tarn_imag(tarn_max(z)), 3);
    FLOATS(tarn_imag(tarn_min(z)), 9);
    expect(tarn_argmax(z), TARN_UINT32, LIST(1), "argmax of complex numbers");
    expect(tarn_argsort(z), TARN_UINT32, LIST(2, 0, 1), "argsort of complex numbers");
    FLOATS(tarn_imag(tarn_sort(z)), 9, 2, 3);
}

/* Running sums of bfloat16 that leave its range and come back: those of float32, in rows and columns of every length,
   both ways, and of a line that goes in chunks. */
static void test_large_sums(int64_t count, bool reverse, bool exclusive) {
    TARN_SCOPE;
    tarn_array *i = tarn_remainder(tarn_arange(0, (double)count, 1, TARN_INT32), tarn_scalar_int(7, TARN_INT32));
    tarn_array *x = tarn_where(tarn_less(i, tarn_scalar_int(4, TARN_INT32)), tarn_scalar(0x1p127, TARN_FLOAT32),
                               tarn_scalar(-0x1.5p127, TARN_FLOAT32));
    tarn_array *sums = tarn_cumsum(x, .reverse = reverse, .exclusive = exclusive),
               *halves = tarn_cumsum(tarn_astype(x, TARN_BFLOAT16), .reverse = reverse, .exclusive = exclusive);
    CHECK(tarn_item(tarn_any(tarn_isnan(halves))) == 0);
    CHECK(tarn_item(tarn_array_equal(halves, tarn_astype(sums, TARN_BFLOAT16))) == 1);
    tarn_array *columns = tarn_broadcast_to(tarn_reshape(x, TARN_SHAPE(count, 1)), TARN_SHAPE(count, 16));
    columns = tarn_cumsum(tarn_contiguous(tarn_astype(columns, TARN_BFLOAT16)), .axis = TARN_AXIS(0),
                          .reverse = reverse, .exclusive = exclusive);
    tarn_array *wanted = tarn_reshape(tarn_astype(sums, TARN_BFLOAT16), TARN_SHAPE(count, 1));
    CHECK(tarn_item(tarn_all(tarn_equal(columns, wanted))) == 1);
}

/* What is infinite stays so, however far the rest of a vector sums up to. */
static void test_infinite_sums(void) {
    TARN_SCOPE;
    tarn_array *large = tarn_full(TARN_SHAPE(70), -0x1p127, TARN_BFLOAT16),
               *infinite = tarn_full(TARN_SHAPE(1), INFINITY, TARN_BFLOAT16),
               *x = tarn_concatenate(((tarn_array *[]){infinite, large}), 2);
    CHECK(tarn_item(tarn_all(tarn_equal(tarn_cumsum(x), infinite))) == 1);
}

/* What runs one by one in double over numbers that are too large or too small together. Ones lie between them: a vector
   alone, and a chunk, comes to what the line does not. Sums are exact, so that their order is not seen otherwise. */
static void test_running_beyond_range(bool product, tarn_dtype dtype, int64_t count, int64_t seed, bool exclusive) {
    TARN_SCOPE;
    static const double factors[] = {1e30, -1e-35, 1e37, 2, -1e-37, 1e33},
                        terms[] = {0x1.8p1023, -0x1p1023, 0x1p1020, -0x1.8p1023, 0, 0x1p1022};
    double *numbers = malloc((size_t)count * sizeof *numbers), running = product ? 1 : 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t draw = (i * 2654435761 + seed * 40503) >> 7 & 31;
        numbers[i] = draw < 6 ? (product ? factors : terms)[draw] : draw == 7 && seed % 8 == 0 ? 0 : product;
    }
    tarn_array *x = tarn_astype(tarn_from_data(numbers, TARN_SHAPE(count), TARN_FLOAT64), dtype),
               *wide = tarn_astype(x, TARN_FLOAT64);
    tarn_array *y = tarn_astype(
        product ? tarn_cumprod(x, .exclusive = exclusive) : tarn_cumsum(x, .exclusive = exclusive), TARN_FLOAT64);
    const double *came = tarn_data(wide), *values = tarn_data(y);
    int64_t wrong = 0;
    for (int64_t i = 0; i < count && came && values; i++) {
        double before = running;
        running = product ? before * came[i] : before + came[i];
        double wanted = exclusive ? before : running;
        if (dtype == TARN_FLOAT32) wanted = (double)(float)wanted;
        bool same =
            isnan(wanted) ? isnan(values[i]) : values[i] == wanted || fabs(values[i] - wanted) <= 1e-6 * fabs(wanted);
        wrong += !same;
    }
    CHECK(tarn_ok() && came && values && wrong == 0);
    free(numbers);
}

static void test_running_beyond_ranges(void) {
    for (int64_t seed = 0; seed < 64; seed++) {
        test_running_beyond_range(true, TARN_FLOAT32, 5 + seed * 3, seed, seed & 1);
        test_running_beyond_range(true, TARN_FLOAT64, 5 + seed * 3, seed, seed & 1);
        test_running_beyond_range(false, TARN_FLOAT64, 5 + seed * 3, seed, seed & 1);
    }
    for (int64_t seed = 0; seed < 4; seed++) {
        test_running_beyond_range(true, TARN_FLOAT32, 200000, seed, false);
        test_running_beyond_range(true, TARN_FLOAT64, 200000, seed, true);
        test_running_beyond_range(false, TARN_FLOAT64, 200000, seed, false);
    }
}

static void test_scans(void) {
    TARN_SCOPE;
    test_running_beyond_ranges();
    for (int way = 0; way < 4; way++)
        for (int64_t count = 1; count < 40; count++) test_large_sums(count, way & 1, way & 2);
    test_infinite_sums();
    test_large_sums(200000, false, true);
    test_large_sums(200000, true, false);
    INTS(tarn_cumprod(I(1, 2, 3), .axis = TARN_AXIS(0), .exclusive = true), 1, 1, 2);
    INTS(tarn_cumsum(tarn_astype(I(1, 1), TARN_BOOL)), 1, 2);
    TRUTHS(tarn_cumprod(tarn_astype(I(1, 0, 1), TARN_BOOL)), 1, 0, 0);
    expect(tarn_cumsum(tarn_astype(I(200, 200), TARN_UINT8)), TARN_UINT8, LIST(200, 144), "small integers wrap");
    FLOATS(tarn_cummax(F(1, 3, NAN, 2)), 1, 3, NAN, NAN);
    FLOATS(tarn_cummin(F(3, 1, 2), .exclusive = true), INFINITY, 3, 1);
    INTS(tarn_cummax(I(1, 3, 2), .reverse = true, .exclusive = true), 3, 2, -2147483648.0);
    FLOATS(tarn_logcumsumexp(F(1, 3, 2)), 1, 3.1269280110429727, 3.4076059644443806);
    FLOATS(tarn_logcumsumexp(F(-INFINITY, -INFINITY, 1)), -INFINITY, -INFINITY, 1);
    FLOATS(tarn_logcumsumexp(F(-200, 200, INFINITY, 0)), -200, 200, INFINITY, INFINITY);
    FLOATS(tarn_logcumsumexp(I(0, 0), .exclusive = true), -INFINITY, 0);
    INTS(tarn_diff(I(1, 4, 9), 2), 2);
    INTS(tarn_diff(I(1, 4, 9), 0), 1, 4, 9);
    EMPTY(tarn_diff(I(1, 4, 9), 5), TARN_INT32);
    TRUTHS(tarn_diff(tarn_astype(I(1, 0, 0), TARN_BOOL), 1), 1, 0);
    CHECK_ERROR(tarn_diff(I(1), -1), "diff: -1 times");
}

static void test_searching(void) {
    TARN_SCOPE;
    INTS(tarn_topk(I(3, 1, 2), 2), 2, 3);
    EMPTY(tarn_topk(I(3, 1, 2), 0), TARN_INT32);
    CHECK_ERROR(tarn_topk(I(3, 1, 2), 4), "topk: 4");
    CHECK_ERROR(tarn_partition(I(3, 1, 2), -4), "partition: place -4");
    CHECK_ERROR(tarn_argpartition(tarn_scalar(1, TARN_FLOAT32), 0), "argpartition: axis -1");
    expect(tarn_searchsorted(I(1, 2, 2, 3), F(0, 2, 2.5F, 4)), TARN_UINT32, LIST(0, 1, 3, 4), "left");
    expect(tarn_searchsorted(I(1, 2, 2, 3), F(0, 2, 2.5F, 4), .right = true), TARN_UINT32, LIST(0, 3, 3, 4), "right");
    expect(tarn_searchsorted(F(1, 2, NAN), F(NAN, 3)), TARN_UINT32, LIST(2, 2), "NaN left");
    expect(tarn_searchsorted(F(1, 2, NAN), F(NAN, 3), .right = true), TARN_UINT32, LIST(3, 2), "NaN right");
    expect(tarn_searchsorted(tarn_zeros(TARN_SHAPE(0), TARN_INT32), I(1)), TARN_UINT32, LIST(0), "of nothing");
    CHECK_ERROR(tarn_searchsorted(tarn_zeros(TARN_SHAPE(1, 2), TARN_INT32), I(1)), "searchsorted: the sorted array");
    tarn_unique_result u = {0};
    CHECK(tarn_unique(I(2, 1, 2, 3, 1), 4, &u, .fill = tarn_scalar_int(0, TARN_INT32)));
    INTS(u.values, 1, 2, 3, 0);
    expect(u.index, TARN_UINT32, LIST(1, 0, 3, 1), "where the first of each is");
    expect(u.inverse, TARN_UINT32, LIST(1, 0, 1, 2, 0), "which each is");
    INTS(u.counts, 2, 2, 1, 0);
    CHECK(tarn_unique(I(3, 2, 1, 2), 2, &u));
    INTS(u.values, 1, 2);
    expect(u.inverse, TARN_UINT32, LIST(1, 1, 0, 1), "cut off");
    INTS(u.counts, 1, 2);
    CHECK_ERROR(tarn_unique(tarn_zeros(TARN_SHAPE(0), TARN_INT32), 2, &u), "unique: x is empty");
}

/* Expected: np.vstack, np.hstack. */
static void test_joining(void) {
    TARN_SCOPE;
    tarn_array *a = F(1, 2), *b = F(3, 4), *column = tarn_reshape(a, TARN_SHAPE(2, 1));
    tarn_array *below = tarn_vstack(TARN_ARRAYS(a, b), 2), *beside = tarn_hstack(TARN_ARRAYS(a, b), 2);
    FLOATS(below, 1, 2, 3, 4);
    CHECK(tarn_ndim(below) == 2 && tarn_dim(below, 0) == 2);
    FLOATS(tarn_vstack(TARN_ARRAYS(column, tarn_scalar(5, TARN_FLOAT32)), 2), 1, 2, 5);
    FLOATS(beside, 1, 2, 3, 4);
    CHECK(tarn_ndim(beside) == 1);
    FLOATS(tarn_hstack(TARN_ARRAYS(column, tarn_reshape(b, TARN_SHAPE(2, 1))), 2), 1, 3, 2, 4);
    FLOATS(tarn_hstack(TARN_ARRAYS(tarn_scalar(1, TARN_FLOAT32), b), 2), 1, 3, 4);
    CHECK_ERROR(tarn_hstack(NULL, 0), "hstack");
    CHECK_ERROR(tarn_vstack(TARN_ARRAYS(a, F(1, 2, 3)), 2), "vstack: along axis 0");
}

/* Expected: np.quantile, np.bincount. */
static void test_statistics(void) {
    TARN_SCOPE;
    tarn_array *table = tarn_reshape(F(4, 1, 3, 2, 6, 5), TARN_SHAPE(2, 3)), *half = tarn_scalar(0.5, TARN_FLOAT32);
    FLOATS(tarn_quantile(table, half), 3.5);
    FLOATS(tarn_quantile(table, half, .axis = TARN_AXIS(0)), 3, 3.5, 4);
    FLOATS(tarn_quantile(table, F(0, 0.25, 1), .axis = TARN_AXIS(-1)), 1, 2, 2, 3.5, 4, 6);
    FLOATS(tarn_quantile(I(1, 2, 3, 4), F(0.1F, -1, 2)), 1.3, 1, 4);
    FLOATS(tarn_quantile(F(1, NAN, 3), F(0, 1)), NAN, NAN);
    FLOATS(tarn_quantile(F(1, INFINITY, INFINITY), F(0, 0.5, 0.75)), 1, INFINITY, INFINITY);
    CHECK_ERROR(tarn_quantile(tarn_zeros(TARN_SHAPE(0), TARN_FLOAT32), half), "quantile: axis 0 has no elements");
    CHECK_ERROR(tarn_quantile(table, I(1)), "quantile: of float32 at int32 is not supported");
    CHECK_ERROR(tarn_quantile(table, half, .axis = TARN_AXIS(2)), "quantile: axis 2");
    INTS(tarn_bincount(I(1, 3, 1, 0, -1, 9), 4), 1, 2, 0, 1);
    FLOATS(tarn_bincount(I(1, 3, 1), 4, .weights = F(0.5, 1, 2)), 0, 2.5, 0, 1);
    EMPTY(tarn_bincount(I(1), 0), TARN_INT32);
    CHECK_ERROR(tarn_bincount(F(1), 2), "bincount: float32 is no integer");
    CHECK_ERROR(tarn_bincount(I(1), -1), "bincount: a length of -1");
    CHECK_ERROR(tarn_bincount(I(1), 2, .weights = F(1, 2)), "bincount: x and its weights differ in shape");
}

int main(void) {
    test_creation();
    test_grids();
    test_limits();
    test_comparisons();
    test_reductions();
    test_scans();
    test_searching();
    test_joining();
    test_statistics();
    return check_report("basic_ops");
}
