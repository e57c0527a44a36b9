/* The formulas of the optimizers. */
#include <math.h>

#include "optim/optim.h"

/* decay a + (1 - decay) b */
static tarn_array *running(tarn_array *a, tarn_array *b, double decay) {
    return tarn_add(tarn_multiply_number(a, decay), tarn_multiply_number(b, 1 - decay));
}

static tarn_array *less(const update *u, tarn_array *direction) {
    return tarn_subtract(u->parameter, tarn_multiply(u->rate, direction));
}

#define NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define OPTIMIZER(name, options, ...)                                                                                  \
    static const optimizer_rule name##_rule = {sizeof(options), __VA_ARGS__};                                          \
    tarn_optimizer *tarn_##name##_with(double learning_rate, options o) {                                              \
        return optimizer_new(&name##_rule, learning_rate, o.schedule, &o);                                             \
    }

/* ---- sgd */

static tarn_array *sgd(update *u) {
    const tarn_sgd_options *o = u->settings;
    tarn_array *g = u->gradient;
    if (o->weight_decay != 0) g = tarn_add(g, tarn_multiply_number(u->parameter, o->weight_decay));
    if (o->momentum <= 0) return less(u, g);
    tarn_array *fresh = o->dampening > 0 ? tarn_multiply_number(g, 1 - o->dampening) : g;
    tarn_array *v = u->state[0] = tarn_add(tarn_multiply_number(u->state[0], o->momentum), fresh);
    return less(u, o->nesterov ? tarn_add(g, tarn_multiply_number(v, o->momentum)) : v);
}
OPTIMIZER(sgd, tarn_sgd_options, NAMES("v"), sgd, NULL)

/* ---- by the size of gradients */

static tarn_array *over_root(tarn_array *a, tarn_array *v, double eps) {
    return tarn_divide(a, tarn_add_number(tarn_sqrt(v), eps));
}

static tarn_array *rmsprop(update *u) {
    const tarn_rmsprop_options *o = u->settings;
    u->state[0] = running(u->state[0], tarn_square(u->gradient), value_or(o->alpha, 0.99));
    return less(u, over_root(u->gradient, u->state[0], value_or(o->eps, 1e-8)));
}
OPTIMIZER(rmsprop, tarn_rmsprop_options, NAMES("v"), rmsprop, NULL)

static tarn_array *adagrad(update *u) {
    const tarn_adagrad_options *o = u->settings;
    u->state[0] = tarn_add(u->state[0], tarn_square(u->gradient));
    return less(u, over_root(u->gradient, u->state[0], value_or(o->eps, 1e-8)));
}
OPTIMIZER(adagrad, tarn_adagrad_options, NAMES("v"), adagrad, NULL)

static tarn_array *adadelta(update *u) {
    const tarn_adadelta_options *o = u->settings;
    double rho = value_or(o->rho, 0.9), eps = value_or(o->eps, 1e-6);
    u->state[0] = running(u->state[0], tarn_square(u->gradient), rho);
    tarn_array *scale =
        tarn_divide(tarn_sqrt(tarn_add_number(u->state[1], eps)), tarn_sqrt(tarn_add_number(u->state[0], eps)));
    tarn_array *d = tarn_multiply(scale, u->gradient);
    u->state[1] = running(u->state[1], tarn_square(d), rho);
    return less(u, d);
}
OPTIMIZER(adadelta, tarn_adadelta_options, NAMES("v", "u"), adadelta, NULL)

/* ---- adam and its kin */

/* 1 - beta^step */
static tarn_array *correction(const update *u, double beta) {
    tarn_array *power = tarn_power(tarn_scalar(beta, TARN_FLOAT32), u->step);
    return tarn_astype(tarn_add_number(tarn_negative(power), 1), tarn_dtype_of(u->parameter));
}

static tarn_array *adam(update *u) {
    const tarn_adam_options *o = u->settings;
    double beta1 = value_or(o->beta1, 0.9), beta2 = value_or(o->beta2, 0.999), eps = value_or(o->eps, 1e-8);
    tarn_array *m = u->state[0] = running(u->state[0], u->gradient, beta1);
    tarn_array *v = u->state[1] = running(u->state[1], tarn_square(u->gradient), beta2);
    if (!o->bias_correction) return less(u, over_root(m, v, eps));
    tarn_array *root = tarn_divide(tarn_sqrt(v), tarn_sqrt(correction(u, beta2)));
    return less(u, tarn_divide(tarn_divide(m, correction(u, beta1)), tarn_add_number(root, eps)));
}
OPTIMIZER(adam, tarn_adam_options, NAMES("m", "v"), adam, NULL)

static tarn_array *adamw(update *u) {
    const tarn_adam_options *o = u->settings;
    tarn_array *kept =
        tarn_add_number(tarn_negative(tarn_multiply_number(u->rate, value_or(o->weight_decay, 0.01))), 1);
    u->parameter = tarn_multiply(u->parameter, kept);
    return adam(u);
}
OPTIMIZER(adamw, tarn_adam_options, NAMES("m", "v"), adamw, NULL)

static tarn_array *adamax(update *u) {
    const tarn_adamax_options *o = u->settings;
    u->state[0] = running(u->state[0], u->gradient, value_or(o->beta1, 0.9));
    u->state[1] = tarn_maximum(tarn_multiply_number(u->state[1], value_or(o->beta2, 0.999)), tarn_abs(u->gradient));
    return less(u, tarn_divide(u->state[0], tarn_add_number(u->state[1], value_or(o->eps, 1e-8))));
}
OPTIMIZER(adamax, tarn_adamax_options, NAMES("m", "v"), adamax, NULL)

static tarn_array *lion(update *u) {
    const tarn_lion_options *o = u->settings;
    tarn_array *c = running(u->state[0], u->gradient, value_or(o->beta1, 0.9));
    u->state[0] = running(u->state[0], u->gradient, value_or(o->beta2, 0.99));
    if (o->weight_decay > 0) {
        tarn_array *kept = tarn_add_number(tarn_negative(tarn_multiply_number(u->rate, o->weight_decay)), 1);
        u->parameter = tarn_multiply(u->parameter, kept);
    }
    return less(u, tarn_sign(c));
}
OPTIMIZER(lion, tarn_lion_options, NAMES("m"), lion, NULL)
