/* Checks of transforms that any function can be put through: gradients against central differences, tangents against
   gradients, batches against loops, and the same for functions made by transforms. Included by tests only. */
#ifndef TESTS_TRANSFORM_CHECKS_H
#define TESTS_TRANSFORM_CHECKS_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exported.h"
#include "rounds.h"
#include "test_device.h"
#include "random_stream.h"
#include "tarn/memory.h"
#include "tarn/ops.h"
#include "tarn/random.h"
#include "tarn/transform.h"

enum { MOST = 8, BATCH = 3 };

static int failures, checks;

/* Checks of one case, by kind: what transform_matrix.h counts for the ops in it. */
enum { TALLY_GRADIENT, TALLY_TANGENT, TALLY_SECOND, TALLY_BATCH, TALLY_COMPILED, TALLY_EXPORTED, TALLIES };
static int64_t tally[TALLIES];

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        checks++;                                                                                                      \
        if (!(condition))                                                                                              \
            failures++,                                                                                                \
                printf("%s:%d: failed: %s (%s)\n", __FILE__, __LINE__, #condition, tarn_error() ? tarn_error() : "");  \
        tarn_clear_error();                                                                                            \
    } while (0)

/* A function with example inputs. A caller keeps the inputs. */
typedef struct test_case {
    char name[96];
    tarn_callback call;
    void *context;
    int outputs, count;
    tarn_array *inputs[MOST];
} test_case;

static inline tarn_function function_of(const test_case *c) {
    return (tarn_function){c->call, c->context};
}

static inline bool is_complex(const tarn_array *a) {
    return tarn_dtype_of(a) == TARN_COMPLEX64;
}
static inline bool is_float(const tarn_array *a) {
    return tarn_dtype_of(a) >= TARN_FLOAT16 && tarn_dtype_of(a) <= TARN_FLOAT64;
}
static inline bool has_gradient(const tarn_array *a) {
    return is_float(a) || is_complex(a);
}

static inline bool trouble(const test_case *c, const char *what) {
    checks++;
    if (tarn_ok()) return false;
    failures++;
    printf("%s: %s: %s\n", c->name, what, tarn_error());
    tarn_clear_error();
    return true;
}

/* ---- numbers */

static inline double random_between(double low, double high) {
    return low + (high - low) * random_unit();
}

/* Elements as doubles; a complex number is two. */
typedef struct {
    int64_t count;
    double *at;
} numbers;

static inline int64_t number_count(const tarn_array *a) {
    return tarn_size(a) * (is_complex(a) ? 2 : 1);
}

static inline numbers read_numbers(tarn_array *a) {
    numbers n = {number_count(a), calloc((size_t)number_count(a) + 1, sizeof(double))};
    if (is_complex(a)) {
        float *parts = calloc((size_t)n.count + 1, sizeof *parts);
        tarn_read(a, parts, (size_t)n.count * sizeof *parts);
        for (int64_t i = 0; i < n.count; i++) n.at[i] = (double)parts[i];
        free(parts);
        return n;
    }
    tarn_read(tarn_astype(a, TARN_FLOAT64), n.at, (size_t)n.count * sizeof(double));
    return n;
}

static inline tarn_array *array_of(numbers n, tarn_ints shape, tarn_dtype dtype) {
    if (dtype != TARN_COMPLEX64) return tarn_astype(tarn_from_data(n.at, shape, TARN_FLOAT64), dtype);
    float *parts = calloc((size_t)n.count + 1, sizeof *parts);
    for (int64_t i = 0; i < n.count; i++) parts[i] = (float)n.at[i];
    tarn_array *a = tarn_from_data(parts, shape, TARN_COMPLEX64);
    free(parts);
    return a;
}

static inline numbers random_numbers(int64_t count, double low, double high) {
    numbers n = {count, calloc((size_t)count + 1, sizeof(double))};
    for (int64_t i = 0; i < count; i++) n.at[i] = random_between(low, high);
    return n;
}

static inline tarn_array *random_like(const tarn_array *a) {
    numbers n = random_numbers(number_count(a), -1, 1);
    tarn_array *r = array_of(n, tarn_shape_of(a), has_gradient(a) ? tarn_dtype_of(a) : TARN_FLOAT32);
    free(n.at);
    return r;
}

/* Random values of a dtype; integers from 0 below `high`. */
static inline tarn_array *random_array(tarn_ints shape, tarn_dtype dtype, double low, double high) {
    int64_t size = dtype == TARN_COMPLEX64 ? 2 : 1;
    for (int64_t i = 0; i < shape.count; i++) size *= shape.values[i];
    numbers n = random_numbers(size, low, high);
    for (int64_t i = 0; i < size && dtype < TARN_FLOAT16; i++) n.at[i] = floor(n.at[i]);
    tarn_array *a = array_of(n, shape, dtype);
    tarn_eval(a);
    free(n.at);
    return tarn_keep(a);
}

static inline double inner(numbers a, numbers b) {
    double sum = 0;
    for (int64_t i = 0; i < a.count; i++) sum += a.at[i] * b.at[i];
    return sum;
}

static inline double tolerance_of(tarn_dtype dtype) {
    return dtype == TARN_FLOAT64 ? 1e-9 : dtype == TARN_BFLOAT16 ? 3e-2 : dtype == TARN_FLOAT16 ? 5e-3 : 3e-5;
}

static inline bool close_to(double a, double b, double tolerance) {
    if (isnan(a) || isnan(b) || isinf(a) || isinf(b)) return (isnan(a) && isnan(b)) || a == b;
    return fabs(a - b) <= tolerance * (1 + fmax(fabs(a), fabs(b)));
}

/* The widest of the rounding that a function's inputs and outputs bring. */
static inline double case_tolerance(const test_case *c, tarn_array *const *outputs) {
    double most = 1e-9;
    for (int i = 0; i < c->count; i++)
        if (has_gradient(c->inputs[i])) most = fmax(most, tolerance_of(tarn_dtype_of(c->inputs[i])));
    for (int k = 0; k < c->outputs && outputs; k++)
        if (has_gradient(outputs[k])) most = fmax(most, tolerance_of(tarn_dtype_of(outputs[k])));
    return most;
}

static inline void fail_at(const test_case *c, const char *what, int which, int64_t i, double got, double wanted) {
    failures++;
    printf("%s: %s %d: element %lld is %.12g, not %.12g\n", c->name, what, which, (long long)i, got, wanted);
}

static inline bool same_numbers(const test_case *c, const char *what, int which, numbers got, numbers wanted,
                                double tolerance) {
    checks++;
    for (int64_t i = 0; i < wanted.count; i++)
        if (got.count != wanted.count || !close_to(got.at[i], wanted.at[i], tolerance))
            return fail_at(c, what, which, i, got.count == wanted.count ? got.at[i] : NAN, wanted.at[i]), false;
    return true;
}

/* ---- gradients against central differences, tangents against gradients */

/* The sum over outputs of <cotangent, output>. */
static inline double loss(const test_case *c, tarn_array *const *inputs, tarn_array *const *cotangents) {
    TARN_SCOPE;
    tarn_array *outputs[MOST] = {NULL};
    double sum = 0;
    if (!into(outputs, tarn_call(function_of(c), inputs, c->count))) return NAN;
    for (int k = 0; k < c->outputs; k++) {
        if (!cotangents[k]) continue;
        numbers y = read_numbers(outputs[k]), g = read_numbers(cotangents[k]);
        sum += inner(y, g);
        free(y.at);
        free(g.at);
    }
    return sum;
}

/* Of the loss between two places beside an element of an input. */
static inline double difference(const test_case *c, int input, int64_t element, tarn_array *const *cotangents,
                                const double *places) {
    TARN_SCOPE;
    tarn_array *moved[MOST], *x = c->inputs[input];
    memcpy(moved, c->inputs, sizeof moved);
    numbers n = read_numbers(x);
    double value = n.at[element], at[2];
    for (int side = 0; side < 2; side++) {
        n.at[element] = value + places[side];
        moved[input] = array_of(n, tarn_shape_of(x), tarn_dtype_of(x));
        at[side] = loss(c, moved, cotangents);
    }
    free(n.at);
    return (at[1] - at[0]) / (places[1] - places[0]);
}

/* A step may lead across a kink, or be long for what bends much: then an eighth of it decides, or one of its halves. */
static inline double nearest_difference(const test_case *c, int input, int64_t element, tarn_array *const *cotangents,
                                        double got, double exact) {
    static const double tried[][2] = {{-1, 1}, {-0.125, 0.125}, {0, 0.125}, {-0.125, 0}};
    double step = exact > 1e-4 ? 1e-2 : 1e-5, found = NAN;
    for (int i = 0; i < 4 && !close_to(got, found, exact); i++)
        found = difference(c, input, element, cotangents, (double[]){tried[i][0] * step, tried[i][1] * step});
    return found;
}

/* Random cotangents for the outputs that can have one. */
static inline bool make_cotangents(const test_case *c, tarn_array **outputs, tarn_array **cotangents) {
    if (!into(outputs, tarn_call(function_of(c), c->inputs, c->count))) return false;
    for (int k = 0; k < c->outputs; k++) cotangents[k] = has_gradient(outputs[k]) ? random_like(outputs[k]) : NULL;
    return tarn_ok();
}

static inline bool differentiable_exactly(const test_case *c) {
    for (int i = 0; i < c->count; i++)
        if (has_gradient(c->inputs[i]) && tarn_dtype_of(c->inputs[i]) < TARN_FLOAT32) return false;
    return true;
}

static inline void check_gradient(const test_case *c) {
    TARN_SCOPE;
    tarn_array *outputs[MOST] = {NULL}, *cotangents[MOST] = {NULL}, *gradients[MOST] = {NULL};
    make_cotangents(c, outputs, cotangents);
    double tolerance = case_tolerance(c, outputs), exact = tolerance > 1e-6 ? 2e-2 : 3e-6;
    vjp_into(function_of(c), c->inputs, c->count, cotangents, c->outputs, outputs, gradients);
    if (trouble(c, "vjp")) return;
    for (int i = 0; i < c->count; i++) {
        tarn_array *x = c->inputs[i], *g = gradients[i];
        bool right_type =
            tarn_dtype_of(g) == tarn_dtype_of(x) && tarn_size(g) == tarn_size(x) && tarn_ndim(g) == tarn_ndim(x);
        checks++;
        if (!right_type) failures++, printf("%s: gradient %d has another dtype or shape\n", c->name, i);
        numbers n = read_numbers(g);
        if (trouble(c, "value of a gradient")) return;
        for (int64_t e = 0; e < n.count && differentiable_exactly(c) && has_gradient(x); e++) {
            double wanted = nearest_difference(c, i, e, cotangents, n.at[e], exact);
            if (trouble(c, "difference")) return;
            checks++;
            if (close_to(n.at[e], wanted, exact)) continue;
            fail_at(c, "gradient", i, e, n.at[e], wanted);
            break;
        }
        free(n.at);
    }
}

/* <cotangent, tangent of the outputs> = <gradient, tangent of the inputs>, for each input alone and for all. */
static inline void check_tangent(const test_case *c) {
    for (int only = -1; only < c->count; only++) {
        TARN_SCOPE;
        tarn_array *outputs[MOST] = {NULL}, *cotangents[MOST] = {NULL}, *gradients[MOST] = {NULL},
                   *tangents[MOST] = {NULL}, *moved[MOST] = {NULL};
        if (only >= 0 && !has_gradient(c->inputs[only])) continue;
        make_cotangents(c, outputs, cotangents);
        for (int i = 0; i < c->count; i++)
            if (has_gradient(c->inputs[i]) && (only < 0 || i == only)) tangents[i] = random_like(c->inputs[i]);
        jvp_into(function_of(c), c->inputs, c->count, tangents, outputs, moved);
        if (trouble(c, "jvp")) return;
        vjp_into(function_of(c), c->inputs, c->count, cotangents, c->outputs, outputs, gradients);
        double forward = 0, backward = 0, scale = 0;
        for (int k = 0; k < c->outputs; k++) {
            checks++;
            bool fits = tarn_size(moved[k]) == tarn_size(outputs[k]) && has_gradient(moved[k]) &&
                        (!has_gradient(outputs[k]) || tarn_dtype_of(moved[k]) == tarn_dtype_of(outputs[k]));
            if (!fits) failures++, printf("%s: tangent %d has another size or dtype\n", c->name, k);
            if (!cotangents[k] || !fits) continue;
            numbers t = read_numbers(moved[k]), g = read_numbers(cotangents[k]);
            forward += inner(t, g);
            scale += sqrt(inner(t, t) * inner(g, g));
            free(t.at);
            free(g.at);
        }
        for (int i = 0; i < c->count; i++) {
            if (!tangents[i]) continue;
            numbers t = read_numbers(tangents[i]), g = read_numbers(gradients[i]);
            backward += inner(t, g);
            free(t.at);
            free(g.at);
        }
        if (trouble(c, "values of tangents")) return;
        checks++;
        if (fabs(forward - backward) > 10 * case_tolerance(c, outputs) * (1 + scale))
            failures++, printf("%s: tangent and gradient differ (input %d): %.12g and %.12g\n", c->name, only, forward,
                               backward);
    }
}

/* ---- batches against loops */

/* Another example: floats a little smaller, integers and truths in reverse order. */
static inline tarn_array *variant(tarn_array *x, int which) {
    numbers n = read_numbers(x);
    for (int64_t i = 0; i < n.count && has_gradient(x); i++) n.at[i] *= 1 - 0.07 * which;
    for (int64_t i = 0; i < n.count / 2 && !has_gradient(x) && which % 2; i++) {
        double held = n.at[i];
        n.at[i] = n.at[n.count - 1 - i];
        n.at[n.count - 1 - i] = held;
    }
    tarn_array *v = array_of(n, tarn_shape_of(x), tarn_dtype_of(x));
    free(n.at);
    return v;
}

/* The batch axis of an array with so many axes besides. */
static inline int64_t batch_axis(int64_t axis, int ndim) {
    return axis <= ndim ? axis : ndim;
}

/* Some inputs batched along `axis`, or along the last where they have less; -1: counted from the end. */
static inline void check_batch_of(const test_case *c, unsigned batched, int64_t axis) {
    TARN_SCOPE;
    tarn_array *variants[BATCH][MOST] = {{NULL}}, *stacked[MOST] = {NULL}, *outputs[MOST] = {NULL}, *one[MOST] = {NULL};
    int64_t in_axes[MOST], out_axes[MOST];
    for (int i = 0; i < c->count; i++) {
        tarn_array *parts[BATCH];
        for (int b = 0; b < BATCH; b++)
            parts[b] = variants[b][i] = batched >> i & 1 ? variant(c->inputs[i], b) : c->inputs[i];
        in_axes[i] = batched >> i & 1 ? batch_axis(axis, tarn_ndim(c->inputs[i])) : TARN_UNBATCHED;
        stacked[i] = batched >> i & 1 ? tarn_stack(parts, BATCH, .axis = TARN_AXIS(in_axes[i])) : c->inputs[i];
    }
    into(one, tarn_call(function_of(c), c->inputs, c->count));
    for (int k = 0; k < c->outputs; k++) out_axes[k] = batch_axis(axis, one[k] ? tarn_ndim(one[k]) : 0);
    into(outputs, tarn_vmap(function_of(c), stacked, c->count, .in_axes = {in_axes, c->count},
                            .out_axes = {out_axes, c->outputs}));
    char what[64];
    snprintf(what, sizeof what, "vmap (inputs %x, axis %lld)", batched, (long long)axis);
    if (trouble(c, what)) return;
    for (int b = 0; b < BATCH; b++) {
        if (!into(one, tarn_call(function_of(c), variants[b], c->count))) tarn_fail("no output");
        if (trouble(c, "loop")) return;
        for (int k = 0; k < c->outputs; k++) {
            tarn_array *part = tarn_slice_axis(outputs[k], out_axes[k], b, b + 1);
            numbers got = read_numbers(part), wanted = read_numbers(one[k]);
            bool good = !trouble(c, what) && same_numbers(c, what, k, got, wanted, case_tolerance(c, one));
            free(got.at);
            free(wanted.at);
            if (!good) return;
        }
    }
}

/* Elsewhere each array crosses between two memories: less is asked there. */
static inline bool is_on_cpu(void) {
    return tarn_default_device().type == TARN_CPU;
}

/* Every subset of the inputs along the first and the last axis, each input alone along every axis. */
static inline void check_batch(const test_case *c) {
    for (unsigned batched = 1; batched < 1u << c->count; batched++) {
        check_batch_of(c, batched, 0);
        check_batch_of(c, batched, -1);
    }
    for (int i = 0; i < c->count && is_on_cpu(); i++)
        for (int axis = 1; axis <= tarn_ndim(c->inputs[i]); axis++) check_batch_of(c, 1u << i, axis);
}

/* ---- a plan of the function: the same bits, for the same and for other values */

static inline bool all_same_bits(const test_case *c, const char *what, tarn_array *const *got,
                                 tarn_array *const *wanted) {
    for (int k = 0; k < c->outputs; k++) {
        bool same = same_bits(got[k], wanted[k]);
        checks++;
        if (trouble(c, what)) return false;
        if (!same) return failures++, printf("%s: %s: output %d has other bits\n", c->name, what, k), false;
    }
    return true;
}

static inline void check_compiled(const test_case *c) {
    TARN_SCOPE;
    tarn_compiled *compiled = tarn_compile(function_of(c));
    int64_t plans = 0, hits = 0;
    bool ok = true;
    for (int run = 0; run < 3 && ok; run++) {
        tarn_array *inputs[MOST], *wanted[MOST] = {NULL}, *got[MOST] = {NULL};
        for (int i = 0; i < c->count; i++)
            inputs[i] = run == 2 && has_gradient(c->inputs[i]) ? variant(c->inputs[i], 1) : c->inputs[i];
        into(wanted, tarn_call(function_of(c), inputs, c->count));
        into(got, tarn_compiled_call(compiled, inputs, c->count));
        ok = !trouble(c, "compiled") && all_same_bits(c, "compiled", got, wanted);
    }
    tarn_compiled_info(compiled, &plans, &hits);
    CHECK(!ok || (plans == 1 && hits == 2));
    tarn_compiled_free(compiled);
}

/* ---- in a file and back: the same bits */

static inline void check_exported(const test_case *c) {
    TARN_SCOPE;
    tarn_array *wanted[MOST] = {NULL}, *got[MOST] = {NULL};
    if (imported_into(got, function_of(c), c->inputs, c->inputs, c->count, false))
        into(wanted, tarn_call(function_of(c), c->inputs, c->count));
    if (!trouble(c, "export")) all_same_bits(c, "exported", got, wanted);
}

/* ---- functions made by transforms */

typedef struct {
    const test_case *base;
    tarn_array *given[MOST]; /* cotangents or tangents, kept */
} derived;

static inline bool call_gradients(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    derived *d = context;
    tarn_results *gradients = tarn_vjp(function_of(d->base), inputs, count, d->given, d->base->outputs);
    for (int i = 0; i < tarn_results_count(gradients); i++)
        if (has_gradient(inputs[i])) tarn_result(results, tarn_results_at(gradients, i));
    return tarn_ok();
}

static inline bool call_tangents(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    derived *d = context;
    return tarn_result_all(results, tarn_jvp(function_of(d->base), inputs, count, d->given));
}

static inline bool call_batch(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    return tarn_result_all(results, tarn_vmap(function_of(((derived *)context)->base), inputs, count));
}

static inline void check_gradient_of_gradient(const test_case *c, derived *d, int floats) {
    test_case g = *c;
    snprintf(g.name, sizeof g.name, "gradient of %.70s", c->name);
    g.call = call_gradients, g.context = d, g.outputs = floats;
    check_compiled(&g);
    check_exported(&g);
    check_gradient(&g);
    check_tangent(&g);
    check_batch_of(&g, (1u << c->count) - 1, 0);
    check_batch_of(&g, 1, -1);
}

static inline void check_batched(const test_case *c, derived *d) {
    test_case v = *c;
    snprintf(v.name, sizeof v.name, "batch of %.70s", c->name);
    v.call = call_batch, v.context = d;
    for (int i = 0; i < c->count; i++) {
        tarn_array *parts[2] = {c->inputs[i], variant(c->inputs[i], 1)};
        v.inputs[i] = tarn_stack(parts, 2);
    }
    check_compiled(&v);
    check_exported(&v);
    check_gradient(&v);
    check_tangent(&v);
    check_batch_of(&v, (1u << c->count) - 1, -1);
}

static inline void check_batch_of_tangent(const test_case *c) {
    derived d = {.base = c};
    test_case t = *c;
    for (int i = 0; i < c->count; i++) d.given[i] = has_gradient(c->inputs[i]) ? random_like(c->inputs[i]) : NULL;
    snprintf(t.name, sizeof t.name, "tangent of %.70s", c->name);
    t.call = call_tangents, t.context = &d;
    check_compiled(&t);
    check_exported(&t);
    check_batch_of(&t, (1u << c->count) - 1, 0);
}

static inline void tallied(int kind, void (*check)(const test_case *), const test_case *c) {
    int before = checks;
    check(c);
    tally[kind] += checks - before;
}

static inline void check_second(const test_case *c) {
    derived d = {.base = c};
    tarn_array *outputs[MOST] = {NULL};
    int floats = 0;
    for (int i = 0; i < c->count; i++) floats += has_gradient(c->inputs[i]);
    make_cotangents(c, outputs, d.given);
    check_gradient_of_gradient(c, &d, floats);
}

/* All of it. */
static inline void check_transforms(const test_case *c) {
    TARN_SCOPE;
    bool floats = false;
    for (int i = 0; i < c->count; i++) floats = floats || has_gradient(c->inputs[i]);
    tallied(TALLY_COMPILED, check_compiled, c);
    tallied(TALLY_EXPORTED, check_exported, c);
    tallied(TALLY_BATCH, check_batch, c);
    if (!floats) return;
    tallied(TALLY_GRADIENT, check_gradient, c);
    tallied(TALLY_TANGENT, check_tangent, c);
    tallied(TALLY_SECOND, check_second, c);
    check_batched(c, &(derived){.base = c});
    check_batch_of_tangent(c);
}

/* ---- parts: `test_x [PART OF]` takes every OF-th case from number PART on, for devices on which all take too long */

static int own_part, all_parts = 1, cases;

static inline void choose_part(int count, char **arguments) {
    if (count < 3) return;
    own_part = atoi(arguments[1]);
    all_parts = atoi(arguments[2]) > 0 ? atoi(arguments[2]) : 1;
}

static inline bool is_whole(void) {
    return all_parts == 1 && rounds_percent() >= 100;
}

/* Whether the next case is one of this part, and of the rounds. */
static inline bool is_of_part(void) {
    return cases++ % all_parts == own_part && in_rounds();
}

static inline int report(void) {
    forget_export_path();
    printf("%d checks, %d failed\n", checks, failures);
    return failures != 0;
}

#endif
