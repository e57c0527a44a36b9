/* Printing a group: values.cuh, a function for each instruction with the text of its row, and one kernel of 4 or 8
   elements a thread, which lie side by side or are a block apart. */
#include "cuda/elementwise/print.h"

#include <stdio.h>
#include <string.h>

#include "cuda/elementwise/length.h"

/* Which NVRTC compiles before every group. */
#define INCLUDE_TEXT(name, path)                                                                                       \
    __asm__(".pushsection .rodata\n"                                                                                   \
            ".local " #name "\n" #name ":\n"                                                                           \
            ".incbin \"" path "\"\n"                                                                                   \
            ".byte 0\n"                                                                                                \
            ".popsection\n");                                                                                          \
    extern const char name[];
INCLUDE_TEXT(cuda_values, CUDA_FOLDER "/values.cuh")
INCLUDE_TEXT(cuda_pairs, CUDA_FOLDER "/elementwise/pairs.cuh")
INCLUDE_TEXT(cuda_angles, CUDA_FOLDER "/elementwise/angles.cuh")

/* ---- the rows as text, a table for each kind */
#define REALS(v)   INT(v) FLOAT(v)
#define NUMBERS(v) INT(v) FLOAT(v) COMPLEX(v)
#define INEXACT(v) FLOAT(v) COMPLEX(v)
#define ALL(v)     BOOL(v) NUMBERS(v)

#define UNARY(op, result, values, ...)           [OP_##op] = "" values,
#define BINARY(op, result, values, ...)          [OP_##op] = "" values,
#define TERNARY(op, result, inputs, values, ...) [OP_##op] = "" values,

#define BOOL(v) #v
#define INT(v)
#define FLOAT(v)
#define COMPLEX(v)
static const char *const bool_rows[OP_COUNT] = {
#include "table/elementwise.def"
};
#undef BOOL
#undef INT
#define BOOL(v)
#define INT(v) #v
static const char *const int_rows[OP_COUNT] = {
#include "table/elementwise.def"
};
#undef INT
#undef FLOAT
#define INT(v)
#define FLOAT(v) #v
static const char *const float_rows[OP_COUNT] = {
#include "table/elementwise.def"
};
#undef FLOAT
#undef COMPLEX
#define FLOAT(v)
#define COMPLEX(v) #v
static const char *const complex_rows[OP_COUNT] = {
#include "table/elementwise.def"
};

static const char *row_text(op_id op, tarn_dtype dtype) {
    static const char *const *const tables[KIND_COUNT] = {
        [KIND_BOOL] = bool_rows, [KIND_INT] = int_rows, [KIND_FLOAT] = float_rows, [KIND_COMPLEX] = complex_rows};
    return tables[dtype_kind_of(dtype)][op];
}

/* ---- C types: that of a value while it is computed, that of an element in memory */
static const char *compute_type(tarn_dtype dtype) {
    switch (dtype_kind_of(dtype)) {
    case KIND_BOOL:
        return "bool";
    case KIND_INT:
        if (dtype_bytes(dtype) == 8) return dtype_is_unsigned(dtype) ? "u64" : "i64";
        return dtype_is_unsigned(dtype) ? "u32" : "int";
    case KIND_COMPLEX:
        return "cplx";
    case KIND_FLOAT:
        break;
    }
    return dtype == TARN_FLOAT64 ? "double" : "float";
}

static const char *storage_type(tarn_dtype dtype) {
    static const char *const types[TARN_DTYPE_COUNT] = {
        [TARN_BOOL] = "truth8",     [TARN_UINT8] = "unsigned char", [TARN_UINT16] = "unsigned short",
        [TARN_UINT32] = "u32",      [TARN_UINT64] = "u64",          [TARN_INT8] = "signed char",
        [TARN_INT16] = "short",     [TARN_INT32] = "int",           [TARN_INT64] = "i64",
        [TARN_FLOAT16] = "float16", [TARN_BFLOAT16] = "bfloat16",   [TARN_FLOAT32] = "float",
        [TARN_FLOAT64] = "double",  [TARN_COMPLEX64] = "complex64"};
    return types[dtype];
}

/* ---- axes */

/* Whether axis i and the one before it are one for every input. */
static bool may_join(const call *c, const group_axes *a, int before, int i) {
    for (int k = 0; k < c->input_count; k++)
        if (a->strides[k][before] != a->strides[k][i] * a->shape[i]) return false;
    return true;
}

static unsigned find_singles(const call *c, const group_axes *a) {
    unsigned singles = 0;
    for (int k = 0; k < c->input_count && a->ndim; k++) {
        bool one = true;
        for (int i = 0; i < a->ndim; i++) one = one && a->strides[k][i] == 0;
        singles |= (unsigned)one << k;
    }
    return singles;
}

void group_axes_of(const call *c, group_axes *a) {
    const operand *out = &c->outputs[0];
    *a = (group_axes){.n = operand_size(out)};
    group_axes all = *a;
    for (int i = 0; i < out->ndim; i++) {
        if (out->shape[i] == 1) continue;
        for (int k = 0; k < c->input_count; k++) all.strides[k][all.ndim] = c->inputs[k].strides[i];
        all.shape[all.ndim++] = out->shape[i];
    }
    for (int i = 0; i < all.ndim; i++) {
        bool join = i > 0 && may_join(c, &all, i - 1, i);
        int to = join ? a->ndim - 1 : a->ndim++;
        a->shape[to] = all.shape[i] * (join ? a->shape[to] : 1);
        for (int k = 0; k < c->input_count; k++) a->strides[k][to] = all.strides[k][i];
    }
    a->singles = find_singles(c, a);
}

/* ---- printing */

/* One operation on halves, which are computed two at a time. */
static bool is_packed(const group_instruction *in) {
    op_id op = (op_id)in->op;
    bool one = op == OP_add || op == OP_subtract || op == OP_multiply || op == OP_square;
    return one && dtype_is_half((tarn_dtype)in->input_dtype);
}

/* Where a row's functions are looked for first. */
static const char *space_of(tarn_dtype dtype) {
    return dtype_is_half(dtype) ? "coarse" : dtype == TARN_FLOAT32 ? "single" : "exact";
}

/* The row's text over its inputs. */
static void print_function(const group_program *p, int number, text *out) {
    const group_instruction *in = &p->instructions[number];
    tarn_dtype from = (tarn_dtype)in->input_dtype;
    const op_fact *fact = &op_facts[in->op];
    char both[32];
    snprintf(both, sizeof both, "two<%s>", storage_type(from));
    const char *type = is_packed(in) ? both : compute_type(from);
    bool choice = fact->inputs == INPUTS_CHOICE,
         real = fact->result == RESULT_REAL && dtype_kind_of(from) == KIND_COMPLEX;
    text_format(out, "namespace %s {\n%s %s f%d(%s x", space_of(from),
                group_calls(p, in) ? "static __device__ __noinline__" : "DEVICE",
                fact->result == RESULT_TRUTH ? "bool"
                : real                       ? "double"
                                             : type,
                number, choice ? "bool" : type);
    for (int i = 1; i < fact->most_inputs; i++) text_format(out, ", %s %c", type, "xyz"[i]);
    text_format(out, ") {\n    typedef %s T;\n    return %s;\n}\n}\n", type, row_text((op_id)in->op, from));
}

/* The first instruction that does the same with the same dtypes: they have one function. */
static int first_alike(const group_program *p, int number) {
    const group_instruction *in = p->instructions;
    for (int i = 0; i < number; i++)
        if (in[i].op == in[number].op && in[i].input_dtype == in[number].input_dtype) return i;
    return number;
}

static void print_functions(const group_program *p, text *out) {
    text_add(out, "namespace language {\n");
    for (int i = 0; i < p->instruction_count; i++)
        if (p->instructions[i].op != OP_astype && first_alike(p, i) == i) print_function(p, i, out);
    text_add(out, "}\n");
}

static void print_parameters(const call *c, const group_axes *a, text *out) {
    text_format(out, "struct parameters {\n    void *in[%d], *out[%d];\n    i64 n, shape[%d], strides[%d][%d];\n};\n",
                c->input_count + 1, c->output_count, a->ndim + 1, c->input_count + 1, a->ndim + 1);
}

int group_width(const call *c) {
    for (int k = 0; k < c->input_count; k++)
        if (dtype_bytes(c->inputs[k].dtype) > 2) return 4;
    for (int k = 0; k < c->output_count; k++)
        if (dtype_bytes(c->outputs[k].dtype) > 2) return 4;
    return 8;
}

static bool is_single(const group_axes *a, int k) {
    return a->singles >> k & 1;
}

static bool is_flat(const group_axes *a) {
    return a->ndim <= 1;
}

static void print_steps(const call *c, const group_axes *a, const char *index, const char *axis, text *out) {
    for (int k = 0; k < c->input_count; k++)
        if (!is_single(a, k)) text_format(out, "        at%d += %s * p.strides[%d][%s];\n", k, index, k, axis);
}

static void print_axes(const call *c, const group_axes *a, text *out) {
    text_format(out, "        i64 left = i, index;\n#pragma unroll\n        for (int d = %d; d > 0; d--) {\n",
                a->ndim - 1);
    text_add(out, "        left = take_index(left, p.shape[d], &index);\n");
    print_steps(c, a, "index", "d", out);
    text_add(out, "        }\n");
    print_steps(c, a, "left", "0", out);
}

/* Where element i of each input is: i itself, a multiple, or by the axes. */
static void print_places(const call *c, const group_axes *a, bool wide, text *out) {
    for (int k = 0; k < c->input_count; k++)
        if (!is_single(a, k))
            text_format(out,
                        !is_flat(a) ? "        i64 at%d = 0;\n"
                        : wide      ? "        i64 at%d = i;\n"
                                    : "        i64 at%d = i * p.strides[%d][0];\n",
                        k, k);
    if (!is_flat(a)) print_axes(c, a, out);
}

/* The elements of the thread: all at once, or one by one. Of one axis an input that is not single has each of them. */
static void print_wide_loads(const call *c, const group_axes *a, int width, text *out) {
    text_add(out, "    const i64 i = first;\n");
    print_places(c, a, true, out);
    for (int k = 0; k < c->input_count; k++) {
        if (is_single(a, k)) continue;
        text_format(out, "    load_wide<%d>(in%d, (const %s *)p.in[%d] + at%d, ", width / 2, k,
                    storage_type(c->inputs[k].dtype), k, k);
        text_format(out, is_flat(a) ? "1);\n" : "p.strides[%d][%d]);\n", k, a->ndim - 1);
    }
}

static void print_spaced_loads(const call *c, const group_axes *a, int width, text *out) {
    text_format(out, "#pragma unroll\n    for (int u = 0; u < %d; u++) {\n", width);
    text_add(out, "        i64 i = first + u * 256;\n        if (i >= p.n) break;\n");
    print_places(c, a, false, out);
    for (int k = 0; k < c->input_count; k++)
        if (!is_single(a, k))
            text_format(out, "        put(in%d[u / 2], u %% 2, ((const %s *)p.in[%d])[at%d]);\n", k,
                        storage_type(c->inputs[k].dtype), k, k);
    text_add(out, "    }\n");
}

static void print_singles(const call *c, const group_axes *a, int width, text *out) {
    for (int k = 0; k < c->input_count; k++)
        if (is_single(a, k))
            text_format(out, "    spread<%d>(in%d, *(const %s *)p.in[%d]);\n", width / 2, k,
                        storage_type(c->inputs[k].dtype), k);
}

static void print_store(const char *type, int k, int width, bool wide, text *out) {
    text_format(out, "    if (p.out[%d])", k);
    if (wide) {
        text_format(out, " store_wide<%d>((%s *)p.out[%d] + first, out%d);\n", width / 2, type, k, k);
        return;
    }
    text_format(out, "\n#pragma unroll\n        for (int u = 0; u < %d && first + u * 256 < p.n; u++)\n", width);
    text_format(out, "            give((%s *)p.out[%d] + first + u * 256, out%d[u / 2], u %% 2);\n", type, k, k);
}

/* Of one of both elements, `half` of each argument; "": of both at once. Halves are rounded when both are there. */
static void print_call(const group_program *p, int number, const int *now, const char *half, text *out) {
    const group_instruction *in = &p->instructions[number];
    tarn_dtype dtype = (tarn_dtype)in->dtype;
    if (!dtype_is_half(dtype)) text_format(out, "to_%s", dtype_facts[dtype].name);
    text_add(out, "(");
    int count = in->op == OP_astype ? 1 : op_facts[in->op].most_inputs;
    if (in->op != OP_astype)
        text_format(out, "language::%s::f%d(", space_of((tarn_dtype)in->input_dtype), first_alike(p, number));
    for (int i = 0; i < count; i++) text_format(out, "%s%s(v%d)", i ? ", " : "", half, now[in->arguments[i]]);
    text_add(out, in->op == OP_astype ? ")" : "))");
}

static void print_instruction(const group_program *p, int number, int value, const int *now, text *out) {
    const group_instruction *in = &p->instructions[number];
    const char *type = storage_type((tarn_dtype)in->dtype);
    text_format(out, "        two<%s> v%d = ", type, value);
    if (is_packed(in)) {
        print_call(p, number, now, "", out);
    } else {
        text_format(out, "two_of<%s>::of(", type);
        print_call(p, number, now, "low", out);
        text_add(out, ", ");
        print_call(p, number, now, "high", out);
        text_add(out, ")");
    }
    text_add(out, ";\n");
}

/* Elements beyond the last are computed, too, of zeros: without a branch each, they go side by side. now[r]: which
   value register r holds: an input, or one of those behind. */
static void print_values(const call *c, int width, text *out) {
    const group_program *p = c->program;
    int now[GROUP_MAX_REGISTERS];
    text_format(out, "#pragma unroll %d\n    for (int u = 0; u < %d; u++) {\n", group_unrolled(p, width / 2),
                width / 2);
    for (int k = 0; k < c->input_count; k++) {
        text_format(out, "        two<%s> v%d = next(in%d);\n", storage_type(c->inputs[k].dtype), k, k);
        now[p->input_registers[k]] = k;
    }
    for (int i = 0; i < p->instruction_count; i++) {
        print_instruction(p, i, c->input_count + i, now, out);
        now[p->instructions[i].result] = c->input_count + i;
    }
    for (int k = 0; k < c->output_count; k++)
        text_format(out, "        append(out%d, v%d);\n", k, now[p->output_registers[k]]);
    text_add(out, "    }\n");
}

static void print_body(const call *c, const group_axes *a, bool wide, text *out) {
    int width = group_width(c);
    for (int k = 0; k < c->input_count; k++)
        text_format(out, "    two<%s> in%d[%d] = {};\n", storage_type(c->inputs[k].dtype), k, width / 2);
    for (int k = 0; k < c->output_count; k++)
        text_format(out, "    two<%s> out%d[%d];\n", storage_type(c->outputs[k].dtype), k, width / 2);
    text_format(
        out,
        "    const i64 first = blockIdx.x * %dll + threadIdx.x * %d;\n    begin();\n    if (first >= p.n) return;\n",
        256 * width, wide ? width : 1);
    print_singles(c, a, width, out);
    (wide ? print_wide_loads : print_spaced_loads)(c, a, width, out);
    print_values(c, width, out);
    for (int k = 0; k < c->output_count; k++) print_store(storage_type(c->outputs[k].dtype), k, width, wide, out);
}

bool group_print(const call *c, const group_axes *a, bool wide, text *out) {
    text_add(out, cuda_values);
    text_add(out, cuda_pairs);
    text_add(out, cuda_angles);
    print_functions(c->program, out);
    print_parameters(c, a, out);
    text_add(out,
             "extern \"C\" __global__ void __launch_bounds__(256) group(const __grid_constant__ parameters p) {\n");
    print_body(c, a, wide, out);
    text_add(out, "}\n");
    return !out->failed;
}
