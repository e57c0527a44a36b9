/* Random programs as data: functions that call transforms of inner functions, which read the outer ones' values as they
   like. Values are vectors of three or scalars, in float64. program_value runs one on dual numbers, without arrays or
   graphs: what it says is right. Included by tests only. */
#ifndef TESTS_PROGRAM_SPECS_H
#define TESTS_PROGRAM_SPECS_H

#include <stdbool.h>

#include "dice.h"
#include "dual_numbers.h"

typedef enum {
    STEP_ADD,
    STEP_SUBTRACT,
    STEP_MULTIPLY,
    STEP_MAXIMUM,
    STEP_WHERE, /* in[0] > in[1] ? in[2] : in[0] */
    STEP_SIN,
    STEP_TANH,
    STEP_SOFTEN, /* x / (1 + x²) */
    STEP_SCALE,
    STEP_STOP,
    STEP_SUM,
    STEP_PICK, /* an element */
    STEP_BROADCAST,
    STEP_CUMSUM,
    STEP_REVERSE,
    STEP_TAKE,
    STEP_SWAP, /* cut in two, put together the other way round */
    STEP_SORT,
    STEP_UPDATE, /* in[0] with an element that is in[1] */
    STEP_SOFTMAX,
    STEP_RMS_NORM,
    STEP_MATRIX, /* times a constant matrix */
    STEP_OUTER,  /* (in[0] in[1]^T) in[2], by two products */
    STEP_RULED,  /* sin(in[0]) * in[1], a custom function whose rules are wrong by `factor` */
    STEP_FIRST_CALL,
    STEP_CUSTOM = STEP_FIRST_CALL, /* block(in[0]) as a custom function without rules */
    STEP_COMPILED,                 /* block(in[0]) / 2 + block(in[1]) */
    STEP_GRAD,                     /* by argument a & 1 of block(in[0], in[1]) */
    STEP_VJP,                      /* of block(in[0]), for in[1] */
    STEP_JVP,                      /* of block(in[0]), for in[1]; and its value added */
    STEP_VMAP,                     /* block(element of in[0]) */
    STEP_VMAP_WIDE,                /* block(element of in[0], in[1]): vectors, added up */
    STEP_VMAP_STACK,               /* block of in[0] and of in[1], added up */
    STEP_KINDS
} step_kind;

enum { WIDTH = 3, MOST_VALUES = 160, MOST_BLOCKS = 24, MOST_BLOCK_STEPS = 10, FORWARD = 1, REVERSE = 2 };

typedef struct {
    step_kind kind;
    int in[3], out, block, a;
    double factor;
} program_step;

typedef struct {
    int parameters[2], parameter_count, result;
    int count;
    program_step steps[MOST_BLOCK_STEPS];
} program_block;

typedef struct {
    program_block block[MOST_BLOCKS]; /* 0: the program, of a vector and a scalar, whose result is a scalar */
    int blocks, values;
    bool vector[MOST_VALUES];
} program;

/* ---- making one */

static inline double dice_real(void) {
    return (double)(dice_bits() >> 11) * 0x1p-52 - 1;
}

/* What a step may read: what was made before it in its block, and all that is around the block. */
typedef struct {
    int values[MOST_VALUES], count;
} visible;

static inline int new_value(program *p, visible *v, bool vector) {
    p->vector[p->values] = vector;
    v->values[v->count++] = p->values;
    return p->values++;
}

enum { ANY = -1, SCALAR, VECTOR_OF };

/* A visible value of a kind, rather a late one; -1: none. */
static inline int pick(const program *p, const visible *v, int kind) {
    int fits[MOST_VALUES], count = 0;
    for (int i = 0; i < v->count; i++)
        if (kind == ANY || p->vector[v->values[i]] == (kind == VECTOR_OF)) fits[count++] = v->values[i];
    if (!count) return -1;
    int last = count < 4 ? count : 4;
    return fits[dice(3) ? count - 1 - dice(last) : dice(count)];
}

static inline int make_block(program *p, visible around, const bool *vectors, int parameters, int result,
                             int derivatives, int depth);

static inline bool takes_derivative(step_kind k) {
    return k == STEP_GRAD || k == STEP_VJP || k == STEP_JVP;
}

/* The kinds that the inputs have to have. */
static inline void input_kinds(step_kind k, int *kinds) {
    kinds[0] = kinds[1] = kinds[2] = ANY;
    if ((k >= STEP_SUM && k <= STEP_OUTER && k != STEP_BROADCAST) || k >= STEP_VMAP) kinds[0] = VECTOR_OF;
    if (k == STEP_BROADCAST) kinds[0] = SCALAR;
    if (k == STEP_UPDATE) kinds[1] = SCALAR;
    if (k == STEP_OUTER) kinds[1] = kinds[2] = VECTOR_OF;
    if (k == STEP_VMAP_STACK) kinds[1] = VECTOR_OF;
}

static inline int input_count(step_kind k) {
    if (k == STEP_WHERE || k == STEP_OUTER) return 3;
    bool one = (k >= STEP_SIN && k <= STEP_SORT) || (k >= STEP_SOFTMAX && k <= STEP_MATRIX) || k == STEP_CUSTOM ||
               k == STEP_VMAP;
    return one ? 1 : 2;
}

/* These two inputs must be of one kind. */
static inline bool inputs_match(step_kind k) {
    return k == STEP_RULED || k == STEP_COMPILED || k == STEP_JVP;
}

/* The block of a step, and whether the step makes a vector. */
static inline bool make_inner(program *p, program_step *s, const visible *around, int derivatives, int depth) {
    bool first = p->vector[s->in[0]], second = p->vector[s->in[1]], kinds[2] = {first, second};
    int inner = derivatives + takes_derivative(s->kind), result = dice(2) ? VECTOR_OF : SCALAR, parameters = 1;
    bool vector = result == VECTOR_OF;
    if (s->kind == STEP_GRAD) parameters = 2, result = SCALAR, vector = s->a & 1 ? second : first;
    if (s->kind == STEP_VJP) result = second, vector = first;
    if (s->kind == STEP_VMAP) kinds[0] = false, result = SCALAR, vector = true;
    if (s->kind == STEP_VMAP_WIDE) kinds[0] = false, parameters = 2, result = VECTOR_OF, vector = true;
    if (s->kind == STEP_VMAP_STACK) result = VECTOR_OF, vector = true;
    s->block = make_block(p, *around, kinds, parameters, result, inner, depth + 1);
    return vector;
}

static inline bool plain_result_is_vector(const program *p, const program_step *s) {
    if (s->kind == STEP_SUM || s->kind == STEP_PICK) return false;
    bool vector = s->kind == STEP_BROADCAST;
    for (int i = 0; i < input_count(s->kind); i++) vector = vector || p->vector[s->in[i]];
    return vector;
}

static inline bool make_step(program *p, program_step *s, visible *v, int derivatives, int depth) {
    int kinds[3];
    s->kind = (step_kind)(dice(5) < 2 ? STEP_FIRST_CALL + dice(STEP_KINDS - STEP_FIRST_CALL) : dice(STEP_FIRST_CALL));
    s->block = -1;
    s->a = dice(1 << 10);
    s->factor = dice_real() * 2;
    bool call = s->kind >= STEP_FIRST_CALL;
    if (call && (depth == 3 || p->blocks > MOST_BLOCKS - 4 || p->values > MOST_VALUES - 50)) return false;
    if (takes_derivative(s->kind) && derivatives == DUAL_LEVELS) return false;
    input_kinds(s->kind, kinds);
    for (int i = 0; i < 3; i++) {
        if (i == 1 && inputs_match(s->kind)) kinds[1] = p->vector[s->in[0]] ? VECTOR_OF : SCALAR;
        if ((s->in[i] = pick(p, v, kinds[i])) < 0) return false;
    }
    bool vector = call ? make_inner(p, s, v, derivatives, depth) : plain_result_is_vector(p, s);
    s->out = new_value(p, v, vector);
    return true;
}

static inline int make_block(program *p, visible around, const bool *vectors, int parameters, int result,
                             int derivatives, int depth) {
    int index = p->blocks++;
    program_block *b = &p->block[index];
    *b = (program_block){.parameter_count = parameters};
    for (int i = 0; i < parameters; i++) b->parameters[i] = new_value(p, &around, vectors[i]);
    int wanted = 2 + dice(depth ? 4 : MOST_BLOCK_STEPS - 4);
    for (int tries = 0; tries < 60 && b->count < wanted; tries++)
        if (make_step(p, &b->steps[b->count], &around, derivatives, depth)) b->count++;
    int last = around.values[around.count - 1];
    if (p->vector[last] != (result == VECTOR_OF)) { /* as it has to be */
        program_step s = {.kind = p->vector[last] ? STEP_SUM : STEP_BROADCAST, .in = {last, last, last}, .block = -1};
        s.out = new_value(p, &around, result == VECTOR_OF);
        b->steps[b->count++] = s;
        last = s.out;
    }
    b->result = last;
    return index;
}

static inline void program_make(program *p) {
    *p = (program){0};
    make_block(p, (visible){.count = 0}, (const bool[]){true, false}, 2, SCALAR, 1, 0);
}

/* ---- running one on dual numbers */

typedef struct {
    dual at[WIDTH]; /* of a scalar: all the same */
} dual_value;

typedef struct {
    const program *p;
    dual_value values[MOST_VALUES];
    int modes[DUAL_LEVELS]; /* which derivative each level is, for rules */
    bool tied;              /* a comparison that rounding could decide otherwise */
    double most;            /* of all coefficients */
} dual_run;

static const double program_matrix[WIDTH][WIDTH] = {{0.5, -1, 0.25}, {1, 0.75, -0.5}, {-0.25, 0.5, 1}};
static inline int take_index(const program_step *s, int i) {
    return (s->a >> 2 * i) % WIDTH;
}
/* Whether the custom function of a step has a rule for this mode. */
static inline bool has_rule(const program_step *s, int mode) {
    return s->a & mode;
}

static inline double distance(dual_run *r, dual a, dual b) {
    double d = a.at[0] - b.at[0];
    if (fabs(d) < 1e-6) r->tied = true;
    return d;
}

static inline dual ruled(const dual_run *r, const program_step *s, dual x, dual y, int levels) {
    if (levels == 0) return dual_of(sin(x.at[0]) * y.at[0]);
    int level = levels - 1;
    dual low_x = dual_low(x, level), low_y = dual_low(y, level);
    dual by_x = dual_multiply(dual_multiply(dual_apply(DUAL_COS, low_x, level), low_y), dual_high(x, level));
    dual by_y = dual_multiply(dual_apply(DUAL_SIN, low_x, level), dual_high(y, level));
    double factor = has_rule(s, r->modes[level]) ? s->factor : 1;
    return dual_join(ruled(r, s, low_x, low_y, level), dual_add(dual_add(dual_of(0), factor, by_x), factor, by_y),
                     level);
}

static inline dual dual_dot(const dual *a, const dual *b) {
    dual sum = dual_of(0);
    for (int i = 0; i < WIDTH; i++) sum = dual_add(sum, 1, dual_multiply(a[i], b[i]));
    return sum;
}

static inline void dual_sort(dual_run *r, dual *at) {
    for (int i = 0; i < WIDTH; i++)
        for (int k = i + 1; k < WIDTH; k++)
            if (distance(r, at[k], at[i]) < 0) {
                dual held = at[i];
                at[i] = at[k];
                at[k] = held;
            }
}

static inline void run_elementwise(dual_run *r, const program_step *s, const dual_value *x, const dual_value *y,
                                   const dual_value *z, dual_value *out) {
    for (int i = 0; i < WIDTH; i++) {
        dual a = x->at[i], b = y->at[i], *o = &out->at[i];
        switch (s->kind) {
        case STEP_ADD:
        case STEP_SUBTRACT:
            *o = dual_add(a, s->kind == STEP_ADD ? 1 : -1, b);
            break;
        case STEP_MULTIPLY:
            *o = dual_multiply(a, b);
            break;
        case STEP_MAXIMUM:
            *o = distance(r, a, b) > 0 ? a : b;
            break;
        case STEP_WHERE:
            *o = distance(r, a, b) > 0 ? z->at[i] : a;
            break;
        case STEP_SIN:
        case STEP_TANH:
            *o = dual_call(s->kind == STEP_SIN ? DUAL_SIN : DUAL_TANH, a);
            break;
        case STEP_SOFTEN:
            *o = dual_multiply(a, dual_call(DUAL_RECIPROCAL, dual_add(dual_of(1), 1, dual_multiply(a, a))));
            break;
        case STEP_SCALE:
            *o = dual_add(dual_of(0), s->factor, a);
            break;
        case STEP_STOP:
            *o = dual_of(a.at[0]);
            break;
        case STEP_RULED:
            *o = ruled(r, s, a, b, DUAL_LEVELS);
            break;
        default:
            *o = a; /* broadcast */
        }
    }
}

static inline void run_vector(dual_run *r, const program_step *s, const dual_value *x, const dual_value *y,
                              const dual_value *z, dual_value *out) {
    dual sum = dual_of(0), exponentials[WIDTH];
    *out = *x;
    for (int i = 0; i < WIDTH; i++) {
        sum = dual_add(sum, 1, x->at[i]);
        exponentials[i] = dual_call(DUAL_EXP, x->at[i]);
        if (s->kind == STEP_CUMSUM) out->at[i] = sum;
        if (s->kind == STEP_REVERSE) out->at[i] = x->at[WIDTH - 1 - i];
        if (s->kind == STEP_TAKE) out->at[i] = x->at[take_index(s, i)];
        if (s->kind == STEP_SWAP) out->at[i] = x->at[(i + 1) % WIDTH];
        if (s->kind == STEP_UPDATE && i == take_index(s, 0)) out->at[i] = y->at[0];
        if (s->kind == STEP_PICK) out->at[i] = x->at[take_index(s, 0)];
        if (s->kind == STEP_OUTER) out->at[i] = dual_multiply(x->at[i], dual_dot(y->at, z->at));
        if (s->kind != STEP_MATRIX) continue;
        out->at[i] = dual_of(0);
        for (int k = 0; k < WIDTH; k++) out->at[i] = dual_add(out->at[i], program_matrix[i][k], x->at[k]);
    }
    dual whole = dual_add(dual_add(exponentials[0], 1, exponentials[1]), 1, exponentials[2]);
    dual norm = dual_add(dual_of(1e-5), 1.0 / WIDTH, dual_dot(x->at, x->at));
    dual over = s->kind == STEP_SOFTMAX ? dual_call(DUAL_RECIPROCAL, whole) : dual_call(DUAL_RSQRT, norm);
    for (int i = 0; i < WIDTH; i++) {
        if (s->kind == STEP_SUM) out->at[i] = sum;
        if (s->kind == STEP_SOFTMAX) out->at[i] = dual_multiply(exponentials[i], over);
        if (s->kind == STEP_RMS_NORM) out->at[i] = dual_multiply(x->at[i], over);
    }
    if (s->kind == STEP_SORT) dual_sort(r, out->at);
}

static inline dual_value run_block(dual_run *r, int index, const dual_value *arguments, int level);

static inline dual_value scalar_of(dual d) {
    return (dual_value){{d, d, d}};
}
static inline int size_of(const program *p, int value) {
    return p->vector[value] ? WIDTH : 1;
}

/* x with the infinitesimal of a level in a direction. */
static inline dual_value moved(dual_value x, const dual_value *direction, int level) {
    for (int i = 0; i < WIDTH; i++) x.at[i] = dual_join(x.at[i], direction->at[i], level);
    return x;
}

/* The derivative of <weights, block(arguments)> by each element of argument `which`. */
static inline dual_value slopes(dual_run *r, const program_step *s, const dual_value *arguments, int which,
                                const dual_value *weights, int level) {
    int result = r->p->block[s->block].result, size = size_of(r->p, s->in[which]);
    dual_value out = {{{{0}}}};
    r->modes[level] = REVERSE;
    for (int i = 0; i < size; i++) {
        dual_value unit = {{{{0}}}}, given[2] = {arguments[0], arguments[1]};
        for (int k = 0; k < WIDTH; k++) unit.at[k] = dual_of(size == 1 || k == i);
        given[which] = moved(given[which], &unit, level);
        dual_value y = run_block(r, s->block, given, level + 1);
        for (int k = 0; k < size_of(r->p, result); k++)
            out.at[i] = dual_add(out.at[i], 1, dual_multiply(weights->at[k], dual_high(y.at[k], level)));
    }
    return size == 1 ? scalar_of(out.at[0]) : out;
}

static inline dual_value run_call(dual_run *r, const program_step *s, const dual_value *in, int level) {
    dual_value out = {{{{0}}}}, one = scalar_of(dual_of(1)), first, second, given[2] = {in[0], in[1]};
    switch (s->kind) {
    case STEP_COMPILED:
        first = run_block(r, s->block, in, level);
        second = run_block(r, s->block, in + 1, level);
        for (int i = 0; i < WIDTH; i++) out.at[i] = dual_add(second.at[i], 0.5, first.at[i]);
        return out;
    case STEP_GRAD:
        return slopes(r, s, in, s->a & 1, &one, level);
    case STEP_VJP:
        return slopes(r, s, in, 0, &in[1], level);
    case STEP_JVP:
        r->modes[level] = FORWARD;
        given[0] = moved(in[0], &in[1], level);
        first = run_block(r, s->block, given, level + 1);
        for (int i = 0; i < WIDTH; i++)
            out.at[i] = dual_add(dual_low(first.at[i], level), 1, dual_high(first.at[i], level));
        return out;
    case STEP_VMAP:
    case STEP_VMAP_WIDE:
        for (int b = 0; b < WIDTH; b++) {
            given[0] = scalar_of(in[0].at[b]);
            first = run_block(r, s->block, given, level);
            if (s->kind == STEP_VMAP) out.at[b] = first.at[0];
            for (int i = 0; i < WIDTH && s->kind == STEP_VMAP_WIDE; i++)
                out.at[i] = dual_add(out.at[i], 1, first.at[i]);
        }
        return out;
    case STEP_VMAP_STACK:
        first = run_block(r, s->block, in, level);
        second = run_block(r, s->block, in + 1, level);
        for (int i = 0; i < WIDTH; i++) out.at[i] = dual_add(first.at[i], 1, second.at[i]);
        return out;
    default:
        return run_block(r, s->block, in, level); /* custom */
    }
}

static inline dual_value run_step(dual_run *r, const program_step *s, int level) {
    dual_value in[3] = {r->values[s->in[0]], r->values[s->in[1]], r->values[s->in[2]]}, out;
    if (s->kind >= STEP_FIRST_CALL)
        out = run_call(r, s, in, level);
    else if (s->kind >= STEP_SUM && s->kind != STEP_BROADCAST && s->kind != STEP_RULED)
        run_vector(r, s, &in[0], &in[1], &in[2], &out);
    else
        run_elementwise(r, s, &in[0], &in[1], &in[2], &out);
    for (int i = 0; i < WIDTH; i++)
        for (int k = 0; k < DUAL_SIZE; k++)
            r->most = fmax(r->most, isfinite(out.at[i].at[k]) ? fabs(out.at[i].at[k]) : INFINITY);
    return out;
}

/* A block within `level` derivatives. */
static inline dual_value run_block(dual_run *r, int index, const dual_value *arguments, int level) {
    const program_block *b = &r->p->block[index];
    for (int i = 0; i < b->parameter_count; i++) r->values[b->parameters[i]] = arguments[i];
    for (int i = 0; i < b->count; i++) r->values[b->steps[i].out] = run_step(r, &b->steps[i], level);
    return r->values[b->result];
}

/* The program's value at x and y, its gradient by their four elements, and its tangent in the direction of the
   elements; false if it is no good as a test. */
typedef struct {
    double value, gradient[WIDTH + 1], tangent, most;
} program_results;

static inline bool program_value(const program *p, const double *x, program_results *out) {
    static dual_run r;
    for (int i = 0; i < WIDTH + 2; i++) { /* each element in reverse, then all in forward mode */
        dual_value in[2];
        r = (dual_run){.p = p, .modes = {i > WIDTH ? FORWARD : REVERSE}};
        for (int k = 0; k < WIDTH; k++) in[0].at[k] = dual_of(x[k]), in[0].at[k].at[1] = i > WIDTH ? x[k] : i == k;
        in[1] = scalar_of(dual_of(x[WIDTH]));
        for (int k = 0; k < WIDTH; k++) in[1].at[k].at[1] = i > WIDTH ? x[WIDTH] : i == WIDTH;
        dual y = run_block(&r, 0, in, 1).at[0];
        out->value = y.at[0];
        if (i > WIDTH)
            out->tangent = y.at[1];
        else
            out->gradient[i] = y.at[1];
        out->most = i ? fmax(out->most, r.most) : r.most;
        if (r.tied || !(r.most < 1e3)) return false;
    }
    return true;
}

#endif
