/* Random graphs out of everything the tables have: each step is an elementwise row or a function of replay_cases.h or
   way_cases.h, over values that were made before. A graph is built over leaves of a size n, and fits at two of them;
   what each of its values is at both, every step computed by itself as soon as it was made, is part of it. */
#ifndef TESTS_WAY_GRAPHS_H
#define TESTS_WAY_GRAPHS_H

#include <math.h>
#include <stdlib.h>

#include "graph_streams.h"
#define WITH_OWN_SIZES
#include "ops/build.h"
#include "replay_functions.h"
#include "table/scalar.h"

enum { SIZES = 2, WAY_LEAVES = 10, MOST_VALUES = 360, MOST_STEPS = 300, MOST_ELEMENTS = 2048 };

typedef struct {
    op_id op; /* elementwise; else OP_COUNT, and */
    const replay_function *function;
    int inputs[3], input_count, first, count;
    tarn_dtype dtype; /* which inputs are converted to; TARN_DTYPE_COUNT: as they are */
    bool fitted;      /* inputs are brought into the row's domain */
} way_step;

typedef enum { FORM_X, FORM_Y, FORM_OTHER } way_form; /* [n, 2 n], [2 n, n] */

typedef struct {
    uint64_t seed;
    int64_t size[SIZES];
    int values, steps;
    int64_t nodes; /* about so many */
    way_step step[MOST_STEPS];
    tarn_dtype dtype[MOST_VALUES];
    way_form form[MOST_VALUES];
    int last_use[MOST_VALUES];                 /* a step; -1: none */
    int made_by[MOST_VALUES];                  /* a step; -1: a leaf */
    int64_t shape[MOST_VALUES][TARN_MAX_NDIM]; /* at the first size */
    int ndim[MOST_VALUES];
    size_t bytes[MOST_VALUES][SIZES];
    unsigned char *data[MOST_VALUES][SIZES]; /* what the value is */
} way_graph;

/* ---- leaves: four of form x, two of form y, a row and a number of floats, a row of indices, a key */
enum { LEAF_ROW = 8, LEAF_KEY = 9 };

static inline tarn_dtype dice_dtype(void) {
    static const tarn_dtype usual[] = {TARN_FLOAT32,  TARN_FLOAT32,   TARN_FLOAT32, TARN_FLOAT64, TARN_FLOAT16,
                                       TARN_BFLOAT16, TARN_COMPLEX64, TARN_INT32,   TARN_INT64,   TARN_UINT8};
    return dice(4) ? usual[dice(sizeof usual / sizeof *usual)] : (tarn_dtype)dice(TARN_DTYPE_COUNT);
}

static inline double dice_number(tarn_dtype dtype) {
    if (dtype == TARN_BOOL) return dice(2);
    if (dtype_is_unsigned(dtype)) return dice(9);
    return dtype_kind_of(dtype) == KIND_INT ? dice(15) - 7 : (dice(4001) - 2000) / 512.0;
}

static inline tarn_array *way_leaf(const way_graph *g, int leaf, int64_t n) {
    if (leaf == LEAF_KEY) return tarn_random_key(g->seed);
    uint64_t before = dice_state;
    dice_state = g->seed * 31 + (uint64_t)leaf * 7 + (uint64_t)n;
    tarn_ints shape = leaf < 4 ? TARN_SHAPE(n, 2 * n) : leaf < 6 ? TARN_SHAPE(2 * n, n) : TARN_SHAPE(n);
    if (leaf == 7) shape.count = 0;
    tarn_dtype dtype = g->dtype[leaf];
    unsigned char data[MOST_ELEMENTS * sizeof(double)] = {0};
    for (int64_t i = 0; i < 2 * n * n; i++)
        store_double(data + i * dtype_bytes(dtype), dtype, leaf == LEAF_ROW ? dice((int)n) : dice_number(dtype));
    dice_state = before;
    return tarn_from_data(data, shape, dtype);
}

/* ---- steps */

static inline tarn_array *in_domain(tarn_array *a, test_domain domain) {
    if (dtype_kind_of(tarn_dtype_of(a)) < KIND_FLOAT) return a;
    if (domain == DOMAIN_UNIT) return tarn_multiply(tarn_tanh(a), tarn_scalar_like(0.875, a));
    if (domain != DOMAIN_POSITIVE && domain != DOMAIN_ABOVE1) return a;
    tarn_array *positive = tarn_abs(a);
    return tarn_add(positive, tarn_scalar_like(domain == DOMAIN_ABOVE1 ? 1.0625 : 0.125, positive));
}

static inline tarn_array *converted(const way_step *s, tarn_array *a) {
    return s->dtype == TARN_DTYPE_COUNT || tarn_dtype_of(a) == s->dtype ? a : tarn_astype(a, s->dtype);
}

static inline bool apply_elementwise(const way_step *s, tarn_array **in, tarn_array **out) {
    for (int i = 0; i < s->input_count; i++) {
        in[i] = converted(s, in[i]);
        if (s->fitted && in[i]) in[i] = in_domain(in[i], op_facts[s->op].domain);
    }
    return (out[0] = build(s->op, in, s->input_count, NULL)) != NULL;
}

static inline bool apply_function(const way_graph *g, const way_step *s, tarn_array *const *values, tarn_array **out) {
    tarn_array *in[INPUTS] = {[ROW] = values[LEAF_ROW], [KEY] = values[LEAF_KEY]};
    for (int i = X; i <= Y; i++) {
        tarn_array *a = values[s->inputs[i]];
        in[i] = converted(s, g->form[s->inputs[i]] == (i == X ? FORM_X : FORM_Y) ? a : tarn_transpose(a));
    }
    in[INDICES] = tarn_argsort(tarn_real(in[X]));
    return into(out, tarn_call(TARN_FUNCTION(s->function->call, NULL), in, INPUTS));
}

/* Builds a step over values; false, with the error set, if it does not fit. */
static inline bool way_apply(const way_graph *g, const way_step *s, tarn_array *const *values, tarn_array **out) {
    if (s->op == OP_COUNT) return apply_function(g, s, values, out);
    tarn_array *in[3] = {NULL};
    for (int i = 0; i < s->input_count; i++) in[i] = values[s->inputs[i]];
    return apply_elementwise(s, in, out);
}

/* ---- making a graph */

/* Elementwise ops and functions have the same share. */
static inline way_step dice_step(void) {
    way_step s = {.op = OP_COUNT, .dtype = dice(3) ? dice_dtype() : TARN_DTYPE_COUNT, .fitted = dice(8) != 0};
    if (dice(2)) {
        do s.op = (op_id)dice(OP_COUNT);
        while (!op_is_elementwise(s.op));
        s.input_count = op_facts[s.op].most_inputs;
        s.count = 1;
    } else {
        s.function = &replay_functions[dice(REPLAY_FUNCTIONS)];
        s.input_count = 2;
        s.count = s.function->outputs;
    }
    return s;
}

/* Rather one that was made of late, or one that fits beside another. */
static inline int dice_input(const way_graph *g, const way_step *s) {
    for (;;) {
        int i = dice(3) ? g->values - 1 - dice(g->values < 8 ? g->values : 8) : dice(g->values);
        if (i == LEAF_KEY) continue;
        if (s->op != OP_COUNT || g->form[i] != FORM_OTHER) return i;
    }
}

static inline bool is_finite(tarn_array *a) {
    tarn_dtype dtype = tarn_dtype_of(a);
    if (dtype_kind_of(dtype) < KIND_FLOAT) return true;
    const float *part = tarn_data(a);
    const char *data = (const char *)part;
    for (int64_t i = 0; data && i < tarn_size(a); i++)
        if (!(fabs(load_double(data + i * dtype_bytes(dtype), dtype)) < 1e4)) return false;
    for (int64_t i = 0; dtype == TARN_COMPLEX64 && part && i < tarn_size(a); i++)
        if (!(fabsf(part[2 * i + 1]) < 1e4F)) return false;
    return data != NULL || tarn_size(a) == 0;
}

static inline bool is_form(tarn_array *a, int64_t rows, int64_t columns) {
    return tarn_ndim(a) == 2 && tarn_dim(a, 0) == rows && tarn_dim(a, 1) == columns;
}
static inline way_form form_of(const int64_t *size, tarn_array *const *a) {
    bool is_x = true, is_y = true;
    for (int k = 0; k < SIZES; k++) {
        is_x = is_x && is_form(a[k], size[k], 2 * size[k]);
        is_y = is_y && is_form(a[k], 2 * size[k], size[k]);
    }
    return is_x ? FORM_X : is_y ? FORM_Y : FORM_OTHER;
}

static inline bool store_value(way_graph *g, int value, int k, tarn_array *a) {
    g->bytes[value][k] = (size_t)(tarn_size(a) * dtype_bytes(tarn_dtype_of(a)));
    g->data[value][k] = malloc(g->bytes[value][k] + 1);
    return tarn_read(a, g->data[value][k], g->bytes[value][k]);
}

static inline bool add_value(way_graph *g, tarn_array *const *a, int made_by) {
    int i = g->values++;
    g->dtype[i] = tarn_dtype_of(a[0]);
    g->form[i] = form_of(g->size, a);
    g->last_use[i] = -1;
    g->made_by[i] = made_by;
    g->ndim[i] = tarn_ndim(a[0]);
    for (int k = 0; k < g->ndim[i]; k++) g->shape[i][k] = tarn_dim(a[0], k);
    return store_value(g, i, 0, a[0]) && store_value(g, i, 1, a[1]);
}

/* The step over the values at both sizes, each output computed; most of those that grow beyond all bounds are refused.
 */
static inline bool evaluate_step(const way_graph *g, const way_step *s, tarn_array *(*values)[MOST_VALUES],
                                 tarn_array *(*out)[4], int64_t *nodes) {
    bool strict = dice(8) != 0;
    for (int k = 0; k < SIZES; k++) {
        int64_t before = nodes_alive();
        if (!way_apply(g, s, values[k], out[k])) return false;
        *nodes = nodes_alive() - before;
        for (int i = 0; i < s->count; i++) {
            if (tarn_size(out[k][i]) > MOST_ELEMENTS || !tarn_eval(out[k][i])) return false;
            if (strict && !is_finite(out[k][i])) return false;
        }
    }
    return true;
}

static inline bool try_step(way_graph *g, tarn_array *(*values)[MOST_VALUES]) {
    TARN_SCOPE;
    way_step s = dice_step();
    tarn_array *out[SIZES][4] = {{NULL}};
    for (int i = 0; i < s.input_count; i++) s.inputs[i] = dice_input(g, &s);
    int64_t nodes;
    bool ok = evaluate_step(g, &s, values, out, &nodes);
    tarn_clear_error();
    if (!ok) return false;
    g->nodes += nodes;
    s.first = g->values;
    for (int i = 0; i < s.count; i++) {
        tarn_array *both[SIZES] = {out[0][i], out[1][i]};
        for (int k = 0; k < SIZES; k++) values[k][g->values] = tarn_return(out[k][i]);
        CHECK(add_value(g, both, g->steps));
    }
    for (int i = 0; i < s.input_count; i++) g->last_use[s.inputs[i]] = g->steps;
    g->step[g->steps++] = s;
    return true;
}

/* A graph of about so many nodes. Its data are given back by way_free. Nothing is fused while it is made. */
static inline void way_make(way_graph *g, uint64_t seed, int nodes) {
    static tarn_array *values[SIZES][MOST_VALUES];
    *g = (way_graph){.seed = seed};
    TARN_SCOPE;
    g->size[0] = 2 + dice(3);
    do g->size[1] = 2 + dice(5);
    while (g->size[1] == g->size[0]);
    for (int i = 0; i < WAY_LEAVES; i++) {
        g->dtype[i] = i == LEAF_ROW ? TARN_INT32 : dice_dtype();
        tarn_array *both[SIZES];
        for (int k = 0; k < SIZES; k++) both[k] = values[k][i] = way_leaf(g, i, g->size[k]);
        CHECK(add_value(g, both, -1));
    }
    for (int tries = 0; tries < 20 * nodes && g->nodes < nodes; tries++)
        if (g->steps < MOST_STEPS && g->values + 4 <= MOST_VALUES) try_step(g, values);
}

static inline void way_free(way_graph *g) {
    for (int i = 0; i < g->values; i++)
        for (int k = 0; k < SIZES; k++) free(g->data[i][k]);
}

#endif
