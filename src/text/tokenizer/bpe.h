/* Byte-pair encoding: the model of a tokenizer.json. One piece of text in, its tokens out. */
#ifndef TOKENIZER_BPE_H
#define TOKENIZER_BPE_H

#include "tokenizer/part.h"
#include "tokenizer/vocabulary.h"

typedef VECTOR(int32_t) token_ids;

typedef struct {
    uint64_t pair; /* left id << 32 | right id; NO_PAIR for an empty slot */
    uint32_t rank;
    int32_t id; /* of the merged token */
} merge;

#define NO_PAIR UINT64_MAX
enum { DIRECT = 0x400 }; /* characters whose ids are in a plain table */

typedef struct {
    const vocabulary *tokens;
    merge *merges; /* open addressing; capacity is a power of two */
    size_t capacity, count;
    char *prefix, *suffix; /* of tokens inside of a word and at its end; NULL if none */
    size_t prefix_length, suffix_length;
    char *unknown; /* the unk_token; NULL if none */
    size_t unknown_length;
    bool fuse_unknown, byte_fallback, ignore_merges;
    bool separable; /* no merge reaches over a place where U+2581 follows another character, so that words can be
                       encoded one by one */
    int32_t direct[DIRECT], bytes[256]; /* ids of plain characters and of <0xNN>, or NO_TOKEN */
} bpe;

/* Reads the model, its vocabulary into `tokens`. "vocab" and "merges" come from readers of their own. */
bool bpe_read(bpe *b, vocabulary *tokens, const part *model, json_reader *vocab, json_reader *merges);
void bpe_free(bpe *b);

typedef struct {
    int32_t id, previous, next; /* neighbours by index, -1 at the ends; id NO_TOKEN once merged away */
} symbol;

typedef struct {
    uint64_t order; /* rank << 32 | position: the least comes first */
    int32_t id;
} candidate;

/* Memory that encoding reuses from piece to piece; starts zeroed. */
typedef struct {
    VECTOR(symbol) symbols;
    VECTOR(candidate) queue;
    text scratch;
} bpe_work;

void bpe_work_free(bpe_work *work);

/* Appends the ids of s[0..length), valid UTF-8 of less than 2^31 bytes. O(n log n), however long the piece. */
bool bpe_encode(const bpe *b, bpe_work *work, const char *s, size_t length, token_ids *out);

#endif
