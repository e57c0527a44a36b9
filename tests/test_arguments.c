/* Bad arguments of every function of array.h, ops.h and random.h that makes arrays: NULL for each required array,
   negative list counts, lists at NULL, dtypes that do not exist, sizes whose bytes no 64-bit number holds. Each is an
   error that begins with the function's name. Functions come from the headers: one that has no case here fails the
   test. Elementwise functions come from the table. */
#include <ctype.h>
#include <stdlib.h>

#include "check.h"
#include "ops/build.h"
#include "tarn/tarn.h"
#include "paths.h"

/* Good arguments; a case spoils one of them at a time. */
typedef struct {
    tarn_array *x, *y, *z;
    tarn_ints list;
    tarn_dtype dtype;
    tarn_array *const *arrays;
    int count;
    void *place;
} arguments;

enum { X = 1, Y = 2, Z = 4, LIST = 8, DTYPE = 16, ARRAYS = 32, PLACE = 64 };

typedef struct {
    const char *name;
    int takes;
    tarn_ints list; /* a good one */
    bool (*call)(const arguments *a);
} function_case;

static tarn_array *parts[3];
static const float numbers[4] = {1, 2, 3, 4};
static tarn_float_info float_info;
static int64_t integer_min;
static uint64_t integer_max;
static tarn_unique_result distinct;

/* Arrays of the kind that a function wants, where x, a float32 [2, 2], will not do; NULL for NULL. */
static tarn_array *of_shape(const tarn_array *x, tarn_ints shape, tarn_dtype dtype) {
    return x ? tarn_zeros(shape, dtype) : NULL;
}
#define INDICES(x)     of_shape(x, TARN_SHAPE(2, 2), TARN_INT32)
#define ROW_INDICES(x) of_shape(x, TARN_SHAPE(2), TARN_INT32)
#define WIDE(x)        of_shape(x, TARN_SHAPE(2, 64), TARN_FLOAT32)
#define PACKED(x)      of_shape(x, TARN_SHAPE(2, 8), TARN_UINT32)
#define GROUPS(x)      of_shape(x, TARN_SHAPE(2, 1), TARN_FLOAT32)
#define DEEP(x)        of_shape(x, TARN_SHAPE(1, 2, 3, 4), TARN_FLOAT32)
#define STEPS(x)       of_shape(x, TARN_SHAPE(1, 2, 3), TARN_FLOAT32)
#define BYTES(x)       of_shape(x, TARN_SHAPE(2, 2), TARN_UINT8)
#define CHANNELS(x)    of_shape(x, TARN_SHAPE(2, 3, 4), TARN_FLOAT32)
#define DEEPER(x)      of_shape(x, TARN_SHAPE(1, 2, 2, 3, 4), TARN_FLOAT32)
#define ROW(x)         of_shape(x, TARN_SHAPE(3), TARN_FLOAT32)
#define POSITION(x)    of_shape(x, TARN_0D, TARN_INT32)
#define SINGLE(x)      of_shape(x, TARN_SHAPE(1, 1), TARN_FLOAT32)
#define KEY(x)         of_shape(x, TARN_SHAPE(2), TARN_UINT32)

#define CASE(function, takes, good, ...)                                                                               \
    static bool call_##function(const arguments *a) {                                                                  \
        (void)a;                                                                                                       \
        return (__VA_ARGS__) != 0;                                                                                     \
    }
#include "argument_cases.h"
#undef CASE

#define CASE(function, takes, good, ...) {#function, takes, good, call_##function},
#define ENTRIES(...)                                                                                                   \
    { (const int64_t[]){__VA_ARGS__}, (int64_t)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)) }
#define NO_ENTRIES                                                                                                     \
    { NULL, 0 }
static const function_case cases[] = {
#include "argument_cases.h"
};
enum { CASES = sizeof cases / sizeof *cases };

static arguments good_arguments(const function_case *f) {
    static tarn_array *two[2];
    tarn_array *x = tarn_from_data(numbers, TARN_SHAPE(2, 2), TARN_FLOAT32);
    two[0] = two[1] = x;
    return (arguments){x, x, x, f->list, TARN_FLOAT32, two, 2, parts};
}

/* The call fails and the message begins with the name. */
static void refused(const function_case *f, const arguments *a, const char *what) {
    char start[64];
    snprintf(start, sizeof start, "%s: ", f->name);
    bool made = f->call(a), named = tarn_error() && strncmp(tarn_error(), start, strlen(start)) == 0;
    if (made || !named) {
        check_failures++;
        fprintf(stderr, "%s with %s: %s, error: %s\n", f->name, what, made ? "made" : "refused",
                tarn_error() ? tarn_error() : "none");
    }
    tarn_clear_error();
}

static void check_case(const function_case *f) {
    TARN_SCOPE;
    arguments good = good_arguments(f), bad = good;
    bool ok = f->call(&good);
    if (!ok || !tarn_ok()) {
        check_failures++;
        fprintf(stderr, "%s with good arguments: %s\n", f->name, tarn_error());
    }
    tarn_clear_error();
    if (f->takes & X) bad.x = NULL, refused(f, &bad, "x NULL"), bad = good;
    if (f->takes & Y) bad.y = NULL, refused(f, &bad, "y NULL"), bad = good;
    if (f->takes & Z) bad.z = NULL, refused(f, &bad, "z NULL"), bad = good;
    if (f->takes & LIST) {
        bad.list = (tarn_ints){good.list.values, -1}, refused(f, &bad, "a list of -1");
        bad.list = (tarn_ints){NULL, INT64_MIN}, refused(f, &bad, "a list of -2^63 at NULL");
        bad.list = (tarn_ints){NULL, 2}, refused(f, &bad, "a list of 2 at NULL"), bad = good;
    }
    if (f->takes & DTYPE) {
        bad.dtype = (tarn_dtype)77, refused(f, &bad, "dtype 77");
        bad.dtype = (tarn_dtype)1000000, refused(f, &bad, "dtype 1000000");
        bad.dtype = (tarn_dtype)-1, refused(f, &bad, "dtype -1"), bad = good;
    }
    if (f->takes & ARRAYS) {
        bad.count = -1, refused(f, &bad, "-1 arrays"), bad = good;
        bad.arrays = NULL, refused(f, &bad, "arrays at NULL"), bad = good;
        bad.arrays = (tarn_array *[]){good.x, NULL}, refused(f, &bad, "array 1 NULL"), bad = good;
    }
    if (f->takes & PLACE) bad.place = NULL, refused(f, &bad, "NULL for the results");
}

/* ---- rows of the table: each NULL, each size */

static void check_rows(void) {
    for (int op = 0; op < OP_COUNT; op++) {
        TARN_SCOPE;
        const op_fact *f = &op_facts[op];
        tarn_array *x = tarn_scalar(1, f->kinds & 1u << KIND_FLOAT ? TARN_FLOAT32 : TARN_INT32), *inputs[3] = {x, x, x};
        tarn_array *column = tarn_broadcast_to(x, TARN_SHAPE(INT64_C(1) << 31, 1)),
                   *row = tarn_broadcast_to(x, TARN_SHAPE(INT64_C(1) << 31));
        if (f->class != OP_CLASS_ELEMENTWISE) continue;
        CHECK(build((op_id)op, inputs, f->least_inputs, NULL));
        for (int i = 0; i < f->least_inputs; i++) {
            inputs[i] = NULL;
            CHECK_ERROR(build((op_id)op, inputs, f->least_inputs, NULL), f->name);
            inputs[i] = x;
        }
        if (f->least_inputs < 2) continue;
        inputs[0] = column, inputs[1] = row;
        CHECK_ERROR(build((op_id)op, inputs, f->least_inputs, NULL), f->name);
    }
}

/* ---- every function of the headers has a case */

static bool is_listed(const char *name, size_t length) {
    for (size_t i = 0; i < CASES; i++)
        if (strlen(cases[i].name) == length && strncmp(cases[i].name, name, length) == 0) return true;
    return false;
}

static bool is_asked_elsewhere(const char *name, size_t length) {
    static const char *const others[] = {"keep",
                                         "hold",
                                         "drop",
                                         "own",
                                         "move",
                                         "return",
                                         "ok",                 /* holds: NULL passes through them */
                                         "check_quantization", /* test_quant_modes.c */
                                         "broadcast_shapes"};  /* test_index.c */
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (strlen(others[i]) == length && strncmp(others[i], name, length) == 0) return true;
    return false;
}

/* Declarations "TARN_API tarn_array *tarn_<name>(" and "TARN_API bool tarn_<name>(", the latter in ops.h and random.h.
 */
static void check_header(const char *file, bool also_bools) {
    char path[512], line[512];
    snprintf(path, sizeof path, "%s/include/tarn/%s", TARN_SOURCE_DIR, file);
    FILE *in = fopen(path, "r");
    CHECK(in);
    while (in && fgets(line, sizeof line, in)) {
        const char *at = strstr(line, "TARN_API tarn_array *tarn_"), *name;
        if (!at && also_bools) at = strstr(line, "TARN_API bool tarn_");
        if (!at || !(name = strstr(at, " *tarn_") ? strstr(at, " *tarn_") + 7 : strstr(at, " tarn_") + 6)) continue;
        size_t length = strcspn(name, "(");
        if (length > 5 && strncmp(name + length - 5, "_with", 5) == 0) length -= 5;
        if (is_listed(name, length) || is_asked_elsewhere(name, length)) continue;
        check_failures++;
        fprintf(stderr, "%s: tarn_%.*s has no case in argument_cases.h\n", file, (int)length, name);
    }
    if (in) fclose(in);
}

/* ---- sizes */

static void check_sizes(void) {
    TARN_SCOPE;
    int64_t big = INT64_C(1) << 31, huge = INT64_C(1) << 62;
    tarn_array *one = tarn_scalar(1, TARN_FLOAT32), *byte = tarn_scalar(1, TARN_UINT8);
    tarn_array *column = tarn_broadcast_to(one, TARN_SHAPE(big, 1)), *row = tarn_broadcast_to(one, TARN_SHAPE(1, big));
    CHECK_ERROR(tarn_add(column, row),
                "add: the result has a negative size or is too large: float32 [2147483648, 2147483648]");
    CHECK_ERROR(tarn_matmul(column, row), "matmul: the result");
    CHECK_ERROR(tarn_broadcast_to(one, TARN_SHAPE(huge)), "broadcast_to: the result");
    CHECK_ERROR(tarn_broadcast_to(one, TARN_SHAPE(0, huge)), "broadcast_to: the result"); /* its strides could wrap */
    CHECK_ERROR(tarn_zeros(TARN_SHAPE(-1), TARN_FLOAT32), "zeros: ");
    tarn_array *half = tarn_broadcast_to(byte, TARN_SHAPE(huge - 1));
    CHECK(half && tarn_ok());
    CHECK_ERROR(tarn_concatenate(TARN_ARRAYS(half, tarn_broadcast_to(byte, TARN_SHAPE(16))), 2),
                "concatenate: the result");
    CHECK_ERROR(tarn_stack(TARN_ARRAYS(half, half), 2), "stack: the result");
    CHECK_ERROR(tarn_repeat(half, 3, .axis = TARN_AXIS(0)), "repeat: ");
    CHECK_ERROR(tarn_astype(half, TARN_INT16), "astype: the result");
    CHECK_ERROR(
        tarn_take(row, tarn_broadcast_to(tarn_scalar(0, TARN_INT8), TARN_SHAPE(huge / 4 + 1)), .axis = TARN_AXIS(-1)),
        "take: the result");
    CHECK_ERROR(tarn_random_bits(tarn_random_key(1), TARN_SHAPE(huge)), "random_bits: the result");
    CHECK_ERROR(tarn_stack(TARN_ARRAYS(one, tarn_ones(TARN_SHAPE(2), TARN_FLOAT32)), 2),
                "stack: arrays 0 and 1 differ in shape: float32 [] and");
    CHECK_ERROR(tarn_expand_dims(one, ((tarn_ints){(int64_t[]){0}, INT64_C(1) << 33})), "expand_dims: more than");
}

/* Who asked for the memory that is not there. */
static void check_memory(void) {
    TARN_SCOPE;
    tarn_device cpu = {TARN_CPU, 0};
    tarn_set_memory_limit(cpu, 1 << 20);
    tarn_array *one = tarn_scalar(1, TARN_FLOAT32);
    CHECK_ERROR(tarn_eval(tarn_exp(tarn_broadcast_to(one, TARN_SHAPE(1 << 20)))),
                "exp float32 [1048576]: out of memory");
    CHECK_ERROR(tarn_eval(tarn_sort(tarn_broadcast_to(one, TARN_SHAPE(4, 1 << 20)), .axis = TARN_AXIS(1))),
                "sort float32 [4, 1048576]: out of memory");
    CHECK_ERROR((tarn_set_memory_limit(cpu, -1), tarn_ok()), "set_memory_limit: -1 bytes");
    CHECK_ERROR((tarn_set_cache_limit(cpu, INT64_MIN), tarn_ok()), "set_cache_limit: -9223372036854775808 bytes");
    tarn_set_memory_limit(cpu, 0);
}

/* ---- values that an argument cannot say exactly, or that do not exist */

static void check_values(void) {
    TARN_SCOPE;
    CHECK_ERROR(tarn_scalar_int(INT64_C(1) << 40, TARN_INT8), "scalar_int: 1099511627776 is outside the range of int8");
    CHECK_ERROR(tarn_scalar_int(-1, TARN_UINT64), "scalar_int: -1 is outside");
    CHECK(tarn_scalar_int(-128, TARN_INT8) && tarn_scalar_int(255, TARN_UINT8) &&
          tarn_scalar_int(INT64_MAX, TARN_UINT64));
    CHECK_ERROR(tarn_arange(0x1p53 + 2, 0x1p53 + 6, 1, TARN_INT64), "arange: ");
    CHECK(tarn_item_int(tarn_take(tarn_arange(0x1p53 - 3, 0x1p53, 1, TARN_INT64), tarn_scalar(2, TARN_INT32),
                                  .axis = TARN_AXIS(0))) == (INT64_C(1) << 53) - 1);
    tarn_array *empty = tarn_zeros(TARN_SHAPE(2, 0), TARN_FLOAT32);
    CHECK_ERROR(tarn_max(empty), "max: of no elements");
    CHECK_ERROR(tarn_min(empty, .axes = TARN_AXES(1)), "min: of no elements");
    CHECK(tarn_max(empty, .axes = TARN_AXES(0)) && tarn_ok()); /* no results at all */
    CHECK(tarn_eval(tarn_softmax(empty, .axes = TARN_AXES(-1))));
    CHECK_ERROR(tarn_random_normal(tarn_random_key(0), TARN_SHAPE(2), TARN_INT32), "random_normal: int32");
    CHECK_ERROR(tarn_random_normal(tarn_random_key(0), TARN_SHAPE(2), TARN_BOOL), "random_normal: bool");
}

/* ---- lists of options, which no case has */

static bool same(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, tarn_sum(inputs[0]));
}

static void check_list(tarn_ints list) {
    TARN_SCOPE;
    tarn_array *x = tarn_ones(TARN_SHAPE(1, 4, 1), TARN_FLOAT32), *key = tarn_random_key(1);
    tarn_function f = TARN_FUNCTION(same, NULL);
    CHECK_ERROR(tarn_grad(f, &x, 1, .argnums = list), "grad: argnums is a list of");
    CHECK_ERROR(tarn_vmap(f, &x, 1, .in_axes = list), "vmap: in_axes is a list of");
    CHECK_ERROR(tarn_vmap(f, &x, 1, .out_axes = list), "vmap: out_axes is a list of");
    CHECK_ERROR(tarn_vmap(f, &x, 1, .late_out_axes = &list), "vmap: out_axes is a list of");
    CHECK_ERROR(tarn_compile(f, .donate = list), "compile: donate is a list of");
    CHECK_ERROR(tarn_conv_general(x, x, .padding_after = list), "conv_general: high is a list of");
    CHECK_ERROR(tarn_max_pool(x, TARN_INTS(2), .stride = list), "max_pool: a list of");
    CHECK_ERROR(tarn_avg_pool(x, TARN_INTS(2), .padding = list), "avg_pool: a list of");
    CHECK_ERROR(tarn_init_he_normal(&key, list, TARN_FLOAT32), "init: the shape is a list of");
    CHECK_ERROR(tarn_init_orthogonal(&key, list, TARN_FLOAT32), "init: the shape is a list of");
    CHECK_ERROR(tarn_init_sparse(&key, list, TARN_FLOAT32, 0.5, 1), "init: the shape is a list of");
}

static void check_lists(void) {
    int64_t shape[TARN_MAX_NDIM];
    int ndim;
    check_list((tarn_ints){NULL, 2});
    check_list((tarn_ints){(int64_t[]){0}, -1});
    CHECK_ERROR(tarn_broadcast_shapes(&TARN_SHAPE(2, -3), 1, shape, &ndim),
                "broadcast_shapes: shape 0 has the size -3");
}

int main(void) {
    check_lists();
    for (size_t i = 0; i < CASES; i++) check_case(&cases[i]);
    check_rows();
    check_sizes();
    check_memory();
    check_values();
    check_header("array.h", false);
    check_header("ops.h", true);
    check_header("index.h", true);
    check_header("random.h", true);
    check_header("linalg.h", true);
    check_header("fft.h", true);
    return check_report("arguments");
}
