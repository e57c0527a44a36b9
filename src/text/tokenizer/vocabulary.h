/* Tokens and ids, both ways. */
#ifndef TOKENIZER_VOCABULARY_H
#define TOKENIZER_VOCABULARY_H

#include "base/arena.h"
#include "base/vector.h"

enum { TOKEN_LIMIT = 1 << 24, NO_TOKEN = -1 };

typedef struct {
    const char *bytes;
    size_t length;
} token_text;

typedef struct {
    const char *bytes; /* NULL for an id that is no token; ends with a NUL that length does not count */
    uint32_t length;
    uint16_t flags;            /* tarn_token_flags */
    bool outside_model;        /* an added token that the model does not have */
    const token_text *decoded; /* what the decoders get in its place; NULL for the token itself */
} vocabulary_entry;

/* Has the token's bytes beside its id, so that a look-up touches two lines of memory: the slot's and theirs. */
typedef struct {
    uint32_t hash; /* of the token */
    int32_t id;    /* NO_TOKEN for an empty slot */
    const char *bytes;
} vocabulary_slot;

/* Ids are found by a table with open addressing; the tokens' bytes stand in one arena, each token's behind their number
 * (uint32_t). */
typedef struct {
    vocabulary_slot *slots;
    size_t capacity;                 /* of the table: a power of two, or 0 */
    VECTOR(vocabulary_entry) tokens; /* by id */
    size_t count;                    /* ids in use */
    arena bytes;
} vocabulary;

/* Makes room for about so many tokens. */
bool vocabulary_reserve(vocabulary *v, size_t count);
/* id is below TOKEN_LIMIT. False with the error set if there is no memory, and without an error if the id or the token
 * is taken. */
bool vocabulary_add(vocabulary *v, const char *bytes, size_t length, int32_t id);
/* Sets what the decoders get in place of a token. */
bool vocabulary_set_decoded(vocabulary *v, int32_t id, const char *bytes, size_t length);
int32_t vocabulary_id(const vocabulary *v, const char *bytes, size_t length);
/* For who looks up many tokens of a large vocabulary, which is in no cache: the hash first, by which the slot is
   fetched and then, once that is there, the bytes to compare; looked up meanwhile is something else. */
uint32_t vocabulary_hash(const char *bytes, size_t length);
void vocabulary_fetch_slot(const vocabulary *v, uint32_t hash);
void vocabulary_fetch_bytes(const vocabulary *v, uint32_t hash);
int32_t vocabulary_find(const vocabulary *v, uint32_t hash, const char *bytes, size_t length);
bool vocabulary_add_hashed(vocabulary *v, uint32_t hash, const char *bytes, size_t length, int32_t id);
/* As vocabulary_id, but only of tokens that the model has. */
int32_t vocabulary_model_id(const vocabulary *v, const char *bytes, size_t length);
/* NULL for an id that is no token. */
const vocabulary_entry *vocabulary_token(const vocabulary *v, int32_t id);
void vocabulary_free(vocabulary *v);

#endif
