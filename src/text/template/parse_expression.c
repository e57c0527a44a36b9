/* Expressions, from loosest to tightest: if else, or, and, not, comparisons, + -, ~, * / // %, **, unary signs, filters
   and tests, postfix. The order is Jinja's, which differs from Python's: "~" binds tighter than "+", "is" tighter than
   any symbol. */
#include <string.h>

#include "template/builtin.h"
#include "template/parser.h"

static node *parse_unary(parser *p, bool with_filters);

typedef struct {
    token_kind tokens[4];
    int count;
} operator_level;

/* Binary operators that group to the left. */
static const operator_level levels[] = {
    {{TOKEN_ADD, TOKEN_SUBTRACT}, 2},
    {{TOKEN_TILDE}, 1},
    {{TOKEN_MULTIPLY, TOKEN_DIVIDE, TOKEN_FLOOR_DIVIDE, TOKEN_MODULO}, 4},
    {{TOKEN_POWER}, 1},
};
enum { LEVEL_COUNT = 4, LEVEL_CONCAT = 1 };

static bool at_level(const parser *p, int level) {
    for (int i = 0; i < levels[level].count; i++)
        if (at_kind(p, levels[level].tokens[i])) return true;
    return false;
}

static node *node_pair(parser *p, node_kind kind, const token *at, node *left, node *right) {
    node *n = left && right ? syntax_node_new(p, kind, at) : NULL;
    if (!n) return NULL;
    n->symbol = at->kind;
    n->left = left;
    n->right = right;
    return node_done(p, n);
}

static node *parse_level(parser *p, int level);

/* a ~ b ~ c is one node. */
static node *parse_concat(parser *p, node *first) {
    node *n = syntax_node_new(p, NODE_CONCAT, current(p));
    node_vector parts = {0};
    bool ok = n && vector_push(&parts, first);
    while (ok && skip_kind(p, TOKEN_TILDE)) {
        node *part = parse_level(p, LEVEL_CONCAT + 1);
        ok = part && vector_push(&parts, part);
    }
    ok = node_list_take(p, &parts, n ? &n->items : &(node_list){0}) && ok;
    return ok ? node_done(p, n) : NULL;
}

static node *parse_level(parser *p, int level) {
    if (level == LEVEL_COUNT) return parse_unary(p, true);
    node *left = parse_level(p, level + 1);
    if (level == LEVEL_CONCAT) return left && at_kind(p, TOKEN_TILDE) ? parse_concat(p, left) : left;
    while (left && at_level(p, level)) {
        const token *at = current(p);
        p->at++;
        left = node_pair(p, NODE_BINARY, at, left, parse_level(p, level + 1));
    }
    return left;
}

/* The comparison at this place, already skipped; TOKEN_END if there is none. */
static token_kind skip_comparison(parser *p) {
    token_kind kind = current(p)->kind;
    if (kind == TOKEN_EQUAL || kind == TOKEN_NOT_EQUAL || kind == TOKEN_LESS || kind == TOKEN_LESS_EQUAL ||
        kind == TOKEN_GREATER || kind == TOKEN_GREATER_EQUAL)
        return p->at++, kind;
    if (skip_name(p, "in")) return TOKEN_IN;
    if (at_name(p, "not") && next_is_name(p, "in")) return p->at += 2, TOKEN_NOT_IN;
    return TOKEN_END;
}

static node *parse_operand(parser *p, token_kind symbol, const token *at) {
    node *n = syntax_node_new(p, NODE_OPERAND, at);
    if (!n || !(n->left = parse_level(p, 0))) return NULL;
    n->symbol = symbol;
    return node_done(p, n);
}

static node *parse_comparison(parser *p) {
    const token *at = current(p);
    node *left = parse_level(p, 0);
    node_vector operands = {0};
    token_kind symbol;
    bool ok = left != NULL;
    for (const token *here = current(p); ok && (symbol = skip_comparison(p)) != TOKEN_END; here = current(p)) {
        node *operand = parse_operand(p, symbol, here);
        ok = operand && vector_push(&operands, operand);
    }
    node *n = ok && operands.count ? syntax_node_new(p, NODE_COMPARE, at) : NULL;
    if (!n) return vector_free(&operands), ok && !operands.count ? left : NULL;
    n->left = left;
    return node_list_take(p, &operands, &n->items) ? node_done(p, n) : NULL;
}

static node *parse_not(parser *p) {
    const token *at = current(p);
    if (!skip_name(p, "not")) return parse_comparison(p);
    if (!parse_enter(p)) return NULL;
    node *n = syntax_node_new(p, NODE_NOT, at);
    if (n && !(n->left = parse_not(p))) n = NULL;
    p->depth--;
    return node_done(p, n);
}

static node *parse_and(parser *p) {
    node *left = parse_not(p);
    for (const token *at = current(p); left && skip_name(p, "and"); at = current(p))
        left = node_pair(p, NODE_AND, at, left, parse_not(p));
    return left;
}

static node *parse_or(parser *p) {
    node *left = parse_and(p);
    for (const token *at = current(p); left && skip_name(p, "or"); at = current(p))
        left = node_pair(p, NODE_OR, at, left, parse_and(p));
    return left;
}

static node *parse_condition(parser *p) {
    size_t unknown = p->unknown.count;
    node *left = parse_or(p);
    for (const token *at = current(p); left && skip_name(p, "if"); at = current(p)) {
        node *n = node_pair(p, NODE_CONDITION, at, left, parse_or(p));
        if (n && skip_name(p, "else") && !(n->third = parse_expression(p))) return NULL;
        left = node_done(p, n);
        p->unknown.count = unknown; /* inside a condition they fail only when reached */
    }
    return left;
}

node *parse_expression(parser *p) {
    if (!parse_enter(p)) return NULL;
    node *n = parse_condition(p);
    p->depth--;
    return n;
}

static bool at_tuple_end(const parser *p) {
    return at_kind(p, TOKEN_VARIABLE_END) || at_kind(p, TOKEN_BLOCK_END) || at_kind(p, TOKEN_RIGHT_PARENTHESIS);
}

static node *parse_primary(parser *p, bool namespaces);

static node *parse_tuple_item(parser *p, int flags) {
    if (flags & TUPLE_SIMPLE) return parse_primary(p, flags & TUPLE_NAMESPACE);
    if (!(flags & TUPLE_NO_CONDITION)) return parse_expression(p);
    if (!parse_enter(p)) return NULL;
    node *n = parse_or(p);
    p->depth--;
    return n;
}

/* Reads "a, b, c"; *tuple is set when there was a comma. */
static bool parse_tuple_items(parser *p, int flags, node_vector *items, bool *tuple) {
    for (;;) {
        if (items->count && !expect(p, TOKEN_COMMA)) return false;
        if (at_tuple_end(p)) return true;
        node *item = parse_tuple_item(p, flags);
        if (!item || !vector_push(items, item)) return false;
        if (!at_kind(p, TOKEN_COMMA)) return true;
        *tuple = true;
    }
}

node *parse_tuple(parser *p, int flags) {
    const token *at = current(p);
    node_vector items = {0};
    bool tuple = false;
    if (!parse_tuple_items(p, flags, &items, &tuple)) return vector_free(&items), NULL;
    if (!tuple && items.count) {
        node *only = items.items[0];
        return vector_free(&items), only;
    }
    if (!tuple && !(flags & TUPLE_PARENTHESES)) return parse_unexpected(p, "an expression");
    node *n = syntax_node_new(p, NODE_TUPLE, at);
    return node_list_take(p, &items, n ? &n->items : &(node_list){0}) ? node_done(p, n) : NULL;
}

/* [a, b] from the bracket on; `pairs` for {a: b}. */
static node *parse_display(parser *p, node_kind kind, token_kind close, bool pairs) {
    node *n = syntax_node_new(p, kind, current(p));
    node_vector items = {0};
    bool ok = n != NULL;
    p->at++;
    while (ok && !at_kind(p, close)) {
        if (items.count && !(ok = expect(p, TOKEN_COMMA))) break;
        if (at_kind(p, close)) break;
        node *key = pairs ? parse_expression(p) : NULL;
        ok = !pairs || (key && expect(p, TOKEN_COLON) && vector_push(&items, key));
        node *item = ok ? parse_expression(p) : NULL;
        ok = item && vector_push(&items, item);
    }
    ok = node_list_take(p, &items, n ? &n->items : &(node_list){0}) && ok;
    return ok && expect(p, close) ? node_done(p, n) : NULL;
}

static node *parse_strings(parser *p) {
    node *n = syntax_node_new(p, NODE_CONSTANT, current(p));
    text all = {0};
    bool ok = n != NULL;
    for (; ok && at_kind(p, TOKEN_STRING); p->at++) ok = literal_string(p, current(p), &all);
    if (ok) n->constant = string_value(string_copy(&p->into->memory, text_string(&all), all.length));
    text_free(&all);
    if (!ok || failed(n->constant)) return NULL;
    string_characters(n->constant.string);
    return n;
}

static node *parse_constant(parser *p, value constant) {
    node *n = failed(constant) ? NULL : syntax_node_new(p, NODE_CONSTANT, current(p));
    if (!n) return NULL;
    n->constant = constant;
    p->at++;
    return n;
}

/* A macro that mentions these names receives the arguments it does not declare. */
static void note_special_name(parser *p, const token *t) {
    static const struct {
        const char *name;
        uint8_t catches;
    } special[] = {{"caller", CATCHES_CALLER}, {"kwargs", CATCHES_KEYWORDS}, {"varargs", CATCHES_POSITIONALS}};
    for (int i = 0; p->catches && i < 3; i++)
        if (t->length == strlen(special[i].name) && memcmp(t->start, special[i].name, t->length) == 0)
            *p->catches |= special[i].catches;
}

static node *parse_name(parser *p, bool namespaces) {
    if (at_name(p, "true") || at_name(p, "True")) return parse_constant(p, boolean_value(true));
    if (at_name(p, "false") || at_name(p, "False")) return parse_constant(p, boolean_value(false));
    if (at_name(p, "none") || at_name(p, "None")) return parse_constant(p, NONE);
    const token *at = current(p);
    node *n = syntax_node_new(p, NODE_NAME, at);
    if (!n || !(n->name = intern(p, at))) return NULL;
    p->at++;
    if (!namespaces || !skip_kind(p, TOKEN_DOT)) return note_special_name(p, at), n;
    n->kind = NODE_NAMESPACE_REFERENCE;
    const token *attribute = current(p);
    return expect(p, TOKEN_NAME) && (n->attribute = token_text(p, attribute)) ? n : NULL;
}

static node *parse_parentheses(parser *p) {
    p->at++;
    if (!parse_enter(p)) return NULL;
    node *n = parse_tuple(p, TUPLE_PARENTHESES);
    p->depth--;
    return n && expect(p, TOKEN_RIGHT_PARENTHESIS) ? n : NULL;
}

static node *parse_primary(parser *p, bool namespaces) {
    switch (current(p)->kind) {
    case TOKEN_NAME:
        return parse_name(p, namespaces);
    case TOKEN_STRING:
        return parse_strings(p);
    case TOKEN_INTEGER:
        return parse_constant(p, literal_integer(p, current(p)));
    case TOKEN_REAL:
        return parse_constant(p, literal_real(p, current(p)));
    case TOKEN_LEFT_PARENTHESIS:
        return parse_parentheses(p);
    case TOKEN_LEFT_BRACKET:
        return parse_display(p, NODE_LIST, TOKEN_RIGHT_BRACKET, false);
    case TOKEN_LEFT_BRACE:
        return parse_display(p, NODE_DICT, TOKEN_RIGHT_BRACE, true);
    default:
        return parse_unexpected(p, "an expression");
    }
}

/* One of the up to three parts of a slice, which may be missing. */
static bool parse_slice_part(parser *p, node **part) {
    if (at_kind(p, TOKEN_COLON) || at_kind(p, TOKEN_RIGHT_BRACKET) || at_kind(p, TOKEN_COMMA)) return true;
    return (*part = parse_expression(p)) != NULL;
}

static node *parse_subscribed(parser *p) {
    const token *at = current(p);
    node *first = NULL;
    if (!at_kind(p, TOKEN_COLON) && !(first = parse_expression(p))) return NULL;
    if (!skip_kind(p, TOKEN_COLON)) return first;
    node *n = syntax_node_new(p, NODE_SLICE, at);
    if (!n) return NULL;
    n->left = first;
    if (!parse_slice_part(p, &n->right) || (skip_kind(p, TOKEN_COLON) && !parse_slice_part(p, &n->third))) return NULL;
    return node_done(p, n);
}

static node *parse_index(parser *p, node *left) {
    const token *at = current(p);
    node_vector items = {0};
    bool ok = true;
    p->at++;
    while (ok && !at_kind(p, TOKEN_RIGHT_BRACKET)) {
        ok = !items.count || expect(p, TOKEN_COMMA);
        node *item = ok ? parse_subscribed(p) : NULL;
        ok = item && vector_push(&items, item);
    }
    node *index = ok && items.count == 1 ? items.items[0] : ok ? syntax_node_new(p, NODE_TUPLE, at) : NULL;
    if (index && items.count != 1)
        ok = node_list_take(p, &items, &index->items) && node_done(p, index);
    else
        vector_free(&items);
    return ok && expect(p, TOKEN_RIGHT_BRACKET) ? node_pair(p, NODE_ITEM, at, left, index) : NULL;
}

static node *parse_dot(parser *p, node *left) {
    const token *at = current(p), *name = at + 1;
    p->at++;
    if (at_kind(p, TOKEN_INTEGER))
        return node_pair(p, NODE_ITEM, at, left, parse_constant(p, literal_integer(p, name)));
    if (!at_kind(p, TOKEN_NAME)) return parse_unexpected(p, "a name or number");
    p->at++;
    node *n = syntax_node_new(p, NODE_ATTRIBUTE, at);
    if (!n || !(n->attribute = token_text(p, name))) return NULL;
    n->left = left;
    return node_done(p, n);
}

static bool parse_keyword(parser *p, node_vector *keywords) {
    node *n = syntax_node_new(p, NODE_KEYWORD, current(p));
    if (!n || !(n->attribute = token_text(p, current(p)))) return false;
    p->at += 2;
    return (n->left = parse_expression(p)) && node_done(p, n) && vector_push(keywords, n);
}

/* One argument of a call; Python's order of positional, keyword, * and ** arguments is checked. */
static bool parse_argument(parser *p, node *call, node_vector *items, node_vector *keywords) {
    bool keyword = at_kind(p, TOKEN_NAME) && current(p)[1].kind == TOKEN_ASSIGN;
    bool star = at_kind(p, TOKEN_MULTIPLY), stars = at_kind(p, TOKEN_POWER);
    if (call->third || (call->right && !keyword && !stars) || (keywords->count && !keyword && !star && !stars))
        return parse_fail(p, NULL, "invalid syntax for function call expression"), false;
    if (keyword) return parse_keyword(p, keywords);
    if (star || stars) p->at++;
    node *n = parse_expression(p);
    if (star || stars) return (*(star ? &call->right : &call->third) = n) != NULL;
    return n && vector_push(items, n);
}

static bool parse_arguments(parser *p, node *call) {
    node_vector items = {0}, keywords = {0};
    bool ok = expect(p, TOKEN_LEFT_PARENTHESIS);
    for (bool first = true; ok && !at_kind(p, TOKEN_RIGHT_PARENTHESIS); first = false) {
        ok = first || expect(p, TOKEN_COMMA);
        if (!ok || at_kind(p, TOKEN_RIGHT_PARENTHESIS)) break;
        ok = parse_argument(p, call, &items, &keywords);
    }
    bool taken = node_list_take(p, &items, &call->items);
    taken = node_list_take(p, &keywords, &call->other) && taken;
    return ok && taken && expect(p, TOKEN_RIGHT_PARENTHESIS);
}

static node *parse_call(parser *p, node *left) {
    node *n = syntax_node_new(p, NODE_CALL, current(p));
    if (!n) return NULL;
    n->left = left;
    return parse_arguments(p, n) ? node_done(p, n) : NULL;
}

static node *parse_postfix(parser *p, node *n) {
    while (n) {
        if (at_kind(p, TOKEN_DOT))
            n = parse_dot(p, n);
        else if (at_kind(p, TOKEN_LEFT_BRACKET))
            n = parse_index(p, n);
        else if (at_kind(p, TOKEN_LEFT_PARENTHESIS))
            n = parse_call(p, n);
        else
            break;
    }
    return n;
}

/* The name of a filter or test, which may have dots. */
static bool parse_builtin_name(parser *p, node *n) {
    const token *first = current(p);
    if (!expect(p, TOKEN_NAME)) return false;
    while (skip_kind(p, TOKEN_DOT))
        if (!expect(p, TOKEN_NAME)) return false;
    const token *last = current(p) - 1;
    token whole = {.start = first->start, .length = (size_t)(last->start + last->length - first->start)};
    if (!(n->attribute = token_text(p, &whole))) return false;
    n->builtin = builtin_find(n->kind == NODE_FILTER ? BUILTIN_FILTERS : BUILTIN_TESTS, n->attribute->bytes,
                              n->attribute->length);
    return n->builtin || p->soft || vector_push(&p->unknown, n);
}

node *parse_filter(parser *p, node *left, bool inline_start) {
    for (; inline_start || at_kind(p, TOKEN_PIPE); inline_start = false) {
        if (!inline_start) p->at++;
        node *n = syntax_node_new(p, NODE_FILTER, current(p));
        if (!n || !parse_builtin_name(p, n)) return NULL;
        n->left = left;
        if (at_kind(p, TOKEN_LEFT_PARENTHESIS) && !parse_arguments(p, n)) return NULL;
        if (!(left = node_done(p, n))) return NULL;
    }
    return left;
}

/* A test may have one argument without parentheses: "x is divisibleby 3". */
static bool at_test_argument(const parser *p) {
    switch (current(p)->kind) {
    case TOKEN_NAME:
        return !at_name(p, "else") && !at_name(p, "or") && !at_name(p, "and");
    case TOKEN_STRING:
    case TOKEN_INTEGER:
    case TOKEN_REAL:
    case TOKEN_LEFT_BRACKET:
    case TOKEN_LEFT_BRACE:
        return true;
    default:
        return false;
    }
}

static bool parse_test_argument(parser *p, node *n) {
    if (at_name(p, "is")) return parse_fail(p, NULL, "You cannot chain multiple tests with is"), false;
    node *argument = parse_enter(p) ? parse_postfix(p, parse_primary(p, false)) : NULL;
    p->depth -= argument != NULL;
    node_vector items = {0};
    return argument && vector_push(&items, argument) && node_list_take(p, &items, &n->items);
}

static node *parse_test(parser *p, node *left) {
    const token *at = current(p);
    p->at++;
    bool negated = skip_name(p, "not");
    node *n = syntax_node_new(p, NODE_TEST, at);
    if (!n || !parse_builtin_name(p, n)) return NULL;
    n->left = left;
    if (at_kind(p, TOKEN_LEFT_PARENTHESIS) ? !parse_arguments(p, n) : at_test_argument(p) && !parse_test_argument(p, n))
        return NULL;
    node *inner = node_done(p, n);
    if (!negated || !inner) return inner;
    node *outer = syntax_node_new(p, NODE_NOT, at);
    if (outer) outer->left = inner;
    return node_done(p, outer);
}

static node *parse_filters_and_tests(parser *p, node *n) {
    while (n) {
        if (at_kind(p, TOKEN_PIPE))
            n = parse_filter(p, n, false);
        else if (at_name(p, "is"))
            n = parse_test(p, n);
        else if (at_kind(p, TOKEN_LEFT_PARENTHESIS))
            n = parse_call(p, n);
        else
            break;
    }
    return n;
}

static node *parse_sign(parser *p) {
    node *n = syntax_node_new(p, NODE_UNARY, current(p));
    if (!n || !parse_enter(p)) return NULL;
    n->symbol = current(p)->kind;
    p->at++;
    n->left = parse_unary(p, false);
    p->depth--;
    return n->left ? node_done(p, n) : NULL;
}

static node *parse_unary(parser *p, bool with_filters) {
    bool sign = at_kind(p, TOKEN_SUBTRACT) || at_kind(p, TOKEN_ADD);
    node *n = parse_postfix(p, sign ? parse_sign(p) : parse_primary(p, false));
    return with_filters ? parse_filters_and_tests(p, n) : n;
}

static bool can_assign(const node *n) {
    if (n->kind == NODE_NAME || n->kind == NODE_NAMESPACE_REFERENCE) return true;
    if (n->kind != NODE_TUPLE) return false;
    for (size_t i = 0; i < n->items.count; i++)
        if (!can_assign(n->items.items[i])) return false;
    return true;
}

node *parse_target(parser *p, bool namespaces) {
    const token *at = current(p);
    uint8_t *catches = p->catches; /* a target is no use of the name */
    p->catches = NULL;
    node *n = parse_tuple(p, TUPLE_SIMPLE | (namespaces ? TUPLE_NAMESPACE : 0));
    p->catches = catches;
    return !n || can_assign(n) ? n : parse_fail(p, at, "can't assign to this expression");
}
