/* What the transforms share: the rules of one node, and passes of them over a graph. Lists go by slot (ops/graph.h). */
#ifndef TRANSFORM_TRANSFORM_H
#define TRANSFORM_TRANSFORM_H

#include "ops/graph.h"
#include "ops/trace_function.h"

/* ---- one call of a transform */

/* What it will return, and a scope for everything else. */
typedef struct {
    tarn_results *results, *outputs;
    tarn_results **wanted; /* where the caller wants the outputs, or NULL */
    int scope;
} transform_call;

/* False, with the error set, if nothing can be done now with `count` inputs. `what` begins the message. */
bool transform_begin(transform_call *call, const char *what, int count, tarn_results **wanted);
/* Hands both lists to the caller's scope; the results are what the transform returns. */
tarn_results *transform_end(transform_call *call, bool ok);

/* ---- one node */

/* Gradients of n's inputs, in the inputs' shapes and, for floats and complex numbers, their dtypes. cotangents and
   gradients as in op_rules.vjp. */
bool node_vjp(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients);

/* Whether gradients pass to input i: the connections of graphs that are differentiated. */
bool gradient_passes(const node *n, int i);
/* Whether a batch of input i matters: those of graphs that are batched. */
bool batch_passes(const node *n, int i);

static inline bool is_inexact(tarn_dtype dtype) {
    return dtype_kind_of(dtype) >= KIND_FLOAT;
}
/* g in a's shape, summed where a was broadcast, and, if a is inexact, in its dtype. */
tarn_array *gradient_for(tarn_array *g, tarn_array *a);
/* *sum + g; either may be NULL, for zero. */
bool gradient_add(tarn_array **sum, tarn_array *g);

/* ---- a graph */

/* Cotangents of all slots from those of the ends. */
bool reverse_pass(const graph *g, tarn_array **cotangents);
/* Tangents of all slots from those of the sources. */
bool forward_pass(const graph *g, tarn_array **tangents);
/* Values over a batch of all slots, and where their batch axis is, from those of the sources. */
bool batch_pass(const graph *g, tarn_array **values, int *axes);

/* A fused node's formula over these inputs as a graph of its own. sources[i]: inputs[i], or NULL where no connection
 * matters. */
typedef struct {
    trace *trace;
    graph graph;
    tarn_array **outputs; /* of the formula, one for each of the node's */
    tarn_array **slots;   /* [graph.slot_count], empty */
} formula_graph;
bool formula_begin(formula_graph *f, node *n, tarn_array *const *inputs, tarn_array *const *sources,
                   graph_connects connects);
void formula_end(formula_graph *f);

#endif
