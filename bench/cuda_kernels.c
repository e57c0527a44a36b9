/* Kernels of the CUDA device by themselves: a submission of RUNS calls over COPIES sets of operands is waited for, so
   that what is timed is the card and neither evaluation nor the way to it; beside the card's limits, measured in the
   same run. The best of ROUNDS, of fewer where they take more than half a second. `bench_cuda_kernels [WORD]`: only the
   cases whose name has the word. */
#include "cuda_device.h"
#include "table/absent.h"
#include "timing.h"

enum { ROUNDS = 5, COPIES = 4, RUNS = 96, MOST_INPUTS = 7, MOST_OUTPUTS = 3 };

static double measured_copy, measured_product;
static const char *wanted;

/* ---- operands in device memory, of random numbers around zero: the same 64 MiB again and again */
enum { CHUNK = 64 << 20 };
static const void *numbers(tarn_dtype dtype) {
    static void *made[TARN_DTYPE_COUNT];
    if (made[dtype]) return made[dtype];
    int64_t count = CHUNK / dtype_bytes(dtype);
    operand o = make(dtype, DIMS(count));
    uint64_t state = 88172645463325252u;
    for (int64_t i = 0; i < count; i++) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        put(&o, i,
            dtype_kind_of(dtype) == KIND_FLOAT ? (double)(int32_t)(state >> 32) * 0x1p-31 : (double)(state >> 57));
    }
    return made[dtype] = o.data;
}

static operand on_device(const operand *shape_of, bool filled) {
    operand there = *shape_of;
    int64_t bytes = operand_size(&there) * dtype_bytes(there.dtype);
    there.data = cuda->allocate(0, bytes);
    for (int64_t at = 0; filled && there.data && at < bytes; at += CHUNK)
        copy_bytes((char *)there.data + at, numbers(there.dtype), bytes - at < CHUNK ? bytes - at : CHUNK,
                   COPY_TO_DEVICE);
    return there;
}

/* ---- timing */
typedef struct {
    operand inputs[COPIES][MOST_INPUTS], outputs[COPIES][MOST_OUTPUTS];
    void *workspace;
    call calls[RUNS];
} run_set;

static bool make_set(run_set *set, call c, const operand *outputs) {
    call first = c;
    for (int k = 0; k < COPIES; k++) {
        for (int i = 0; i < c.output_count; i++)
            set->outputs[k][i] = outputs[i].shape ? on_device(&outputs[i], false) : (operand){0};
        for (int i = 0; i < c.input_count; i++)
            set->inputs[k][i] = c.inputs[i].dtype == TARN_DTYPE_COUNT || !c.inputs[i].shape
                                    ? (operand){0}
                                    : on_device(&c.inputs[i], true);
    }
    first.inputs = set->inputs[0], first.outputs = set->outputs[0];
    if (!choose_row(cuda, &first)) return false;
    if (first.row->prepare && !first.row->prepare(&first, &first.prepared)) return false;
    int64_t bytes = first.row->workspace ? first.row->workspace(&first) : 0;
    set->workspace = bytes > 0 ? cuda->allocate(0, bytes) : NULL;
    for (int r = 0; r < RUNS; r++) {
        set->calls[r] = first;
        set->calls[r].inputs = set->inputs[r % COPIES], set->calls[r].outputs = set->outputs[r % COPIES];
        set->calls[r].workspace = set->workspace;
    }
    return true;
}

static void free_set(run_set *set, int inputs, int outputs) {
    for (int k = 0; k < COPIES; k++) {
        for (int i = 0; i < outputs; i++) cuda->release(0, set->outputs[k][i].data);
        for (int i = 0; i < inputs; i++) cuda->release(0, set->inputs[k][i].data);
    }
    cuda->release(0, set->workspace);
}

/* amount: bytes moved at least, or operations. */
static void time_outputs(const char *name, call c, const operand *outputs, double amount, bool operations) {
    static run_set set;
    if (wanted && !strstr(name, wanted)) return;
    set = (run_set){0};
    if (!make_set(&set, c, outputs)) {
        printf("%-36s %s\n", name, tarn_error());
        tarn_clear_error();
        return;
    }
    double best = INFINITY, start = microseconds();
    for (int r = 0; r <= ROUNDS && (r < 2 || microseconds() - start < 5e5); r++) {
        double begin = microseconds();
        if (!run_and_wait((submission){.calls = set.calls, .call_count = RUNS})) printf("%s: %s\n", name, tarn_error());
        tarn_clear_error();
        best = fmin(best, (microseconds() - begin) / RUNS);
    }
    printf("%-36s %9.1f us %8.2f %s %5.1f %%\n", name, best, amount / best * 1e-6, operations ? "TFLOP/s" : "TB/s   ",
           100 * amount / best * 1e-6 / (operations ? measured_product : measured_copy));
    fflush(stdout);
    free_set(&set, c.input_count, c.output_count);
}

static void time_call(const char *name, call c, tarn_dtype dtype, tarn_ints shape, double amount, bool operations) {
    operand out = shaped(dtype, shape);
    c.output_count = 1;
    time_outputs(name, c, &out, amount, operations);
}

#define X(dtype, ...) shaped(TARN_##dtype, DIMS(__VA_ARGS__))
#define NONE          ((operand){0})

/* The gradient of rows that are made of x, weight and bias by that of the result; read are two arrays of them, written
   one and, unless nobody wants them (frozen), the sums. */
static void time_row_gradient(const char *name, op_id op, const void *attributes, int64_t rows, int64_t n,
                              bool frozen) {
    operand x = X(BFLOAT16, rows, n), row = X(BFLOAT16, n), sums = frozen ? NONE : row;
    call c = CALL(layer_norm_gradient, attributes, NULL, x, x, row);
    c.op = op;
    if (op == OP_softmax_gradient) c.input_count = 2;
    c.output_count = op == OP_softmax_gradient ? 1 : op == OP_rms_norm_gradient ? 2 : 3;
    time_outputs(name, c, (operand[]){x, sums, sums}, 6.0 * (double)(rows * n), false);
}

static void time_norms(void) {
    attributes_layer_norm layer = {.eps = 1e-5};
    time_call("layer_norm 8192x4096 bf16",
              CALL(layer_norm, &layer, NULL, X(BFLOAT16, 8192, 4096), X(BFLOAT16, 4096), X(BFLOAT16, 4096)),
              TARN_BFLOAT16, DIMS(8192, 4096), 4.0 * 8192 * 4096, false);
    time_row_gradient("gradient of softmax 8192x4096 bf16", OP_softmax_gradient,
                      &(attributes_softmax_gradient){.axis = -1}, 8192, 4096, false);
    time_row_gradient("gradient of rms_norm 8192x4096 bf16", OP_rms_norm_gradient,
                      &(attributes_rms_norm_gradient){.eps = 1e-5}, 8192, 4096, false);
    time_row_gradient("gradient of rms_norm, weight frozen", OP_rms_norm_gradient,
                      &(attributes_rms_norm_gradient){.eps = 1e-5}, 8192, 4096, true);
    time_row_gradient("gradient of layer_norm 8192x4096", OP_layer_norm_gradient,
                      &(attributes_layer_norm_gradient){.eps = 1e-5}, 8192, 4096, false);
    time_row_gradient("gradient of layer_norm 8192x2048", OP_layer_norm_gradient,
                      &(attributes_layer_norm_gradient){.eps = 1e-5}, 8192, 2048, false);
}

/* tanh((x y + x) 0.5 - y) + x as one group. */
static void time_chain(const char *name, tarn_dtype dtype) {
    enum { X0, Y0, HALF, FIRST };
    static const uint16_t registers[] = {X0, Y0, HALF, FIRST + 5};
    uint8_t d = (uint8_t)dtype;
    const group_instruction steps[] = {{OP_multiply, FIRST, {X0, Y0}, d, d},
                                       {OP_add, FIRST + 1, {FIRST, X0}, d, d},
                                       {OP_multiply, FIRST + 2, {FIRST + 1, HALF}, d, d},
                                       {OP_subtract, FIRST + 3, {FIRST + 2, Y0}, d, d},
                                       {OP_tanh, FIRST + 4, {FIRST + 3}, d, d},
                                       {OP_add, FIRST + 5, {FIRST + 4, X0}, d, d}};
    const group_program program = {.input_count = 3,
                                   .output_count = 1,
                                   .instruction_count = 6,
                                   .register_count = FIRST + 6,
                                   .input_registers = registers,
                                   .output_registers = registers + 3,
                                   .instructions = steps};
    operand x = shaped(dtype, DIMS(1 << 26)), half = x;
    half.strides = (const int64_t[]){0};
    call c = CALL(group, NULL, NULL, x, x, half);
    c.program = &program;
    time_call(name, c, dtype, DIMS(1 << 26), (double)(3 * (1 << 26) * dtype_bytes(dtype)), false);
}

static void time_rows(void) {
    attributes_rms_norm norm = {.eps = 1e-5};
    double bytes = 4.0 * 8192 * 4096;
    time_call("softmax 8192x4096 bf16", CALL(softmax, &(attributes_softmax){.axis = -1}, NULL, X(BFLOAT16, 8192, 4096)),
              TARN_BFLOAT16, DIMS(8192, 4096), bytes, false);
    time_call("rms_norm 8192x4096 bf16", CALL(rms_norm, &norm, NULL, X(BFLOAT16, 8192, 4096), X(BFLOAT16, 4096)),
              TARN_BFLOAT16, DIMS(8192, 4096), bytes, false);
    attributes_reduce all = {.kind = REDUCE_SUM}, rows = {.kind = REDUCE_SUM, .axes = DIMS(-1)},
                      columns = {.kind = REDUCE_SUM, .axes = DIMS(0)};
    time_call("sum 2^26 f32", CALL(reduce, &all, NULL, X(FLOAT32, 1 << 26)), TARN_FLOAT32, TARN_0D, 4.0 * (1 << 26),
              false);
    time_call("sum of rows 8192x8192 f32", CALL(reduce, &rows, NULL, X(FLOAT32, 8192, 8192)), TARN_FLOAT32, DIMS(8192),
              4.0 * (1 << 26), false);
    time_call("sum of columns 8192x8192 f32", CALL(reduce, &columns, NULL, X(FLOAT32, 8192, 8192)), TARN_FLOAT32,
              DIMS(8192), 4.0 * (1 << 26), false);
}

static void time_order(void) {
    attributes_scan sum = {.kind = REDUCE_SUM, .axis = -1}, down = {.kind = REDUCE_SUM, .axis = 0};
    attributes_scan top = {.kind = REDUCE_MAX, .axis = -1};
    double bytes = 8.0 * (1 << 26);
    time_call("cumsum 2^26 f32", CALL(scan, &sum, NULL, X(FLOAT32, 1 << 26)), TARN_FLOAT32, DIMS(1 << 26), bytes,
              false);
    time_call("cummax 2^26 f32", CALL(scan, &top, NULL, X(FLOAT32, 1 << 26)), TARN_FLOAT32, DIMS(1 << 26), bytes,
              false);
    time_call("cumsum 2^26 i32", CALL(scan, &sum, NULL, X(INT32, 1 << 26)), TARN_INT32, DIMS(1 << 26), bytes, false);
    time_call("cumsum 2^26 bf16", CALL(scan, &sum, NULL, X(BFLOAT16, 1 << 26)), TARN_BFLOAT16, DIMS(1 << 26), bytes / 2,
              false);
    time_call("cumsum of rows 8192x4096 f32", CALL(scan, &sum, NULL, X(FLOAT32, 8192, 4096)), TARN_FLOAT32,
              DIMS(8192, 4096), bytes / 2, false);
    time_call("cumsum of columns 8192x4096 f32", CALL(scan, &down, NULL, X(FLOAT32, 8192, 4096)), TARN_FLOAT32,
              DIMS(8192, 4096), bytes / 2, false);
    attributes_sort sort = {.axis = -1};
    attributes_argsort argsort = {.axis = -1};
    time_call("sort 2^26 f32", CALL(sort, &sort, NULL, X(FLOAT32, 1 << 26)), TARN_FLOAT32, DIMS(1 << 26), bytes, false);
    time_call("argsort 2^26 f32", CALL(argsort, &argsort, NULL, X(FLOAT32, 1 << 26)), TARN_UINT32, DIMS(1 << 26), bytes,
              false);
    time_call("sort of rows 8192x4096 f32", CALL(sort, &sort, NULL, X(FLOAT32, 8192, 4096)), TARN_FLOAT32,
              DIMS(8192, 4096), bytes / 2, false);
    time_call("argsort of rows 8192x4096 f32", CALL(argsort, &argsort, NULL, X(FLOAT32, 8192, 4096)), TARN_UINT32,
              DIMS(8192, 4096), bytes / 2, false);
    time_call("sort 2^26 i64", CALL(sort, &sort, NULL, X(INT64, 1 << 26)), TARN_INT64, DIMS(1 << 26), 2 * bytes, false);
}

static void time_attention(const char *name, int64_t heads, int64_t kv_heads, int64_t length, int64_t dim, bool causal,
                           int mask_dtype) {
    attributes_attention a = {.scale = NAN, .causal = causal};
    operand q = X(BFLOAT16, 1, heads, length, dim), kv = X(BFLOAT16, 1, kv_heads, length, dim);
    operand mask = mask_dtype < 0 ? NONE : shaped((tarn_dtype)mask_dtype, DIMS(1, 1, length, length));
    time_call(name, CALL(attention, &a, NULL, q, kv, kv, mask, NONE, NONE), TARN_BFLOAT16, DIMS(1, heads, length, dim),
              4.0 * (double)(heads * length * length * dim) / (causal ? 2 : 1), true);
}

/* Counted are the five products of a gradient that keeps what attention has of each query. */
static void time_gradient(const char *name, int64_t batch, int64_t heads, int64_t kv_heads, int64_t length,
                          int64_t dim) {
    attributes_attention_gradient a = {.scale = NAN, .causal = true};
    operand q = X(BFLOAT16, batch, heads, length, dim), kv = X(BFLOAT16, batch, kv_heads, length, dim);
    call c = CALL(attention_gradient, &a, NULL, q, q, kv, kv, NONE, NONE, NONE);
    c.output_count = 3;
    time_outputs(name, c, (operand[]){q, kv, kv}, 5.0 * (double)(batch * heads * length * length * dim), true);
}

int main(int count, char **arguments) {
    tarn_measurement limits = {0};
    wanted = count > 1 ? arguments[1] : NULL;
    if (!open_cuda()) return 77;
    if (!cuda->measure(0, &limits)) return printf("%s\n", tarn_error()), 1;
    measured_copy = limits.copy_gbps * 1e-3, measured_product = limits.bf16_tflops;
    printf("copied (read and written) %.2f TB/s, bfloat16 products %.0f TFLOP/s\n", measured_copy, measured_product);
    time_rows();
    time_norms();
    time_chain("chain of 6 2^26 f32", TARN_FLOAT32);
    time_chain("chain of 6 2^26 bf16", TARN_BFLOAT16);
    time_order();
    time_attention("attention 8k causal 24x128", 24, 24, 8192, 128, true, -1);
    time_attention("attention 8k causal 24 of 8x128", 24, 8, 8192, 128, true, -1);
    time_attention("attention 8k full 24x128", 24, 24, 8192, 128, false, -1);
    time_attention("attention 8k causal 24x64", 24, 24, 8192, 64, true, -1);
    time_attention("attention 2k causal 24 of 8x128", 24, 8, 2048, 128, true, -1);
    time_attention("attention 512 causal 24 of 8x128", 24, 8, 512, 128, true, -1);
    time_attention("attention 4k array mask 24x128", 24, 24, 4096, 128, false, TARN_BFLOAT16);
    time_attention("attention 4k bool mask 24x128", 24, 24, 4096, 128, false, TARN_BOOL);
    time_gradient("gradient 8k causal 24x128", 1, 24, 24, 8192, 128);
    time_gradient("gradient 8x1k causal 24 of 8x128", 8, 24, 8, 1024, 128);
    time_gradient("gradient 8x1k causal 16x64", 8, 16, 16, 1024, 64);
    return failures != 0;
}
