/* Expressions. */
#include "template/iterate.h"
#include "template/render.h"

static value evaluate_items(render *r, scope *s, const node *n) {
    const node_list *nodes = &n->items;
    list *l = list_new(&r->memory, nodes->count);
    if (!l) return FAILED;
    for (size_t i = 0; i < nodes->count; i++) {
        value v = evaluate(r, s, nodes->items[i]);
        r->at = n;
        if (failed(v) || !list_push(&r->memory, l, v)) return FAILED;
    }
    return n->kind == NODE_TUPLE ? tuple_value(l) : list_value(l);
}

static value evaluate_dict(render *r, scope *s, const node *n) {
    dict *d = dict_new(&r->memory);
    for (size_t i = 0; d && i < n->items.count; i += 2) {
        value key = evaluate(r, s, n->items.items[i]);
        value item = failed(key) ? FAILED : evaluate(r, s, n->items.items[i + 1]);
        r->at = n;
        if (failed(item) || !dict_set(&r->memory, d, key, item)) return FAILED;
    }
    return dict_value(d);
}

static value evaluate_condition(render *r, scope *s, const node *n) {
    value test = evaluate(r, s, n->right);
    if (failed(test)) return FAILED;
    if (is_truthy(test)) return evaluate(r, s, n->left);
    if (n->third) return evaluate(r, s, n->third);
    return undefined_hint(r, "the inline if-expression evaluated to false and no else section was defined.");
}

/* The value that decided, as in Python. */
static value evaluate_either(render *r, scope *s, const node *n) {
    value left = evaluate(r, s, n->left);
    if (failed(left) || is_truthy(left) == (n->kind == NODE_OR)) return left;
    return evaluate(r, s, n->right);
}

static value evaluate_not(render *r, scope *s, const node *n) {
    value v = evaluate(r, s, n->left);
    return failed(v) ? v : boolean_value(!is_truthy(v));
}

/* a < b < c: true while each holds; what comes after is not evaluated. */
static value evaluate_comparison(render *r, scope *s, const node *n) {
    value left = evaluate(r, s, n->left);
    bool holds = !failed(left);
    if (!holds) return FAILED;
    for (size_t i = 0; holds && i < n->items.count; i++) {
        const node *operand = n->items.items[i];
        value right = evaluate(r, s, operand->left);
        r->at = operand;
        if (failed(right) || !compare(r, operand->symbol, left, right, &holds)) return FAILED;
        left = right;
    }
    return boolean_value(holds);
}

static value evaluate_binary(render *r, scope *s, const node *n) {
    value left = evaluate(r, s, n->left);
    value right = failed(left) ? FAILED : evaluate(r, s, n->right);
    r->at = n;
    return failed(right) ? FAILED : operate(r, n->symbol, left, right);
}

static value evaluate_concat(render *r, scope *s, const node *n) {
    string *all = string_share(&r->memory, "", 0);
    for (size_t i = 0; all && i < n->items.count; i++) {
        value v = evaluate(r, s, n->items.items[i]);
        r->at = n;
        string *part = failed(v) ? NULL : value_string(r, v);
        /* The first part is not copied, and what is copied to grow a buffer counts as memory. */
        all = part && spend(r, i ? part->length : 0) ? string_join_two(&r->memory, all, part) : NULL;
    }
    return string_value(all && all->markup ? string_share(&r->memory, all->bytes, all->length) : all);
}

static value evaluate_sign(render *r, scope *s, const node *n) {
    value v = evaluate(r, s, n->left);
    r->at = n;
    return failed(v) ? v : operate_sign(r, n->symbol, v);
}

static value evaluate_attribute(render *r, scope *s, const node *n) {
    value v = evaluate(r, s, n->left);
    r->at = n;
    return failed(v) ? v : get_attribute(r, v, n->attribute);
}

static bool evaluate_part(render *r, scope *s, const node *n, value *part) {
    return !n || !failed(*part = evaluate(r, s, n));
}

static value evaluate_slice(render *r, scope *s, value v, const node *n) {
    value start = FAILED, stop = FAILED, stride = FAILED;
    bool ok = evaluate_part(r, s, n->left, &start) && evaluate_part(r, s, n->right, &stop) &&
              evaluate_part(r, s, n->third, &stride);
    r->at = n;
    return ok ? get_slice(r, v, start, stop, stride) : FAILED;
}

static value evaluate_item(render *r, scope *s, const node *n) {
    value v = evaluate(r, s, n->left);
    if (failed(v)) return v;
    if (n->right->kind == NODE_SLICE) return evaluate_slice(r, s, v, n->right);
    value index = evaluate(r, s, n->right);
    r->at = n;
    return failed(index) ? index : get_item(r, v, index);
}

static value evaluate_call(render *r, scope *s, const node *n) {
    arguments given;
    value callee = evaluate(r, s, n->left);
    if (failed(callee) || !evaluate_arguments(r, s, n, &given)) return FAILED;
    r->at = n;
    return call_value(r, callee, &given);
}

static value evaluate_builtin(render *r, scope *s, const node *n) {
    arguments given;
    value v = evaluate(r, s, n->left);
    if (failed(v) || !evaluate_arguments(r, s, n, &given)) return FAILED;
    r->at = n;
    if (n->builtin) return call_builtin(r, n->builtin, v, &given);
    token at = {.line = n->line, .column = n->column};
    r->placed = true;
    builtin_missing(r->of->name.bytes, &at, n);
    return FAILED;
}

static value dispatch(render *r, scope *s, const node *n) {
    switch (n->kind) {
    case NODE_CONSTANT:
        return n->constant;
    case NODE_NAME:
        return scope_get(r, s, n->name);
    case NODE_TUPLE:
    case NODE_LIST:
        return evaluate_items(r, s, n);
    case NODE_DICT:
        return evaluate_dict(r, s, n);
    case NODE_CONDITION:
        return evaluate_condition(r, s, n);
    case NODE_OR:
    case NODE_AND:
        return evaluate_either(r, s, n);
    case NODE_NOT:
        return evaluate_not(r, s, n);
    case NODE_COMPARE:
        return evaluate_comparison(r, s, n);
    case NODE_BINARY:
        return evaluate_binary(r, s, n);
    case NODE_CONCAT:
        return evaluate_concat(r, s, n);
    case NODE_UNARY:
        return evaluate_sign(r, s, n);
    case NODE_ATTRIBUTE:
        return evaluate_attribute(r, s, n);
    case NODE_ITEM:
        return evaluate_item(r, s, n);
    case NODE_CALL:
        return evaluate_call(r, s, n);
    case NODE_FILTER:
    case NODE_TEST:
        return evaluate_builtin(r, s, n);
    default:
        return render_fail(r, "this expression cannot be evaluated");
    }
}

value evaluate(render *r, scope *s, const node *n) {
    r->at = n;
    if (!spend(r, 1) || !enter(r)) return FAILED;
    value v = dispatch(r, s, n);
    leave(r);
    return v;
}
