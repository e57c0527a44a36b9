/* Functions with rules of their own. The node's inputs are the arguments and then the function's outputs, which it
   passes on; a rule takes the place of the way through those outputs. Of what else the function read a rule knows
   nothing: traced arrays that it captured are the last inputs, so that a gradient or tangent that should pass through
   them is noticed. */
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"
#include "core/release.h"
#include "core/scope.h"
#include "ops/batch.h"
#include "transform/transform.h"

struct tarn_custom_function {
    release_note note;     /* of `release`; first */
    atomic_int references; /* the caller's and one for each node */
    tarn_function function;
    tarn_callback vjp, jvp;
    void (*release)(void *context);
    void *context; /* of the rules: the function's, or a batching's */
};

static void release_context(release_note *note) {
    tarn_custom_function *c = (tarn_custom_function *)note;
    c->release(c->context);
    memory_free(c);
}

tarn_custom_function *tarn_custom_new_with(tarn_function function, tarn_custom_options o) {
    if (!tarn_ok()) return NULL;
    if (!function.call) return tarn_fail("custom_new: the function is NULL"), NULL;
    tarn_custom_function *c = NEW(tarn_custom_function);
    if (!c) return NULL;
    *c = (tarn_custom_function){.note = {.run = release_context},
                                .references = 1,
                                .function = function,
                                .vjp = o.vjp,
                                .jvp = o.jvp,
                                .release = o.release,
                                .context = function.context};
    return c;
}

static void custom_release(tarn_custom_function *c) {
    if (!c || atomic_fetch_sub(&c->references, 1) != 1) return;
    if (c->release)
        release_later(&c->note);
    else
        memory_free(c);
}

void tarn_custom_free(tarn_custom_function *c) {
    custom_release(c);
    release_drain();
}

static tarn_custom_function *custom_of(const node *n) {
    return ((const attributes_custom *)n->attributes)->function.object;
}
static int arguments_of(const node *n) {
    return (int)((const attributes_custom *)n->attributes)->arguments;
}

static void retain_function(void *function) {
    atomic_fetch_add(&((tarn_custom_function *)function)->references, 1);
}

static void release_function(void *function) {
    custom_release(function);
}

static const object_type function_type = {.name = "function", .retain = retain_function, .release = release_function};

static int captured_from(const node *n) { /* the first of the captured inputs */
    return arguments_of(n) + n->output_count;
}

static node *custom_node(tarn_custom_function *c, tarn_array *const *inputs, int count, int arguments, int outputs) {
    attributes_custom attributes = {.function = {&function_type, c}, .arguments = arguments, .outputs = outputs};
    return build_node(OP_custom, inputs, count, &attributes);
}

typedef VECTOR(tarn_array *) array_list;

static bool note_captured(array_list *list, const graph *g, tarn_array *a) {
    if (!a || graph_slot(g, a) >= 0 || !trace_reaches(a)) return true;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i] == a) return true;
    return vector_push(list, a);
}

/* What gradients would reach through the function's outputs, beside its arguments. */
static bool list_captured(const traced_function *t, array_list *list) {
    graph g;
    bool ok = graph_make(&g, t->inputs, t->input_count, t->outputs, t->output_count, gradient_passes);
    for (int k = 0; k < t->output_count && ok; k++) ok = note_captured(list, &g, t->outputs[k]);
    for (size_t s = 0; s < g.steps.count; s++) {
        const node *n = g.steps.items[s].node;
        for (int i = 0; i < n->input_count && ok; i++)
            if (gradient_passes(n, i)) ok = note_captured(list, &g, n->inputs[i]);
    }
    graph_free(&g);
    return ok;
}

static bool push_all(array_list *list, tarn_array *const *arrays, int count) {
    for (int i = 0; i < count; i++)
        if (!vector_push(list, arrays[i])) return false;
    return true;
}

/* The node of a call, over aliases of its arguments. */
static node *call_node(tarn_custom_function *c, tarn_array *const *inputs, int input_count, tarn_array *const *aliases,
                       bool traced) {
    traced_function t;
    if (!traced_begin(&t, "custom_call", c->function, aliases, input_count, NULL)) return NULL;
    array_list all = {0};
    bool ok = push_all(&all, inputs, input_count) && push_all(&all, t.outputs, t.output_count) &&
              (!traced || list_captured(&t, &all));
    node *n = ok ? custom_node(c, all.items, (int)all.count, input_count, t.output_count) : NULL;
    vector_free(&all);
    traced_end(&t);
    return n;
}

tarn_results *tarn_custom_call(tarn_custom_function *c, tarn_array *const *inputs, int count) {
    if (!c) return tarn_fail("custom_call: the function is NULL"), NULL;
    transform_call call;
    if (!transform_begin(&call, "custom_call", NULL)) return NULL;
    bool traced = (c->vjp || c->jvp) && trace_is_active();
    tarn_array **aliases = NEW_ARRAY(tarn_array *, count);
    bool ok = aliases && function_inputs("custom_call", inputs, count, aliases);
    node *n = ok ? call_node(c, inputs, count, aliases, traced) : NULL;
    for (int k = 0; n && k < n->output_count; k++) tarn_result(call.results, &n->outputs[k]);
    memory_free(aliases);
    return transform_end(&call, n != NULL);
}

static bool infer_custom(inference *i) {
    const attributes_custom *a = i->attributes;
    for (int64_t k = a->arguments; k < a->arguments + a->outputs; k++)
        if (!types_add(i, i->inputs[k]->dtype, i->inputs[k]->ndim, i->inputs[k]->shape)) return false;
    return true;
}

/* Computed, the node is nothing but the outputs of its function. */
static bool lowered_custom(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    memcpy(outputs, inputs + arguments_of(n), (size_t)n->output_count * sizeof *outputs);
    return true;
}

/* ---- rules of the caller */

static tarn_array *or_zeros(tarn_array *given, tarn_array *of) {
    return given ? given : tarn_zeros_like(of);
}

/* Calls a rule with these lists one after the other; what it hands out belongs to the scope. */
static bool call_rule(const node *n, const char *what, tarn_callback rule, tarn_array *const *lists[3],
                      const int counts[3], tarn_array **results, int result_count) {
    int total = counts[0] + counts[1] + counts[2], place = 0;
    tarn_array **inputs = NEW_ARRAY(tarn_array *, total);
    tarn_results *given = inputs && tarn_ok() ? results_new() : NULL;
    bool ok = given != NULL;
    for (int l = 0; l < 3 && ok; place += counts[l++]) ok = function_inputs(what, lists[l], counts[l], inputs + place);
    if (ok) given->optional = true;
    ok = ok && function_call(what, rule, custom_of(n)->context, inputs, total, given);
    memory_free(inputs);
    if (ok && tarn_results_count(given) != result_count)
        ok = tarn_fail("%s: the rule handed out %d results, not %d", what, tarn_results_count(given), result_count);
    ok = results_close(given, ok) != NULL;
    for (int i = 0; i < result_count && ok; i++) results[i] = tarn_results_at(given, i);
    return ok;
}

static bool check_result(const char *what, int i, const tarn_array *result, const tarn_array *of) {
    return !result || array_same_shape(result, of) ||
           fail_shapes(result, " for ", of, "%s: result %d does not fit", what, i);
}

/* None of the captured inputs is on the way that a rule cuts. */
static bool check_captured(const node *n, const char *what, int i, bool reached) {
    if (!reached) return true;
    text t = {0};
    array_describe(n->inputs[i], &t);
    tarn_fail("custom %s: the function reads an array (%s) that is being differentiated and is not among its "
              "arguments, for which the rule "
              "says nothing: make it an argument, or put tarn_stop_gradient around it",
              what, text_string(&t));
    text_free(&t);
    return false;
}

static bool vjp_custom(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    int arguments = arguments_of(n), count = n->output_count;
    tarn_callback rule = custom_of(n)->vjp;
    for (int k = 0; k < count && !rule; k++)
        if (wanted[arguments + k]) gradients[arguments + k] = cotangents[k];
    if (!rule) return true;
    for (int i = captured_from(n); i < n->input_count; i++)
        if (!check_captured(n, "vjp", i, wanted[i])) return false;
    tarn_array **given = NEW_ARRAY(tarn_array *, count);
    if (!given) return false;
    for (int k = 0; k < count; k++) given[k] = or_zeros(cotangents[k], &n->outputs[k]);
    tarn_array *const *lists[3] = {n->inputs, given, n->inputs + arguments};
    bool ok = call_rule(n, "custom vjp", rule, lists, (int[]){arguments, count, count}, gradients, arguments);
    memory_free(given);
    for (int i = 0; i < arguments && ok; i++) ok = check_result("custom vjp", i, gradients[i], n->inputs[i]);
    return ok;
}

static bool jvp_custom(node *n, tarn_array *const *tangents, tarn_array **output_tangents) {
    int arguments = arguments_of(n), count = n->output_count;
    tarn_callback rule = custom_of(n)->jvp;
    for (int k = 0; k < count && !rule; k++) output_tangents[k] = tangents[arguments + k];
    if (!rule) return true;
    for (int i = captured_from(n); i < n->input_count; i++)
        if (!check_captured(n, "jvp", i, tangents[i])) return false;
    tarn_array **given = NEW_ARRAY(tarn_array *, arguments);
    if (!given) return false;
    for (int i = 0; i < arguments; i++) given[i] = or_zeros(tangents[i], n->inputs[i]);
    tarn_array *const *lists[3] = {n->inputs, given, NULL};
    bool ok = call_rule(n, "custom jvp", rule, lists, (int[]){arguments, arguments, 0}, output_tangents, count);
    memory_free(given);
    for (int k = 0; k < count && ok; k++) ok = check_result("custom jvp", k, output_tangents[k], &n->outputs[k]);
    return ok;
}

/* ---- batching: a custom node over the batch, whose rules are the original ones, batched */

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
    tarn_custom_free(b->original);
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
    int arguments = arguments_of(n);
    batched_context *b = memory_new(1, sizeof *b + (size_t)arguments * sizeof *b->axes);
    array_type *types = b ? NEW_ARRAY(array_type, n->output_count) : NULL;
    if (!types) {
        memory_free(b);
        return NULL;
    }
    for (int k = 0; k < n->output_count; k++) {
        types[k].dtype = n->outputs[k].dtype;
        types[k].ndim = n->outputs[k].ndim;
        memcpy(types[k].shape, n->outputs[k].shape, sizeof types[k].shape);
    }
    *b = (batched_context){
        .original = custom_of(n), .arguments = arguments, .output_count = n->output_count, .types = types};
    for (int i = 0; i < arguments; i++) b->axes[i] = axes[i] < 0 ? TARN_UNBATCHED : axes[i];
    atomic_fetch_add(&b->original->references, 1);
    return b;
}

static tarn_custom_function *batched_function(const node *n, const int *axes) {
    batched_context *b = new_context(n, axes);
    tarn_custom_function *c = b ? NEW(tarn_custom_function) : NULL;
    if (!c) {
        if (b) release_batched(b);
        return NULL;
    }
    *c = (tarn_custom_function){
        .note = {.run = release_context}, .references = 1, .release = release_batched, .context = b};
    if (b->original->vjp) c->vjp = batched_vjp;
    if (b->original->jvp) c->jvp = batched_jvp;
    return c;
}

static bool vmap_custom(node *n, tarn_array *const *inputs, const int *axes, tarn_array **outputs, int *output_axes) {
    int arguments = arguments_of(n), count = n->output_count;
    int64_t size = batch_size(inputs, axes, n->input_count);
    if (!custom_of(n)->vjp &&
        !custom_of(n)->jvp) { /* the outputs of the function, batched already, are all that there is to say */
        for (int k = 0; k < count; k++)
            batch_result(inputs[arguments + k], axes[arguments + k], outputs + k, output_axes + k);
        return true;
    }
    tarn_array **all = memory_copy(inputs, (size_t)n->input_count * sizeof *inputs);
    tarn_custom_function *c = all ? batched_function(n, axes) : NULL;
    for (int k = arguments; k < captured_from(n) && c; k++) all[k] = batch_whole(inputs[k], axes[k], size);
    node *made = c && tarn_ok() ? custom_node(c, all, n->input_count, arguments, count) : NULL;
    tarn_custom_free(c);
    memory_free(all);
    return batch_results(made, 0, outputs, output_axes);
}

const op_rules rules_custom = {.infer = infer_custom,
                               .layout = layout_identity,
                               .vjp = vjp_custom,
                               .jvp = jvp_custom,
                               .vmap = vmap_custom,
                               .formula = lowered_custom};
