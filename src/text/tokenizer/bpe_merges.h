/* The table of merges: shared by reading and encoding. */
#ifndef TOKENIZER_BPE_MERGES_H
#define TOKENIZER_BPE_MERGES_H

#include "tokenizer/bpe.h"

enum { SHORT_WORD = 32, MARKER_LENGTH = 3 };
#define MARKER "\xE2\x96\x81" /* U+2581, the space of SentencePiece */

static inline size_t bpe_slot(const bpe *b, uint64_t pair) {
    uint64_t hash = pair * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(hash ^ hash >> 32) & (b->capacity - 1);
}

/* Fills the table from the list of a tokenizer.json; the vocabulary has been read. */
bool bpe_read_merges(bpe *b, const part *list, json_reader *r);

/* The merge of two tokens, or NULL. */
static inline const merge *bpe_find_merge(const bpe *b, int32_t left, int32_t right) {
    uint64_t pair = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    for (size_t i = bpe_slot(b, pair);; i = (i + 1) & (b->capacity - 1)) {
        if (b->merges[i].pair == pair) return &b->merges[i];
        if (b->merges[i].pair == NO_PAIR) return NULL;
    }
}

#endif
