/* The CPU's block interpreter against the reference: every row of the table, every dtype, instruction set, layout and
   size; conversions between all dtypes; random programs that reuse registers; outputs in the memory of inputs. */
#include "cpu/cpu.h"
#include "cpu/elementwise/plan.h"
#include "base/threads.h"
#include "kernel_calls.h"
#include "rounds.h"
#include "row_results.h"

/* ---- single rows */
static bool run_on(const backend *b, const group_program *program, operand *inputs, operand *outputs) {
    return run_call(b, group_call(program, inputs, outputs));
}

static void test_row(op_id op, tarn_dtype dtype, tarn_ints shape, int layout) {
    if (!in_rounds()) return;
    single_row r;
    make_single_row(&r, op, dtype, shape, layout);
    operand got = make(r.out, shape), expected = make(r.out, shape);
    CHECK(run_on(&backend_cpu, &r.program, r.inputs, &got), "%s: %s", op_name(op), tarn_error());
    CHECK(run_on(&backend_reference, &r.program, r.inputs, &expected), "%s: %s", op_name(op), tarn_error());
    compare_row(&r, op, dtype, &got, &expected);
}

static void test_rows(void) {
    const tarn_ints shapes[] = {TARN_0D,    DIMS(0),       DIMS(1),         DIMS(15),
                                DIMS(1030), DIMS(3, 5, 7), DIMS(2, 33, 16), DIMS(4, 0, 3)};
    for (op_id op = 0; op < OP_COUNT; op++) {
        random_begin(op_name(op));
        for (int dtype = 0; dtype < TARN_DTYPE_COUNT; dtype++) {
            if (!accepts(op, (tarn_dtype)dtype)) continue;
            for (int s = 0; s < 8; s++) test_row(op, (tarn_dtype)dtype, shapes[s], s);
            test_row(op, (tarn_dtype)dtype, DIMS(1030), 0);
            test_row(op, (tarn_dtype)dtype, DIMS(40, 30), 1);
        }
    }
}

/* ---- special values */
static void test_special(op_id op, tarn_dtype dtype) {
    static const double floats[] = {0,     -0.0,  1,    -1,   0.5,   2,   -2,    3,    1e-40,    6e-8,      65504,
                                    65520, -89.2, 89.3, 88.8, -88.6, 710, 710.4, 3e38, INFINITY, -INFINITY, NAN};
    static const double whole[] = {0,
                                   1,
                                   -1,
                                   2,
                                   -2,
                                   3,
                                   7,
                                   8,
                                   15,
                                   31,
                                   32,
                                   63,
                                   64,
                                   127,
                                   -128,
                                   255,
                                   -2147483648.0,
                                   2147483647.0,
                                   -9223372036854775808.0};
    bool real = dtype_kind_of(dtype) == KIND_FLOAT;
    const double *values = real ? floats : whole;
    int64_t n = real ? 22 : 19;
    operand inputs[3];
    for (int i = 0; i < 3; i++) {
        bool truth = op_facts[op].inputs == INPUTS_CHOICE && i == 0;
        inputs[i] = make(truth ? TARN_BOOL : dtype, DIMS(n, n));
        for (int64_t j = 0; j < n * n; j++) {
            double x = values[i == 0 ? j / n : j % n];
            int64_t wrapped = real || x >= 0x1p62 ? 0 : (int64_t)x;
            if (real || truth)
                put(&inputs[i], j, x);
            else
                memcpy(place(&inputs[i], j), &wrapped, (size_t)dtype_bytes(dtype)); /* the low bytes */
        }
    }
    int count = op_facts[op].most_inputs;
    tarn_dtype out = result_dtype(op, dtype);
    group_instruction instruction = {(uint16_t)op, 3, {0, 1, 2}, (uint8_t)dtype, (uint8_t)out};
    group_program program = {count, 1, 1, 4, (uint16_t[]){0, 1, 2}, (uint16_t[]){3}, &instruction};
    operand got = make(out, DIMS(n, n)), expected = make(out, DIMS(n, n));
    CHECK(run_on(&backend_cpu, &program, inputs, &got) && run_on(&backend_reference, &program, inputs, &expected), "%s",
          op_name(op));
    for (int64_t i = 0; i < n * n; i++) {
        double a = get(&got, i), b = get(&expected, i);
        bool agree = real ? special_agrees(op, a, b, out) : difference(&got, &expected, i, 0) == 0;
        CHECK(agree, "%s %s(%g, %g): %.9g instead of %.9g", op_name(op), dtype_facts[dtype].name, get(&inputs[0], i),
              get(&inputs[1], i), a, b);
    }
}

/* Both inputs of complex rows are all numbers of two of these parts, each beside each. */
static const float special_parts[] = {0, -0.0F, 1, -2, 1e-45F, 3e38F, INFINITY, -INFINITY, NAN};
enum { PARTS = 9, COMPLEX_COUNT = PARTS * PARTS };

static bool part_agrees(float got, float expected, double size, bool any_zero, double tolerance) {
    if (isnan(expected) || isinf(expected) || !isfinite(got)) return got == expected || (isnan(got) && isnan(expected));
    if (got == 0 && expected == 0) return any_zero || signbit(got) == signbit(expected);
    return ulps((double)got, (double)expected, size, TARN_FLOAT32) <= tolerance;
}

static bool complex_agrees(op_id op, const operand *got, const operand *expected, int64_t i) {
    if (got->dtype != TARN_COMPLEX64) return difference(got, expected, i, 0) <= 1;
    float a[2], b[2];
    memcpy(a, place(got, i), sizeof a);
    memcpy(b, place(expected, i), sizeof b);
    double size = 0;
    for (int k = 0; k < 2; k++)
        if (isfinite(b[k])) size = fmax(size, fabs((double)b[k]));
    bool any_zero = op == OP_divide || op == OP_reciprocal || op == OP_rsqrt || op == OP_sign || op == OP_power;
    return part_agrees(a[0], b[0], size, any_zero, 8) && part_agrees(a[1], b[1], size, any_zero, 8);
}

static void test_complex_special(op_id op) {
    operand inputs[3];
    int count = op_facts[op].most_inputs, first = op_facts[op].inputs == INPUTS_CHOICE;
    for (int i = 0; i < 3; i++) {
        inputs[i] = make(i < first ? TARN_BOOL : TARN_COMPLEX64, DIMS(COMPLEX_COUNT, COMPLEX_COUNT));
        for (int64_t j = 0; j < COMPLEX_COUNT * COMPLEX_COUNT; j++) {
            int64_t which = i == first ? j / COMPLEX_COUNT : j % COMPLEX_COUNT;
            if (i < first)
                put(&inputs[i], j, j % 3 == 0);
            else
                memcpy(place(&inputs[i], j), (float[]){special_parts[which / PARTS], special_parts[which % PARTS]}, 8);
        }
    }
    tarn_dtype out = result_dtype(op, TARN_COMPLEX64);
    group_instruction instruction = {(uint16_t)op, 3, {0, 1, 2}, TARN_COMPLEX64, (uint8_t)out};
    group_program program = {count, 1, 1, 4, (uint16_t[]){0, 1, 2}, (uint16_t[]){3}, &instruction};
    operand got = make(out, DIMS(COMPLEX_COUNT, COMPLEX_COUNT)),
            expected = make(out, DIMS(COMPLEX_COUNT, COMPLEX_COUNT));
    CHECK(run_on(&backend_cpu, &program, inputs, &got) && run_on(&backend_reference, &program, inputs, &expected), "%s",
          op_name(op));
    for (int64_t i = 0; i < COMPLEX_COUNT * COMPLEX_COUNT; i++) {
        float x[2], y[2], a[2] = {0}, b[2] = {0};
        memcpy(x, place(&inputs[first], i), sizeof x);
        memcpy(y, place(&inputs[first + 1], i), sizeof y);
        if (op == OP_power && !(fabsf(y[0]) < 50 && fabsf(y[1]) < 50)) continue;
        memcpy(a, place(&got, i), (size_t)dtype_bytes(out));
        memcpy(b, place(&expected, i), (size_t)dtype_bytes(out));
        CHECK(complex_agrees(op, &got, &expected, i), "%s(%g %gi, %g %gi): %.9g %.9gi instead of %.9g %.9gi",
              op_name(op), (double)x[0], (double)x[1], (double)y[0], (double)y[1], (double)a[0], (double)a[1],
              (double)b[0], (double)b[1]);
    }
}

/* Quotients of doubles end at 2^51: lines of numbers up to there alone, and with some beyond. */
static void test_wide_quotients(op_id op, tarn_dtype dtype, int most) {
    const int64_t edge = INT64_C(1) << 51;
    const int64_t xs[] = {edge - 1, 1 - edge, -edge, edge, edge + 1, -edge - 1}, ys[] = {1, -1, 0, 2, -3, edge - 1};
    operand inputs[2] = {make(dtype, DIMS(36)), make(dtype, DIMS(36))};
    operand got = make(dtype, DIMS(36)), expected = make(dtype, DIMS(36));
    for (int i = 0; i < 36; i++) {
        int64_t x = xs[i / 6 % most], y = ys[i % 6];
        if (dtype == TARN_UINT64) x = x < 0 ? -x : x, y = y < 0 ? -y : y;
        memcpy(place(&inputs[0], i), &x, sizeof x);
        memcpy(place(&inputs[1], i), &y, sizeof y);
    }
    CHECK(run_elementwise(&backend_cpu, op, &got, inputs, 2) &&
              run_elementwise(&backend_reference, op, &expected, inputs, 2),
          "%s", op_name(op));
    compare(&got, &expected, 0, NULL, op_name(op));
}

static void test_specials(void) {
    for (op_id op = 0; op < OP_COUNT; op++)
        for (int dtype = 0; dtype < TARN_DTYPE_COUNT; dtype++)
            if (dtype != TARN_BOOL && dtype != TARN_COMPLEX64 && accepts(op, (tarn_dtype)dtype))
                test_special(op, (tarn_dtype)dtype);
    for (op_id op = 0; op < OP_COUNT; op++)
        if (accepts(op, TARN_COMPLEX64)) test_complex_special(op);
    for (int most = 1; most <= 6; most++) {
        test_wide_quotients(OP_floor_divide, TARN_INT64, most);
        test_wide_quotients(OP_remainder, TARN_INT64, most);
        test_wide_quotients(OP_floor_divide, TARN_UINT64, most);
        test_wide_quotients(OP_remainder, TARN_UINT64, most);
    }
}

/* ---- neighbours: the bits of an element do not depend on which others share its vector */
static double any_size(void) {
    static const double special[] = {0, -0.0, 1, -1, INFINITY, -INFINITY, NAN, 3e38};
    uint64_t bits = random_bits();
    if (bits % 32 == 0) return special[bits / 32 % 8];
    return ldexp((double)(bits >> 32) / 0x1p32 - 0.5,
                 bits / 8 % 4 ? (int)(bits / 64 % 12) - 3 : (int)(bits / 64 % 80) - 30);
}

static void put_any_size(operand *x, int64_t i) {
    float parts[] = {(float)any_size(), (float)any_size()};
    if (x->dtype == TARN_COMPLEX64)
        memcpy(place(x, i), parts, sizeof parts);
    else
        put(x, i, any_size());
}

static bool same_parts(const float *a, const float *b) {
    for (int i = 0; i < 2; i++)
        if (!(isnan(a[i]) && isnan(b[i])) && memcmp(&a[i], &b[i], sizeof *a) != 0) return false;
    return true;
}

static bool same_bits(const operand *a, int64_t i, const operand *b, int64_t k) {
    if (a->dtype == TARN_COMPLEX64) return same_parts(place(a, i), place(b, k));
    double x = get(a, i), y = get(b, k);
    return (isnan(x) && isnan(y)) || memcmp(place(a, i), place(b, k), (size_t)dtype_bytes(a->dtype)) == 0;
}

static void test_neighbours_of(op_id op, tarn_dtype dtype) {
    enum { COUNT = 1003 };
    single_row all, one;
    make_single_row(&all, op, dtype, DIMS(COUNT), 0);
    make_single_row(&one, op, dtype, DIMS(1), 0);
    operand got = make(all.out, DIMS(COUNT)), alone = make(all.out, DIMS(1));
    int inputs = op_facts[op].most_inputs, first = op_facts[op].inputs == INPUTS_CHOICE;
    for (int i = 0; i < COUNT * inputs; i++)
        if (i / COUNT >= first) put_any_size(&all.inputs[i / COUNT], i % COUNT);
    CHECK(run_on(&backend_cpu, &all.program, all.inputs, &got), "%s: %s", op_name(op), tarn_error());
    for (int64_t i = 0; i < COUNT; i++) {
        for (int k = 0; k < inputs; k++)
            memcpy(one.inputs[k].data, place(&all.inputs[k], i), (size_t)dtype_bytes(one.inputs[k].dtype));
        CHECK(run_on(&backend_cpu, &one.program, one.inputs, &alone), "%s: %s", op_name(op), tarn_error());
        CHECK(same_bits(&got, i, &alone, 0), "%s %s(%.9g, %.9g): %.17g beside others, %.17g alone", op_name(op),
              dtype_facts[dtype].name, get(&all.inputs[0], i), inputs > 1 ? get(&all.inputs[1], i) : 0, get(&got, i),
              get(&alone, 0));
    }
}

static void test_neighbours(void) {
    random_begin("neighbours");
    for (op_id op = 0; op < OP_COUNT; op++)
        for (int dtype = 0; dtype < TARN_DTYPE_COUNT; dtype++)
            if (dtype_kind_of((tarn_dtype)dtype) >= KIND_FLOAT && accepts(op, (tarn_dtype)dtype))
                test_neighbours_of(op, (tarn_dtype)dtype);
}

/* ---- conversions */
static void test_conversion(tarn_dtype from, tarn_dtype to) {
    static const double values[] = {
        0,        -0.0,      1,     -1,    1.5,          2.5,          -2.5,         127.7,         128,      255,
        256,      -129,      32768, 65519, 65520,        1e-7,         3e-8,         2.98e-8,       1e10,     -1e10,
        1e20,     -1e20,     3e38,  4e38,  2147483648.0, 4294967295.0, 1.0009765625, 1.00146484375, 16777217, 33554435,
        INFINITY, -INFINITY, NAN};
    int64_t n = sizeof values / sizeof *values;
    random_begin(dtype_facts[from].name);
    operand in = make(from, DIMS(n + 200)), got = make(to, DIMS(n + 200)), expected = make(to, DIMS(n + 200));
    for (int64_t i = 0; i < n + 200; i++) {
        uint64_t bits = random_bits();
        if (i >= n || (dtype_kind_of(from) != KIND_FLOAT && from != TARN_COMPLEX64)) {
            if (from == TARN_BOOL) bits &= 1;
            memcpy(place(&in, i), &bits, (size_t)dtype_bytes(from));
        } else {
            put(&in, i, values[i]);
        }
    }
    group_instruction instruction = {OP_astype, 0, {0}, (uint8_t)from, (uint8_t)to};
    group_program program = {1, 1, 1, 1, (uint16_t[]){0}, (uint16_t[]){0}, &instruction};
    CHECK(run_on(&backend_cpu, &program, &in, &got) && run_on(&backend_reference, &program, &in, &expected), "astype");
    char what[64];
    snprintf(what, sizeof what, "astype from %s to", dtype_facts[from].name);
    compare(&got, &expected, 0, NULL, what);
}

/* ---- programs: random instructions over a few registers, all ops exact, so that every result must be the reference's;
   but for float64, which the reference rounds twice */
static group_instruction random_instruction(tarn_dtype *dtypes, int registers) {
    static const op_id ops[] = {OP_add,   OP_multiply, OP_subtract, OP_maximum, OP_less,
                                OP_where, OP_negative, OP_equal,    OP_abs};
    for (;;) {
        group_instruction in = {.result = (uint16_t)(random_bits() % (unsigned)registers)};
        for (int i = 0; i < 3; i++) in.arguments[i] = (uint16_t)(random_bits() % (unsigned)registers);
        tarn_dtype x = dtypes[in.arguments[0]], y = dtypes[in.arguments[1]], z = dtypes[in.arguments[2]];
        in.op = (uint16_t)ops[random_bits() % 9];
        in.input_dtype = (uint8_t)x;
        if (random_bits() % 3 == 0) {
            in.op = OP_astype;
            in.dtype = (uint8_t)(random_bits() % TARN_DTYPE_COUNT);
        } else if (in.op == OP_where) {
            if (x != TARN_BOOL || y != z) continue;
            in.input_dtype = in.dtype = (uint8_t)y;
        } else {
            if (!accepts((op_id)in.op, x) || (op_facts[in.op].most_inputs == 2 && x != y)) continue;
            in.dtype = (uint8_t)result_dtype((op_id)in.op, x);
        }
        dtypes[in.result] = (tarn_dtype)in.dtype;
        return in;
    }
}

static void test_program(int length, int inputs, int outputs, tarn_ints shape, bool in_place) {
    enum { REGISTERS = 7 };
    uint16_t input_registers[REGISTERS], output_registers[REGISTERS];
    tarn_dtype dtypes[REGISTERS];
    group_instruction instructions[32];
    operand in[REGISTERS], got[REGISTERS], expected[REGISTERS];
    for (int i = 0; i < REGISTERS; i++) { /* registers without an input of their own take that of another */
        dtypes[i] = (tarn_dtype)(random_bits() % TARN_DTYPE_COUNT);
        if (i >= inputs) dtypes[i] = dtypes[i % inputs];
    }
    for (int i = 0; i < REGISTERS; i++) {
        input_registers[i] = (uint16_t)i;
        in[i] = laid_out(dtypes[i], shape, DOMAIN_ANY, in_place && i == 0 ? 0 : (int)(random_bits() % LAYOUTS));
    }
    for (int i = 0; i < length; i++) instructions[i] = random_instruction(dtypes, REGISTERS);
    for (int i = 0; i < outputs; i++) {
        output_registers[i] = (uint16_t)(random_bits() % REGISTERS);
        got[i] = make(dtypes[output_registers[i]], shape);
        expected[i] = make(dtypes[output_registers[i]], shape);
    }
    group_program program = {REGISTERS, outputs, length, REGISTERS, input_registers, output_registers, instructions};
    CHECK(run_on(&backend_reference, &program, in, expected), "%s", tarn_error());
    if (in_place && dtype_bytes(got[0].dtype) == dtype_bytes(in[0].dtype)) got[0].data = in[0].data;
    CHECK(run_on(&backend_cpu, &program, in, got), "%s", tarn_error());
    for (int i = 0; i < outputs; i++)
        compare(&got[i], &expected[i], row_tolerance(OP_add, got[i].dtype), NULL, "program");
}

static void test_programs(void) {
    const tarn_ints shapes[] = {DIMS(1), DIMS(300), DIMS(2, 7, 9), DIMS(3, 700)};
    random_begin("programs");
    for (int i = 0; i < rounds(400); i++)
        test_program(1 + (int)(random_bits() % 12), 1 + (int)(random_bits() % 7), 1 + (int)(random_bits() % 3),
                     shapes[i % 4], i % 3 == 0);
}

/* Of so many elements that transposed inputs are turned: rows that follow each other and rows that do not, tiles cut
   short on both sides, blocks that are a part of a row, outputs past the caches. */
static void test_turned_programs(void) {
    const tarn_ints shapes[] = {DIMS(70, 90),   DIMS(20, 300), DIMS(9, 6, 130), DIMS(2100, 3),
                                DIMS(130, 520), DIMS(17, 257), DIMS(8, 40, 20), DIMS(70, 2, 64)};
    random_begin("turned programs");
    for (int i = 0; i < rounds(120); i++)
        test_program(1 + (int)(random_bits() % 4), 1 + (int)(random_bits() % 7), 1 + (int)(random_bits() % 3),
                     shapes[i % 8], i % 3 == 0);
    for (int i = 0; i < rounds(60); i++) test_program(16, 7, 3, DIMS(9, 2, 400), i % 3 == 0);
    for (int i = 0; i < rounds(3); i++) test_program(1, 7, 1, DIMS(2100, 2112), false);
}

/* Tiles of many narrow sources and a wide one lie in a thread's stack, too. */
static void test_turned_bytes(void) {
    static const tarn_dtype dtypes[] = {TARN_FLOAT32, TARN_INT16, TARN_UINT8, TARN_FLOAT64};
    operand in[4], out = make(TARN_FLOAT64, DIMS(600, 700));
    for (int i = 0; i < 4; i++) in[i] = view(make(dtypes[i], DIMS(700, 600)), 0, DIMS(600, 700), DIMS(1, 600));
    group_instruction code = {OP_negative, 4, {3}, TARN_FLOAT64, TARN_FLOAT64};
    group_program program = {4, 1, 1, 5, (uint16_t[]){0, 1, 2, 3}, (uint16_t[]){4}, &code};
    call c = group_call(&program, in, &out);
    elementwise_plan plan;
    elementwise_make_plan(&plan, &c, &elementwise_kernels_baseline);
    CHECK(plan.turned_bytes > 0 && plan.turned_bytes <= 64 << 10, "%lld bytes", (long long)plan.turned_bytes);
}

/* ---- pairs: the bits of a program are those of its instructions, one program each */
static group_instruction paired_instruction(tarn_dtype *dtypes, int registers) {
    static const op_id ops[] = {OP_multiply, OP_multiply, OP_add,  OP_subtract,
                                OP_divide,   OP_square,   OP_sqrt, OP_maximum};
    static const tarn_dtype floats[] = {TARN_FLOAT32, TARN_FLOAT32, TARN_FLOAT32, TARN_BFLOAT16, TARN_FLOAT64};
    for (;;) {
        group_instruction in = {.op = (uint16_t)ops[random_bits() % 8]};
        in.result = (uint16_t)(random_bits() % (unsigned)registers);
        for (int i = 0; i < 2; i++) in.arguments[i] = (uint16_t)(random_bits() % (unsigned)registers);
        if (random_bits() % 8 == 0) in.op = OP_astype;
        tarn_dtype x = dtypes[in.arguments[0]], out = in.op == OP_astype ? floats[random_bits() % 5] : x;
        if (in.op != OP_astype && op_facts[in.op].most_inputs == 2 && dtypes[in.arguments[1]] != x) continue;
        in.input_dtype = (uint8_t)x;
        in.dtype = (uint8_t)(dtypes[in.result] = out);
        return in;
    }
}

/* values[]: of the registers, before and afterwards. */
static void run_one_by_one(const group_instruction *code, int length, operand *values) {
    for (int i = 0; i < length; i++) {
        tarn_ints shape = {values[0].shape, values[0].ndim};
        operand inputs[] = {values[code[i].arguments[0]], values[code[i].arguments[1]]};
        operand out = make((tarn_dtype)code[i].dtype, shape);
        int count = code[i].op == OP_astype ? 1 : op_facts[code[i].op].most_inputs;
        CHECK(run_elementwise(&backend_cpu, (op_id)code[i].op, &out, inputs, count), "%s", tarn_error());
        values[code[i].result] = out;
    }
}

static void compare_bits(const operand *got, const operand *expected) {
    int64_t wrong = -1;
    for (int64_t i = operand_size(got) - 1; i >= 0; i--)
        if (!same_bits(got, i, expected, i)) wrong = i;
    int64_t told = wrong < 0 ? 0 : wrong;
    CHECK(wrong < 0, "element %lld: %.17g in one program, %.17g one by one", (long long)told, get(got, told),
          get(expected, told));
}

static void test_pairs_of(int length, tarn_ints shape, int in_place) {
    enum { REGISTERS = 8, OUTPUTS = 3 };
    tarn_dtype dtypes[REGISTERS];
    uint16_t inputs[REGISTERS], outputs[OUTPUTS];
    operand in[REGISTERS], values[REGISTERS], got[OUTPUTS];
    group_instruction code[32];
    for (int i = 0; i < REGISTERS; i++) {
        inputs[i] = (uint16_t)i;
        dtypes[i] = i == 6 ? TARN_FLOAT64 : i == 7 ? TARN_BFLOAT16 : TARN_FLOAT32;
        in[i] = values[i] = laid_out(dtypes[i], shape, DOMAIN_ANY, i < in_place ? 0 : (int)(random_bits() % LAYOUTS));
    }
    for (int i = 4; i < 6; i++) in[i] = values[i] = view(in[i], 0, shape, DIMS(0, 0, 0)); /* constants */
    for (int i = 0; i < length; i++) code[i] = paired_instruction(dtypes, REGISTERS);
    run_one_by_one(code, length, values);
    for (int i = 0; i < OUTPUTS; i++) {
        outputs[i] = (uint16_t)((random_bits() % REGISTERS / OUTPUTS * OUTPUTS + (unsigned)i) % REGISTERS);
        got[i] = make(dtypes[outputs[i]], shape);
        bool alike = i < in_place && dtype_bytes(got[i].dtype) == dtype_bytes(in[i].dtype);
        operand copy = make(got[i].dtype, shape); /* the value may be an input as it came */
        for (int64_t k = 0, n = operand_size(&copy); k < n; k++)
            memcpy(place(&copy, k), place(&values[outputs[i]], k), (size_t)dtype_bytes(copy.dtype));
        values[outputs[i]] = copy;
        if (alike) got[i].data = in[i].data;
    }
    group_program program = {REGISTERS, OUTPUTS, length, REGISTERS, inputs, outputs, code};
    CHECK(run_on(&backend_cpu, &program, in, got), "%s", tarn_error());
    for (int i = 0; i < OUTPUTS; i++) compare_bits(&got[i], &values[outputs[i]]);
}

static void test_pairs(void) {
    const tarn_ints shapes[] = {DIMS(1, 1, 300), DIMS(1, 1, 5003), DIMS(2, 47, 49), DIMS(1, 3, 1700)};
    random_begin("pairs");
    for (int i = 0; i < rounds(300); i++) test_pairs_of(1 + (int)(random_bits() % 16), shapes[i % 4], i / 4 % 3);
    for (int i = 0; i < rounds(6); i++) test_pairs_of(1 + i % 7, DIMS(1, 1, 300007), i % 3); /* fetched ahead */
}

/* The update of AdamW in place, 13 instructions: 7 loops, in which blocks differ by nothing but their place. */
static void test_update(int64_t size) {
    enum { P, G, M, V, INPUTS = 11, STEPS = 13, REGISTERS = 24 };
    const uint8_t f = TARN_FLOAT32;
    group_instruction code[STEPS] = {
        {OP_multiply, 11, {M, 4}, f, f},   {OP_multiply, 12, {G, 5}, f, f},  {OP_add, 13, {11, 12}, f, f},
        {OP_multiply, 14, {V, 6}, f, f},   {OP_square, 15, {G}, f, f},       {OP_multiply, 16, {15, 7}, f, f},
        {OP_add, 17, {14, 16}, f, f},      {OP_multiply, 18, {13, 8}, f, f}, {OP_sqrt, 19, {17}, f, f},
        {OP_add, 20, {19, 9}, f, f},       {OP_divide, 21, {18, 20}, f, f},  {OP_multiply, 22, {P, 10}, f, f},
        {OP_subtract, 23, {22, 21}, f, f},
    };
    uint16_t inputs[INPUTS], outputs[] = {23, 13, 17};
    operand in[REGISTERS], values[REGISTERS];
    for (int i = 0; i < INPUTS; i++) {
        inputs[i] = (uint16_t)i, in[i] = randomized(TARN_FLOAT32, DIMS(size), DOMAIN_ANY);
        if (i > V) in[i] = view(in[i], 0, DIMS(size), DIMS(0));
        values[i] = in[i];
    }
    run_one_by_one(code, STEPS, values);
    operand out[] = {in[P], in[M], in[V]};
    group_program program = {INPUTS, 3, STEPS, REGISTERS, inputs, outputs, code};
    call c = group_call(&program, in, out);
    step steps[STEPS];
    elementwise_plan plan;
    c.workspace = steps;
    elementwise_make_plan(&plan, &c, &elementwise_kernels_baseline);
    CHECK(plan.step_count == 7 && plan.even, "%d steps, even: %d", plan.step_count, plan.even);
    CHECK(run_on(&backend_cpu, &program, in, out), "%s", tarn_error());
    for (int i = 0; i < 3; i++) compare_bits(&out[i], &values[outputs[i]]);
}

/* As many inputs and registers as a program may have, of wide numbers: blocks must shrink to fit a thread's scratch
 * memory. */
static void test_largest_program(void) {
    enum { IN = GROUP_MAX_INPUTS, ALL = GROUP_MAX_REGISTERS };
    operand in[IN], got = make(TARN_FLOAT64, DIMS(3, 700)), expected = make(TARN_FLOAT64, DIMS(3, 700));
    uint16_t input_registers[IN], last = ALL - 1;
    group_instruction instructions[ALL];
    for (int i = 0; i < IN; i++) {
        in[i] = randomized(TARN_FLOAT64, DIMS(3, 700), DOMAIN_ANY);
        input_registers[i] = (uint16_t)i;
    }
    for (int i = 0; i < ALL; i++) {
        uint16_t first = (uint16_t)(i < IN ? i : i - 1), second = (uint16_t)(i * 7 % IN);
        instructions[i] = (group_instruction){
            i % 2 ? OP_minimum : OP_maximum, (uint16_t)i, {first, second}, TARN_FLOAT64, TARN_FLOAT64};
    }
    group_program program = {IN, 1, ALL, ALL, input_registers, &last, instructions};
    CHECK(run_on(&backend_reference, &program, in, &expected), "%s", tarn_error());
    CHECK(run_on(&backend_cpu, &program, in, &got), "%s", tarn_error());
    compare(&got, &expected, 0, NULL, "the largest program");
}

/* Large enough for several threads, with a broadcast row: the same bits whatever the number of threads. */
static void test_threads(void) {
    operand x = randomized(TARN_FLOAT32, DIMS(300, 1001), DOMAIN_ANY),
            row = randomized(TARN_FLOAT32, DIMS(1, 1001), DOMAIN_ANY);
    operand inputs[] = {x, view(row, 0, DIMS(300, 1001), DIMS(0, 1))};
    group_instruction instructions[] = {{OP_multiply, 2, {0, 1, 0}, TARN_FLOAT32, TARN_FLOAT32},
                                        {OP_tanh, 2, {2}, TARN_FLOAT32, TARN_FLOAT32}};
    group_program program = {2, 1, 2, 3, (uint16_t[]){0, 1}, (uint16_t[]){2}, instructions};
    operand one = make(TARN_FLOAT32, DIMS(300, 1001)), more = make(TARN_FLOAT32, DIMS(300, 1001));
    parallel_set_threads(1);
    CHECK(run_on(&backend_cpu, &program, inputs, &one), "%s", tarn_error());
    parallel_set_threads(3);
    CHECK(run_on(&backend_cpu, &program, inputs, &more), "%s", tarn_error());
    CHECK(memcmp(one.data, more.data, 300 * 1001 * sizeof(float)) == 0, "threads change the result");
    operand expected = make(TARN_FLOAT32, DIMS(300, 1001));
    CHECK(run_on(&backend_reference, &program, inputs, &expected), "%s", tarn_error());
    compare(&one, &expected, 8, NULL, "tanh(x * row)");
    parallel_set_threads(0);
}

/* An operand whose memory begins with a line of the cache, or `off` elements behind. */
static operand aligned(tarn_dtype dtype, int64_t count, int64_t off) {
    operand o = make(dtype, DIMS(count + 128));
    int64_t skip = (int64_t)(-(uintptr_t)o.data & 63) / dtype_bytes(dtype);
    return view(o, skip + off, DIMS(count), DIMS(1));
}

/* Outputs that go past the caches: halves, wide numbers, two of one register, one that begins within a line, one in the
   memory of an input. Whole numbers, so that all is exact. */
static void test_streams(int threads) {
    enum { COUNT = (1 << 23) + 4099, OUTPUTS = 6 };
    const uint8_t f = TARN_FLOAT32, h = TARN_BFLOAT16, d = TARN_FLOAT64;
    static operand x, y, out[OUTPUTS];
    if (!x.data) {
        x = aligned(TARN_FLOAT32, COUNT, 0), y = aligned(TARN_BFLOAT16, COUNT, 0);
        const tarn_dtype dtypes[] = {f, f, h, d, f};
        for (int i = 0; i < OUTPUTS - 1; i++) out[i] = aligned(dtypes[i], COUNT, i == 4);
        out[5] = x;
    }
    for (int i = 0; i < OUTPUTS; i++) memset(out[i].data, 0, (size_t)COUNT * (size_t)dtype_bytes(out[i].dtype));
    for (int i = 0; i < COUNT; i++) {
        ((float *)x.data)[i] = (float)(i % 5);
        ((uint16_t *)y.data)[i] = float_to_bfloat16((float)(i % 7));
    }
    group_instruction list[] = {{OP_astype, 2, {1}, h, f}, {OP_multiply, 3, {0, 2}, f, f},
                                {OP_astype, 4, {3}, f, h}, {OP_astype, 5, {3}, f, d},
                                {OP_add, 2, {2, 0}, f, f}, {OP_subtract, 0, {2, 3}, f, f}};
    group_program program = {2, OUTPUTS, 6, 6, (uint16_t[]){0, 1}, (uint16_t[]){3, 3, 4, 5, 2, 0}, list};
    parallel_set_threads(threads);
    CHECK(run_on(&backend_cpu, &program, (operand[]){x, y}, out), "%s", tarn_error());
    parallel_set_threads(0);
    int wrong = 0;
    for (int i = 0; i < COUNT; i++) {
        float a = (float)(i % 5), b = (float)(i % 7);
        wrong += ((float *)out[0].data)[i] != a * b || ((float *)out[1].data)[i] != a * b;
        wrong += bfloat16_to_float(((uint16_t *)out[2].data)[i]) != a * b || ((double *)out[3].data)[i] != a * b;
        wrong += ((float *)out[4].data)[i] != a + b || ((float *)out[5].data)[i] != a + b - a * b;
    }
    CHECK(wrong == 0, "%d elements are wrong", wrong);
}

int main(void) {
    for (int isa = ISA_BASELINE; isa < ISA_COUNT; isa++) {
        if (!cpu_limit(cpu_isa_levels[isa])) {
            printf("skipped: no %s\n", cpu_isa_levels[isa]->name);
            continue;
        }
        test_rows();
        test_specials();
        test_neighbours();
        for (int from = 0; from < TARN_DTYPE_COUNT; from++)
            for (int to = 0; to < TARN_DTYPE_COUNT; to++) test_conversion((tarn_dtype)from, (tarn_dtype)to);
        test_programs();
        test_turned_programs();
        test_turned_bytes();
        test_pairs();
        test_update(5003);
        test_update(100000); /* fetched ahead */
        test_largest_program();
        test_threads();
        test_streams(1);
        test_streams(3);
        printf("%s: %d checks, %d failures\n", cpu_isa_levels[isa]->name, checks, failures);
    }
    return failures != 0;
}
