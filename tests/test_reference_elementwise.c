/* Elementwise groups of the reference: integer functions over every pair of bytes, special values, conversions between
   all dtypes, rounding between instructions, several outputs, strided, broadcast, empty and 0-d operands. */
#include "kernel_calls.h"

static const backend *const reference = &backend_reference;
static const double inf = (double)INFINITY, nan_ = (double)NAN;

static operand apply(op_id op, operand *inputs, int count, tarn_dtype dtype) {
    operand out = make(dtype, (tarn_ints){inputs[0].shape, inputs[0].ndim});
    CHECK(run_elementwise(reference, op, &out, inputs, count), "%s: %s", op_name(op), tarn_error());
    tarn_clear_error();
    return out;
}
#define APPLY(op, dtype, ...) apply(OP_##op, OPERANDS(__VA_ARGS__), OPERAND_COUNT(__VA_ARGS__), dtype)

static double one(op_id op, tarn_dtype dtype, double x, double y) {
    operand inputs[2] = {filled(dtype, DIMS(1), &x), filled(dtype, DIMS(1), &y)};
    operand out = apply(op, inputs, op_facts[op].most_inputs, op_facts[op].result == RESULT_TRUTH ? TARN_BOOL : dtype);
    return get(&out, 0);
}

static bool same(double a, double b) {
    return a == b ? signbit(a) == signbit(b) || a != 0 : isnan(a) && isnan(b);
}
#define EXPECT(op, dtype, x, y, wanted)                                                                                \
    CHECK(same(one(OP_##op, dtype, x, y), wanted), "%s(%g, %g) of %s is %.17g, not %.17g", #op, (double)(x),           \
          (double)(y), dtype_facts[dtype].name, one(OP_##op, dtype, x, y), (double)(wanted))

/* ---- integers of 8 bits: all pairs, against long arithmetic that is wrapped afterwards */
static int64_t floor_quotient(int64_t x, int64_t y) {
    return y ? (int64_t)floor((double)x / (double)y) : 0;
}
static int64_t whole_power(int64_t x, int64_t y) {
    uint64_t result = 1;
    if (y < 0) return x == 1 ? 1 : x == -1 ? (y % 2 ? -1 : 1) : 0;
    for (int64_t i = 0; i < y; i++) result *= (uint64_t)x;
    return (int64_t)result;
}
static int64_t shifted_left(int64_t x, int64_t y) {
    return y >= 0 && y < 8 ? x * (1 << y) : 0;
}
static int64_t shifted_right(int64_t x, int64_t y) {
    return y >= 0 && y < 8 ? (int64_t)floor((double)x / (1 << y)) : x < 0 ? -1 : 0;
}
static int64_t sum(int64_t x, int64_t y) {
    return x + y;
}
static int64_t difference(int64_t x, int64_t y) {
    return x - y;
}
static int64_t times(int64_t x, int64_t y) {
    return x * y;
}
static int64_t rest(int64_t x, int64_t y) {
    return y ? x - y * floor_quotient(x, y) : 0;
}

static void test_bytes(op_id op, int64_t (*model)(int64_t, int64_t), tarn_dtype dtype) {
    operand x = make(dtype, DIMS(256, 256)), y = make(dtype, DIMS(256, 256));
    bool is_unsigned = dtype == TARN_UINT8;
    for (int i = 0; i < 65536; i++) {
        put(&x, i, i / 256 - (is_unsigned ? 0 : 128));
        put(&y, i, i % 256 - (is_unsigned ? 0 : 128));
    }
    operand out = apply(op, (operand[]){x, y}, 2, dtype);
    for (int i = 0; i < 65536; i++) {
        int64_t wanted = model((int64_t)get(&x, i), (int64_t)get(&y, i));
        wanted = is_unsigned ? (uint8_t)wanted : (int8_t)wanted;
        CHECK((int64_t)get(&out, i) == wanted, "%s(%g, %g) of %s is %g, not %lld", op_name(op), get(&x, i), get(&y, i),
              dtype_facts[dtype].name, get(&out, i), (long long)wanted);
    }
    free(x.data), free(y.data), free(out.data);
}

static void test_integers(void) {
    static const tarn_dtype bytes[] = {TARN_INT8, TARN_UINT8};
    for (int i = 0; i < 2; i++) {
        test_bytes(OP_add, sum, bytes[i]);
        test_bytes(OP_subtract, difference, bytes[i]);
        test_bytes(OP_multiply, times, bytes[i]);
        test_bytes(OP_floor_divide, floor_quotient, bytes[i]);
        test_bytes(OP_remainder, rest, bytes[i]);
        test_bytes(OP_power, whole_power, bytes[i]);
        test_bytes(OP_left_shift, shifted_left, bytes[i]);
        test_bytes(OP_right_shift, shifted_right, bytes[i]);
    }
    int64_t low = INT64_MIN, minus = -1, zero = 0;
    operand x = make(TARN_INT64, DIMS(1)), y = make(TARN_INT64, DIMS(1)), out = make(TARN_INT64, DIMS(1));
    memcpy(x.data, &low, 8);
    memcpy(y.data, &minus, 8);
    CHECK(run_elementwise(reference, OP_floor_divide, &out, (operand[]){x, y}, 2) && *(int64_t *)out.data == INT64_MIN);
    CHECK(run_elementwise(reference, OP_remainder, &out, (operand[]){x, y}, 2) && *(int64_t *)out.data == 0);
    CHECK(run_elementwise(reference, OP_negative, &out, &x, 1) && *(int64_t *)out.data == INT64_MIN);
    CHECK(run_elementwise(reference, OP_abs, &out, &x, 1) && *(int64_t *)out.data == INT64_MIN);
    CHECK(run_elementwise(reference, OP_add, &out, (operand[]){x, y}, 2) && *(int64_t *)out.data == INT64_MAX);
    memcpy(y.data, &zero, 8);
    CHECK(run_elementwise(reference, OP_floor_divide, &out, (operand[]){x, y}, 2) && *(int64_t *)out.data == 0);
    uint64_t high = UINT64_MAX;
    operand u = make(TARN_UINT64, DIMS(1)), v = filled(TARN_UINT64, DIMS(1), VALUES(10)),
            w = make(TARN_UINT64, DIMS(1));
    memcpy(u.data, &high, 8);
    CHECK(run_elementwise(reference, OP_floor_divide, &w, (operand[]){u, v}, 2) &&
          *(uint64_t *)w.data == UINT64_MAX / 10);
    CHECK(run_elementwise(reference, OP_maximum, &w, (operand[]){u, v}, 2) && *(uint64_t *)w.data == UINT64_MAX);
}

/* ---- floats */
static void test_special(void) {
    static const tarn_dtype floats[] = {TARN_FLOAT16, TARN_BFLOAT16, TARN_FLOAT32, TARN_FLOAT64};
    for (int i = 0; i < 4; i++) {
        tarn_dtype d = floats[i];
        EXPECT(maximum, d, nan_, 1, nan_);
        EXPECT(maximum, d, 1, nan_, nan_);
        EXPECT(minimum, d, nan_, -inf, nan_);
        EXPECT(minimum, d, 1, nan_, nan_);
        EXPECT(maximum, d, -inf, 3, 3);
        EXPECT(logaddexp, d, -inf, -inf, -inf);
        EXPECT(logaddexp, d, inf, inf, inf);
        EXPECT(logaddexp, d, inf, -inf, inf);
        EXPECT(sign, d, -0.0, 0, -0.0);
        EXPECT(sign, d, nan_, 0, nan_);
        EXPECT(sqrt, d, -1, 0, nan_);
        EXPECT(log, d, 0, 0, -inf);
        EXPECT(round, d, 2.5, 0, 2);
        EXPECT(round, d, -0.5, 0, -0.0);
        EXPECT(floor_divide, d, -7, 2, -4);
        EXPECT(remainder, d, -7, 2, 1);
        EXPECT(remainder, d, 7, -2, -1);
        EXPECT(sigmoid, d, -inf, 0, 0);
        EXPECT(sigmoid, d, inf, 0, 1);
        EXPECT(equal, d, nan_, nan_, 0);
        EXPECT(not_equal, d, nan_, nan_, 1);
        EXPECT(less_equal, d, nan_, 1, 0);
        EXPECT(greater_equal, d, 2, 2, 1);
        EXPECT(isnan, d, nan_, 0, 1);
        EXPECT(isinf, d, -inf, 0, 1);
        EXPECT(isinf, d, nan_, 0, 0);
        EXPECT(logical_not, d, nan_, 0, 0);
        EXPECT(erfinv, d, 1, 0, inf);
        EXPECT(erfinv, d, -1, 0, -inf);
        EXPECT(erfinv, d, 2, 0, nan_);
        EXPECT(erfinv, d, -0.0, 0, -0.0);
        EXPECT(power, d, 0, 0, 1);
        EXPECT(arctan2, d, -0.0, -1, (one(OP_negative, d, acos(-1), 0)));
    }
    EXPECT(multiply, TARN_FLOAT16, 300, 300, inf); /* rounding to the dtype overflows */
    EXPECT(add, TARN_FLOAT32, 16777216, 1, 16777216);
    EXPECT(add, TARN_BFLOAT16, 256, 1, 256);
}

/* erf of the result must be x to within the spacing of doubles around x; the derivative says what that means for the
 * result. */
static void test_erfinv(void) {
    for (int i = -4000; i <= 4000; i++) {
        double x = i / 4001.0, y = one(OP_erfinv, TARN_FLOAT64, x, 0);
        long double slope = 2 / sqrtl(acosl(-1.0L)) * expl(-(long double)y * y);
        long double error = fabsl(erfl(y) - (long double)x) / slope;
        CHECK(error <= 1.01L * (long double)(nextafter(fabs(y), inf) - fabs(y)) / 2, "erfinv(%g) is off by %Lg", x,
              error);
    }
    for (double tiny = 1e-1; tiny > 1e-300; tiny /= 7) {
        double y = one(OP_erfinv, TARN_FLOAT64, tiny, 0);
        CHECK(fabsl(erfl(y) / (long double)tiny - 1) < 3e-16L, "erfinv(%g) is %g", tiny, y);
        double near = 1 - tiny, z = one(OP_erfinv, TARN_FLOAT64, near, 0);
        if (near < 1) CHECK(fabsl(erfcl(z) / (1 - (long double)near) - 1) < 2e-14L, "erfinv(1 - %g) is %g", tiny, z);
    }
}

/* ---- astype, all pairs */
static double converted(double x, tarn_dtype to) {
    if (to == TARN_BOOL) return x != 0;
    int bits = (int)dtype_bytes(to) * 8;
    if (dtype_kind_of(to) == KIND_INT)
        return dtype_is_unsigned(to) ? (double)double_to_unsigned(x, bits) : (double)double_to_signed(x, bits);
    if (to == TARN_FLOAT16) return (double)float16_to_float(double_to_float16(x));
    if (to == TARN_BFLOAT16) return (double)bfloat16_to_float(double_to_bfloat16(x));
    return to == TARN_FLOAT64 ? x : (double)(float)x;
}

static double converted_integer(int64_t x, tarn_dtype to) {
    if (dtype_kind_of(to) != KIND_INT) return converted((double)x, to);
    int bits = (int)dtype_bytes(to) * 8;
    return dtype_is_unsigned(to) ? (double)wrap_unsigned((uint64_t)x, bits) : (double)wrap_signed(x, bits);
}

static void test_astype(void) {
    const double points[] = {0,     -0.0, 1,    -1,   2.5,  -3.75, 100,  200,  -200, 40000,
                             70000, 3e9,  -3e9, 1e19, 1e30, inf,   -inf, nan_, 1.5,  0.1};
    enum { POINTS = sizeof points / sizeof *points };
    for (int from = 0; from < TARN_DTYPE_COUNT; from++)
        for (int to = 0; to < TARN_DTYPE_COUNT; to++) {
            bool whole = dtype_kind_of((tarn_dtype)from) <= KIND_INT;
            operand x = make((tarn_dtype)from, DIMS(POINTS));
            for (int i = 0; i < POINTS; i++)
                put(&x, i, whole ? (i * 37 % 127) - (dtype_is_unsigned((tarn_dtype)from) ? 0 : 60) : points[i]);
            operand out = apply(OP_astype, &x, 1, (tarn_dtype)to);
            for (int i = 0; i < POINTS; i++) {
                double v = get(&x, i),
                       wanted = whole ? converted_integer((int64_t)v, (tarn_dtype)to) : converted(v, (tarn_dtype)to);
                CHECK(same(get(&out, i), wanted), "%s %g as %s is %.17g, not %.17g", dtype_facts[from].name, v,
                      dtype_facts[to].name, get(&out, i), wanted);
            }
        }
}

/* ---- complex */
static void test_complex(void) {
    float xs[4] = {3, 4, 0, -2}, ys[4] = {1, -1, 2, 0};
    operand x = make(TARN_COMPLEX64, DIMS(2)), y = make(TARN_COMPLEX64, DIMS(2));
    memcpy(x.data, xs, sizeof xs);
    memcpy(y.data, ys, sizeof ys);
    operand product = APPLY(multiply, TARN_COMPLEX64, x, y);
    const float *p = product.data;
    CHECK(p[0] == 7 && p[1] == 1 && p[2] == 0 && p[3] == -4, "(3+4i)(1-i), -2i * 2");
    operand size = APPLY(abs, TARN_FLOAT32, x), imaginary = APPLY(imag, TARN_FLOAT32, x),
            different = APPLY(not_equal, TARN_BOOL, x, y);
    CHECK(get(&size, 0) == 5 && get(&size, 1) == 2 && get(&imaginary, 0) == 4 && get(&imaginary, 1) == -2);
    CHECK(get(&different, 0) == 1 && get(&different, 1) == 1);
    operand conjugate = APPLY(conjugate, TARN_COMPLEX64, x), real = APPLY(astype, TARN_INT8, x);
    CHECK(((float *)conjugate.data)[1] == -4 && get(&real, 0) == 3);
    operand truths = APPLY(astype, TARN_BOOL, x);
    CHECK(get(&truths, 0) == 1 && get(&truths, 1) == 1, "an imaginary number is not zero");
}

/* ---- groups */
static void test_where(void) {
    operand test = filled(TARN_BOOL, DIMS(4), VALUES(1, 0, 1, 0));
    for (int d = 0; d < TARN_DTYPE_COUNT; d++) {
        operand x = filled((tarn_dtype)d, DIMS(4), VALUES(1, 1, 0, 0)),
                y = filled((tarn_dtype)d, DIMS(4), VALUES(0, 1, 1, 1));
        operand out = APPLY(where, (tarn_dtype)d, test, x, y);
        for (int i = 0; i < 4; i++)
            CHECK(get(&out, i) == (i % 2 ? 1 : i == 0), "where of %s [%d]", dtype_facts[d].name, i);
    }
}

/* r2 = bfloat16(x) + bfloat16(x); r3 = float32 of it; r4 = r3 > x, and all of them as outputs but the unread first. */
static void test_program(int64_t n) {
    operand x = make(TARN_FLOAT32, DIMS(n)),
            outs[3] = {make(TARN_BFLOAT16, DIMS(n)), make(TARN_FLOAT32, DIMS(n)), make(TARN_BOOL, DIMS(n))};
    for (int64_t i = 0; i < n; i++) put(&x, i, 1.001 * (double)i);
    const group_instruction program[] = {
        {OP_astype, 1, {0, 0, 0}, TARN_FLOAT32, TARN_BFLOAT16},
        {OP_add, 2, {1, 1, 0}, TARN_BFLOAT16, TARN_BFLOAT16},
        {OP_astype, 3, {2, 0, 0}, TARN_BFLOAT16, TARN_FLOAT32},
        {OP_greater, 0, {3, 0, 0}, TARN_FLOAT32, TARN_BOOL}, /* into the register of x, which nobody needs any more */
    };
    const uint16_t loaded[] = {0}, stored[] = {2, 3, 0};
    group_program g = {1, 3, 4, 4, loaded, stored, program};
    operand first = outs[0];
    outs[0].data = NULL;
    call c = {.op = OP_group, .input_count = 1, .output_count = 3, .inputs = &x, .outputs = outs, .program = &g};
    CHECK(run_call(reference, c), "%s", tarn_error());
    for (int64_t i = 0; i < n; i++) {
        double half = (double)bfloat16_to_float(double_to_bfloat16(get(&x, i)));
        CHECK(get(&outs[1], i) == 2 * half && get(&outs[2], i) == (2 * half > get(&x, i)), "element %lld of %lld",
              (long long)i, (long long)n);
        CHECK(get(&first, i) == 0, "an output without memory was written");
    }
}

static void test_layouts(void) {
    for (int d = 0; d < TARN_DTYPE_COUNT; d++) {
        tarn_dtype t = (tarn_dtype)d;
        operand base = varied(t, DIMS(7, 5, 3)), back = transposed(base), out = make(t, DIMS(3, 5, 7));
        operand column = view(base, 0, DIMS(3, 5, 7), DIMS(0, 1, 0)),
                scalar = view(base, 4, DIMS(3, 5, 7), DIMS(0, 0, 0));
        CHECK(
            run_elementwise(reference, OP_where, &out, (operand[]){varied(TARN_BOOL, DIMS(3, 5, 7)), back, column}, 3));
        operand test = varied(TARN_BOOL, DIMS(3, 5, 7));
        for (int i = 0; i < 105; i++) CHECK(get(&out, i) == (get(&test, i) != 0 ? get(&back, i) : get(&column, i)));
        CHECK(run_elementwise(
            reference, OP_equal,
            &(operand){.data = test.data, .dtype = TARN_BOOL, .ndim = 3, .shape = test.shape, .strides = test.strides},
            (operand[]){back, scalar}, 2));
        for (int i = 0; i < 105; i++) CHECK((get(&test, i) != 0) == (get(&back, i) == get(&base, 4)));
        operand nothing = make(t, DIMS(4, 0, 2)), point = filled(t, (tarn_ints){NULL, 0}, VALUES(1));
        CHECK(run_elementwise(reference, OP_conjugate, &nothing, &nothing, 1), "empty");
        operand result = make(t, (tarn_ints){NULL, 0});
        CHECK(run_elementwise(reference, OP_conjugate, &result, &point, 1) && get(&result, 0) == 1, "0-d");
        CHECK(run_elementwise(reference, OP_add, &base, (operand[]){base, base}, 2), "in place");
    }
}

static void test_refused(void) {
    operand x = varied(TARN_INT32, DIMS(3)), out = make(TARN_INT32, DIMS(3));
    CHECK(!run_elementwise(reference, OP_exp, &out, &x, 1) && strstr(tarn_error(), "exp") &&
          strstr(tarn_error(), "int32"));
    tarn_clear_error();
}

int main(void) {
    test_integers();
    test_special();
    test_erfinv();
    test_astype();
    test_complex();
    test_where();
    for (int64_t n = 0; n < 70; n++) test_program(n);
    test_layouts();
    test_refused();
    printf("%d checks, %d failures: bytes exhaustively, special values of 4 float dtypes, %d x %d conversions, groups, "
           "layouts\n",
           checks, failures, TARN_DTYPE_COUNT, TARN_DTYPE_COUNT);
    return failures != 0;
}
