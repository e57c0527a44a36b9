/* The parser's common part: tokens, errors, nodes, names; and the public functions that parse and free a template. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/require.h"
#include "template/builtin.h"
#include "template/parser.h"
#include "tarn/template.h"

enum { DEEPEST_NESTING = 200, HIGHEST_NODE = 400 };

static bool name_is(const token *t, const char *name) {
    return t->kind == TOKEN_NAME && t->length == strlen(name) && memcmp(t->start, name, t->length) == 0;
}

bool at_name(const parser *p, const char *name) {
    return name_is(current(p), name);
}

bool next_is_name(const parser *p, const char *name) {
    return !at_kind(p, TOKEN_END) && name_is(current(p) + 1, name);
}

bool skip_kind(parser *p, token_kind kind) {
    return at_kind(p, kind) && (p->at++, true);
}

bool skip_name(parser *p, const char *name) {
    return at_name(p, name) && (p->at++, true);
}

node *parse_fail(const parser *p, const token *at, const char *format, ...) {
    char message[512];
    va_list parts;
    va_start(parts, format);
    vsnprintf(message, sizeof message, format, parts);
    va_end(parts);
    if (!at) at = current(p);
    tarn_fail("%s:%u:%u: %s", p->name, at->line, at->column, message);
    return NULL;
}

static const char *describe(token_kind kind) {
    static const char *const names[] = {
        [TOKEN_DATA] = "text",
        [TOKEN_VARIABLE_BEGIN] = "{{",
        [TOKEN_VARIABLE_END] = "}}",
        [TOKEN_BLOCK_BEGIN] = "{%",
        [TOKEN_BLOCK_END] = "%}",
        [TOKEN_NAME] = "name",
        [TOKEN_STRING] = "string",
        [TOKEN_INTEGER] = "integer",
        [TOKEN_REAL] = "float",
        [TOKEN_END] = "end of template",
        [TOKEN_COMMA] = ",",
        [TOKEN_COLON] = ":",
        [TOKEN_RIGHT_PARENTHESIS] = ")",
        [TOKEN_RIGHT_BRACKET] = "]",
        [TOKEN_RIGHT_BRACE] = "}",
        [TOKEN_ASSIGN] = "=",
        [TOKEN_LEFT_PARENTHESIS] = "(",
    };
    return kind < sizeof names / sizeof *names && names[kind] ? names[kind] : "symbol";
}

node *parse_unexpected(const parser *p, const char *wanted) {
    const token *t = current(p);
    if (t->kind == TOKEN_END) return parse_fail(p, t, "unexpected end of template, expected %s", wanted);
    int length = t->length > 40 ? 40 : (int)t->length;
    return parse_fail(p, t, "expected %s, got '%.*s'", wanted, length, t->start);
}

bool expect(parser *p, token_kind kind) {
    char wanted[32];
    if (skip_kind(p, kind)) return true;
    snprintf(wanted, sizeof wanted, "'%s'", describe(kind));
    return parse_unexpected(p, wanted), false;
}

bool parse_enter(parser *p) {
    if (p->depth >= DEEPEST_NESTING) return parse_fail(p, NULL, "nested more than %d deep", DEEPEST_NESTING), false;
    p->depth++;
    return true;
}

node *syntax_node_new(parser *p, node_kind kind, const token *at) {
    node *n = ARENA_NEW(&p->into->memory, node);
    if (!n) return NULL;
    n->kind = kind;
    n->line = at->line;
    n->column = at->column;
    n->height = 1;
    return n;
}

static uint16_t highest(const node_list *nodes, uint16_t height) {
    for (size_t i = 0; i < nodes->count; i++)
        if (nodes->items[i]->height > height) height = nodes->items[i]->height;
    return height;
}

node *node_done(parser *p, node *n) {
    if (!n) return NULL;
    uint16_t height = highest(&n->items, highest(&n->other, highest(&n->body, 0)));
    node *const children[] = {n->left, n->right, n->third};
    for (int i = 0; i < 3; i++)
        if (children[i] && children[i]->height > height) height = children[i]->height;
    n->height = (uint16_t)(height + 1);
    if (n->height <= HIGHEST_NODE) return n;
    token at = {.line = n->line, .column = n->column};
    return parse_fail(p, &at, "this part is nested more than %d deep", HIGHEST_NODE);
}

bool node_list_take(parser *p, node_vector *from, node_list *to) {
    node **items = ARENA_NEW_ARRAY(&p->into->memory, node *, from->count);
    if (items && from->count) memcpy(items, from->items, from->count * sizeof *items);
    *to = (node_list){items, items ? from->count : 0};
    vector_free(from);
    return items != NULL;
}

string *token_text(parser *p, const token *t) {
    string *s = string_copy(&p->into->memory, t->start, t->length);
    if (s) string_characters(s); /* now, since renderings in several threads share it */
    return s;
}

const variable_name *intern(parser *p, const token *t) {
    uint64_t known;
    struct tarn_template *into = p->into;
    if (map_get(into->names, t->start, t->length, &known)) return (const variable_name *)(uintptr_t)known;
    string *spelled = token_text(p, t);
    variable_name *name = ARENA_NEW(&into->memory, variable_name);
    if (!spelled || !name) return NULL;
    *name = (variable_name){*spelled, into->variable_count};
    if (!map_set(into->names, t->start, t->length, (uint64_t)(uintptr_t)name, NULL)) return NULL;
    into->variable_count++;
    return name;
}

/* Line ends become "\n" and the last one goes away, as in Jinja. */
static size_t normalize(const char *source, size_t length, char *out) {
    size_t n = 0;
    for (size_t i = 0; i < length; i++) {
        if (source[i] == '\r' && i + 1 < length && source[i + 1] == '\n') continue;
        out[n++] = source[i] == '\r' ? '\n' : source[i];
    }
    return n > 0 && out[n - 1] == '\n' ? n - 1 : n;
}

static bool known_filters(const parser *p) {
    if (p->unknown.count == 0) return true;
    const node *n = p->unknown.items[0];
    token at = {.line = n->line, .column = n->column};
    return builtin_missing(p->name, &at, n), false;
}

static bool parse_source(parser *p, const char *source, size_t length) {
    if (!utf8_valid(source, length)) return tarn_fail("%s: the template is not valid UTF-8", p->name);
    char *copy = arena_take(&p->into->memory, length + 1);
    if (!copy) return false;
    length = normalize(source, length, copy);
    return template_tokenize(copy, length, p->name, &p->tokens) && parse_body(p, "", &p->into->body) &&
           known_filters(p) && hide_names(p->into);
}

tarn_template *tarn_template_parse(const char *source, size_t length, const char *name) {
    if (!REQUIRE(source)) return NULL;
    tarn_template *made = NEW(tarn_template);
    if (!made) return NULL;
    if (!name) name = "template";
    string *copied = string_copy(&made->memory, name, strlen(name));
    parser p = {.into = made, .name = name};
    bool ok = copied && (made->names = map_new()) && parse_source(&p, source, length);
    if (copied) made->name = *copied;
    vector_free(&p.tokens);
    vector_free(&p.unknown);
    if (ok) return made;
    tarn_template_free(made);
    return NULL;
}

void tarn_template_free(tarn_template *parsed) {
    if (!parsed) return;
    map_free(parsed->names);
    arena_free(&parsed->memory);
    memory_free(parsed);
}
