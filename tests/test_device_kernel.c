/* Kernels that users write: what is wrong with a description is told, a CPU says that it cannot run one, the source is
   what the description says; and on a CUDA device, if there is one, they run: strides, constants, several outputs,
   filled ones, in a compiled function, compiled code, errors of the compiler. `test_device_kernel lost`: what is left
   when a kernel has brought the device down, which the process cannot use any more. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "paths.h"
#include "tarn/tarn.h"

static const char *const inputs_x[] = {"x"}, *const outputs_y[] = {"y"};

static tarn_device_kernel_options scaling(const tarn_kernel_output *output, const tarn_kernel_constant *constant) {
    return (tarn_device_kernel_options){
        .name = "scale",
        .source = "int i = blockIdx.x * blockDim.x + threadIdx.x;\nif (i < 6) y[i] = T(x[i] * FACTOR);",
        .input_names = inputs_x,
        .output_names = outputs_y,
        .constants = constant,
        .constant_count = 2,
        .outputs = output,
        .output_count = 1,
        .grid = {6, 1, 1},
        .block = {4, 1, 1}};
}

static const tarn_kernel_constant constants[] = {{"FACTOR", TARN_KERNEL_INTEGER, 3},
                                                 {"T", TARN_KERNEL_TYPE, TARN_FLOAT32}};

static void test_descriptions(void) {
    TARN_SCOPE;
    tarn_kernel_output output = {TARN_FLOAT32, TARN_SHAPE(6)};
    tarn_array *x = tarn_arange(0, 6, 1, TARN_FLOAT32), *y = NULL;
    tarn_device_kernel_options good = scaling(&output, constants), bad = good;
    char *source = tarn_device_kernel_source(&good, &x, 1);
    CHECK(source && strstr(source, "custom_kernel_scale(const float *x, float *y)"));
    CHECK(source && strstr(source, "constexpr int64_t FACTOR = 3ll;") && strstr(source, "using T = float;"));
    tarn_free(source);
    bad.name = "a b";
    CHECK_ERROR(tarn_device_kernel(&bad, &x, 1, &y), "identifier");
    bad = good, bad.source = NULL;
    CHECK_ERROR(tarn_device_kernel(&bad, &x, 1, &y), "neither source nor code");
    bad = good, bad.block[1] = 300;
    CHECK_ERROR(tarn_device_kernel(&bad, &x, 1, &y), "1024 threads");
    bad = good, bad.output_count = 0;
    CHECK_ERROR(tarn_device_kernel(&bad, &x, 1, &y), "no output");
    bad = good, bad.grid[2] = 0;
    CHECK_ERROR(tarn_device_kernel(&bad, &x, 1, &y), "positive");
    bad = good, bad.code = "", bad.code_bytes = 0;
    CHECK_ERROR(tarn_device_kernel(&bad, &x, 1, &y), "no byte of code");
    bad.code_bytes = 1, bad.constants = NULL;
    CHECK_ERROR(tarn_device_kernel(&bad, &x, 1, &y), "a type is none");
    CHECK_ERROR(tarn_device_kernel_source(&(tarn_device_kernel_options){.name = "code",
                                                                        .code = "x",
                                                                        .code_bytes = 1,
                                                                        .outputs = &output,
                                                                        .output_count = 1,
                                                                        .grid = {1, 1, 1},
                                                                        .block = {1, 1, 1}},
                                          &x, 1),
                "compiled already");
    bad = good, bad.constants = NULL;
    CHECK_ERROR(tarn_device_kernel(&bad, &x, 1, &y), "a type is none");
    bad = good, bad.constants = (tarn_kernel_constant[]){constants[0], {"T", TARN_KERNEL_TYPE, TARN_DTYPE_COUNT}};
    CHECK_ERROR(tarn_device_kernel(&bad, &x, 1, &y), "a type is none");
    bad = good, bad.scalar_count = 1;
    CHECK_ERROR(tarn_device_kernel(&bad, &x, 1, &y), "no list of them");
    bad.scalars = &(tarn_kernel_scalar){TARN_KERNEL_INT, 3e9};
    CHECK_ERROR(tarn_device_kernel(&bad, &x, 1, &y), "the scalar 3e+09 is no int");
    bad = good, bad.outputs = &(tarn_kernel_output){TARN_FLOAT32, TARN_SHAPE(-1)};
    CHECK_ERROR(tarn_device_kernel(&bad, &x, 1, &y), "negative size");
    CHECK_ERROR(tarn_device_kernel(&good, &x, 1, NULL), "no place for results");
    CHECK_ERROR(tarn_device_kernel(NULL, &x, 1, &y), "no options");
    CHECK_ERROR(tarn_device_kernel(&good, (tarn_array *[]){NULL}, 1, &y), "device_kernel");
    TARN_ON(tarn_default_stream((tarn_device){TARN_CPU, 0}));
    CHECK(tarn_device_kernel(&good, &x, 1, &y));
    CHECK(tarn_dtype_of(y) == TARN_FLOAT32 && tarn_ndim(y) == 1 && tarn_dim(y, 0) == 6);
    CHECK_ERROR(tarn_eval(y), "CUDA devices only");
}

static void check_values(tarn_array *y, int count, double first, double step) {
    CHECK(y != NULL);
    y = y ? tarn_astype(y, TARN_FLOAT64) : NULL;
    const double *values = y ? tarn_data(y) : NULL;
    CHECK(values != NULL);
    for (int i = 0; values && i < count; i++) CHECK(values[i] == first + i * step);
    if (!values) printf("%s\n", tarn_error());
    tarn_clear_error();
}

static bool scaled(void *context, tarn_array *const *x, int count, tarn_results *results) {
    tarn_array *y = NULL, *in = tarn_add(x[0], tarn_scalar(1, TARN_FLOAT32));
    (void)count;
    return tarn_device_kernel(context, &in, 1, &y) && tarn_result(results, tarn_multiply(y, y));
}

static void test_running(void) {
    TARN_SCOPE;
    tarn_kernel_output output = {TARN_FLOAT32, TARN_SHAPE(6)};
    tarn_device_kernel_options scale = scaling(&output, constants);
    tarn_array *y = NULL, *x = tarn_arange(0, 6, 1, TARN_FLOAT32);
    CHECK(tarn_device_kernel(&scale, &x, 1, &y));
    check_values(y, 6, 0, 3);
    tarn_array *back = tarn_slice(x, TARN_INTS(-1), TARN_INTS(INT64_MIN), .step = TARN_INTS(-1));
    CHECK(tarn_device_kernel(&scale, &back, 1, &y));
    check_values(y, 6, 15, -3);
    tarn_compiled *c = tarn_compile(TARN_FUNCTION(scaled, &scale));
    for (int i = 0; c && i < 6; i++) {
        tarn_array *start = tarn_multiply(tarn_ones(TARN_SHAPE(6), TARN_FLOAT32), tarn_scalar(i, TARN_FLOAT32));
        tarn_results *made = tarn_compiled_call(c, &start, 1);
        check_values(made ? tarn_results_at(made, 0) : NULL, 6, 9.0 * (i + 1) * (i + 1), 0);
    }
    tarn_compiled_free(c);
    scale.name = "wrong", scale.source = "y[0] = nobody_knows_it;";
    CHECK(tarn_device_kernel(&scale, &x, 1, &y));
    CHECK_ERROR(tarn_eval(y), "nobody_knows_it");
    CHECK(tarn_item(tarn_sum(tarn_arange(0, 100, 1, TARN_FLOAT32))) == 4950);
}

/* Inputs as they lie, two outputs of which one is filled before, half types. */
static void test_strides(void) {
    TARN_SCOPE;
    static const char *const names[] = {"y", "count"};
    const tarn_kernel_output outputs[] = {{TARN_FLOAT16, TARN_SHAPE(3, 2)}, {TARN_INT32, TARN_SHAPE(2)}};
    tarn_device_kernel_options o = {.name = "transposed",
                                    .source = "unsigned i = threadIdx.x;\n"
                                              "y[i] = x[elem_to_loc(i, x_shape.data(), x_strides.data(), x_ndim)];\n"
                                              "atomicAdd(count, 1);\nif (i == 0) count[1] = x_shape[0] * 10 + x_ndim;",
                                    .input_names = inputs_x,
                                    .output_names = names,
                                    .outputs = outputs,
                                    .output_count = 2,
                                    .grid = {6, 1, 1},
                                    .block = {32, 1, 1},
                                    .any_strides = true,
                                    .is_filled = true,
                                    .fill = 100};
    tarn_array *x = tarn_transpose(tarn_reshape(tarn_arange(0, 6, 1, TARN_FLOAT16), TARN_SHAPE(2, 3))), *y[2] = {NULL};
    CHECK(tarn_device_kernel(&o, &x, 1, y));
    CHECK(y[0] && tarn_item(tarn_sum(tarn_abs(tarn_subtract(y[0], x)))) == 0);
    check_values(y[1], 2, 106, 32 - 106);
}

/* What outputs are filled with is the nearest number that their dtype has. */
static void test_fills(void) {
    TARN_SCOPE;
    static const char *const names[] = {"large", "small", "least", "real"};
    const tarn_kernel_output outputs[] = {{TARN_UINT64, TARN_SHAPE(300)},
                                          {TARN_UINT8, TARN_SHAPE(300)},
                                          {TARN_INT8, TARN_SHAPE(300)},
                                          {TARN_FLOAT32, TARN_SHAPE(300)}};
    tarn_device_kernel_options o = {.name = "leave",
                                    .source = ";",
                                    .input_names = inputs_x,
                                    .output_names = names,
                                    .outputs = outputs,
                                    .output_count = 4,
                                    .grid = {1, 1, 1},
                                    .block = {1, 1, 1},
                                    .is_filled = true};
    const double fills[][5] = {
        {ldexp(3, 62), ldexp(3, 62), 255, 127, ldexp(3, 62)}, {-129, 0, 0, -128, -129}, {7, 7, 7, 7, 7}};
    tarn_array *x = tarn_arange(0, 6, 1, TARN_FLOAT32), *y[4] = {NULL};
    for (int i = 0; i < 3; i++) {
        o.fill = fills[i][0];
        CHECK(tarn_device_kernel(&o, &x, 1, y));
        for (int k = 0; k < 4; k++) check_values(y[k], 300, fills[i][1 + k], 0);
    }
}

static const char ptx[] = ".version 7.0\n.target sm_80\n.address_size 64\n"
                          ".visible .entry add_number(.param .u64 x, .param .u64 y, .param .u32 number) {\n"
                          ".reg .u32 %r<4>;\n.reg .u64 %a<5>;\n"
                          "ld.param.u64 %a1, [x];\nld.param.u64 %a2, [y];\nld.param.u32 %r1, [number];\n"
                          "cvta.to.global.u64 %a1, %a1;\ncvta.to.global.u64 %a2, %a2;\n"
                          "mov.u32 %r2, %tid.x;\nmul.wide.u32 %a3, %r2, 4;\n"
                          "add.u64 %a1, %a1, %a3;\nadd.u64 %a2, %a2, %a3;\n"
                          "ld.global.u32 %r3, [%a1];\nadd.u32 %r3, %r3, %r1;\nst.global.u32 [%a2], %r3;\nret;\n}\n";

static void test_code(void) {
    TARN_SCOPE;
    const tarn_kernel_output output = {TARN_INT32, TARN_SHAPE(8)};
    const tarn_kernel_scalar number = {TARN_KERNEL_INT, 7};
    tarn_device_kernel_options o = {.name = "add_number",
                                    .code = ptx,
                                    .code_bytes = sizeof ptx - 1,
                                    .scalars = &number,
                                    .scalar_count = 1,
                                    .outputs = &output,
                                    .output_count = 1,
                                    .grid = {8, 1, 1},
                                    .block = {8, 1, 1}};
    tarn_array *x = tarn_arange(0, 8, 1, TARN_INT32), *y = NULL;
    CHECK(tarn_device_kernel(&o, &x, 1, &y));
    check_values(y, 8, 7, 1);
    CHECK(tarn_device_kernel(&o, &x, 1, &y));
    check_values(y, 8, 7, 1);
    o.name = "nobody";
    CHECK(tarn_device_kernel(&o, &x, 1, &y));
    CHECK_ERROR(tarn_eval(y), "kernel");
}

/* What lived on the device, and what is given to it, is an error that says so; the CPU goes on. */
static void test_lost(void) {
    TARN_SCOPE;
    const tarn_kernel_output output = {TARN_FLOAT32, TARN_SHAPE(6)};
    tarn_device_kernel_options o = scaling(&output, constants);
    tarn_array *x = tarn_arange(0, 6, 1, TARN_FLOAT32), *there = tarn_square(x), *y = NULL;
    o.name = "stop";
    o.source = "asm volatile(\"trap;\");";
    CHECK(tarn_eval(there) && tarn_device_kernel(&o, &x, 1, &y));
    CHECK_ERROR(tarn_eval(y), "lost");
    CHECK_ERROR(tarn_eval(tarn_add(there, there)), "lost");
    CHECK_ERROR(tarn_data(there), "lost");
    TARN_ON(tarn_default_stream((tarn_device){TARN_CPU, 0}));
    CHECK(tarn_item(tarn_sum(tarn_arange(0, 6, 1, TARN_FLOAT32))) == 15);
}

int main(int count, char **arguments) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 0);
    if (count > 1 && strcmp(arguments[1], "lost") == 0) {
        if (tarn_device_count(TARN_CUDA) == 0) return printf("there is no CUDA device here\n"), 77;
        TARN_ON(tarn_default_stream((tarn_device){TARN_CUDA, 0}));
        test_lost();
        return check_report("device kernel lost");
    }
    test_descriptions();
    if (tarn_device_count(TARN_CUDA) > 0) {
        TARN_ON(tarn_default_stream((tarn_device){TARN_CUDA, 0}));
        test_running();
        test_strides();
        test_fills();
        test_code();
    }
    return check_report("device kernel");
}
