/* Fused groups on a CUDA device against the reference: every row of the table, every dtype it takes, layouts, sizes,
   conversions between all dtypes. Skips where there is no device. */
#include "cuda_device.h"
#include "row_results.h"

static bool run_program(const group_program *program, operand *inputs, operand *outputs, bool on_cuda) {
    call c = group_call(program, inputs, outputs);
    return on_cuda ? run_on_cuda(c) : run_call(&backend_reference, c);
}

static void test_row(op_id op, tarn_dtype dtype, tarn_ints shape, int layout) {
    single_row r;
    make_single_row(&r, op, dtype, shape, layout);
    operand got = randomized(r.out, shape, DOMAIN_ANY), expected = make(r.out, shape);
    CHECK(run_program(&r.program, r.inputs, &got, true), "%s: %s", op_name(op), tarn_error());
    CHECK(run_program(&r.program, r.inputs, &expected, false), "%s: %s", op_name(op), tarn_error());
    tarn_clear_error();
    compare_row(&r, op, dtype, &got, &expected);
}

static int test_rows(void) {
    int rows = 0;
    for (op_id op = 0; op < OP_COUNT; op++) {
        random_begin(op_name(op));
        for (int dtype = 0; dtype < TARN_DTYPE_COUNT; dtype++) {
            if (!accepts(op, (tarn_dtype)dtype)) continue;
            rows++;
            test_row(op, (tarn_dtype)dtype, DIMS(1030), 0);
            if (in_rounds()) test_row(op, (tarn_dtype)dtype, DIMS(40, 30), 1 + rows % 5);
        }
    }
    const tarn_ints shapes[] = {TARN_0D,       DIMS(0),         DIMS(1),       DIMS(15),
                                DIMS(3, 5, 7), DIMS(2, 33, 16), DIMS(4, 0, 3), DIMS(70000)};
    for (int s = 0; s < 8; s++)
        for (int layout = 0; layout < LAYOUTS; layout++) test_row(OP_where, TARN_FLOAT16, shapes[s], layout);
    return rows;
}

/* By their shape the elements of a thread lie side by side, but not at a multiple of their bytes: of one operand, the
   other, the output. */
static void test_places(void) {
    static const tarn_dtype dtypes[] = {TARN_FLOAT32, TARN_BFLOAT16, TARN_INT8};
    for (int i = 0; i < 9; i++) {
        single_row r;
        tarn_dtype dtype = dtypes[i / 3];
        operand odd = view(randomized(dtype, DIMS(1032), DOMAIN_ANY), 1, DIMS(1024), DIMS(1)),
                even = make(dtype, DIMS(1024));
        make_single_row(&r, OP_maximum, dtype, DIMS(1024), 0);
        if (i % 3 < 2) r.inputs[i % 3] = odd;
        operand got = i % 3 < 2 ? even : odd, expected = make(dtype, DIMS(1024));
        CHECK(run_program(&r.program, r.inputs, &got, true), "%s", tarn_error());
        CHECK(run_program(&r.program, r.inputs, &expected, false), "%s", tarn_error());
        compare(&got, &expected, 0, NULL, "places");
    }
}

static void test_conversions(void) {
    for (int from = 0; from < TARN_DTYPE_COUNT; from++) {
        for (int to = 0; to < TARN_DTYPE_COUNT; to++) {
            operand x = randomized((tarn_dtype)from, DIMS(300), DOMAIN_ANY), got = make((tarn_dtype)to, DIMS(300));
            if (dtype_kind_of((tarn_dtype)from) == KIND_FLOAT) {
                const double special[] = {NAN,   INFINITY, -INFINITY, 1e30, -1e30, 300,  -300,
                                          70000, 1e-8,     -0.0,      2.5,  3e9,   -3e9, 1e19};
                for (int i = 0; i < 14; i++) put(&x, i, special[i]);
            }
            operand expected = make((tarn_dtype)to, DIMS(300));
            group_instruction instruction = {OP_astype, 1, {0, 0, 0}, (uint8_t)from, (uint8_t)to};
            group_program program = {1, 1, 1, 2, (uint16_t[]){0}, (uint16_t[]){1}, &instruction};
            CHECK(run_program(&program, &x, &got, true) && run_program(&program, &x, &expected, false), "%s",
                  tarn_error());
            tarn_clear_error();
            compare(&got, &expected, 0, NULL, dtype_facts[from].name);
        }
    }
}

/* Random programs with registers that are used again, several outputs, one of which nobody reads. */
static void test_program(int round) {
    static const uint16_t ops[] = {OP_add, OP_multiply, OP_subtract, OP_maximum, OP_minimum};
    static const tarn_dtype dtypes[] = {TARN_FLOAT32, TARN_BFLOAT16, TARN_FLOAT16, TARN_INT32, TARN_FLOAT64};
    tarn_dtype dtype = dtypes[round % 5];
    enum { INPUTS = 4, STEPS = 12, REGISTERS = 6 };
    group_instruction steps[STEPS];
    for (int i = 0; i < STEPS; i++) {
        uint16_t a = (uint16_t)(random_bits() % REGISTERS), b = (uint16_t)(random_bits() % REGISTERS);
        if (i < REGISTERS - INPUTS) a %= INPUTS, b %= INPUTS;
        uint16_t to = i < REGISTERS - INPUTS ? (uint16_t)(INPUTS + i) : (uint16_t)(random_bits() % REGISTERS);
        steps[i] = (group_instruction){ops[random_bits() % 5], to, {a, b, 0}, (uint8_t)dtype, (uint8_t)dtype};
    }
    group_program program = {INPUTS, 3, STEPS, REGISTERS, (uint16_t[]){0, 1, 2, 3}, (uint16_t[]){5, 4, 2}, steps};
    operand inputs[INPUTS], got[3], expected[3];
    for (int i = 0; i < INPUTS; i++) inputs[i] = laid_out(dtype, DIMS(7, 9, 31), DOMAIN_UNIT, (round + i) % LAYOUTS);
    for (int i = 0; i < 3; i++) got[i] = make(dtype, DIMS(7, 9, 31)), expected[i] = make(dtype, DIMS(7, 9, 31));
    got[1].data = expected[1].data = NULL;
    CHECK(run_program(&program, inputs, got, true) && run_program(&program, inputs, expected, false), "%s",
          tarn_error());
    tarn_clear_error();
    for (int i = 0; i < 3; i += 2) compare(&got[i], &expected[i], dtype == TARN_INT32 ? 0 : 1, NULL, "program");
}

int main(void) {
    if (!open_cuda()) return failures ? 1 : 77;
    int rows = test_rows();
    random_begin("places");
    test_places();
    test_conversions();
    random_begin("programs");
    for (int round = 0; round < 30; round++) test_program(round);
    cuda->stream_free(cuda_stream);
    printf("cuda elementwise: %d rows, %d checks, %d failures\n", rows, checks, failures);
    return failures != 0;
}
