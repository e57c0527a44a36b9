/* The tree that parsing makes of a template. Nodes, names and constants live in the template's arena and never change.
 */
#ifndef TEMPLATE_NODE_H
#define TEMPLATE_NODE_H

#include "template/value.h"
#include "template/token.h"

/* Beside each kind: the fields it uses. */
typedef enum {
    NODE_DATA,         /* constant */
    NODE_OUTPUT,       /* left */
    NODE_IF,           /* items: branches */
    NODE_BRANCH,       /* left: test, or NULL for else; body */
    NODE_FOR,          /* left in right if third; body, other: else; recursive */
    NODE_SET,          /* left = right */
    NODE_SET_BLOCK,    /* left, third: filter or NULL; body */
    NODE_MACRO,        /* name, items: parameters, other: their last defaults; body; catches */
    NODE_CALL_BLOCK,   /* left: the call; the rest as NODE_MACRO */
    NODE_FILTER_BLOCK, /* third: filter; body */
    NODE_WITH,         /* items = other; body */
    NODE_GENERATION,   /* body */
    NODE_BREAK,
    NODE_CONTINUE,
    NODE_CONSTANT,            /* constant */
    NODE_NAME,                /* name */
    NODE_NAMESPACE_REFERENCE, /* name . attribute, as a target */
    NODE_TUPLE,               /* items */
    NODE_LIST,                /* items */
    NODE_DICT,                /* items: key, value, key, … */
    NODE_CONDITION,           /* left if right else third (NULL: undefined) */
    NODE_OR,                  /* left, right */
    NODE_AND,                 /* left, right */
    NODE_NOT,                 /* left */
    NODE_COMPARE,             /* left, items: operands */
    NODE_OPERAND,             /* symbol, left */
    NODE_BINARY,              /* symbol, left, right */
    NODE_CONCAT,              /* items */
    NODE_UNARY,               /* symbol, left */
    NODE_ATTRIBUTE,           /* left . attribute */
    NODE_ITEM,                /* left [ right ] */
    NODE_SLICE,               /* left : right : third, each may be NULL */
    NODE_CALL,                /* left ( items, other: keywords, *right, **third ) */
    NODE_FILTER,              /* left | attribute (as NODE_CALL); left NULL in filter blocks; call */
    NODE_TEST,                /* left is attribute (as NODE_CALL); call */
    NODE_KEYWORD,             /* attribute = left */
} node_kind;

typedef struct node node;

typedef struct {
    node **items;
    size_t count;
} node_list;

/* A variable's name, one object per template and spelling; `index` numbers them. */
typedef struct {
    string text;
    size_t index;
} variable_name;

typedef struct {
    const variable_name **items;
    size_t count;
} name_list;

enum { CATCHES_CALLER = 1, CATCHES_KEYWORDS = 2, CATCHES_POSITIONALS = 4 };

struct node {
    node_kind kind;
    token_kind symbol;
    uint32_t line, column;
    uint16_t height; /* nodes on the longest way down */
    uint8_t catches;
    bool recursive;
    const variable_name *name;
    string *attribute;
    node *left, *right, *third;
    node_list items, other, body;
    name_list hidden, hidden_other; /* of the scopes that body and other (of NODE_FOR) run in: see hidden.c */
    value constant;
    const struct builtin *builtin; /* of NODE_FILTER, NODE_TEST; NULL if there is none of that name */
};

struct tarn_template {
    arena memory;
    string name;
    node_list body;
    name_list hidden;
    struct map *names;
    const variable_name **variables;
    size_t variable_count;
};

#endif
