/* Statements. */
#include "base/map.h"
#include "template/iterate.h"
#include "template/render.h"

static bool execute_output(render *r, scope *s, const node *n) {
    value v = evaluate(r, s, n->left);
    r->at = n->left;
    return !failed(v) && write_value(r, v);
}

static bool execute_if(render *r, scope *s, const node *n) {
    for (size_t i = 0; i < n->items.count; i++) {
        const node *branch = n->items.items[i];
        value test = branch->left ? evaluate(r, s, branch->left) : boolean_value(true);
        if (failed(test)) return false;
        if (is_truthy(test)) return execute(r, s, &branch->body);
    }
    return true;
}

/* The for loop's "if": items that pass, in order and only when they are asked for. */
typedef struct {
    iterator *from;
    const node *of;
    scope *inside;
} loop_filter;

static step step_filtered(render *r, iterator *it, value *item) {
    loop_filter *f = it->state;
    for (;;) {
        step s = iterator_next(r, f->from, item);
        if (s != STEP_ITEM) return s;
        f->inside->count = 0;
        if (!assign(r, f->inside, f->of->left, *item)) return STEP_FAILED;
        value test = evaluate(r, f->inside, f->of->third);
        if (failed(test)) return STEP_FAILED;
        if (is_truthy(test)) return STEP_ITEM;
    }
}

static value filtered(render *r, scope *s, const node *n, value items) {
    loop_filter *f = ARENA_NEW(&r->memory, loop_filter);
    if (!f) return FAILED;
    *f = (loop_filter){iterate(r, items), n, scope_new(r, s)};
    return f->from && f->inside ? lazy(r, NONE, step_filtered, f) : FAILED;
}

static loop *loop_new(render *r, scope *s, const node *n, value items, int depth) {
    if (n->third) items = filtered(r, s, n, items);
    loop *l = failed(items) ? NULL : ARENA_NEW(&r->memory, loop);
    if (!l || !(l->items = iterate(r, items))) return NULL;
    l->source = items;
    l->of = n;
    l->around = s;
    l->index = l->length = -1;
    l->depth = depth;
    return l;
}

static step loop_next(render *r, loop *l) {
    step s = loop_peek(r, l);
    if (s != STEP_ITEM) return s;
    l->peeked = false;
    l->before = l->current;
    l->current = l->after;
    l->index++;
    return STEP_ITEM;
}

static bool loop_name(const render *r, const variable_name **name) {
    uint64_t known;
    if (!map_get(r->of->names, "loop", 4, &known)) return false;
    *name = (const variable_name *)(uintptr_t)known;
    return true;
}

/* One pass through the body; *stop is set by break. */
static bool loop_body(render *r, loop *l, scope *inside, const variable_name *name, bool *stop) {
    inside->count = 0;
    if (!scope_hide(r, inside, &l->of->hidden)) return false;
    if (name && !scope_set(r, inside, name, (value){.kind = VALUE_LOOP, .loop = l})) return false;
    r->at = l->of;
    if (!assign(r, inside, l->of->left, l->current) || !execute(r, inside, &l->of->body)) return false;
    *stop = r->jump == JUMP_BREAK;
    l->completed = l->completed || !r->jump;
    r->jump = JUMP_NONE;
    return true;
}

static bool run_loop(render *r, loop *l) {
    const variable_name *name = NULL;
    loop_name(r, &name);
    scope *inside = scope_new(r, l->around);
    bool stop = false;
    step s = STEP_END;
    while (inside && !stop && (s = loop_next(r, l)) == STEP_ITEM)
        if (!loop_body(r, l, inside, name, &stop)) return false;
    if (!inside || s == STEP_FAILED) return false;
    if (l->completed) return true;
    inside->count = 0;
    return scope_hide(r, inside, &l->of->hidden_other) && execute(r, inside, &l->of->other);
}

static bool execute_for(render *r, scope *s, const node *n) {
    value items = evaluate(r, s, n->right);
    r->at = n->right;
    loop *l = failed(items) ? NULL : loop_new(r, s, n, items, 0);
    return l && run_loop(r, l);
}

/* loop(items) of a recursive loop: the loop's text for other items. */
value call_loop(render *r, loop *l, value items) {
    if (!l->of->recursive) return render_fail(r, "The loop must have the 'recursive' marker to be called recursively.");
    size_t mark = render_mark(r);
    loop *inner = loop_new(r, l->around, l->of, items, l->depth + 1);
    return inner && run_loop(r, inner) ? string_value(render_cut(r, mark)) : FAILED;
}

static bool execute_set(render *r, scope *s, const node *n) {
    value v = evaluate(r, s, n->right);
    return !failed(v) && assign(r, s, n->left, v);
}

/* Filters of a block, innermost first; the first one has no value of its own. */
static value apply_filters(render *r, scope *s, const node *n, value v) {
    arguments given;
    if (n->left && failed(v = apply_filters(r, s, n->left, v))) return v;
    if (!evaluate_arguments(r, s, n, &given)) return FAILED;
    r->at = n;
    if (n->builtin) return call_builtin(r, n->builtin, v, &given);
    return render_fail(r, "No filter named '%.*s'.", (int)n->attribute->length, n->attribute->bytes);
}

/* The body's text, filtered. A break inside abandons it: *text is VALUE_NONE then. */
static bool captured(render *r, scope *s, const node *n, value *text_of) {
    size_t mark = render_mark(r);
    scope *inside = scope_new(r, s);
    if (!inside || !scope_hide(r, inside, &n->hidden) || !execute(r, inside, &n->body)) return false;
    value v = string_value(render_cut(r, mark));
    if (failed(v)) return false;
    if (r->jump) return *text_of = NONE, true;
    *text_of = n->third ? apply_filters(r, inside, n->third, v) : v;
    return !failed(*text_of);
}

static bool execute_set_block(render *r, scope *s, const node *n) {
    value v;
    if (!captured(r, s, n, &v)) return false;
    return r->jump || assign(r, s, n->left, v);
}

/* What a block gives must be text already; Jinja joins it with the rest as it is. */
static bool write_block(render *r, const node *n, value v) {
    r->at = n;
    if (failed(v)) return false;
    return is_string(v) ? render_string(r, v.string)
                        : (render_fail(r, "expected str instance, %s found", value_type_name(v)), false);
}

static bool execute_filter_block(render *r, scope *s, const node *n) {
    value v;
    return captured(r, s, n, &v) && (r->jump || write_block(r, n, v));
}

static bool execute_macro(render *r, scope *s, const node *n) {
    macro *m = macro_new(r, s, n);
    return m && scope_set(r, s, n->name, (value){.kind = VALUE_MACRO, .macro = m});
}

static bool execute_call_block(render *r, scope *s, const node *n) {
    static string caller_name = {.bytes = "caller", .length = 6, .characters = 6, .counted = true};
    arguments given;
    macro *m = macro_new(r, s, n);
    value callee = m ? evaluate(r, s, n->left->left) : FAILED;
    if (failed(callee) || !evaluate_arguments(r, s, n->left, &given)) return false;
    given.names[given.named_count] = &caller_name;
    given.named[given.named_count++] = (value){.kind = VALUE_MACRO, .macro = m};
    r->at = n;
    return write_block(r, n, call_value(r, callee, &given));
}

/* All values are worked out before any target is set. */
static bool execute_with(render *r, scope *s, const node *n) {
    scope *inside = scope_new(r, s);
    if (!inside || !scope_hide(r, inside, &n->hidden)) return false;
    for (size_t i = 0; i < n->items.count; i++) {
        value v = evaluate(r, s, n->other.items[i]);
        if (failed(v) || !assign(r, inside, n->items.items[i], v)) return false;
    }
    return execute(r, inside, &n->body);
}

static bool execute_generation(render *r, scope *s, const node *n) {
    scope *inside = scope_new(r, s);
    return inside && scope_hide(r, inside, &n->hidden) && execute(r, inside, &n->body);
}

static bool execute_one(render *r, scope *s, const node *n) {
    switch (n->kind) {
    case NODE_DATA:
        return render_string(r, n->constant.string);
    case NODE_OUTPUT:
        return execute_output(r, s, n);
    case NODE_IF:
        return execute_if(r, s, n);
    case NODE_FOR:
        return execute_for(r, s, n);
    case NODE_SET:
        return execute_set(r, s, n);
    case NODE_SET_BLOCK:
        return execute_set_block(r, s, n);
    case NODE_MACRO:
        return execute_macro(r, s, n);
    case NODE_CALL_BLOCK:
        return execute_call_block(r, s, n);
    case NODE_FILTER_BLOCK:
        return execute_filter_block(r, s, n);
    case NODE_WITH:
        return execute_with(r, s, n);
    case NODE_GENERATION:
        return execute_generation(r, s, n);
    case NODE_BREAK:
        return r->jump = JUMP_BREAK, true;
    case NODE_CONTINUE:
        return r->jump = JUMP_CONTINUE, true;
    default:
        return render_fail(r, "this statement cannot be executed"), false;
    }
}

bool execute(render *r, scope *s, const node_list *body) {
    bool ok = enter(r);
    if (!ok) return false;
    for (size_t i = 0; ok && !r->jump && i < body->count; i++) {
        r->at = body->items[i];
        ok = spend(r, 1) && execute_one(r, s, body->items[i]);
    }
    leave(r);
    return ok;
}
