/* The facts of the tables, each made by expanding the rows once. */
#include "table/table.h"

#include <string.h>

const dtype_fact dtype_facts[TARN_DTYPE_COUNT] = {
#define DTYPE(name, ENUM, bytes, kind, type) [TARN_##ENUM] = {#name, bytes, kind},
#include "table/dtype.def"
#undef DTYPE
};

/* One function for each op that describes its attributes; inside it `row` is the op's own struct, which a nested A()
 * could not name. */
#define DESCRIBE_INTEGER       ATTRIBUTE_INTEGER
#define DESCRIBE_REAL          ATTRIBUTE_REAL
#define DESCRIBE_BOOLEAN       ATTRIBUTE_BOOLEAN
#define DESCRIBE_DTYPE         ATTRIBUTE_DTYPE
#define DESCRIBE_NAME(list)    ATTRIBUTE_NAME, .names = &names_##list
#define DESCRIBE_INTS          ATTRIBUTE_INTS
#define DESCRIBE_REALS         ATTRIBUTE_REALS
#define DESCRIBE_OBJECT        ATTRIBUTE_OBJECT
#define A(type_, name_, value) {.name = #name_, .offset = offsetof(row, name_), .type = DESCRIBE_##type_},
#define DESCRIBE(op, ...)                                                                                              \
    static const attribute_fact *describe_##op(int *count) {                                                           \
        typedef attributes_##op row;                                                                                   \
        static const attribute_fact facts[] = {__VA_ARGS__{.name = NULL, .offset = offsetof(row, end_)}};              \
        *count = (int)(sizeof facts / sizeof *facts) - 1;                                                              \
        return facts;                                                                                                  \
    }
#define FUSED(op, least, most, outputs, batch, list, doc)     DESCRIBE(op, list)
#define STRUCTURAL(op, least, most, outputs, kind, list, doc) DESCRIBE(op, list)
#include "table/fused.def"
#include "table/structural.def"
#undef A
#undef FUSED
#undef STRUCTURAL

/* A bit for the kind, and one beside it if the value is a single letter, the input itself. */
#define KIND(kind, text) | 1u << (kind) | (unsigned)(sizeof text == sizeof "x") << (KIND_COUNT + (kind))
#define BOOL(v)          KIND(KIND_BOOL, #v)
#define INT(v)           KIND(KIND_INT, #v)
#define FLOAT(v)         KIND(KIND_FLOAT, #v)
#define COMPLEX(v)       KIND(KIND_COMPLEX, #v)
#define REALS(v)         INT(v) FLOAT(v)
#define NUMBERS(v)       INT(v) FLOAT(v) COMPLEX(v)
#define INEXACT(v)       FLOAT(v) COMPLEX(v)
#define ALL(v)           BOOL(v) NUMBERS(v)

#define ELEMENTWISE(op, count, rule, taken, values, where, check, text)                                                \
    [OP_##op] = {.name = #op,                                                                                          \
                 .doc = text,                                                                                          \
                 .oracle = check,                                                                                      \
                 .class = OP_CLASS_ELEMENTWISE,                                                                        \
                 .least_inputs = count,                                                                                \
                 .most_inputs = count,                                                                                 \
                 .outputs = 1,                                                                                         \
                 .result = RESULT_##rule,                                                                              \
                 .inputs = INPUTS_##taken,                                                                             \
                 .kinds = (0 values) % (1u << KIND_COUNT),                                                             \
                 .kept = (0 values) >> KIND_COUNT,                                                                     \
                 .domain = DOMAIN_##where},
#define UNARY(op, rule, values, where, vx, check, text)      ELEMENTWISE(op, 1, rule, ALIKE, values, where, check, text)
#define BINARY(op, rule, values, where, vx, vy, check, text) ELEMENTWISE(op, 2, rule, ALIKE, values, where, check, text)
#define TERNARY(op, rule, inputs, values, where, vx, vy, vz, check, text)                                              \
    ELEMENTWISE(op, 3, rule, inputs, values, where, check, text)
#define FORMULA 0
#define LEADING OP_LEADING
#define KERNEL  OP_KERNEL
#define VIEW    OP_VIEW
#define LIKE    OP_LIKE
#define LEAF    OP_LEAF
#define UPDATE  OP_UPDATE
#define CAST    OP_CAST
#define EFFECT  OP_EFFECT
#define MANY    OP_MANY
#define DESCRIBED(op, kind, least, most, count, bits, text)                                                            \
    [OP_##op] = {.name = #op,                                                                                          \
                 .doc = text,                                                                                          \
                 .class = kind,                                                                                        \
                 .least_inputs = least,                                                                                \
                 .most_inputs = most,                                                                                  \
                 .outputs = count,                                                                                     \
                 .flags = bits,                                                                                        \
                 .attribute_bytes = offsetof(attributes_##op, end_),                                                   \
                 .defaults = &attributes_##op##_default,                                                               \
                 .attributes = describe_##op},
#define FUSED(op, least, most, outputs, batch, list, text)                                                             \
    DESCRIBED(op, OP_CLASS_FUSED, least, most, outputs, batch, text)
#define STRUCTURAL(op, least, most, outputs, bits, list, text)                                                         \
    DESCRIBED(op, OP_CLASS_STRUCTURAL, least, most, outputs, bits, text)

const op_fact op_facts[OP_COUNT] = {
#include "table/elementwise.def"
#include "table/fused.def"
#include "table/structural.def"
};

/* Kinds of dtype: f32 stands for the promotion of integers with floats. Signed and unsigned of one width meet in the
   next signed width; uint64 with a signed integer has none and becomes float32. */
tarn_dtype dtype_promote(tarn_dtype a, tarn_dtype b) {
    if (a == b) return a;
    dtype_kind ka = dtype_kind_of(a), kb = dtype_kind_of(b);
    if (ka > kb) return dtype_promote(b, a);
    if (kb == KIND_COMPLEX || ka == KIND_BOOL || (ka == KIND_INT && kb == KIND_FLOAT)) return b;
    if (ka == KIND_FLOAT) {
        if (a == TARN_FLOAT64 || b == TARN_FLOAT64) return TARN_FLOAT64;
        return TARN_FLOAT32; /* float16 with bfloat16, or either with float32 */
    }
    bool ua = dtype_is_unsigned(a), ub = dtype_is_unsigned(b);
    if (ua == ub) return dtype_bytes(a) > dtype_bytes(b) ? a : b;
    tarn_dtype u = ua ? a : b, s = ua ? b : a;
    if (dtype_bytes(s) > dtype_bytes(u)) return s;
    return u == TARN_UINT64 ? TARN_FLOAT32 : (tarn_dtype)(u - TARN_UINT8 + TARN_INT8 + 1);
}

const char *op_name(op_id op) {
    return op == OP_group ? "group" : op < OP_COUNT ? op_facts[op].name : "unknown";
}

op_id op_from_name(const char *name) {
    for (int op = 0; op < OP_COUNT; op++)
        if (strcmp(op_facts[op].name, name) == 0) return (op_id)op;
    return OP_COUNT;
}
