/* Arrays and calls for tests that drive kernel rows directly, without a graph. Memory is kept until the process ends,
 * or is let go of as a whole. */
#ifndef TESTS_KERNEL_CALLS_H
#define TESTS_KERNEL_CALLS_H

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/backend.h"
#include "rounds.h"
#include "table/convert.h"
#include "tarn/error.h"

static int failures, checks;

/* CHECK(condition) or CHECK(condition, "format", arguments…). */
#define CHECK(...) check_at(__FILE__, __LINE__, #__VA_ARGS__, __VA_ARGS__, "")
static inline UNWATCHED bool check_at(const char *file, int line, const char *what, bool ok, const char *format, ...) {
    checks++;
    if (ok || ++failures > 50) return ok;
    printf("%s:%d: %s", file, line, *format ? "" : what);
    va_list arguments;
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    return false;
}

#define DIMS(...) TARN_INTS(__VA_ARGS__)

/* Zeroed memory that stays until the process ends, and stays reachable, so that the leak checker has nothing to say.
 * free() is allowed. */
static void **kept_memory;
static size_t kept_count;
static inline void *keep(size_t count, size_t size) {
    if ((kept_count & (kept_count - 1)) == 0)
        kept_memory = realloc(kept_memory, (2 * kept_count + 1) * sizeof *kept_memory);
    return kept_memory[kept_count++] = calloc(count, size);
}

/* For tests that make gigabytes and free none of it themselves. */
static inline void release_kept(void) {
    while (kept_count > 0) free(kept_memory[--kept_count]);
}

/* A dense operand without memory. */
static inline operand shaped(tarn_dtype dtype, tarn_ints shape) {
    int64_t *sizes = keep(2 * (size_t)shape.count + 2, sizeof *sizes), *strides = sizes + shape.count + 1, size = 1;
    for (int64_t i = shape.count - 1; i >= 0; i--) {
        sizes[i] = shape.values[i];
        strides[i] = size;
        size *= sizes[i];
    }
    return (operand){.dtype = dtype, .ndim = (int)shape.count, .shape = sizes, .strides = strides};
}

/* A dense operand filled with zeros. */
static inline operand make(tarn_dtype dtype, tarn_ints shape) {
    operand o = shaped(dtype, shape);
    int64_t size = 1;
    for (int i = 0; i < o.ndim; i++) size *= o.shape[i];
    o.data = keep((size_t)size + 1, (size_t)dtype_bytes(dtype));
    return o;
}

/* Another view of the same memory; offset and strides in elements. */
static inline operand view(operand o, int64_t offset, tarn_ints shape, tarn_ints strides) {
    operand v = shaped(o.dtype, shape);
    v.data = (char *)o.data + offset * dtype_bytes(o.dtype);
    memcpy((int64_t *)(uintptr_t)v.strides, strides.values, (size_t)strides.count * sizeof(int64_t));
    return v;
}

/* The same numbers `by` elements further on from where memory begins. */
static inline operand moved_on(operand o, int64_t by) {
    int64_t size = 1;
    for (int i = 0; i < o.ndim; i++) size *= o.shape[i];
    operand room = make(o.dtype, (tarn_ints){(int64_t[]){size + by}, 1});
    char *to = (char *)room.data + by * dtype_bytes(o.dtype);
    memcpy(to, o.data, (size_t)(size * dtype_bytes(o.dtype)));
    o.data = to;
    return o;
}

static inline operand transposed(operand o) {
    operand v = view(o, 0, (tarn_ints){o.shape, o.ndim}, (tarn_ints){o.strides, o.ndim});
    int64_t *shape = (int64_t *)(uintptr_t)v.shape, *strides = (int64_t *)(uintptr_t)v.strides;
    for (int i = 0; i < o.ndim; i++) {
        shape[i] = o.shape[o.ndim - 1 - i];
        strides[i] = o.strides[o.ndim - 1 - i];
    }
    return v;
}

static inline UNWATCHED void *place(const operand *o, int64_t index) {
    int64_t offset = 0;
    for (int i = o->ndim - 1; i >= 0; i--) {
        offset += index % o->shape[i] * o->strides[i];
        index /= o->shape[i];
    }
    return (char *)o->data + offset * dtype_bytes(o->dtype);
}

/* Elements in row-major order, as doubles (of complex numbers the real part). Unwatched, with what run_call reads under
 * the watch in their stead. */
static inline UNWATCHED double get(const operand *o, int64_t index) {
    const void *p = place(o, index);
    switch (o->dtype) {
#define DTYPE(name, ENUM, bytes, kind, type)                                                                           \
    case TARN_##ENUM: {                                                                                                \
        type v;                                                                                                        \
        memcpy(&v, p, sizeof v);                                                                                       \
        if (TARN_##ENUM == TARN_FLOAT16) return (double)float16_to_float((uint16_t)v);                                 \
        if (TARN_##ENUM == TARN_BFLOAT16) return (double)bfloat16_to_float((uint16_t)v);                               \
        return (double)v;                                                                                              \
    }
#include "table/dtype.def"
#undef DTYPE
    default:
        return NAN;
    }
}

static inline UNWATCHED void put(const operand *o, int64_t index, double x) {
    void *p = place(o, index);
    switch (o->dtype) {
#define DTYPE(name, ENUM, bytes, kind, type)                                                                           \
    case TARN_##ENUM: {                                                                                                \
        type v = 0;                                                                                                    \
        if (TARN_##ENUM == TARN_BOOL)                                                                                  \
            v = x != 0;                                                                                                \
        else if (TARN_##ENUM == TARN_FLOAT16)                                                                          \
            v = (type)double_to_float16(x);                                                                            \
        else if (TARN_##ENUM == TARN_BFLOAT16)                                                                         \
            v = (type)double_to_bfloat16(x);                                                                           \
        else                                                                                                           \
            v = (type)x;                                                                                               \
        memcpy(p, &v, sizeof v);                                                                                       \
        break;                                                                                                         \
    }
#include "table/dtype.def"
#undef DTYPE
    default:
        break;
    }
}

static inline operand filled(tarn_dtype dtype, tarn_ints shape, const double *values) {
    operand o = make(dtype, shape);
    for (int64_t i = 0, n = operand_size(&o); i < n; i++) put(&o, i, values[i]);
    return o;
}
#define VALUES(...) ((const double[]){__VA_ARGS__})

/* Small numbers that every dtype holds exactly, in no order: 0 .. 1 of bool, -7 .. 7, unsigned 0 .. 14. */
static inline operand varied(tarn_dtype dtype, tarn_ints shape) {
    operand o = make(dtype, shape);
    uint32_t state = 12345;
    for (int64_t i = 0, n = operand_size(&o); i < n; i++) {
        state = state * 1664525 + 1013904223;
        int x = (int)(state >> 16) % 15;
        put(&o, i, dtype == TARN_BOOL ? x & 1 : dtype_is_unsigned(dtype) ? x : x - 7);
    }
    return o;
}

/* The first row of the backend that takes the call. */
static inline bool choose_row(const backend *b, call *c) {
    int count;
    const kernel_row *const *rows = b->rows(0, c->op, &count);
    for (int i = 0; i < count; i++) {
        int s = rows[i]->selector;
        tarn_dtype dtype = s >= 0 ? c->inputs[s].dtype : c->outputs[-1 - s].dtype;
        if (!(rows[i]->dtypes & DTYPE_BIT(dtype)) || (rows[i]->supports && !rows[i]->supports(c))) continue;
        c->row = rows[i];
        return true;
    }
    return tarn_fail("%s has no row for %s", b->name, op_name(c->op));
}

/* Reads each element once: a thread that still writes one is then told of by ThreadSanitizer. */
static inline void read_all(const operand *o) {
    for (int64_t i = 0, n = o->data ? operand_size(o) : 0; i < n; i++) (void)*(const volatile char *)place(o, i);
}

/* Runs a call on this thread; for backends in host memory. */
static inline bool run_call(const backend *b, call c) {
    if (!choose_row(b, &c)) return false;
    int64_t bytes = c.row->workspace ? c.row->workspace(&c) : 0;
    c.workspace = bytes > 0 ? malloc((size_t)bytes) : NULL;
    bool ok = c.row->run(&c);
    free(c.workspace);
    for (int i = 0; WATCHED && i < c.output_count; i++) read_all(&c.outputs[i]);
    return ok;
}

/* The call of a fused group. */
static inline call group_call(const group_program *program, operand *inputs, operand *outputs) {
    return (call){.op = OP_group,
                  .input_count = program->input_count,
                  .output_count = program->output_count,
                  .inputs = inputs,
                  .outputs = outputs,
                  .program = program};
}

#define OPERANDS(...)      ((operand[]){__VA_ARGS__})
#define OPERAND_COUNT(...) ((int)(sizeof(OPERANDS(__VA_ARGS__)) / sizeof(operand)))
#define CALL(op_, attributes_, out_, ...)                                                                              \
    ((call){.op = OP_##op_,                                                                                            \
            .attributes = (attributes_),                                                                               \
            .input_count = OPERAND_COUNT(__VA_ARGS__),                                                                 \
            .output_count = 1,                                                                                         \
            .inputs = OPERANDS(__VA_ARGS__),                                                                           \
            .outputs = (out_)})

/* A group of one instruction: out = op(inputs). All operands have out's shape. */
static inline bool run_elementwise(const backend *b, op_id op, operand *out, operand *inputs, int count) {
    group_instruction instruction = {.op = (uint16_t)op, .result = (uint16_t)count, .dtype = (uint8_t)out->dtype};
    instruction.input_dtype = (uint8_t)inputs[count - 1].dtype;
    for (uint16_t i = 0; i < 3; i++) instruction.arguments[i] = i < count ? i : 0;
    const uint16_t loaded[3] = {0, 1, 2}, result = (uint16_t)count;
    group_program program = {count, 1, 1, count + 1, loaded, &result, &instruction};
    call c = {
        .op = OP_group, .input_count = count, .output_count = 1, .inputs = inputs, .outputs = out, .program = &program};
    return run_call(b, c);
}

#endif
