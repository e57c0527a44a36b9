/* Printing a group: values.cuh, a function for each instruction with the text of its row, and one kernel of 4 or 8
   elements a thread, which lie side by side or are a block apart. */
#include "cuda/elementwise/print.h"

#include <stdio.h>
#include <string.h>

/* values.cuh and pairs.cuh, which NVRTC compiles before every group. */
#define INCLUDE_TEXT(name, path)                                                                                       \
    __asm__(".pushsection .rodata\n"                                                                                   \
            ".local " #name "\n" #name ":\n"                                                                           \
            ".incbin \"" path "\"\n"                                                                                   \
            ".byte 0\n"                                                                                                \
            ".popsection\n");                                                                                          \
    extern const char name[];
INCLUDE_TEXT(cuda_values, CUDA_FOLDER "/values.cuh")
INCLUDE_TEXT(cuda_pairs, CUDA_FOLDER "/elementwise/pairs.cuh")

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
}

/* ---- printing */

/* One operation on halves, which are computed two at a time. */
static bool is_packed(const group_instruction *in) {
    op_id op = (op_id)in->op;
    bool one = op == OP_add || op == OP_subtract || op == OP_multiply || op == OP_square;
    return one && dtype_is_half((tarn_dtype)in->input_dtype);
}

/* One function for each instruction: the row's text over its inputs; of halves by coarser functions where there are. */
static void print_function(const group_instruction *in, int number, text *out) {
    tarn_dtype from = (tarn_dtype)in->input_dtype;
    const op_fact *fact = &op_facts[in->op];
    char both[32];
    snprintf(both, sizeof both, "two<%s>", storage_type(from));
    const char *type = is_packed(in) ? both : compute_type(from);
    bool choice = fact->inputs == INPUTS_CHOICE, half = dtype_is_half(from),
         real = fact->result == RESULT_REAL && dtype_kind_of(from) == KIND_COMPLEX;
    if (half) text_add(out, "namespace coarse {\n");
    text_format(out, "DEVICE %s f%d(%s x",
                fact->result == RESULT_TRUTH ? "bool"
                : real                       ? "double"
                                             : type,
                number, choice ? "bool" : type);
    for (int i = 1; i < fact->most_inputs; i++) text_format(out, ", %s %c", type, "xyz"[i]);
    text_format(out, ") {\n    typedef %s T;\n    return %s;\n}\n", type, row_text((op_id)in->op, from));
    if (half) text_format(out, "}\nusing coarse::f%d;\n", number);
}

static void print_functions(const group_program *p, text *out) {
    text_add(out, "namespace language {\n");
    for (int i = 0; i < p->instruction_count; i++)
        if (p->instructions[i].op != OP_astype) print_function(&p->instructions[i], i, out);
    text_add(out, "}\n");
}

static void print_parameters(const call *c, const group_axes *a, text *out) {
    text_format(out,
                "struct parameters {\n    void *in[%d], *out[%d];\n    i64 n, shape[%d], strides[%d][%d], wide;\n};\n",
                c->input_count + 1, c->output_count, a->ndim + 1, c->input_count + 1, a->ndim + 1);
}

int group_width(const call *c) {
    for (int k = 0; k < c->input_count; k++)
        if (dtype_bytes(c->inputs[k].dtype) > 2) return 4;
    for (int k = 0; k < c->output_count; k++)
        if (dtype_bytes(c->outputs[k].dtype) > 2) return 4;
    return 8;
}

/* Where element i of each input is: i itself, 0, or by the axes. */
static bool is_flat(const group_axes *a) {
    return a->ndim <= 1;
}

static void print_places(const call *c, const group_axes *a, text *out) {
    for (int k = 0; k < c->input_count; k++)
        text_format(out, is_flat(a) ? "        i64 at%d = i * p.strides[%d][0];\n" : "        i64 at%d = 0;\n", k, k);
    if (is_flat(a)) return;
    text_format(out, "        i64 left = i, index;\n#pragma unroll\n        for (int d = %d; d >= 0; d--) {\n",
                a->ndim - 1);
    text_add(out, "            left = divide(left, p.shape[d], &index);\n");
    for (int k = 0; k < c->input_count; k++) text_format(out, "            at%d += index * p.strides[%d][d];\n", k, k);
    text_add(out, "        }\n");
}

/* The elements of the thread: all at once, or one by one. */
static void print_loads(const call *c, const group_axes *a, int width, text *out) {
    text_add(out, "    if (wide) {\n        i64 i = first;\n        if (i >= p.n) return;\n");
    print_places(c, a, out);
    for (int k = 0; k < c->input_count; k++)
        text_format(out, "        load_wide<%d>(v%d, (const %s *)p.in[%d] + at%d, p.strides[%d][%d]);\n", width / 2, k,
                    storage_type(c->inputs[k].dtype), k, k, k, a->ndim ? a->ndim - 1 : 0);
    text_format(out, "    } else {\n#pragma unroll\n    for (int u = 0; u < %d; u++) {\n", width);
    text_add(out, "        i64 i = first + u * step;\n        if (i >= p.n) break;\n");
    print_places(c, a, out);
    for (int k = 0; k < c->input_count; k++)
        text_format(out, "        put(v%d[u / 2], u %% 2, ((const %s *)p.in[%d])[at%d]);\n", k,
                    storage_type(c->inputs[k].dtype), k, k);
    text_add(out, "    }\n    }\n");
}

static void print_stores(const call *c, int width, text *out) {
    for (int k = 0; k < c->output_count; k++) {
        const char *type = storage_type(c->outputs[k].dtype);
        text_format(out, "    if (p.out[%d] && wide) store_wide<%d>((%s *)p.out[%d] + first, o%d);\n", k, width / 2,
                    type, k, k);
        text_format(out, "    if (p.out[%d] && !wide) {\n#pragma unroll\n        for (int u = 0; u < %d; u++)\n", k,
                    width);
        text_format(out, "            if (first + u * step < p.n) give((%s *)p.out[%d] + first + u * step, ", type, k);
        text_format(out, "o%d[u / 2], u %% 2);\n", k);
        text_add(out, "    }\n");
    }
}

static void print_argument(const char *half, int from, text *out) {
    text_format(out, from < 0 ? "%s(v%d[u])" : "%s(v%d)", half, from < 0 ? -1 - from : from);
}

/* Of one of both elements, `half` of each argument; "": of both at once. Halves are rounded when both are there. */
static void print_call(const group_instruction *in, int number, const int *now, const char *half, text *out) {
    tarn_dtype dtype = (tarn_dtype)in->dtype;
    if (!dtype_is_half(dtype)) text_format(out, "to_%s", dtype_facts[dtype].name);
    text_add(out, "(");
    int count = in->op == OP_astype ? 1 : op_facts[in->op].most_inputs;
    if (in->op != OP_astype) text_format(out, "language::f%d(", number);
    for (int i = 0; i < count; i++) {
        if (i) text_add(out, ", ");
        print_argument(half, now[in->arguments[i]], out);
    }
    text_add(out, in->op == OP_astype ? ")" : "))");
}

static void print_instruction(const group_instruction *in, int number, int value, const int *now, text *out) {
    const char *type = storage_type((tarn_dtype)in->dtype);
    text_format(out, "        two<%s> v%d = ", type, value);
    if (is_packed(in)) {
        print_call(in, number, now, "", out);
    } else {
        text_format(out, "two_of<%s>::of(", type);
        print_call(in, number, now, "low", out);
        text_add(out, ", ");
        print_call(in, number, now, "high", out);
        text_add(out, ")");
    }
    text_add(out, ";\n");
}

/* Of halves elements beyond the last are computed, too, of zeros: without a branch each, they go side by side. now[r]:
   which value register r holds: -1 - input, or the number of a value behind the inputs. */
static void print_values(const call *c, int width, text *out) {
    const group_program *p = c->program;
    int now[GROUP_MAX_REGISTERS];
    for (int k = 0; k < c->input_count; k++) now[p->input_registers[k]] = -1 - k;
    text_format(out, "#pragma unroll\n    for (int u = 0; u < %d; u++) {\n", width / 2);
    if (width == 4) text_add(out, "        if (first + 2 * u * step >= p.n) break;\n");
    for (int i = 0; i < p->instruction_count; i++) {
        print_instruction(&p->instructions[i], i, c->input_count + i, now, out);
        now[p->instructions[i].result] = c->input_count + i;
    }
    for (int k = 0; k < c->output_count; k++) {
        text_format(out, "        o%d[u] = ", k);
        print_argument("", now[p->output_registers[k]], out);
        text_add(out, ";\n");
    }
    text_add(out, "    }\n");
}

static void print_body(const call *c, const group_axes *a, text *out) {
    int width = group_width(c);
    for (int k = 0; k < c->input_count; k++)
        text_format(out, "    two<%s> v%d[%d] = {};\n", storage_type(c->inputs[k].dtype), k, width / 2);
    for (int k = 0; k < c->output_count; k++)
        text_format(out, "    two<%s> o%d[%d];\n", storage_type(c->outputs[k].dtype), k, width / 2);
    text_format(out, "    const bool wide = p.wide;\n    const int step = wide ? 1 : 256;\n");
    text_format(out, "    i64 first = blockIdx.x * %dll + threadIdx.x * (wide ? %d : 1);\n    begin();\n", 256 * width,
                width);
    print_loads(c, a, width, out);
    print_values(c, width, out);
    print_stores(c, width, out);
}

bool group_print(const call *c, const group_axes *a, text *out) {
    text_add(out, cuda_values);
    text_add(out, cuda_pairs);
    print_functions(c->program, out);
    print_parameters(c, a, out);
    text_add(out,
             "extern \"C\" __global__ void __launch_bounds__(256) group(const __grid_constant__ parameters p) {\n");
    print_body(c, a, out);
    text_add(out, "}\n");
    return !out->failed;
}
