/* Normalizers: steps that rewrite text before it is split. */
#ifndef TOKENIZER_NORMALIZER_H
#define TOKENIZER_NORMALIZER_H

#include "tokenizer/part.h"
#include "tokenizer/regex.h"
#include "unicode/database.h"

/* Text on its way through the steps. Each step reads `now`, writes `next`, and ends with working_finish. */
typedef struct {
    text now, next;
    size_t
        zero;  /* how many bytes of `now` stem from the first character of the input: Metaspace "first" asks for that */
    size_t at; /* the next character that working_next reads */
    size_t next_zero;
    bool passed;  /* next_zero is known */
    size_t limit; /* bytes that `now` may have, by the length of the text: steps of a hostile file multiply */
} working;

/* `first`: the text stands at the beginning of the input. */
bool working_set(working *w, const char *s, size_t length, bool first);
/* The next character of `now`; false at the end. */
bool working_next(working *w, uint32_t *c);
/* For steps that copy parts instead of characters: all that was read up to `at` of `now` is written. */
void working_reached(working *w, size_t at);
bool working_put(working *w, uint32_t c);
bool working_finish(working *w);
void working_free(working *w);

typedef struct normal_step {
    bool (*apply)(const struct normal_step *step, working *w);
    unicode_form form;
    bool left, right;                              /* Strip */
    bool clean, chinese, strip_accents, lowercase; /* BertNormalizer */
    regex *pattern;                                /* Replace */
    char *string;                                  /* what Prepend puts in front, what Replace puts in */
    size_t length;
} normal_step;

typedef VECTOR(normal_step) normalizer;

/* Reads a normalizer, or nothing from a null; a Sequence becomes its steps. */
bool normalizer_read(normalizer *n, const part *p);
bool normalizer_apply(const normalizer *n, working *w);
void normalizer_free(normalizer *n);

#endif
