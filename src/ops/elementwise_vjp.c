/* Gradients of elementwise rows that are too long for their column in src/table/elementwise.def. Where a factor is
   infinite or NaN at a point at which the gradient is zero, the factor is computed from another number there: `where`
   around it alone would leave the NaN in the gradient of the gradient. */
#include "ops/elementwise_vjp.h"

static tarn_array *like(double value, tarn_array *x) {
    return tarn_scalar_like(value, x);
}

static tarn_array *is_zero(tarn_array *x) {
    return tarn_equal(x, like(0, x));
}

/* A real number's sign is a step. A complex one is out = x / |x|: what g has along out is lost. */
tarn_array *sign_vjp(node *n, tarn_array *g) {
    tarn_array *x = n->inputs[0], *out = &n->outputs[0];
    if (x->dtype != TARN_COMPLEX64) return NULL;
    tarn_array *along = tarn_multiply(out, tarn_real(tarn_multiply(g, tarn_conjugate(out))));
    return tarn_divide(tarn_subtract(g, along), tarn_abs(x));
}

/* s(x) (1 + x s(-x)) */
tarn_array *silu_vjp(node *n, tarn_array *g) {
    tarn_array *x = n->inputs[0];
    tarn_array *slope = tarn_add(tarn_multiply(x, tarn_sigmoid(tarn_negative(x))), like(1, x));
    return tarn_multiply(g, tarn_multiply(tarn_sigmoid(x), slope));
}

/* exp(x - out) for one of the two: as a sigmoid, where there is one, so that infinities keep their share. */
static tarn_array *logaddexp_share(node *n, tarn_array *g, tarn_array *x, tarn_array *other) {
    if (x->dtype != TARN_COMPLEX64) return tarn_multiply(g, tarn_sigmoid(tarn_subtract(x, other)));
    return tarn_multiply(g, tarn_conjugate(tarn_exp(tarn_subtract(x, &n->outputs[0]))));
}

tarn_array *logaddexp_vjp_x(node *n, tarn_array *g) {
    return logaddexp_share(n, g, n->inputs[0], n->inputs[1]);
}

tarn_array *logaddexp_vjp_y(node *n, tarn_array *g) {
    return logaddexp_share(n, g, n->inputs[1], n->inputs[0]);
}

/* 1 / (sqrt(x - 1) sqrt(x + 1)): of complex numbers the product of the roots is not the root of the product. */
tarn_array *arccosh_vjp(node *n, tarn_array *g) {
    tarn_array *x = n->inputs[0], *one = like(1, x);
    if (x->dtype != TARN_COMPLEX64) return tarn_multiply(g, tarn_rsqrt(tarn_subtract(tarn_square(x), one)));
    tarn_array *roots = tarn_multiply(tarn_sqrt(tarn_subtract(x, one)), tarn_sqrt(tarn_add(x, one)));
    return tarn_divide(g, tarn_conjugate(roots));
}

/* y x^(y - 1). 0^0 is 1 all around, of slope 0. */
tarn_array *power_vjp_x(node *n, tarn_array *g) {
    tarn_array *x = n->inputs[0], *y = n->inputs[1];
    tarn_array *base = tarn_where(tarn_logical_and(is_zero(x), is_zero(y)), like(1, x), x);
    tarn_array *slope = tarn_multiply(y, tarn_power(base, tarn_subtract(y, like(1, y))));
    return tarn_multiply(g, tarn_conjugate(slope));
}

/* x^y log(x). 0^y is 0 for every y above 0; at y = 0 the slope to the right counts. */
tarn_array *power_vjp_y(node *n, tarn_array *g) {
    tarn_array *x = n->inputs[0], *y = n->inputs[1], *exponent = tarn_real(y);
    tarn_array *flat = tarn_logical_and(is_zero(x), tarn_greater_equal(exponent, like(0, exponent)));
    tarn_array *slope = tarn_multiply(&n->outputs[0], tarn_log(tarn_where(flat, like(1, x), x)));
    return tarn_multiply(g, tarn_conjugate(slope));
}

/* g a / (x^2 + y^2); zero at the origin, which has no angle. */
static tarn_array *over_square_distance(node *n, tarn_array *g, tarn_array *a) {
    tarn_array *x = n->inputs[0], *y = n->inputs[1];
    tarn_array *origin = tarn_logical_and(is_zero(x), is_zero(y)), *square = tarn_add(tarn_square(x), tarn_square(y));
    return tarn_multiply(g, tarn_divide(a, tarn_where(origin, like(1, x), square)));
}

tarn_array *arctan2_vjp_x(node *n, tarn_array *g) {
    return over_square_distance(n, g, n->inputs[1]);
}

tarn_array *arctan2_vjp_y(node *n, tarn_array *g) {
    return tarn_negative(over_square_distance(n, g, n->inputs[0]));
}
