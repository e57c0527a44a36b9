/* Losses. */
#include <math.h>

#include "nn/nn.h"

static tarn_array *reduced(tarn_array *loss, tarn_reduction reduction) {
    return reduction == TARN_MEAN ? tarn_mean(loss) : reduction == TARN_SUM ? tarn_sum(loss) : loss;
}

/* Losses of elements broadcast nothing: a target of another shape is a mistake that would pass unseen. */
static bool same_shapes(const char *what, const tarn_array *a, const tarn_array *b) {
    return !a || !b || same_shape(a, b) ||
           tarn_fail("%s: inputs of %d axes and targets of %d, or their sizes differ", what, tarn_ndim(a),
                     tarn_ndim(b));
}

/* ---- of classes */

static tarn_array *at_class(tarn_array *x, tarn_array *classes, int64_t axis) {
    return tarn_squeeze(tarn_take_along_axis(x, tarn_expand_dims(classes, TARN_AXES(axis)), .axis = TARN_AXIS(axis)),
                        .axes = TARN_AXES(axis));
}

tarn_array *tarn_cross_entropy_loss_with(tarn_array *logits, tarn_array *targets, tarn_cross_entropy_options o) {
    int64_t axis = o.axis.given ? o.axis.axis : -1;
    if (!(o.label_smoothing >= 0 && o.label_smoothing < 1))
        return tarn_fail("cross_entropy: label_smoothing is %g; from 0 to below 1", o.label_smoothing), NULL;
    bool probabilities = tarn_ndim(targets) == tarn_ndim(logits);
    if (probabilities && !same_shapes("cross_entropy", logits, targets)) return NULL;
    tarn_array *score = probabilities ? tarn_sum(tarn_multiply(logits, targets), .axes = TARN_AXES(axis))
                                      : at_class(logits, targets, axis);
    tarn_array *all = tarn_logsumexp(logits, .axes = TARN_AXES(axis)), *loss;
    if (o.label_smoothing > 0) {
        tarn_array *smooth = tarn_multiply_number(tarn_mean(logits, .axes = TARN_AXES(axis)), o.label_smoothing);
        loss = tarn_subtract(all, tarn_add(tarn_multiply_number(score, 1 - o.label_smoothing), smooth));
    } else {
        loss = tarn_subtract(all, score);
    }
    return reduced(o.weights ? tarn_multiply(loss, o.weights) : loss, o.reduction);
}

static tarn_array *clipped_log(tarn_array *x) {
    return tarn_maximum_number(tarn_log(x), -100);
}

tarn_array *tarn_binary_cross_entropy_loss_with(tarn_array *x, tarn_array *targets, tarn_binary_options o) {
    if (!same_shapes("binary_cross_entropy", x, targets)) return NULL;
    tarn_array *loss;
    if (o.probabilities) {
        tarn_array *rest = tarn_add_number(tarn_negative(x), 1), *no = tarn_add_number(tarn_negative(targets), 1);
        loss = tarn_negative(tarn_add(tarn_multiply(targets, clipped_log(x)), tarn_multiply(no, clipped_log(rest))));
    } else {
        loss = tarn_subtract(tarn_softplus(x), tarn_multiply(x, targets));
    }
    return reduced(o.weights ? tarn_multiply(loss, o.weights) : loss, o.reduction);
}

tarn_array *tarn_nll_loss_with(tarn_array *x, tarn_array *targets, tarn_axis_loss_options o) {
    return reduced(tarn_negative(at_class(x, targets, o.axis.given ? o.axis.axis : -1)), o.reduction);
}

tarn_array *tarn_kl_div_loss_with(tarn_array *x, tarn_array *targets, tarn_axis_loss_options o) {
    tarn_array *each = tarn_multiply(tarn_exp(targets), tarn_subtract(targets, x));
    return reduced(tarn_sum(each, .axes = TARN_AXES(o.axis.given ? o.axis.axis : -1)), o.reduction);
}

/* ---- of distances */

tarn_array *tarn_l1_loss_with(tarn_array *x, tarn_array *targets, tarn_loss_options o) {
    return same_shapes("l1_loss", x, targets) ? reduced(tarn_abs(tarn_subtract(x, targets)), o.reduction) : NULL;
}
tarn_array *tarn_mse_loss_with(tarn_array *x, tarn_array *targets, tarn_loss_options o) {
    return same_shapes("mse_loss", x, targets) ? reduced(tarn_square(tarn_subtract(x, targets)), o.reduction) : NULL;
}
tarn_array *tarn_hinge_loss_with(tarn_array *x, tarn_array *targets, tarn_loss_options o) {
    return reduced(tarn_maximum_number(tarn_add_number(tarn_negative(tarn_multiply(x, targets)), 1), 0), o.reduction);
}

/* d + log(1 + exp(-2 d)) - log 2 */
tarn_array *tarn_log_cosh_loss_with(tarn_array *x, tarn_array *targets, tarn_loss_options o) {
    tarn_array *d = tarn_subtract(x, targets);
    return reduced(tarn_add_number(tarn_logaddexp(d, tarn_negative(d)), -log(2)), o.reduction);
}

tarn_array *tarn_huber_loss_with(tarn_array *x, tarn_array *targets, double delta, tarn_loss_options o) {
    tarn_array *d = tarn_abs(tarn_subtract(x, targets)), *limit = tarn_scalar_like(delta, d);
    tarn_array *linear = tarn_multiply_number(tarn_add_number(d, -delta / 2), delta);
    return reduced(tarn_where(tarn_less_equal(d, limit), tarn_multiply_number(tarn_square(d), 0.5), linear),
                   o.reduction);
}

tarn_array *tarn_smooth_l1_loss_with(tarn_array *x, tarn_array *targets, double beta, tarn_loss_options o) {
    if (!same_shapes("smooth_l1_loss", x, targets)) return NULL;
    tarn_array *d = tarn_abs(tarn_subtract(x, targets)), *limit = tarn_scalar_like(beta, d);
    return reduced(tarn_where(tarn_less(d, limit), tarn_multiply_number(tarn_square(d), 0.5 / beta),
                              tarn_add_number(d, -beta / 2)),
                   o.reduction);
}

tarn_array *tarn_gaussian_nll_loss_with(tarn_array *x, tarn_array *targets, tarn_array *variances,
                                        tarn_gaussian_options o) {
    if (!same_shapes("gaussian_nll_loss", x, targets) || !same_shapes("gaussian_nll_loss", x, variances)) return NULL;
    tarn_array *v = tarn_maximum_number(variances, value_or(o.eps, 1e-6));
    tarn_array *squares = tarn_divide(tarn_square(tarn_subtract(targets, x)), v);
    tarn_array *loss = tarn_multiply_number(tarn_add(tarn_log(v), squares), 0.5);
    return reduced(o.full ? tarn_add_number(loss, log(2 * acos(-1)) / 2) : loss, o.reduction);
}

static tarn_array *distance(tarn_array *a, tarn_array *b, const tarn_triplet_options *o) {
    double norm = value_or(o->norm, 2);
    tarn_array *power = tarn_scalar_like(norm, a), *root = tarn_scalar_like(1 / norm, a);
    tarn_array *sum =
        tarn_sum(tarn_power(tarn_subtract(a, b), power), .axes = TARN_AXES(o->axis.given ? o->axis.axis : -1));
    return tarn_power(tarn_add_number(sum, value_or(o->eps, 1e-6)), root);
}

tarn_array *tarn_triplet_loss_with(tarn_array *anchors, tarn_array *positives, tarn_array *negatives,
                                   tarn_triplet_options o) {
    tarn_array *more = tarn_subtract(distance(anchors, positives, &o), distance(anchors, negatives, &o));
    return reduced(tarn_maximum_number(tarn_add_number(more, value_or(o.margin, 1)), 0), o.reduction);
}

static tarn_array *norm_along(tarn_array *x, int64_t axis) {
    return tarn_sqrt(tarn_sum(tarn_square(x), .axes = TARN_AXES(axis)));
}

tarn_array *tarn_cosine_similarity_loss_with(tarn_array *a, tarn_array *b, tarn_cosine_options o) {
    int64_t axis = o.axis.given ? o.axis.axis : 1;
    tarn_array *product = tarn_sum(tarn_multiply(a, b), .axes = TARN_AXES(axis));
    tarn_array *norms = tarn_multiply(norm_along(a, axis), norm_along(b, axis));
    return reduced(tarn_divide(product, tarn_maximum_number(norms, value_or(o.eps, 1e-8))), o.reduction);
}

tarn_array *tarn_margin_ranking_loss_with(tarn_array *a, tarn_array *b, tarn_array *targets, double margin,
                                          tarn_loss_options o) {
    if (!same_shapes("margin_ranking_loss", a, b) || !same_shapes("margin_ranking_loss", a, targets)) return NULL;
    tarn_array *wrong = tarn_negative(tarn_multiply(targets, tarn_subtract(a, b)));
    return reduced(tarn_maximum_number(tarn_add_number(wrong, margin), 0), o.reduction);
}
