/* Gradients of elementwise rows that are too long for their column: of n's output g gives that of one input. */
#ifndef OPS_ELEMENTWISE_VJP_H
#define OPS_ELEMENTWISE_VJP_H

#include "ops/build.h"

tarn_array *sign_vjp(node *n, tarn_array *g);
tarn_array *silu_vjp(node *n, tarn_array *g);
tarn_array *logaddexp_vjp_x(node *n, tarn_array *g);
tarn_array *logaddexp_vjp_y(node *n, tarn_array *g);
tarn_array *arccosh_vjp(node *n, tarn_array *g);
tarn_array *power_vjp_x(node *n, tarn_array *g);
tarn_array *power_vjp_y(node *n, tarn_array *g);
tarn_array *arctan2_vjp_x(node *n, tarn_array *g);
tarn_array *arctan2_vjp_y(node *n, tarn_array *g);

#endif
