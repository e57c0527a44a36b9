/* Added tokens: strings that are found in the text before the model sees it. */
#ifndef TOKENIZER_ADDED_H
#define TOKENIZER_ADDED_H

#include "tokenizer/normalizer.h"
#include "tokenizer/vocabulary.h"

typedef struct {
    int32_t id;
    bool single_word, left, right, normalized, special; /* left, right: takes the white space on that side along */
} added_token;

/* A tree of the tokens' bytes; node 0 is the root. */
typedef struct {
    int32_t child, sibling; /* 0 for none */
    int32_t found;          /* index of the token that ends here, or -1 */
    unsigned char byte;
} trie_node;

typedef struct {
    VECTOR(trie_node) nodes;
    int32_t first[256]; /* children of the root */
} trie;

typedef struct {
    VECTOR(added_token) tokens;
    int64_t greatest;       /* of their ids; -1 if there are none */
    size_t model_size;      /* tokens of the model */
    trie plain, normalized; /* for the text as it came, and for the text after the normalizer */
} added_tokens;

/* Reads "added_tokens"; the model's vocabulary is complete and gains those tokens that it lacks. */
bool added_read(added_tokens *a, vocabulary *v, const normalizer *n, const part *list);
/* Adds one more token; `place` is what messages name. One that is among the first `settled` added tokens stays as it
   is, another that is there already gets these flags. */
bool added_extend(added_tokens *a, vocabulary *v, const normalizer *n, const part *place, const char *content,
                  size_t length, const added_token *token, size_t settled);
/* Reads the flags of a token from its JSON object. */
bool added_read_flags(const part *p, added_token *token);
void added_free(added_tokens *a);

typedef struct {
    size_t start, end;
    int32_t id; /* NO_TOKEN for text between added tokens */
} segment;
typedef VECTOR(segment) segments;

/* Cuts s[0..length) at the added tokens of one trie, leftmost first and the longest of those that begin there. */
bool added_find(const added_tokens *a, const trie *t, const char *s, size_t length, segments *out);

#endif
