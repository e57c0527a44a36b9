/* What the two halves of the rewriting share: regex_syntax.c for groups, quantifiers and flags, regex_class.c for what
 * matches one character. */
#ifndef TOKENIZER_REGEX_REWRITER_H
#define TOKENIZER_REGEX_REWRITER_H

#include <string.h>

#include "base/text.h"

enum { DEEPEST = 100 };

typedef struct {
    const char *at, *end;
    text *out, *why;
    size_t atom;            /* where the last atom begins in out; SIZE_MAX if a quantifier may not follow */
    size_t groups[DEEPEST]; /* where the open groups begin */
    bool outside[DEEPEST];  /* `caseless` outside of the open groups */
    int depth;
    bool caseless;
    uint32_t previous; /* the plain character just read, in lower case; 0 if there was something else */
} rewriter;

static inline bool refuse(rewriter *r, const char *what) {
    text_format(r->why, "%s is not supported", what);
    return false;
}

static inline bool follows(const rewriter *r, const char *what) {
    size_t length = strlen(what);
    return (size_t)(r->end - r->at) >= length && memcmp(r->at, what, length) == 0;
}

/* Copies count bytes of the pattern. */
static inline bool copy(rewriter *r, size_t count) {
    size_t left = (size_t)(r->end - r->at);
    if (count > left) count = left;
    bool ok = text_append(r->out, r->at, count);
    r->at += count;
    return ok;
}

static inline bool put(rewriter *r, const char *replacement, size_t consumed) {
    r->at += consumed;
    return text_add(r->out, replacement);
}

#define SEVERAL "ignoring the case of letters whose fold is more than one letter"

/* A letter of first to last folds to several, or is a mark that stands in such a fold. */
bool several_between(uint32_t first, uint32_t last);
/* The escape at the cursor, outside of a class. */
bool rewrite_escape(rewriter *r);
/* The class at the cursor, up to its closing bracket. */
bool rewrite_class(rewriter *r);

#endif
