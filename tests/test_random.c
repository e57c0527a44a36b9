/* Random numbers against those of mlx (tests/random_cases.h), their errors, and where gradients and batches reach them.
 */
#include "golden_values.h"
#include "into.h"

static tarn_array *k;

static tarn_array *column(double a, double b) {
    return tarn_from_data((float[]){(float)a, (float)b}, TARN_SHAPE(2, 1), TARN_FLOAT32);
}

/* Quarters from -4 to 4, as tools/random_vectors.py makes them. */
static tarn_array *logits(int64_t rows, int64_t columns) {
    tarn_array *i = tarn_arange(0, (double)(rows * columns), 1, TARN_INT32);
    tarn_array *steps =
        tarn_remainder(tarn_multiply(i, tarn_scalar_int(7, TARN_INT32)), tarn_scalar_int(33, TARN_INT32));
    tarn_array *x = tarn_multiply(tarn_astype(steps, TARN_FLOAT32), tarn_scalar(0.25, TARN_FLOAT32));
    return tarn_reshape(tarn_subtract(x, tarn_scalar(4, TARN_FLOAT32)), TARN_SHAPE(rows, columns));
}

static tarn_array *covariance(void) {
    return tarn_from_data((float[]){1, 0.5F, 0.5F, 2}, TARN_SHAPE(2, 2), TARN_FLOAT32);
}

static tarn_array *randint(int64_t low, int64_t high, int64_t count, tarn_dtype dtype) {
    return tarn_random_randint(k, tarn_scalar_int(low, TARN_INT64), tarn_scalar_int(high, TARN_INT64),
                               TARN_SHAPE(count), dtype);
}

static void check_all(void) {
#define CASE(name, mlx, most, least, ...)                                                                              \
    {                                                                                                                  \
        TARN_SCOPE;                                                                                                    \
        golden_check("random", #name, (__VA_ARGS__), most, least);                                                     \
    }
#include "random_cases.h"
#undef CASE
}

/* ---- errors, gradients, batches */

static void check_errors(void) {
    TARN_SCOPE;
    tarn_array *wide = column(1, 2), *one = tarn_scalar(1, TARN_FLOAT32), *rows = logits(3, 4);
    CHECK_ERROR(tarn_random_uniform(k, TARN_SHAPE(3), TARN_FLOAT32, .lows = wide),
                "random_uniform: bounds give: float32 [2, 3] from float32 [3]");
    CHECK_ERROR(tarn_random_uniform(k, TARN_SHAPE(3), TARN_COMPLEX64), "random_uniform: complex64 is not supported");
    CHECK_ERROR(tarn_random_uniform(tarn_arange(0, 2, 1, TARN_INT32), TARN_SHAPE(3), TARN_FLOAT32), "a key is uint32");
    CHECK_ERROR(tarn_random_uniform(k, TARN_SHAPE(-1), TARN_FLOAT32), "negative");
    CHECK_ERROR(tarn_random_split(k, -1), "negative");
    CHECK_ERROR(tarn_random_randint(k, one, one, TARN_SHAPE(3), TARN_FLOAT32), "random_randint: float32 is no integer");
    CHECK_ERROR(tarn_random_bernoulli(k, tarn_scalar_int(1, TARN_INT32)), "random_bernoulli: p: int32");
    CHECK_ERROR(tarn_random_bernoulli(k, wide, .shape = TARN_SHAPE(3)), "random_bernoulli: p does not broadcast");
    CHECK_ERROR(tarn_random_multivariate_normal(k, one, covariance()), "mean [..., n], covariance [..., n, n]");
    CHECK_ERROR(tarn_random_multivariate_normal(k, tarn_zeros(TARN_SHAPE(3, 2), TARN_FLOAT32), covariance(),
                                                .shape = TARN_SHAPE(1)),
                "random_multivariate_normal: mean and covariance give");
    CHECK_ERROR(tarn_random_permutation(k, -1), "negative");
    CHECK_ERROR(tarn_random_permute(k, one), "random_permute");
    CHECK_ERROR(tarn_random_categorical(k, one), "random_categorical");
    CHECK_ERROR(tarn_random_categorical(k, rows, .axis = TARN_AXIS(2)), "random_categorical: axis 2");
    CHECK_ERROR(tarn_random_categorical(k, rows, .shape = TARN_SHAPE(4)), "do not broadcast");
    CHECK_ERROR(tarn_random_categorical(k, rows, .shape = TARN_SHAPE(3), .count = TARN_AXIS(2)), "a shape and a count");
    CHECK_ERROR(tarn_random_categorical(k, rows, .count = TARN_AXIS(-1)), "-1 draws");
    CHECK_ERROR(tarn_random_categorical(k, tarn_zeros(TARN_SHAPE(2, 0), TARN_FLOAT32)), "nothing to draw from");
}

/* float64 numbers have 53 bits and are spread evenly. */
static void check_double(void) {
    TARN_SCOPE;
    tarn_array *u = tarn_random_uniform(k, TARN_SHAPE(100000), TARN_FLOAT64);
    const double *x = tarn_data(u);
    double sum = 0;
    int64_t fine = 0;
    for (int i = 0; x && i < 100000; i++) {
        CHECK(x[i] >= 0 && x[i] < 1);
        sum += x[i];
        fine += x[i] != (double)(float)x[i];
    }
    CHECK(fabs(sum / 100000 - 0.5) < 0.005 && fine > 99000);
}

static bool sum_of_normals(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context, (void)count;
    tarn_array *z = tarn_random_normal(k, TARN_SHAPE(4), TARN_FLOAT32, .means = x[0], .deviations = x[1]);
    return tarn_result(results, tarn_sum(z));
}

/* d sum / d mean is 1 for each number, d sum / d deviation the standard number itself. */
static void check_gradients(void) {
    TARN_SCOPE;
    tarn_array *x[2] = {tarn_zeros(TARN_SHAPE(4), TARN_FLOAT32), tarn_ones(TARN_SHAPE(4), TARN_FLOAT32)}, *g[2];
    CHECK(into(g, tarn_grad(TARN_FUNCTION(sum_of_normals, NULL), x, 2, .argnums = TARN_INTS(0, 1))));
    const float *mean = tarn_data(g[0]), *deviation = tarn_data(g[1]),
                *z = tarn_data(tarn_random_normal(k, TARN_SHAPE(4), TARN_FLOAT32));
    for (int i = 0; i < 4; i++)
        CHECK(mean && deviation && z && mean[i] == 1 && fabsf(deviation[i] - z[i]) <= 1e-6F * fabsf(z[i]));
}

int main(void) {
    TARN_SCOPE;
    k = tarn_random_key(7);
    check_all();
    check_errors();
    check_double();
    check_gradients();
    return check_report("random");
}
