/* Attributes that no function of the library would have made, as a file may hold them: each step of each public
   function's graph (replay_cases.h) with one attribute, or one input, replaced. What comes is an error or a result,
   never more: the sanitizers watch. */
#include <math.h>

#include "check.h"
#include "core/array.h"
#include "exported.h"
#include "ops/recording.h"
#include "replay_functions.h"

static tarn_array *inputs[INPUTS];
static const char *case_name;

static void make_inputs(void) {
    enum { N = 4 };
    tarn_array *key = tarn_random_key(3);
    inputs[X] = tarn_random_normal(key, TARN_SHAPE(N, 2 * N), TARN_FLOAT32);
    inputs[Y] = tarn_transpose(tarn_random_normal(key, TARN_SHAPE(N, 2 * N), TARN_FLOAT32));
    inputs[ROW] = tarn_astype(tarn_arange(N, 0, -1, TARN_FLOAT32), TARN_INT32);
    inputs[INDICES] = tarn_argsort(inputs[X]);
    inputs[KEY] = key;
    for (int i = 0; i < INPUTS; i++) inputs[i] = tarn_detach(inputs[i]);
    CHECK(tarn_eval_all(inputs, INPUTS));
}

/* ---- a recording as it is now: built, and computed if it is not large */

static bool is_small(tarn_array *const *arrays, int count) {
    for (int i = 0; i < count; i++)
        if (tarn_size(arrays[i]) > 1 << 16) return false;
    return true;
}

/* What lies between may be large, too. */
static bool all_small(const tarn_array *a, int depth) {
    if (tarn_size(a) > 1 << 16) return false;
    for (int i = 0; i < a->node->input_count && depth < 12; i++)
        if (a->node->inputs[i] && !all_small(a->node->inputs[i], depth + 1)) return false;
    return true;
}

static int built;

static void run(recording *r) {
    TARN_SCOPE;
    tarn_results *results = tarn_call(TARN_FUNCTION(recording_call, r), inputs, INPUTS);
    int count = tarn_results_count(results);
    bool small = results && is_small(tarn_results_arrays(results), count);
    for (int i = 0; small && i < count; i++) small = all_small(tarn_results_at(results, i), 0);
    built += results != NULL;
    if (!results) CHECK(!tarn_ok() && tarn_error()[0]);
    for (int i = 0; small && i < count; i++) {
        tarn_array *a = tarn_results_at(results, i);
        if (!tarn_data(a) && tarn_size(a)) CHECK(!tarn_ok());
        tarn_clear_error();
    }
    tarn_clear_error();
}

/* ---- one attribute after the other */

static const int64_t odd[] = {0,
                              1,
                              2,
                              3,
                              5,
                              -1,
                              -2,
                              -3,
                              -7,
                              7,
                              16,
                              64,
                              127,
                              1 << 20,
                              INT32_MAX,
                              (int64_t)INT32_MAX + 1,
                              INT64_MAX / 8,
                              INT64_MAX,
                              INT64_MIN,
                              INT64_MIN + 1};
enum { ODD = sizeof odd / sizeof *odd };
static const double odd_reals[] = {0, -1, 1e300, -1e300, NAN, INFINITY, -INFINITY, 0.5, 1e-300};

static void try_lists(recording *r, void *at) {
    tarn_ints *list = at, before = *list;
    int64_t values[16];
    *list = (tarn_ints){NULL, 0};
    run(r);
    for (int64_t count = 0; count < 16; count += count < 4 ? 1 : 9) {
        *list = (tarn_ints){values, count};
        for (int i = 0; i < 16; i++) values[i] = i;
        run(r);
        for (int o = 0; o < ODD; o++) {
            for (int i = 0; i < 16; i++) values[i] = odd[(o + (count > 1 ? i : 0)) % ODD];
            run(r);
            for (int i = 0; i < 16; i++) values[i] = odd[o];
            run(r);
        }
    }
    /* one entry of what was there */
    memcpy(values, before.values ? before.values : values,
           (size_t)(before.count < 16 ? before.count : 0) * sizeof *values);
    *list = (tarn_ints){values, before.count};
    for (int64_t i = 0; before.values && i < before.count && before.count < 16; i++)
        for (int o = 0; o < ODD; o++) {
            values[i] = odd[o];
            run(r);
            values[i] = before.values[i];
        }
    *list = before;
}

#define TRY_EACH(type, count, value)                                                                                   \
    do {                                                                                                               \
        type *place = at, before = *place;                                                                             \
        for (int i = 0; i < (int)(count); i++) {                                                                       \
            *place = (type)(value);                                                                                    \
            run(r);                                                                                                    \
        }                                                                                                              \
        *place = before;                                                                                               \
    } while (0)

static void try_attribute(recording *r, const attribute_fact *f, void *at) {
    if (f->type == ATTRIBUTE_INTEGER) TRY_EACH(int64_t, ODD, odd[i]);
    if (f->type == ATTRIBUTE_REAL) TRY_EACH(double, sizeof odd_reals / sizeof *odd_reals, odd_reals[i]);
    if (f->type == ATTRIBUTE_BOOLEAN) TRY_EACH(bool, 2, i);
    if (f->type == ATTRIBUTE_DTYPE) TRY_EACH(tarn_dtype, TARN_DTYPE_COUNT, i);
    if (f->type == ATTRIBUTE_NAME) TRY_EACH(int, f->names->count, i);
    if (f->type == ATTRIBUTE_INTS) try_lists(r, at);
}

/* ---- one input after the other: any value that is made before, and none */

static void try_inputs(recording *r, recorded_step *step, int64_t made) {
    for (int i = 0; i < step->input_count; i++) {
        int64_t *input = &r->inputs.items[step->first_input + (size_t)i], before = *input;
        for (*input = -1; *input < made; ++*input) run(r);
        *input = before;
    }
    for (int count = step->input_count - 1; count >= 0; count--) {
        int before = step->input_count;
        step->input_count = count;
        run(r);
        step->input_count = before;
    }
}

static void try_step(recording *r, recorded_step *step, int64_t made) {
    int count;
    const attribute_fact *facts = op_attributes(step->op, &count);
    for (int i = 0; i < count; i++) try_attribute(r, &facts[i], (char *)step->attributes + facts[i].offset);
    try_inputs(r, step, made);
}

static void check_case(tarn_callback call) {
    TARN_SCOPE;
    traced_function t;
    recording r = {0};
    tarn_array *stand_ins[INPUTS];
    for (int i = 0; i < INPUTS; i++) stand_ins[i] = trace_argument(i, inputs[i]);
    bool ok = traced_begin(&t, case_name, TARN_FUNCTION(call, NULL), stand_ins, INPUTS, NULL);
    CHECK(ok && recording_make(&r, case_name, &t));
    if (ok) traced_end(&t);
    int64_t made = INPUTS + (int64_t)r.captured.count;
    for (size_t i = 0; i < r.steps.count; i++) {
        try_step(&r, &r.steps.items[i], made);
        made += r.steps.items[i].output_count;
    }
    recording_free(&r);
}

int main(int count, char **names) {
    TARN_SCOPE;
    make_inputs();
    for (size_t i = 0; i < REPLAY_FUNCTIONS; i++) {
        case_name = replay_functions[i].name;
        if (count > 1 && strcmp(names[1], case_name) != 0) continue;
        int before = built;
        if (count > 2) printf("%s\n", case_name), fflush(stdout);
        check_case(replay_functions[i].call);
        if (count > 2) printf("%s: %d built\n", case_name, built - before);
    }
    printf("%d graphs built\n", built);
    return check_report("export_hostile");
}
