/* Elementwise ops from the table: the C functions, the shape rule they share, and their gradients. Batching needs no
 * rule of its own: they broadcast. */
#include "ops/build.h"
#include "ops/elementwise_vjp.h"
#include "ops/rules.h"
#include "tarn/ops.h"

#include <string.h>

#define UNARY(name, ...)                                                                                               \
    tarn_array *tarn_##name(tarn_array *x) {                                                                           \
        return BUILD(name, NULL, x);                                                                                   \
    }
#define BINARY(name, ...)                                                                                              \
    tarn_array *tarn_##name(tarn_array *x, tarn_array *y) {                                                            \
        return BUILD(name, NULL, x, y);                                                                                \
    }                                                                                                                  \
    tarn_array *tarn_##name##_number(tarn_array *x, double y) {                                                        \
        return x ? BUILD(name, NULL, x, tarn_number_beside(y, x)) : BUILD(name, NULL, x, x);                           \
    }
#define TERNARY(name, ...)                                                                                             \
    tarn_array *tarn_##name(tarn_array *x, tarn_array *y, tarn_array *z) {                                             \
        return BUILD(name, NULL, x, y, z);                                                                             \
    }
#include "table/elementwise.def"
#undef UNARY
#undef BINARY
#undef TERNARY

static tarn_dtype result_dtype(result_rule rule, tarn_dtype dtype) {
    if (rule == RESULT_TRUTH) return TARN_BOOL;
    return rule == RESULT_REAL && dtype == TARN_COMPLEX64 ? TARN_FLOAT32 : dtype;
}

static bool infer(inference *i) {
    const tarn_array *last = i->inputs[i->input_count - 1], *first = i->inputs[0];
    array_type out;
    out.dtype = result_dtype(op_facts[i->op].result, last->dtype);
    out.ndim = first->ndim;
    memcpy(out.shape, first->shape, sizeof out.shape);
    for (int k = 1; k < i->input_count; k++) {
        array_type unused;
        if (broadcast_types(&out, i->inputs[k])) continue;
        if (broadcast_shapes(op_name(i->op), i->inputs[k - 1], i->inputs[k], &unused)) /* each two of them may */
            tarn_fail("%s: the shapes of its inputs do not go together", op_name(i->op));
        return false;
    }
    return types_add(i, out.dtype, out.ndim, out.shape);
}

const op_rules rules_elementwise = {.infer = infer, .vmap = vmap_broadcasting, .passes = passes_elementwise};

/* Where the row's value is the input itself nothing is computed: the conjugate and the real part of a real number
   (gradients, which are written for complex numbers too, are full of them), an integer rounded. */
static bool itself(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    bool kept = op_facts[n->op].kept & 1u << dtype_kind_of(n->inputs[0]->dtype);
    outputs[0] = kept ? inputs[0] : NULL;
    return true;
}

const op_rules rules_keeping = {
    .infer = infer, .formula = itself, .vmap = vmap_broadcasting, .passes = passes_elementwise};

/* ---- gradients: an expression of the row for each input */

#define ZERO        NULL
#define like(value) tarn_scalar_like(value, x)
#define zero(g)     tarn_scalar_like(0.0, g)
#define VJP(name, index, inputs, expression)                                                                           \
    static tarn_array *vjp_##name##_##index(node *n, tarn_array *g) {                                                  \
        inputs tarn_array *out = &n->outputs[0];                                                                       \
        (void)out, (void)g, (void)x;                                                                                   \
        return expression;                                                                                             \
    }
#define X tarn_array *x = n->inputs[0];
#define XY                                                                                                             \
    X tarn_array *y = n->inputs[1];                                                                                    \
    (void)y;
#define XYZ                                                                                                            \
    XY tarn_array *z = n->inputs[2];                                                                                   \
    (void)z;
#define UNARY(name, rule, values, domain, vx, oracle, doc)      VJP(name, 0, X, vx)
#define BINARY(name, rule, values, domain, vx, vy, oracle, doc) VJP(name, 0, XY, vx) VJP(name, 1, XY, vy)
#define TERNARY(name, rule, taken, values, domain, vx, vy, vz, oracle, doc)                                            \
    VJP(name, 0, XYZ, vx) VJP(name, 1, XYZ, vy) VJP(name, 2, XYZ, vz)
#include "table/elementwise.def"
#undef UNARY
#undef BINARY
#undef TERNARY
#undef X
#undef XY
#undef XYZ

static tarn_array *(*const vjps[][3])(node *n, tarn_array *g) = {
#define UNARY(name, ...)   [OP_##name] = {vjp_##name##_0},
#define BINARY(name, ...)  [OP_##name] = {vjp_##name##_0, vjp_##name##_1},
#define TERNARY(name, ...) [OP_##name] = {vjp_##name##_0, vjp_##name##_1, vjp_##name##_2},
#include "table/elementwise.def"
};

tarn_array *elementwise_vjp(node *n, int i, tarn_array *cotangent) {
    return vjps[n->op][i](n, cotangent);
}
