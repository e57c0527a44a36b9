/* What transforms know of all elementwise ops: they broadcast, and the row says which inputs no gradient reaches. */
#include <string.h>

#include "ops/batch.h"
#include "ops/rules.h"

/* Whether the batch may stay where it is: at one place of all batched inputs, and no other input has an axis there. */
static bool may_stay(const node *n, tarn_array *const *inputs, const int *axes, int *axis) {
    int ndim = n->outputs[0].ndim;
    *axis = -1;
    for (int i = 0; i < n->input_count; i++) {
        if (axes[i] < 0) continue;
        if ((*axis >= 0 && *axis != axes[i]) || inputs[i]->ndim != ndim + 1) return false;
        *axis = axes[i];
    }
    for (int i = 0; i < n->input_count; i++)
        if (axes[i] < 0 && inputs[i]->ndim > ndim - *axis) return false;
    return true;
}

bool vmap_broadcasting(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    tarn_array *aligned[3] = {NULL};
    int axis;
    if (may_stay(n, inputs, axes, &axis)) return batch_results(build_again(n, inputs), axis, outputs, output_axes);
    for (int i = 0; i < n->input_count; i++)
        if (!(aligned[i] = batch_align(inputs[i], axes[i], n->outputs[0].ndim))) return false;
    return batch_results(build_again(n, aligned), 0, outputs, output_axes);
}

/* The gradient column of each row, as text: the word ZERO says that none passes. */
static const char *const gradients[OP_COUNT][3] = {
#define UNARY(name, rule, values, domain, vx, oracle, doc)                   [OP_##name] = {#vx},
#define BINARY(name, rule, values, domain, vx, vy, oracle, doc)              [OP_##name] = {#vx, #vy},
#define TERNARY(name, rule, inputs, values, domain, vx, vy, vz, oracle, doc) [OP_##name] = {#vx, #vy, #vz},
#include "table/elementwise.def"
#undef UNARY
#undef BINARY
#undef TERNARY
};

bool passes_elementwise(const node *n, int i) {
    return strcmp(gradients[n->op][i], "ZERO") != 0;
}
