/* Random programs of nested transforms over captured arrays (program_specs.h), run under every transform and checked
   against numbers that were differentiated without a graph. TARN_PROGRAMS: how many; TARN_SEED: the first
   seed, to repeat one; TARN_PROGRAMS_STREAMS: ccm runs steps on two further streams of the CPU and one of the mock
   device. */
#include <stdlib.h>

#include "check.h"
#include "into.h"
#include "rounds.h"
#include "program_specs.h"
#include "tarn/tarn.h"
#include "paths.h"

enum { MOST_STREAMS = 4, EXAMPLES = 2, ELEMENTS = WIDTH + 1 };
static tarn_stream *streams[MOST_STREAMS];
static int stream_count;

/* ---- a program on arrays */

typedef struct {
    const program *p;
    tarn_array *values[MOST_VALUES];
    int without_values; /* how many traces around us have none */
} array_run;

typedef struct {
    array_run *run;
    int block;
} block_context;

static tarn_array *number(double value) {
    return tarn_scalar(value, TARN_FLOAT64);
}
static tarn_array *place(int i) {
    return tarn_from_data((int32_t[]){i}, TARN_SHAPE(1), TARN_INT32);
}

static bool array_block(void *context, tarn_array *const *inputs, int count, tarn_results *results);

/* ---- steps */

static tarn_array *swapped(tarn_array *x) {
    tarn_array *parts[2];
    return tarn_split_at(x, TARN_INTS(1), parts) ? tarn_concatenate(TARN_ARRAYS(parts[1], parts[0]), 2) : NULL;
}

static tarn_array *taken(const program_step *s, tarn_array *x) {
    int32_t indices[WIDTH];
    for (int i = 0; i < WIDTH; i++) indices[i] = take_index(s, i);
    return tarn_take(x, tarn_from_data(indices, TARN_SHAPE(WIDTH), TARN_INT32), .axis = TARN_AXIS(0));
}

static tarn_array *outer(tarn_array *x, tarn_array *y, tarn_array *z) {
    return tarn_matmul(tarn_matmul(tarn_reshape(x, TARN_SHAPE(WIDTH, 1)), tarn_reshape(y, TARN_SHAPE(1, WIDTH))), z);
}

static bool ruled_value(void *context, tarn_array *const *x, int count, tarn_results *results) {
    (void)context, (void)count;
    return tarn_result(results, tarn_multiply(tarn_sin(tarn_move(x[0])), tarn_move(x[1])));
}
static bool ruled_vjp(void *context, tarn_array *const *x, int count, tarn_results *results) {
    const program_step *s = context;
    (void)count;
    tarn_array *scaled = tarn_multiply(number(s->factor), tarn_move(x[2]));
    return tarn_result(results, tarn_multiply(tarn_multiply(tarn_cos(x[0]), x[1]), scaled)) &&
           tarn_result(results, tarn_multiply(tarn_sin(tarn_move(x[0])), scaled));
}
static bool ruled_jvp(void *context, tarn_array *const *x, int count, tarn_results *results) {
    const program_step *s = context;
    (void)count;
    tarn_array *by_x = tarn_multiply(tarn_multiply(tarn_cos(x[0]), x[1]), tarn_move(x[2]));
    return tarn_result(results, tarn_multiply(number(s->factor), tarn_add(by_x, tarn_multiply(tarn_sin(x[0]), x[3]))));
}

static tarn_array *call_custom(tarn_function function, tarn_custom_options rules, tarn_array *const *in, int count) {
    tarn_custom_function *c = tarn_custom_new_with(function, rules);
    tarn_array *out = NULL;
    if (c) into(&out, tarn_custom_call(c, in, count));
    tarn_custom_free(c); /* graphs hold it as long as they need it */
    return out;
}

static tarn_array *ruled_call(const program_step *s, tarn_array *const *in) {
    tarn_custom_options rules = {.vjp = has_rule(s, REVERSE) ? ruled_vjp : NULL,
                                 .jvp = has_rule(s, FORWARD) ? ruled_jvp : NULL};
    return call_custom((tarn_function){ruled_value, (void *)(uintptr_t)s}, rules, in, 2);
}

static tarn_array *plain_step(const program_step *s, tarn_array *const *in) {
    tarn_array *x = in[0], *y = in[1], *z = in[2];
    switch (s->kind) {
    case STEP_ADD:
        return tarn_add(x, y);
    case STEP_SUBTRACT:
        return tarn_subtract(x, y);
    case STEP_MULTIPLY:
        return tarn_multiply(x, y);
    case STEP_MAXIMUM:
        return tarn_maximum(x, y);
    case STEP_WHERE:
        return tarn_where(tarn_greater(x, y), z, x);
    case STEP_SIN:
        return tarn_sin(x);
    case STEP_TANH:
        return tarn_tanh(x);
    case STEP_SOFTEN:
        return tarn_divide(x, tarn_add(number(1), tarn_square(x)));
    case STEP_SCALE:
        return tarn_multiply(x, number(s->factor));
    case STEP_STOP:
        return tarn_stop_gradient(x);
    case STEP_SUM:
        return tarn_sum(x);
    case STEP_PICK:
        return tarn_squeeze(s->a & 64 ? tarn_slice_array(x, place(take_index(s, 0)), TARN_AXES(0), TARN_INTS(1))
                                      : tarn_slice_axis(x, 0, take_index(s, 0), take_index(s, 0) + 1));
    case STEP_BROADCAST:
        return tarn_broadcast_to(x, TARN_SHAPE(WIDTH));
    case STEP_CUMSUM:
        return tarn_cumsum(x, .axis = TARN_AXIS(0));
    case STEP_REVERSE:
        return tarn_slice(x, TARN_INTS(-1), TARN_INTS(INT64_MIN), .step = TARN_INTS(-1));
    case STEP_TAKE:
        return taken(s, x);
    case STEP_SWAP:
        return swapped(x);
    case STEP_SORT:
        return tarn_sort(x, .axis = TARN_AXIS(0));
    case STEP_UPDATE:
        return tarn_slice_update(x, tarn_reshape(y, TARN_SHAPE(1)), place(take_index(s, 0)), TARN_AXES(0));
    case STEP_SOFTMAX:
        return tarn_softmax(x, .axes = TARN_AXES(-1));
    case STEP_RMS_NORM:
        return tarn_rms_norm(x, NULL);
    case STEP_MATRIX:
        return tarn_matmul(tarn_from_data(program_matrix, TARN_SHAPE(WIDTH, WIDTH), TARN_FLOAT64), x);
    case STEP_OUTER:
        return outer(x, y, z);
    default:
        return ruled_call(s, in);
    }
}

/* ---- calls */

static tarn_array *compiled_twice(tarn_function f, tarn_array *const *in) {
    tarn_array *first = NULL, *second = NULL;
    tarn_compiled *c = tarn_compile(f);
    bool ok = c && into(&first, tarn_compiled_call(c, &in[0], 1)) && into(&second, tarn_compiled_call(c, &in[1], 1));
    tarn_compiled_free(c);
    return ok ? tarn_add(tarn_multiply(first, number(0.5)), second) : NULL;
}

static tarn_array *gradient_call(const program_step *s, tarn_function f, tarn_array *const *in) {
    tarn_array *out = NULL, *value, *gradients[2];
    if (s->kind == STEP_VJP) return vjp_into(f, in, 1, &in[1], 1, &value, &out) ? out : NULL;
    if (s->a & 2) return into(&out, tarn_grad(f, in, 2, .argnums = TARN_INTS(s->a & 1))) ? out : NULL;
    value = number(1);
    return vjp_into(f, in, 2, &value, 1, &out, gradients) ? gradients[s->a & 1] : NULL;
}

static tarn_array *tangent_call(tarn_function f, tarn_array *const *in) {
    tarn_array *value, *tangent;
    return jvp_into(f, in, 1, &in[1], &value, &tangent) ? tarn_add(value, tangent) : NULL;
}

static tarn_array *batch_call(const program_step *s, tarn_function f, tarn_array *const *in) {
    tarn_array *out = NULL;
    if (s->kind == STEP_VMAP) return into(&out, tarn_vmap(f, in, 1)) ? out : NULL;
    int last = s->a & 4 ? 1 : 0;
    if (s->kind == STEP_VMAP_STACK) {
        tarn_array *both = tarn_stack(in, 2, .axis = TARN_AXIS(s->a & 2 ? 1 : 0));
        into(&out, tarn_vmap(f, &both, 1, .in_axes = TARN_INTS(s->a & 2 ? -1 : 0), .out_axes = TARN_INTS(last)));
    } else {
        into(&out, tarn_vmap(f, in, 2, .in_axes = TARN_INTS(0, TARN_UNBATCHED), .out_axes = TARN_INTS(last)));
    }
    return out ? tarn_sum(out, .axes = TARN_AXES(last)) : NULL;
}

static tarn_array *inner_call(array_run *r, const program_step *s, tarn_array *const *in) {
    tarn_function f = {array_block, &(block_context){r, s->block}};
    tarn_array *out = NULL;
    bool without = s->kind == STEP_COMPILED || s->kind >= STEP_VMAP;
    r->without_values += without;
    if (s->kind == STEP_CUSTOM)
        out = call_custom(f, (tarn_custom_options){0}, in, 1);
    else if (s->kind == STEP_COMPILED)
        out = compiled_twice(f, in);
    else
        out = s->kind == STEP_JVP    ? tangent_call(f, in)
              : s->kind >= STEP_VMAP ? batch_call(s, f, in)
                                     : gradient_call(s, f, in);
    r->without_values -= without;
    return out;
}

/* Whether step i is the last of its block to read a value of the block, and reads it once. */
static bool may_move(const program_block *b, int i, int which) {
    int value = b->steps[i].in[which];
    bool own = false;
    if (value == b->result) return false;
    for (int k = 0; k < b->parameter_count; k++) own = own || value == b->parameters[k];
    for (int k = 0; k < b->count; k++) {
        own = own || b->steps[k].out == value;
        if (k > i && b->steps[k].block >= 0) return false; /* inner functions read what they like */
        for (int j = 0; j < 3; j++)
            if (b->steps[k].in[j] == value && (k > i || (k == i && j != which))) return false;
    }
    return own;
}

static bool array_step(array_run *r, const program_block *b, int i) {
    const program_step *s = &b->steps[i];
    tarn_array *in[3];
    for (int k = 0; k < 3; k++) in[k] = r->values[s->in[k]];
    TARN_ON(stream_count ? streams[dice(stream_count)] : NULL);
    bool moves = s->kind <= STEP_MULTIPLY || s->kind == STEP_SIN || s->kind == STEP_TANH || s->kind == STEP_UPDATE;
    for (int k = 0; k < 2 && moves; k++)
        if (may_move(b, i, k) && dice(2)) in[k] = tarn_move(in[k]);
    tarn_array *out = s->kind >= STEP_FIRST_CALL ? inner_call(r, s, in) : plain_step(s, in);
    if (out && !r->without_values && dice(6) == 0 && !(dice(2) ? tarn_eval(out) : tarn_async_eval(out))) return false;
    if (out && !r->without_values && dice(12) == 0 && s->kind == STEP_STOP) out = tarn_detach(out);
    return (r->values[s->out] = out) != NULL;
}

static bool array_block(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const block_context *c = context;
    const program_block *b = &c->run->p->block[c->block];
    for (int i = 0; i < count; i++) c->run->values[b->parameters[i]] = inputs[i];
    for (int i = 0; i < b->count; i++)
        if (!array_step(c->run, b, i)) return false;
    return tarn_result(results, c->run->values[b->result]);
}

/* ---- the whole program under transforms */

static bool whole(void *context, tarn_array *const *x, int count, tarn_results *results) {
    static array_run run;
    run = (array_run){.p = context, .without_values = 1};
    return array_block(&(block_context){&run, 0}, x, count, results);
}
static bool whole_eager(void *context, tarn_array *const *x, int count, tarn_results *results) {
    static array_run run;
    run = (array_run){.p = context};
    return array_block(&(block_context){&run, 0}, x, count, results);
}
static bool gradients_of(void *context, tarn_array *const *x, int count, tarn_results *results) {
    return tarn_result_all(results, tarn_grad(TARN_FUNCTION(whole, context), x, count, .argnums = TARN_INTS(0, 1)));
}
static bool compiled_whole(void *context, tarn_array *const *x, int count, tarn_results *results) {
    return tarn_result_all(results, tarn_compiled_call(context, x, count));
}
static bool batch_of_gradients(void *context, tarn_array *const *x, int count, tarn_results *results) {
    return tarn_result_all(results, tarn_vmap(TARN_FUNCTION(gradients_of, context), x, count));
}

static const char *transform; /* the one that is looked at */
static double tolerance;

static bool did(const char *what, bool ok) {
    transform = what;
    if (ok) return true;
    check_failures++;
    fprintf(stderr, "%s: %s\n", what, tarn_error());
    return false;
}

static bool same(tarn_array *a, const double *wanted, int count) {
    double got[EXAMPLES * ELEMENTS] = {0};
    if (!did(transform, tarn_size(a) == count && tarn_read(a, got, sizeof got))) return false;
    for (int i = 0; i < count; i++) {
        if (fabs(got[i] - wanted[i]) <= tolerance) continue;
        check_failures++;
        fprintf(stderr, "%s: element %d is %.15g, not %.15g\n", transform, i, got[i], wanted[i]);
        return false;
    }
    return true;
}

static bool same_gradients(tarn_array *const *g, const program_results *wanted, int examples) {
    double by_x[EXAMPLES * WIDTH], by_y[EXAMPLES];
    for (int e = 0; e < examples; e++) {
        memcpy(by_x + e * WIDTH, wanted[e].gradient, WIDTH * sizeof(double));
        by_y[e] = wanted[e].gradient[WIDTH];
    }
    return same(g[0], by_x, examples * WIDTH) && same(g[1], by_y, examples);
}

typedef struct {
    tarn_compiled *value, *gradient;
} plans;

static void make_arguments(const double *at, tarn_array **x) {
    x[0] = tarn_from_data(at, TARN_SHAPE(WIDTH), TARN_FLOAT64);
    x[1] = number(at[WIDTH]);
}

static bool check_example(program *p, const plans *f, const double *at, const program_results *wanted) {
    TARN_SCOPE;
    const tarn_function eager = {whole_eager, p}, compiled = {compiled_whole, f->value};
    const tarn_ints both = TARN_INTS(0, 1);
    const double value = wanted->value, tangent = wanted->tangent;
    tarn_array *own[2], *x[2], *y = NULL, *t = NULL, *g[2];
    tarn_results *values;
    make_arguments(at, own);
    make_arguments(at, x);
    return did("value", into(&y, tarn_call(TARN_FUNCTION(whole_eager, p), own, 2))) && same(y, &value, 1) &&
           did("compile", into(&y, tarn_compiled_call(f->value, x, 2))) && same(y, &value, 1) &&
           did("jvp", jvp_into(eager, x, 2, x, &y, &t)) && same(y, &value, 1) && same(t, &tangent, 1) &&
           did("grad", into(g, tarn_grad(eager, x, 2, .argnums = both, .outputs = &values))) && into(&y, values) &&
           same(y, &value, 1) && same_gradients(g, wanted, 1) &&
           did("compile of grad", into(g, tarn_compiled_call(f->gradient, x, 2))) && same_gradients(g, wanted, 1) &&
           did("grad of compile", into(g, tarn_grad(compiled, x, 2, .argnums = both))) && same_gradients(g, wanted, 1);
}

static void check_examples(program *p, double (*at)[ELEMENTS], const program_results *wanted) {
    TARN_SCOPE;
    plans f = {tarn_compile(TARN_FUNCTION(whole, p)), tarn_compile(TARN_FUNCTION(gradients_of, p))};
    for (int e = 0; e < EXAMPLES && check_example(p, &f, at[e], &wanted[e]);) e++;
    tarn_compiled_free(f.value);
    tarn_compiled_free(f.gradient);
}

static bool check_batch(program *p, double (*at)[ELEMENTS], const program_results *wanted) {
    TARN_SCOPE;
    double values[EXAMPLES];
    tarn_array *x[2], *y = NULL, *g[2], *all = tarn_from_data(at, TARN_SHAPE(EXAMPLES, ELEMENTS), TARN_FLOAT64);
    x[0] = tarn_slice_axis(all, 1, 0, WIDTH);
    x[1] = tarn_squeeze(tarn_slice_axis(all, 1, WIDTH, ELEMENTS), .axes = TARN_AXES(1));
    for (int e = 0; e < EXAMPLES; e++) values[e] = wanted[e].value;
    tarn_compiled *plan = tarn_compile(TARN_FUNCTION(batch_of_gradients, p));
    bool ok = did("vmap", into(&y, tarn_vmap(TARN_FUNCTION(whole, p), x, 2))) && same(y, values, EXAMPLES) &&
              did("vmap of grad", into(g, tarn_call(TARN_FUNCTION(batch_of_gradients, p), x, 2))) &&
              same_gradients(g, wanted, EXAMPLES) &&
              did("compile of vmap of grad", into(g, tarn_compiled_call(plan, x, 2))) &&
              same_gradients(g, wanted, EXAMPLES);
    tarn_compiled_free(plan);
    return ok;
}

/* ---- */

static int64_t nodes(void) {
    tarn_memory m = {0};
    tarn_synchronize(NULL);
    tarn_memory_info((tarn_device){TARN_CPU, 0}, &m);
    return m.nodes + m.active;
}

/* False if the program is no good: values too large, or a comparison that rounding decides. */
static bool one_program(void) {
    static program p;
    double at[EXAMPLES][ELEMENTS];
    program_results wanted[EXAMPLES];
    program_make(&p);
    tolerance = 0;
    for (int e = 0; e < EXAMPLES; e++) {
        for (int i = 0; i < ELEMENTS; i++) at[e][i] = dice_real() * 1.5;
        if (!program_value(&p, at[e], &wanted[e])) return false;
        tolerance = fmax(tolerance, 1e-9 * (1 + wanted[e].most));
    }
    check_examples(&p, at, wanted);
    if (!check_failures) check_batch(&p, at, wanted);
    CHECK(nodes() == 0 || check_failures);
    return true;
}

static void open_streams(const char *wish) {
    for (int i = 0; wish && wish[i] && i < MOST_STREAMS; i++) {
        streams[stream_count++] = tarn_stream_new((tarn_device){wish[i] == 'm' ? TARN_MOCK : TARN_CPU, 0});
        CHECK(streams[i]);
    }
    if (wish && strchr(wish, 'm')) tarn_allow_fallback(true);
}

int main(void) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 0);
    open_streams(getenv("TARN_PROGRAMS_STREAMS"));
    const char *many = getenv("TARN_PROGRAMS");
    uint64_t seed = first_seed();
    int programs = many ? atoi(many) : rounds(200), made = 0;
    printf("first seed %llu\n", (unsigned long long)seed);
    while (made < programs && !check_failures) {
        dice_state = seed++;
        made += one_program();
        CHECK(tarn_ok());
        tarn_clear_error();
    }
    printf("%d programs; last seed %llu\n", made, (unsigned long long)seed - 1);
    if (check_failures) printf("repeat with TARN_SEED=%llu TARN_PROGRAMS=1\n", (unsigned long long)seed - 1);
    for (int i = 0; i < stream_count; i++) tarn_stream_free(streams[i]);
    return check_report("programs");
}
