/* softmax, rms_norm and rope of the CPU against their formulas in double, with the roundings that the formulas state.
 */
#include "cpu/cpu.h"
#include "base/threads.h"
#include "kernel_calls.h"
#include "random_operands.h"
#include "rounds.h"

static const tarn_dtype dtypes[] = {TARN_FLOAT32, TARN_FLOAT16, TARN_BFLOAT16};

static double rounded(double x, tarn_dtype dtype) {
    if (dtype == TARN_FLOAT16) return (double)float16_to_float(double_to_float16(x));
    if (dtype == TARN_BFLOAT16) return (double)bfloat16_to_float(double_to_bfloat16(x));
    return (double)(float)x;
}

/* ---- softmax, along the last axis or another */
static const attributes_softmax last_axis = {.axis = -1};

/* Element i of line `line` along the axis. */
static int64_t element_of(tarn_ints shape, int64_t axis, int64_t line, int64_t i) {
    int64_t behind = 1;
    for (int64_t k = shape.count + axis + 1; k < shape.count; k++) behind *= shape.values[k];
    return (line / behind * shape.values[shape.count + axis] + i) * behind + line % behind;
}

static void expect_softmax(const operand *x, const operand *expected, tarn_ints shape, int64_t axis) {
    int64_t n = shape.values[shape.count + axis], lines = operand_size(x) / (n ? n : 1);
    for (int64_t line = 0; n && line < lines; line++) {
        double top = -INFINITY, sum = 0;
        for (int64_t i = 0; i < n; i++) top = fmax(top, get(x, element_of(shape, axis, line, i)));
        for (int64_t i = 0; i < n; i++) sum += exp((double)(float)(get(x, element_of(shape, axis, line, i)) - top));
        for (int64_t i = 0; i < n; i++) {
            int64_t at = element_of(shape, axis, line, i);
            put(expected, at, exp((double)(float)(get(x, at) - top)) / sum);
        }
    }
}

static void test_softmax(tarn_dtype dtype, tarn_ints shape, int64_t axis, int layout, double spread) {
    operand x = laid_out(dtype, shape, DOMAIN_ANY, layout), got = make(dtype, shape), expected = make(dtype, shape);
    attributes_softmax a = {.axis = axis};
    for (int64_t i = 0; layout == 0 && i < operand_size(&x); i++) put(&x, i, get(&x, i) * spread);
    expect_softmax(&x, &expected, shape, axis);
    CHECK(run_call(&backend_cpu, CALL(softmax, &a, &got, x)), "%s", tarn_error());
    /* Exponentials below the smallest normal number are zero; down columns the distance from the largest element is
       rounded once more. */
    operand scale = make(TARN_FLOAT64, shape);
    for (int64_t i = 0; i < operand_size(&scale); i++) {
        double y = get(&expected, i);
        put(&scale, i, fmax(axis == -1 ? 0 : y * (1 - log(y + 0x1p-126)), dtype == TARN_FLOAT16 ? 0 : 0x1p-100));
    }
    /* float32: the sum of a long line is off by 7e-7 of itself and less, 12 units where the mantissa is large */
    compare(&got, &expected, dtype == TARN_FLOAT32 ? 12 : 1, &scale, "softmax");
}

/* Six kinds of lines of 150, 150 of each axis: whole pairs of vectors, and what is behind them. Neighbours differ, and
   so do even and odd elements. */
static void test_softmax_specials(tarn_dtype dtype, int64_t axis) {
    enum { N = 150 };
    tarn_ints shape = DIMS(N, N);
    operand x = make(dtype, shape), got = make(dtype, shape);
    attributes_softmax a = {.axis = axis};
    for (int64_t line = 0; line < N; line++)
        for (int64_t i = 0; i < N; i++) {
            bool here = i == (line * 7 + 13) % N;
            const double kinds[] = {here ? 1 : -INFINITY,     /* one number */
                                    -INFINITY,                /* none */
                                    here ? NAN : 0,           /* a NaN */
                                    here ? INFINITY : 0,      /* inf - inf */
                                    30000,                    /* equal */
                                    i % 2 ? 0.0 : -INFINITY}; /* every second */
            put(&x, element_of(shape, axis, line, i), kinds[line % 6]);
        }
    CHECK(run_call(&backend_cpu, CALL(softmax, &a, &got, x)), "%s", tarn_error());
    for (int64_t line = 0; line < N; line++)
        for (int64_t i = 0; i < N; i++) {
            double y = get(&got, element_of(shape, axis, line, i));
            bool here = i == (line * 7 + 13) % N, numbers = line % 6 == 0 || line % 6 > 3;
            double expected = line % 6 == 0 ? here : line % 6 == 4 ? 1.0 / N : (double)(i % 2) * 2 / N;
            bool right = numbers ? fabs(y - expected) <= expected * 4e-3 : isnan(y) || (line % 6 == 3 && !here);
            CHECK(right, "softmax %s along %d, line %d [%d]: %g", dtype_facts[dtype].name, (int)axis, (int)line, (int)i,
                  y);
        }
}

/* Rows with a NaN or an infinity, and a NaN in the weight or the bias: these spoil their row or their column, and no
   other element. */
static void test_norm_specials(tarn_dtype dtype, int64_t row, int64_t column, double special) {
    enum { ROWS = 5, N = 150 };
    operand x = randomized(dtype, DIMS(ROWS, N), DOMAIN_ANY), weight = randomized(dtype, DIMS(N), DOMAIN_POSITIVE),
            bias = randomized(dtype, DIMS(N), DOMAIN_ANY),
            got[2] = {make(dtype, DIMS(ROWS, N)), make(dtype, DIMS(ROWS, N))};
    attributes_rms_norm r = {.eps = 1e-3};
    attributes_layer_norm l = {.eps = 1e-3};
    put(&x, row * N + column, special), put(&weight, column + 1, NAN), put(&bias, column + 2, NAN);
    CHECK(run_call(&backend_cpu, CALL(rms_norm, &r, &got[0], x, weight)), "%s", tarn_error());
    CHECK(run_call(&backend_cpu, CALL(layer_norm, &l, &got[1], x, weight, bias)), "%s", tarn_error());
    for (int64_t i = 0; i < ROWS * N; i++)
        for (int k = 0; k < 2; k++) {
            bool own = i / N == row && (isnan(special) || k == 1 || i % N == column);
            bool nan = own || i % N == column + 1 || (k == 1 && i % N == column + 2);
            CHECK(isnan(get(&got[k], i)) == nan, "%s of %g, %s [%lld]: %g", k ? "layer_norm" : "rms_norm", special,
                  dtype_facts[dtype].name, (long long)i, get(&got[k], i));
        }
}

/* Columns that begin far below all others, rise to numbers that are merely low, and end among those. */
static void test_softmax_risen(tarn_dtype dtype) {
    enum { ROWS = 40, COLUMNS = 50, FAR = 12 };
    const tarn_ints shape = DIMS(ROWS, COLUMNS);
    operand x = make(dtype, shape), got = make(dtype, shape), expected = make(dtype, shape);
    attributes_softmax a = {.axis = -2};
    for (int64_t i = 0; i < ROWS * COLUMNS; i++) {
        int64_t column = i % COLUMNS;
        put(&x, i, i / COLUMNS < FAR ? -131072.0 * (1 << column % 5) : -45568.0 - 512.0 * (double)column);
    }
    expect_softmax(&x, &expected, shape, -2);
    CHECK(run_call(&backend_cpu, CALL(softmax, &a, &got, x)), "%s", tarn_error());
    compare(&got, &expected, dtype == TARN_FLOAT32 ? 12 : 1, NULL, "softmax that rises");
}

/* Columns: of a few rows and of many, of blocks that are whole or not; what one gives does not depend on the others, on
   threads, or on whether it goes past the caches. */
static void test_softmax_columns(tarn_dtype dtype) {
    const tarn_ints shapes[] = {DIMS(1, 16),     DIMS(7, 17),    DIMS(9, 64), DIMS(3, 37, 5, 8), DIMS(2, 600, 100),
                                DIMS(4100, 200), DIMS(9001, 30), DIMS(0, 16), DIMS(0, 3, 16),    DIMS(16390, 33)};
    for (int s = 0; s < 10; s++)
        for (int spread = 1; spread < 11; spread += 9)
            if (in_rounds()) test_softmax(dtype, shapes[s], s == 3 ? -3 : -2, 0, spread);
    if (dtype != TARN_FLOAT32) test_softmax(dtype, shapes[2], -2, 0, dtype == TARN_FLOAT16 ? 1000 : 0x1p18);
    if (dtype != TARN_FLOAT32) test_softmax(dtype, shapes[4], -2, 0, dtype == TARN_FLOAT16 ? 1000 : 0x1p15);
    test_softmax_specials(dtype, -2);
    if (dtype != TARN_FLOAT16) test_softmax_risen(dtype);
    if (!in_rounds()) return;
    int64_t rows = 2100, columns = dtype == TARN_FLOAT32 ? 2112 : 4224, some = 48, bytes = dtype_bytes(dtype);
    operand x = randomized(dtype, DIMS(rows, columns), DOMAIN_ANY), few = make(dtype, DIMS(rows, some)),
            got = make(dtype, DIMS(rows, columns)), alone = make(dtype, DIMS(rows, some));
    attributes_softmax a = {.axis = -2};
    for (int64_t i = 0; i < rows; i++)
        memcpy((char *)few.data + i * some * bytes, (char *)x.data + (i * columns + 70) * bytes,
               (size_t)(some * bytes));
    CHECK(run_call(&backend_cpu, CALL(softmax, &a, &got, x)), "%s", tarn_error());
    CHECK(run_call(&backend_cpu, CALL(softmax, &a, &alone, few)), "%s", tarn_error());
    for (int64_t i = 0; i < rows; i++)
        CHECK(!memcmp((char *)alone.data + i * some * bytes, (char *)got.data + (i * columns + 70) * bytes,
                      (size_t)(some * bytes)),
              "columns of row %lld depend on others", (long long)i);
}

/* ---- rms_norm */
static void test_rms_norm(tarn_dtype dtype, tarn_ints shape, int layout, bool weighted) {
    operand x = laid_out(dtype, shape, DOMAIN_ANY, layout), got = make(dtype, shape), expected = make(dtype, shape);
    int64_t n = shape.values[shape.count - 1], rows = operand_size(&x) / (n ? n : 1);
    operand weight = randomized(dtype, DIMS(n), DOMAIN_ANY), absent = {0};
    attributes_rms_norm a = {.eps = 1e-3};
    for (int64_t row = 0; n && row < rows; row++) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++) sum += get(&x, row * n + i) * get(&x, row * n + i);
        for (int64_t i = 0; i < n; i++) {
            double y = get(&x, row * n + i) / sqrt(sum / (double)n + (double)(float)a.eps);
            if (weighted) y = rounded(y, dtype) * get(&weight, i);
            put(&expected, row * n + i, y);
        }
    }
    CHECK(run_call(&backend_cpu, CALL(rms_norm, &a, &got, x, weighted ? weight : absent)), "%s", tarn_error());
    /* One unit of the row before the weight is up to two after it. */
    compare(&got, &expected, dtype == TARN_FLOAT32 ? 6 : 2, NULL, "rms_norm");
}

/* ---- layer_norm */
static void test_layer_norm(tarn_dtype dtype, tarn_ints shape, int layout, int parts) {
    operand x = laid_out(dtype, shape, DOMAIN_ANY, layout), got = make(dtype, shape), expected = make(dtype, shape);
    operand scale = make(TARN_FLOAT64, shape); /* what the weight makes of a unit of the row */
    int64_t n = shape.values[shape.count - 1], rows = operand_size(&x) / (n ? n : 1);
    operand weight = randomized(dtype, DIMS(n), DOMAIN_ANY), bias = randomized(dtype, DIMS(n), DOMAIN_ANY),
            absent = {0};
    attributes_layer_norm a = {.eps = 1e-3};
    for (int64_t row = 0; n && row < rows; row++) {
        double mean = 0, sum = 0;
        for (int64_t i = 0; i < n; i++) mean += get(&x, row * n + i) / (double)n;
        for (int64_t i = 0; i < n; i++) sum += pow(get(&x, row * n + i) - mean, 2);
        for (int64_t i = 0; i < n; i++) {
            double y = (get(&x, row * n + i) - mean) / sqrt(sum / (double)n + (double)(float)a.eps), size = fabs(y) + 1;
            if (parts > 0) y = rounded(y, dtype) * get(&weight, i), size *= fabs(get(&weight, i));
            if (parts > 1) y = rounded(y, dtype) + get(&bias, i);
            put(&expected, row * n + i, y), put(&scale, row * n + i, size);
        }
    }
    CHECK(run_call(&backend_cpu, CALL(layer_norm, &a, &got, x, parts > 0 ? weight : absent, parts > 1 ? bias : absent)),
          "%s", tarn_error());
    compare(&got, &expected, dtype == TARN_FLOAT32 ? 16 : 2, &scale, "layer_norm");
}

/* ---- var of the last `axes` axes */
static void test_var(tarn_dtype dtype, tarn_ints shape, int axes) {
    if (!in_rounds()) return;
    operand x = randomized(dtype, shape, DOMAIN_ANY);
    int64_t kept = shape.count - axes, n = 1, list[4], rows = 1;
    for (int64_t i = 0; i < kept; i++) rows *= shape.values[i];
    for (int64_t i = kept; i < shape.count; i++) n *= shape.values[i], list[i - kept] = i;
    tarn_ints outer = {shape.values, kept};
    operand got = make(dtype, outer), expected = make(dtype, outer), one = make(TARN_FLOAT64, outer);
    for (int64_t row = 0; row < rows; row++) {
        double mean = 0, sum = 0;
        for (int64_t i = 0; i < n; i++) mean += get(&x, row * n + i) / (double)n;
        for (int64_t i = 0; i < n; i++) sum += pow(get(&x, row * n + i) - mean, 2);
        put(&expected, row, sum / (double)(n - 1)), put(&one, row, 1);
    }
    attributes_var a = {.axes = {list, axes}, .ddof = 1};
    CHECK(run_call(&backend_cpu, CALL(var, &a, &got, x)), "%s", tarn_error());
    compare(&got, &expected, dtype == TARN_FLOAT32 ? 32 : 1, &one, "var");
}

/* ---- var of the first axes, [n, columns]: short rows fold side by side, many are cut into chunks */
static void test_var_columns(tarn_dtype dtype, int64_t n, int64_t columns) {
    if (!in_rounds()) return;
    operand x = randomized(dtype, DIMS(n, columns), DOMAIN_ANY), got = make(dtype, DIMS(columns)),
            expected = make(dtype, DIMS(columns)), one = make(TARN_FLOAT64, DIMS(columns));
    for (int64_t column = 0; column < columns; column++) {
        double mean = 0, sum = 0;
        for (int64_t i = 0; i < n; i++) mean += get(&x, i * columns + column) / (double)n;
        for (int64_t i = 0; i < n; i++) sum += pow(get(&x, i * columns + column) - mean, 2);
        put(&expected, column, sum / (double)(n - 1)), put(&one, column, 1);
    }
    attributes_var a = {.axes = TARN_INTS(0), .ddof = 1};
    CHECK(run_call(&backend_cpu, CALL(var, &a, &got, x)), "%s", tarn_error());
    compare(&got, &expected, dtype == TARN_FLOAT32 ? 32 : dtype == TARN_FLOAT64 ? 256 : 1, &one, "var of columns");
}

/* Rows that go past the caches are those that do not. */
static void test_large_rows(tarn_dtype dtype) {
    if (!in_rounds()) return;
    int64_t rows = 1100, n = dtype == TARN_FLOAT32 ? 4096 : 8192;
    operand x = randomized(dtype, DIMS(rows, n), DOMAIN_ANY), got = make(dtype, DIMS(rows, n)), last = x,
            one = make(dtype, DIMS(1, n));
    int64_t bytes = n * dtype_bytes(dtype);
    last.data = (char *)x.data + (rows - 1) * bytes;
    last.shape = one.shape;
    attributes_rms_norm a = {.eps = 1e-3};
    attributes_layer_norm l = {.eps = 1e-3};
    call all[] = {CALL(softmax, &last_axis, &got, x), CALL(rms_norm, &a, &got, x), CALL(layer_norm, &l, &got, x)};
    call single[] = {CALL(softmax, &last_axis, &one, last), CALL(rms_norm, &a, &one, last),
                     CALL(layer_norm, &l, &one, last)};
    for (int i = 0; i < 3; i++) {
        CHECK(run_call(&backend_cpu, all[i]) && run_call(&backend_cpu, single[i]), "%s", tarn_error());
        CHECK(!memcmp((char *)got.data + (rows - 1) * bytes, one.data, (size_t)bytes), "%s of many rows",
              op_name(all[i].op));
    }
}

/* ---- rope */
typedef struct {
    attributes_rope attributes;
    bool freqs, rows; /* given; an offset for each batch row */
    int layout;
} rope_case;

static void test_rope(tarn_dtype dtype, tarn_ints shape, rope_case t) {
    if (!in_rounds()) return;
    operand x = laid_out(dtype, shape, DOMAIN_ANY, t.layout), got = make(dtype, shape);
    int64_t length = shape.values[shape.count - 2], dim = shape.values[shape.count - 1], batch = shape.values[0],
            n = operand_size(&x);
    int64_t dims = t.attributes.dims ? t.attributes.dims : dim, half = dims / 2;
    operand offset = t.rows ? make(TARN_INT32, DIMS(batch)) : filled(TARN_INT32, TARN_0D, VALUES(5)),
            freqs = make(TARN_FLOAT32, DIMS(half));
    for (int64_t i = 0; t.rows && i < batch; i++) put(&offset, i, (double)(7 * i + 1));
    for (int64_t i = 0; i < half; i++) put(&freqs, i, 1.0 + (double)i * 1.5);
    operand absent = {0};
    CHECK(run_call(&backend_cpu, CALL(rope, &t.attributes, &got, x, offset, t.freqs ? freqs : absent)), "%s",
          tarn_error());
    for (int64_t at = 0; at < n; at++) {
        int64_t i = at % dim, row = at / dim, pair = t.attributes.traditional ? i / 2 : i % half;
        if (i >= dims) {
            CHECK(get(&got, at) == get(&x, at), "rope: element %lld does not turn", (long long)i);
            continue;
        }
        bool second = t.attributes.traditional ? i % 2 == 1 : i >= half;
        double position = (double)(row % length) + get(&offset, t.rows ? at / (n / batch) : 0);
        double turn = t.freqs ? 1 / get(&freqs, pair) : pow(t.attributes.base, -(double)pair / (double)half);
        double theta = position * t.attributes.scale * turn;
        int64_t mate = t.attributes.traditional ? (second ? at - 1 : at + 1) : (second ? at - half : at + half);
        double u = get(&x, second ? mate : at), v = get(&x, second ? at : mate);
        double expected = second ? u * sin(theta) + v * cos(theta) : u * cos(theta) - v * sin(theta);
        double size = fabs(u) + fabs(v), error = fabs(get(&got, at) - expected);
        double unit = ldexp(size, -bits_of_mantissa(dtype) - 1) + size * fabs(theta) * 4e-7 + size * 3e-7;
        CHECK(error <= unit, "rope %s [%lld]: %g instead of %g", dtype_facts[dtype].name, (long long)at, get(&got, at),
              expected);
    }
}

static void test_ropes(tarn_dtype dtype) {
    attributes_rope plain = {.base = 10000, .scale = 1}, part = {.dims = 12, .base = 500, .scale = 0.5};
    attributes_rope pairs = {.traditional = true, .base = 10000, .scale = 1};
    test_rope(dtype, DIMS(2, 3, 5, 64), (rope_case){plain, false, false, 0});
    test_rope(dtype, DIMS(2, 3, 5, 40), (rope_case){plain, true, true, 0});
    test_rope(dtype, DIMS(2, 3, 1, 22), (rope_case){part, false, true, 0});
    test_rope(dtype, DIMS(3, 4, 18), (rope_case){pairs, false, true, 0});
    test_rope(dtype, DIMS(2, 8, 300, 32), (rope_case){plain, false, true, 4});
}

static void test_set(void) {
    for (int d = 0; d < 3; d++) {
        const tarn_ints shapes[] = {DIMS(1),    DIMS(3, 16), DIMS(2, 3, 37), DIMS(4, 600),  DIMS(2, 2000),
                                    DIMS(0, 5), DIMS(5, 0),  DIMS(400, 130), DIMS(2, 16399)};
        for (int s = 0; s < 9; s++) {
            if (!in_rounds()) continue;
            test_softmax(dtypes[d], shapes[s], -1, 0, 1);
            test_softmax(dtypes[d], shapes[s], -1, 0, 10);
            test_softmax(dtypes[d], shapes[s], -1, 0, dtypes[d] == TARN_FLOAT16 ? 1000 : 0x1p90);
            test_rms_norm(dtypes[d], shapes[s], 0, false);
            test_rms_norm(dtypes[d], shapes[s], 0, true);
            for (int parts = 0; parts < 3; parts++) test_layer_norm(dtypes[d], shapes[s], 0, parts);
            if (shapes[s].count > 1) test_layer_norm(dtypes[d], shapes[s], 4, 2);
            if (shapes[s].count > 1) test_softmax(dtypes[d], shapes[s], -1, 4, 1);
            if (shapes[s].count > 1) test_rms_norm(dtypes[d], shapes[s], 4, true);
        }
        test_softmax_specials(dtypes[d], -1);
        for (int64_t i = 0; i < 10; i++) test_norm_specials(dtypes[d], i % 5, 16 * i + i % 2, i % 3 ? NAN : INFINITY);
        test_softmax_columns(dtypes[d]);
        test_ropes(dtypes[d]);
        test_large_rows(dtypes[d]);
        test_var(dtypes[d], DIMS(3, 37), 1);
        test_var(dtypes[d], DIMS(2, 5, 70), 2);
        test_var(dtypes[d], DIMS(4, 2000), 1);
        test_var_columns(dtypes[d], 1100, 30);
        test_var_columns(dtypes[d], 37, 100);
        test_var_columns(dtypes[d], 1030, 700);
    }
}

int main(void) {
    for (int isa = ISA_BASELINE; isa < ISA_COUNT; isa++) {
        if (!cpu_limit(cpu_isa_levels[isa])) {
            printf("skipped: no %s\n", cpu_isa_levels[isa]->name);
            continue;
        }
        parallel_set_threads(isa == ISA_AVX2 ? 3 : 0);
        test_set();
        printf("%s: %d checks, %d failures\n", cpu_isa_levels[isa]->name, checks, failures);
    }
    return failures != 0;
}
