/* Pre-tokenizers: steps that cut text into the pieces that the model sees. */
#ifndef TOKENIZER_PRETOKENIZER_H
#define TOKENIZER_PRETOKENIZER_H

#include "tokenizer/split.h"

/* Text on its way through the steps. */
typedef struct {
    text now, next;
    ranges pieces, next_pieces; /* of now and of next; never empty ones */
    ranges matches;
    size_t zero; /* as in `working` */
} cutting;

bool cutting_set(cutting *c, const char *s, size_t length, size_t zero);
void cutting_free(cutting *c);

typedef struct cut_step {
    bool (*apply)(const struct cut_step *step, cutting *c);
    regex *pattern; /* or */
    bool (*matches)(const struct cut_step *step, uint32_t character);
    size_t length;      /* characters of a piece */
    uint32_t character; /* the delimiter, the replacement of a space */
    split_behavior behavior;
    bool invert, add_prefix_space, split;
    prepend_scheme prepend;
} cut_step;

typedef VECTOR(cut_step) pretokenizer;

/* Reads a pre-tokenizer, or nothing from a null; a Sequence becomes its steps. */
bool pretokenizer_read(pretokenizer *t, const part *p);
bool pretokenizer_apply(const pretokenizer *t, cutting *c);
void pretokenizer_free(pretokenizer *t);

#endif
