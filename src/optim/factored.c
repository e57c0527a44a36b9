/* Adafactor and Muon, which see a parameter as a matrix. */
#include <math.h>

#include "optim/optim.h"

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- adafactor: the squares of gradients [.., n, m] as a product of their means over rows and over columns */

static bool is_factored(const tarn_array *w) {
    return tarn_ndim(w) >= 2;
}

static tarn_array *mean_over(tarn_array *x, int64_t axis) {
    return tarn_mean(x, .axes = TARN_AXES(axis));
}
static tarn_array *root_mean_square(tarn_array *x) {
    return tarn_sqrt(tarn_mean(tarn_square(x)));
}

/* State 0 and 1: means over the last axis and over the one before; or 0: all squares. 2: the first moment. */
static tarn_array *adafactor_first(const void *settings, tarn_array *w, int index) {
    const tarn_adafactor_options *o = settings;
    if (index == 2) return o->beta1.given ? tarn_zeros_like(w) : NULL;
    if (!is_factored(w)) return index == 0 ? tarn_zeros_like(w) : NULL;
    return tarn_zeros_like(mean_over(w, index == 0 ? -1 : -2));
}

/* gradient / sqrt(squares), from the two means: their product over the mean of one. */
static tarn_array *factored(tarn_array *rows, tarn_array *columns, tarn_array *g) {
    tarn_array *share = tarn_divide(rows, tarn_mean(rows, .axes = TARN_AXES(-1), .keepdims = true));
    tarn_array *row_factor = tarn_expand_dims(tarn_rsqrt(share), TARN_AXES(-1));
    return tarn_multiply(tarn_multiply(row_factor, tarn_expand_dims(tarn_rsqrt(columns), TARN_AXES(-2))), g);
}

static tarn_array *adafactor_rate(const update *u, const tarn_adafactor_options *o) {
    tarn_array *rate = u->rate;
    if (u->relative) {
        tarn_array *root = tarn_rsqrt(u->step);
        rate = tarn_minimum(o->warmup ? tarn_multiply_number(u->step, 1e-6) : tarn_scalar(1e-2, TARN_FLOAT32), root);
        rate = tarn_astype(rate, tarn_dtype_of(u->parameter));
    }
    if (o->no_parameter_scale) return rate;
    return tarn_multiply(rate, tarn_maximum_number(root_mean_square(u->parameter), value_or(o->eps2, 1e-3)));
}

static tarn_array *decayed(tarn_array *state, tarn_array *now, tarn_array *beta) {
    tarn_array *rest = tarn_add_number(tarn_negative(beta), 1);
    return tarn_add(tarn_multiply(state, beta), tarn_multiply(now, rest));
}

static tarn_array *adafactor(update *u) {
    const tarn_adafactor_options *o = u->settings;
    tarn_array *w = u->parameter, *g = u->gradient, *rate = adafactor_rate(u, o);
    tarn_array *power = tarn_power(u->step, tarn_scalar(value_or(o->decay_rate, -0.8), TARN_FLOAT32));
    tarn_array *beta = tarn_astype(tarn_add_number(tarn_negative(power), 1), tarn_dtype_of(w));
    tarn_array *squares = tarn_add_number(tarn_square(g), value_or(o->eps1, 1e-30)), *step;
    bool factors = is_factored(w);
    u->state[0] = decayed(u->state[0], factors ? mean_over(squares, -1) : squares, beta);
    if (factors) u->state[1] = decayed(u->state[1], mean_over(squares, -2), beta);
    step = factors ? factored(u->state[0], u->state[1], g) : tarn_multiply(tarn_rsqrt(u->state[0]), g);
    step = tarn_divide(
        step, tarn_maximum_number(tarn_multiply_number(root_mean_square(step), 1 / value_or(o->clip_threshold, 1)), 1));
    step = tarn_multiply(step, rate);
    if (o->beta1.given)
        step = u->state[2] =
            tarn_add(tarn_multiply_number(u->state[2], o->beta1.value), tarn_multiply_number(step, 1 - o->beta1.value));
    if (o->weight_decay != 0) w = tarn_add(w, tarn_multiply(w, tarn_multiply_number(rate, -o->weight_decay)));
    return tarn_subtract(w, step);
}

static const optimizer_rule adafactor_rule = {
    sizeof(tarn_adafactor_options), NAMES("exp_avg_sq_row", "exp_avg_sq_col", "exp_avg"), adafactor, adafactor_first};

tarn_optimizer *tarn_adafactor_with(double learning_rate, tarn_adafactor_options o) {
    return optimizer_new(&adafactor_rule, learning_rate, o.schedule, &o);
}

/* ---- muon */

/* The nearest orthogonal matrix, about: steps of a polynomial of x xᵀ that draws the singular values to 1. */
static tarn_array *orthogonal(tarn_array *x, int64_t steps) {
    static const double a = 3.4445, b = -4.7750, c = 2.0315;
    bool tall = tarn_dim(x, -2) > tarn_dim(x, -1);
    if (tall) x = tarn_swapaxes(x, -1, -2);
    tarn_array *norm = tarn_sqrt(tarn_sum(tarn_square(x)));
    x = tarn_divide(x, tarn_add_number(norm, 1e-7));
    for (int64_t i = 0; i < steps; i++) {
        tarn_array *gram = tarn_matmul(x, tarn_swapaxes(x, -1, -2));
        tarn_array *polynomial = tarn_addmm(tarn_multiply_number(gram, b), gram, gram, .alpha = TARN_VALUE(c));
        x = tarn_addmm(tarn_multiply_number(x, a), polynomial, x);
    }
    return tall ? tarn_swapaxes(x, -1, -2) : x;
}

/* Of more than two axes the later ones are one. */
static tarn_array *orthogonal_step(tarn_array *g, int64_t steps, double *scale) {
    tarn_array *flat = tarn_ndim(g) > 2 ? tarn_reshape(g, TARN_SHAPE(tarn_dim(g, 0), -1)) : g;
    double rows = (double)tarn_dim(flat, -2), columns = (double)tarn_dim(flat, -1);
    *scale = rows > columns ? sqrt(rows / columns) : 1;
    return tarn_reshape_like(orthogonal(flat, steps), g);
}

static tarn_array *muon(update *u) {
    const tarn_muon_options *o = u->settings;
    double momentum = value_or(o->momentum, 0.95), decay = value_or(o->weight_decay, 0.01), scale = 1;
    tarn_array *g = u->gradient, *w = u->parameter;
    if (decay != 0) g = tarn_add(g, tarn_multiply_number(w, decay));
    tarn_array *v = u->state[0] =
        tarn_add(tarn_multiply_number(u->state[0], momentum), tarn_multiply_number(g, 1 - momentum));
    tarn_array *step =
        o->no_nesterov ? v : tarn_add(tarn_multiply_number(g, 1 - momentum), tarn_multiply_number(v, momentum));
    if (tarn_ndim(w) >= 2) step = orthogonal_step(step, o->steps ? o->steps : 5, &scale);
    return tarn_subtract(w, tarn_multiply(tarn_multiply_number(u->rate, scale), step));
}

static const optimizer_rule muon_rule = {sizeof(tarn_muon_options), NAMES("v"), muon, NULL};

tarn_optimizer *tarn_muon_with(double learning_rate, tarn_muon_options o) {
    return optimizer_new(&muon_rule, learning_rate, o.schedule, &o);
}
