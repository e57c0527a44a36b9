/* Some tokens of a JSON text, on their way to the vocabulary: hashed, their slots fetched. */
#ifndef TOKENIZER_TOKEN_BATCH_H
#define TOKENIZER_TOKEN_BATCH_H

#include "base/json_reader.h"
#include "tokenizer/vocabulary.h"

enum { MOST_BATCHED = 64 };

typedef struct {
    const char *bytes;
    size_t length;
    uint32_t hash;
} batch_token;

typedef struct {
    batch_token tokens[MOST_BATCHED];
    size_t count;
    arena copies; /* of those that the reader does not keep */
} token_batch;

/* Bytes that lie in the reader's text stay; those of a string with escapes are copied. */
static inline bool batch_add(token_batch *b, const vocabulary *v, const json_reader *r, const char *bytes,
                             size_t length) {
    if (r->escaped) {
        char *copy = arena_take(&b->copies, length + 1);
        if (!copy) return false;
        memcpy(copy, bytes, length);
        bytes = copy;
    }
    batch_token *token = &b->tokens[b->count++];
    *token = (batch_token){bytes, length, vocabulary_hash(bytes, length)};
    vocabulary_fetch_slot(v, token->hash);
    return true;
}

static inline void batch_clear(token_batch *b) {
    b->count = 0;
    if (b->copies.blocks) arena_reset(&b->copies);
}

static inline void batch_free(token_batch *b) {
    arena_free(&b->copies);
}

#endif
