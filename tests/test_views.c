/* Views and indexing against NumPy (tests/data/views.json): values, whether or not a kernel reads them afterwards,
   evaluated and compiled. Each op of the kind VIEW has a case. And views for another dtype over memory that is not
   aligned for it. */
#include <stdlib.h>

#include "base/json.h"
#include "check.h"
#include "into.h"
#include "ops/build.h"
#include "tarn/tarn.h"
#include "paths.h"

static tarn_array *part(tarn_array *x, int64_t sections, const int64_t *indices, int64_t axis, int which) {
    tarn_array *parts[4] = {NULL};
    bool ok = indices ? tarn_split_at(x, ((tarn_ints){indices, 2}), parts, .axis = TARN_AXIS(axis))
                      : tarn_split(x, sections, parts, .axis = TARN_AXIS(axis));
    return ok ? parts[which] : NULL;
}

static tarn_array *unstacked(tarn_array *x, int64_t axis, int which) {
    tarn_array *parts[4] = {NULL};
    return tarn_unstack(x, parts, .axis = TARN_AXIS(axis)) ? parts[which] : NULL;
}
static tarn_array *broadcast_second(tarn_array *x, tarn_array *y) {
    tarn_array *both[2] = {NULL};
    return tarn_broadcast_arrays(TARN_ARRAYS(x, y), 2, both) ? both[1] : NULL;
}

/* ---- what index_cases.h indexes with */
static tarn_array *ints(const int32_t *values, tarn_ints shape) {
    return tarn_from_data(values, shape, TARN_INT32);
}
static tarn_array *bits(const char *values, tarn_ints shape) {
    bool flags[24];
    for (int i = 0; values[i]; i++) flags[i] = values[i] == '1';
    return tarn_from_data(flags, shape, TARN_BOOL);
}
#define NO_ENTRIES      ((tarn_entries){NULL, 0})
#define I               ints((int32_t[]){2, 0, -1}, TARN_SHAPE(3))
#define J               ints((int32_t[]){0, 1}, TARN_SHAPE(2, 1))
#define K               ints((int32_t[]){-2}, TARN_0D)
#define TWICE           ints((int32_t[]){0, 0, 1}, TARN_SHAPE(3))
#define P               bits("01", TARN_SHAPE(2))
#define M               bits("101001", TARN_SHAPE(2, 3))
#define M0              bits("101", TARN_SHAPE(3))
#define E               bits("100001000010000100001000", TARN_SHAPE(2, 3, 4))
#define NONE_TRUE       bits("000000000000", TARN_SHAPE(3, 4))
#define ROWS(x)         tarn_index(x, TARN_INDEX(TARN_AT(0)))
#define SET(value, ...) tarn_index_update(x, TARN_INDEX(__VA_ARGS__), tarn_scalar(value, TARN_FLOAT32))

static tarn_array *place(tarn_array *x, int axis) {
    tarn_array *out[TARN_MAX_NDIM];
    return tarn_nonzero(x, out) ? out[axis] : NULL;
}
static tarn_array *places(tarn_array *x, int64_t size, int64_t fill) {
    tarn_array *out[TARN_MAX_NDIM];
    return tarn_nonzero(x, out, .size = TARN_INTEGER(size), .fill = fill) ? out[tarn_ndim(x) / 2] : NULL;
}

typedef struct {
    const char *name;
    tarn_array *(*call)(tarn_array *x);
} view_case;

#define CASE(name, numpy, ...)                                                                                         \
    static tarn_array *call_##name(tarn_array *x) {                                                                    \
        (void)x;                                                                                                       \
        return __VA_ARGS__;                                                                                            \
    }
#include "view_cases.h"
#include "index_cases.h"
#undef CASE
#define CASE(name, ...) {#name, call_##name},
static const view_case cases[] = {
#include "view_cases.h"
#include "index_cases.h"
};
enum { CASES = sizeof cases / sizeof *cases };

static tarn_array *counted(void) {
    return tarn_reshape(tarn_arange(0, 24, 1, TARN_FLOAT32), TARN_SHAPE(2, 3, 4));
}

static bool same_bytes(const void *got, int64_t bytes, const char *hex) {
    if (!got || strlen(hex) != 2 * (size_t)bytes) return false;
    for (int64_t i = 0; i < bytes; i++) {
        unsigned value;
        if (sscanf(hex + 2 * i, "%2x", &value) != 1 || value != ((const unsigned char *)got)[i]) return false;
    }
    return true;
}

static void check_value(const char *name, const char *how, tarn_array *y, const json *expected) {
    const json *shape = json_get(expected, "shape");
    bool same = y && strcmp(tarn_dtype_name(tarn_dtype_of(y)), json_text(json_get(expected, "dtype"), NULL)) == 0 &&
                (size_t)tarn_ndim(y) == json_count(shape);
    for (int i = 0; same && i < tarn_ndim(y); i++) same = tarn_dim(y, i) == json_whole(json_at(shape, (size_t)i), -1);
    int64_t bytes = same ? tarn_size(y) * tarn_dtype_bytes(tarn_dtype_of(y)) : 0;
    if (same && same_bytes(tarn_data(y), bytes, json_text(json_get(expected, "bytes"), NULL))) return;
    check_failures++;
    fprintf(stderr, "%s, %s: not what NumPy says (%s)\n", name, how, tarn_error() ? tarn_error() : "no error");
    tarn_clear_error();
}

static bool compiled_case(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)count;
    return tarn_result(results, ((const view_case *)context)->call(inputs[0]));
}

/* Bytes copied one by one by another kernel: the strides must be right, too. */
static tarn_array *read_by_kernel(tarn_array *y) {
    tarn_array *zero = tarn_scalar_like(0, y);
    return y && tarn_dtype_of(y) == TARN_FLOAT32 ? tarn_add(y, zero) : tarn_where(tarn_scalar(1, TARN_BOOL), y, zero);
}

static bool seen[OP_COUNT];

static void note_ops(const node *n, int depth) {
    seen[n->op] = true;
    for (int i = 0; i < n->input_count && depth < 4; i++)
        if (n->inputs[i]) note_ops(n->inputs[i]->node, depth + 1);
}

static void check_case(const view_case *c, const json *expected) {
    TARN_SCOPE;
    CHECK(expected);
    tarn_array *x = counted(), *y = c->call(x), *again = NULL;
    if (y) note_ops(y->node, 0);
    check_value(c->name, "evaluated", y, expected);
    check_value(c->name, "read by a kernel", read_by_kernel(c->call(counted())), expected);
    tarn_compiled *function = tarn_compile(((tarn_function){compiled_case, (void *)(uintptr_t)c}));
    for (int64_t start = 0; start < 3;
         start++) { /* the argument begins further on in its memory, where a view may not be aligned */
        tarn_array *longer = tarn_concatenate(
            TARN_ARRAYS(tarn_zeros(TARN_SHAPE(start), TARN_FLOAT32), tarn_reshape(x, TARN_SHAPE(24))), 2);
        tarn_eval(longer);
        tarn_array *argument = tarn_reshape(tarn_slice_axis(longer, 0, start, start + 24), TARN_SHAPE(2, 3, 4));
        CHECK(tarn_eval(argument) && into(&again, tarn_compiled_call(function, &argument, 1)));
        check_value(c->name, "compiled", again, expected);
    }
    tarn_compiled_free(function);
}

static void check_all(void) {
    json *expected = json_read_file(TARN_SOURCE_DIR "/tests/data/views.json", 1 << 20);
    CHECK(expected);
    for (size_t i = 0; i < CASES; i++) check_case(&cases[i], json_get(expected, cases[i].name));
    json_free(expected);
    for (int op = 0; op < OP_COUNT; op++) {
        if (!op_has_flag((op_id)op, OP_VIEW) || seen[op] || op == OP_custom) continue; /* custom: test_transform.c */
        check_failures++;
        fprintf(stderr, "the view %s has no case in view_cases.h\n", op_name((op_id)op));
    }
}

/* Memory that begins at any byte. */
static void check_alignment(void) {
    static unsigned char bytes[40];
    for (int i = 0; i < 40; i++) bytes[i] = (unsigned char)(3 * i + 1);
    for (int start = 0; start < 8; start++) {
        TARN_SCOPE;
        int32_t expected[4];
        memcpy(expected, bytes + start, sizeof expected);
        tarn_array *x = tarn_from_foreign(bytes + start, TARN_SHAPE(16), TARN_UINT8);
        const int32_t *got = tarn_data(tarn_view(x, TARN_INT32));
        CHECK(got && memcmp(got, expected, sizeof expected) == 0);
        tarn_array *whole = tarn_from_foreign(bytes, TARN_SHAPE(40), TARN_UINT8);
        got = tarn_data(tarn_add(tarn_view(tarn_slice_axis(whole, 0, start, start + 16), TARN_INT32),
                                 tarn_scalar_int(1, TARN_INT32)));
        for (int i = 0; i < 4; i++) CHECK(got && got[i] == expected[i] + 1);
    }
}

static void check_refusals(void) {
    TARN_SCOPE;
    tarn_array *x = tarn_zeros(TARN_SHAPE(2, 3), TARN_FLOAT32), *gradient;
    CHECK_ERROR(tarn_view(x, TARN_FLOAT64), "view: the last axis is no whole number of float64: float32 [2, 3]");
    CHECK_ERROR(tarn_view(tarn_scalar(1, TARN_FLOAT32), TARN_UINT8),
                "view: the last axis is no whole number of uint8: float32 []");
    tarn_function function = {compiled_case, &(view_case){"view_same", call_view_same}};
    tarn_array *y = counted();
    CHECK_ERROR(into(&gradient, tarn_grad(function, &y, 1)), "");
}

int main(void) {
    check_all();
    check_alignment();
    check_refusals();
    return check_report("views");
}
