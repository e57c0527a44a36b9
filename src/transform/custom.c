/* Functions with rules of their own. The node's inputs are the arguments and then the function's outputs, which it
   passes on; a rule takes the place of the way through those outputs. Of what else the function read a rule knows
   nothing: traced arrays that it captured are the last inputs, so that a gradient, tangent or batch that should pass
   through them is noticed. */
#include "transform/custom.h"

#include <string.h>

#include "base/memory.h"
#include "core/scope.h"

static void release_context(release_note *note) {
    tarn_custom_function *c = (tarn_custom_function *)note;
    c->release(c->function.context);
    memory_free(c);
}

tarn_custom_function *custom_new(tarn_function function, void (*release)(void *context)) {
    tarn_custom_function *c = NEW(tarn_custom_function);
    if (!c) return NULL;
    *c = (tarn_custom_function){.note = {.run = release_context},
                                .references = 1,
                                .function = function,
                                .context = function.context,
                                .release = release};
    return c;
}

tarn_custom_function *tarn_custom_new_with(tarn_function function, tarn_custom_options o) {
    if (!tarn_ok()) return NULL;
    if (!function.call) return tarn_fail("custom_new: the function is NULL"), NULL;
    tarn_custom_function *c = custom_new(function, o.release);
    if (!c) return NULL;
    c->vjp = o.vjp;
    c->jvp = o.jvp;
    c->vmap = o.vmap;
    c->constants = o.constants;
    return c;
}

void custom_retain(tarn_custom_function *c) {
    atomic_fetch_add(&c->references, 1);
}

void custom_release(tarn_custom_function *c) {
    while (c && atomic_fetch_sub(&c->references, 1) == 1) {
        tarn_custom_function *original = c->original;
        if (c->release)
            release_later(&c->note);
        else
            memory_free(c);
        c = original;
    }
}

void tarn_custom_free(tarn_custom_function *c) {
    custom_release(c);
    release_drain();
}

static void retain_function(void *function) {
    custom_retain(function);
}

static void release_function(void *function) {
    custom_release(function);
}

/* A batching keeps no context of the user's, but the function that it is of. */
static void visit_function(void *function, context_visit *v) {
    for (tarn_custom_function *c = function; c; c = c->original) {
        if (!context_is_alone(&c->seen, atomic_load(&c->references), v)) return;
        if (c->release && !c->original) context_found(v, c->function.context, c->release);
    }
}

static const object_type function_type = {
    .name = "function", .retain = retain_function, .release = release_function, .visit = visit_function};

node *custom_node(tarn_custom_function *c, tarn_array *const *inputs, int count, int arguments, int outputs,
                  int reached) {
    attributes_custom attributes = {
        .function = {&function_type, c}, .arguments = arguments, .outputs = outputs, .reached = reached};
    return build_node(OP_custom, inputs, count, &attributes);
}

typedef VECTOR(tarn_array *) array_list;

typedef struct {
    array_list inputs;
    size_t first; /* of the captured ones */
} call_inputs;

static bool note_captured(call_inputs *c, const graph *g, tarn_array *a) {
    if (!a || graph_slot(g, a) >= 0 || !trace_reaches(a)) return true;
    for (size_t i = c->first; i < c->inputs.count; i++)
        if (c->inputs.items[i] == a) return true;
    return vector_push(&c->inputs, a);
}

/* What the function's outputs depend on beside its arguments. */
static bool list_captured(call_inputs *c, const traced_function *t, graph_connects connects) {
    graph g;
    bool ok = graph_make(&g, t->inputs, t->input_count, t->outputs, t->output_count, connects);
    for (int k = 0; k < t->output_count && ok; k++) ok = note_captured(c, &g, t->outputs[k]);
    for (size_t s = 0; s < g.steps.count; s++) {
        const node *n = g.steps.items[s].node;
        for (int i = 0; i < n->input_count && ok; i++)
            if (connects(n, i)) ok = note_captured(c, &g, n->inputs[i]);
    }
    graph_free(&g);
    return ok;
}

static bool push_all(array_list *list, tarn_array *const *arrays, int count) {
    for (int i = 0; i < count; i++)
        if (!vector_push(list, arrays[i])) return false;
    return true;
}

/* First those of the captured inputs that let gradients through. */
static bool push_captured(call_inputs *c, const tarn_custom_function *f, const traced_function *t, int *reached) {
    *reached = 0;
    if (!trace_is_active()) return true;
    if ((f->vjp || f->jvp) && !f->constants && !list_captured(c, t, gradient_passes)) return false;
    *reached = (int)(c->inputs.count - c->first);
    return !f->vmap || list_captured(c, t, batch_passes);
}

/* The node of a call, over aliases of its arguments; of a function that gives nothing there is none. */
static bool call_node(const char *what, tarn_custom_function *c, tarn_array *const *inputs, int input_count,
                      tarn_array *const *aliases, tarn_results *results) {
    traced_function t;
    if (!traced_begin(&t, what, c->function, aliases, input_count, NULL)) return false;
    call_inputs all = {.first = (size_t)input_count + (size_t)t.output_count};
    int reached;
    bool ok = push_all(&all.inputs, inputs, input_count) && push_all(&all.inputs, t.outputs, t.output_count) &&
              push_captured(&all, c, &t, &reached);
    bool any = ok && t.output_count > 0;
    node *n =
        any ? custom_node(c, all.inputs.items, (int)all.inputs.count, input_count, t.output_count, reached) : NULL;
    for (int k = 0; n && k < n->output_count; k++) tarn_result(results, &n->outputs[k]);
    vector_free(&all.inputs);
    traced_end(&t);
    return ok && (n || !any);
}

tarn_results *custom_call(const char *what, tarn_custom_function *c, tarn_array *const *inputs, int count) {
    transform_call call;
    if (!transform_begin(&call, what, count, NULL)) return NULL;
    tarn_array **aliases = NEW_ARRAY(tarn_array *, count);
    bool ok = aliases && function_inputs(what, inputs, count, aliases);
    ok = ok && call_node(what, c, inputs, count, aliases, call.results);
    memory_free(aliases);
    return transform_end(&call, ok);
}

tarn_results *tarn_custom_call(tarn_custom_function *c, tarn_array *const *inputs, int count) {
    if (!c) return tarn_fail("custom_call: the function is NULL"), NULL;
    return custom_call("custom_call", c, inputs, count);
}

static bool infer_custom(inference *i) {
    const attributes_custom *a = i->attributes;
    for (int64_t k = a->arguments; k < a->arguments + a->outputs; k++)
        if (!types_add(i, i->inputs[k]->dtype, i->inputs[k]->ndim, i->inputs[k]->shape)) return false;
    return true;
}

/* Computed, the node is nothing but the outputs of its function. */
static bool lowered_custom(const node *n, tarn_array *const *inputs, tarn_array **outputs) {
    memcpy(outputs, inputs + custom_arguments(n), (size_t)n->output_count * sizeof *outputs);
    return true;
}

/* ---- rules of the caller */

static tarn_array *or_zeros(tarn_array *given, tarn_array *of) {
    return given ? given : tarn_zeros_like(of);
}

/* Calls a rule with these lists one after the other; what it hands out belongs to the scope. `wanted`: the gradients
   that are asked for. */
static bool call_rule(const node *n, const char *what, tarn_callback rule, tarn_array *const *lists[3],
                      const int counts[3], const bool *wanted, tarn_array **results, int result_count) {
    int total = counts[0] + counts[1] + counts[2], place = 0;
    tarn_array **inputs = NEW_ARRAY(tarn_array *, total);
    tarn_results *given = inputs && tarn_ok() ? results_new() : NULL;
    bool ok = given != NULL;
    for (int l = 0; l < 3 && ok; place += counts[l++]) ok = function_inputs(what, lists[l], counts[l], inputs + place);
    if (ok) given->optional = true, given->wanted = wanted;
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

bool custom_fail_captured(const node *n, const char *what, int i) {
    text t = {0};
    array_describe(n->inputs[i], &t);
    tarn_fail("%s: the function reads an array (%s) that is being transformed and is not among its arguments, for "
              "which the rule says nothing: make it an argument, or put tarn_stop_gradient around it",
              what, text_string(&t));
    text_free(&t);
    return false;
}

/* Gradients reach what was captured only where the function itself would let them through. */
static bool passes_custom(const node *n, int i) {
    return i < custom_captured(n) + (int)((const attributes_custom *)n->attributes)->reached;
}

/* Of a function with a rule for batches its own outputs say nothing. */
static bool batch_custom(const node *n, int i) {
    return !custom_of(n)->vmap || i < custom_arguments(n) || i >= custom_captured(n);
}

/* Whether a rule for gradients or tangents has anything to do: else only what was captured is being differentiated. */
static bool any_argument(const node *n, const bool *wanted, tarn_array *const *tangents) {
    for (int i = 0; i < custom_arguments(n); i++)
        if (wanted ? wanted[i] : tangents[i] != NULL) return true;
    return false;
}

static bool vjp_custom(node *n, tarn_array *const *cotangents, const bool *wanted, tarn_array **gradients) {
    int arguments = custom_arguments(n), count = n->output_count;
    tarn_callback rule = custom_of(n)->vjp;
    for (int k = 0; k < count && !rule; k++)
        if (wanted[arguments + k]) gradients[arguments + k] = cotangents[k];
    if (!rule) return true;
    for (int i = custom_captured(n); i < n->input_count; i++)
        if (wanted[i]) return custom_fail_captured(n, "vjp", i);
    if (!any_argument(n, wanted, NULL)) return true;
    tarn_array **given = NEW_ARRAY(tarn_array *, count);
    if (!given) return false;
    for (int k = 0; k < count; k++) given[k] = or_zeros(cotangents[k], &n->outputs[k]);
    tarn_array *const *lists[3] = {n->inputs, given, n->inputs + arguments};
    bool ok = call_rule(n, "custom vjp", rule, lists, (int[]){arguments, count, count}, wanted, gradients, arguments);
    memory_free(given);
    for (int i = 0; i < arguments && ok; i++) ok = check_result("custom vjp", i, gradients[i], n->inputs[i]);
    return ok;
}

static bool jvp_custom(node *n, tarn_array *const *tangents, tarn_array **output_tangents) {
    int arguments = custom_arguments(n), count = n->output_count;
    tarn_callback rule = custom_of(n)->jvp;
    for (int k = 0; k < count && !rule; k++) output_tangents[k] = tangents[arguments + k];
    if (!rule) return true;
    for (int i = custom_captured(n); i < n->input_count; i++)
        if (tangents[i]) return custom_fail_captured(n, "jvp", i);
    if (!any_argument(n, NULL, tangents)) return true;
    tarn_array **given = NEW_ARRAY(tarn_array *, arguments);
    if (!given) return false;
    for (int i = 0; i < arguments; i++) given[i] = or_zeros(tangents[i], n->inputs[i]);
    tarn_array *const *lists[3] = {n->inputs, given, NULL};
    bool ok = call_rule(n, "custom jvp", rule, lists, (int[]){arguments, arguments, 0}, NULL, output_tangents, count);
    memory_free(given);
    for (int k = 0; k < count && ok; k++) ok = check_result("custom jvp", k, output_tangents[k], &n->outputs[k]);
    return ok;
}

const op_rules rules_custom = {.infer = infer_custom,
                               .layout = layout_identity,
                               .vjp = vjp_custom,
                               .jvp = jvp_custom,
                               .vmap = vmap_custom,
                               .passes = passes_custom,
                               .batch_passes = batch_custom,
                               .formula = lowered_custom};
