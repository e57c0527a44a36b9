/* Finds, without recursion, the nodes that must be computed, and replaces each node that has a formula and no kernel by
 * its formula's nodes. */
#include <string.h>

#include "core/scope.h"
#include "eval/schedule.h"

int schedule_new_entry(schedule *s, tarn_array *a) {
    entry e = {.a = a, .alias = -1, .unit = -1, .value = -1, .argument = -1, .external = a->buffer != NULL};
    if (!vector_push(&s->entries, e)) return -1;
    a->epoch = s->epoch;
    return a->note = (int)s->entries.count - 1;
}

/* ---- lowering */

/* A call of the node on dense operands: enough to ask whether there is a kernel. */
static bool has_kernel(const node *n) {
    enum { MOST = 8 };
    operand inputs[MOST], outputs[MOST];
    int64_t strides[2 * MOST][TARN_MAX_NDIM];
    if (n->input_count > MOST || n->output_count > MOST) return false;
    for (int i = 0; i < n->input_count + n->output_count; i++) {
        bool is_input = i < n->input_count;
        const tarn_array *a = is_input ? n->inputs[i] : &n->outputs[i - n->input_count];
        operand *o = is_input ? &inputs[i] : &outputs[i - n->input_count];
        *o = (operand){0};
        if (!a) continue;
        dense_strides(a->ndim, a->shape, strides[i]);
        *o = (operand){.data = o, .dtype = a->dtype, .ndim = a->ndim, .shape = a->shape, .strides = strides[i]};
    }
    call c = {.op = n->op,
              .attributes = n->attributes,
              .input_count = n->input_count,
              .output_count = n->output_count,
              .inputs = inputs,
              .outputs = outputs};
    return find_row(n->stream->slot, &c) != NULL;
}

/* Builds the formula's nodes in a scope that is closed at once: the targets' nodes are held by the schedule instead. */
static bool build_formula(schedule *s, const node *n, bool *replaced) {
    size_t first = s->targets.count;
    if (!vector_reserve(&s->targets, (size_t)n->output_count)) return false;
    tarn_array **outputs = s->targets.items + first;
    memset(outputs, 0, (size_t)n->output_count * sizeof *outputs);
    int scope = tarn_scope_begin();
    tarn_stream *before = tarn_use_stream(n->stream);
    trace *traces = trace_suspend();
    bool ok = scope > 0 && rules_of(n->op)->formula(n, n->inputs, outputs) && tarn_ok();
    *replaced = ok && outputs[0];
    for (int i = 0; *replaced && i < n->output_count; i++) node_retain(outputs[i]->node);
    if (*replaced) s->targets.count += (size_t)n->output_count;
    trace_resume(traces);
    tarn_use_stream(before);
    tarn_scope_end(&scope);
    return ok || (tarn_ok() && tarn_fail("%s: its formula failed", op_name(n->op)));
}

static bool lower(schedule *s, frame *f) {
    const node *n = f->node;
    f->alias_first = -1;
    if (!rules_of(n->op)->formula || (op_facts[n->op].class == OP_CLASS_FUSED && has_kernel(n))) return true;
    int first = (int)s->targets.count;
    bool replaced = false;
    if (!build_formula(s, n, &replaced)) return false;
    if (replaced) f->alias_first = first;
    return true;
}

/* ---- the walk */

static void describe_node(const node *n, text *t) {
    text_format(t, "%s ", op_name(n->op));
    array_describe(&n->outputs[0], t);
}

/* What is asked for needs a value that is gone for good. */
static bool given_away(const schedule *s, const node *n) {
    text t = {0};
    describe_node(n, &t);
    if (s->stack.count) text_add(&t, ", which is needed by ");
    if (s->stack.count) describe_node(s->stack.items[0].node, &t);
    tarn_fail("an array is read whose memory was given to another (tarn_move or .donate): %s", text_string(&t));
    text_free(&t);
    return false;
}

static bool leaf_without_value(schedule *s, node *n) {
    int e = schedule_entry(s, &n->outputs[0]);
    if (e < 0) return false;
    if (n->op == OP_argument && s->options.plan) {
        int index = (int)((const attributes_argument *)n->attributes)->index;
        if (index < s->options.argument_count && s->options.leaves[index] == &n->outputs[0]) {
            s->entries.items[e].argument = index;
            s->entries.items[e].external = true;
            return true;
        }
    }
    if (n->op == OP_argument)
        return tarn_fail(
            "a value is read inside a function that is being traced: in vmap and compile arguments have none");
    return given_away(s, n);
}

/* An op with an effect is computed once, even if it could be again. */
static bool is_spent(const node *n) {
    bool computed = false;
    for (int i = 0; i < n->output_count; i++) computed = computed || n->outputs[i].was_computed;
    return computed && op_has_flag(n->op, OP_EFFECT);
}

/* First visit: notes on outputs and inputs, and what the node becomes. */
static bool enter(schedule *s, node *n) {
    n->epoch = s->epoch;
    frame f = {.node = n, .alias_first = -1};
    if (n->op == OP_data || n->op == OP_argument) return leaf_without_value(s, n);
    if (n->forgot_inputs || is_spent(n)) return given_away(s, n);
    for (int i = 0; i < n->output_count; i++)
        if (schedule_entry(s, &n->outputs[i]) < 0) return false;
    for (int i = 0; i < n->input_count; i++) {
        if (!n->inputs[i]) continue;
        int e = schedule_entry(s, n->inputs[i]);
        if (e < 0) return false;
        s->entries.items[e].readers++;
        s->entries.items[e].needed_again |= atomic_load(&n->traced) > 0;
    }
    return lower(s, &f) && vector_push(&s->stack, f);
}

static tarn_array *child(const schedule *s, const frame *f) {
    if (f->alias_first < 0) return f->next < f->node->input_count ? f->node->inputs[f->next] : NULL;
    return f->next < f->node->output_count ? s->targets.items[f->alias_first + f->next] : NULL;
}

static int child_count(const frame *f) {
    return f->alias_first < 0 ? f->node->input_count : f->node->output_count;
}

/* Of what it reads nothing has to run any more. */
static bool run_first(schedule *s, node *n) {
    if (!s->options.calls) return tarn_fail("compile: a call that was put off is part of what is traced");
    if (!vector_push(s->options.calls, n)) return false;
    node_retain(n);
    return true;
}

/* All children are known: an alias points to its target, another node becomes (part of) a unit. */
static bool leave(schedule *s, frame f) {
    node *n = f.node;
    if (n->op == OP_later) return run_first(s, n);
    if (!vector_push(&s->order, n)) return false;
    bool shared = false;
    if (f.alias_first < 0) return schedule_share(s, n, &shared) && (shared || schedule_form_unit(s, n));
    for (int i = 0; i < n->output_count; i++) {
        if (s->entries.items[n->outputs[i].note].external) continue; /* has its value already */
        int target = schedule_entry(s, s->targets.items[f.alias_first + i]);
        if (target < 0) return false;
        s->entries.items[n->outputs[i].note].alias = target;
    }
    return true;
}

static bool visit(schedule *s, tarn_array *a) {
    int e = schedule_entry(s, a);
    if (e < 0) return false;
    return a->buffer ? schedule_share_scalar(s, e) : a->node->epoch == s->epoch || enter(s, a->node);
}

/* Not computed, and read by nodes of this schedule alone, which were lowered and wanted its shape: it goes with them.
 */
static bool is_left_over(const schedule *s, const entry *e) {
    const node *n = e->a->node;
    return !e->external && !e->needed_again && n->epoch != s->epoch && n->output_count == 1 &&
           !atomic_load(&e->a->keeps) && !atomic_load(&e->a->scopes) && !atomic_load(&n->traced) &&
           array_readers(e->a) == e->readers;
}

/* What is left over holds its inputs for nobody outside. */
static bool count_left_over(schedule *s) {
    for (size_t i = 0; i < s->entries.count; i++) {
        const node *n = s->entries.items[i].a->node;
        if (!is_left_over(s, &s->entries.items[i])) continue;
        for (int k = 0; k < n->input_count; k++) {
            if (!n->inputs[k]) continue;
            int e = schedule_entry(s, n->inputs[k]);
            if (e < 0) return false;
            s->entries.items[e].readers++;
        }
    }
    return true;
}

bool schedule_discover(schedule *s, tarn_array *const *roots, int count) {
    for (int r = 0; r < count; r++) {
        if (!visit(s, roots[r])) return false;
        while (s->stack.count) {
            frame *f = &s->stack.items[s->stack.count - 1];
            if (f->next == child_count(f)) {
                frame done = vector_pop(&s->stack);
                if (!leave(s, done)) return false;
                continue;
            }
            tarn_array *a = child(s, f);
            f->next++;
            if (a && !visit(s, a)) return false;
        }
    }
    return count_left_over(s);
}
