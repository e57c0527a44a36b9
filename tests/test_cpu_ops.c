/* The CPU's kernels for moving, indexing, reducing, sorting and making, against the reference: all dtypes, strides, sizes and sets. */
#include "base/cpu.h"
#include "base/threads.h"
#include "kernel_calls.h"
#include "random_operands.h"

/* Runs the call on both backends and compares every output, `tolerance` in ulp. */
static void compare_call(call c, double tolerance, const char *what) {
    operand got[4], expected[4];
    for (int i = 0; i < c.output_count; i++) {
        tarn_ints shape = {c.outputs[i].ndim, c.outputs[i].shape};
        got[i] = make(c.outputs[i].dtype, shape);
        expected[i] = make(c.outputs[i].dtype, shape);
        size_t bytes = (size_t)(operand_size(&got[i]) * dtype_bytes(got[i].dtype));
        memcpy(got[i].data, c.outputs[i].data, bytes); /* what an update starts from */
        memcpy(expected[i].data, c.outputs[i].data, bytes);
    }
    operand *outputs = c.outputs;
    c.outputs = expected;
    CHECK(run_call(&backend_reference, c), "%s: %s", what, tarn_error());
    c.outputs = got;
    CHECK(run_call(&backend_cpu, c), "%s: %s", what, tarn_error());
    for (int i = 0; i < c.output_count; i++) compare(&got[i], &expected[i], tolerance, NULL, what);
    c.outputs = outputs;
}

static operand indices_of(tarn_dtype dtype, tarn_ints shape, int64_t size) {
    operand o = make(dtype, shape);
    for (int64_t i = 0, n = operand_size(&o); i < n; i++) {
        int64_t index = (int64_t)(random_bits() % (uint64_t)(size + 2)) - 1; /* now and then outside */
        put(&o, i, (double)(dtype_is_unsigned(dtype) && index < 0 ? 0 : index));
    }
    return o;
}

/* ---- moving */
static void test_copies(tarn_dtype dtype) {
    const tarn_ints shapes[] = {TARN_0D, DIMS(0), DIMS(7), DIMS(3, 5), DIMS(70, 90), DIMS(2, 3, 4, 5), DIMS(5, 1, 130, 33)};
    for (int s = 0; s < 7; s++)
        for (int layout = 0; layout < LAYOUTS; layout++) {
            operand x = laid_out(dtype, shapes[s], DOMAIN_ANY, layout), out = make(dtype, shapes[s]);
            compare_call(CALL(contiguous, NULL, &out, x), 0, "contiguous");
        }
    operand big = laid_out(dtype, DIMS(4, 300, 260), DOMAIN_ANY, 1), out = make(dtype, DIMS(4, 300, 260));
    compare_call(CALL(contiguous, NULL, &out, big), 0, "contiguous");
    operand a = laid_out(dtype, DIMS(3, 4, 5), DOMAIN_ANY, 1), b = laid_out(dtype, DIMS(3, 2, 5), DOMAIN_ANY, 3),
            joined = make(dtype, DIMS(3, 6, 5));
    compare_call(CALL(concatenate, &(attributes_concatenate){.axis = -2}, &joined, a, b), 0, "concatenate");
}

static void test_blocks(tarn_dtype dtype) {
    for (int i = 0; i < 6; i++) {
        operand x = laid_out(dtype, DIMS(4, 9, 6), DOMAIN_ANY, i), update = laid_out(dtype, DIMS(4, 3, 6), DOMAIN_ANY, 5 - i);
        operand start = filled(i % 2 ? TARN_INT32 : TARN_INT64, DIMS(1), VALUES((double)(i * 3 - 4)));
        operand dense = randomized(dtype, DIMS(4, 9, 6), DOMAIN_ANY), block = make(dtype, DIMS(4, 3, 6));
        compare_call(CALL(slice_update, &(attributes_slice_update){.axes = DIMS(1)}, &dense, x, update, start), 0, "slice_update");
        attributes_slice_array sizes = {.axes = DIMS(-2), .sizes = DIMS(3)};
        compare_call(CALL(slice_array, &sizes, &block, x, start), 0, "slice_array");
    }
}

/* ---- indexing */
static void test_indices(tarn_dtype dtype) {
    static const tarn_dtype kinds[] = {TARN_INT32, TARN_INT64, TARN_UINT32, TARN_UINT8, TARN_INT8};
    for (int axis = 0; axis < 3; axis++)
        for (int i = 0; i < 5; i++) {
            const int64_t shape[] = {6, 5, 7};
            operand x = laid_out(dtype, DIMS(6, 5, 7), DOMAIN_ANY, i);
            operand at = indices_of(kinds[i], DIMS(2, 3), shape[axis]);
            if (i % 2) at = transposed(indices_of(kinds[i], DIMS(3, 2), shape[axis]));
            int64_t picked[4], n = 0, along[3] = {6, 5, 7};
            for (int k = 0; k < 3; k++)
                if (k == axis)
                    picked[n++] = 2, picked[n++] = 3;
                else
                    picked[n++] = shape[k];
            operand out = make(dtype, (tarn_ints){4, picked}), updates = randomized(dtype, (tarn_ints){4, picked}, DOMAIN_ANY);
            operand dense = randomized(dtype, DIMS(6, 5, 7), DOMAIN_ANY);
            compare_call(CALL(gather, &(attributes_gather){.axis = axis}, &out, x, at), 0, "gather");
            compare_call(CALL(scatter, &(attributes_scatter){.axis = axis}, &dense, x, at, updates), 0, "scatter");
            along[axis] = 4;
            operand line = indices_of(kinds[i], (tarn_ints){3, along}, shape[axis]), taken = make(dtype, (tarn_ints){3, along});
            operand values = randomized(dtype, (tarn_ints){3, along}, DOMAIN_ANY);
            compare_call(CALL(gather_axis, &(attributes_gather_axis){.axis = axis - 3}, &taken, x, line), 0, "gather_axis");
            compare_call(CALL(scatter_axis, &(attributes_scatter_axis){.axis = axis}, &dense, x, line, values), 0, "scatter_axis");
        }
}

static void test_set(void) {
    for (int dtype = 0; dtype < TARN_DTYPE_COUNT; dtype++) {
        test_copies((tarn_dtype)dtype);
        test_blocks((tarn_dtype)dtype);
        test_indices((tarn_dtype)dtype);
    }
}

int main(void) {
    for (int isa = ISA_BASELINE; isa <= ISA_AVX512; isa++) {
        cpu_limit_isa((cpu_isa)isa);
        if (cpu_best_isa() != (cpu_isa)isa) {
            printf("skipped: no %s\n", cpu_isa_name((cpu_isa)isa));
            continue;
        }
        parallel_set_threads(isa == ISA_AVX2 ? 3 : 0);
        test_set();
        printf("%s: %d checks, %d failures\n", cpu_isa_name((cpu_isa)isa), checks, failures);
    }
    return failures != 0;
}
