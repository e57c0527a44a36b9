/* The facts of the tables, each made by expanding the rows once. */
#include "table/table.h"

#include <string.h>

#include "base/map.h"
#include "base/memory.h"

const dtype_fact dtype_facts[TARN_DTYPE_COUNT] = {
#define DTYPE(name, ENUM, bytes, kind, type) [TARN_##ENUM] = {#name, bytes, kind},
#include "table/dtype.def"
#undef DTYPE
};

/* One function for each op that describes its attributes; inside it `row` is the op's own struct, which a nested A() could not name. */
#define A(type, name, value) {#name, ATTRIBUTE_##type, offsetof(row, name)},
#define DESCRIBE(op, ...)                                                                                                                  \
    static const attribute_fact *describe_##op(int *count) {                                                                               \
        typedef attributes_##op row;                                                                                                       \
        static const attribute_fact facts[] = {__VA_ARGS__{NULL, ATTRIBUTE_INTEGER, offsetof(row, end_)}};                                 \
        *count = (int)(sizeof facts / sizeof *facts) - 1;                                                                                  \
        return facts;                                                                                                                      \
    }
#define FUSED(op, least, most, outputs, batch, list, doc)      DESCRIBE(op, list)
#define STRUCTURAL(op, least, most, outputs, flags, list, doc) DESCRIBE(op, list)
#include "table/fused.def"
#include "table/structural.def"
#undef A
#undef FUSED
#undef STRUCTURAL

#define BOOL(v)    | 1u << KIND_BOOL
#define INT(v)     | 1u << KIND_INT
#define FLOAT(v)   | 1u << KIND_FLOAT
#define COMPLEX(v) | 1u << KIND_COMPLEX
#define REALS(v)   INT(v) FLOAT(v)
#define NUMBERS(v) INT(v) FLOAT(v) COMPLEX(v)
#define INEXACT(v) FLOAT(v) COMPLEX(v)
#define ALL(v)     BOOL(v) NUMBERS(v)

#define ELEMENTWISE(op, inputs, rule, values, where, check, text)                                                                          \
    [OP_##op] = {.name = #op,                                                                                                              \
                 .doc = text,                                                                                                              \
                 .oracle = check,                                                                                                          \
                 .class = OP_CLASS_ELEMENTWISE,                                                                                            \
                 .least_inputs = inputs,                                                                                                   \
                 .most_inputs = inputs,                                                                                                    \
                 .outputs = 1,                                                                                                             \
                 .result = RESULT_##rule,                                                                                                  \
                 .kinds = 0 values,                                                                                                        \
                 .domain = DOMAIN_##where},
#define UNARY(op, rule, values, where, vx, check, text)           ELEMENTWISE(op, 1, rule, values, where, check, text)
#define BINARY(op, rule, values, where, vx, vy, check, text)      ELEMENTWISE(op, 2, rule, values, where, check, text)
#define TERNARY(op, rule, values, where, vx, vy, vz, check, text) ELEMENTWISE(op, 3, rule, values, where, check, text)
#define FORMULA                                                   0
#define LEADING                                                   OP_LEADING
#define PLAIN                                                     OP_PLAIN
#define VIEW                                                      OP_VIEW
#define LIKE                                                      OP_LIKE
#define LEAF                                                      OP_LEAF
#define UPDATE                                                    OP_UPDATE
#define CAST                                                      OP_CAST
#define MANY                                                      OP_MANY
#define DESCRIBED(op, kind, least, most, count, bits, text)                                                                                \
    [OP_##op] = {.name = #op,                                                                                                              \
                 .doc = text,                                                                                                              \
                 .class = kind,                                                                                                            \
                 .least_inputs = least,                                                                                                    \
                 .most_inputs = most,                                                                                                      \
                 .outputs = count,                                                                                                         \
                 .flags = bits,                                                                                                            \
                 .attribute_bytes = offsetof(attributes_##op, end_),                                                                       \
                 .attributes = describe_##op},
#define FUSED(op, least, most, outputs, batch, list, text)     DESCRIBED(op, OP_CLASS_FUSED, least, most, outputs, batch, text)
#define STRUCTURAL(op, least, most, outputs, bits, list, text) DESCRIBED(op, OP_CLASS_STRUCTURAL, least, most, outputs, bits, text)

const op_fact op_facts[OP_COUNT] = {
#include "table/elementwise.def"
#include "table/fused.def"
#include "table/structural.def"
};

/* Kinds of dtype: f32 stands for the promotion of integers with floats. Signed and unsigned of one width meet in the next signed width;
   uint64 with a signed integer has none and becomes float32. */
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

static const attribute_fact *described(op_id op, int *count) {
    *count = 0;
    return op < OP_COUNT && op_facts[op].attributes ? op_facts[op].attributes(count) : NULL;
}

static size_t attribute_bytes(attribute_type type) {
    static const size_t bytes[] = {sizeof(int64_t), sizeof(double), sizeof(bool), sizeof(tarn_dtype), sizeof(tarn_ints), sizeof(void *)};
    return bytes[type];
}

static bool ints_equal(tarn_ints a, tarn_ints b) {
    if (a.count != b.count || !a.values != !b.values) return false;
    return a.count == 0 || memcmp(a.values, b.values, (size_t)a.count * sizeof *a.values) == 0;
}

bool attributes_equal(op_id op, const void *a, const void *b) {
    int count;
    const attribute_fact *facts = described(op, &count);
    for (int i = 0; i < count; i++) {
        const char *pa = (const char *)a + facts[i].offset, *pb = (const char *)b + facts[i].offset;
        bool same = facts[i].type == ATTRIBUTE_INTS ? ints_equal(*(const tarn_ints *)pa, *(const tarn_ints *)pb)
                                                    : memcmp(pa, pb, attribute_bytes(facts[i].type)) == 0;
        if (!same) return false;
    }
    return true;
}

uint64_t attributes_hash(op_id op, const void *attributes, uint64_t hash) {
    int count;
    const attribute_fact *facts = described(op, &count);
    for (int i = 0; i < count; i++) {
        const char *p = (const char *)attributes + facts[i].offset;
        if (facts[i].type != ATTRIBUTE_INTS) {
            hash = hash_bytes(hash, p, attribute_bytes(facts[i].type));
            continue;
        }
        tarn_ints list = *(const tarn_ints *)p;
        hash = hash_bytes(hash, &list.count, sizeof list.count);
        if (list.count) hash = hash_bytes(hash, list.values, (size_t)list.count * sizeof *list.values);
    }
    return hash;
}

static bool print_one(attribute_type type, const void *p, text *out) {
    switch (type) {
    case ATTRIBUTE_INTEGER:
        return text_format(out, "%lld", (long long)*(const int64_t *)p);
    case ATTRIBUTE_REAL:
        return text_format(out, "%g", *(const double *)p);
    case ATTRIBUTE_BOOLEAN:
        return text_add(out, *(const bool *)p ? "true" : "false");
    case ATTRIBUTE_DTYPE:
        return text_add(out, dtype_facts[*(const tarn_dtype *)p].name);
    case ATTRIBUTE_POINTER:
        return text_format(out, "%p", *(void *const *)p);
    case ATTRIBUTE_INTS:
        break;
    }
    tarn_ints list = *(const tarn_ints *)p;
    if (!list.values) return text_add(out, "none");
    text_add(out, "[");
    for (int64_t i = 0; i < list.count; i++) text_format(out, i ? ", %lld" : "%lld", (long long)list.values[i]);
    return text_add(out, "]");
}

bool attributes_print(op_id op, const void *attributes, text *out) {
    int count;
    const attribute_fact *facts = described(op, &count);
    for (int i = 0; i < count; i++) {
        text_format(out, i ? ", %s=" : "%s=", facts[i].name);
        print_one(facts[i].type, (const char *)attributes + facts[i].offset, out);
    }
    return !out->failed;
}

void *attributes_copy(op_id op, const void *attributes, bool *ok) {
    int count;
    const attribute_fact *facts = described(op, &count);
    *ok = true;
    if (count == 0) return NULL;
    /* The whole struct, end_ and padding included, so that it may be copied as one. */
    size_t own = (op_facts[op].attribute_bytes + 8) & ~(size_t)7, total = own;
    for (int i = 0; i < count; i++)
        if (facts[i].type == ATTRIBUTE_INTS)
            total += ((size_t)((const tarn_ints *)((const char *)attributes + facts[i].offset))->count + 1) * sizeof(int64_t);
    char *copy = memory_new(1, total);
    *ok = copy != NULL;
    if (!copy) return NULL;
    memcpy(copy, attributes, op_facts[op].attribute_bytes);
    char *lists = copy + own;
    for (int i = 0; i < count; i++) {
        if (facts[i].type != ATTRIBUTE_INTS) continue;
        tarn_ints *list = (tarn_ints *)(void *)(copy + facts[i].offset);
        if (!list->values) continue;
        if (list->count) memcpy(lists, list->values, (size_t)list->count * sizeof(int64_t));
        list->values = (const int64_t *)(const void *)lists;
        lists += ((size_t)list->count + 1) * sizeof(int64_t);
    }
    return copy;
}

uint64_t table_hash(void) {
    uint64_t hash = HASH_START;
    for (int op = 0; op < OP_COUNT; op++) {
        const op_fact *f = &op_facts[op];
        hash = hash_bytes(hash, f->name, strlen(f->name));
        hash = hash_bytes(hash, (int[]){f->least_inputs, f->most_inputs, f->outputs, f->flags, (int)f->kinds, (int)f->result},
                          6 * sizeof(int));
        int count;
        const attribute_fact *facts = described((op_id)op, &count);
        for (int i = 0; i < count; i++) hash = hash_bytes(hash, facts[i].name, strlen(facts[i].name));
    }
    return hash;
}
