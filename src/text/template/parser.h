/* What the files of the parser share. */
#ifndef TEMPLATE_PARSER_H
#define TEMPLATE_PARSER_H

#include "base/text.h"
#include "template/node.h"

typedef struct {
    struct tarn_template *into;
    const char *name;
    token_list tokens;
    size_t at;
    int depth;              /* of nested expressions and statements */
    int loops;              /* loops around this place that break and continue may leave */
    uint8_t *catches;       /* of the innermost macro around this place, or NULL */
    VECTOR(node *) unknown; /* filters and tests nobody knows, outside branches: an error at the end, as in Jinja */
    int soft;               /* inside the branches of an if, where unknown filters fail only when they are reached */
} parser;

typedef VECTOR(node *) node_vector;

static inline const token *current(const parser *p) {
    return &p->tokens.items[p->at];
}
static inline bool at_kind(const parser *p, token_kind kind) {
    return current(p)->kind == kind;
}
bool at_name(const parser *p, const char *name);
bool next_is_name(const parser *p, const char *name);
bool skip_kind(parser *p, token_kind kind);
bool skip_name(parser *p, const char *name);
bool expect(parser *p, token_kind kind);
/* Errors at a token (NULL: the current one); all return NULL. */
node *parse_fail(const parser *p, const token *at, const char *format, ...) __attribute__((format(printf, 3, 4)));
node *parse_unexpected(const parser *p, const char *wanted);
bool parse_enter(parser *p); /* p->depth++ within the limit */

node *syntax_node_new(parser *p, node_kind kind, const token *at);
/* Works out the height of a finished node; NULL if it is too high or child was. */
node *node_done(parser *p, node *n);
/* Moves a vector's nodes into the arena and frees it. */
bool node_list_take(parser *p, node_vector *from, node_list *to);
const variable_name *intern(parser *p, const token *t);
string *token_text(parser *p, const token *t);

/* Literals. */
value literal_integer(parser *p, const token *t);
value literal_real(parser *p, const token *t);
bool literal_string(parser *p, const token *t, text *out); /* appends what the literal means */

enum { TUPLE_SIMPLE = 1, TUPLE_NO_CONDITION = 2, TUPLE_PARENTHESES = 4, TUPLE_NAMESPACE = 8 };
node *parse_expression(parser *p);
/* One expression, or several with commas as a tuple. */
node *parse_tuple(parser *p, int flags);
node *parse_filter(parser *p, node *left, bool inline_start);
node *parse_target(parser *p, bool namespaces);
/* Statements until one of the names in `ends` (up to three, space separated); the block's name is left current. */
bool parse_body(parser *p, const char *ends, node_list *body);

/* hidden.c: fills in the names that scopes hide, once the whole template is parsed. */
bool hide_names(struct tarn_template *t);

#endif
