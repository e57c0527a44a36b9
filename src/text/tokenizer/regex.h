/* Regular expressions as the `tokenizers` library understands them (Oniguruma with Ruby's syntax, UTF-8), run by PCRE2.
   The only file that knows PCRE2 is regex.c; regex_syntax.c rewrites what the two read differently. */
#ifndef TOKENIZER_REGEX_H
#define TOKENIZER_REGEX_H

#include "base/text.h"
#include "base/vector.h"

typedef struct regex regex;

/* `literal` takes the pattern as plain text. On failure NULL with the reason in `why`, unless memory ran out (then the
 * error is set). */
regex *regex_new(const char *pattern, size_t length, bool literal, text *why);
void regex_free(regex *r);

typedef struct {
    size_t start, end;
} range;
typedef VECTOR(range) ranges;

/* Appends all matches in s[0..length), valid UTF-8, from left to right. An empty match right behind another match does
   not count, and nothing matches in an empty text. Fails when a match takes more steps or memory than any sensible
   pattern needs. */
bool regex_find_all(const regex *r, const char *s, size_t length, ranges *out);

/* Rewrites a pattern for PCRE2; false with the reason in `why` for what has no equivalent. */
bool regex_translate(const char *pattern, size_t length, text *out, text *why);

#endif
