/* Building and reading random graphs (way_graphs.h) in ways of all kinds; what is found wrong is told with the steps
   that lead to it. A run may hold a failure: what it reaches is either right or says so. */
#ifndef TESTS_WAY_RUNS_H
#define TESTS_WAY_RUNS_H

#include "base/settings.h"
#include "way_graphs.h"

static _Thread_local const char *way;
static tarn_stream *home;         /* of steps that go to no other; NULL: that of the CPU */
static bool checked[MOST_VALUES]; /* compared, and never moved */

/* Two streams of each device beside the default ones. */
static inline void open_way_streams(void) {
    open_streams("ccmm");
    stream_count = 2;
}

static inline void move_to(tarn_device device) {
    home = device.type == TARN_CPU ? NULL : tarn_default_stream(device);
    stream_first = device.type == TARN_CPU ? 0 : 2;
}

static inline void close_way_streams(void) {
    for (int i = 0; i < 4; i++) tarn_stream_free(streams[i]);
}

/* ---- telling */

static inline const char *name_of(const way_graph *g, int value) {
    int by = g->made_by[value];
    if (by < 0) return "leaf";
    return g->step[by].op == OP_COUNT ? g->step[by].function->name : op_name(g->step[by].op);
}

/* The steps that lead to a value. */
static inline void tell_steps(const way_graph *g, int value) {
    bool needed[MOST_VALUES] = {false};
    needed[value] = true;
    for (int i = value; i >= 0; i--)
        for (int k = 0; needed[i] && g->made_by[i] >= 0 && k < g->step[g->made_by[i]].input_count; k++)
            needed[g->step[g->made_by[i]].inputs[k]] = true;
    for (int i = 0; i <= value; i++) {
        if (!needed[i]) continue;
        fprintf(stderr, "  %d %s: %s %s [", i, checked[i] ? "read" : "", tarn_dtype_name(g->dtype[i]), name_of(g, i));
        for (int k = 0; k < g->ndim[i]; k++) fprintf(stderr, "%s%lld", k ? ", " : "", (long long)g->shape[i][k]);
        const way_step *s = g->made_by[i] < 0 ? NULL : &g->step[g->made_by[i]];
        fprintf(stderr, "]%s", s && s->fitted && s->op != OP_COUNT ? " fitted" : "");
        for (int k = 0; s && k < s->input_count; k++) fprintf(stderr, " %d", s->inputs[k]);
        fprintf(stderr, " %s\n", s && s->dtype != TARN_DTYPE_COUNT ? tarn_dtype_name(s->dtype) : "");
    }
}

static inline void tell(const way_graph *g, int value, const char *what) {
    __atomic_add_fetch(&check_failures, 1, __ATOMIC_RELAXED);
    fprintf(stderr, "seed %llu, %s: value %d of %d, %s %s by %s, %s\n", (unsigned long long)g->seed, way, value,
            g->values, tarn_dtype_name(g->dtype[value]), name_of(g, value), tarn_error() ? tarn_error() : "no error",
            what);
    tell_steps(g, value);
    tarn_clear_error();
}

static inline void tell_element(const way_graph *g, int value, int k, const unsigned char *got, size_t at) {
    char what[128];
    snprintf(what, sizeof what, "element %zu is %.17g, not %.17g", at / (size_t)dtype_bytes(g->dtype[value]),
             load_double(got + at, g->dtype[value]), load_double(g->data[value][k] + at, g->dtype[value]));
    tell(g, value, what);
}

/* ---- comparing */

typedef struct {
    const way_graph *g;
    int size;  /* which of the two */
    bool wild; /* scopes, moves, keeps, streams */
    bool lazy; /* nothing is looked at */
    /* of a run with a failure: what it may reach (NULL: none), and words of its message */
    const bool *fails;
    const char *words;
    int poisoned; /* the value where it is, if there is one */
    tarn_array *poison;
    tarn_array *array[MOST_VALUES];
    bool kept[MOST_VALUES], moved[MOST_VALUES];
} run;

/* Whether the error that is set is the failure that the run holds; then it is cleared. */
static inline bool is_expected(const run *r, bool reached) {
    if (!reached || !tarn_error() || !strstr(tarn_error(), r->words)) return false;
    tarn_clear_error();
    return true;
}

static inline bool is_nan(const unsigned char *p, tarn_dtype dtype) {
    return dtype_kind_of(dtype) >= KIND_FLOAT && isnan(load_double(p, dtype));
}

/* Bit for bit; a NaN is a NaN. */
static inline void compare(const run *r, int value, tarn_array *a) {
    const way_graph *g = r->g;
    int k = r->size;
    unsigned char got[MOST_ELEMENTS * sizeof(double)];
    tarn_dtype dtype = g->dtype[value], part = dtype == TARN_COMPLEX64 ? TARN_FLOAT32 : dtype;
    size_t bytes = g->bytes[value][k], width = (size_t)dtype_bytes(part);
    if (tarn_dtype_of(a) != dtype || !tarn_read(a, got, sizeof got)) {
        if (!is_expected(r, r->fails && r->fails[value])) tell(g, value, "cannot be read");
        return;
    }
    if (r->poison && value == r->poisoned) tell(g, value, "reads, but was to fail");
    for (size_t i = 0; i < bytes; i += width) {
        const unsigned char *want = g->data[value][k] + i;
        if (memcmp(got + i, want, width) == 0 || (is_nan(got + i, part) && is_nan(want, part))) continue;
        tell_element(g, value, k, got, i);
        return;
    }
}

/* ---- building */

static inline void keep_or_not(run *r, int i) {
    if (dice(4)) return;
    tarn_keep(r->array[i]);
    r->kept[i] = true;
}

/* Values that this step is the last to read, and nobody compares. */
static inline void move_inputs(run *r, int index) {
    const way_step *s = &r->g->step[index];
    for (int i = 0; i < s->input_count; i++) {
        int v = s->inputs[i];
        if (r->g->last_use[v] != index || checked[v] || r->moved[v] || v < WAY_LEAVES || dice(4) == 0) continue;
        tarn_move(r->array[v]);
        r->moved[v] = true;
        r->kept[v] = false;
    }
}

static inline bool scoped_apply(run *r, const way_step *s, tarn_array **out) {
    TARN_SCOPE;
    bool ok = way_apply(r->g, s, r->array, out);
    for (int i = 0; i < s->count && ok; i++) tarn_return(out[i]);
    return ok;
}

static inline bool build_one(run *r, int index) {
    const way_step *s = &r->g->step[index];
    tarn_array *out[4] = {NULL};
    TARN_ON(r->wild && dice(2) ? dice_stream() : home);
    if (r->wild) move_inputs(r, index);
    bool ok = r->wild && dice(2) ? scoped_apply(r, s, out) : way_apply(r->g, s, r->array, out);
    if (!ok) tell(r->g, s->first, "cannot be built");
    for (int i = 0; i < s->count && ok; i++) {
        if (r->poison && s->first + i == r->poisoned) out[i] = tarn_where(r->poison, out[i], out[i]);
        r->array[s->first + i] = out[i];
        if (r->wild && !r->lazy) keep_or_not(r, s->first + i);
    }
    return ok;
}

/* Something that looks at values half way. */
static inline void disturb(run *r, int values) {
    tarn_array *some[4];
    int count = 0, what = dice(6), i = dice(values);
    slow_down_a_stream();
    for (int k = 0; k < 3; k++) {
        int v = dice(values);
        if (!r->moved[v]) some[count++] = r->array[v];
    }
    bool ok = what == 0 ? tarn_eval_all(some, count) : what != 1 || tarn_async_eval_all(some, count);
    if (!ok && !is_expected(r, r->fails)) tell(r->g, i, "evaluation half way");
    if (what == 2 && !r->moved[i]) compare(r, i, r->array[i]);
    if (what == 3 && count) tarn_free(tarn_dump_schedule(some, count));
    if (what == 4 && !r->moved[i] && !tarn_data(r->array[i]) && !is_expected(r, r->fails && r->fails[i]))
        tell(r->g, i, "has no data");
}

static inline void build_all(run *r) {
    for (int s = 0; s < r->g->steps && build_one(r, s); s++)
        if (r->wild && !r->lazy && dice(4) == 0) disturb(r, r->g->step[s].first);
}

static inline void compare_all(run *r) {
    tarn_array *roots[MOST_VALUES];
    int count = 0, first = r->wild ? dice(r->g->values) : 0;
    for (int i = 0; i < r->g->values; i++)
        if (checked[i] && (!r->wild || dice(2))) roots[count++] = r->array[i];
    bool ok = r->wild && dice(2) ? tarn_async_eval_all(roots, count) : tarn_eval_all(roots, count);
    if (!ok && !is_expected(r, r->fails)) tell(r->g, first, "evaluation");
    for (int k = 0; k < r->g->values; k++) {
        int i = (first + k) % r->g->values;
        if (checked[i]) compare(r, i, r->array[i]);
    }
}

static inline void make_leaves(run *r) {
    TARN_ON(home);
    for (int i = 0; i < WAY_LEAVES; i++) r->array[i] = way_leaf(r->g, i, r->g->size[r->size]);
}

static inline void wander_over(run *r) {
    build_all(r);
    if (!check_failures) compare_all(r);
    for (int i = WAY_LEAVES; i < r->g->values; i++)
        if (r->kept[i]) tarn_drop(r->array[i]);
}

static inline void wander(const way_graph *g) {
    TARN_SCOPE;
    run r = {.g = g, .wild = true};
    make_leaves(&r);
    wander_over(&r);
}

/* The graph with what its values are on the device where this is called; way_free gives the data back. */
static inline void compute_again(way_graph *g, const way_graph *of) {
    *g = *of;
    for (int k = 0; k < SIZES; k++) {
        TARN_SCOPE;
        run r = {.g = g, .size = k};
        make_leaves(&r);
        for (int s = 0; s < g->steps && build_one(&r, s); s++)
            tarn_eval_all(&r.array[g->step[s].first], g->step[s].count);
        for (int i = 0; i < g->values; i++) CHECK(store_value(g, i, k, r.array[i]));
    }
}

static inline void without_fusion(bool without) {
    static char before[8];
    const char *wish = getenv("TARN_FUSE");
    if (without) {
        snprintf(before, sizeof before, "%s", wish ? wish : "");
        setenv("TARN_FUSE", "0", 1);
    } else if (*before) {
        setenv("TARN_FUSE", before, 1);
    } else {
        unsetenv("TARN_FUSE");
    }
    settings_read_again();
}

#endif
