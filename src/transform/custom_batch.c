/* Batches of custom functions: by the function's own rule, else through its outputs; what comes out is a custom node
   over the batch, whose gradients and tangents are the original's, batched. */
#include "transform/custom.h"

#include <string.h>

#include "base/memory.h"
#include "core/results.h"
#include "ops/batch.h"
#include "ops/recording.h"

/* ---- gradients and tangents of a batch */

/* What the rules of a batched function need: the original, and where its arguments have their batch. Outputs have it
 * first. */
typedef struct {
    tarn_custom_function *original;
    int arguments, output_count;
    array_type *types; /* of the outputs of one example */
    int64_t axes[];    /* [arguments] */
} batched_context;

static void release_batched(void *context) {
    batched_context *b = context;
    memory_free(b->types);
    memory_free(b);
}

/* A rule of the original, as a function of one example. An entry that it leaves NULL means zero; under vmap that has to
 * be said. */
typedef struct {
    const batched_context *batched;
    tarn_callback rule;
    int result_count;
    bool like_inputs; /* results have the shapes of the first inputs, else those of the outputs */
} rule_call;

static tarn_array *zero_result(const rule_call *r, tarn_array *const *inputs, int i) {
    if (r->like_inputs) return tarn_zeros_like(inputs[i]);
    const array_type *t = &r->batched->types[i];
    return tarn_zeros((tarn_ints){t->shape, t->ndim}, is_inexact(t->dtype) ? t->dtype : TARN_FLOAT32);
}

static bool rule_with_zeros(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const rule_call *r = context;
    tarn_results *given = results_new();
    if (!given) return false;
    given->optional = true;
    bool ok = r->rule(r->batched->original->context, inputs, count, given);
    for (int i = 0; i < tarn_results_count(given) && ok; i++) {
        tarn_array *a = tarn_results_at(given, i);
        ok = tarn_result(results, a || i >= r->result_count ? a : zero_result(r, inputs, i));
    }
    return ok;
}

static tarn_results *run_batched_rule(const rule_call *r, tarn_array *const *inputs, int count,
                                      const int64_t *in_axes) {
    return tarn_vmap(TARN_FUNCTION(rule_with_zeros, (void *)r), inputs, count, .in_axes = {in_axes, count});
}

/* The gradient of an argument that all examples share is the sum of theirs. */
static tarn_array *placed_gradient(tarn_array *g, int64_t axis) {
    if (axis == TARN_UNBATCHED) return tarn_sum(g, .axes = TARN_AXES(0));
    return axis == 0 ? g : tarn_moveaxis(g, 0, axis);
}

static bool batched_vjp(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const batched_context *b = context;
    int64_t *in_axes = NEW_ARRAY(int64_t, count); /* zero for cotangents and outputs */
    if (!in_axes) return false;
    memcpy(in_axes, b->axes, (size_t)b->arguments * sizeof *in_axes);
    rule_call r = {b, b->original->vjp, b->arguments, true};
    tarn_results *gradients = run_batched_rule(&r, inputs, count, in_axes);
    memory_free(in_axes);
    bool ok = gradients != NULL;
    for (int i = 0; i < tarn_results_count(gradients) && ok; i++) {
        tarn_array *g = tarn_results_at(gradients, i);
        ok = tarn_result(results, i < b->arguments ? placed_gradient(g, b->axes[i]) : g);
    }
    return ok;
}

static bool batched_jvp(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const batched_context *b = context;
    int64_t *in_axes = NEW_ARRAY(int64_t, count);
    if (!in_axes) return false;
    for (int i = 0; i < count; i++) in_axes[i] = b->axes[i % b->arguments];
    rule_call r = {b, b->original->jvp, b->output_count, false};
    bool ok = tarn_result_all(results, run_batched_rule(&r, inputs, count, in_axes));
    memory_free(in_axes);
    return ok;
}

static batched_context *new_context(const node *n, const int *axes) {
    int arguments = custom_arguments(n);
    batched_context *b = memory_new(1, sizeof *b + (size_t)arguments * sizeof *b->axes);
    array_type *types = b ? NEW_ARRAY(array_type, n->output_count) : NULL;
    if (!types) {
        memory_free(b);
        return NULL;
    }
    for (int k = 0; k < n->output_count; k++) types[k] = array_type_of(&n->outputs[k]);
    *b = (batched_context){
        .original = custom_of(n), .arguments = arguments, .output_count = n->output_count, .types = types};
    for (int i = 0; i < arguments; i++) b->axes[i] = axes[i] < 0 ? TARN_UNBATCHED : axes[i];
    return b;
}

static tarn_custom_function *batched_function(const node *n, const int *axes) {
    batched_context *b = new_context(n, axes);
    tarn_custom_function *c = b ? custom_new((tarn_function){.context = b}, release_batched) : NULL;
    if (!c) {
        if (b) release_batched(b);
        return NULL;
    }
    c->original = b->original;
    c->constants = b->original->constants;
    custom_retain(c->original);
    if (b->original->vjp) c->vjp = batched_vjp;
    if (b->original->jvp) c->jvp = batched_jvp;
    return c;
}

/* The node over the batch: inputs as they are, outputs [batch, ...]. */
static bool batched_node(node *n, tarn_array *const *inputs, const int *axes, tarn_array *const *results,
                         tarn_array **outputs, int *output_axes) {
    int arguments = custom_arguments(n), count = n->output_count;
    tarn_array **all = memory_copy(inputs, (size_t)n->input_count * sizeof *inputs);
    tarn_custom_function *c = all ? batched_function(n, axes) : NULL;
    for (int k = 0; k < count && c; k++) all[arguments + k] = results[k];
    int reached = (int)((const attributes_custom *)n->attributes)->reached;
    node *made = c && tarn_ok() ? custom_node(c, all, custom_captured(n) + reached, arguments, count, reached) : NULL;
    custom_release(c);
    memory_free(all);
    return batch_results(made, 0, outputs, output_axes);
}

/* ---- the function's own rule for batches */

typedef struct {
    const tarn_custom_function *function;
    const int64_t *axes;
    int64_t *out_axes;
} vmap_call;

static bool call_vmap(void *context, tarn_array *const *inputs, int count, tarn_results *results) {
    const vmap_call *v = context;
    return v->function->vmap(v->function->context, inputs, v->axes, count, results, v->out_axes);
}

/* What the rule handed out for output k, with its batch in front. */
static tarn_array *placed_output(const node *n, int k, tarn_array *given, int64_t axis, int64_t size) {
    const tarn_array *out = &n->outputs[k];
    int ndim = out->ndim + (axis != TARN_UNBATCHED), place = -1;
    if (axis != TARN_UNBATCHED && !check_axis("custom vmap: out_axes", axis, ndim, &place)) return NULL;
    tarn_array *whole = given->ndim == ndim ? batch_whole(given, place, size) : NULL;
    bool fits = whole && whole->shape[0] == size && whole->dtype == out->dtype &&
                shapes_equal(out->ndim, whole->shape + 1, out->shape);
    if (!fits && tarn_ok())
        fail_shapes(given, " for a batch of ", out, "custom vmap: result %d, its batch at axis %lld, does not fit", k,
                    axis == TARN_UNBATCHED ? -1 : (long long)axis);
    return fits ? whole : NULL;
}

static bool place_outputs(const node *n, const tarn_results *given, const int64_t *out_axes, int64_t size,
                          tarn_array **results) {
    if (tarn_results_count(given) != n->output_count)
        return tarn_fail("custom vmap: the rule handed out %d results, not %d", tarn_results_count(given),
                         n->output_count);
    for (int k = 0; k < n->output_count; k++)
        if (!(results[k] = placed_output(n, k, tarn_results_at(given, k), out_axes[k], size))) return false;
    return true;
}

static bool run_vmap(const node *n, tarn_array *const *inputs, const int *axes, int64_t size, tarn_array **results) {
    int arguments = custom_arguments(n);
    int64_t *in_axes = NEW_ARRAY(int64_t, arguments), *out_axes = NEW_ARRAY(int64_t, n->output_count);
    vmap_call v = {custom_of(n), in_axes, out_axes};
    for (int i = 0; i < arguments && in_axes; i++) in_axes[i] = axes[i] < 0 ? TARN_UNBATCHED : axes[i];
    const tarn_results *given = in_axes && out_axes ? tarn_call(TARN_FUNCTION(call_vmap, &v), inputs, arguments) : NULL;
    bool ok = given && place_outputs(n, given, out_axes, size, results);
    memory_free(in_axes);
    memory_free(out_axes);
    return ok;
}

/* The function's outputs, batched already, are all that there is to say. */
static bool pass_outputs(const node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs,
                         int *output_axes) {
    int first = custom_arguments(n);
    for (int k = 0; k < n->output_count; k++)
        batch_result(inputs[first + k], axes[first + k], outputs + k, output_axes + k);
    return true;
}

/* The outputs over the batch, in front. */
static bool whole_outputs(const node *n, tarn_array *const *inputs, const int *axes, tarn_array **results) {
    int first = custom_arguments(n);
    int64_t size = batch_size(inputs, axes, n->input_count);
    for (int i = custom_captured(n); i < n->input_count && custom_of(n)->vmap; i++)
        if (axes[i] >= 0) return custom_fail_captured(n, "custom vmap", i);
    if (custom_of(n)->vmap) return run_vmap(n, inputs, axes, size, results);
    for (int k = 0; k < n->output_count; k++)
        if (!(results[k] = batch_whole(inputs[first + k], axes[first + k], size))) return false;
    return true;
}

bool vmap_custom(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    const tarn_custom_function *c = custom_of(n);
    bool cuts = c->vjp || c->jvp;
    if (!cuts && !c->vmap) return pass_outputs(n, inputs, axes, outputs, output_axes);
    tarn_array **results = NEW_ARRAY(tarn_array *, n->output_count);
    bool ok = results && whole_outputs(n, inputs, axes, results);
    if (ok && cuts) ok = batched_node(n, inputs, axes, results, outputs, output_axes);
    for (int k = 0; k < n->output_count && ok && !cuts; k++) batch_result(results[k], 0, outputs + k, output_axes + k);
    memory_free(results);
    return ok;
}
