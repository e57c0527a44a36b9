/* Cutting text into pieces at matches: what happens to the matches themselves is the behaviour. */
#ifndef TOKENIZER_SPLIT_H
#define TOKENIZER_SPLIT_H

#include "tokenizer/part.h"
#include "tokenizer/regex.h"

typedef enum {
    SPLIT_REMOVED,
    SPLIT_ISOLATED,
    SPLIT_MERGED_WITH_PREVIOUS,
    SPLIT_MERGED_WITH_NEXT,
    SPLIT_CONTIGUOUS
} split_behavior;

/* A member such as "behavior": "Isolated"; `fallback` (or -1 for none) if it is missing. */
bool split_read_behavior(const part *p, const char *key, int fallback, split_behavior *behavior);

/* A "pattern": {"String": "…"} or {"Regex": "…"}. */
bool split_read_pattern(const part *p, const char *key, regex **pattern);

typedef enum { PREPEND_ALWAYS, PREPEND_FIRST, PREPEND_NEVER } prepend_scheme;

/* The "prepend_scheme" of a Metaspace, or its older "add_prefix_space". */
bool split_read_prepend_scheme(const part *p, prepend_scheme *scheme);

/* Cuts `whole` at `matches` (in order, relative to its start) and appends the pieces that are not empty. With `invert`
   the text between the matches takes their role. */
bool split_at(range whole, const ranges *matches, bool invert, split_behavior behavior, ranges *pieces);

#endif
