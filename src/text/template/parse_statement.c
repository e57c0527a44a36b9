/* Statements: {% … %} tags with their bodies, and the text between them. */
#include <string.h>

#include "template/parser.h"

/* True when the current name is one of the space separated `names`. */
static bool at_one_of(const parser *p, const char *names) {
    const token *t = current(p);
    while (*names && t->kind == TOKEN_NAME) {
        size_t length = strcspn(names, " ");
        if (t->length == length && memcmp(t->start, names, length) == 0) return true;
        names += length + (names[length] == ' ');
    }
    return false;
}

/* What an inner scope saves and restores: branches do not count there, and a function is not left by break. */
typedef struct {
    int soft, loops;
    uint8_t *catches;
} outside;

static outside enter_scope(parser *p, bool function, node *catching) {
    outside saved = {p->soft, p->loops, p->catches};
    p->soft = 0;
    if (function) p->loops = 0;
    if (catching) p->catches = &catching->catches;
    return saved;
}

static void leave_scope(parser *p, outside saved) {
    uint8_t *inner = p->catches;
    p->soft = saved.soft;
    p->loops = saved.loops;
    p->catches = saved.catches;
    if (inner != saved.catches && saved.catches) *saved.catches |= *inner;
}

/* Colon, end of the tag, statements, and the name that ends them (skipped). */
static bool parse_block(parser *p, const char *end, node_list *body) {
    skip_kind(p, TOKEN_COLON);
    if (!expect(p, TOKEN_BLOCK_END) || !parse_body(p, end, body)) return false;
    p->at++;
    return true;
}

static bool parse_scope(parser *p, const char *end, bool function, node *catching, node_list *body) {
    outside saved = enter_scope(p, function, catching);
    bool ok = parse_block(p, end, body);
    leave_scope(p, saved);
    return ok;
}

static bool parse_branches(parser *p, node_vector *branches) {
    for (;;) {
        node *branch = syntax_node_new(p, NODE_BRANCH, current(p));
        bool otherwise = at_name(p, "else");
        p->at++;
        if (!branch || (!otherwise && !(branch->left = parse_tuple(p, TUPLE_NO_CONDITION)))) return false;
        skip_kind(p, TOKEN_COLON);
        if (!expect(p, TOKEN_BLOCK_END) || !parse_body(p, otherwise ? "endif" : "elif else endif", &branch->body))
            return false;
        if (!node_done(p, branch) || !vector_push(branches, branch)) return false;
        if (skip_name(p, "endif")) return true;
    }
}

static node *parse_if(parser *p, node *n) {
    node_vector branches = {0};
    p->at--; /* the first branch begins at "if", as the others at "elif" */
    p->soft++;
    bool ok = parse_branches(p, &branches);
    p->soft--;
    return node_list_take(p, &branches, &n->items) && ok ? n : NULL;
}

/* "loop" belongs to the loop itself. */
static bool assigns_loop(const node *target) {
    if (target->kind == NODE_NAME) return string_is(&target->name->text, "loop");
    for (size_t i = 0; i < target->items.count; i++)
        if (assigns_loop(target->items.items[i])) return true;
    return false;
}

static bool parse_for_body(parser *p, node *n) {
    outside saved = enter_scope(p, false, NULL);
    if (n->recursive) p->loops = 0;
    p->loops++;
    skip_kind(p, TOKEN_COLON);
    bool ok = expect(p, TOKEN_BLOCK_END) && parse_body(p, "endfor else", &n->body);
    p->loops--;
    ok = ok && (skip_name(p, "endfor") || (p->at++, parse_block(p, "endfor", &n->other)));
    leave_scope(p, saved);
    return ok;
}

static node *parse_for(parser *p, node *n) {
    const token *at = current(p);
    if (!(n->left = parse_target(p, false))) return NULL;
    if (assigns_loop(n->left)) return parse_fail(p, at, "Can't assign to special loop variable in for-loop target");
    if (!skip_name(p, "in")) return parse_unexpected(p, "'in'");
    if (!(n->right = parse_tuple(p, TUPLE_NO_CONDITION))) return NULL;
    if (skip_name(p, "if") && !(n->third = parse_expression(p))) return NULL;
    n->recursive = skip_name(p, "recursive");
    return parse_for_body(p, n) ? n : NULL;
}

static node *parse_set(parser *p, node *n) {
    if (!(n->left = parse_target(p, true))) return NULL;
    if (skip_kind(p, TOKEN_ASSIGN)) return (n->right = parse_tuple(p, 0)) ? n : NULL;
    n->kind = NODE_SET_BLOCK;
    if (at_kind(p, TOKEN_PIPE) && !(n->third = parse_filter(p, NULL, false))) return NULL;
    return parse_scope(p, "endset", false, NULL, &n->body) ? n : NULL;
}

static bool parse_parameter(parser *p, node_vector *names, node_vector *defaults) {
    node *name = syntax_node_new(p, NODE_NAME, current(p));
    const token *at = current(p);
    if (!name || !expect(p, TOKEN_NAME) || !(name->name = intern(p, at)) || !vector_push(names, name)) return false;
    if (!skip_kind(p, TOKEN_ASSIGN))
        return defaults->count == 0 || (parse_fail(p, NULL, "non-default argument follows default argument"), false);
    node *value_node = parse_expression(p);
    return value_node && vector_push(defaults, value_node);
}

static bool parse_signature(parser *p, node *n) {
    node_vector names = {0}, defaults = {0};
    bool ok = expect(p, TOKEN_LEFT_PARENTHESIS);
    while (ok && !at_kind(p, TOKEN_RIGHT_PARENTHESIS))
        ok = (names.count == 0 || expect(p, TOKEN_COMMA)) && parse_parameter(p, &names, &defaults);
    bool taken = node_list_take(p, &names, &n->items);
    taken = node_list_take(p, &defaults, &n->other) && taken;
    return ok && taken && expect(p, TOKEN_RIGHT_PARENTHESIS);
}

/* What a parameter list names itself is not caught besides. */
static bool parse_macro_body(parser *p, node *n, const char *end) {
    if (!parse_scope(p, end, true, n, &n->body)) return false;
    size_t without_default = n->items.count - n->other.count;
    for (size_t i = 0; i < n->items.count; i++) {
        const string *name = &n->items.items[i]->name->text;
        if (string_is(name, "kwargs")) n->catches &= (uint8_t)~CATCHES_KEYWORDS;
        if (string_is(name, "varargs")) n->catches &= (uint8_t)~CATCHES_POSITIONALS;
        if (!string_is(name, "caller") || !(n->catches & CATCHES_CALLER)) continue;
        token at = {.line = n->line, .column = n->column};
        if (i < without_default)
            return parse_fail(p, &at, "the special \"caller\" argument must be omitted or be given a default"), false;
    }
    return true;
}

static node *parse_macro(parser *p, node *n) {
    const token *name = current(p);
    if (!expect(p, TOKEN_NAME) || !(n->name = intern(p, name))) return NULL;
    return parse_signature(p, n) && parse_macro_body(p, n, "endmacro") ? n : NULL;
}

static node *parse_call_block(parser *p, node *n) {
    if (at_kind(p, TOKEN_LEFT_PARENTHESIS) && !parse_signature(p, n)) return NULL;
    const token *at = current(p);
    if (!(n->left = parse_expression(p))) return NULL;
    if (n->left->kind != NODE_CALL) return parse_fail(p, at, "expected call");
    return parse_macro_body(p, n, "endcall") ? n : NULL;
}

static node *parse_filter_block(parser *p, node *n) {
    outside saved = enter_scope(p, false, NULL);
    bool ok = (n->third = parse_filter(p, NULL, true)) && parse_block(p, "endfilter", &n->body);
    leave_scope(p, saved);
    return ok ? n : NULL;
}

static node *parse_with(parser *p, node *n) {
    node_vector targets = {0}, values = {0};
    bool ok = true;
    while (ok && !at_kind(p, TOKEN_BLOCK_END)) {
        ok = !targets.count || expect(p, TOKEN_COMMA);
        node *target = ok ? parse_target(p, false) : NULL;
        ok = target && vector_push(&targets, target) && expect(p, TOKEN_ASSIGN);
        node *item = ok ? parse_expression(p) : NULL;
        ok = item && vector_push(&values, item);
    }
    bool taken = node_list_take(p, &targets, &n->items);
    taken = node_list_take(p, &values, &n->other) && taken;
    return ok && taken && parse_scope(p, "endwith", false, NULL, &n->body) ? n : NULL;
}

/* The body is a function of its own, as transformers' extension makes it a call block. */
static node *parse_generation(parser *p, node *n) {
    return parse_scope(p, "endgeneration", true, NULL, &n->body) ? n : NULL;
}

static node *parse_jump(parser *p, node *n) {
    if (p->loops) return n;
    token at = {.line = n->line, .column = n->column};
    return parse_fail(p, &at, "'%s' outside of a loop", n->kind == NODE_BREAK ? "break" : "continue");
}

/* {% print a, b %}: the items of a tuple-like node, written one after the other. */
static node *parse_print(parser *p, node *n) {
    node_vector items = {0};
    bool ok = true;
    while (ok && !at_kind(p, TOKEN_BLOCK_END)) {
        ok = !items.count || expect(p, TOKEN_COMMA);
        node *item = ok ? parse_expression(p) : NULL;
        ok = item && vector_push(&items, item);
    }
    if (!node_list_take(p, &items, &n->items) || !ok) return NULL;
    node *all = syntax_node_new(p, NODE_CONCAT, current(p));
    if (!all) return NULL;
    all->items = n->items;
    n->items = (node_list){0};
    return (n->left = node_done(p, all)) ? n : NULL;
}

typedef struct {
    const char *name;
    node_kind kind;
    node *(*parse)(parser *p, node *n);
} statement;

static const statement statements[] = {
    {"if", NODE_IF, parse_if},
    {"for", NODE_FOR, parse_for},
    {"set", NODE_SET, parse_set},
    {"macro", NODE_MACRO, parse_macro},
    {"call", NODE_CALL_BLOCK, parse_call_block},
    {"filter", NODE_FILTER_BLOCK, parse_filter_block},
    {"with", NODE_WITH, parse_with},
    {"generation", NODE_GENERATION, parse_generation},
    {"break", NODE_BREAK, parse_jump},
    {"continue", NODE_CONTINUE, parse_jump},
    {"print", NODE_OUTPUT, parse_print},
};

static node *unknown_tag(parser *p, const token *at) {
    static const char unsupported[] = "block extends include import from autoescape";
    if (at_one_of(p, unsupported))
        return parse_fail(p, at, "the tag '%.*s' is not supported in chat templates", (int)at->length, at->start);
    return parse_fail(p, at, "Encountered unknown tag '%.*s'.", (int)(at->length > 60 ? 60 : at->length), at->start);
}

static node *parse_statement(parser *p) {
    const token *at = current(p);
    if (at->kind != TOKEN_NAME) return parse_unexpected(p, "a tag name");
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++) {
        if (!at_name(p, statements[i].name)) continue;
        node *n = syntax_node_new(p, statements[i].kind, at);
        p->at++;
        return n ? node_done(p, statements[i].parse(p, n)) : NULL;
    }
    return unknown_tag(p, at);
}

static node *parse_data(parser *p) {
    node *n = syntax_node_new(p, NODE_DATA, current(p));
    if (!n) return NULL;
    n->constant = string_value(string_share(&p->into->memory, current(p)->start, current(p)->length));
    p->at++;
    return failed(n->constant) ? NULL : n;
}

static node *parse_output(parser *p) {
    node *n = syntax_node_new(p, NODE_OUTPUT, current(p));
    p->at++;
    if (!n || !(n->left = parse_tuple(p, 0)) || !expect(p, TOKEN_VARIABLE_END)) return NULL;
    return node_done(p, n);
}

/* One piece of a body; *end is set at a tag that ends it. */
static node *parse_piece(parser *p, const char *ends, bool *end) {
    if (at_kind(p, TOKEN_DATA)) return parse_data(p);
    if (at_kind(p, TOKEN_VARIABLE_BEGIN)) return parse_output(p);
    p->at++;
    if ((*end = at_one_of(p, ends))) return NULL;
    node *n = parse_statement(p);
    return n && expect(p, TOKEN_BLOCK_END) ? n : NULL;
}

static bool parse_pieces(parser *p, const char *ends, node_vector *pieces) {
    while (!at_kind(p, TOKEN_END)) {
        bool end = false;
        node *n = parse_piece(p, ends, &end);
        if (end) return true;
        if (!n || !vector_push(pieces, n)) return false;
    }
    if (!*ends) return true;
    return parse_fail(p, NULL, "unexpected end of template, looking for one of: %s", ends), false;
}

bool parse_body(parser *p, const char *ends, node_list *body) {
    node_vector pieces = {0};
    if (!parse_enter(p)) return false;
    bool ok = parse_pieces(p, ends, &pieces);
    p->depth--;
    return node_list_take(p, &pieces, body) && ok;
}
