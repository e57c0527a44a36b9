/* The gradient, tangent and batching rules of the structural and fused ops, where they are not in the file of the shape
   rule. What each kind of rule receives is said in build.h. */
#ifndef OPS_RULES_H
#define OPS_RULES_H

#include "ops/build.h"

#define DECLARE(name)                                                                                                  \
    bool layout_##name(const node *n, int index, const array_layout *in, array_layout *out);                           \
    bool vjp_##name(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients);               \
    bool jvp_##name(node *n, tarn_array *const *tangents, tarn_array **output_tangents);                               \
    bool vmap_##name(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes);     \
    bool formula_##name(const node *n, tarn_array *const *inputs, tarn_array **outputs);
#define FUSED(name, ...)      DECLARE(name)
#define STRUCTURAL(name, ...) DECLARE(name)
#include "table/fused.def"
#include "table/structural.def"
#undef DECLARE
#undef FUSED
#undef STRUCTURAL

/* Gradients of ops with one input that only move elements about. */
bool vjp_reshaping(node *n, tarn_array *const *cotangents, const bool *wanted,
                   tarn_array **gradients); /* elements keep their order */
bool vjp_broadcasting(node *n, tarn_array *const *cotangents, const bool *wanted,
                      tarn_array **gradients); /* summed again */
bool vjp_identity(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients);
/* The tangent of an op that is linear in input 0, the other inputs as they are: the op itself. */
bool jvp_linear(node *n, tarn_array *const *tangents, tarn_array **output_tangents);
/* An op that treats every element alike and has one input: its batch axis stays where it is. */
bool vmap_anywhere(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes);

/* An op whose inputs broadcast to each other (at most three). */
bool vmap_broadcasting(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes);

/* Which inputs let gradients through, for op_rules.passes. */
bool passes_elementwise(const node *n, int i);
bool passes_reduce(const node *n, int i);
bool passes_astype(const node *n, int i); /* a cast to an integer or truth is a step */
bool passes_none(const node *n, int i);
bool passes_first(const node *n, int i); /* only input 0 */

/* The error of an index, start, key or packed weight that would need a gradient. */
bool no_gradient_of(const node *n, int i, const char *what);
/* Zeros of g's dtype in the shape of another array; they take no memory of their own. */
tarn_array *zeros_view(tarn_array *g, tarn_array *shape);

#endif
