/* Every elementwise row through the public API: each dtype, on the CPU with each instruction set and on the mock
   device. Values and special values against the reference; broadcast, strided, empty, 0-d, size-1 and odd inputs;
   gradient and tangent against central differences of the reference in float64; fused, unfused and compiled bit for bit
   the same. Rows come from the table, so that a new one is tested without an edit here. Prints the matrix op × dtype ×
   place. Arguments: only these ops. */
#include "base/cpu.h"
#include "base/settings.h"
#include "into.h"
#include "ops/build.h"
#include "row_results.h"
#include "tarn/device.h"
#include "tarn/transform.h"
#include "paths.h"

/* ---- where rows run */
typedef struct {
    const char *name;
    char letter;
    const cpu_level *level;
    tarn_device device;
    bool there;
} place_to_run;
static place_to_run places[] = {{"cpu, baseline", 'b', &cpu_levels[0], {TARN_CPU, 0}, true},
                                {"cpu, avx2", '2', &cpu_levels[1], {TARN_CPU, 0}, true},
                                {"cpu, avx512", '5', &cpu_levels[3], {TARN_CPU, 0}, true},
                                {"mock", 'm', NULL, {TARN_MOCK, 0}, true}};
enum { PLACES = sizeof places / sizeof *places };
static const char *place_name;

static bool go_to(place_to_run *p) {
    bool there = cpu_limit(p->level);
    p->there = p->device.type == TARN_CPU ? there : tarn_device_count(p->device.type) > 0;
    if (p->there) tarn_use_stream(tarn_default_stream(p->device));
    place_name = p->name;
    return p->there;
}

/* ---- inputs: the same numbers as an array and as an operand for the reference */
typedef struct {
    tarn_array *array;
    operand values;
} argument;
enum { DENSE, TRANSPOSED, EVERY_SECOND, REVERSED, ONE_ROW, ONE_ELEMENT, ARGUMENT_LAYOUTS };

/* Strides of a view with this layout over one dense block; returns how many elements the block has. */
static int64_t lay_out(tarn_ints shape, int layout, int64_t *strides, int64_t *offset) {
    int64_t n = shape.count, step = layout == EVERY_SECOND ? 2 : 1, size = 1;
    *offset = 0;
    for (int64_t i = 0; i < n; i++) {
        int64_t axis = layout == TRANSPOSED ? i : n - 1 - i;
        strides[axis] = size * step;
        size *= shape.values[axis];
    }
    for (int64_t i = 0; i < n && size > 0 && layout == REVERSED; i++) {
        *offset += (shape.values[i] - 1) * strides[i];
        strides[i] = -strides[i];
    }
    return size * step;
}

/* Integers of rows that work in float32 stay as small as floats do. */
static operand numbers_of(op_id op, tarn_dtype dtype, tarn_ints shape) {
    test_domain domain = op_facts[op].domain;
    operand o = randomized(dtype, shape, domain);
    for (int64_t i = 0, n = operand_size(&o);
         i < n && op_facts[op].result == RESULT_FLOAT && dtype_kind_of(dtype) == KIND_INT; i++) {
        double x = trunc(random_real(domain));
        put(&o, i, dtype_is_unsigned(dtype) ? fabs(x) : x);
    }
    return o;
}

static argument viewed(op_id op, tarn_dtype dtype, tarn_ints shape, int layout) {
    int64_t strides[TARN_MAX_NDIM], offset, size = lay_out(shape, layout, strides, &offset);
    operand base = numbers_of(op, dtype, DIMS(size));
    tarn_array *block = tarn_from_data(base.data, DIMS(size), dtype);
    return (argument){tarn_as_strided(block, shape, ((tarn_ints){strides, shape.count}), .offset = offset),
                      view(base, offset, shape, (tarn_ints){strides, shape.count})};
}

/* An array with fewer axes, which the op broadcasts to the shape. */
static argument broadcast(op_id op, tarn_dtype dtype, tarn_ints shape, int64_t axes) {
    int64_t zeros[TARN_MAX_NDIM] = {0};
    tarn_ints own = {shape.values + shape.count - axes, axes};
    operand base = numbers_of(op, dtype, own);
    for (int64_t i = 0; i < axes; i++) zeros[shape.count - axes + i] = base.strides[i];
    return (argument){tarn_from_data(base.data, own, dtype), view(base, 0, shape, (tarn_ints){zeros, shape.count})};
}

static tarn_dtype input_dtype(op_id op, int input, tarn_dtype dtype) {
    return op_facts[op].inputs == INPUTS_CHOICE && input == 0 ? TARN_BOOL : dtype;
}

static argument argument_of(op_id op, int input, tarn_dtype dtype, tarn_ints shape, int layout) {
    dtype = input_dtype(op, input, dtype);
    bool whole_shape = layout < ONE_ROW || input == 0 || shape.count == 0;
    if (whole_shape) return viewed(op, dtype, shape, layout < ONE_ROW ? layout : DENSE);
    return broadcast(op, dtype, shape, layout == ONE_ROW ? 1 : 0);
}

/* ---- one op on one place */
static int inputs_of(op_id op) {
    return op_facts[op].most_inputs;
}

/* The dtype at which the row works on inputs of this one; false if the row does not take them. */
static bool working_dtype(op_id op, tarn_dtype dtype, tarn_dtype *work) {
    *work = op_facts[op].result == RESULT_FLOAT && dtype_kind_of(dtype) < KIND_FLOAT ? TARN_FLOAT32 : dtype;
    return op_is_elementwise(op) && (op_facts[op].kinds >> dtype_kind_of(*work) & 1);
}

static operand converted(const operand *o, tarn_dtype dtype) {
    if (o->dtype == dtype) return *o;
    operand result = make(dtype, (tarn_ints){o->shape, o->ndim});
    for (int64_t i = 0, n = operand_size(o); i < n; i++) put(&result, i, get(o, i));
    return result;
}

static operand expected_of(op_id op, const argument *arguments, tarn_dtype work) {
    operand inputs[3],
        out = make(result_dtype(op, work), (tarn_ints){arguments[0].values.shape, arguments[0].values.ndim});
    for (int i = 0; i < inputs_of(op); i++) inputs[i] = converted(&arguments[i].values, input_dtype(op, i, work));
    CHECK(run_elementwise(&backend_reference, op, &out, inputs, inputs_of(op)), "%s: %s", op_name(op), tarn_error());
    return out;
}

static operand read_array(tarn_array *a) {
    operand out = make(tarn_dtype_of(a), tarn_shape_of(a));
    CHECK(a && tarn_read(a, out.data, (size_t)(tarn_size(a) * tarn_dtype_bytes(tarn_dtype_of(a)))), "%s: %s",
          place_name, tarn_error());
    tarn_clear_error();
    return out;
}

static operand computed_by(op_id op, const argument *arguments) {
    tarn_array *inputs[3] = {arguments[0].array, arguments[1].array, arguments[2].array};
    return read_array(build(op, inputs, inputs_of(op), NULL));
}

static bool same_type(const operand *got, const operand *expected, op_id op, tarn_dtype dtype) {
    bool same = got->dtype == expected->dtype && got->ndim == expected->ndim;
    for (int i = 0; same && i < got->ndim; i++) same = got->shape[i] == expected->shape[i];
    return CHECK(same, "%s of %s on %s has another dtype or shape", op_name(op), dtype_facts[dtype].name, place_name);
}

static void check_values(op_id op, tarn_dtype dtype, tarn_dtype work, tarn_ints shape, int layout) {
    TARN_SCOPE;
    argument arguments[3] = {0};
    char what[96];
    for (int i = 0; i < inputs_of(op); i++)
        arguments[i] = argument_of(op, i, dtype, shape, (layout + i) % ARGUMENT_LAYOUTS);
    operand expected = expected_of(op, arguments, work), got = computed_by(op, arguments);
    if (!same_type(&got, &expected, op, dtype)) return;
    snprintf(what, sizeof what, "%s of %s on %s, layout %d:", op_name(op), dtype_facts[dtype].name, place_name, layout);
    compare(&got, &expected, row_tolerance(op, work), scale_input(op) == 0 ? &arguments[0].values : NULL, what);
}

/* ---- special values of floats, each with each */
static void check_special(op_id op, tarn_dtype dtype) {
    static const double values[] = {0, -0.0, 1, -1, 0.5, 2, -2, 3, 6e-8, 65504, 3e38, INFINITY, -INFINITY, NAN};
    enum { N = sizeof values / sizeof *values };
    TARN_SCOPE;
    argument arguments[3] = {0};
    for (int i = 0; i < inputs_of(op); i++) {
        operand o = make(input_dtype(op, i, dtype), DIMS(N * N));
        for (int64_t j = 0; j < N * N; j++) put(&o, j, values[i == 0 ? j / N : j % N]);
        arguments[i] = (argument){tarn_from_data(o.data, DIMS(N * N), o.dtype), o};
    }
    operand expected = expected_of(op, arguments, dtype), got = computed_by(op, arguments);
    if (!same_type(&got, &expected, op, dtype)) return;
    for (int64_t i = 0; i < N * N; i++)
        CHECK(special_agrees(op, get(&got, i), get(&expected, i), got.dtype),
              "%s of %s (%g, %g) on %s: %.9g instead of %.9g", op_name(op), dtype_facts[dtype].name, values[i / N],
              values[i % N], place_name, get(&got, i), get(&expected, i));
}

/* ---- fused, unfused, compiled: the op and what a group may hold beside it, with outputs of three dtypes */
static bool call_with_company(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    tarn_array *out = build((op_id)(intptr_t)context, inputs, count, NULL);
    return tarn_result(results, out) && tarn_result(results, tarn_logical_not(out)) &&
           tarn_result(results, tarn_astype(out, TARN_BFLOAT16));
}
enum { COMPANY = 3 };

static void check_same_bits(op_id op, tarn_dtype dtype, const char *way, tarn_array **outputs,
                            const operand *expected) {
    for (int k = 0; k < COMPANY; k++) {
        operand got = read_array(outputs[k]);
        size_t bytes = (size_t)(operand_size(&expected[k]) * dtype_bytes(expected[k].dtype));
        CHECK(got.dtype == expected[k].dtype && memcmp(got.data, expected[k].data, bytes) == 0,
              "%s of %s on %s, output %d: %s changes it", op_name(op), dtype_facts[dtype].name, place_name, k, way);
    }
}

static void check_fused(op_id op, tarn_dtype dtype) {
    TARN_SCOPE;
    tarn_function function = TARN_FUNCTION(call_with_company, (void *)(intptr_t)op);
    tarn_array *inputs[3] = {0}, *outputs[COMPANY] = {0};
    operand expected[COMPANY];
    for (int i = 0; i < inputs_of(op); i++)
        inputs[i] = argument_of(op, i, dtype, DIMS(3, 101), i % 2 ? ONE_ROW : DENSE).array;
    const char *asked = getenv("TARN_FUSE");
    setenv("TARN_FUSE", "0", 1);
    settings_read_again();
    CHECK(into(outputs, tarn_call(function, inputs, inputs_of(op))) && tarn_eval_all(outputs, COMPANY), "%s",
          tarn_error());
    for (int k = 0; k < COMPANY; k++) expected[k] = read_array(outputs[k]);
    asked ? setenv("TARN_FUSE", asked, 1) : unsetenv("TARN_FUSE");
    settings_read_again();
    CHECK(into(outputs, tarn_call(function, inputs, inputs_of(op))) && tarn_eval_all(outputs, COMPANY), "%s",
          tarn_error());
    check_same_bits(op, dtype, "fusion", outputs, expected);
    tarn_compiled *compiled = tarn_compile(function);
    for (int run = 0; run < 2; run++) {
        CHECK(into(outputs, tarn_compiled_call(compiled, inputs, inputs_of(op))), "%s compiled: %s", op_name(op),
              tarn_error());
        check_same_bits(op, dtype, "compilation", outputs, expected);
    }
    tarn_compiled_free(compiled);
    tarn_clear_error();
}

/* ---- gradient and tangent of floats */
enum { POINTS = 9 };

static double reference_at(op_id op, const double *x) {
    operand inputs[3], out = make(TARN_FLOAT64, DIMS(1));
    for (int i = 0; i < inputs_of(op); i++) inputs[i] = filled(input_dtype(op, i, TARN_FLOAT64), DIMS(1), &x[i]);
    CHECK(run_elementwise(&backend_reference, op, &out, inputs, inputs_of(op)), "%s: %s", op_name(op), tarn_error());
    return get(&out, 0);
}

/* Between x + from and x + to along one input. */
static double slope(op_id op, const double *x, int input, double from, double to) {
    double above[3] = {x[0], x[1], x[2]}, below[3] = {x[0], x[1], x[2]};
    above[input] += to;
    below[input] += from;
    return (reference_at(op, above) - reference_at(op, below)) / (to - from);
}

static bool agree(double a, double b) {
    return fabs(a - b) <= 0.1 * (1 + fabs(b));
}

/* The derivatives at a point; false where the op is not smooth: near a step or a pole, or at a kink or tie, where the
   slopes to the two sides differ. */
static bool derivatives_at(op_id op, const double *x, double *derivatives) {
    for (int i = 0; i < inputs_of(op); i++) {
        derivatives[i] = 0;
        if (input_dtype(op, i, TARN_FLOAT64) == TARN_BOOL) continue;
        derivatives[i] = slope(op, x, i, -1e-5, 1e-5);
        if (!agree(slope(op, x, i, -0.02, 0.02), derivatives[i])) return false;
        if (!agree(slope(op, x, i, 0, 1e-5), derivatives[i]) || !agree(slope(op, x, i, -1e-5, 0), derivatives[i]))
            return false;
    }
    return true;
}

typedef struct {
    tarn_array *inputs[3];
    double derivatives[3][POINTS];
} slopes;

static bool draw_slopes(op_id op, tarn_dtype dtype, slopes *s) {
    operand operands[3];
    int found = 0;
    for (int i = 0; i < inputs_of(op); i++) operands[i] = make(input_dtype(op, i, dtype), DIMS(POINTS));
    for (int tries = 0; found < POINTS && tries < 400; tries++) {
        double x[3] = {0}, derivatives[3];
        for (int i = 0; i < inputs_of(op); i++) {
            put_any(&operands[i], found, op_facts[op].domain);
            x[i] = get(&operands[i], found);
        }
        if (!derivatives_at(op, x, derivatives)) continue;
        for (int i = 0; i < inputs_of(op); i++) s->derivatives[i][found] = derivatives[i];
        found++;
    }
    for (int i = 0; i < inputs_of(op); i++)
        s->inputs[i] = tarn_from_data(operands[i].data, DIMS(POINTS), operands[i].dtype);
    return CHECK(found == POINTS, "%s: no smooth points in its domain", op_name(op));
}

static double slope_tolerance(tarn_dtype dtype) {
    return dtype == TARN_FLOAT64 ? 2e-6 : dtype == TARN_FLOAT32 ? 2e-4 : dtype == TARN_FLOAT16 ? 0.03 : 0.15;
}

static void check_slope(op_id op, const char *what, int input, tarn_array *a, const double *expected) {
    tarn_dtype dtype = tarn_dtype_of(a);
    operand got = a ? read_array(a) : make(TARN_FLOAT32, DIMS(POINTS));
    CHECK(!a || tarn_size(a) == POINTS, "%s: a %s of another shape", op_name(op), what);
    for (int64_t j = 0; j < POINTS && operand_size(&got) == POINTS; j++)
        CHECK(fabs(get(&got, j) - expected[j]) <= slope_tolerance(dtype) * (1 + fabs(expected[j])),
              "%s of %s on %s: the %s of input %d is %.9g, not %.9g", op_name(op), dtype_facts[dtype].name, place_name,
              what, input, get(&got, j), expected[j]);
}

static bool call_op(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    return tarn_result(results, build((op_id)(intptr_t)context, inputs, count, NULL));
}

static void check_slopes(op_id op, tarn_dtype dtype) {
    TARN_SCOPE;
    slopes s;
    if (!draw_slopes(op, dtype, &s)) return;
    tarn_function function = TARN_FUNCTION(call_op, (void *)(intptr_t)op);
    tarn_array *ones = tarn_full(DIMS(POINTS), 1, dtype), *out, *gradients[3] = {0};
    CHECK(vjp_into(function, s.inputs, inputs_of(op), &ones, 1, &out, gradients), "%s: %s", op_name(op), tarn_error());
    for (int i = 0; i < inputs_of(op); i++) {
        if (input_dtype(op, i, dtype) == TARN_BOOL) continue;
        check_slope(op, "gradient", i, gradients[i], s.derivatives[i]);
        tarn_array *tangents[3] = {0}, *tangent = NULL;
        tangents[i] = ones;
        CHECK(jvp_into(function, s.inputs, inputs_of(op), tangents, &out, &tangent), "%s: %s", op_name(op),
              tarn_error());
        check_slope(op, "tangent", i, tangent, s.derivatives[i]);
        tarn_clear_error();
    }
}

/* ---- all of it */
static char matrix[OP_COUNT][TARN_DTYPE_COUNT][PLACES + 1];

static void check_cell(op_id op, tarn_dtype dtype, int at) {
    const tarn_ints shapes[] = {TARN_0D, DIMS(0), DIMS(1), DIMS(15), DIMS(3, 0, 2), DIMS(2, 3, 7), DIMS(5, 257)};
    tarn_dtype work;
    int before = failures;
    if (!working_dtype(op, dtype, &work)) return;
    for (int s = 0; s < 7; s++) check_values(op, dtype, work, shapes[s], s % ARGUMENT_LAYOUTS);
    for (int layout = 0; layout < ARGUMENT_LAYOUTS; layout++) check_values(op, dtype, work, DIMS(7, 19), layout);
    check_fused(op, dtype);
    bool is_float = dtype_kind_of(dtype) == KIND_FLOAT;
    if (is_float) check_special(op, dtype);
    if (is_float && op_facts[op].result != RESULT_TRUTH) check_slopes(op, dtype);
    matrix[op][dtype][at] = failures > before ? 'X' : places[at].letter;
}

static bool is_wanted(op_id op, char **names) {
    for (char **name = names; *name; name++)
        if (strcmp(*name, op_name(op)) == 0) return true;
    return op_is_elementwise(op) && !*names;
}

static void print_matrix(char **names) {
    printf("%-14s", "");
    for (int dtype = 0; dtype < TARN_DTYPE_COUNT; dtype++) printf("%-9s", dtype_facts[dtype].name);
    for (op_id op = 0; op < OP_COUNT; op++) {
        if (!is_wanted(op, names)) continue;
        printf("\n%-14s", op_name(op));
        for (int dtype = 0; dtype < TARN_DTYPE_COUNT; dtype++)
            printf("%-9s", *matrix[op][dtype] ? matrix[op][dtype] : ".");
    }
    printf("\n. not taken by the op, - skipped, X failed");
    for (int at = 0; at < PLACES; at++) printf(", %c %s", places[at].letter, places[at].name);
    printf("\n");
}

int main(int count, char **arguments) {
    (void)count;
    char **names = arguments + 1;
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 0);
    memset(matrix, 0, sizeof matrix);
    for (int at = 0; at < PLACES; at++) {
        if (!go_to(&places[at])) printf("skipped: %s is not on this machine\n", places[at].name);
        for (op_id op = 0; op < OP_COUNT; op++) {
            random_begin(op_name(op));
            for (int dtype = 0; dtype < TARN_DTYPE_COUNT && is_wanted(op, names); dtype++) {
                tarn_dtype work;
                if (places[at].there)
                    check_cell(op, (tarn_dtype)dtype, at);
                else if (working_dtype(op, (tarn_dtype)dtype, &work))
                    matrix[op][dtype][at] = '-';
            }
        }
    }
    print_matrix(names);
    printf("%d checks, %d failures\n", checks, failures);
    return failures != 0;
}
