/* The ids, attribute structs and facts that are made from the tables. A leaf: everybody may include it. */
#ifndef TABLE_TABLE_H
#define TABLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "table/attributes.h"
#include "tarn/array.h"

/* ---- dtypes */
typedef enum { KIND_BOOL, KIND_INT, KIND_FLOAT, KIND_COMPLEX } dtype_kind;
enum { KIND_COUNT = 4 };

typedef struct {
    const char *name;
    int64_t bytes;
    dtype_kind kind;
} dtype_fact;

extern const dtype_fact dtype_facts[TARN_DTYPE_COUNT];

static inline int64_t dtype_bytes(tarn_dtype dtype) {
    return dtype_facts[dtype].bytes;
}
static inline dtype_kind dtype_kind_of(tarn_dtype dtype) {
    return dtype_facts[dtype].kind;
}
static inline bool dtype_is_unsigned(tarn_dtype dtype) {
    return dtype >= TARN_UINT8 && dtype <= TARN_UINT64;
}
static inline bool dtype_is_half(tarn_dtype dtype) {
    return dtype == TARN_FLOAT16 || dtype == TARN_BFLOAT16;
}
/* The common dtype of two (reference/mlx.md 5.4). */
tarn_dtype dtype_promote(tarn_dtype a, tarn_dtype b);

/* An axis that counts from the end is counted from the beginning. */
static inline int axis_normal(int64_t axis, int ndim) {
    return (int)(axis < 0 ? axis + ndim : axis);
}

/* ---- ops */
typedef enum {
#define UNARY(name, ...)      OP_##name,
#define BINARY(name, ...)     OP_##name,
#define TERNARY(name, ...)    OP_##name,
#define FUSED(name, ...)      OP_##name,
#define STRUCTURAL(name, ...) OP_##name,
#include "table/elementwise.def"
#include "table/fused.def"
#include "table/structural.def"
#undef UNARY
#undef BINARY
#undef TERNARY
#undef FUSED
#undef STRUCTURAL
    OP_COUNT,
    OP_group = OP_COUNT, /* what fusion makes of elementwise nodes: a call that carries a program */
    OP_COUNT_WITH_GROUP
} op_id;

typedef enum { OP_CLASS_ELEMENTWISE, OP_CLASS_FUSED, OP_CLASS_STRUCTURAL } op_class;
typedef enum { RESULT_SAME, RESULT_FLOAT, RESULT_WHOLE, RESULT_REAL, RESULT_TRUTH } result_rule;
typedef enum { INPUTS_ALIKE, INPUTS_CHOICE } input_rule;
typedef enum {
    DOMAIN_ANY,
    DOMAIN_POSITIVE,
    DOMAIN_UNIT,
    DOMAIN_ABOVE1,
    DOMAIN_NONZERO,
    DOMAIN_SMALL,
    DOMAIN_TRUTHS
} test_domain;

/* Kinds of structural.def (an op has one of them), and LEADING of fused.def. */
enum {
    OP_KERNEL = 1,
    OP_VIEW = 2,
    OP_LIKE = 4,
    OP_LEAF = 8,
    OP_UPDATE = 16,
    OP_CAST = 32,
    OP_EFFECT = 64,
    OP_LEADING = 128
};

enum { OP_MANY = INT32_MAX, OP_NO_UPDATE = -1 };

typedef struct {
    const char *name, *doc, *oracle; /* oracle of elementwise rows, else NULL */
    op_class class;
    int least_inputs, most_inputs, outputs, flags;
    result_rule result;     /* elementwise */
    input_rule inputs;      /* elementwise: CHOICE: the first is bool, the others are promoted */
    unsigned kinds;         /* elementwise: 1u << KIND_… for each kind of input the row has a value for */
    unsigned kept;          /* elementwise: those for which the value is the one input itself */
    test_domain domain;     /* elementwise */
    size_t attribute_bytes; /* 0 if there are none */
    const void *defaults;   /* of the attributes; NULL if the op can have none */
    const attribute_fact *(*attributes)(int *count); /* NULL if there are none */
} op_fact;

extern const op_fact op_facts[OP_COUNT];

static inline bool op_is_elementwise(op_id op) {
    return op < OP_COUNT && op_facts[op].class == OP_CLASS_ELEMENTWISE;
}
static inline bool op_has_flag(op_id op, int flag) {
    return op < OP_COUNT && (op_facts[op].flags & flag) != 0;
}
/* The description of its attributes; none of a group. */
static inline const attribute_fact *op_attributes(op_id op, int *count) {
    *count = 0;
    return op < OP_COUNT && op_facts[op].attributes ? op_facts[op].attributes(count) : NULL;
}
const char *op_name(op_id op);
/* The op of this name, or OP_COUNT. */
op_id op_from_name(const char *name);

/* Attributes by description. An op without attributes has NULL. */
bool attributes_equal(op_id op, const void *a, const void *b);
uint64_t attributes_hash(op_id op, const void *attributes, uint64_t hash);
bool attributes_print(op_id op, const void *attributes, text *out); /* "axis=-1, keepdims=true" */
/* A copy in one block with the lists it points to; objects are retained. NULL on failure, or if the op has no
   attributes (then *ok stays true). */
void *attributes_copy(op_id op, const void *attributes, bool *ok);
void attributes_free(op_id op, void *attributes);

/* Changes when a row of any table changes, in any column, or one of these further bytes. */
uint64_t table_hash(const void *further, size_t bytes);

#endif
