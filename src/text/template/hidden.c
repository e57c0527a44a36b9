/* Names that a scope hides. In Jinja a scope (template, loop body, macro, block) owns a name from its beginning when it
   assigns to it anywhere outside of an if, before its own statements ask for it; so scopes inside of it that ask
   earlier find nothing there, not the template's variable of that name. Scopes inside count only when they ask, not for
   what the outer one owns. */
#include "base/memory.h"
#include "template/parser.h"

typedef struct {
    struct tarn_template *of;
    size_t *around; /* by variable_name.index: how many of the scopes around know the name */
    size_t *known;  /* the last scope, by number, whose own statements know it */
    size_t scopes;
} hider;

/* One scope while its own statements are read. */
typedef struct {
    hider *h;
    size_t number;
    VECTOR(const variable_name *) names; /* all that it knows */
    VECTOR(const variable_name *) hidden;
    bool failed;
} owner;

static void know(owner *o, const variable_name *name) {
    if (o->h->known[name->index] == o->number) return;
    o->h->known[name->index] = o->number;
    o->failed = o->failed || !vector_push(&o->names, name);
}

static void load(owner *o, const variable_name *name) {
    if (o->h->around[name->index] == 0) know(o, name);
}

static void store(owner *o, const variable_name *name, bool certain) {
    bool first = o->h->known[name->index] != o->number && o->h->around[name->index] == 0;
    if (first && certain) o->failed = o->failed || !vector_push(&o->hidden, name);
    know(o, name);
}

static void load_all(owner *o, const node *n);

static void load_list(owner *o, const node_list *nodes) {
    for (size_t i = 0; i < nodes->count; i++) load_all(o, nodes->items[i]);
}

/* Every name in an expression. */
static void load_all(owner *o, const node *n) {
    if (!n) return;
    if (n->kind == NODE_NAME) load(o, n->name);
    load_all(o, n->left);
    load_all(o, n->right);
    load_all(o, n->third);
    load_list(o, &n->items);
    load_list(o, &n->other);
}

static void store_target(owner *o, const node *target, bool certain) {
    if (target->kind == NODE_NAME) store(o, target->name, certain);
    if (target->kind == NODE_NAMESPACE_REFERENCE) load(o, target->name);
    for (size_t i = 0; i < target->items.count; i++) store_target(o, target->items.items[i], certain);
}

/* A parameter, or the variable of a loop: there from the beginning. */
static void know_target(owner *o, const node *target) {
    if (target->kind == NODE_NAME) know(o, target->name);
    for (size_t i = 0; i < target->items.count; i++) know_target(o, target->items.items[i]);
}

static void read_statements(owner *o, const node_list *body, bool certain);

/* The expression that a statement evaluates in the scope that it stands in. */
static void read_expression(owner *o, const node *n) {
    switch (n->kind) {
    case NODE_FOR:
    case NODE_SET:
        load_all(o, n->right);
        break;
    case NODE_FILTER_BLOCK:
        load_all(o, n->third);
        break;
    case NODE_WITH:
        load_list(o, &n->other);
        break;
    case NODE_OUTPUT:
    case NODE_CALL_BLOCK:
        load_all(o, n->left);
        break;
    default:
        break;
    }
}

static void read_branches(owner *o, const node *n) {
    for (size_t i = 0; i < n->items.count; i++) {
        load_all(o, n->items.items[i]->left);
        read_statements(o, &n->items.items[i]->body, false);
    }
}

static void read_statement(owner *o, const node *n, bool certain) {
    read_expression(o, n);
    if (n->kind == NODE_IF) read_branches(o, n);
    if (n->kind == NODE_SET || n->kind == NODE_SET_BLOCK) store_target(o, n->left, certain);
    if (n->kind == NODE_MACRO) store(o, n->name, certain);
}

static void read_statements(owner *o, const node_list *body, bool certain) {
    for (size_t i = 0; i < body->count; i++) read_statement(o, body->items[i], certain);
}

static bool hide_inside(hider *h, const node_list *body);

/* The scopes inside of one whose own statements have been read. */
static bool close_scope(owner *o, const node_list *body, name_list *hidden) {
    hider *h = o->h;
    hidden->items = ARENA_NEW_ARRAY(&h->of->memory, const variable_name *, o->hidden.count);
    bool ok = hidden->items && !o->failed;
    if (ok) hidden->count = o->hidden.count;
    for (size_t i = 0; ok && i < hidden->count; i++) hidden->items[i] = o->hidden.items[i];
    for (size_t i = 0; i < o->names.count; i++) h->around[o->names.items[i]->index]++;
    ok = ok && hide_inside(h, body);
    for (size_t i = 0; i < o->names.count; i++) h->around[o->names.items[i]->index]--;
    vector_free(&o->names);
    vector_free(&o->hidden);
    return ok;
}

static owner open_scope(hider *h) {
    return (owner){.h = h, .number = ++h->scopes};
}

/* The body of a statement: its parameters or targets (`known`), defaults, filter, and statements. */
static bool hide_body(hider *h, node *n, const node_list *known) {
    owner o = open_scope(h);
    for (size_t i = 0; i < known->count; i++) know_target(&o, known->items[i]);
    if (n->kind == NODE_FOR) know_target(&o, n->left);
    if (n->kind == NODE_MACRO || n->kind == NODE_CALL_BLOCK) load_list(&o, &n->other);
    if (n->kind == NODE_FILTER_BLOCK) load_all(&o, n->third);
    read_statements(&o, &n->body, true);
    return close_scope(&o, &n->body, &n->hidden);
}

static bool hide_else(hider *h, node *n) {
    owner o = open_scope(h);
    read_statements(&o, &n->other, true);
    return close_scope(&o, &n->other, &n->hidden_other);
}

static bool hide_statement(hider *h, node *n) {
    static const node_list none = {0};
    switch (n->kind) {
    case NODE_IF:
        for (size_t i = 0; i < n->items.count; i++)
            if (!hide_inside(h, &n->items.items[i]->body)) return false;
        return true;
    case NODE_FOR:
        return hide_body(h, n, &none) && hide_else(h, n);
    case NODE_MACRO:
    case NODE_CALL_BLOCK:
    case NODE_WITH:
        return hide_body(h, n, &n->items);
    case NODE_SET_BLOCK:
    case NODE_FILTER_BLOCK:
    case NODE_GENERATION:
        return hide_body(h, n, &none);
    default:
        return true;
    }
}

static bool hide_inside(hider *h, const node_list *body) {
    for (size_t i = 0; i < body->count; i++)
        if (!hide_statement(h, body->items[i])) return false;
    return true;
}

bool hide_names(struct tarn_template *t) {
    hider h = {.of = t, .around = NEW_ARRAY(size_t, t->variable_count), .known = NEW_ARRAY(size_t, t->variable_count)};
    bool ok = h.around && h.known;
    if (ok) {
        owner root = open_scope(&h);
        read_statements(&root, &t->body, true);
        ok = close_scope(&root, &t->body, &t->hidden);
    }
    memory_free(h.around);
    memory_free(h.known);
    return ok;
}
