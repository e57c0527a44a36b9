/* The values of every elementwise row against an oracle that is not made from the table: NumPy and mpmath expressions,
   evaluated by tools/elementwise_vectors.py into tests/data/elementwise.json. A row that the file lacks, or whose
   oracle has changed since, is evaluated now if there is a Python with NumPy; otherwise it fails by name. This tests
   the reference; the reference tests the other backends. */
#include <complex.h>

#include "base/json.h"
#include "kernel_calls.h"
#include "paths.h"

static json *committed;
static int vectors_used, evaluated_live, points_run;

/* ---- numbers of the file: integers, reals, "inf", pairs for complex numbers; null is no number */
static double real_of(const json *v) {
    return json_is(v, JSON_TEXT) ? strtod(json_text(v, NULL), NULL) : json_number(v, 0);
}
static double _Complex complex_of(const json *v) {
    if (!json_is(v, JSON_LIST)) return real_of(v);
    return __builtin_complex(real_of(json_at(v, 0)), real_of(json_at(v, 1)));
}

/* ---- precision of the float dtypes */
typedef struct {
    int digits, least_exponent; /* bits of the significand; exponent of the smallest normal number */
} precision;

static precision precision_of(tarn_dtype dtype) {
    switch (dtype) {
    case TARN_FLOAT16:
        return (precision){11, -14};
    case TARN_BFLOAT16:
        return (precision){8, -126};
    case TARN_FLOAT64:
        return (precision){53, -1022};
    default:
        return (precision){24, -126};
    }
}

static double rounded_to(tarn_dtype dtype, double x) {
    operand o = make(dtype, DIMS(1));
    put(&o, 0, x);
    x = get(&o, 0);
    free(o.data);
    return x;
}

/* Within `most` spacings of the dtype around `wanted`, or the same infinity or NaN. */
static bool close_to(double got, double wanted, tarn_dtype dtype, double most) {
    double nearest = rounded_to(dtype, wanted);
    if (isnan(got) || isnan(nearest) || isinf(got) || isinf(nearest))
        return got == nearest || (isnan(got) && isnan(nearest));
    precision p = precision_of(dtype);
    int exponent = wanted == 0 || ilogb(wanted) < p.least_exponent ? p.least_exponent : ilogb(wanted);
    return fabs(got - nearest) <= most * ldexp(1, exponent - p.digits + 1);
}

/* ---- one point in one dtype */
typedef struct {
    op_id op;
    int arity;
    const json *inputs[3];
    tarn_dtype dtype;
} trial;

static bool holds(tarn_dtype dtype, double x) {
    if (dtype_kind_of(dtype) != KIND_INT) return isnan(x) || rounded_to(dtype, x) == x;
    int bits = (int)dtype_bytes(dtype) * 8;
    return dtype_is_unsigned(dtype) ? (double)double_to_unsigned(x, bits) == x : (double)double_to_signed(x, bits) == x;
}

/* Puts the point's inputs into operands of one element. False if the dtype cannot hold one of them. */
static bool fill(const trial *t, size_t point, operand *operands) {
    for (int i = 0; i < t->arity; i++) {
        tarn_dtype dtype = op_facts[t->op].inputs == INPUTS_CHOICE && i == 0 ? TARN_BOOL : t->dtype;
        const json *v = json_at(t->inputs[i], point);
        operands[i] = make(dtype, DIMS(1));
        if (dtype == TARN_COMPLEX64) {
            *(float _Complex *)operands[i].data = (float _Complex)complex_of(v);
            continue;
        }
        /* wrapped results serve int32 only; the other widths get numbers that stay inside all of them */
        if (!holds(dtype, real_of(v)) ||
            (dtype_kind_of(dtype) == KIND_INT && dtype != TARN_INT32 && fabs(real_of(v)) > 127))
            return false;
        put(&operands[i], 0, real_of(v));
    }
    return true;
}

static tarn_dtype result_dtype(const trial *t) {
    if (op_facts[t->op].result == RESULT_TRUTH) return TARN_BOOL;
    return op_facts[t->op].result == RESULT_REAL && t->dtype == TARN_COMPLEX64 ? TARN_FLOAT32 : t->dtype;
}

static bool is_right(const operand *out, const json *wanted) {
    if (out->dtype == TARN_COMPLEX64) {
        double _Complex z = complex_of(wanted), got = (double _Complex) * (const float _Complex *)out->data;
        return cabs(got - z) <= 0x1p-22 * cabs(z);
    }
    double x = real_of(wanted);
    if (dtype_kind_of(out->dtype) != KIND_FLOAT) return get(out, 0) == x || !holds(out->dtype, x);
    return close_to(get(out, 0), x, out->dtype, out->dtype == TARN_FLOAT64 || out->dtype == TARN_FLOAT32 ? 2 : 1);
}

static void run_point(const trial *t, size_t point, const json *wanted) {
    operand operands[3] = {0}, out = make(result_dtype(t), DIMS(1));
    if (json_is(wanted, JSON_NOTHING)) return;
    if (fill(t, point, operands)) {
        bool ran = run_elementwise(&backend_reference, t->op, &out, operands, t->arity);
        CHECK(ran, "%s of %s: %s", op_name(t->op), dtype_facts[t->dtype].name, tarn_error());
        tarn_clear_error();
        points_run++;
        CHECK(!ran || is_right(&out, wanted), "%s of %s at point %zu (%.9g, %.9g) is %.17g, not %.17g", op_name(t->op),
              dtype_facts[t->dtype].name, point, get(&operands[0], 0), t->arity > 1 ? get(&operands[1], 0) : 0,
              get(&out, 0), creal(complex_of(wanted)));
    }
    for (int i = 0; i < t->arity; i++) free(operands[i].data);
    free(out.data);
}

/* ---- one row */
static const char *const kind_names[] = {"BOOL", "INT", "FLOAT", "COMPLEX"};

/* The vectors of a row and kind in a file, if it has them for the oracle that the table names today. */
static const json *find_vectors(const json *file, op_id op, int kind) {
    const json *row = json_get(json_get(file, "rows"), op_name(op));
    const char *oracle = json_text(json_get(row, "oracle"), NULL);
    return oracle && strcmp(oracle, op_facts[op].oracle) == 0 ? json_get(row, kind_names[kind]) : NULL;
}

static json *evaluate_now(op_id op) {
    static const char *const pythons[] = {"\"$TARN_PYTHON\"", ".venv/bin/python", "python3"};
    for (int i = 0; i < 3; i++) {
        char command[512];
        snprintf(command, sizeof command, "cd '%s' && %s tools/elementwise_vectors.py --row %s 2>/dev/null",
                 TARN_SOURCE_DIR, pythons[i], op_name(op));
        FILE *pipe = popen(command, "r");
        static char bytes[1 << 20];
        size_t length = pipe ? fread(bytes, 1, sizeof bytes, pipe) : 0;
        if (pipe && pclose(pipe) == 0 && length > 0) return json_parse(bytes, length, op_name(op));
    }
    return NULL;
}

static void run_vectors(const json *file, const json *vectors, op_id op, int kind) {
    const json *inputs = json_get(json_get(file, "inputs"), json_text(json_get(vectors, "inputs"), NULL));
    const json *results = json_get(vectors, "results");
    trial t = {.op = op, .arity = op_facts[op].most_inputs};
    CHECK(json_count(inputs) == (size_t)t.arity && json_count(results) > 0, "%s: no points", op_name(op));
    for (int i = 0; i < t.arity; i++) {
        t.inputs[i] = json_at(inputs, (size_t)i);
        CHECK(json_count(t.inputs[i]) == json_count(results), "%s: points and results differ in number", op_name(op));
    }
    int before = points_run;
    for (t.dtype = 0; t.dtype < TARN_DTYPE_COUNT; t.dtype++) {
        if ((int)dtype_kind_of(t.dtype) != kind) continue;
        for (size_t p = 0; p < json_count(results); p++) run_point(&t, p, json_at(results, p));
    }
    CHECK(points_run > before, "%s: no point of kind %s could be run", op_name(op), kind_names[kind]);
}

static void test_row(op_id op) {
    json *live = NULL;
    bool tried = false;
    for (int kind = KIND_BOOL; kind <= KIND_COMPLEX; kind++) {
        if (!(op_facts[op].kinds >> kind & 1)) continue;
        const json *file = committed, *vectors = find_vectors(committed, op, kind);
        if (!vectors) {
            if (!tried) live = evaluate_now(op);
            tried = true;
            file = live;
            vectors = find_vectors(live, op, kind);
            evaluated_live += vectors != NULL;
        }
        CHECK(vectors, "%s has no vectors for %s and no Python could make them: run tools/elementwise_vectors.py",
              op_name(op), kind_names[kind]);
        if (!vectors) continue;
        vectors_used++;
        run_vectors(file, vectors, op, kind);
    }
    json_free(live);
    tarn_clear_error();
}

int main(void) {
    committed = json_read_file(TARN_SOURCE_DIR "/tests/data/elementwise.json", 1 << 24);
    if (!committed) printf("%s\n", tarn_error());
    tarn_clear_error();
    int rows = 0;
    for (op_id op = 0; op < OP_COUNT; op++)
        if (op_is_elementwise(op)) test_row(op), rows++;
    json_free(committed);
    printf("%d rows, %d row and kind vectors (%d evaluated now), %d points, %d failures\n", rows, vectors_used,
           evaluated_live, points_run, failures);
    return failures != 0;
}
