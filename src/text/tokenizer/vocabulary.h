/* Tokens and ids, both ways. */
#ifndef TOKENIZER_VOCABULARY_H
#define TOKENIZER_VOCABULARY_H

#include "base/map.h"
#include "base/vector.h"

enum { TOKEN_LIMIT = 1 << 24, NO_TOKEN = -1 };

typedef struct {
    char *bytes; /* NULL for an id that is no token; ends with a NUL that length does not count */
    size_t length;
    int flags;          /* tarn_token_flags */
    bool outside_model; /* an added token that the model does not have */
    char *decoded;      /* what the decoders get in its place; NULL for the token itself */
    size_t decoded_length;
} vocabulary_entry;

typedef struct {
    map *ids;
    VECTOR(vocabulary_entry) tokens; /* by id */
    size_t count;                    /* ids in use */
} vocabulary;

bool vocabulary_init(vocabulary *v);
/* id is below TOKEN_LIMIT. False with the error set if there is no memory, and without an error if the id or the token is taken. */
bool vocabulary_add(vocabulary *v, const char *bytes, size_t length, int32_t id);
int32_t vocabulary_id(const vocabulary *v, const char *bytes, size_t length);
/* The same, but only of tokens that the model has. */
int32_t vocabulary_model_id(const vocabulary *v, const char *bytes, size_t length);
/* NULL for an id that is no token. */
const vocabulary_entry *vocabulary_token(const vocabulary *v, int32_t id);
void vocabulary_free(vocabulary *v);

#endif
