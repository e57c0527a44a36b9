/* tekken.json, Mistral's vocabulary: bytes of tokens in base64 by rank, the pattern that cuts the text, special tokens.
 */
#ifndef TOKENIZER_TEKKEN_H
#define TOKENIZER_TEKKEN_H

#include "tokenizer/part.h"
#include "tokenizer/vocabulary.h"

typedef struct {
    const char *pattern;
    size_t pattern_length;
    vocabulary tokens, specials; /* bytes by rank; the id of a token is its rank behind those of the special tokens */
} tekken;

/* Reads the parsed file into t, which is zeroed; the reader stands for its "vocab". */
bool tekken_read(tekken *t, const part *file, json_reader *vocab);
void tekken_free(tekken *t);

#endif
