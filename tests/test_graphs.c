/* Random graphs against an eager oracle: whatever is moved, kept, scoped, evaluated early, spread over streams and
   devices, or compiled, every value is what the op gives when each step is computed at once on copies; and afterwards
   nothing is left. TARN_SEED repeats a run (rounds.h); TARN_GRAPHS how many; TARN_GRAPHS_STREAMS=ccm takes streams
   beside the default ones (graph_streams.h). tests/CMakeLists.txt runs it again in other environments. */
#include "graph_specs.h"
#include "paths.h"

#include <math.h>

#include "base/settings.h"
#include "graph_streams.h"
#include "into.h"
#include "rounds.h"

static uint64_t graph_seed;

static double tolerance(tarn_dtype dtype) {
    return dtype == TARN_BFLOAT16 ? 0.06 : dtype == TARN_FLOAT16 ? 0.01 : 1e-4;
}

/* ---- one building of a graph */

typedef struct {
    const spec_graph *g;
    tarn_array *array[SPEC_MOST_VALUES];
    bool checked[SPEC_MOST_VALUES]; /* compared at the end: never moved */
    bool kept[SPEC_MOST_VALUES], moved[SPEC_MOST_VALUES];
    bool lazily; /* values are not looked at before the end (plans) */
} building;

static bool same_value(const spec_value *v, const unsigned char *got) {
    size_t width = (size_t)tarn_dtype_bytes(v->dtype);
    double slack = v->inexact ? tolerance(v->dtype) : 0;
    double largest = 1;
    for (size_t i = 0; i < value_bytes(v) && v->inexact; i += width)
        largest = fmax(largest, fabs(load_double(v->data + i, v->dtype)));
    for (size_t i = 0; i < value_bytes(v); i += width) {
        double want = load_double(v->data + i, v->dtype), have = load_double(got + i, v->dtype);
        if (!(fabs(want - have) <= slack * largest)) return false;
    }
    return true;
}

static void compare(const building *b, int i, const char *when) {
    const spec_value *v = &b->g->value[i];
    static unsigned char got[SPEC_MOST_BYTES];
    tarn_array *a = b->array[i];
    bool alike = a && tarn_dtype_of(a) == v->dtype && tarn_ndim(a) == v->ndim;
    for (int k = 0; alike && k < v->ndim; k++) alike = tarn_dim(a, k) == v->shape[k];
    CHECK(alike);
    if (!alike || !tarn_read(a, got, sizeof got)) {
        check_failures++;
        fprintf(stderr, "  seed %llu: value %d cannot be read %s\n", (unsigned long long)graph_seed, i, when);
        tarn_clear_error();
        char *dump = tarn_dump_text(&a, 1);
        fprintf(stderr, "%s", dump ? dump : "");
        tarn_free(dump);
    } else if (!same_value(v, got)) {
        int made_by = -1;
        for (int s = 0; s < b->g->steps; s++)
            if (b->g->step[s].outputs[0] == i || (b->g->step[s].output_count > 1 && b->g->step[s].outputs[1] == i))
                made_by = s;
        fprintf(stderr, "  seed %llu: value %d (%s, kind %d of step %d) is wrong %s\n", (unsigned long long)graph_seed,
                i, tarn_dtype_name(v->dtype), made_by < 0 ? -1 : (int)b->g->step[made_by].kind, made_by, when);
        check_failures++;
    }
}

static void keep_or_not(building *b, int i) {
    if (dice(4)) return;
    tarn_keep(b->array[i]);
    b->kept[i] = true;
}

/* A step in a scope of its own, so that what it leaves behind goes at once. */
static bool build_step(building *b, int index, bool scoped) {
    const spec_step *s = &b->g->step[index];
    tarn_array *in[3] = {NULL}, *out[2] = {NULL};
    for (int i = 0; i < s->input_count; i++) in[i] = b->array[s->inputs[i]];
    for (int i = 0; i < s->input_count; i++) {
        int v = s->inputs[i];
        if (b->g->value[v].last_use != index || b->checked[v] || b->moved[v] || dice(4) == 0) continue;
        tarn_move(b->array[v]);
        b->moved[v] = true;
        b->kept[v] = false;
    }
    bool ok = false;
    if (scoped) {
        TARN_SCOPE;
        ok = spec_apply(s, in, out);
        for (int i = 0; i < s->output_count && ok; i++) tarn_return(out[i]);
    } else {
        ok = spec_apply(s, in, out);
    }
    for (int i = 0; i < s->output_count; i++) {
        b->array[s->outputs[i]] = out[i];
        if (ok && !b->lazily) keep_or_not(b, s->outputs[i]);
    }
    return ok;
}

/* Something that looks at values half way. */
static void disturb(building *b, int values) {
    tarn_array *some[4];
    int count = 0, i = dice(values), what = dice(6);
    slow_down_a_stream();
    for (int k = 0; k < 3; k++) {
        int v = dice(values);
        if (b->array[v] && !b->moved[v]) some[count++] = b->array[v];
    }
    if (what == 0) CHECK(tarn_eval_all(some, count));
    if (what == 1) CHECK(tarn_async_eval_all(some, count));
    if (what == 2 && !b->moved[i]) compare(b, i, "half way");
    if (what == 3 && count) tarn_free(tarn_dump_schedule(some, count));
    if (what == 4 && !b->moved[i]) CHECK(tarn_data(b->array[i]));
}

static void build_steps(building *b) {
    int made = b->g->leaves;
    for (int s = 0; s < b->g->steps; s++) {
        TARN_ON(dice_stream());
        bool ok = build_step(b, s, dice(2));
        CHECK(ok);
        if (!ok) return;
        made += b->g->step[s].output_count;
        if (!b->lazily && dice(4) == 0) disturb(b, made);
    }
}

static void choose_checked(building *b) {
    for (int i = 0; i < b->g->values; i++) b->checked[i] = dice(3) == 0 || b->g->value[i].last_use < 0;
}

static tarn_array *make_leaf(const spec_value *v) {
    TARN_ON(dice_stream());
    if (dice(3) == 0) return tarn_from_foreign(v->data, value_shape(v), v->dtype);
    if (dice(2) || v->ndim == 0) return tarn_from_data(v->data, value_shape(v), v->dtype);
    /* a part of a larger array: it does not begin where its buffer does */
    tarn_array *x = tarn_from_data(v->data, value_shape(v), v->dtype),
               *both = tarn_concatenate(TARN_ARRAYS(x, x, x), 3);
    int64_t n = v->shape[0], part = dice(3);
    x = tarn_slice_axis(both, 0, part * n, (part + 1) * n);
    if (dice(2)) CHECK(tarn_eval(x));
    return x;
}

static void check_all(building *b) {
    tarn_array *roots[SPEC_MOST_VALUES];
    int count = 0;
    for (int i = 0; i < b->g->values; i++)
        if (b->checked[i] && dice(2)) roots[count++] = b->array[i];
    slow_down_a_stream();
    if (dice(2)) CHECK(tarn_async_eval_all(roots, count));
    int first = dice(b->g->values);
    for (int k = 0; k < b->g->values; k++) {
        int i = (first + k) % b->g->values;
        if (b->checked[i]) compare(b, i, "at the end");
    }
}

static void lazy_run(const spec_graph *g) {
    TARN_SCOPE;
    static building b;
    b = (building){.g = g};
    choose_checked(&b);
    for (int i = 0; i < g->leaves; i++) {
        b.array[i] = make_leaf(&g->value[i]);
        keep_or_not(&b, i);
    }
    build_steps(&b);
    if (check_failures == 0) check_all(&b);
    for (int i = 0; i < g->values; i++)
        if (b.kept[i]) tarn_drop(b.array[i]);
}

/* ---- the same through tarn_compile: some leaves are arguments, the others captured */

typedef struct {
    const spec_graph *g;
    tarn_array *captured[SPEC_MOST_VALUES]; /* NULL: an argument */
    bool checked[SPEC_MOST_VALUES];
    uint64_t dice; /* the function must be the same each time it is traced */
} compiled_context;

static bool compiled_body(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    compiled_context *c = context;
    static building b;
    b = (building){.g = c->g, .lazily = true};
    uint64_t before = dice_state;
    dice_state = c->dice;
    memcpy(b.checked, c->checked, sizeof b.checked);
    for (int i = 0, next = 0; i < c->g->leaves; i++) {
        b.array[i] = c->captured[i] ? c->captured[i] : inputs[next++];
        b.checked[i] = true; /* not ours to move */
        (void)count;
    }
    build_steps(&b);
    dice_state = before;
    for (int i = 0; i < c->g->values; i++)
        if (c->checked[i] && !tarn_result(results, b.array[i])) return false;
    return true;
}

static void compiled_call(const spec_graph *g, tarn_compiled *f, const compiled_context *c) {
    TARN_SCOPE;
    static building b;
    b = (building){.g = g, .lazily = true};
    tarn_array *inputs[SPEC_MOST_VALUES], *outputs[SPEC_MOST_VALUES];
    int input_count = 0, next = 0;
    for (int i = 0; i < g->leaves; i++)
        if (!c->captured[i]) inputs[input_count++] = make_leaf(&g->value[i]);
    if (input_count > 1 && dice(2)) CHECK(tarn_eval(inputs[0]));
    slow_down_a_stream();
    CHECK(into(outputs, tarn_compiled_call(f, inputs, input_count)));
    for (int i = 0; i < g->values && tarn_ok(); i++)
        if (c->checked[i]) {
            b.array[i] = outputs[next++];
            compare(&b, i, "of a compiled function");
        }
    CHECK(tarn_ok());
    tarn_clear_error();
}

static void compiled_run(spec_graph *g) {
    compiled_context c = {.g = g, .dice = dice_bits()};
    building choice = {.g = g};
    choose_checked(&choice);
    int inputs = 0, outputs = 0;
    {
        TARN_SCOPE;
        for (int i = 0; i < g->values; i++) outputs += c.checked[i] = choice.checked[i];
        if (!outputs) return;
        for (int i = 0; i < g->leaves; i++)
            if (i > 0 && dice(3) == 0) c.captured[i] = tarn_keep(make_leaf(&g->value[i]));
        for (int i = 0; i < g->leaves; i++) inputs += !c.captured[i];
        tarn_ints donate = !dice(2) ? TARN_NO_AXES : inputs > 1 ? TARN_AXES(0, 1) : TARN_AXES(0);
        tarn_compiled *f = tarn_compile(TARN_FUNCTION(compiled_body, &c), .donate = donate);
        for (int turn = 0; turn < 3; turn++) compiled_call(g, f, &c);
        static spec_graph other;
        other = *g;
        for (int i = 0; i < g->leaves; i++)
            if (!c.captured[i]) spec_fill_leaf(&other.value[i]);
        bool tame = spec_recompute(&other);
        tarn_clear_error();
        if (tame) compiled_call(&other, f, &c);
        tarn_compiled_free(f);
    }
    for (int i = 0; i < g->leaves; i++) tarn_drop(c.captured[i]);
}

/* ---- */

static void one_graph(void) {
    static spec_graph g;
    char *fuse = getenv("TARN_FUSE"), wish[8] = "";
    if (fuse) snprintf(wish, sizeof wish, "%s", fuse);
    setenv("TARN_FUSE", "0", 1);
    settings_read_again();
    spec_make(&g, 6 + dice(SPEC_MOST_STEPS - 6));
    if (fuse)
        setenv("TARN_FUSE", wish, 1);
    else
        unsetenv("TARN_FUSE");
    settings_read_again();
    for (int run = 0; run < 3; run++) {
        bool device = stream_count && streams[0] && tarn_stream_device(streams[stream_count - 1]).type == TARN_MOCK;
        tarn_synchronize(NULL);
        int64_t on_cpu = active(cpu), on_mock = device ? active(mock) : 0, alive = nodes_alive();
        if (run < 2)
            lazy_run(&g);
        else
            compiled_run(&g);
        CHECK(tarn_ok());
        tarn_clear_error();
        tarn_synchronize(NULL);
        CHECK(nodes_alive() == alive);
        CHECK(active(cpu) == on_cpu);
        CHECK(!device || active(mock) == on_mock);
        if (check_failures) return;
    }
}

int main(void) {
    setenv("TARN_BACKENDS", TARN_BUILD_DIR, 0);
    open_streams(getenv("TARN_GRAPHS_STREAMS"));
    uint64_t seed = first_seed();
    int graphs = number_of("TARN_GRAPHS", rounds(300));
    printf("first seed %llu, %d graphs\n", (unsigned long long)seed, graphs);
    for (int i = 0; i < graphs && !check_failures; i++) {
        dice_state = graph_seed = seed + (uint64_t)i;
        one_graph();
    }
    if (check_failures) printf("repeat with TARN_SEED=%llu TARN_GRAPHS=1\n", (unsigned long long)graph_seed);
    for (int i = 0; i < stream_count; i++) tarn_stream_free(streams[i]);
    return check_report("graphs");
}
