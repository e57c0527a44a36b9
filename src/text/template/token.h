/* Jinja's tokens, with its rules for white space around tags. */
#ifndef TEMPLATE_TOKEN_H
#define TEMPLATE_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/vector.h"

typedef enum {
    TOKEN_DATA,
    TOKEN_VARIABLE_BEGIN,
    TOKEN_VARIABLE_END,
    TOKEN_BLOCK_BEGIN,
    TOKEN_BLOCK_END,
    TOKEN_NAME,
    TOKEN_STRING, /* with its quotes */
    TOKEN_INTEGER,
    TOKEN_REAL,
    TOKEN_END,
    /* Operators; those of two characters first. */
    TOKEN_FLOOR_DIVIDE,
    TOKEN_POWER,
    TOKEN_EQUAL,
    TOKEN_NOT_EQUAL,
    TOKEN_GREATER_EQUAL,
    TOKEN_LESS_EQUAL,
    TOKEN_ADD,
    TOKEN_SUBTRACT,
    TOKEN_DIVIDE,
    TOKEN_MULTIPLY,
    TOKEN_MODULO,
    TOKEN_TILDE,
    TOKEN_LEFT_BRACKET,
    TOKEN_RIGHT_BRACKET,
    TOKEN_LEFT_PARENTHESIS,
    TOKEN_RIGHT_PARENTHESIS,
    TOKEN_LEFT_BRACE,
    TOKEN_RIGHT_BRACE,
    TOKEN_GREATER,
    TOKEN_LESS,
    TOKEN_ASSIGN,
    TOKEN_DOT,
    TOKEN_COLON,
    TOKEN_PIPE,
    TOKEN_COMMA,
    TOKEN_SEMICOLON,
    /* Never from the lexer: operators spelled as names. */
    TOKEN_IN,
    TOKEN_NOT_IN,
} token_kind;

typedef struct {
    token_kind kind;
    uint32_t line, column; /* from 1; columns count code points */
    const char *start;     /* into the source */
    size_t length;
} token;

typedef VECTOR(token) token_list;

/* Splits source[0..length) (line ends already "\n"); errors name the template. The last token is TOKEN_END. */
bool template_tokenize(const char *source, size_t length, const char *name, token_list *tokens);

#endif
