/* Graphs and programs as text, for people. */
#include "base/map.h"
#include "base/error.h"
#include "base/memory.h"
#include "core/lock.h"
#include "core/quarantine.h"
#include "core/scope.h"
#include "eval/program.h"

typedef struct {
    map *numbers;
    VECTOR(node *) order, stack;
    tarn_dot_options dot;
} walk;

/* Inputs before readers, without recursion: a node is written when it is met again on the stack. */
static bool walk_graph(walk *w, tarn_array *const *roots, int count) {
    for (int i = 0; i < count; i++) {
        if (!roots[i] || !vector_push(&w->stack, roots[i]->node)) return false;
        while (w->stack.count) {
            node *n = w->stack.items[w->stack.count - 1];
            uint64_t state = 0;
            bool known = map_get_pointer(w->numbers, n, &state);
            if (known) w->stack.count--;
            if (known && state == 0) {
                if (!vector_push(&w->order, n) || !map_set_pointer(w->numbers, n, w->order.count)) return false;
            }
            if (known) continue;
            if (!map_set_pointer(w->numbers, n, 0)) return false;
            for (int k = n->input_count; k > 0; k--)
                if (n->inputs[k - 1] && !map_get_pointer(w->numbers, n->inputs[k - 1]->node, NULL) &&
                    !vector_push(&w->stack, n->inputs[k - 1]->node))
                    return false;
        }
    }
    return true;
}

static int64_t number_of(const walk *w, const node *n) {
    uint64_t number = 0;
    map_get_pointer(w->numbers, n, &number);
    return (int64_t)number - 1;
}

static void print_text(const walk *w, const node *n, text *t) {
    text_format(t, "%%%lld = %s(", (long long)number_of(w, n), op_name(n->op));
    for (int i = 0; i < n->input_count; i++) {
        text_add(t, i ? ", " : "");
        if (!n->inputs[i])
            text_add(t, "-");
        else
            text_format(t, n->inputs[i]->node->output_count > 1 ? "%%%lld.%d" : "%%%lld",
                        (long long)number_of(w, n->inputs[i]->node), n->inputs[i]->index);
    }
    text_add(t, ")");
    if (n->attributes) {
        text_add(t, " {");
        attributes_print(n->op, n->attributes, t);
        text_add(t, "}");
    }
    for (int i = 0; i < n->output_count; i++) {
        text_add(t, i ? ", " : " : ");
        array_describe(&n->outputs[i], t);
        if (n->outputs[i].buffer) text_add(t, " =");
    }
    text_add(t, "\n");
}

static const char *name_of(const walk *w, const tarn_array *a) {
    for (int i = 0; i < w->dot.named_count; i++)
        if (w->dot.named[i] == a) return w->dot.names[i];
    return NULL;
}

static void print_quoted(const char *name, text *t) {
    for (; *name; name++) {
        if (*name == '"' || *name == '\\') text_add_char(t, '\\');
        text_add_char(t, *name);
    }
}

/* A line for each output; of named ones with the name. */
static void print_label(const walk *w, const node *n, text *t) {
    bool is_leaf = op_has_flag(n->op, OP_LEAF) && n->op != OP_later;
    text_add(t, is_leaf ? "" : op_name(n->op));
    for (int i = 0; i < n->output_count; i++) {
        const char *name = name_of(w, &n->outputs[i]);
        text_add(t, is_leaf && i == 0 ? "" : "\\n");
        if (name) print_quoted(name, t);
        text_add(t, name ? ": " : "");
        array_describe(&n->outputs[i], t);
    }
}

static void print_dot(const walk *w, const node *n, text *t) {
    long long number = number_of(w, n);
    text_format(t, "  n%lld [label=\"", number);
    print_label(w, n, t);
    text_add(t, n->input_count ? "\"];\n" : "\", shape=ellipse];\n");
    for (int i = 0; i < n->input_count; i++) {
        if (!n->inputs[i]) continue;
        text_format(t, "  n%lld -> n%lld", (long long)number_of(w, n->inputs[i]->node), number);
        if (n->inputs[i]->node->output_count > 1) text_format(t, " [label=%d]", n->inputs[i]->index);
        text_add(t, ";\n");
    }
}

static char *dump(const char *what, tarn_array *const *arrays, int count, tarn_dot_options dot,
                  void (*print)(const walk *, const node *, text *), const char *head, const char *tail) {
    if (!arrays_check(what, arrays, count)) return NULL;
    walk w = {.numbers = map_new(), .dot = dot};
    text t = {0};
    text_add(&t, head);
    schedule_lock(); /* no node forgets its inputs meanwhile */
    bool ok = w.numbers && walk_graph(&w, arrays, count);
    for (size_t i = 0; ok && i < w.order.count; i++) print(&w, w.order.items[i], &t);
    schedule_unlock();
    text_add(&t, tail);
    map_free(w.numbers);
    vector_free(&w.order);
    vector_free(&w.stack);
    if (!ok) text_free(&t);
    return ok ? text_take(&t) : NULL;
}

char *tarn_dump_text(tarn_array *const *arrays, int count) {
    return dump("dump_text", arrays, count, (tarn_dot_options){0}, print_text, "", "");
}

char *tarn_dump_dot_with(tarn_array *const *arrays, int count, tarn_dot_options o) {
    if (o.named_count && (!o.named || !o.names))
        return tarn_fail("dump_dot: %d names, but a list is NULL", o.named_count), NULL;
    for (int i = 0; i < o.named_count; i++)
        if (!o.named[i] || !o.names[i]) return tarn_fail("dump_dot: name %d, or its array, is NULL", i), NULL;
    return dump("dump_dot", arrays, count, o, print_dot, "digraph {\n  node [shape=box];\n", "}\n");
}

static void print_value(const program *p, int v, text *out) {
    if (v < 0) {
        text_add(out, "-");
        return;
    }
    const value *it = &p->values.items[v];
    text_format(out, "s%d:%s[", it->storage, dtype_facts[it->dtype].name);
    for (int i = 0; i < it->at.ndim; i++) text_format(out, i ? ",%lld" : "%lld", (long long)it->at.shape[i]);
    text_add(out, strides_are_dense(it->at.ndim, it->at.shape, it->at.strides) ? "]" : "]strided");
}

static void print_step(const program *p, const step *st, text *out) {
    text_format(out, "%s", st->row->name);
    for (int i = 0; st->group && i < st->group->instruction_count; i++)
        text_format(out, i ? " %s" : " {%s", op_name((op_id)st->group->instructions[i].op));
    text_add(out, st->group ? "} (" : " (");
    for (int i = 0; i < st->input_count; i++) {
        text_add(out, i ? " " : "");
        print_value(p, st->inputs[i], out);
    }
    text_add(out, ") ->");
    for (int i = 0; i < st->output_count; i++) {
        text_add(out, " ");
        print_value(p, st->outputs[i], out);
    }
    text_add(out, "\n");
}

static bool program_print(const program *p, text *out) {
    for (size_t i = 0; i < p->steps.count; i++) print_step(p, &p->steps.items[i], out);
    text_format(out, "%zu steps, %lld of them copies; %zu storages", p->steps.count, (long long)p->copies,
                p->storages.count);
    for (size_t i = 0; i < p->scratches.count; i++)
        text_format(out, i ? ", %lld" : "; scratch of %lld", (long long)p->scratches.items[i].bytes);
    text_add(out, p->scratches.count ? " bytes\n" : "\n");
    return !out->failed;
}

char *tarn_dump_schedule(tarn_array *const *arrays, int count) {
    if (!arrays_check("dump_schedule", arrays, count)) return NULL;
    schedule_lock();
    program *p = schedule_make(arrays, count, (schedule_options){0}, NULL);
    text t = {0};
    bool ok = p && program_print(p, &t);
    program_release(p);
    schedule_unlock();
    if (!ok) text_free(&t);
    return ok ? text_take(&t) : NULL;
}

/* ---- who asked for memory */

static op_id last_op(const call *c) {
    return c->program ? (op_id)c->program->instructions[c->program->instruction_count - 1].op : c->op;
}

/* Whether a result or the workspace of the call lies in the base. */
static bool lies_in(const call *c, const operand_place *places, int base) {
    bool lies = false;
    for (int k = 0; k <= c->output_count; k++) lies = lies || places[c->input_count + k].base == base;
    return lies;
}

void program_name_result(const program *p, int base) {
    const operand_place *places = p->places;
    tarn_array largest = {0};
    op_id op = OP_COUNT;
    for (size_t i = 0; i < p->steps.count; i++) {
        const call *c = &p->calls[i];
        const operand *o = &c->outputs[0];
        if (c->output_count && lies_in(c, places, base) && (op == OP_COUNT || operand_size(o) > array_size(&largest))) {
            op = last_op(c);
            largest.dtype = o->dtype;
            largest.ndim = o->ndim;
            if (o->ndim) memcpy(largest.shape, o->shape, (size_t)o->ndim * sizeof *o->shape);
        }
        places += c->input_count + c->output_count + 1;
    }
    if (op == OP_COUNT) return;
    text t = {0};
    text_format(&t, "%s ", op_name(op));
    array_describe(&largest, &t);
    error_name_function(text_string(&t));
    text_free(&t);
}
