/* The one entry through which every operation is made, and the rules of the ops, found by op id. */
#ifndef OPS_BUILD_H
#define OPS_BUILD_H

#include "core/array.h"
#include "tarn/ops.h"

/* Makes a node: checks the inputs (a NULL among the required ones is an error), promotes the inputs of elementwise ops,
   infers the outputs, registers them with the scope and with traces. Returns the node (its outputs belong to the scope)
   or NULL. The attributes are copied. */
node *build_node(op_id op, tarn_array *const *inputs, int input_count, const void *attributes);
/* Output 0 of it. */
tarn_array *build(op_id op, tarn_array *const *inputs, int input_count, const void *attributes);
#define BUILD(op, attributes, ...)                                                                                     \
    build(OP_##op, (tarn_array *[]){__VA_ARGS__}, (int)(sizeof((tarn_array *[]){__VA_ARGS__}) / sizeof(tarn_array *)), \
          attributes)

/* The same op and attributes over other inputs: what transforms do with a traced graph. */
node *build_again(const node *n, tarn_array *const *inputs);

/* What an output will be. */
typedef struct {
    tarn_dtype dtype;
    int ndim;
    int64_t shape[TARN_MAX_NDIM];
} array_type;

/* What a shape rule sees. It calls types_add for each output. */
typedef struct inference {
    op_id op;
    const void *attributes;
    tarn_array *const *inputs;
    int input_count;
    array_type *types; /* grows: beyond the maker's own few, in memory of its own */
    int count, room;
    bool grown;
} inference;
bool types_add(inference *i, tarn_dtype dtype, int ndim, const int64_t *shape);

/* Where the elements of an array lie: at offset + sum(index[i] * strides[i]), in elements. */
typedef struct {
    int ndim;
    int64_t offset, shape[TARN_MAX_NDIM], strides[TARN_MAX_NDIM];
} array_layout;

/* The rules of an op. A missing vjp or vmap rule needs a reason, which is the error message: NO_RULE in the tests'
 * list. */
typedef struct op_rules {
    bool (*infer)(inference *i);
    /* of views: how output `index` lies over an input that lies at `in`; *out comes as a copy of *in with the output's
       shape. False, without an error, if strides cannot express it: over a dense copy of the input they can */
    bool (*layout)(const node *n, int index, const array_layout *in, array_layout *out);
    /* gradients[i] for each input of n, given the cotangents of its outputs (NULL: zero); leaves NULL where none
       passes. Made of ops that have gradients, linear in the cotangents, adjoint for complex. wanted[i]: the caller has
       a use for it. False without an error: by the formula instead */
    bool (*vjp)(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients);
    /* tangents of the outputs (NULL: zero) given those of the inputs (NULL: zero); absent: the vjp applied twice */
    bool (*jvp)(node *n, tarn_array *const *tangents, tarn_array **output_tangents);
    /* n over a batch: inputs[i] has its batch axis at axes[i], -1 if it has none (at least one has); writes the outputs
       and where their batch axis is. False without an error: by the formula instead */
    bool (*vmap)(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes);
    /* the outputs of a fused op from other ops, over n's inputs */
    bool (*formula)(const node *n, tarn_array *const *inputs, tarn_array **outputs);
    /* whether gradients pass from the outputs to input i; NULL: they do */
    bool (*passes)(const node *n, int i);
    /* whether a batch of input i matters to the outputs; NULL: it does */
    bool (*batch_passes)(const node *n, int i);
    const char *no_vjp, *no_vmap;
} op_rules;

/* The layout of a view that moves nothing: its outputs lie as the input does. */
bool layout_identity(const node *n, int index, const array_layout *in, array_layout *out);

/* Filled in by each family: `const op_rules rules_<op>` for structural and fused ops; elementwise ops share theirs. */
const op_rules *rules_of(op_id op);

/* The gradient of input `i` of an elementwise node in its broadcast shape, before summing; NULL where the row says ZERO
 * (and no error is set). */
tarn_array *elementwise_vjp(node *n, int i, tarn_array *cotangent);

/* The axis of an option, or what stands for it where it was not given. */
static inline int64_t axis_or(tarn_axis option, int64_t absent) {
    return option.given ? option.axis : absent;
}

/* Helpers for rules: messages name the op. */
bool check_axis(const char *op, int64_t axis, int ndim, int *normal); /* -ndim <= axis < ndim */
/* Widens a shape by another; false, with no error set, if they do not go together. */
bool broadcast_types(array_type *into, const tarn_array *b);
/* Broadcast of two shapes; false, with the error set, if they do not go together. */
bool broadcast_shapes(const char *op, const tarn_array *a, const tarn_array *b, array_type *out);

#endif
